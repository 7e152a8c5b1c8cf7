//! Where the camera stands.

use super::sampling::Sampling;
use glam::{Vec2, Vec3};
use marionette_figure::RoundCone;
use marionette_stream::{Backdrop, BackdropKind, Camera, FigureSample, image_box};
use rand::Rng;

/// Farthest that the camera stands from a figure as large as a human, metres.
const FARTHEST: f32 = 60.0;

/// Places the camera so that the figure fills the wanted share of the image at the wanted place.
pub(super) fn camera(
    sampling: &mut Sampling,
    parts: &[RoundCone],
    view_hardness: f32,
    truncation_hardness: f32,
) -> Camera {
    let scene = sampling.scene;
    let (view, framing) = (&scene.randomizers.view, &scene.randomizers.truncation);
    let stature = scene.figure.stature;
    let farthest = FARTHEST * stature;
    let mut rng = sampling.stream("view");
    let azimuth = sampling
        .sample("view.azimuth_deg", &view.azimuth_deg, &mut rng, view_hardness)
        .to_radians();
    let elevation = sampling
        .sample("view.elevation_deg", &view.elevation_deg, &mut rng, view_hardness)
        .to_radians();
    let roll =
        sampling.sample("view.roll_deg", &view.roll_deg, &mut rng, view_hardness).to_radians();
    let field_of_view = sampling
        .sample("view.field_of_view_deg", &view.field_of_view_deg, &mut rng, view_hardness)
        .clamp(5.0, 120.0);
    let mut rng = sampling.stream("view/lens");
    let distortion = sampling.sample("view.distortion", &view.distortion, &mut rng, view_hardness);
    let mut rng = sampling.stream("truncation");
    let fill =
        sampling.sample("truncation.fill", &framing.fill, &mut rng, truncation_hardness).max(0.05);
    let shift = Vec2::new(
        sampling.sample("truncation.shift_x", &framing.shift_x, &mut rng, truncation_hardness),
        sampling.sample("truncation.shift_y", &framing.shift_y, &mut rng, truncation_hardness),
    );
    let size = [scene.image.width, scene.image.height];
    let outwards = Vec3::new(
        azimuth.sin() * elevation.cos(),
        elevation.sin(),
        azimuth.cos() * elevation.cos(),
    );
    let mut target = middle(parts);
    // At a shorter distance, a hand stretched out towards the camera would be larger than the rest
    // of the body.
    let least = 2.2
        * parts
            .iter()
            .flat_map(|part| part.ends)
            .map(|end| end.distance(target))
            .fold(0.2 * stature, f32::max);
    // A figure file may describe a giant, around whom there is no room for a camera.
    let least = least.min(farthest);
    let mut half_view = (0.5 * field_of_view.to_radians()).tan();
    let mut distance = 4.0 * stature;
    let aim = |target: Vec3, distance: f32, half_view: f32| {
        let mut eye = target + outwards * distance;
        // The ground is solid.
        eye.y = eye.y.max(0.1 * stature);
        let mut camera = Camera::look_at(size, 2.0 * half_view.atan(), eye, target, roll);
        camera.distortion = camera.distortion_of(distortion);
        camera
    };
    // With perspective, the framing has no closed form. The correction gets ten times smaller with
    // each round.
    for _ in 0..5 {
        let camera = aim(target, distance, half_view);
        let [low, high] = image_box(&camera, parts);
        let extent = high - low;
        let pixels = extent.x.max(extent.y).max(1.0);
        let side = size[0].min(size[1]) as f32;
        let wanted_centre = camera.centre + shift * pixels;
        let off = ((low + high) * 0.5 - wanted_centre) / camera.focal * distance;
        let [right, down, _] = camera.axes();
        target += right * off.x + down * off.y;
        let wanted = distance * pixels / (fill * side);
        distance = wanted.clamp(least, farthest);
        // A narrower view instead of a nearer camera.
        half_view *= (wanted / distance).min(1.0);
    }
    aim(target, distance, half_view)
}

