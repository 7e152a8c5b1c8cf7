//! Twins: keypoints whose names say left and right, and whose places agree.

use super::Candidate;
use glam::Vec3;

/// Words for the two sides, wherever they are in a name.
const WORDS: [[&str; 2]; 1] = [["left", "right"]];
/// Short words for the two sides, of a name's words.
const SHORT: [[&str; 2]; 10] = [
    ["left", "right"],
    ["l", "r"],
    ["fl", "fr"],
    ["lf", "rf"],
    ["rl", "rr"],
    ["lr", "rr"],
    ["hl", "hr"],
    ["lh", "rh"],
    ["bl", "br"],
    ["ml", "mr"],
];

/// The twin of each candidate: its name has the other side's word, and its place at rest is the
/// mirror image in the plane x = 0, up to `near`.
pub fn twins(found: &[Candidate], near: f32) -> Vec<Option<usize>> {
    let mut twins = vec![None; found.len()];
    for a in 0..found.len() {
        for b in 0..a {
            let mirrored = found[b].place * Vec3::new(-1.0, 1.0, 1.0);
            if twins[a].is_none()
                && twins[b].is_none()
                && mirrored.distance(found[a].place) <= near
                && are_sides(&found[a].name, &found[b].name)
            {
                twins[a] = Some(b);
                twins[b] = Some(a);
            }
        }
    }
    twins
}

/// Whether one name is the other's with the sides swapped.
fn are_sides(a: &str, b: &str) -> bool {
    if a == b {
        return false;
    }
    let in_words = WORDS.iter().any(|[left, right]| {
        a.replace(left, "*") == b.replace(right, "*")
            || a.replace(right, "*") == b.replace(left, "*")
    });
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('_').collect(), b.split('_').collect());
    let is_pair = |a: &str, b: &str| {
        SHORT.iter().any(|[left, right]| [a, b] == [*left, *right] || [b, a] == [*left, *right])
    };
    let in_short = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a == b || is_pair(a, b));
    in_words || in_short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_sides() {
        for (a, b, expected) in [
            ("left_hip", "right_hip", true),
            ("fl_hip", "fr_hip", true),
            ("rl_foot", "rr_foot", true),
            ("lr_foot", "rr_foot", true),
            ("motor_front_left_l", "motor_front_right_r", true),
            ("motor_front_left_l", "motor_back_right_r", false),
            ("wheel_l", "wheel_r", true),
            ("leftwheel", "rightwheel", true),
            ("fl_hip", "rl_hip", false),
            ("hip", "hip", false),
            ("left_hip", "right_knee", false),
        ] {
            assert_eq!(are_sides(a, b), expected, "{a} {b}");
            assert_eq!(are_sides(b, a), expected, "{b} {a}");
        }
    }
}
