//! The text of `figure.toml`.

use super::ply::short;
use crate::{Draft, DraftBone, DraftPart, DraftShape};
use glam::{DMat3, DQuat, Quat, Vec3};
use std::fmt::Write;

/// Digits of metres: a thousandth of a millimetre.
const LENGTHS: usize = 6;
/// Digits of degrees: at a metre, two thousandths of a millimetre.
const ANGLES: usize = 4;

/// The figure file of `draft`; `meshes` has the file of each part that has one.
pub fn text(draft: &Draft, meshes: &[Option<String>]) -> String {
    let mut text = String::new();
    head(draft, &mut text);
    bones(draft, &mut text);
    parts(draft, meshes, &mut text);
    materials(draft, &mut text);
    keypoints(draft, &mut text);
    poses(draft, &mut text);
    text
}

/// Adds a line. Writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($arguments:tt)*) => {{
        let _ = writeln!($text, $($arguments)*);
    }};
}

fn head(draft: &Draft, text: &mut String) {
    line!(text, "# Imported. Metres, degrees. Y is up, the figure faces +Z, its left is +X.");
    line!(text, "#");
    line!(text, "# Everything here can be edited: names of keypoints, limits, colours, poses.");
    if !draft.notes.is_empty() {
        line!(text, "#\n# What was skipped or guessed:");
        for note in &draft.notes {
            // A note must not end the comment.
            line!(text, "# - {}", note.replace(['\n', '\r'], " "));
        }
    }
    line!(text, "\nname = {}", quoted(&draft.name));
    if !draft.edges.is_empty() {
        line!(text, "edges = [");
        for [a, b] in &draft.edges {
            let [a, b] = [a, b].map(|end| quoted(&draft.keypoints[*end].name));
            line!(text, "    [{a}, {b}],");
        }
        line!(text, "]");
    }
}

fn bones(draft: &Draft, text: &mut String) {
    line!(
        text,
        "\n# ---- bones: `turn` is how a bone's frame is turned at rest, `limits` are degrees, \
         `slides` metres,\n# `joint` names the degree of freedom in files of joint states, \
         `mass` a share of the whole ----"
    );
    let sum: f32 = draft.bones.iter().map(|bone| bone.mass).sum();
    for bone in &draft.bones {
        line!(text, "\n[[bones]]\nname = {}", quoted(&bone.name));
        if let Some(parent) = bone.parent {
            line!(text, "parent = {}", quoted(&draft.bones[parent].name));
        }
        line!(text, "offset = {}", vector(bone.offset, LENGTHS));
        if let Some(turn) = turn(bone.turn) {
            line!(text, "turn = {turn}");
        }
        if let Some(limits) = ranges(&bone.limits, f32::to_degrees, ANGLES) {
            line!(text, "limits = {limits}");
        }
        if let Some(slides) = ranges(&bone.slides, |x| x, LENGTHS) {
            line!(text, "slides = {slides}");
        }
        if let Some(joint) = &bone.joint {
            line!(text, "joint = {}", quoted(joint));
        }
        if let Some(follows) = &bone.follows {
            line!(
                text,
                "follows = {{ bone = {}, factor = {}, offset = {} }}",
                quoted(&draft.bones[follows.bone].name),
                decimal(follows.factor, LENGTHS),
                decimal(offset_as_written(bone, follows.offset), LENGTHS)
            );
        }
        line!(text, "mass = {}", decimal((bone.mass / sum).max(1e-5), 5));
    }
}

/// A follower's offset: degrees of what turns, metres of what slides.
fn offset_as_written(bone: &DraftBone, offset: f32) -> f32 {
    match bone.slides.iter().any(|[low, high]| low < high) {
        true => offset,
        false => offset.to_degrees(),
    }
}

