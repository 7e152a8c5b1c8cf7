//! The background.

use super::sampling::Sampling;
use crate::{
    colors::{any_color, any_hue, tint},
    pictures::{GROUNDS, GroundKind, PLACES, PlaceKind},
};
use glam::Vec3;
use marionette_stream::{Backdrop, BackdropKind};
use rand::Rng;

/// Samples ground and wall, and how far clothes take on their colours.
pub(super) fn backdrop(sampling: &mut Sampling, hardness: f32) -> (Backdrop, f32) {
    let scene = sampling.scene;
    let settings = &scene.randomizers.camouflage;
    let mut rng = sampling.stream("camouflage");
    let contrast = sampling
        .sample("camouflage.contrast", &settings.contrast, &mut rng, hardness)
        .clamp(0.0, 1.0);
    let scale =
        sampling.sample("camouflage.scale_m", &settings.scale_m, &mut rng, hardness).max(0.02)
            * scene.figure.stature;
    let distance =
        sampling.sample("camouflage.wall_m", &settings.wall_m, &mut rng, hardness).max(0.3)
            * scene.figure.stature;
    let blend = sampling.sample("camouflage.blend", &settings.blend, &mut rng, hardness);
    let base = any_color(&mut rng);
    let mut near_base = || base.lerp(any_color(&mut rng), contrast);
    let colors = [base, near_base(), near_base()];
    let ground = near_base().lerp(Vec3::splat(0.3), 0.3);
    let computed = BackdropKind::COMPUTED;
    let backdrop = Backdrop {
        kind: computed[rng.random_range(0..computed.len())],
        colors,
        ground,
        scale,
        contrast,
        distance,
        seed: rng.random_range(0..1 << 16),
        pictures: [0, 0],
        open: false,
    };
    let backdrop = picture(sampling, hardness, backdrop);
    (backdrop, blend)
}

/// A picture in place of the computed `backdrop`, as often as the scene says.
fn picture(sampling: &mut Sampling, hardness: f32, backdrop: Backdrop) -> Backdrop {
    let scene = sampling.scene;
    let settings = &scene.randomizers.camouflage;
    let mut rng = sampling.stream("camouflage/picture");
    let share = sampling.sample("camouflage.picture", &settings.picture, &mut rng, hardness);
    let size = sampling
        .sample("camouflage.picture_size", &settings.picture_size, &mut rng, hardness)
        .max(0.1);
    let open = sampling.sample("camouflage.open", &settings.open, &mut rng, hardness);
    let chosen =
        [rng.random_range(0..PLACES as u32), (PLACES + rng.random_range(0..GROUNDS)) as u32];
    let chosen = [
        PlaceKind::nearest(chosen[0], &scene.places),
        PLACES as u32 + GroundKind::nearest(chosen[1] - PLACES as u32, &scene.grounds),
    ];
    // A quarter of the pictures are tinted.
    let tinted = tint(any_hue(&mut rng)).lerp(Vec3::ONE, 0.85);
    let tinted = if rng.random::<f32>() < 0.25 { tinted } else { Vec3::ONE };
    let tinted = tinted * (0.5 + rng.random::<f32>());
    if rng.random::<f32>() >= share {
        return backdrop;
    }
    let means = |picture: u32| &scene.pictures.pictures[picture as usize].means;
    Backdrop {
        kind: BackdropKind::Picture,
        // The colours that clothes may take on: those in the middle column of the picture.
        colors: [4, 7, 1].map(|field| means(chosen[0])[field] * tinted),
        ground: tinted,
        scale: size,
        pictures: chosen,
        open: rng.random::<f32>() < open,
        ..backdrop
    }
}
