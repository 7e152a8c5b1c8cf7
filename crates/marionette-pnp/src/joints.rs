//! From the states of joints, by their names, to a pose of the figure.

use super::PnpError;
use glam::Vec3;
use marionette_figure::{Bone, Figure, Follows, Freedom, Pose};
use std::{collections::BTreeMap, f32::consts::TAU};

/// How far beyond its limits a joint may be measured: radians, or tenths of metres.
const SLACK: f32 = 0.1;

/// The pose in which every joint has the state that `states` says: radians, or metres for one that
/// slides. The root is at the origin, upright.
///
/// Joints are called as [`Bone::joint`] says. A joint that follows another may be missing; it then
/// follows. A state a little beyond its limits is taken as it is, as measured ones are, and a joint
/// that turns may have made whole turns.
///
/// # Errors
/// If there is a state of an unknown joint or none of a known one, with all their names; if a state
/// is far beyond its limits; or if a bone of the figure moves and has no name for it.
pub fn pose_of_joints(figure: &Figure, states: &BTreeMap<String, f32>) -> Result<Pose, PnpError> {
    let fail = |message: String| Err(PnpError::Joints(message));
    let unnamed = |bone: &&Bone| bone.joint.is_none() && bone.follows.is_none();
    let moving = |bone: &&Bone| bone.freedoms().next().is_some();
    if let Some(bone) = figure.bones.iter().filter(unnamed).find(moving) {
        return fail(format!(
            "bone \"{}\" of the figure {} moves, but has no `joint`, the name by which its state \
             is given; name it in the figure file, or leave out its limits",
            bone.name, figure.name
        ));
    }
    let names = || figure.bones.iter().filter_map(|bone| bone.joint.as_deref());
    let known = || match names().collect::<Vec<_>>() {
        names if names.is_empty() => "it has none".to_owned(),
        names => format!("it has {}", names.join(", ")),
    };
    if let Some(unknown) = states.keys().find(|state| !names().any(|name| name == *state)) {
        return fail(format!("the figure {} has no joint \"{unknown}\"; {}", figure.name, known()));
    }
    let needed = figure.bones.iter().filter(|bone| bone.follows.is_none());
    let missing: Vec<&str> = needed
        .filter_map(|bone| bone.joint.as_deref())
        .filter(|name| !states.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        return fail(format!("there is no state of {}; give all of them", missing.join(", ")));
    }
    let mut pose = Pose::at_rest(figure);
    pose.slides.resize(figure.bones.len(), Vec3::ZERO);
    for (index, bone) in figure.bones.iter().enumerate() {
        let state = bone.joint.as_ref().and_then(|name| Some((name, *states.get(name)?)));
        let (Some((name, state)), Some(freedom)) = (state, bone.freedoms().next()) else {
            continue;
        };
        match freedom {
            Freedom::Turn(axis) => {
                pose.angles[index][axis] = checked(name, state, bone.limits[axis], true)?;
            }
            Freedom::Slide(axis) => {
                pose.slides[index][axis] = checked(name, state, bone.slides[axis], false)?;
            }
        }
    }
    for (index, bone) in figure.bones.iter().enumerate() {
        let given = bone.joint.as_ref().is_some_and(|name| states.contains_key(name));
        let Some(Follows { bone: leader, factor, offset }) = bone.follows.filter(|_| !given) else {
            continue;
        };
        for freedom in bone.freedoms() {
            let (values, axis) = match freedom {
                Freedom::Turn(axis) => (&mut pose.angles, axis),
                Freedom::Slide(axis) => (&mut pose.slides, axis),
            };
            values[index][axis] = values[leader][axis] * factor + offset;
        }
    }
    Ok(pose)
}

