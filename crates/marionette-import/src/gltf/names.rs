//! Names of bones: plain words, without what all have in common, left and right first.

use glam::Vec3;

/// How far a joint may be from the mirror image of its twin, as a share of the figure's size.
const ASKEW: f32 = 0.04;

/// Names for bones, and which are mirror images of one another.
pub(super) struct Named {
    /// Lower case, with underscores, all different. Those of twins begin with "left_" and "right_".
    pub names: Vec<String>,
    /// The bone of the other side, or the bone itself.
    pub twins: Vec<usize>,
    /// Whether the bones that are called left lie towards -x, so that the figure faces -z.
    pub backwards: bool,
}

/// Names for bones that are called `written` in the file and are at `places`, in a figure of this
/// size.
pub(super) fn named(written: &[&str], places: &[Vec3], size: f32) -> Named {
    let mut words: Vec<Vec<String>> = written.iter().map(|name| split(name)).collect();
    drop_common(&mut words);
    let sided: Vec<(Option<bool>, String)> = words.iter().map(|words| side(words)).collect();
    let mut pairs: Vec<[usize; 2]> = Vec::new();
    for (left, (_, name)) in sided.iter().enumerate().filter(|(_, (side, _))| *side == Some(true)) {
        let taken = |right: &usize| pairs.iter().any(|pair| pair[1] == *right);
        let other = (0..sided.len())
            .find(|right| sided[*right] == (Some(false), name.clone()) && !taken(right));
        pairs.extend(other.map(|right| [left, right]));
    }
    let mut middles: Vec<f32> =
        pairs.iter().map(|[left, right]| (places[*left].x + places[*right].x) * 0.5).collect();
    middles.sort_by(f32::total_cmp);
    let middle = middles.get(middles.len() / 2).copied().unwrap_or(0.0);
    let mirrored = |[left, right]: &[usize; 2]| {
        let image = places[*right] * Vec3::new(-1.0, 1.0, 1.0) + Vec3::X * (2.0 * middle);
        places[*left].distance(image) <= ASKEW * size
    };
    pairs.retain(mirrored);
    let behind = pairs.iter().filter(|[left, right]| places[*left].x < places[*right].x).count();
    let mut twins: Vec<usize> = (0..written.len()).collect();
    for [left, right] in &pairs {
        (twins[*left], twins[*right]) = (*right, *left);
    }
    let mut names: Vec<String> = Vec::new();
    for (bone, (side, name)) in sided.iter().enumerate() {
        let side = side.map(|left| if left { "left" } else { "right" });
        // Figure files pair what begins with left_ and right_.
        let name = match side {
            Some(side) if twins[bone] != bone => format!("{side}_{name}"),
            Some(side) => format!("{name}_{side}"),
            None => name.clone(),
        };
        names.push(unused(&name, &names));
    }
    Named { names, twins, backwards: 2 * behind > pairs.len() }
}

/// The name, or the name with a number that no other has.
pub(super) fn unused(name: &str, others: &[String]) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !others.contains(name)).unwrap_or_default()
}

/// A name in lower case, with underscores between its words.
pub(super) fn snake(name: &str) -> String {
    split(name).join("_")
}

/// The words of a name, in lower case: "mixamorig:LeftForeArm" has left, fore, arm.
fn split(name: &str) -> Vec<String> {
    let name = name.rsplit([':', '|']).next().unwrap_or(name);
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                let next_small = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
                !before.is_uppercase() || next_small
            });
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    if words.is_empty() { vec!["bone".to_owned()] } else { words }
}

/// Drops the first word of all names where most have the same, and the number that most end with.
fn drop_common(words: &mut [Vec<String>]) {
    let most = |count: usize| count >= 3 && count * 5 >= words.len() * 4;
    let with_more = || words.iter().filter(|words| words.len() > 1);
    let first = with_more().map(|words| &words[0]).find(|first| {
        side_of(first).is_none() && most(with_more().filter(|words| words[0] == **first).count())
    });
    let first = first.cloned();
    let digits = |word: &String| word.chars().all(|letter| letter.is_ascii_digit());
    let numbered = most(with_more().filter(|words| words.last().is_some_and(digits)).count());
    for words in words.iter_mut() {
        if words.len() > 1 && numbered && words.last().is_some_and(digits) {
            words.pop();
        }
        if words.len() > 1 && first.as_ref() == words.first() {
            words.remove(0);
        }
    }
}

/// Whether a word says left (true) or right (false).
fn side_of(word: &str) -> Option<bool> {
    match word {
        "left" | "l" => Some(true),
        "right" | "r" => Some(false),
        _ => None,
    }
}

/// The side that a name is of, and the rest of the name.
fn side(words: &[String]) -> (Option<bool>, String) {
    let found = words.iter().enumerate().find(|(_, word)| side_of(word).is_some());
    let found = found.filter(|_| words.len() > 1);
    let Some((at, word)) = found else { return (None, words.join("_")) };
    let rest: Vec<&str> =
        words.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, word)| word.as_str()).collect();
    (side_of(word), rest.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(written: &[&str], x: &[f32]) -> Named {
        let places: Vec<Vec3> = x.iter().map(|x| Vec3::new(*x, 1.0, 0.0)).collect();
        named(written, &places, 1.0)
    }

    #[test]
    fn sides_are_found_however_they_are_written() {
        for [left, right, plain] in [
            ["mixamorig:LeftForeArm", "mixamorig:RightForeArm", "fore_arm"],
            ["Arm.L", "Arm.R", "arm"],
            ["ArmL", "ArmR", "arm"],
            ["thigh_l", "thigh_r", "thigh"],
            ["Bip01 L Thigh", "Bip01 R Thigh", "bip01_thigh"],
            ["lThigh", "rThigh", "thigh"],
            ["upperarm_left_01", "upperarm_right_01", "upperarm_01"],
        ] {
            let found = names(&["Hips", left, right], &[0.0, 0.3, -0.3]);
            let expected = ["hips".to_owned(), format!("left_{plain}"), format!("right_{plain}")];
            assert_eq!((found.names, found.twins), (expected.to_vec(), vec![0, 2, 1]), "{left}");
            assert!(!found.backwards);
            assert!(names(&["Hips", left, right], &[0.0, -0.3, 0.3]).backwards, "{left}");
        }
    }

    #[test]
    fn twins_need_mirror_symmetry_and_the_plane_may_be_anywhere() {
        let askew = names(&["Hips", "Arm.L", "Arm.R"], &[0.0, 0.3, -0.3]);
        assert_eq!(askew.twins, [0, 2, 1]);
        let places = [Vec3::ZERO, Vec3::new(0.3, 1.0, 0.0), Vec3::new(-0.3, 0.5, 0.0)];
        let askew = named(&["Hips", "Arm.L", "Arm.R"], &places, 1.0);
        assert_eq!((askew.names[1].as_str(), askew.twins), ("arm_left", vec![0, 1, 2]));
        let aside = names(&["Hips", "Arm.L", "Arm.R"], &[5.0, 5.3, 4.7]);
        assert_eq!(aside.twins, [0, 2, 1]);
    }

    #[test]
    fn what_all_names_share_is_left_out_and_no_two_become_the_same() {
        let found =
            names(&["b_Hip_01", "b_Spine01_02", "b_Neck_04", "b_Tail_05", "_rootJoint"], &[0.0; 5]);
        assert_eq!(found.names, ["hip", "spine01", "neck", "tail", "root_joint"]);
        let twice = names(&["a b", "a.b", "", "***"], &[0.0; 4]);
        assert_eq!(twice.names, ["a_b", "a_b_2", "bone", "bone_2"]);
    }
}
