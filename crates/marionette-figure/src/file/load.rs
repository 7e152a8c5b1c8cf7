//! From a figure file's text to a checked [`Figure`].

use super::{
    bones::bones,
    entries::FigureFile,
    garments::garments,
    keypoints::keypoints,
    materials::materials,
    parts::{MOST_PARTS, Parts, parts},
    poses::poses,
    read::read_figure,
    shape::shape,
    written::list,
};
use crate::{
    BodyShape, Figure, Pose, bvh::inline_motion, contact, place_keypoints, place_parts, solve,
};
use glam::Vec3;
use marionette_base::toml_file::{FileError, TomlFile};
use std::path::Path;
use toml::Spanned;

/// What is wrong with a figure file.
pub type FigureError = FileError;

/// Reads and checks the figure file at `path`.
///
/// # Errors
/// If anything is wrong with the file: which file and line, what was found and what is allowed.
pub fn load_figure(path: &Path) -> Result<Figure, FigureError> {
    parse_figure(&read_figure(path)?)
}

/// Checks a figure file's text and reads the motion capture that it names. See [`load_figure`].
///
/// # Errors
/// As [`load_figure`].
pub fn parse_figure(file: &TomlFile) -> Result<Figure, FigureError> {
    if file.text.contains("motion") {
        let inlined = inline_motion(file.clone())?.file;
        return check_figure(&inlined).map_err(|error| match inlined.text == file.text {
            true => error,
            // Lines are those of another text.
            false => FigureError { line: None, ..error },
        });
    }
    check_figure(file)
}

/// Checks the text of a figure file that names no other file.
pub(crate) fn check_figure(file: &TomlFile) -> Result<Figure, FigureError> {
    let entries: FigureFile = file.parse()?;
    let shape = shape(file, &entries.shape)?;
    let bones = bones(file, &entries.bones, &shape)?;
    let Parts { parts, body_parts, groups, materials: mut names, surface } =
        parts(file, &entries.parts, &entries.garments, &entries.meshes, &bones, &shape)?;
    let (garments, slots) = garments(file, &entries.garments, &names)?;
    let made_of = materials(file, &entries.materials, &mut names, &parts, &garments)?;
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
    let keypoints = keypoints(file, &entries.keypoints, &bones, &parts, &groups)?;
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
    let symmetry: Vec<Vec<usize>> = entries
        .symmetry
        .iter()
        .map(|group| group.get_ref().iter().map(keypoint).collect())
        .collect::<Result<_, _>>()?;
    let torso = match entries.torso.as_ref().map(|torso| (torso.span(), &torso.get_ref()[..])) {
        None => None,
        Some((_, [a, b])) => Some([keypoint(a)?, keypoint(b)?]),
        Some((span, names)) => {
            let message = format!("torso has {} names; give its two ends", names.len());
            return Err(file.error(Some(span), message));
        }
    };
    let poses = poses(file, &entries.poses, &bones)?;
    let figure = Figure {
        name: entries.name,
        bones,
        parts,
        body_parts,
        surface: surface.into(),
        garments,
        slots,
        groups,
        materials: names,
        made_of,
        keypoints,
        edges,
        symmetry,
        torso: torso.unwrap_or_default(),
        shape,
        poses,
        limb_pairs: Vec::new(),
        stature: 1.0,
    };
    if let Some((group, message)) = figure.scheme().symmetry_complaint() {
        return Err(file.error(Some(entries.symmetry[group].span()), message));
    }
    let torso = match torso {
        Some(torso) => torso,
        None => longest_edge(&figure).ok_or_else(|| {
            let message = "there is no `torso` and no edge between two keypoints, so nothing says \
                           how large the figure is; give `torso` or `edges`";
            file.error(None, message)
        })?,
    };
    let figure = Figure { stature: stature(&figure), torso, ..figure };
    Ok(Figure { limb_pairs: contact::limb_pairs(&figure), ..figure })
}

/// The largest extent of a human at rest, metres.
const HUMAN: f32 = 1.77;

/// The largest extent of the figure at rest over a human's, in steps of an eighth of an octave.
/// Thanks to the steps, everything about as large as a human has exactly 1.
fn stature(figure: &Figure) -> f32 {
    let (shape, pose) = (BodyShape::default(), Pose::at_rest(figure));
    let parts = place_parts(figure, &shape, &solve(figure, &shape, &pose));
    let balls = || parts.iter().flat_map(|part| part.ends.into_iter().zip(part.radii));
    let low = balls().map(|(centre, radius)| centre - radius).fold(Vec3::INFINITY, Vec3::min);
    let high = balls().map(|(centre, radius)| centre + radius).fold(Vec3::NEG_INFINITY, Vec3::max);
    let octaves = ((high - low).max_element() / HUMAN).log2();
    (0.125 * (8.0 * octaves).round()).clamp(-8.0, 6.0).exp2()
}

