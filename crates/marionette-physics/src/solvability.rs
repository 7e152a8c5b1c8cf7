//! The solvability rule: a sample that nobody could label is rejected, counted and tried again.

use super::{
    contact::{deeper_in_prop, floating},
    world::{Owner, SceneWorld},
};
use glam::Vec3;
use marionette_figure::{DEEPEST, Figure, RoundCone, Support, lowest_point, penetration};
use marionette_stream::{FigureSample, PropRole, PropShape, Rejection, SceneSample, image_box};
use std::sync::Arc;

/// Least share of a figure's keypoints inside the image: 5 of a human's 17.
const LEAST_IN_FRAME: f32 = 0.3;
/// Least share of a figure's keypoints that are inside the image and that nothing covers: 3 of 17.
const LEAST_UNCOVERED: f32 = 0.18;
/// Least height of the figure's box, as a share of the image side.
const LEAST_HEIGHT: f32 = 0.3;
/// Greatest distance of a figure as large as a human from what carries it, metres.
const FARTHEST: f32 = 0.03;
/// Least mean brightness of the figure, sRGB.
const LEAST_BRIGHTNESS: f32 = 0.06;
/// Most mean brightness of the figure, sRGB.
const MOST_BRIGHTNESS: f32 = 0.98;
/// Least distance between the figure's and the backdrop's mean colours, sRGB.
const LEAST_CONTRAST: f32 = 0.03;
/// After so many rejections of one sample, the scene file asks for something impossible.
pub const MOST_ATTEMPTS: u32 = 500;

/// A sample of a scene cannot be made solvable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "sample {index} was tried {MOST_ATTEMPTS} times and never solvable, mostly because {reason}; \
     lower the reach of the hardness axes in the scene file"
)]
pub struct Unsolvable {
    /// The sample.
    pub index: u64,
    /// The commonest reason.
    pub reason: Rejection,
}

impl Unsolvable {
    /// Of sample `index`, of which all attempts were rejected.
    pub fn new(index: u64, rejections: &[Rejection]) -> Self {
        let count = |reason: &Rejection| rejections.iter().filter(|r| *r == reason).count();
        let reason = rejections.iter().copied().max_by_key(count).unwrap_or(Rejection::Covered);
        Unsolvable { index, reason }
    }
}

/// Judges samples of one figure.
pub struct Solvability {
    figure: Arc<Figure>,
    least_in_frame: usize,
    least_uncovered: usize,
}

impl Solvability {
    /// A judge of samples that show `figure`.
    pub fn new(figure: Arc<Figure>) -> Self {
        let keypoints = figure.keypoints.len();
        let least = |share: f32| ((share * keypoints as f32).round() as usize).max(1);
        Solvability {
            least_in_frame: least(LEAST_IN_FRAME),
            least_uncovered: least(LEAST_UNCOVERED),
            figure,
        }
    }

    /// Calls `sample_at(attempt)` with 0, 1, 2, ... until a sample is solvable. The reasons for the
    /// rejections are kept in the sample.
    ///
    /// # Errors
    /// If [`MOST_ATTEMPTS`] attempts in a row were rejected: the sample's index and the most common
    /// reason.
    pub fn first_solvable(
        &self,
        index: u64,
        sample_at: impl Fn(u32) -> SceneSample,
    ) -> Result<SceneSample, Unsolvable> {
        let mut rejections = Vec::new();
        for attempt in 0..MOST_ATTEMPTS {
            let mut sample = sample_at(attempt);
            match self.judge(&mut sample) {
                Ok(()) => {
                    sample.rejections = rejections;
                    return Ok(sample);
                }
                Err(rejection) => rejections.push(rejection),
            }
        }
        Err(Unsolvable::new(index, &rejections))
    }

    /// Judges an attempt at a sample, without physics first. Its props come to rest.
    ///
    /// # Errors
    /// The first reason found to reject it.
    pub fn judge(&self, sample: &mut SceneSample) -> Result<(), Rejection> {
        self.judge_sampled(sample)?;
        self.judge_settled(sample)
    }

    /// Judges what needs no physics: bodies, framing, light.
    ///
    /// # Errors
    /// The first reason found to reject the sample.
    pub fn judge_sampled(&self, sample: &SceneSample) -> Result<(), Rejection> {
        let primary = &sample.figures[0];
        if let Some(fault) = primary.fault {
            return Err(fault);
        }
        if self.figure.goes_through_itself(&primary.flesh, 0.0) {
            return Err(Rejection::SelfPenetration);
        }
        if self.in_ground(primary) || self.in_support(sample) {
            return Err(Rejection::SupportPenetration);
        }
        if floating(&self.figure, primary, &sample.props) > FARTHEST * self.figure.stature {
            return Err(Rejection::Floating);
        }
        for other in &sample.figures[1..] {
            let through =
                |part| primary.flesh.iter().any(|own| penetration(own, part) > self.deepest());
            if other.flesh.iter().any(through) {
                return Err(Rejection::FiguresPenetrate);
            }
        }
        if in_frame(sample).count() < self.least_in_frame {
            return Err(Rejection::OutOfFrame);
        }
        let [low, high] = image_box(&sample.camera, &primary.parts);
        if (high - low).max_element()
            < LEAST_HEIGHT * sample.camera.height.min(sample.camera.width) as f32
        {
            return Err(Rejection::TooSmall);
        }
        let (figure_color, backdrop_color) = expected_colors(sample);
        if !(LEAST_BRIGHTNESS..=MOST_BRIGHTNESS).contains(&(figure_color.element_sum() / 3.0)) {
            return Err(Rejection::BadLight);
        }
        if figure_color.distance(backdrop_color) < LEAST_CONTRAST {
            return Err(Rejection::NoContrast);
        }
        Ok(())
    }