/// The state, less whole turns, if its joint can have it.
fn checked(name: &str, state: f32, [low, high]: [f32; 2], turns: bool) -> Result<f32, PnpError> {
    let slack = if turns { SLACK } else { SLACK / 10.0 };
    let allowed = |value: f32| low - slack <= value && value <= high + slack;
    let whole = if turns { ((state - (low + high) / 2.0) / TAU).round() * TAU } else { 0.0 };
    // A state within the limits stays as it is, to the bit.
    if let Some(value) = [state, state - whole].into_iter().find(|value| allowed(*value)) {
        return Ok(value);
    }
    let unit = if turns { "radians" } else { "metres" };
    Err(PnpError::Joints(format!(
        "joint {name} is at {state}, and goes from {low} to {high} {unit}; states are given in \
         radians, or in metres for joints that slide"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::toml_file::TomlFile;
    use marionette_figure::{BodyShape, parse_figure, place_keypoints, solve};

    /// A turning arm of 1 m that bears a slide, and a finger that mirrors the slide.
    const CRANE: &str = r#"
        name = "crane"
        edges = [["foot", "tip"]]
        [[bones]]
        name = "base"
        offset = [0, 0, 0]
        [[bones]]
        name = "arm"
        parent = "base"
        offset = [0, 1, 0]
        limits = { y = [-170, 170] }
        joint = "boom"
        [[bones]]
        name = "hook"
        parent = "arm"
        offset = [0, 0, 1]
        slides = { z = [0, 0.5] }
        joint = "trolley"
        [[bones]]
        name = "weight"
        parent = "arm"
        offset = [0, 0, -1]
        slides = { z = [-0.6, 0.1] }
        joint = "back"
        follows = { bone = "hook", factor = -1.0, offset = 0.1 }
        [[parts]]
        name = "post"
        bone = "base"
        ends = [[0, 0, 0], [0, 1, 0]]
        radii = [0.1, 0.1]
        [[keypoints]]
        name = "foot"
        bone = "base"
        [[keypoints]]
        name = "tip"
        bone = "hook"
        [[keypoints]]
        name = "weight"
        bone = "weight"
    "#;

    fn crane() -> Figure {
        parse_figure(&TomlFile { path: "crane.toml".into(), text: CRANE.into() }).unwrap()
    }

    fn pose(states: &[(&str, f32)]) -> Result<Pose, PnpError> {
        let states = states.iter().map(|(name, value)| ((*name).to_owned(), *value));
        pose_of_joints(&crane(), &states.collect())
    }

    fn keypoints(states: &[(&str, f32)]) -> Vec<Vec3> {
        let (figure, shape) = (crane(), BodyShape::default());
        let bones = solve(&figure, &shape, &pose(states).unwrap());
        place_keypoints(&figure, &shape, &bones)
    }

    #[test]
    fn keypoints_are_where_the_joints_put_them() {
        let found = keypoints(&[("boom", TAU / 4.0), ("trolley", 0.25)]);
        let expected = [Vec3::ZERO, Vec3::new(1.25, 1.0, 0.0), Vec3::new(-1.15, 1.0, 0.0)];
        assert!(found.iter().zip(expected).all(|(a, b)| a.distance(b) < 1e-6), "{found:?}");
        // One that follows may be measured by itself, and turns do not count.
        let found = keypoints(&[("boom", TAU * 1.25), ("trolley", 0.25), ("back", 0.0)]);
        assert!((found[2] - Vec3::new(-1.0, 1.0, 0.0)).length() < 1e-5, "{found:?}");
    }

    #[test]
    fn states_that_are_none_of_the_figure_are_refused() {
        for (states, found) in [
            (
                &[("boom", 0.1), ("trolley", 0.1), ("jib", 0.0)][..],
                "has no joint \"jib\"; it has boom, trolley, back",
            ),
            (&[("back", 0.1)][..], "there is no state of boom, trolley; give"),
            (&[("boom", 0.1), ("trolley", 25.0)][..], "trolley is at 25, and goes from 0 to 0.5 m"),
            (&[("boom", 3.1), ("trolley", 0.1)][..], "boom is at 3.1, and goes"),
        ] {
            let refused = pose(states).unwrap_err().to_string();
            assert!(refused.contains(found), "{refused}");
        }
        let mut unnamed = crane();
        unnamed.bones[1].joint = None;
        let refused = pose_of_joints(&unnamed, &BTreeMap::new()).unwrap_err().to_string();
        assert!(refused.starts_with("bone \"arm\" of the figure crane moves"), "{refused}");
    }
}