/// The edges of the photograph from which a detector's square crop is taken: [left, top, right,
/// bottom], pixels. Beyond them is black.
pub(super) fn border(
    sampling: &mut Sampling,
    camera: &Camera,
    parts: &[RoundCone],
    hardness: f32,
) -> [u32; 4] {
    let scene = sampling.scene;
    let settings = &scene.randomizers.truncation;
    let mut rng = sampling.stream("truncation/border");
    let share = sampling.sample("truncation.border", &settings.border, &mut rng, hardness);
    let [low, high] = image_box(camera, parts);
    let size = high - low;
    let mut side = |edge: f32, outwards: f32, most: u32, none: u32| {
        let margin = sampling.sample(
            "truncation.border_margin",
            &settings.border_margin,
            &mut rng,
            hardness,
        );
        let at =
            (edge + outwards * margin * size.max_element()).round().clamp(0.0, most as f32) as u32;
        if rng.random::<f32>() < share { at } else { none }
    };
    let (width, height) = (camera.width, camera.height);
    let border = [
        side(low.x, -1.0, width, 0),
        side(low.y, -1.0, height, 0),
        side(high.x, 1.0, width, width),
        side(high.y, 1.0, height, height),
    ];
    if border[0] < border[2] && border[1] < border[3] { border } else { [0, 0, width, height] }
}

/// The depth of the middle of the parts in the picture, metres.
pub(super) fn distance(camera: &Camera, parts: &[RoundCone]) -> f32 {
    camera.camera_from_world.transform_point3(middle(parts)).z
}

/// The middle of the box around the parts, metres.
pub(super) fn middle(parts: &[RoundCone]) -> Vec3 {
    let ends = || parts.iter().flat_map(|part| part.ends);
    let low = ends().fold(Vec3::INFINITY, Vec3::min);
    let high = ends().fold(Vec3::NEG_INFINITY, Vec3::max);
    (low + high) * 0.5
}

/// The camera's right and forward directions on the ground, as (x, z).
pub(super) fn ground_axes(camera: &Camera) -> (Vec2, Vec2) {
    let [right, _, forward] = camera.axes();
    // A camera that looks straight down has no forward direction on the ground. Its right direction
    // still lies in the ground.
    let away = Vec2::new(forward.x, forward.z)
        .try_normalize()
        .unwrap_or(Vec2::new(right.z, -right.x).normalize_or(Vec2::Y));
    (Vec2::new(-away.y, away.x), away)
}

/// How far behind the origin, seen from the camera, the figures reach, metres. The wall has to
/// stand behind that.
pub(super) fn farthest(camera: &Camera, figures: &[FigureSample]) -> f32 {
    let (_, away) = ground_axes(camera);
    let balls = figures
        .iter()
        .flat_map(|figure| &figure.parts)
        .flat_map(|part| part.ends.into_iter().zip(part.radii));
    balls
        .map(|(centre, radius)| away.dot(Vec2::new(centre.x, centre.z)) + radius)
        .fold(0.0, f32::max)
}

/// Sets the size of a backdrop's picture in metres. Before, it is a share of the image's height.
pub(super) fn hang_picture(camera: &Camera, backdrop: &mut Backdrop, stature: f32) {
    if backdrop.kind == BackdropKind::Picture {
        let eye = camera.eye();
        let (_, away) = ground_axes(camera);
        let distance = backdrop.distance - away.dot(Vec2::new(eye.x, eye.z));
        backdrop.scale *= distance.max(stature) * camera.height as f32 / camera.focal.y;
    }
}

#[cfg(test)]
mod tests {
    use crate::{Sampler, Scene, load_scene};
    use std::sync::Arc;

    #[test]
    fn a_giant_is_sampled_with_the_camera_as_far_away_as_it_gets() {
        let scene = load_scene("quickstart").unwrap();
        for size in [100.0, 1e38] {
            let mut giant = (*scene.figure).clone();
            giant.parts.iter_mut().for_each(|part| part.ends[1] *= size);
            let scene = Scene { figure: Arc::new(giant), ..scene.clone() };
            let sample = Sampler::new(&scene, |_| None).sample_at([0.0; 8], 1, 0, 0);
            assert_eq!(sample.figures[0].keypoints.len(), 17);
        }
    }
}