/// The edge whose ends are farthest apart in the figure at rest; the first of those that are as
/// long.
fn longest_edge(figure: &Figure) -> Option<[usize; 2]> {
    let (shape, pose) = (BodyShape::default(), Pose::at_rest(figure));
    let places = place_keypoints(figure, &shape, &solve(figure, &shape, &pose));
    let length = |[a, b]: [usize; 2]| places[a].distance(places[b]);
    let longer = |longest: [usize; 2], edge: [usize; 2]| {
        if length(edge) > length(longest) { edge } else { longest }
    };
    figure.edges.iter().copied().filter(|edge| length(*edge) > 0.0).reduce(longer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grips;
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

    /// Two fingers that mirror each other and follow, a base between them.
    fn hand(follows: &str, more: &str) -> Result<Figure, String> {
        let text = format!(
            "name = \"x\"\nedges = [[\"a\", \"left_b\"]]\n[[bones]]\nname = \"base\"\n\
             offset = [0, 1, 0]\nlimits = {{ z = [-90, 90] }}\n[[bones]]\n\
             name = \"left_lead\"\nmirror = true\nparent = \"base\"\noffset = [0.1, 0, 0]\n\
             limits = {{ z = [0, 40] }}\n[[bones]]\nname = \"left_finger\"\nmirror = true\n\
             parent = \"left_lead\"\noffset = [0.1, 0, 0]\nlimits = {{ z = [0, 80] }}\n\
             follows = {{ {follows} }}\n[[parts]]\nname = \"p\"\nbone = \"base\"\nsphere = 0.1\n\
             [[keypoints]]\nname = \"a\"\nbone = \"base\"\n[[keypoints]]\nname = \"left_b\"\n\
             mirror = true\nbone = \"left_finger\"\n{more}"
        );
        let file = TomlFile { path: "x.toml".into(), text };
        parse_figure(&file).map_err(|error| error.message)
    }

    #[test]
    fn a_mirrored_bone_follows_as_its_twin_does_in_a_mirror() {
        let numbers = |follows: &str| {
            let figure = hand(follows, "").unwrap();
            let bone = |name: &str| figure.bones.iter().find(|bone| bone.name == name).unwrap();
            [bone("left_finger"), bone("right_finger")].map(|bone| {
                let follows = bone.follows.unwrap();
                (follows.factor, follows.offset.to_degrees().round())
            })
        };
        let twins = numbers("bone = \"left_lead\", factor = 2, offset = 30");
        assert_eq!(twins, [(2.0, 30.0), (2.0, -30.0)]);
        let middle = numbers("bone = \"base\", factor = 2, offset = 30");
        assert_eq!(middle, [(2.0, 30.0), (-2.0, -30.0)]);
    }

    #[test]
    fn a_bones_own_name_turns_no_other_bone() {
        let arm = "[[bones]]\nname = \"finger\"\nparent = \"base\"\noffset = [0, 0.1, 0]\n\
                   limits = { z = [-90, 90] }\n";
        let pose = |name: &str| {
            format!(
                "{arm}[[poses]]\nname = \"p\"\nweights = [1, 1]\nspread = 1\nsupport = \"fixed\"\n\
                 angles = {{ {name} = [0, 0, 85] }}\n"
            )
        };
        let follows = "bone = \"left_lead\"";
        assert_eq!(hand(follows, &pose("finger")).map(|figure| figure.poses.len()), Ok(1));
        assert!(hand(follows, &pose("lead")).unwrap_err().contains("outside its limits"));
    }

    #[test]
    fn bodies_are_of_human_size_and_their_scales_hang_together() {
        let shape = human().shape;
        let bodies: Vec<BodyShape> =
            (0..4000).map(|i| shape.sample(&mut stream(1, i, 0, "body"))).collect();
        // The figure file's own body is 1.77 m tall.
        let heights: Vec<f32> = bodies.iter().map(|body| shape.size_of(body) * 1.77).collect();
        assert!(heights.iter().all(|height| (0.99..=2.01).contains(height)));
        assert!(
            heights.iter().any(|height| *height < 1.15)
                && heights.iter().any(|height| *height > 1.9)
        );
        let correlation = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|name| {
                let index = shape.scales.iter().position(|scale| scale.name == name);
                let values: Vec<f32> = bodies.iter().map(|body| body.scale(index)).collect();
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                values.into_iter().map(|value| value - mean).collect::<Vec<f32>>()
            });
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
        };
        assert!(correlation("height", "head") < -0.5, "children have large heads");
        assert!(correlation("girth", "belly") > 0.5 && correlation("girth", "limbs") > 0.5);
        assert!(correlation("shoulders", "hips") < 0.3);
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
    fn keypoints_that_cannot_be_told_apart_are_groups_and_what_makes_no_group_is_told_by_line() {
        let before = "torso = [\"left_shoulder\", \"right_hip\"]";
        let with = |groups: &str| human_with(before, &format!("{before}\nsymmetry = {groups}"));
        assert!(human().symmetry.is_empty());
        // Ears are labelled less exactly than eyes.
        let groups = "[[\"left_wrist\", \"right_wrist\"],\n[\"left_eye\", \"left_ear\"]]";
        let refused = with(groups).unwrap_err();
        assert!(refused.message.starts_with("\"left_eye\" has the sigma 0.025"), "{refused}");
        let text = include_str!("../../../../assets/figures/human.toml");
        let torso = text.lines().position(|line| line == before).unwrap() + 1;
        assert_eq!(refused.line, Some(torso + 2), "{refused}");
        let figure = with("[[\"left_wrist\", \"right_wrist\"]]").unwrap();
        assert_eq!(figure.symmetry, [[9, 10]]);
        assert_eq!(figure.scheme().symmetry, figure.symmetry);
        for (groups, part) in [
            ("[[\"left_wrist\"]]", "has 1 keypoints"),
            ("[[\"left_wrist\", \"tail\"]]", "no keypoint is called \"tail\"; there are nose"),
            ("[[\"left_hip\", \"right_hip\", \"left_hip\"]]", "\"left_hip\" is in two places"),
        ] {
            let refused = with(groups).unwrap_err();
            assert!(refused.message.contains(part) && refused.line.is_some(), "{refused}");
        }
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
            ("children =", "children = nan #", "shape.children is nan"),
            ("youth = -0.53", "youth = inf", "shape.height moves by inf"),
        ] {
            let refused = human_with(old, new).unwrap_err();
            assert!(refused.message.starts_with(found), "{refused}");
        }
    }
}
