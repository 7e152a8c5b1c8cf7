//! How joints move: about or along which axis, and how far.

use super::parse::{Joint, Kind, Robot};
use glam::{Affine3A, Quat, Vec3};
use std::f32::consts::PI;

/// How far a sliding joint without limits goes either way, metres.
const GUESSED_SLIDE: f32 = 0.1;
/// How far a planar joint slides either way, metres.
const PLANE: f32 = 0.5;
/// The most that a figure's joint turns, radians.
const MOST: f32 = 2.0 * PI;

/// What a joint lets its child do.
#[derive(Clone, Debug)]
pub enum Freedom {
    /// Nothing: `joint_from_child`.
    Held(Affine3A),
    /// Turns about and slides along axes of a bone's frame; `aligned` is `joint_from_bone`.
    Free { aligned: Quat, limits: [[f32; 2]; 3], slides: [[f32; 2]; 3] },
}

/// The freedom of each joint of `robot`.
pub fn freedoms(robot: &Robot, notes: &mut Vec<String>) -> Vec<Freedom> {
    robot.joints.iter().map(|joint| freedom(robot, joint, notes)).collect()
}

fn freedom(robot: &Robot, joint: &Joint, notes: &mut Vec<String>) -> Freedom {
    let name = &joint.name;
    let mut limits = [[0.0; 2]; 3];
    let mut slides = [[0.0; 2]; 3];
    let (range, slides_along) = match joint.kind {
        Kind::Fixed => return Freedom::Held(Affine3A::IDENTITY),
        Kind::Floating => {
            notes.push(format!("Joint \"{name}\" floats; it is held fast."));
            return Freedom::Held(Affine3A::IDENTITY);
        }
        Kind::Planar => {
            notes.push(format!(
                "Joint \"{name}\" moves in a plane; it slides {PLANE} m either way, a guess."
            ));
            limits[1] = [-PI, PI];
            slides[0] = [-PLANE, PLANE];
            slides[2] = [-PLANE, PLANE];
            return Freedom::Free { aligned: y_to(joint.axis), limits, slides };
        }
        Kind::Spherical => {
            notes.push(format!(
                "Joint \"{name}\" is a ball joint; a right angle about each axis is a guess."
            ));
            limits = [[-0.5 * PI, 0.5 * PI]; 3];
            return Freedom::Free { aligned: Quat::IDENTITY, limits, slides };
        }
        Kind::Continuous => ([-PI, PI], false),
        Kind::Revolute => (range(joint, PI, "half a turn", notes), false),
        Kind::Prismatic => (range(joint, GUESSED_SLIDE, "0.1 m", notes), true),
    };
    let [low, high] = range;
    if low == high {
        let moved = match slides_along {
            true => Affine3A::from_translation(joint.axis * low),
            false => Affine3A::from_axis_angle(joint.axis, low),
        };
        notes.push(format!("The limits of joint \"{name}\" are both {low}; it is held there."));
        return Freedom::Held(moved);
    }
    let component = [Vec3::X, Vec3::Y, Vec3::Z]
        .iter()
        .position(|axis| axis.distance(joint.axis) < 1e-6)
        .filter(|_| !is_coupled(robot, joint));
    let (at, aligned) = match component {
        Some(component) => (component, Quat::IDENTITY),
        None => (1, y_to(joint.axis)),
    };
    match slides_along {
        true => slides[at] = range,
        false => limits[at] = range,
    }
    Freedom::Free { aligned, limits, slides }
}

/// Whether it follows another joint or is followed: such joints all move about y, because a bone has
/// the same component as the one that it follows, and their axes may differ.
fn is_coupled(robot: &Robot, joint: &Joint) -> bool {
    let follows = |a: &Joint, b: &Joint| a.mimic.as_ref().is_some_and(|m| m.joint == b.name);
    robot.joints.iter().any(|other| follows(joint, other) || follows(other, joint))
}

/// The rotation that turns y to `axis`.
fn y_to(axis: Vec3) -> Quat {
    Quat::from_rotation_arc(Vec3::Y, axis)
}

/// The limits of a joint, which may not be written, or the wrong way round.
fn range(joint: &Joint, guess: f32, said: &str, notes: &mut Vec<String>) -> [f32; 2] {
    let name = &joint.name;
    let (low, high) = match (joint.lower, joint.upper) {
        (None, None) => {
            notes.push(format!("Joint \"{name}\" has no limits; {said} either way is a guess."));
            return [-guess, guess];
        }
        // One that is not written is 0.
        (low, high) => (low.unwrap_or(0.0), high.unwrap_or(0.0)),
    };
    let (low, high) = if low > high {
        notes.push(format!(
            "The limits of joint \"{name}\" are the wrong way round ({low} to {high}); swapped."
        ));
        (high, low)
    } else {
        (low, high)
    };
    let turns = joint.kind == Kind::Revolute;
    if turns && (low < -MOST || high > MOST) {
        // Rounding of a whole turn is not worth a word.
        if low < -MOST - 0.1 || high > MOST + 0.1 {
            notes.push(format!(
                "Joint \"{name}\" turns from {low} to {high} radians; more than a whole turn \
                 either way is left out."
            ));
        }
        return [low.clamp(-MOST, MOST), high.clamp(-MOST, MOST)];
    }
    [low, high]
}
