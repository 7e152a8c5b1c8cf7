//! Which of a figure's bones a joint of a motion capture is.

use super::parse::Bvh;
use crate::Bone;
use std::collections::BTreeMap;

/// The joints of CMU's database (Hahne's conversion to BVH) and of Mixamo's characters, without
/// "mixamorig:" and in lower case, and the human's bones. Both call most of them alike. "l" before
/// a bone's name stands for left_ and right_.
const KNOWN: [(&str, &str); 13] = [
    ("hips", "pelvis"),
    ("spine", "spine"),
    ("spine1", "chest"),
    ("neck", "neck"),
    ("head", "head"),
    ("*shoulder", "*clavicle"),
    ("*arm", "*upper_arm"),
    ("*forearm", "*forearm"),
    ("*hand", "*hand"),
    ("*upleg", "*thigh"),
    ("*leg", "*shin"),
    ("*foot", "*foot"),
    ("*toebase", "*toe"),
];
/// Mixamo's trunk has one joint more: the last carries the shoulders.
const UPPER: (&str, &str) = ("spine2", "chest");

/// What bones are called elsewhere, for those of no known skeleton: the human's bone, and words
/// without side, the likeliest first.
const WORDS: [(&str, &[&str]); 13] = [
    ("pelvis", &["pelvis", "hips", "hip", "root"]),
    ("spine", &["spine", "abdomen", "torso", "spine01", "lowerback", "waist"]),
    ("chest", &["chest", "thorax", "upperchest", "spine03", "spine3", "spine02", "upperback"]),
    ("neck", &["neck", "neck01", "lowerneck"]),
    ("head", &["head"]),
    ("clavicle", &["clavicle", "collar", "collarbone", "clav", "shoulder"]),
    ("upper_arm", &["upperarm", "uparm", "humerus", "arm", "shoulder"]),
    ("forearm", &["forearm", "lowerarm", "lowarm", "elbow", "radius"]),
    ("hand", &["hand", "wrist"]),
    ("thigh", &["thigh", "upleg", "upperleg", "femur", "hip", "hipjoint"]),
    ("shin", &["shin", "calf", "lowerleg", "lowleg", "leg", "knee", "tibia"]),
    ("foot", &["foot", "ankle"]),
    ("toe", &["toe", "toebase", "toes", "ball"]),
];

/// For each bone, the joint that it is led by.
pub(super) struct Map {
    pub joints: Vec<Option<usize>>,
    /// Pairs of joint and bone that were guessed by words.
    pub guessed: Vec<[String; 2]>,
}

