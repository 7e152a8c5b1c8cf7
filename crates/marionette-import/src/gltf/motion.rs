//! Joint angles: how far bones turn in a file's animations, and families of poses from them.

use super::{
    animation::Animation,
    names::{snake, unused},
    nodes::{Nodes, rotation_in},
};
use crate::DraftPose;
use glam::{EulerRot, Mat3, Quat, Vec3};
use std::f32::consts::{PI, TAU};

/// Most key frames of a family.
const MOST_KEYS: usize = 24;
/// Moments between two key frames at which limits are measured.
const BETWEEN: usize = 4;
/// How much farther than in any animation a bone may turn, degrees.
const BEYOND: f32 = 10.0;
/// How far any bone may turn in a file without animations, degrees.
const GUESSED: f32 = 40.0;
/// Deviation of the angles of families from animations, degrees.
const SPREAD: f32 = 5.0;
/// How much smaller angles must get for axes in another order than the world's.
const MUCH_SMALLER: f32 = 0.8;

/// The bones as far as turning goes.
pub(super) struct Rig<'a> {
    pub nodes: &'a Nodes,
    /// The node of each bone.
    pub bones: &'a [usize],
    pub parents: &'a [Option<usize>],
    pub twins: &'a [usize],
    /// Whether a bone is the left one of two twins.
    pub left: &'a [bool],
    /// The world's rotation of each bone's node in the bind pose.
    pub rest: &'a [Quat],
    /// `ours_from_world`: what turns the figure's front towards +z.
    pub upright: Quat,
}

/// What the animations say about joints.
pub(super) struct Motion {
    /// `rest_from_bone` of each bone: its frame's axes in the figure at rest.
    pub frames: Vec<Quat>,
    /// Least and greatest angles of each bone, radians.
    pub limits: Vec<[[f32; 2]; 3]>,
    pub poses: Vec<DraftPose>,
    /// Names of animations in which no bone turns.
    pub still: Vec<String>,
}

/// How each bone is turned against its parent at a moment, in the axes of the figure at rest.
type Turns = Vec<Quat>;

pub(super) fn motion(rig: &Rig, animations: &[Animation]) -> Motion {
    let count = rig.bones.len();
    let mut still = Vec::new();
    let mut moving: Vec<(&Animation, usize, Vec<Turns>)> = Vec::new();
    for animation in animations {
        let [from, to] = animation.span;
        let keys = if to > from { animation.frames.clamp(2, MOST_KEYS) } else { 1 };
        let moments = (keys - 1) * BETWEEN + 1;
        let turns: Vec<Turns> = (0..moments)
            .map(|i| {
                rig.turns(animation, from + (to - from) * i as f32 / (moments.max(2) - 1) as f32)
            })
            .collect();
        let turned = |turn: &Quat| turn.angle_between(Quat::IDENTITY) > 0.01;
        match turns.iter().flatten().any(turned) {
            true => moving.push((animation, keys, turns)),
            false => still.push(animation.name.clone()),
        }
    }
    let all: Vec<&[Turns]> = moving.iter().map(|(_, _, turns)| &turns[..]).collect();
    let frames: Vec<Quat> = (0..count).map(|bone| rig.frame(bone, &all)).collect();
    let mut range = vec![[[0.0_f32; 2]; 3]; count];
    let mut poses: Vec<DraftPose> = Vec::new();
    for (animation, keys, turns) in &moving {
        let mut angles = vec![vec![Vec3::ZERO; count]; turns.len()];
        for bone in 0..count {
            let track = track(turns.iter().map(|turns| turns[bone]), frames[bone]);
            for (moment, angle) in track.into_iter().enumerate() {
                angles[moment][bone] = angle;
                for axis in 0..3 {
                    let [low, high] = &mut range[bone][axis];
                    (*low, *high) = (low.min(angle[axis]), high.max(angle[axis]));
                }
            }
        }
        let names: Vec<String> = poses.iter().map(|pose| pose.name.clone()).collect();
        let key = |key: usize| -> Vec<(usize, Vec3)> {
            let turned = angles[key * BETWEEN].iter().enumerate();
            // Two decimals, as they are written.
            let turned =
                turned.map(|(bone, angle)| (bone, (*angle * (180.0 / PI) * 100.0).round() / 100.0));
            turned.filter(|(_, angle)| angle.abs().max_element() > 0.05).collect()
        };
        poses.push(DraftPose {
            name: unused(&snake(&animation.name), &names),
            weights: [1.0; 2],
            spread: SPREAD,
            support: "ground".to_owned(),
            keys: (0..*keys).map(key).collect(),
        });
    }
    let limits = match poses.is_empty() {
        true => vec![[[-GUESSED.to_radians(), GUESSED.to_radians()]; 3]; count],
        false => limits(rig, &range),
    };
    Motion { frames, limits, poses, still }
}

