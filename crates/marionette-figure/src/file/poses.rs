//! `[[poses]]`: families of poses, each a movement given by its key frames.

use super::{
    entries::{Angles, PoseEntry, SettleEntry, SupportName},
    written::list,
};
use crate::{Bone, PoseFamily, Settle, Support};
use glam::Vec3;
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use toml::Spanned;

/// Longest time that a figure settles, seconds: everything that falls lies still by then.
const LONGEST: f32 = 5.0;
/// Most bones that a settling figure can have: each bone has one of 32 bits in the contact filter,
/// and one bit is the ground's.
const MOST_SETTLING_BONES: usize = 31;
/// Fastest tumble that a file can ask for, degrees a second: two turns, as a gymnast does.
const MOST_TUMBLE: f32 = 720.0;

/// Deviation of each angle in the only family of a figure whose file has none, degrees.
const ANY_SPREAD: f32 = 40.0;

/// The family of a figure whose file has none: on the ground, each joint anywhere around rest.
fn any_pose(bones: &[Bone]) -> PoseFamily {
    PoseFamily {
        name: "any".to_owned(),
        weights: [1.0; 2],
        keys: vec![bones.iter().map(home).collect()],
        breaks: Vec::new(),
        pitch: [0.0; 2],
        roll: [0.0; 2],
        spread: ANY_SPREAD.to_radians(),
        support: Support::Ground,
        settle: None,
    }
}

/// A joint's angles where a pose says nothing of it: none, or the middle of its range where its
/// limits do not allow that.
fn home(bone: &Bone) -> Vec3 {
    Vec3::from(bone.limits.map(
        |[low, high]| {
            if low <= 0.0 && high >= 0.0 { 0.0 } else { 0.5 * (low + high) }
        },
    ))
}

pub(super) fn poses(
    file: &TomlFile,
    entries: &[Spanned<PoseEntry>],
    bones: &[Bone],
) -> Result<Vec<PoseFamily>, FileError> {
    if entries.is_empty() {
        return Ok(vec![any_pose(bones)]);
    }
    let mut poses: Vec<PoseFamily> = Vec::new();
    for entry in entries {
        let (span, pose) = (entry.span(), entry.get_ref());
        let fail = |message: String| {
            file.error(Some(span.clone()), format!("pose \"{}\": {message}", pose.name))
        };
        if poses.iter().any(|other| other.name == pose.name) {
            return Err(fail("another one has this name; names must differ".into()));
        }
        if pose.weights.iter().any(|w| !(*w >= 0.0 && w.is_finite()))
            || !(0.0..=180.0).contains(&pose.spread)
        {
            return Err(fail("weights must be 0 or more, spread 0 to 180 degrees".into()));
        }
        for (key, [low, high], most) in [
            ("pitch", pose.pitch, 360.0),
            ("roll", pose.roll, 360.0),
            ("clearance", pose.clearance, 5.0),
        ] {
            if !(low <= high && low >= -most && high <= most) {
                return Err(fail(format!(
                    "{key} is [{low}, {high}]; give -{most} to {most}, the lower first"
                )));
            }
        }
        let [lowest, _] = pose.clearance;
        let clear = matches!(pose.support, SupportName::Bar | SupportName::Air);
        if lowest < 0.0 || (clear != (pose.clearance != [0.0, 0.0])) {
            let message = "clearance is how many metres a figure on a bar or in the air is clear \
                           of the ground: give [lowest, highest] there, 0 or more, and nowhere \
                           else";
            return Err(fail(message.into()));
        }
        let grips = bones.iter().filter(|bone| bone.grip.is_some()).count();
        if matches!(pose.support, SupportName::Bar) && grips < 2 {
            let message = format!(
                "a bar is held by two bones that have a `grip`, and this figure has {grips}; give \
                 two bones a `grip`, or the pose another support"
            );
            return Err(fail(message));
        }
        let stays = matches!(pose.support, SupportName::Fixed);
        if stays && (pose.settle.is_some() || [pose.pitch, pose.roll] != [[0.0; 2]; 2]) {
            let message = "a figure that is fixed stands upright and stays where it is; leave out \
                           pitch, roll and settle, or give another support";
            return Err(fail(message.into()));
        }
        let settle = pose.settle.as_ref().map(|entry| {
            settle(entry.get_ref(), bones.len()).map_err(|message| {
                file.error(Some(entry.span()), format!("pose \"{}\": {message}", pose.name))
            })
        });
        let settle = settle.transpose()?;
        let keys = std::iter::once(&pose.angles).chain(&pose.then);
        let keys = keys
            .map(|angles| key_frame(file, &pose.name, angles, bones))
            .collect::<Result<Vec<_>, _>>()?;
        let breaks = pose.breaks.as_ref().map_or(&[][..], |breaks| breaks.get_ref());
        let next = std::iter::once(&0).chain(breaks).zip(breaks).all(|(a, b)| a < b);
        if let Some(span) = pose.breaks.as_ref().map(Spanned::span)
            && (!next || breaks.last().is_some_and(|last| *last >= keys.len()))
        {
            let message = format!(
                "pose \"{}\": breaks are the keys at which another movement begins; give numbers \
                 from 1 to {}, each greater than the last",
                pose.name,
                keys.len() - 1
            );
            return Err(file.error(Some(span), message));
        }
        poses.push(PoseFamily {
            name: pose.name.clone(),
            weights: pose.weights,
            keys,
            breaks: breaks.to_vec(),
            pitch: pose.pitch.map(f32::to_radians),
            roll: pose.roll.map(f32::to_radians),
            spread: pose.spread.to_radians(),
            support: match pose.support {
                SupportName::Ground => Support::Ground,
                SupportName::Seat => Support::Seat,
                SupportName::Wall => Support::Wall,
                SupportName::Bar => Support::Bar(pose.clearance),
                SupportName::Air => Support::Air(pose.clearance),
                SupportName::Fixed => Support::Fixed,
            },
            settle,
        });
    }
    for hardness in 0..2 {
        if poses.iter().map(|pose| pose.weights[hardness]).sum::<f32>() <= 0.0 {
            let message = format!(
                "no pose has a weight at hardness {hardness}; give at least one [[poses]] a \
                 positive one"
            );
            return Err(file.error(None, message));
        }
    }
    Ok(poses)
}