/// Maps joints to bones: first as `written` says (joint to bone), then by the names of known
/// skeletons, then by words.
///
/// # Errors
/// If `written` names what does not exist; which, and what there is.
pub(super) fn map(
    bvh: &Bvh,
    bones: &[Bone],
    written: &BTreeMap<String, String>,
) -> Result<Map, String> {
    let names: Vec<String> = bvh.joints.iter().map(|joint| plain(&joint.name)).collect();
    let joint_of = |name: &str| names.iter().position(|known| known == name);
    let bone_of = |name: &str| bones.iter().position(|bone| bone.name == name);
    let mut joints: Vec<Option<usize>> = vec![None; bones.len()];
    for (joint, bone) in written {
        let whole = bvh.joints.iter().position(|known| known.name == *joint);
        let Some(joint_index) = whole.or_else(|| joint_of(&plain(joint))) else {
            let known: Vec<&str> = bvh.joints.iter().map(|joint| joint.name.as_str()).collect();
            return Err(format!("no joint is called \"{joint}\"; there are {}", known.join(", ")));
        };
        let Some(bone_index) = bone_of(bone) else {
            let known: Vec<&str> = bones.iter().map(|bone| bone.name.as_str()).collect();
            return Err(format!("no bone is called \"{bone}\"; there are {}", known.join(", ")));
        };
        joints[bone_index] = Some(joint_index);
    }
    let mut known: Vec<(String, String)> = Vec::new();
    for (joint, bone) in std::iter::once(UPPER).chain(KNOWN) {
        match (joint.strip_prefix('*'), bone.strip_prefix('*')) {
            (Some(joint), Some(bone)) => known.extend(
                ["left", "right"].map(|side| (format!("{side}{joint}"), format!("{side}_{bone}"))),
            ),
            _ => known.push((joint.to_owned(), bone.to_owned())),
        }
    }
    let of_known_skeleton = names.iter().filter(|name| known.iter().any(|(j, _)| j == *name));
    if of_known_skeleton.count() >= 10 {
        for (joint, bone) in &known {
            if let (Some(joint), Some(bone)) = (joint_of(joint), bone_of(bone)) {
                joints[bone].get_or_insert(joint);
            }
        }
    }
    let mut guessed = Vec::new();
    let mut taken: Vec<usize> = joints.iter().flatten().copied().collect();
    for (index, bone) in bones.iter().enumerate() {
        if joints[index].is_some() {
            continue;
        }
        let (side, rest) = side(&plain(&bone.name));
        let (_, human) = side_of_bone(&bone.name);
        let words = WORDS.iter().find(|(name, _)| *name == human);
        let words = words.map_or(&[][..], |(_, words)| words);
        let candidates = std::iter::once(rest.as_str()).chain(words.iter().copied());
        let free = |word: &str| {
            let fits = |joint: &usize| {
                !taken.contains(joint) && self::side(&names[*joint]) == (side, word.to_owned())
            };
            (0..names.len()).find(fits)
        };
        let found = candidates.filter_map(free).next();
        if let Some(joint) = found {
            joints[index] = Some(joint);
            taken.push(joint);
            guessed.push([bvh.joints[joint].name.clone(), bone.name.clone()]);
        }
    }
    Ok(Map { joints, guessed })
}

/// Which side a bone of a figure is of, and the rest of its name.
fn side_of_bone(name: &str) -> (Option<bool>, &str) {
    match (name.strip_prefix("left_"), name.strip_prefix("right_")) {
        (Some(rest), _) => (Some(true), rest),
        (_, Some(rest)) => (Some(false), rest),
        _ => (None, name),
    }
}

/// A name without what comes before a colon, in lower case, letters and digits alone; sides are
/// told by "left" and "right" at its beginning.
fn plain(name: &str) -> String {
    let name = name.rsplit(':').next().unwrap_or(name);
    let name = name.strip_prefix("mixamorig").unwrap_or(name);
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, letter) in letters.iter().enumerate() {
        let after_small = i > 0 && !letters[i - 1].is_uppercase();
        let before_small = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if !letter.is_alphanumeric() || letter.is_uppercase() && (after_small || before_small) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let last = words.len().saturating_sub(1);
    let sided = |word: &str| match word {
        "l" | "left" => Some("left"),
        "r" | "right" => Some("right"),
        _ => None,
    };
    let found = [0, last].into_iter().find_map(|at| {
        let side = sided(words.get(at)?)?;
        (words.len() > 1).then_some((at, side))
    });
    match found {
        Some((at, side)) => {
            words.remove(at);
            format!("{side}{}", words.concat())
        }
        None => words.concat(),
    }
}

/// The side at the beginning of a plain name, and the rest.
fn side(plain: &str) -> (Option<bool>, String) {
    match (plain.strip_prefix("left"), plain.strip_prefix("right")) {
        (Some(rest), _) => (Some(true), rest.to_owned()),
        (_, Some(rest)) => (Some(false), rest.to_owned()),
        _ => (None, plain.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_side_and_word_alone() {
        for (written, expected) in [
            ("mixamorig:LeftForeArm", "leftforearm"),
            ("mixamorigLeftUpLeg", "leftupleg"),
            ("LHipJoint", "lefthipjoint"),
            ("left_upper_arm", "leftupperarm"),
            ("upperarm.R", "rightupperarm"),
            ("Spine1", "spine1"),
            ("thigh_l", "leftthigh"),
            ("rThigh", "rightthigh"),
            ("L", "l"),
        ] {
            assert_eq!(plain(written), expected, "{written}");
        }
    }
}