    /// Deepest that a figure may be inside another thing, metres.
    fn deepest(&self) -> f32 {
        DEEPEST * self.figure.stature
    }

    /// Whether part `part` of a figure may be inside what carries it: it is bolted down there.
    fn bolted(&self, figure: &FigureSample, part: usize) -> bool {
        self.figure.poses[figure.family].support == Support::Fixed
            && self.figure.rigid(self.figure.parts[part].bone)
    }

    /// Whether a figure is too deep inside the ground.
    fn in_ground(&self, figure: &FigureSample) -> bool {
        let loose = (0..figure.flesh.len()).filter(|part| !self.bolted(figure, *part));
        loose.map(|part| lowest_point(&figure.flesh[part..=part])).fold(0.0, f32::min)
            < -self.deepest()
    }

    /// Whether a figure is too deep inside a fixed prop. Parts of bones that grip may be inside a
    /// bar and inside held things, because hands close around them.
    fn in_support(&self, sample: &SceneSample) -> bool {
        let grips = |part: usize| self.figure.bones[self.figure.parts[part].bone].grip.is_some();
        sample.props.iter().filter(|prop| prop.fixed()).any(|prop| {
            let gripped =
                prop.role == PropRole::Held || matches!(prop.shape, PropShape::Capsule { .. });
            let carries = prop.role == PropRole::Support;
            let through = |figure: &FigureSample, (index, part): (usize, &RoundCone)| {
                let may_be_in =
                    (gripped && grips(index)) || (carries && self.bolted(figure, index));
                !may_be_in && deeper_in_prop(part, prop, self.deepest())
            };
            sample
                .figures
                .iter()
                .any(|figure| figure.flesh.iter().enumerate().any(|part| through(figure, part)))
        })
    }

    /// Drops the props and judges what of the figure can still be seen.
    ///
    /// # Errors
    /// The first reason found to reject the sample.
    pub fn judge_settled(&self, sample: &mut SceneSample) -> Result<(), Rejection> {
        let stature = self.figure.stature;
        let mut world = SceneWorld::new(sample, stature);
        let settled = world.settle(&mut sample.props);
        let loose = sample.props.iter().any(|prop| !prop.fixed());
        if !settled || (loose && !SceneWorld::new(sample, stature).rests()) {
            return Err(Rejection::Unsettled);
        }
        let eye = sample.camera.eye();
        let uncovered = in_frame(sample).filter(|&k| {
            let figure = &*self.figure;
            let keypoint = &figure.keypoints[k];
            world.between(eye, sample.figures[0].keypoints[k]).iter().all(|(owner, short)| {
                match owner {
                    Owner::Part { figure: 0, part }
                        if keypoint.own_groups.contains(&figure.parts[*part].group) =>
                    {
                        true
                    }
                    _ => *short <= keypoint.surface_radius,
                }
            })
        });
        if uncovered.count() < self.least_uncovered {
            return Err(Rejection::Covered);
        }
        Ok(())
    }
}

/// Indices of the keypoints inside the image.
fn in_frame(sample: &SceneSample) -> impl Iterator<Item = usize> {
    sample.figures[0].keypoints.iter().enumerate().filter_map(|(k, world)| {
        let projection = sample.camera.project(*world);
        (projection.depth > 0.0 && sample.shows(projection.pixel)).then_some(k)
    })
}

