//! How bodies differ: a dozen scales per figure, sampled from a correlated distribution.
//!
//! A few traits (youth, weight, frame, muscle) move all scales together, as in people. A child is
//! short and has a large head and short legs. A heavy body is thick in the trunk more than in the
//! forearms. The rest of the variation is independent for each scale.

use marionette_base::toml_file::exact;
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};
use serde::Deserialize;

/// How one scale of a body is distributed: `mean * exp(sum of trait * load + own * normal)`, kept
/// within `range`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleDistribution {
    /// The middle.
    pub mean: f32,
    /// Lowest and highest value.
    #[serde(deserialize_with = "exact")]
    pub range: [f32; 2],
    /// How youth moves its logarithm: 0 in an adult, 1 in a child of four.
    #[serde(default)]
    pub youth: f32,
    /// How weight moves its logarithm (a standard normal trait).
    #[serde(default)]
    pub weight: f32,
    /// How the frame moves its logarithm: positive for broad shoulders and narrow hips (a standard
    /// normal trait).
    #[serde(default)]
    pub frame: f32,
    /// How muscle moves its logarithm (a standard normal trait).
    #[serde(default)]
    pub muscle: f32,
    /// Deviation of its logarithm that no trait explains.
    #[serde(default)]
    pub own: f32,
}

macro_rules! body_scales {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How each scale of a body is distributed, from the figure file's `[shape]`.
        #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct ShapeDistribution {
            /// The share of figures that are not grown up.
            pub children: f32,
            $($(#[$doc])* pub $name: ScaleDistribution,)*
        }

        /// The scales of one body; 1 leaves the figure file's lengths as they are.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct BodyShape {
            $($(#[$doc])* pub $name: f32,)*
        }

        impl Default for BodyShape {
            fn default() -> Self {
                BodyShape { $($name: 1.0,)* }
            }
        }

        impl ShapeDistribution {
            /// The scales by name, for checks.
            pub fn named(&self) -> Vec<(&'static str, ScaleDistribution)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Samples a body.
            pub fn sample(&self, rng: &mut impl Rng) -> BodyShape {
                let child = rng.random::<f32>() < self.children;
                let youth = rng.random::<f32>();
                let mut normal = || {
                    let z: f32 = StandardNormal.sample(rng);
                    z.clamp(-2.2, 2.2)
                };
                let traits = Traits {
                    youth: if child { youth } else { 0.0 },
                    weight: normal(),
                    frame: normal(),
                    muscle: normal(),
                };
                BodyShape { $($name: self.$name.at(&traits, normal()),)* }
            }
        }
    };
}

body_scales! {
    /// Overall size.
    height,
    /// Trunk length beside the overall size.
    trunk,
    /// Arm length beside the overall size.
    arm,
    /// Leg length beside the overall size.
    leg,
    /// Head size beside the overall size.
    head,
    /// Thickness of trunk and neck.
    girth,
    /// Thickness of arms and legs.
    limbs,
    /// Width of chest and shoulders.
    shoulders,
    /// Width of pelvis and hips.
    hips,
    /// Thickness of the parts that grow with fat.
    belly,
    /// Thickness of the parts that grow with muscle.
    muscle,
}

struct Traits {
    youth: f32,
    weight: f32,
    frame: f32,
    muscle: f32,
}

impl ScaleDistribution {
    fn at(&self, traits: &Traits, own: f32) -> f32 {
        let Traits { youth, weight, frame, muscle } = traits;
        let moved =
            self.youth * youth + self.weight * weight + self.frame * frame + self.muscle * muscle;
        (self.mean * (moved + self.own * own).exp()).clamp(self.range[0], self.range[1])
    }
}

/// Which of a [`BodyShape`]'s scales a length follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleGroup {
    /// Trunk lengths.
    Trunk,
    /// Arm lengths.
    Arm,
    /// Leg lengths.
    Leg,
    /// Head size.
    Head,
}

/// Which scale the widths of a bone's surroundings follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WidthGroup {
    /// [`BodyShape::shoulders`].
    Shoulders,
    /// [`BodyShape::hips`].
    Hips,
}

/// What a part's thickness follows besides the body's girth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bulk {
    /// [`BodyShape::belly`].
    Belly,
    /// [`BodyShape::muscle`].
    Muscle,
}

impl BodyShape {
    /// The factor that lengths of `group` are multiplied by.
    pub fn length_scale(&self, group: ScaleGroup) -> f32 {
        self.height
            * match group {
                ScaleGroup::Trunk => self.trunk,
                ScaleGroup::Arm => self.arm,
                ScaleGroup::Leg => self.leg,
                ScaleGroup::Head => self.head,
            }
    }

    /// The factor that widths beside a bone of `group` are multiplied by, after
    /// [`BodyShape::length_scale`].
    pub fn width_scale(&self, group: Option<WidthGroup>) -> f32 {
        match group {
            None => 1.0,
            Some(WidthGroup::Shoulders) => self.shoulders,
            Some(WidthGroup::Hips) => self.hips,
        }
    }

    /// The factor that the radii of parts on bones of `group` are multiplied by.
    pub fn radius_scale(&self, group: ScaleGroup, bulk: Option<Bulk>) -> f32 {
        let thickness = match group {
            ScaleGroup::Head => self.head,
            ScaleGroup::Trunk => self.girth,
            ScaleGroup::Arm | ScaleGroup::Leg => self.limbs,
        };
        let bulk = match bulk {
            None => 1.0,
            Some(Bulk::Belly) => self.belly,
            Some(Bulk::Muscle) => self.muscle,
        };
        self.height * thickness * bulk
    }
}
