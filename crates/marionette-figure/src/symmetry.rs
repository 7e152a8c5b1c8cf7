//! Symmetry groups: keypoints that cannot be told apart, such as a wheel's bolts.
//!
//! A group permutes freely. Of a wheel's bolts only the turns of the wheel are true symmetries, but
//! whoever finds every bolt has found the wheel, so the other permutations are as good.

use marionette_base::matching::LARGEST_GROUP;

/// What is wrong with symmetry `groups` of keypoints with these `names`, `twins` and OKS `sigmas`,
/// and with which group; `None` if nothing is. Indices must be below the number of names.
///
/// The twins of a group's members must be a group themselves, the same or another one. Otherwise a
/// mirror would part what cannot be told apart.
pub(crate) fn complaint(
    groups: &[Vec<usize>],
    names: &[String],
    twins: &[usize],
    sigmas: &[f32],
) -> Option<(usize, String)> {
    let sorted = |members: &mut dyn Iterator<Item = usize>| {
        let mut members: Vec<usize> = members.collect();
        members.sort_unstable();
        members
    };
    let all: Vec<Vec<usize>> =
        groups.iter().map(|group| sorted(&mut group.iter().copied())).collect();
    let mut taken = vec![false; names.len()];
    for (index, group) in groups.iter().enumerate() {
        let wrong = |message: String| Some((index, message));
        if !(2..=LARGEST_GROUP).contains(&group.len()) {
            let count = group.len();
            return wrong(format!(
                "a symmetry group has {count} keypoints; give it 2 to {LARGEST_GROUP}"
            ));
        }
        for member in group {
            if std::mem::replace(&mut taken[*member], true) {
                return wrong(format!(
                    "keypoint \"{}\" is in two places of symmetry; a keypoint is in one group, \
                     once",
                    names[*member]
                ));
            }
        }
        let first = group[0];
        if let Some(other) = group.iter().find(|other| sigmas[**other] != sigmas[first]) {
            return wrong(format!(
                "\"{}\" has the sigma {} and \"{}\" {}; keypoints that cannot be told apart have \
                 the same",
                names[first], sigmas[first], names[*other], sigmas[*other]
            ));
        }
        let mirrored = sorted(&mut group.iter().map(|member| twins[*member]));
        if !all.contains(&mirrored) {
            let names: Vec<&str> = mirrored.iter().map(|twin| names[*twin].as_str()).collect();
            return wrong(format!(
                "in a mirror this symmetry group becomes {}, which is no group; the twins of a \
                 group are a group, the same or another one",
                names.join(", ")
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_of_two_to_six_apart_alike_and_whole_in_a_mirror() {
        let names: Vec<String> =
            ["hub", "left_1", "left_2", "right_1", "right_2", "a", "b"].map(str::to_owned).into();
        let twins = [0, 3, 4, 1, 2, 5, 6];
        let mut sigmas = [0.05; 7];
        let said =
            |groups: &[Vec<usize>], sigmas: &[f32]| complaint(groups, &names, &twins, sigmas);
        for fine in [
            vec![],
            vec![vec![5, 6]],
            vec![vec![1, 3]],
            vec![vec![2, 1], vec![3, 4]],
            vec![vec![1, 2, 3, 4], vec![0, 5, 6]],
        ] {
            assert_eq!(said(&fine, &sigmas), None, "{fine:?}");
        }
        for (groups, index, part) in [
            (vec![vec![5, 6], vec![0]], 1, "has 1 keypoints; give it 2 to 6"),
            (vec![vec![0, 1, 2, 3, 4, 5, 6]], 0, "has 7 keypoints"),
            (vec![vec![5, 6], vec![6, 0]], 1, "\"b\" is in two places"),
            (vec![vec![5, 5]], 0, "\"a\" is in two places"),
            (vec![vec![1, 2]], 0, "becomes right_1, right_2, which is no group"),
            (vec![vec![1, 2], vec![3, 5], vec![4, 6]], 0, "becomes right_1, right_2, which"),
            (vec![vec![0, 1]], 0, "becomes hub, right_1, which is no group"),
        ] {
            let (found, message) = said(&groups, &sigmas).unwrap();
            assert!(found == index && message.contains(part), "{groups:?}: {message}");
        }
        sigmas[6] = 0.07;
        let (_, message) = said(&[vec![5, 6]], &sigmas).unwrap();
        assert!(message.starts_with("\"a\" has the sigma 0.05 and \"b\" 0.07"), "{message}");
    }
}
