//! Reading what a command wrote: COCO keypoint results.

use crate::{
    candidate::{Candidate, choose},
    error::ModelError,
    model::Place,
    names::{Names, listed},
};
use marionette_base::{atomic_file::read_file, text_file};
use marionette_figure::KeypointScheme;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::Path};

/// The largest file that is read, bytes.
const LARGEST: u64 = 256 << 20;

/// Pixels between a place in a COCO file and the same place here.
const HALF_PIXEL: f32 = marionette_train::eval::coco::HALF_PIXEL as f32;

const GIVE: &str = "write a list of results, [{\"image_id\": 1, \"category_id\": 1, \
                    \"keypoints\": [x, y, score, ...], \"score\": 0.9}, ...]";

/// Why results cannot be used.
pub enum Trouble {
    /// What was found, and what would do.
    Content(String, String),
    /// None of the keypoints is the figure's.
    Names(ModelError),
}

fn trouble<T>(found: impl Into<String>, remedy: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Content(found.into(), remedy.into()))
}

/// The keypoints of categories: how many a result has, and which are the figure's.
struct Categories {
    /// Those of a file's own categories, by id.
    of: BTreeMap<i64, (usize, Names)>,
    /// Those of results whose category does not count, because there is but one.
    only: (usize, Names),
    /// Whether the file names several, known or not.
    are_several: bool,
}

/// The figure's keypoints in each picture by the file of results at `path` that `model` wrote; the
/// pictures have the ids from 1 on, and `boxes` are the figure's.
///
/// # Errors
/// If the file cannot be read, is no such file, or has what cannot be used in it.
pub fn read(
    path: &Path,
    model: &str,
    boxes: &[[f32; 4]],
    scheme: &KeypointScheme,
) -> Result<Vec<Vec<Place>>, Trouble> {
    let (file, same) = (parse(path)?, Names::same(scheme.names.len()));
    let (entries, categories) = match &file {
        Value::Array(entries) => {
            let only = (scheme.names.len(), same.clone());
            (entries, Categories { of: BTreeMap::new(), only, are_several: false })
        }
        Value::Object(object) => (list(object, "annotations")?, categories(object, model, scheme)?),
        other => return trouble(format!("they are {}, no list", shown(other)), GIVE),
    };
    let mut found: Vec<Vec<(Candidate, &Names)>> = boxes.iter().map(|_| Vec::new()).collect();
    for (place, entry) in entries.iter().enumerate() {
        let name = format!("result {}", place + 1);
        let (image, candidate, names) = result(&name, entry, boxes.len(), &categories)?;
        found[image].push((candidate, names));
    }
    let places = found.into_iter().zip(boxes).map(|(found, bbox)| {
        let figures = found.into_iter().map(|(candidate, names)| Candidate {
            places: names.pick(&candidate.places),
            ..candidate
        });
        choose(figures.collect(), *bbox).map_or_else(|| same.nobody(), |found| found.places)
    });
    Ok(places.collect())
}

/// The JSON in the file.
fn parse(path: &Path) -> Result<Value, Trouble> {
    if !path.is_file() {
        return trouble("it wrote none", "write them to the file in the place of {results}");
    }
    let bytes = match read_file(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) => return trouble(error.to_string(), "write a smaller file, or more of them"),
    };
    if bytes.is_empty() {
        return trouble("the file is empty", GIVE);
    }
    let text = match text_file::decode(bytes) {
        Ok(text) => text,
        Err(found) => return trouble(format!("the file {found}"), GIVE),
    };
    serde_json::from_str(&text).or_else(|error| {
        // Python writes such numbers, which JSON does not have.
        let near = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let near: String = near.chars().skip(error.column().saturating_sub(20)).take(40).collect();
        let remedy = match near.contains("NaN") || near.contains("Infinity") {
            true => "give numbers; [0, 0, 0] says that a keypoint was not found",
            false => GIVE,
        };
        trouble(format!("the file is no JSON: {error}, near `{near}`"), remedy)
    })
}

fn list<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a Vec<Value>, Trouble> {
    match object.get(key) {
        Some(Value::Array(entries)) => Ok(entries),
        Some(other) => trouble(format!("its `{key}` is {}, no list", shown(other)), GIVE),
        None => trouble(format!("the object has no `{key}`"), GIVE),
    }
}

