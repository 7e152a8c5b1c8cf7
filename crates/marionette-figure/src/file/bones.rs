//! `[[bones]]`: names, limits, and which bone hangs on which.

use super::{
    entries::BoneEntry,
    shape::{group_index, scale_index},
    written::{lengths, list, on_side, reflect, sides, twin_of},
};
use crate::{Bone, ShapeDistribution};
use glam::Vec3;
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
        for (axis, [low, high]) in
            [("x", bone.limits.x), ("y", bone.limits.y), ("z", bone.limits.z)]
        {
            if low > high || low < -180.0 || high > 180.0 || !low.is_finite() || !high.is_finite() {
                let message = format!(
                    "bone \"{}\": limits.{axis} is [{low}, {high}]; give degrees between -180 and \
                     180, the lower first",
                    bone.name
                );
                return Err(file.error(Some(span), message));
            }
        }
        if !(bone.mass > 0.0 && bone.mass <= 1.0) {
            let message = format!(
                "bone \"{}\": mass is {}; give a share from above 0 to 1",
                bone.name, bone.mass
            );
            return Err(file.error(Some(span), message));
        }
        lengths(file, span.clone(), "offset", &bone.offset)?;
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
    Ok(order
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
                limits: [
                    radians(entry.limits.x),
                    radians(turned(entry.limits.y)),
                    radians(turned(entry.limits.z)),
                ],
                mass: entry.mass,
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
        .collect())
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