/// Checks how a family settles in a figure with so many bones. The error message lacks the family's
/// name.
fn settle(entry: &SettleEntry, bones: usize) -> Result<Settle, String> {
    let SettleEntry { seconds: [low, high], strength, tumble } = *entry;
    if !(low > 0.0 && low <= high && high <= LONGEST) {
        return Err(format!(
            "settle.seconds is [{low}, {high}]; give seconds above 0, at most {LONGEST}, the \
             lower first"
        ));
    }
    if bones > MOST_SETTLING_BONES {
        return Err(format!(
            "the figure has {bones} bones; poses settle in figures of at most \
             {MOST_SETTLING_BONES}"
        ));
    }
    if !(0.0..=1.0).contains(&strength) {
        return Err(format!("settle.strength is {strength}; give 0 (limp) to 1 (stiff)"));
    }
    if !(0.0..=MOST_TUMBLE).contains(&tumble) {
        return Err(format!("settle.tumble is {tumble}; give 0 to {MOST_TUMBLE} degrees a second"));
    }
    Ok(Settle { seconds: [low, high], strength, tumble: tumble.to_radians() })
}

/// Every bone's rotation, radians; those not named stay at rest.
fn key_frame(
    file: &TomlFile,
    pose: &str,
    written: &Angles,
    bones: &[Bone],
) -> Result<Vec<Vec3>, FileError> {
    let mut angles: Vec<Vec3> = bones.iter().map(home).collect();
    for (name, Exact(degrees)) in written {
        // A pair's common name ("thigh") turns both sides alike. Angles of a right side are written
        // as if it were the left one.
        let wanted = name.get_ref();
        let is_exact = bones.iter().any(|bone| bone.name == *wanted);
        let targets: Vec<(usize, usize)> = bones
            .iter()
            .enumerate()
            .filter_map(|(i, bone)| {
                let pair = bone.name.strip_prefix("left_").or(bone.name.strip_prefix("right_"));
                let side = usize::from(bone.name.starts_with("right_"));
                match () {
                    () if bone.name == *wanted => Some((i, side)),
                    () if !is_exact && pair == Some(wanted.as_str()) => Some((i, side)),
                    () => None,
                }
            })
            .collect();
        if targets.is_empty() {
            let known = list(bones.iter().map(|bone| bone.name.as_str()));
            let message =
                format!("pose \"{pose}\": no bone is called \"{wanted}\"; there are {known}");
            return Err(file.error(Some(name.span()), message));
        }
        for (bone, side) in targets {
            let mirror = if side == 1 { Vec3::new(1.0, -1.0, -1.0) } else { Vec3::ONE };
            let angle = Vec3::from(degrees.map(f32::to_radians)) * mirror;
            for axis in 0..3 {
                let [low, high] = bones[bone].limits[axis];
                if !(angle[axis] >= low - 1e-4 && angle[axis] <= high + 1e-4) {
                    let message = format!(
                        "pose \"{pose}\" turns \"{}\" by {:.0} degrees about {}, outside its \
                         limits [{:.0}, {:.0}]",
                        bones[bone].name,
                        angle[axis].to_degrees(),
                        ["x", "y", "z"][axis],
                        low.to_degrees(),
                        high.to_degrees()
                    );
                    return Err(file.error(Some(name.span()), message));
                }
            }
            angles[bone] = angle;
        }
    }
    Ok(angles)
}
