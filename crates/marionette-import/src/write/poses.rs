//! Which of the proposed poses a figure can take: tried on the figure as its file has it.

use crate::DraftPose;
use glam::Vec3;
use marionette_base::random::stream;
use marionette_figure::{
    BodyShape, Figure, Pose, Support, keep_to_joints, lowest_point, place_parts, solve,
};
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// Poses that are tried.
const TRIES: u64 = 60;
/// So many of them must be possible.
const ENOUGH: u64 = 15;
/// How often the deviation of angles is halved.
const HALVINGS: u32 = 3;

/// Changes proposed families of poses until a fair share of their poses is possible: what goes
/// through the ground hangs in the air, and what goes through itself moves less. Returns what was
/// changed, a sentence each.
pub(super) fn made_possible(poses: &mut [DraftPose], figure: &Figure) -> Vec<String> {
    let mut notes = Vec::new();
    for pose in poses {
        let family = figure.poses.iter().position(|family| family.name == pose.name);
        let Some(family) = family else { continue };
        if figure.poses[family].support == Support::Fixed
            && possible(figure, family, pose.spread, |pose| is_above_ground(figure, pose)) < ENOUGH
        {
            pose.support = "air".to_owned();
            notes.push(format!(
                "Bolted down at its root, it would go through the ground in most poses of \
                 \"{}\": it hangs in the air.",
                pose.name
            ));
        }
        let before = pose.spread;
        let clear = |pose: &Pose| {
            let body = BodyShape::default();
            let parts = place_parts(figure, &body, &solve(figure, &body, pose));
            !figure.goes_through_itself(&parts, 0.0)
        };
        for _ in 0..HALVINGS {
            if possible(figure, family, pose.spread, clear) >= ENOUGH {
                break;
            }
            pose.spread = (0.5 * pose.spread * 10.0).round() / 10.0;
        }
        if pose.spread < before {
            notes.push(format!(
                "It would go through itself in most poses of \"{}\": angles deviate by {} degrees \
                 instead of {before}.",
                pose.name, pose.spread
            ));
        }
    }
    notes
}

/// How many of [`TRIES`] poses of a family are possible.
fn possible(
    figure: &Figure,
    family: usize,
    spread: f32,
    is_possible: impl Fn(&Pose) -> bool,
) -> u64 {
    let is_possible = |index: &u64| {
        let mut rng = stream(1, *index, 0, "import/poses");
        let key = &figure.poses[family].keys[0];
        let mut pose = Pose { angles: key.clone(), ..Pose::at_rest(figure) };
        for angle in pose.angles.iter_mut() {
            *angle += Vec3::from([(); 3].map(|()| {
                let off: f32 = StandardNormal.sample(&mut rng);
                off.clamp(-2.5, 2.5) * spread.to_radians()
            }));
        }
        for (bone, slide) in figure.bones.iter().zip(&mut pose.slides) {
            for (axis, [low, high]) in bone.slides.into_iter().enumerate() {
                slide[axis] = low + (high - low) * rng.random::<f32>();
            }
        }
        keep_to_joints(figure, &mut pose);
        is_possible(&pose)
    };
    (0..TRIES).filter(is_possible).count() as u64
}

fn is_above_ground(figure: &Figure, pose: &Pose) -> bool {
    let body = BodyShape::default();
    let root = figure.bones[0].offset.y;
    let parts = place_parts(figure, &body, &solve(figure, &body, pose));
    lowest_point(&parts) + root > -0.02
}
