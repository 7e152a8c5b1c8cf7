//! From a figure file's text to a checked [`Figure`].

use super::{
    bones::bones,
    entries::FigureFile,
    garments::garments,
    keypoints::keypoints,
    parts::{Parts, parts},
    poses::poses,
    written::list,
};
use crate::{Figure, contact};
use marionette_base::toml_file::{FileError, TomlFile};
use std::path::Path;
use toml::Spanned;

/// Most parts that a figure can have at once: nine figures and the props share the 640 instances of
/// a tile.
const MOST_PARTS: usize = 68;

/// The largest scale of a body: ten times the figure file's lengths.
const LARGEST_SCALE: f32 = 10.0;
/// The most that a trait may move the logarithm of a scale, either way.
const LARGEST_LOAD: f32 = 10.0;

/// What is wrong with a figure file.
pub type FigureError = FileError;

/// Reads and checks the figure file at `path`.
///
/// # Errors
/// If anything is wrong with the file: which file and line, what was found and what is allowed.
pub fn load_figure(path: &Path) -> Result<Figure, FigureError> {
    parse_figure(&TomlFile::read(path)?)
}

/// Checks a figure file's text. See [`load_figure`].
///
/// # Errors
/// As [`load_figure`].
pub fn parse_figure(file: &TomlFile) -> Result<Figure, FigureError> {
    let entries: FigureFile = file.parse()?;
    for (name, scale) in entries.shape.named() {
        let [low, high] = scale.range;
        let loads = [scale.youth, scale.weight, scale.frame, scale.muscle, scale.own];
        let message = if !(low > 0.0 && high >= low && high <= LARGEST_SCALE) {
            format!(
                "shape.{name}.range is [{low}, {high}]; give scales above 0, at most \
                 {LARGEST_SCALE}, the lower first"
            )
        } else if let Some(bad) =
            loads.iter().find(|load| !(-LARGEST_LOAD..=LARGEST_LOAD).contains(*load))
        {
            format!(
                "shape.{name} moves by {bad}; give youth, weight, frame, muscle and own from \
                 -{LARGEST_LOAD} to {LARGEST_LOAD}"
            )
        } else if !(low..=high).contains(&scale.mean) {
            format!("shape.{name}.mean is {}, outside its range [{low}, {high}]", scale.mean)
        } else {
            continue;
        };
        let line = file.line_of(&format!("shape.{name}"));
        return Err(FigureError { line, ..file.error(None, message) });
    }
    if !(0.0..=1.0).contains(&entries.shape.children) {
        let message =
            format!("shape.children is {}; give a share from 0 to 1", entries.shape.children);
        return Err(FigureError {
            line: file.line_of("shape.children"),
            ..file.error(None, message)
        });
    }
    let bones = bones(file, &entries.bones)?;
    let Parts { parts, body_parts, groups, materials } =
        parts(file, &entries.parts, &entries.garments, &bones)?;
    let (garments, slots) = garments(file, &entries.garments, &materials)?;
    let most_worn: usize = (0..slots.len())
        .map(|slot| {
            let of_slot = garments.iter().enumerate().filter(|(_, garment)| garment.slot == slot);
            let brought = |index| parts.iter().filter(|part| part.garment == Some(index)).count();
            of_slot.map(|(index, _)| brought(index)).max().unwrap_or(0)
        })
        .sum();
    if body_parts + most_worn > MOST_PARTS {
        let message = format!(
            "a figure can have {body_parts} parts of its own and {most_worn} of what it wears; at \
             most {MOST_PARTS} in all are drawn"
        );
        return Err(file.error(None, message));
    }
    let keypoints = keypoints(file, &entries.keypoints, &bones, &groups)?;
    let keypoint = |name: &Spanned<String>| {
        keypoints.iter().position(|k| k.name == *name.get_ref()).ok_or_else(|| {
            let known = list(keypoints.iter().map(|k| k.name.as_str()));
            file.error(
                Some(name.span()),
                format!("no keypoint is called \"{}\"; there are {known}", name.get_ref()),
            )
        })
    };
    let edges = entries
        .edges
        .iter()
        .map(|[a, b]| Ok([keypoint(a)?, keypoint(b)?]))
        .collect::<Result<_, _>>()?;
    let torso = [keypoint(&entries.torso[0])?, keypoint(&entries.torso[1])?];
    let poses = poses(file, &entries.poses, &bones)?;
    let figure = Figure {
        name: entries.name,
        bones,
        parts,
        body_parts,
        garments,
        slots,
        groups,
        materials,
        keypoints,
        edges,
        torso,
        shape: entries.shape,
        poses,
        limb_pairs: Vec::new(),
    };
    Ok(Figure { limb_pairs: contact::limb_pairs(&figure), ..figure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BodyShape, grips};
    use glam::Vec3;
    use marionette_base::random::stream;

    fn human() -> Figure {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        load_figure(Path::new(path)).unwrap()
    }

    #[test]
    fn the_human_has_cocos_keypoints_in_cocos_order() {
        let figure = human();
        let names: Vec<&str> =
            figure.keypoints.iter().map(|keypoint| keypoint.name.as_str()).collect();
        assert_eq!(&names[..5], ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]);
        assert_eq!(&names[5..9], ["left_shoulder", "right_shoulder", "left_elbow", "right_elbow"]);
        assert_eq!(&names[9..13], ["left_wrist", "right_wrist", "left_hip", "right_hip"]);
        assert_eq!(&names[13..], ["left_knee", "right_knee", "left_ankle", "right_ankle"]);
        assert_eq!(figure.keypoint_twins()[5..9], [6, 5, 8, 7]);
        assert!(figure.parts.len() >= 22 && figure.bones.len() >= 20);
    }

    #[test]
    fn bodies_are_of_human_size_and_their_scales_hang_together() {
        let shape = human().shape;
        let bodies: Vec<BodyShape> =
            (0..4000).map(|i| shape.sample(&mut stream(1, i, 0, "body"))).collect();
        // The figure file's own body is 1.77 m tall.
        let heights: Vec<f32> = bodies.iter().map(|body| body.height * 1.77).collect();
        assert!(heights.iter().all(|height| (0.99..=2.01).contains(height)));
        assert!(
            heights.iter().any(|height| *height < 1.15)
                && heights.iter().any(|height| *height > 1.9)
        );
        let correlation = |a: fn(&BodyShape) -> f32, b: fn(&BodyShape) -> f32| {
            let n = bodies.len() as f32;
            let mean = |f: fn(&BodyShape) -> f32| bodies.iter().map(f).sum::<f32>() / n;
            let product = |f: fn(&BodyShape) -> f32, g: fn(&BodyShape) -> f32| {
                bodies.iter().map(|body| (f(body) - mean(f)) * (g(body) - mean(g))).sum::<f32>()
            };
            product(a, b) / (product(a, a) * product(b, b)).sqrt()
        };
        assert!(correlation(|b| b.height, |b| b.head) < -0.5, "children have large heads");
        assert!(
            correlation(|b| b.girth, |b| b.belly) > 0.5
                && correlation(|b| b.girth, |b| b.limbs) > 0.5
        );
        assert!(correlation(|b| b.shoulders, |b| b.hips) < 0.3);
    }

    /// The human's file with `old`, which must be there, replaced by `new`.
    fn human_with(old: &str, new: &str) -> Result<Figure, FigureError> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let mut file = TomlFile::read(Path::new(path)).unwrap();
        assert!(file.text.contains(old));
        file.text = file.text.replace(old, new);
        parse_figure(&file)
    }

    #[test]
    fn hands_grip_as_the_file_says_and_as_before_where_it_says_nothing() {
        let written = "grip = [0.0, -0.08, 0.0]\n";
        let grips = |figure: &Figure| {
            let grips = grips(figure, &BodyShape::default()).into_iter();
            grips.map(|(bone, at)| (figure.bones[bone].name.clone(), at)).collect::<Vec<_>>()
        };
        let both = |left: Vec3, right: Vec3| {
            vec![("left_hand".to_owned(), left), ("right_hand".to_owned(), right)]
        };
        let palm = Vec3::new(0.0, -0.08, 0.0);
        assert_eq!(grips(&human()), both(palm, palm));
        assert_eq!(grips(&human_with(written, "").unwrap()), both(palm, palm));
        let moved = human_with(written, "grip = [0.01, -0.1, 0.02]\n").unwrap();
        assert_eq!(grips(&moved), both(Vec3::new(0.01, -0.1, 0.02), Vec3::new(-0.01, -0.1, 0.02)));
        let head = "name = \"head\"\nparent = \"neck\"\n";
        let third = human_with(head, &format!("{head}{written}")).unwrap_err();
        assert!(third.message.starts_with("3 bones have a `grip` (head, left_hand"), "{third}");
        let infinite = human_with(written, "grip = [0.0, inf, 0.0]\n").unwrap_err();
        assert_eq!(infinite.message, "grip holds inf; every number must be finite");
    }

    #[test]
    fn thousands_of_bones_are_refused_at_once() {
        let bone = |k: usize| {
            let limits = "limits = { x = [0, 0], y = [0, 0], z = [0, 0] }";
            format!(
                "[[bones]]\nname = \"b{k}\"\nparent = \"b{}\"\noffset = [0, 0, 0]\n{limits}\n\
                 mass = 0.1\nscale = \"trunk\"\n",
                k + 1
            )
        };
        let many: String = (0..300).map(bone).collect();
        let refused = human_with("[[bones]]", &format!("{many}[[bones]]")).unwrap_err();
        assert!(refused.message.ends_with("bones; a figure has at most 250"), "{refused}");
    }

    #[test]
    fn bodies_without_bounds_are_refused() {
        for (old, new, found) in [
            ("grip = [0.0, -0.08, 0.0]", "grip = [0.0, -80.0, 0.0]", "grip holds -80; give metres"),
            ("children =", "children = nan #", "shape.children is NaN"),
            ("youth = -0.53", "youth = inf", "shape.height moves by inf"),
        ] {
            let refused = human_with(old, new).unwrap_err();
            assert!(refused.message.starts_with(found), "{refused}");
        }
    }
}
