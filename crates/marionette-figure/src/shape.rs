//! How bodies differ: a handful of scales per figure, sampled from a correlated distribution.
//!
//! A few traits move all scales together. In people these are youth, weight, frame and muscle: a
//! child is short and has a large head and short legs, a heavy body is thick in the trunk more than
//! in the forearms. The rest of the variation is independent for each scale. Which scales and
//! traits there are, and what follows them, is said in the figure file; a figure without any has
//! one body.

use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// How one scale of a body is distributed: `mean * exp(sum of trait * load + own * normal)`, kept
/// within `range`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleDistribution {
    /// Its name in the figure file.
    pub name: String,
    /// The middle.
    pub mean: f32,
    /// Lowest and highest value.
    pub range: [f32; 2],
    /// How youth moves its logarithm: 0 in a grown-up, 1 in the youngest.
    pub youth: f32,
    /// How each of [`ShapeDistribution::traits`] moves its logarithm.
    pub loads: Vec<f32>,
    /// Deviation of its logarithm that no trait explains.
    pub own: f32,
}

/// What the lengths and thicknesses of some bones follow, besides the overall size.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleGroup {
    /// Its name: the `scale` of a bone in the figure file.
    pub name: String,
    /// The scale of lengths, if they follow one.
    pub length: Option<usize>,
    /// The scale of the radii of parts, if they follow one.
    pub thickness: Option<usize>,
}

/// How the bodies of a figure are distributed, from the figure file's `[shape]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShapeDistribution {
    /// The share of figures that are not grown up; their youth is anywhere between 0 and 1.
    pub children: f32,
    /// Further traits, standard normals: `weight`, `frame` and `muscle` in a human.
    pub traits: Vec<String>,
    /// The scales; the other fields, bones and parts name them by index.
    pub scales: Vec<ScaleDistribution>,
    /// The scale that everything follows: overall size.
    pub size: Option<usize>,
    /// What bones follow.
    pub groups: Vec<ScaleGroup>,
}

/// The scales of one body, in the order of [`ShapeDistribution::scales`]. Those that are not there
/// are 1, which leaves the figure file's lengths as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BodyShape {
    scales: Vec<f32>,
}

impl BodyShape {
    /// The scale with this index; 1 for none.
    pub fn scale(&self, index: Option<usize>) -> f32 {
        index.and_then(|index| self.scales.get(index)).copied().unwrap_or(1.0)
    }
}

impl ShapeDistribution {
    /// Samples a body.
    pub fn sample(&self, rng: &mut impl Rng) -> BodyShape {
        let child = rng.random::<f32>() < self.children;
        let youth = rng.random::<f32>();
        let mut normal = || {
            let z: f32 = StandardNormal.sample(rng);
            z.clamp(-2.2, 2.2)
        };
        let youth = if child { youth } else { 0.0 };
        let traits: Vec<f32> = self.traits.iter().map(|_| normal()).collect();
        let scales = self.scales.iter().map(|scale| scale.at(youth, &traits, normal())).collect();
        BodyShape { scales }
    }

    /// The factor on all lengths and thicknesses of a body.
    pub fn size_of(&self, body: &BodyShape) -> f32 {
        body.scale(self.size)
    }

    /// The factor that lengths of bones of `group` are multiplied by.
    pub fn length_scale(&self, body: &BodyShape, group: Option<usize>) -> f32 {
        self.size_of(body) * body.scale(group.and_then(|group| self.groups[group].length))
    }

    /// The factor that the radii of parts on bones of `group` are multiplied by; `bulk` is the scale
    /// that a part's thickness follows besides.
    pub fn radius_scale(&self, body: &BodyShape, group: Option<usize>, bulk: Option<usize>) -> f32 {
        let thickness = group.and_then(|group| self.groups[group].thickness);
        self.size_of(body) * body.scale(thickness) * body.scale(bulk)
    }
}

impl ScaleDistribution {
    fn at(&self, youth: f32, traits: &[f32], own: f32) -> f32 {
        let moved = self
            .loads
            .iter()
            .zip(traits)
            .fold(self.youth * youth, |sum, (load, value)| sum + load * value);
        (self.mean * (moved + self.own * own).exp()).clamp(self.range[0], self.range[1])
    }
}