fn parts(draft: &Draft, meshes: &[Option<String>], text: &mut String) {
    line!(text, "\n# ---- parts: what is seen of the bones ----");
    for (part, mesh) in draft.parts.iter().zip(meshes) {
        line!(text, "\n[[parts]]\nname = {}", quoted(&part.name));
        let bone = |bone: usize| quoted(&draft.bones[bone].name);
        match &part.shape {
            DraftShape::Skin { bones, .. } => {
                let bones: Vec<String> = bones.iter().map(|index| bone(*index)).collect();
                line!(text, "bones = [{}]", bones.join(", "));
            }
            _ => line!(text, "bone = {}", bone(part.bone)),
        }
        line!(text, "material = {}", quoted(&draft.materials[part.material].name));
        shape(part, mesh.as_deref().unwrap_or(""), text);
    }
}

fn shape(part: &DraftPart, mesh: &str, text: &mut String) {
    match &part.shape {
        DraftShape::Cone { ends: [a, b], radii: [first, last] } => {
            let [a, b] = [a, b].map(|end| vector(*end, LENGTHS));
            line!(text, "ends = [{a}, {b}]");
            let radii = [first, last].map(|radius| decimal(*radius, LENGTHS)).join(", ");
            line!(text, "radii = [{radii}]");
            return;
        }
        DraftShape::Sphere(radius) => line!(text, "sphere = {}", decimal(*radius, LENGTHS)),
        DraftShape::Box(sides) => line!(text, "box = {}", vector(*sides, LENGTHS)),
        DraftShape::Cylinder { radius, length } => {
            let sizes = [radius, length].map(|size| decimal(*size, LENGTHS)).join(", ");
            line!(text, "cylinder = [{sizes}]");
        }
        DraftShape::Mesh(_) => line!(text, "mesh = {}", quoted(mesh)),
        DraftShape::Skin { .. } => {
            line!(text, "mesh = {}", quoted(mesh));
            return;
        }
    }
    if part.at != Vec3::ZERO {
        line!(text, "at = {}", vector(part.at, LENGTHS));
    }
    if let Some(turn) = turn(part.turn) {
        line!(text, "turn = {turn}");
    }
}

fn materials(draft: &Draft, text: &mut String) {
    line!(
        text,
        "\n# ---- materials: sRGB colours from 0 to 1; `spread` is how much they vary from picture \
         to picture ----"
    );
    let used = |index: usize| draft.parts.iter().any(|part| part.material == index);
    for (_, material) in draft.materials.iter().enumerate().filter(|(index, _)| used(*index)) {
        line!(text, "\n[[materials]]\nname = {}", quoted(&material.name));
        line!(text, "color = {}", vector(material.color.into(), 4));
        line!(text, "roughness = {}", decimal(material.roughness, 3));
    }
}

fn keypoints(draft: &Draft, text: &mut String) {
    line!(
        text,
        "\n# ---- keypoints: what a network learns to find; offsets are in the bone's frame ----"
    );
    for keypoint in &draft.keypoints {
        line!(text, "\n[[keypoints]]\nname = {}", quoted(&keypoint.name));
        line!(text, "bone = {}", quoted(&draft.bones[keypoint.bone].name));
        if keypoint.offset != Vec3::ZERO {
            line!(text, "offset = {}", vector(keypoint.offset, LENGTHS));
        }
        if let Some(twin) = keypoint.twin {
            line!(text, "twin = {}", quoted(&draft.keypoints[twin].name));
        }
    }
}

fn poses(draft: &Draft, text: &mut String) {
    line!(
        text,
        "\n# ---- poses: angles in degrees around which joints are drawn, `spread` their deviation,"
    );
    line!(
        text,
        "# `weights` is how often a family is drawn where poses are easy, and where hard ----"
    );
    for pose in &draft.poses {
        line!(text, "\n[[poses]]\nname = {}", quoted(&pose.name));
        line!(text, "weights = [{}]", pose.weights.map(|weight| decimal(weight, 4)).join(", "));
        line!(text, "spread = {}", decimal(pose.spread, 3));
        let key = |key: &Vec<(usize, Vec3)>| {
            let angles = key.iter().map(|(bone, angles)| {
                let name = &draft.bones[*bone].name;
                // Figure files have the angles of a right side as if it were the left one.
                let mirrored = if name.starts_with("right_") { -1.0 } else { 1.0 };
                let angles = *angles * Vec3::new(1.0, mirrored, mirrored);
                format!("{} = {}", quoted(name), vector(angles, 2))
            });
            format!("{{ {} }}", angles.collect::<Vec<_>>().join(", "))
        };
        if let Some((first, then)) = pose.keys.split_first() {
            if !first.is_empty() {
                line!(text, "angles = {}", key(first));
            }
            if !then.is_empty() {
                line!(text, "then = [");
                for frame in then {
                    line!(text, "    {},", key(frame));
                }
                line!(text, "]");
            }
        }
        line!(text, "support = {}", quoted(&pose.support));
        if pose.support == "air" {
            line!(text, "clearance = [0.1, 0.6]");
        }
    }
}

