//! `[[bones]]`: names, limits, and which bone hangs on which.

use super::{
    entries::{BoneEntry, FollowsEntry},
    shape::{group_index, scale_index},
    written::{LONGEST, degrees, lengths, list, on_side, reflect, sides, twin_of},
};
use crate::{Bone, Follows, Freedom, ShapeDistribution, turn};
use glam::{Quat, Vec3};
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use std::ops::Range;
use toml::Spanned;

/// Most bones that a figure can have, mirrored ones counted once. Putting parents first takes the
/// cube of their number.
const MOST_BONES: usize = 250;
/// Bones of a figure that may hold things: a bar goes through two.
const MOST_GRIPS: usize = 2;
/// The bones that grip where no bone of a file has a `grip`, and where they do, in their frames,
/// metres. Figure files had no such key at first, and runs keep copies of those files.
const UNWRITTEN_GRIPS: [&str; 2] = ["left_hand", "right_hand"];
const UNWRITTEN_GRIP: Vec3 = Vec3::new(0.0, -0.08, 0.0);

pub(super) fn bones(
    file: &TomlFile,
    entries: &[Spanned<BoneEntry>],
    shape: &ShapeDistribution,
) -> Result<Vec<Bone>, FileError> {
    struct Named {
        entry: BoneEntry,
        scale: Option<usize>,
        width: Option<usize>,
        span: Range<usize>,
        side: usize,
        name: String,
        parent: Option<String>,
    }
    if let Some(beyond) = entries.get(MOST_BONES) {
        let message =
            format!("there are {} bones; a figure has at most {MOST_BONES}", entries.len());
        return Err(file.error(Some(beyond.span()), message));
    }
    let mut named: Vec<Named> = Vec::new();
    for entry in entries {
        let span = entry.span();
        let bone = entry.get_ref();
        ranges(file, entry)?;
        if let Some(mass) = bone.mass
            && !(mass > 0.0 && mass <= 1.0)
        {
            let message =
                format!("bone \"{}\": mass is {mass}; give a share from above 0 to 1", bone.name);
            return Err(file.error(Some(span), message));
        }
        lengths(file, span.clone(), "offset", &bone.offset)?;
        if let Some(Exact(turn)) = &bone.turn {
            degrees(file, span.clone(), &format!("bone \"{}\": turn", bone.name), turn)?;
        }
        if let Some(Exact(grip)) = &bone.grip {
            lengths(file, span.clone(), "grip", grip)?;
        }
        let owner = format!("bone \"{}\"", bone.name);
        let scale = bone.scale.as_ref().map(|name| group_index(file, shape, &owner, name));
        let width = bone.width.as_ref().map(|name| scale_index(file, shape, &owner, "width", name));
        let (scale, width) = (scale.transpose()?, width.transpose()?);
        for (side, name) in
            sides(file, span.clone(), &bone.name, bone.mirror)?.into_iter().enumerate()
        {
            if named.iter().any(|other| other.name == name) {
                return Err(file.error(
                    Some(span),
                    format!("two bones are called \"{name}\"; names must differ"),
                ));
            }
            let parent = bone.parent.as_ref().map(|parent| on_side(parent.get_ref(), side));
            let (entry, span) = (bone.clone(), span.clone());
            named.push(Named { entry, scale, width, span, side, name, parent });
        }
    }
    for bone in &named {
        if let (Some(parent), Some(written)) = (&bone.parent, &bone.entry.parent)
            && !named.iter().any(|other| other.name == *parent)
        {
            let message =
                format!("bone \"{}\" hangs on \"{parent}\", which is not a bone", bone.name);
            return Err(file.error(Some(written.span()), message));
        }
    }
    // Parents first: take the bones whose parent has been taken, again and again. The bones that
    // are left hang in a circle.
    let mut order: Vec<usize> = Vec::new();
    while order.len() < named.len() {
        let before = order.len();
        for (i, bone) in named.iter().enumerate() {
            let placed = |name: &String| order.iter().any(|&o| named[o].name == *name);
            if !order.contains(&i) && bone.parent.as_ref().is_none_or(placed) {
                order.push(i);
            }
        }
        if order.len() == before {
            let left: Vec<&Named> = named
                .iter()
                .enumerate()
                .filter(|(i, _)| !order.contains(i))
                .map(|(_, b)| b)
                .collect();
            let names = list(left.iter().map(|bone| bone.name.as_str()));
            let message = format!(
                "these bones hang on one another in a circle: {names}; one of them needs another \
                 parent"
            );
            return Err(file.error(left.first().map(|bone| bone.span.clone()), message));
        }
    }
    let roots: Vec<&Named> = named.iter().filter(|bone| bone.parent.is_none()).collect();
    if roots.len() != 1 {
        let names = list(roots.iter().map(|bone| bone.name.as_str()));
        let message =
            format!("{} bones have no parent ({names}); exactly one must be the root", roots.len());
        return Err(file.error(roots.get(1).map(|bone| bone.span.clone()), message));
    }
    let gripping: Vec<&Named> = named.iter().filter(|bone| bone.entry.grip.is_some()).collect();
    if gripping.len() > MOST_GRIPS {
        let names = list(gripping.iter().map(|bone| bone.name.as_str()));
        let message = format!(
            "{} bones have a `grip` ({names}); at most {MOST_GRIPS} bones of a figure may hold \
             things",
            gripping.len()
        );
        return Err(file.error(gripping.last().map(|bone| bone.span.clone()), message));
    }
    let names: Vec<String> = order.iter().map(|&o| named[o].name.clone()).collect();
    let index = |name: &str| order.iter().position(|&o| named[o].name == name);
    let mut bones: Vec<Bone> = order
        .iter()
        .enumerate()
        .map(|(i, &o)| {
            let Named { entry, scale, width, side, name, parent, .. } = &named[o];
            let turned =
                |[low, high]: [f32; 2]| if *side == 1 { [-high, -low] } else { [low, high] };
            let radians = |range: [f32; 2]| range.map(f32::to_radians);
            Bone {
                name: name.clone(),
                parent: parent.as_deref().and_then(index),
                twin: twin_of(i, &names),
                offset: reflect(entry.offset, *side),
                rest: entry.turn.map_or(Quat::IDENTITY, |Exact([x, y, z])| {
                    let y_and_z = if *side == 1 { [-y, -z] } else { [y, z] };
                    turn(Vec3::new(x, y_and_z[0], y_and_z[1]).map(f32::to_radians))
                }),
                limits: [
                    radians(entry.limits.x),
                    radians(turned(entry.limits.y)),
                    radians(turned(entry.limits.z)),
                ],
                slides: [turned(entry.slides.x), entry.slides.y, entry.slides.z],
                joint: entry.joint.as_ref().map(|joint| on_side(joint.get_ref(), *side)),
                follows: None,
                mass: entry.mass.unwrap_or(1.0 / named.len() as f32),
                scale: *scale,
                width: *width,
                grip: match entry.grip {
                    Some(Exact(point)) => Some(reflect(point, *side)),
                    None if gripping.is_empty() && UNWRITTEN_GRIPS.contains(&name.as_str()) => {
                        Some(UNWRITTEN_GRIP)
                    }
                    None => None,
                },
            }
        })
        .collect();
    for bone in 0..bones.len() {
        if !mirrored_at_rest(&bones, bone, bones[bone].twin) {
            bones[bone].twin = bone;
        }
        let Named { entry, side, .. } = &named[order[bone]];
        if let Some(follows) = &entry.follows {
            bones[bone].follows = Some(leader(file, &bones, bone, follows, *side)?);
        }
        one_freedom(file, &bones, bone, entry.joint.as_ref())?;
    }
    if let Some(bone) = bones
        .iter()
        .find(|bone| bone.follows.is_some_and(|follows| bones[follows.bone].follows.is_some()))
    {
        let message = format!(
            "bone \"{}\" follows one that itself follows another; let it follow the first of them",
            bone.name
        );
        return Err(file.error(None, message));
    }
    Ok(bones)
}