impl Rig<'_> {
    fn turns(&self, animation: &Animation, time: f32) -> Turns {
        let world = self.nodes.world(&animation.pose(self.nodes, time));
        let from_rest: Vec<Quat> = self
            .bones
            .iter()
            .zip(self.rest)
            .map(|(node, rest)| {
                let turned = rotation_in(&world[*node]) * rest.inverse();
                (self.upright * turned * self.upright.inverse()).normalize()
            })
            .collect();
        let against = |(bone, turned): (usize, &Quat)| match self.parents[bone] {
            None => *turned,
            Some(parent) => (from_rest[parent].inverse() * *turned).normalize(),
        };
        from_rest.iter().enumerate().map(against).collect()
    }

    /// The axes of a bone: the world's, or these in another order where its angles then stay much
    /// smaller, as they do away from a right angle about z. Those of a right bone mirror those of
    /// the left one, so that a mirrored pose has the same x and the opposite y and z.
    fn frame(&self, bone: usize, all: &[&[Turns]]) -> Quat {
        let twin = self.twins[bone];
        if twin == bone {
            return Quat::IDENTITY;
        }
        let orders = [
            Mat3::IDENTITY,
            Mat3::from_cols(Vec3::Z, Vec3::X, Vec3::Y),
            Mat3::from_cols(Vec3::Y, Vec3::Z, Vec3::X),
        ];
        let flip = Mat3::from_diagonal(Vec3::new(-1.0, 1.0, 1.0));
        let sides =
            orders.map(|order| [Quat::from_mat3(&order), Quat::from_mat3(&(flip * order * flip))]);
        let both = if self.left[bone] { [bone, twin] } else { [twin, bone] };
        // The sum of the ranges of all angles of both bones.
        let extent = |frames: &[Quat; 2]| -> f32 {
            let of = |(bone, frame): (usize, Quat)| {
                let angles = all
                    .iter()
                    .flat_map(|turns| track(turns.iter().map(|turns| turns[bone]), frame));
                let around = |(low, high): (Vec3, Vec3), a: Vec3| (low.min(a), high.max(a));
                let (low, high) = angles.fold((Vec3::ZERO, Vec3::ZERO), around);
                (high - low).element_sum()
            };
            both.into_iter().zip(*frames).map(of).sum()
        };
        let extents = sides.map(|frames| extent(&frames));
        let mut best = 0;
        for other in 1..sides.len() {
            if extents[other] < extents[0] * MUCH_SMALLER && extents[other] < extents[best] {
                best = other;
            }
        }
        sides[best][usize::from(!self.left[bone])]
    }
}

/// A bone's angles in its own frame from moment to moment. Two sets of angles stand for every
/// rotation; the one nearer to the last moment's is taken, at first the one nearer to 0.
fn track(turns: impl Iterator<Item = Quat>, frame: Quat) -> Vec<Vec3> {
    let mut last = Vec3::ZERO;
    let mut angles: Vec<Vec3> = turns
        .map(|turn| {
            let (x, z, y) = (frame.inverse() * turn * frame).normalize().to_euler(EulerRot::XZY);
            let near = |angles: Vec3| angles - ((angles - last) / TAU).round() * TAU;
            let [a, b] = [Vec3::new(x, y, z), Vec3::new(x + PI, y + PI, PI - z)].map(near);
            last = if b.distance(last) + 1e-4 < a.distance(last) { b } else { a };
            last
        })
        .collect();
    // What goes round and round stays within one turn on the whole.
    let mean = angles.iter().sum::<Vec3>() / angles.len().max(1) as f32;
    let turns = (mean / TAU).round() * TAU;
    angles.iter_mut().for_each(|angle| {
        *angle -= turns;
        *angle = Vec3::from(angle.to_array().map(|a| if a.abs() > TAU { a % TAU } else { a }));
    });
    angles
}

/// Limits around the angles of all animations, alike on both sides, and rest within them.
fn limits(rig: &Rig, range: &[[[f32; 2]; 3]]) -> Vec<[[f32; 2]; 3]> {
    let mirrored = |bone: usize| {
        let [x, y, z] = range[rig.twins[bone]];
        [x, [-y[1], -y[0]], [-z[1], -z[0]]]
    };
    // What is drawn may be a pose's mirror image, so what lies in the middle goes both ways alike.
    let symmetric = rig.twins.iter().enumerate().any(|(bone, twin)| bone != *twin);
    let of = |bone: usize| {
        let other = if symmetric { mirrored(bone) } else { range[bone] };
        std::array::from_fn(|axis| {
            let ([low, high], [other_low, other_high]) = (range[bone][axis], other[axis]);
            let low = (low.min(other_low).to_degrees() - BEYOND).floor().max(-360.0);
            let high = (high.max(other_high).to_degrees() + BEYOND).ceil().min(360.0);
            [low.to_radians(), high.to_radians()]
        })
    };
    (0..range.len()).map(of).collect()
}