/// Rough sRGB colours of the figure and of the background, from the light and the materials alone.
fn expected_colors(sample: &SceneSample) -> (Vec3, Vec3) {
    let falls = sample.light.mean() * sample.light.exposure;
    let encoded = |albedo: Vec3| (albedo * falls).clamp(Vec3::ZERO, Vec3::ONE).powf(1.0 / 2.2);
    let colors = &sample.figures[0].part_colors;
    let figure = colors.iter().sum::<Vec3>() / colors.len().max(1) as f32;
    let backdrop = sample.backdrop.colors.iter().sum::<Vec3>() / 3.0;
    (encoded(figure), encoded(backdrop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ragdoll;
    use glam::FloatExt;
    use marionette_scene::{Sampler, embedded_scenes, load_scene};

    #[test]
    fn every_scene_that_comes_with_the_program_can_be_sampled_at_every_hardness() {
        for name in embedded_scenes() {
            let scene = load_scene(name).unwrap();
            let judge = Solvability::new(scene.figure.clone());
            let mut attempts = 0;
            for index in 0..40 {
                let hardness = [(index % 5) as f32 / 4.0; 8];
                let sample = judge
                    .first_solvable(index, |attempt| {
                        Sampler::new(&scene, ragdoll::settled)
                            .sample_at(hardness, 1, index, attempt)
                    })
                    .unwrap();
                attempts += sample.attempt + 1;
            }
            assert!(attempts < 40 * 30, "{name}: {attempts} attempts for 40 samples");
            println!("{name}: {:.1} attempts a sample", attempts as f32 / 40.0);
        }
    }

    /// Spheres strung along a part, close enough for depths to be exact to a millimetre or two.
    fn beads(part: &RoundCone) -> Vec<(Vec3, f32)> {
        let at = |i: u32| i as f32 / 31.0;
        (0..32)
            .map(|i| {
                (part.ends[0].lerp(part.ends[1], at(i)), part.radii[0].lerp(part.radii[1], at(i)))
            })
            .collect()
    }

    /// How far a point is from the surface of a fixed prop, computed by rapier and not as the judge
    /// does.
    fn from_prop(prop: &marionette_stream::Prop, point: Vec3) -> f32 {
        use bevy_rapier3d::{parry::query::PointQuery, rapier::prelude::*};
        let pose = Pose::from_parts(prop.position, prop.rotation);
        match prop.shape {
            PropShape::Ball { radius } => Ball::new(radius).distance_to_point(&pose, point, false),
            PropShape::Capsule { half_length, radius } => {
                Capsule::new_y(half_length, radius).distance_to_point(&pose, point, false)
            }
            PropShape::Cuboid { half_extents } => {
                Cuboid::new(half_extents).distance_to_point(&pose, point, false)
            }
        }
    }

    #[test]
    fn next_to_no_figure_floats_or_goes_through_itself_the_ground_or_what_carries_it() {
        const SAMPLES: u64 = 300;
        let scene = load_scene("all").unwrap();
        let judge = Solvability::new(scene.figure.clone());
        let (mut attempts, mut deep, mut afloat) = (0, 0, 0);
        for index in 0..SAMPLES {
            let hardness = [(index % 11) as f32 / 10.0; 8];
            let sample = judge
                .first_solvable(index, |attempt| {
                    Sampler::new(&scene, ragdoll::settled).sample_at(hardness, 5, index, attempt)
                })
                .unwrap();
            attempts += sample.attempt + 1;
            let figure = &sample.figures[0];
            let support = scene.figure.poses[figure.family].support;
            let beads: Vec<_> = figure.flesh.iter().map(beads).collect();
            let all = || beads.iter().flatten();
            let through_limb = scene.figure.limb_pairs.iter().any(|pair| {
                let ([i, j], deepest) = (&pair.parts, pair.deepest);
                let reach = |k: usize| figure.flesh[k].bounding_sphere();
                let ((a, ra), (b, rb)) = (reach(*i), reach(*j));
                a.distance(b) < ra + rb
                    && beads[*i].iter().any(|(a, ra)| {
                        beads[*j].iter().any(|(b, rb)| ra + rb - a.distance(*b) > deepest)
                    })
            });
            let through_ground = all().any(|(centre, radius)| radius - centre.y > 0.02);
            let supports = || sample.props.iter().filter(|prop| prop.role == PropRole::Support);
            let fixed = |held: bool| {
                sample
                    .props
                    .iter()
                    .filter(move |prop| prop.fixed() && !(held && prop.role == PropRole::Held))
            };
            let hand =
                |part: usize| scene.figure.bones[scene.figure.parts[part].bone].grip.is_some();
            let through_support = beads.iter().enumerate().any(|(part, beads)| {
                let on_bar = hand(part) && matches!(support, Support::Bar(_));
                let through = |(centre, radius): &(Vec3, f32)| {
                    fixed(hand(part)).any(|prop| radius - from_prop(prop, *centre) > 0.02)
                };
                !on_bar && beads.iter().any(through)
            });
            deep += u64::from(through_limb || through_ground || through_support);
            let gap = all()
                .map(|(centre, radius)| {
                    supports().map(|prop| from_prop(prop, *centre)).fold(centre.y, f32::min)
                        - radius
                })
                .fold(f32::INFINITY, f32::min);
            afloat += u64::from(gap > 0.03 && !matches!(support, Support::Air(_)));
        }
        println!(
            "{deep} deep, {afloat} afloat of {SAMPLES}; {:.2} attempts a sample",
            attempts as f32 / SAMPLES as f32
        );
        assert!(
            deep * 100 < SAMPLES && afloat * 100 < SAMPLES,
            "{deep} deep, {afloat} afloat of {SAMPLES}"
        );
    }
}
