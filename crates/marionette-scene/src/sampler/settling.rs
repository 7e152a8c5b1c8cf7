//! Poses that settle: a ragdoll changes the sampled pose.

use super::sampling::SettleFn;
use glam::Vec3;
use marionette_figure::{
    Figure, Obstacle, ObstacleShape, Settle, SettleStart, Support, grips, place_parts, solve,
};
use marionette_stream::{FigureSample, Prop, PropShape, Rejection};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// How much deeper limbs of a human may be inside one another when it is let go, metres. Settling
/// pushes them apart a little.
const SLACK: f32 = 0.02;
/// Fastest that a human in the air falls when it is let go, metres a second.
const FASTEST_FALL: f32 = 2.0;

/// Lets the figure settle on `props` by `settle` if its family settles. A failure is noted in the
/// figure.
pub(super) fn settle_on(
    settle: SettleFn,
    figure: &Figure,
    sample: &mut FigureSample,
    props: &[Prop],
    rng: &mut ChaCha8Rng,
) {
    let family = &figure.poses[sample.family];
    let Some(Settle { seconds: [shortest, longest], strength, tumble }) = family.settle else {
        return;
    };
    let seconds = shortest + (longest - shortest) * rng.random::<f32>();
    let fall = -FASTEST_FALL * rng.random::<f32>();
    let mut normal = || -> f32 { StandardNormal.sample(rng) };
    let spin = Vec3::from([(); 3].map(|()| normal().clamp(-2.0, 2.0))) * tumble;
    let velocity = match family.support {
        Support::Air(_) => Vec3::new(0.5 * normal(), fall, 0.5 * normal()) * figure.stature,
        _ => Vec3::ZERO,
    };
    let bones = solve(figure, &sample.shape, &sample.pose);
    // A simulation costs more than everything else about a sample, so figures that would be
    // rejected anyway get none.
    let parts = place_parts(figure, &sample.shape, &bones);
    if figure.goes_through_itself(&parts, SLACK * figure.stature) {
        sample.fault = Some(Rejection::SelfPenetration);
        return;
    }
    let held = match family.support {
        Support::Bar(_) => grips(figure, &sample.shape),
        _ => Vec::new(),
    };
    let start = SettleStart {
        figure,
        shape: &sample.shape,
        pose: &sample.pose,
        obstacles: props.iter().filter_map(obstacle).collect(),
        held,
        seconds,
        strength,
        velocity,
        spin,
    };
    match settle(&start) {
        Some(pose) => sample.pose = pose,
        None => sample.fault = Some(Rejection::Diverged),
    }
}

fn obstacle(prop: &Prop) -> Option<Obstacle> {
    let shape = match prop.shape {
        PropShape::Capsule { half_length, radius } => {
            ObstacleShape::Capsule { half_length, radius }
        }
        PropShape::Cuboid { half_extents } => ObstacleShape::Cuboid { half_extents },
        PropShape::Ball { radius } => ObstacleShape::Capsule { half_length: 0.0, radius },
    };
    prop.fixed().then_some(Obstacle { shape, position: prop.position, rotation: prop.rotation })
}
