//! Samples for the stage: enlarged, seen from another view, sampled again with one axis at zero;
//! and their colliders as lines.

use glam::{Affine3A, Quat, Vec2, Vec3};
use marionette_figure::RoundCone;
use marionette_physics::Solvability;
use marionette_render::sampler;
use marionette_scene::Scene;
use marionette_stream::{AXES, Camera, Hardness, PropShape, SceneSample};

/// The stage's view of a sample, relative to the sample's own camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Turn around the figure's upright axis, radians.
    pub yaw: f32,
    /// Turn up or down, radians.
    pub pitch: f32,
    /// Zoom: 2 halves the distance to the figure.
    pub zoom: f32,
    /// Shift of the picture, as a share of its sides.
    pub pan: Vec2,
}

impl Default for View {
    fn default() -> Self {
        View { yaw: 0.0, pitch: 0.0, zoom: 1.0, pan: Vec2::ZERO }
    }
}

/// `sample` at another image size. Everything that is measured in pixels grows with it.
pub fn scaled(sample: &SceneSample, size: [u32; 2]) -> SceneSample {
    let mut scaled = sample.clone();
    let factor = size[1] as f32 / sample.camera.height.max(1) as f32;
    let camera = &mut scaled.camera;
    [camera.width, camera.height] = size;
    camera.focal *= factor;
    camera.centre *= factor;
    scaled.border = sample.border.map(|edge| (edge as f32 * factor).round() as u32);
    let degradation = &mut scaled.degradation;
    degradation.blur *= factor;
    degradation.aperture *= factor;
    degradation.motion *= factor;
    degradation.block = ((degradation.block as f32 * factor).round() as u32).max(1);
    scaled
}

/// `sample` as seen from `view`.
pub fn viewed(sample: &SceneSample, view: &View) -> SceneSample {
    let mut seen = sample.clone();
    if *view == View::default() {
        return seen;
    }
    let keypoints = &sample.figures[0].keypoints;
    let middle = keypoints.iter().sum::<Vec3>() / keypoints.len().max(1) as f32;
    let [right, ..] = sample.camera.axes();
    let turn = Quat::from_rotation_y(view.yaw) * Quat::from_axis_angle(right, view.pitch);
    let around = Affine3A::from_translation(middle)
        * Affine3A::from_quat(turn)
        * Affine3A::from_translation(-middle);
    let mut world_from_camera = around * sample.camera.camera_from_world.inverse();
    let eye = Vec3::from(world_from_camera.translation);
    let mut nearer = middle + (eye - middle) / view.zoom.clamp(0.2, 8.0);
    // Not below the ground.
    nearer.y = nearer.y.max(0.05);
    world_from_camera.translation = nearer.into();
    let camera = &mut seen.camera;
    camera.camera_from_world = world_from_camera.inverse();
    camera.centre += view.pan * Vec2::new(camera.width as f32, camera.height as f32);
    // The photograph's edge belongs to the photograph's own view.
    seen.border = [0, 0, camera.width, camera.height];
    seen
}

/// The sample `index` at a hardness that the user has set.
///
/// # Errors
/// Where no attempt gives a solvable scene.
pub fn posed(
    scene: &Scene,
    judge: &Solvability,
    seed: u64,
    index: u64,
    hardness: Hardness,
) -> Result<SceneSample, String> {
    judge
        .first_solvable(index, |attempt| sampler(scene).sample_at(hardness, seed, index, attempt))
        .map_err(|unsolvable| unsolvable.to_string())
}

/// `sample` of the run with `seed` once more, with the same random values but at another hardness.
pub fn resampled(
    scene: &Scene,
    judge: &Solvability,
    seed: u64,
    sample: &SceneSample,
    hardness: Hardness,
) -> SceneSample {
    let mut again = sampler(scene).sample_at(hardness, seed, sample.index, sample.attempt);
    // It is shown whether or not it could be trained on.
    let _ = judge.judge_settled(&mut again);
    again
}

/// For every axis: `hardness` with that axis at zero.
pub fn each_axis_at_zero(hardness: Hardness) -> [Hardness; AXES] {
    std::array::from_fn(|axis| {
        let mut without = hardness;
        without[axis] = 0.0;
        without
    })
}

