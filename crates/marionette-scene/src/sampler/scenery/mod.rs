//! Things behind the figures: furniture, rails, trees, machines.

mod common;
mod pieces;
mod workshop;
mod yard;

pub(super) use pieces::{rail, stand};

use super::{framing::ground_axes, sampling::Sampling};
use crate::{SceneryKind, colors::any_color};
use glam::{Quat, Vec2, Vec3};
use marionette_stream::{Camera, Prop};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Things at least `behind` metres behind the origin, seen from the camera, so behind all figures.
pub(super) fn scenery(
    sampling: &mut Sampling,
    camera: &Camera,
    behind: f32,
    hardness: f32,
) -> Vec<Prop> {
    let scene = sampling.scene;
    let mut rng = sampling.stream("camouflage/clutter");
    let clutter = &scene.randomizers.camouflage.clutter;
    let count =
        sampling.sample("camouflage.clutter", clutter, &mut rng, hardness).round().clamp(0.0, 8.0)
            as usize;
    let stature = scene.figure.stature;
    // Tables and trees do not grow with a figure. But of a table behind a figure of a tenth of our
    // size, seen by a camera that is as near, only a leg would show. This is half-way.
    let large = stature.sqrt();
    let (right, away) = ground_axes(camera);
    let facing =
        Quat::from_rotation_arc(Vec3::Z, -Vec3::new(away.x, 0.0, away.y).normalize_or(Vec3::NEG_Z));
    (0..count)
        .flat_map(|_| {
            let kind = scene.scenery[rng.random_range(0..scene.scenery.len() as i32) as usize];
            let (pieces, reach) = thing(kind, &mut rng);
            let lateral = 2.5 * (2.0 * rng.random::<f32>() - 1.0) * stature;
            let behind = behind + reach * large + 2.5 * rng.random::<f32>().powi(2) * stature;
            let at = right * lateral + away * behind;
            let turn = facing * Quat::from_rotation_y(0.5 * (rng.random::<f32>() - 0.5));
            pieces.into_iter().map(move |piece| stand(pieces::scaled(piece, large), turn, at))
        })
        .collect()
}

/// How far behind the origin, seen from the camera, props reach, metres.
pub(super) fn farthest(camera: &Camera, props: &[Prop]) -> f32 {
    let (_, away) = ground_axes(camera);
    let beyond =
        |prop: &Prop| away.dot(Vec2::new(prop.position.x, prop.position.z)) + prop.shape.reach();
    props.iter().map(beyond).fold(0.0, f32::max)
}

/// The pieces of one thing, on the ground around the origin, and how far they reach from the
/// origin, metres.
fn thing(kind: SceneryKind, rng: &mut ChaCha8Rng) -> (Vec<Prop>, f32) {
    let colors = [any_color(rng), any_color(rng)];
    match kind {
        SceneryKind::Bench
        | SceneryKind::Bins
        | SceneryKind::Frame
        | SceneryKind::Cables
        | SceneryKind::Fixture => workshop::thing(kind, colors, rng),
        SceneryKind::Wall | SceneryKind::Bush | SceneryKind::Planks | SceneryKind::Stones => {
            yard::thing(kind, colors, rng)
        }
        _ => common::thing(kind, colors, rng),
    }
}
