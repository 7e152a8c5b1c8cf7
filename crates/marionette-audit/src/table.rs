//! From pictures to a table in which errors are explained.

use crate::{
    AuditError,
    facts::{COVERS, FactList, Facts, cover},
    row::Row,
};
use marionette_figure::KeypointScheme;
use marionette_findings::{Factor, Keypoint, Table, Value};

/// The factor that says which keypoint it is.
pub const KEYPOINT: &str = "keypoint";
/// The factor that says what covers it.
pub const COVER: &str = "cover";

/// What a keypoint lost.
pub type Loss<'a> = dyn Fn(&Row, usize) -> Option<f32> + 'a;

/// 1 for a keypoint that was missed, 0 for one that was found; `None` where it was not judged.
pub fn missed(row: &Row, k: usize) -> Option<f32> {
    row.keypoints[k].result.map(|result| if result.found() { 0.0 } else { 1.0 })
}

/// What the model missed less what the other one did: -1, 0 or 1; `None` where one of them was not
/// judged.
pub fn worse(row: &Row, k: usize) -> Option<f32> {
    let theirs = row.rival.get(k).copied().flatten()?;
    Some(missed(row, k)? - if theirs.found() { 0.0 } else { 1.0 })
}

/// The names of what keypoints are, without their sides, and for each keypoint which of them it is.
pub fn kinds(scheme: &KeypointScheme) -> (Vec<String>, Vec<u16>) {
    let (mut names, mut of) = (Vec::new(), Vec::new());
    for (k, name) in scheme.names.iter().enumerate() {
        let twin = scheme.twins[k];
        if twin < k {
            of.push(of[twin]);
            continue;
        }
        of.push(names.len() as u16);
        let short = if twin == k { name.clone() } else { without_side(name, &scheme.names[twin]) };
        // Two pairs may have the same words in common.
        names.push(if short.is_empty() || names.contains(&short) { name.clone() } else { short });
    }
    (names.iter().map(|name| name.replace('_', " ")).collect(), of)
}

/// What the names of a keypoint and of its twin have in common, word by word.
fn without_side(name: &str, twin: &str) -> String {
    let words = name.split('_').zip(twin.split('_'));
    let common = words.map(|(a, b)| match (a, b) {
        ("left", "right") | ("right", "left") => String::new(),
        _ => a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect(),
    });
    common.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The table of `rows`, whose keypoints lost `loss`. With `evenly` every picture counts as one.
///
/// # Errors
/// If nothing was judged.
pub fn table(
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
    evenly: bool,
    loss: &Loss,
) -> Result<Table, AuditError> {
    let numbers = facts.numbers.iter().enumerate().map(|(n, number)| {
        let values = rows.iter().map(|row| row.facts.numbers[n]).collect();
        Factor::numbers(&number.name, values).said(&number.name, &number.unit)
    });
    let categories = facts.categories.iter().enumerate().map(|(c, category)| {
        let entries = rows.iter().map(|row| row.facts.categories[c]).collect();
        let kinds = category.kinds.iter().map(|(words, _)| words);
        Factor::categories(&category.name, kinds, entries)
    });
    let (names, kind) = kinds(scheme);
    let (mut keypoints, mut which, mut covers) = (Vec::new(), Vec::new(), Vec::new());
    for (picture, row) in rows.iter().enumerate() {
        for (k, keypoint) in row.keypoints.iter().enumerate() {
            let Some(loss) = loss(row, k) else { continue };
            keypoints.push(Keypoint { picture: picture as u32, loss });
            which.push(kind[k]);
            covers.push(cover(keypoint.visibility, keypoint.cover));
        }
    }
    let weight = |row: &Row| if evenly { 1.0 } else { row.weight() as f32 };
    Ok(Table::new(
        rows.iter().map(weight).collect(),
        numbers.chain(categories).collect(),
        keypoints,
        vec![Factor::categories(KEYPOINT, names, which), Factor::categories(COVER, COVERS, covers)],
    )?)
}

/// The value that `facts` give the factor called `factor`, if it is one of a picture.
pub fn value<'f>(list: &'f FactList, facts: &Facts, factor: &str) -> Option<Value<'f>> {
    if let Some(n) = list.numbers.iter().position(|number| number.name == factor) {
        return Some(Value::Number(facts.numbers[n]));
    }
    let c = list.categories.iter().position(|category| category.name == factor)?;
    let kind = list.categories[c].kinds.get(usize::from(facts.categories[c]));
    Some(Value::Category(kind.map_or("", |(words, _)| words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keypoints_of_both_sides_are_of_one_kind() {
        let scheme = KeypointScheme {
            names: ["nose", "left_wrist", "right_wrist", "toe_fl", "toe_fr", "a", "b"]
                .map(str::to_owned)
                .into(),
            twins: vec![0, 2, 1, 4, 3, 6, 5],
            sigmas: vec![0.1; 7],
            symmetry: Vec::new(),
            edges: Vec::new(),
            torso: [0, 1],
        };
        let (names, of) = kinds(&scheme);
        assert_eq!(names, ["nose", "wrist", "toe f", "a"]);
        assert_eq!(of, [0, 1, 1, 2, 2, 3, 3]);
    }
}