/// Checks the ranges in which a joint moves.
fn ranges(file: &TomlFile, entry: &Spanned<BoneEntry>) -> Result<(), FileError> {
    let BoneEntry { name, limits, slides, .. } = entry.get_ref();
    let whole_turn = 360.0;
    for (key, ranges, most, unit) in
        [("limits", limits, whole_turn, "degrees"), ("slides", slides, LONGEST, "metres")]
    {
        for (axis, [low, high]) in [("x", ranges.x), ("y", ranges.y), ("z", ranges.z)] {
            if !(-most <= low && low <= high && high <= most) {
                let message = format!(
                    "bone \"{name}\": {key}.{axis} is [{low}, {high}]; give {unit} between -{most} \
                     and {most}, the lower first"
                );
                return Err(file.error(Some(entry.span()), message));
            }
        }
    }
    Ok(())
}

/// Whether two bones mirror each other at rest: only then is one's angle the other's mirror image.
fn mirrored_at_rest(bones: &[Bone], bone: usize, twin: usize) -> bool {
    let [a, b] = [&bones[bone], &bones[twin]];
    let mirrored = Quat::from_xyzw(a.rest.x, -a.rest.y, -a.rest.z, a.rest.w);
    let across = a.offset * Vec3::new(-1.0, 1.0, 1.0);
    bone == twin || (across.distance(b.offset) < 1e-3 && mirrored.dot(b.rest).abs() > 0.999_99)
}