/// The ranges that are free, as an inline table.
fn ranges(ranges: &[[f32; 2]; 3], written: impl Fn(f32) -> f32, digits: usize) -> Option<String> {
    let free = ["x", "y", "z"].iter().zip(ranges).filter(|(_, [low, high])| low < high);
    let free: Vec<String> = free
        .map(|(axis, range)| {
            let [low, high] = range.map(|end| decimal(written(end), digits));
            format!("{axis} = [{low}, {high}]")
        })
        .collect();
    (!free.is_empty()).then(|| format!("{{ {} }}", free.join(", ")))
}

/// A rotation as the angles of a figure file; nothing if it is none.
fn turn(turn: Quat) -> Option<String> {
    let written = vector(degrees(turn), ANGLES);
    (written != "[0, 0, 0]").then_some(written)
}

/// The angles x, y and z, degrees, of `turn = Rx * Rz * Ry`.
///
/// One angle after the other is taken from what those before it leave, so that where z is near a
/// right angle, and x or y can hardly be told, the three together are still as exact.
fn degrees(turn: Quat) -> Vec3 {
    let rotation = DMat3::from_quat(
        DQuat::from_xyzw(turn.x.into(), turn.y.into(), turn.z.into(), turn.w.into()).normalize(),
    );
    let up = rotation.y_axis;
    let x = if up.y.hypot(up.z) > 1e-6 { up.z.atan2(up.y) } else { 0.0 };
    let left = DMat3::from_rotation_x(-x) * rotation;
    let z = (-left.y_axis.x).atan2(left.y_axis.y);
    let left = DMat3::from_rotation_z(-z) * left;
    let y = (-left.x_axis.z).atan2(left.x_axis.x);
    [x, y, z].map(|angle| angle.to_degrees() as f32).into()
}

fn vector(vector: Vec3, digits: usize) -> String {
    format!("[{}]", vector.to_array().map(|x| decimal(x, digits)).join(", "))
}

fn decimal(x: f32, digits: usize) -> String {
    short(x, digits)
}

/// A string of TOML, which is written as JSON's are.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_figure::turn as figure_turn;

    #[test]
    fn angles_come_back_even_near_the_pole() {
        for (x, y, z) in [
            (0.0, 0.0, 0.0),
            (90.0, 90.0, 90.0),
            (-90.0, 12.0, 89.99),
            (30.0, -170.0, -90.0),
            (179.0, 33.0, 12.0),
            (-100.0, 45.0, 89.9999),
        ] {
            let rotation = figure_turn(Vec3::new(x, y, z).map(f32::to_radians));
            let written = degrees(rotation);
            let rounded = written.map(|angle| short(angle, ANGLES).parse().unwrap());
            let back = figure_turn(rounded.map(f32::to_radians));
            let moved =
                (back * Vec3::new(0.6, 0.8, 0.3)).distance(rotation * Vec3::new(0.6, 0.8, 0.3));
            assert!(moved < 5e-6, "{x} {y} {z}: {written}, {moved}");
        }
    }

    #[test]
    fn names_are_quoted_and_numbers_short() {
        assert_eq!(quoted("a \"b\" \\ \u{e9}"), "'a \"b\" \\ é'");
        assert_eq!(decimal(-0.000_000_1, 6), "0");
        assert_eq!(decimal(0.5, 6), "0.5");
        assert_eq!(decimal(100.0, 4), "100");
    }
}
