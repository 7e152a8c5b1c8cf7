//! Things that a hand holds: a ball, a stick or a bat, a racket, a bag.

use super::sampling::Sampling;
use crate::colors::any_color;
use glam::{Affine3A, Quat, Vec3};
use marionette_figure::{Figure, Support, grips, solve};
use marionette_stream::{FigureSample, Prop, PropRole, PropShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The thing that one of the figure's hands holds, as often as the scene says. Empty if the thing
/// would be in the ground or if the hands hold a bar.
pub(super) fn held(sampling: &mut Sampling, sample: &FigureSample, hardness: f32) -> Vec<Prop> {
    let scene = sampling.scene;
    let figure = &*scene.figure;
    let mut rng = sampling.stream("pose/held");
    let share = sampling.sample("pose.held", &scene.randomizers.pose.held, &mut rng, hardness);
    // The left hand or the right one.
    let side = usize::from(!rng.random::<bool>());
    let on_bar = matches!(
        figure.poses.get(sample.family).map(|family| family.support),
        Some(Support::Bar(_))
    );
    let wanted = rng.random::<f32>() < share && !on_bar;
    let Some(world_from_hand) = wanted.then(|| hand(figure, sample, side)).flatten() else {
        return Vec::new();
    };
    let props = thing(world_from_hand, figure.stature, &mut rng);
    if props.iter().all(|prop| lowest(prop) > 0.0) { props } else { Vec::new() }
}

/// `world_from_hand` of the figure's grip `side`: the origin in the palm, -y along the fingers, z
/// where the thumb points.
fn hand(figure: &Figure, sample: &FigureSample, side: usize) -> Option<Affine3A> {
    let grips = grips(figure, &sample.shape);
    let (bone, palm) = *grips.get(side).or(grips.first())?;
    Some(solve(figure, &sample.shape, &sample.pose)[bone] * Affine3A::from_translation(palm))
}

/// Something to hold, as large as suits a figure of this stature.
fn thing(world_from_hand: Affine3A, stature: f32, rng: &mut ChaCha8Rng) -> Vec<Prop> {
    let kind = rng.random_range(0..4);
    let [color, second] = [any_color(rng), any_color(rng)];
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let turn = Quat::from_mat3a(&world_from_hand.matrix3);
    let along_z = turn * Quat::from_rotation_x(std::f32::consts::FRAC_PI_2);
    let at = |local: Vec3| world_from_hand.transform_point3(local * stature);
    let piece = |shape: PropShape, position, rotation, color| Prop {
        shape: shape.scaled(stature),
        position,
        rotation,
        color,
        role: PropRole::Held,
    };
    match kind {
        0 => {
            let radius = between(0.035, 0.13);
            vec![piece(PropShape::Ball { radius }, at(Vec3::NEG_Y * (radius + 0.06)), turn, color)]
        }
        1 => {
            let (half_length, radius) = (between(0.2, 0.6), between(0.010, 0.035));
            let middle = at(Vec3::Z * half_length * between(0.0, 0.9));
            vec![piece(PropShape::Capsule { half_length, radius }, middle, along_z, color)]
        }
        2 => {
            let (handle, head) = (between(0.10, 0.20), between(0.10, 0.16));
            let grip = piece(
                PropShape::Capsule { half_length: handle, radius: 0.016 },
                at(Vec3::Z * (handle - 0.05)),
                along_z,
                second,
            );
            let face = Vec3::new(0.012, 0.8 * head, head);
            let face = piece(
                PropShape::Cuboid { half_extents: face },
                at(Vec3::Z * (2.0 * handle + head - 0.05)),
                turn,
                color,
            );
            vec![grip, face]
        }
        _ => {
            // A bag hangs straight down, whichever way the hand points.
            let half_extents =
                Vec3::new(between(0.05, 0.1), between(0.12, 0.2), between(0.12, 0.22));
            let strap = between(0.05, 0.2);
            let palm = at(Vec3::ZERO);
            let level = Quat::from_rotation_y(between(0.0, std::f32::consts::TAU));
            let bag = palm - Vec3::Y * (strap + half_extents.y) * stature;
            vec![
                piece(
                    PropShape::Capsule { half_length: 0.5 * strap, radius: 0.012 },
                    palm - Vec3::Y * 0.5 * strap * stature,
                    level,
                    second,
                ),
                piece(PropShape::Cuboid { half_extents }, bag, level, color),
            ]
        }
    }
}

/// The height of its lowest point above the ground, metres.
fn lowest(prop: &Prop) -> f32 {
    let reach = match prop.shape {
        PropShape::Ball { radius } => radius,
        PropShape::Capsule { half_length, radius } => {
            (prop.rotation * Vec3::Y * half_length).y.abs() + radius
        }
        PropShape::Cuboid { half_extents } => {
            let axes =
                [Vec3::X * half_extents.x, Vec3::Y * half_extents.y, Vec3::Z * half_extents.z];
            axes.map(|axis| (prop.rotation * axis).y.abs()).iter().sum()
        }
    };
    prop.position.y - reach
}