/// What a bone's `follows` says.
fn leader(
    file: &TomlFile,
    bones: &[Bone],
    bone: usize,
    written: &Spanned<FollowsEntry>,
    side: usize,
) -> Result<Follows, FileError> {
    let FollowsEntry { bone: name, factor, offset } = written.get_ref();
    let owner = format!("`follows` of bone \"{}\"", bones[bone].name);
    let leader = bone_index(file, bones, &owner, name, side)?;
    let fail = |message: String| Err(file.error(Some(written.span()), message));
    if !(factor.abs() <= 100.0 && offset.abs() <= 360.0) {
        return fail(format!("{owner}: factor is {factor}, offset {offset}; give smaller numbers"));
    }
    if leader == bone {
        return fail(format!("{owner} names the bone itself; name another"));
    }
    let turns = bones[bone].freedoms().any(|freedom| matches!(freedom, Freedom::Turn(_)));
    let offset = if turns { offset.to_radians() } else { *offset };
    // What a mirror turns round moves the other way on the right side.
    let is_negated = |freedom| matches!(freedom, Freedom::Turn(1 | 2) | Freedom::Slide(0));
    if side == 1 && bones[bone].freedoms().any(is_negated) {
        let is_in_the_middle = on_side(name.get_ref(), 1) == *name.get_ref();
        let factor = if is_in_the_middle { -factor } else { *factor };
        return Ok(Follows { bone: leader, factor, offset: -offset });
    }
    Ok(Follows { bone: leader, factor: *factor, offset })
}

/// A bone with a named joint moves in one way, so that one number says where it is.
fn one_freedom(
    file: &TomlFile,
    bones: &[Bone],
    bone: usize,
    joint: Option<&Spanned<String>>,
) -> Result<(), FileError> {
    let (Some(joint), bone) = (joint, &bones[bone]) else { return Ok(()) };
    let same = |other: &&Bone| other.joint == bone.joint;
    let (ways, named_so) = (bone.freedoms().count(), bones.iter().filter(same).count());
    if ways == 1 && named_so == 1 {
        return Ok(());
    }
    let message = format!(
        "bone \"{}\" is joint \"{}\", moves in {ways} ways, and {named_so} bones are joints of that \
         name; each joint is one bone that moves in one way",
        bone.name,
        joint.get_ref()
    );
    Err(file.error(Some(joint.span()), message))
}

pub(super) fn bone_index(
    file: &TomlFile,
    bones: &[Bone],
    owner: &str,
    name: &Spanned<String>,
    side: usize,
) -> Result<usize, FileError> {
    let wanted = on_side(name.get_ref(), side);
    bones.iter().position(|bone| bone.name == wanted).ok_or_else(|| {
        let known = list(bones.iter().map(|bone| bone.name.as_str()));
        file.error(
            Some(name.span()),
            format!("{owner} is on bone \"{wanted}\", which does not exist; there are {known}"),
        )
    })
}