/// The colliders of a sample as lines in its image, pixels: a capsule for every part, a shape for
/// every prop. The physics and the visibility rays use these bodies.
pub fn colliders(sample: &SceneSample) -> Vec<Vec<Vec2>> {
    let camera = &sample.camera;
    let parts = sample.figures.iter().flat_map(|figure| &figure.parts);
    let mut lines: Vec<Vec<Vec2>> =
        parts.flat_map(|part| capsule(camera, part.ends, mean_radius(part))).collect();
    for prop in &sample.props {
        match prop.shape {
            PropShape::Ball { radius } => lines.extend(circle(camera, prop.position, radius)),
            PropShape::Capsule { half_length, radius } => {
                let half = prop.rotation * Vec3::Y * half_length;
                lines.extend(capsule(camera, [prop.position - half, prop.position + half], radius));
            }
            PropShape::Cuboid { half_extents } => {
                let corner = |i: u32| {
                    let sign = |bit: u32| if i >> bit & 1 == 1 { 1.0 } else { -1.0 };
                    prop.position
                        + prop.rotation * (half_extents * Vec3::new(sign(0), sign(1), sign(2)))
                };
                let edges = (0..8u32).flat_map(|a| {
                    [1, 2, 4].map(|bit| (a, a | bit)).into_iter().filter(move |(_, b)| *b != a)
                });
                lines.extend(edges.filter_map(|(a, b)| projected(camera, &[corner(a), corner(b)])));
            }
        }
    }
    lines
}

/// The radius of a part's capsule, the same as in the physics.
fn mean_radius(part: &RoundCone) -> f32 {
    0.5 * (part.radii[0] + part.radii[1])
}

fn projected(camera: &Camera, points: &[Vec3]) -> Option<Vec<Vec2>> {
    let seen = points.iter().map(|point| camera.project(*point));
    seen.map(|seen| (seen.depth > Camera::NEAR && seen.pixel.is_finite()).then_some(seen.pixel))
        .collect()
}

fn circle(camera: &Camera, centre: Vec3, radius: f32) -> Option<Vec<Vec2>> {
    let [right, down, _] = camera.axes();
    let at = |i: u32| {
        let (sin, cos) = (i as f32 / 12.0 * std::f32::consts::TAU).sin_cos();
        centre + (right * cos + down * sin) * radius
    };
    projected(camera, &(0..=12).map(at).collect::<Vec<_>>())
}

fn capsule(camera: &Camera, ends: [Vec3; 2], radius: f32) -> Vec<Vec<Vec2>> {
    let mut lines: Vec<Vec<Vec2>> =
        ends.iter().filter_map(|end| circle(camera, *end, radius)).collect();
    let side = (ends[1] - ends[0]).cross(camera.axes()[2]).normalize_or_zero() * radius;
    if side != Vec3::ZERO {
        lines.extend(
            [side, -side]
                .iter()
                .filter_map(|side| projected(camera, &[ends[0] + side, ends[1] + side])),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_scene::load_scene;

    #[test]
    fn an_enlarged_sample_shows_the_same_and_a_resampled_one_is_the_same() {
        let scene = load_scene("quickstart").unwrap();
        let judge = Solvability::new(scene.figure.clone());
        let sample = posed(&scene, &judge, 1, 5, [0.5; AXES]).unwrap();
        let large = scaled(&sample, [256, 256]);
        for point in &sample.figures[0].keypoints {
            let (small, large) =
                (sample.camera.project(*point).pixel, large.camera.project(*point).pixel);
            assert!((small * 4.0).distance(large) < 1e-2, "{small} {large}");
        }
        assert_eq!(scaled(&large, [64, 64]).camera, sample.camera);
        let again = resampled(&scene, &judge, 1, &sample, sample.hardness);
        assert_eq!(
            (again.figures, again.props, again.camera),
            (sample.figures.clone(), sample.props.clone(), sample.camera)
        );
        assert_eq!(each_axis_at_zero(sample.hardness)[3], [0.5, 0.5, 0.5, 0.0, 0.5, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn a_figure_stays_in_the_middle_of_every_view() {
        let scene = load_scene("quickstart").unwrap();
        let judge = Solvability::new(scene.figure.clone());
        let sample = posed(&scene, &judge, 1, 2, [0.0; AXES]).unwrap();
        let keypoints = &sample.figures[0].keypoints;
        let middle = keypoints.iter().sum::<Vec3>() / keypoints.len() as f32;
        let before = sample.camera.project(middle).pixel;
        for view in [View { yaw: 2.0, ..View::default() }, View { zoom: 1.5, ..View::default() }] {
            let after = viewed(&sample, &view).camera.project(middle).pixel;
            assert!(before.distance(after) < 4.0, "{before} {after} {view:?}");
        }
        assert!(!colliders(&sample).is_empty());
    }
}
