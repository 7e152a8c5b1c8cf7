//! Readable names for keypoints.

/// Endings that say only what kind of thing has the name.
const KINDS: [&str; 4] = ["_link", "_joint", "_frame", "_jnt"];

/// Makes names snake case in lower case, without the words that all of them begin with, and
/// different from one another.
pub fn shorten(mut names: Vec<&mut String>) {
    for name in &mut names {
        **name = snake(name);
        for kind in KINDS {
            if let Some(start) = name.strip_suffix(kind).filter(|start| !start.is_empty()) {
                **name = start.to_owned();
            }
            // A tip's name goes on after its link's.
            let (inner, short) = (format!("{kind}_tip"), "_tip");
            if let Some(start) = name.strip_suffix(&inner).filter(|start| !start.is_empty()) {
                **name = format!("{start}{short}");
            }
        }
    }
    if names.len() > 1 {
        while let Some(word) = names[0].split_once('_').map(|(word, _)| format!("{word}_"))
            && names.iter().all(|name| name.len() > word.len() && name.starts_with(&word))
            // What would be left should still be a name.
            && names.iter().all(|name| !name[word.len()..].starts_with(|c: char| c.is_numeric()))
        {
            for name in &mut names {
                name.drain(..word.len());
            }
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let mut own = name.clone();
        let mut count = 2;
        while seen.contains(&own) {
            own = format!("{name}_{count}");
            count += 1;
        }
        name.clone_from(&own);
        seen.push(own);
    }
}

/// A name in lower case, with underscores between its words.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            if letter.is_uppercase() && before.is_lowercase() {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        } else if !snake.ends_with('_') {
            snake.push('_');
        }
        before = letter;
    }
    let trimmed = snake.trim_matches('_');
    if trimmed.is_empty() { "point".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_differ() {
        let mut names: Vec<String> = [
            "panda_link0",
            "panda_link1",
            "panda_leftFinger_tip",
            "panda-link1",
            "panda_hand_link",
        ]
        .map(str::to_owned)
        .into();
        shorten(names.iter_mut().collect());
        assert_eq!(names, ["link0", "link1", "left_finger_tip", "link1_2", "hand"]);
        let mut names: Vec<String> = ["link_1", "link_2"].map(str::to_owned).into();
        shorten(names.iter_mut().collect());
        assert_eq!(names, ["link_1", "link_2"]);
        assert_eq!(snake("--"), "point");
        assert_eq!(snake("FR_hipJoint.x"), "fr_hip_joint_x");
    }
}
