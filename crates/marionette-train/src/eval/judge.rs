//! Measuring what a detector found against a COCO file.

use super::{
    coco::{CocoFile, CocoPerson, CocoResult, HALF_PIXEL},
    metric::{OksDetection, OksImage, OksSummary, OksTruth, Pck, PckSummary, Person, oks_summary},
};
use marionette_base::json_file::path_text;
use marionette_figure::KeypointScheme;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
};

/// The most values of a key that make a table.
const MOST_VALUES: usize = 50;

/// How a network did; the JSON that `marionette eval` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvalReport {
    /// The file of weights.
    #[serde(serialize_with = "path_text")]
    pub weights: PathBuf,
    /// Whether the network looked at every picture in a mirror, too.
    pub flip_test: bool,
    /// What it was judged on: the COCO file.
    pub data: String,
    /// The figure's keypoints, in label order.
    pub keypoints: Vec<String>,
    /// Their OKS sigmas.
    pub sigmas: Vec<f32>,
    /// The keypoints that the data knows; the others are not judged.
    pub judged: Vec<String>,
    /// Pictures that could not be used, and are not in the figures.
    pub unusable: usize,
    /// Everybody, then parts of them.
    pub rows: Vec<EvalRow>,
}

/// How a network did on some people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvalRow {
    /// Who they are.
    pub name: String,
    /// PCK, for which each person is taken as found.
    pub pck: PckSummary,
    /// COCO's figures, for which the people are found by similarity.
    pub oks: OksSummary,
}

/// A key that people cannot be told apart by.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nobody has it.
    #[error("no annotation has the key \"{key}\"; those that there are: {known}")]
    Unknown {
        /// The key asked for.
        key: String,
        /// The known keys.
        known: String,
    },
    /// It has too many values.
    #[error("the key \"{key}\" has {values} values; give one with at most {MOST_VALUES}")]
    TooMany {
        /// The key asked for.
        key: String,
        /// Its values.
        values: usize,
    },
}

/// Measures `results` against those people of `file` that `belongs` takes, but for the pictures in
/// `unusable` (places in [`CocoFile::images`]).
pub fn judge(
    name: &str,
    file: &CocoFile,
    scheme: &KeypointScheme,
    results: &[CocoResult],
    unusable: &HashSet<usize>,
    belongs: impl Fn(&CocoPerson) -> bool,
) -> EvalRow {
    let mut pck = Pck::new(scheme.twins.clone(), scheme.symmetry.clone());
    let mut images = vec![OksImage::default(); file.images.len()];
    for person in
        file.people.iter().filter(|person| belongs(person) && !unusable.contains(&person.image))
    {
        images[person.image].truths.push(oks_truth(file, person));
    }
    let of_judged = |places: &[[f64; 2]]| file.judged.iter().map(|k| places[*k]).collect();
    for result in results.iter().filter(|result| belongs(&file.people[result.person])) {
        let person = &file.people[result.person];
        let single = |places: &[[f64; 2]]| {
            places.iter().map(|place| place.map(|v| v as f32)).collect::<Vec<_>>()
        };
        pck.add(&Person {
            predicted: &single(&result.keypoints),
            truth: &single(&person.keypoints),
            labelled: &person.labelled,
            torso: person.torso(scheme),
            box_side: person.bbox[2].max(person.bbox[3]) as f32,
        });
        let detection =
            OksDetection { keypoints: of_judged(&result.keypoints), score: result.score };
        images[person.image].detections.push(detection);
    }
    let sigmas: Vec<f32> = file.judged.iter().map(|k| scheme.sigmas[*k]).collect();
    // The places of each group's members among the judged keypoints. Where the data knows some of
    // them only, those alone are exchanged.
    let place = |member: &usize| file.judged.iter().position(|k| k == member);
    let judged = |group: &Vec<usize>| group.iter().filter_map(place).collect();
    let symmetry: Vec<Vec<usize>> = scheme.symmetry.iter().map(judged).collect();
    let oks = oks_summary(&images, &sigmas, &symmetry);
    EvalRow { name: name.to_owned(), pck: pck.summary(), oks }
}

/// The person as COCO's evaluation sees them: it compares keypoints with boxes as they stand in the
/// file, so the box moves with the keypoints here.
fn oks_truth(file: &CocoFile, person: &CocoPerson) -> OksTruth {
    let [x, y, width, height] = person.bbox;
    OksTruth {
        keypoints: file.judged.iter().map(|k| person.keypoints[*k]).collect(),
        labelled: file.judged.iter().map(|k| person.labelled[*k]).collect(),
        area: person.area,
        bbox: [x + HALF_PIXEL, y + HALF_PIXEL, width, height],
        crowd: person.crowd,
    }
}

/// One row for each value that the key `key` has among the people of `file` that count, by the
/// values' text.
///
/// # Errors
/// If nobody has the key, or it has more than 50 values.
pub fn by_key(
    key: &str,
    file: &CocoFile,
    scheme: &KeypointScheme,
    results: &[CocoResult],
    unusable: &HashSet<usize>,
) -> Result<Vec<EvalRow>, KeyError> {
    let text = |person: &CocoPerson| {
        person.extra.get(key).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let counted = || file.people.iter().filter(|person| person.counts());
    let mut values: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for person in counted() {
        *values.entry(text(person)).or_default() += 1;
    }
    if values.keys().all(Option::is_none) {
        let known: BTreeSet<&String> = counted().flat_map(|person| person.extra.keys()).collect();
        let known = known.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(KeyError::Unknown { key: key.to_owned(), known });
    }
    if values.len() > MOST_VALUES {
        return Err(KeyError::TooMany { key: key.to_owned(), values: values.len() });
    }
    let row = |value: &Option<String>| {
        let name = format!("{key}={}", value.as_deref().unwrap_or("(none)"));
        judge(&name, file, scheme, results, unusable, |person| text(person) == *value)
    };
    Ok(values.keys().map(row).collect())
}