fn categories(
    object: &Map<String, Value>,
    model: &str,
    scheme: &KeypointScheme,
) -> Result<Categories, Trouble> {
    const NAMES: &str = "write \"categories\": [{\"id\": 1, \"keypoints\": [\"nose\", ...]}]";
    let (mut of, mut only, mut refused) = (BTreeMap::new(), None, None);
    let listed = list(object, "categories")?;
    for (place, category) in listed.iter().enumerate() {
        let names = category.get("keypoints").and_then(Value::as_array);
        let name = |name: &Value| name.as_str().map(str::to_owned);
        let names = names.and_then(|names| names.iter().map(name).collect::<Option<Vec<_>>>());
        let id = category.get("id").and_then(whole);
        let (Some(names), Some(id)) = (names, id) else {
            return trouble(format!("category {} has no id or no names", place + 1), NAMES);
        };
        match Names::matched(model, &names, scheme) {
            Ok(matched) => {
                only.get_or_insert((names.len(), matched.clone()));
                of.insert(id, (names.len(), matched));
            }
            // Another category may have some.
            Err(error) => refused = Some(error),
        }
    }
    match (only, refused) {
        (Some(only), _) => Ok(Categories { of, only, are_several: listed.len() > 1 }),
        (None, Some(error)) => Err(Trouble::Names(error)),
        (None, None) => trouble("it has no categories", NAMES),
    }
}

/// A result: of which picture, who was found, and which keypoints are the figure's.
fn result<'a>(
    name: &str,
    entry: &Value,
    pictures: usize,
    categories: &'a Categories,
) -> Result<(usize, Candidate, &'a Names), Trouble> {
    let Value::Object(entry) = entry else {
        return trouble(format!("{name} is {}", shown(entry)), GIVE);
    };
    let field = |key: &str| entry.get(key).unwrap_or(&Value::Null);
    let image = whole(field("image_id")).and_then(|id| usize::try_from(id).ok());
    let Some(image) = image.filter(|id| (1..=pictures).contains(id)) else {
        return trouble(
            format!("{name} is of the image {}", shown(field("image_id"))),
            format!("give an id of `images` in annotations.json, 1 to {pictures}"),
        );
    };
    let (count, names) = match whole(field("category_id")) {
        Some(id) if categories.are_several => match categories.of.get(&id) {
            Some(category) => category,
            None => {
                let known: Vec<String> = categories.of.keys().map(i64::to_string).collect();
                return trouble(
                    format!("{name} is of the category {id}, none of whose keypoints is known"),
                    format!("give one of {}", listed(&known)),
                );
            }
        },
        _ => &categories.only,
    };
    let places = keypoints(name, field("keypoints"), *count)?;
    let mean = || places.iter().map(|place| place.score).sum::<f32>() / places.len().max(1) as f32;
    let score = match field("score") {
        Value::Null => mean(),
        value => match number(value) {
            Some(score) => score,
            None => {
                let found = format!("{name} has {} for its score", shown(value));
                return trouble(found, "give a number");
            }
        },
    };
    // A box that cannot be used is none.
    let bbox = field("bbox").as_array().and_then(|sides| {
        let sides: Option<Vec<f32>> = sides.iter().map(number).collect();
        <[f32; 4]>::try_from(sides?).ok()
    });
    Ok((image - 1, Candidate { score, bbox, places }, names))
}

/// `count` keypoints: x, y and score of each, in COCO's pixels. One of three zeros, or with null
/// for a place, was not found.
fn keypoints(name: &str, value: &Value, count: usize) -> Result<Vec<Place>, Trouble> {
    let remedy = format!(
        "give 3 numbers, x, y and score, for each of the {count} keypoints in the category's order"
    );
    let Value::Array(values) = value else {
        return trouble(format!("{name} has {} for its keypoints", shown(value)), remedy);
    };
    if values.len() != 3 * count {
        let found = format!(
            "{name} has {} numbers in its keypoints where {} are due",
            values.len(),
            3 * count
        );
        return trouble(found, remedy);
    }
    let mut places = Vec::with_capacity(count);
    for (keypoint, triple) in values.chunks_exact(3).enumerate() {
        if let Some(odd) = triple.iter().find(|value| !value.is_null() && number(value).is_none()) {
            let found = format!("{name} has {} in its keypoint {}", shown(odd), keypoint + 1);
            return trouble(found, remedy);
        }
        let [x, y, score] = [0, 1, 2].map(|part| number(&triple[part]));
        places.push(match (x, y, score.unwrap_or(0.0)) {
            (Some(0.0), Some(0.0), 0.0) | (None, _, _) | (_, None, _) => Place::NONE,
            (Some(x), Some(y), score) => {
                Place { at: Some([x + HALF_PIXEL, y + HALF_PIXEL]), score }
            }
        });
    }
    Ok(places)
}

/// A number that is one here, too.
fn number(value: &Value) -> Option<f32> {
    value.as_f64().map(|number| number as f32).filter(|number| number.is_finite())
}

/// A whole number, which some write as 7.0.
fn whole(value: &Value) -> Option<i64> {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < 9e15;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
}

/// A value as a message shows it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
