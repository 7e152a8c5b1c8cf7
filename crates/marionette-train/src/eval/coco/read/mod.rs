//! Reading COCO keypoints files. Anything in them that would make the figures wrong is an error.

use super::error::CocoError;
use marionette_base::atomic_file::PathError;
use marionette_figure::KeypointScheme;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

/// Pixels between a keypoint's coordinates in a COCO file and its coordinates here.
pub const HALF_PIXEL: f64 = 0.5;

/// A COCO keypoints file, in terms of a figure's keypoints.
#[derive(Clone, Debug)]
pub struct CocoFile {
    /// The pictures, by ascending id.
    pub images: Vec<CocoImage>,
    /// The annotated people, picture by picture, otherwise in the file's order.
    pub people: Vec<CocoPerson>,
    /// Id of the category that people are annotated as.
    pub category: i64,
    /// For each of the category's keypoints, in the file's order, the figure's keypoint of the same
    /// name.
    pub keypoints: Vec<Option<usize>>,
    /// The figure's keypoints that the file knows; the others cannot be judged by it.
    pub judged: Vec<usize>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CocoImage {
    /// What annotations call it.
    pub id: i64,
    /// Its file, relative to the folder of the pictures.
    pub file_name: String,
    /// Width, pixels, if given.
    pub width: Option<u32>,
    /// Height, pixels, if given.
    pub height: Option<u32>,
}

/// An annotated person. Places are continuous image coordinates.
#[derive(Clone, Debug)]
pub struct CocoPerson {
    /// What the file calls the annotation.
    pub id: i64,
    /// Place of the picture in [`CocoFile::images`].
    pub image: usize,
    /// Left, top, width, height, pixels.
    pub bbox: [f64; 4],
    /// The person's area, px².
    pub area: f64,
    /// Whether the annotation marks a crowd.
    pub crowd: bool,
    /// Places of the figure's keypoints.
    pub keypoints: Vec<[f64; 2]>,
    /// Which of them have a label (visibility above 0).
    pub labelled: Vec<bool>,
    /// The rest of the annotation, without its outline.
    pub extra: Map<String, Value>,
}

impl CocoPerson {
    /// Whether a detector can be measured on this person: somebody in particular, with a label.
    pub fn counts(&self) -> bool {
        !self.crowd && self.labelled.contains(&true)
    }

    /// Torso length, pixels: the longer of the diagonals between labelled shoulders and hips.
    pub fn torso(&self, scheme: &KeypointScheme) -> Option<f32> {
        let length = |[a, b]: [usize; 2]| {
            let ([ax, ay], [bx, by]) = (self.keypoints[a], self.keypoints[b]);
            (self.labelled[a] && self.labelled[b]).then(|| (ax - bx).hypot(ay - by) as f32)
        };
        scheme.torso_diagonals().into_iter().filter_map(length).reduce(f32::max)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with images, annotations and categories")]
struct RawFile {
    images: Vec<CocoImage>,
    annotations: Vec<RawAnnotation>,
    categories: Vec<RawCategory>,
}

#[derive(Deserialize)]
struct RawCategory {
    id: i64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    keypoints: Vec<String>,
}

#[derive(Deserialize)]
struct RawAnnotation {
    id: i64,
    image_id: i64,
    category_id: i64,
    #[serde(default)]
    iscrowd: u8,
    keypoints: Option<Vec<f64>>,
    bbox: Option<Vec<f64>>,
    area: Option<f64>,
    /// Most of a big file, and of no use here.
    #[serde(default, rename = "segmentation")]
    _segmentation: IgnoredAny,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// What was found, and what would do.
type Complaint = (String, &'static str);

/// Reads the COCO keypoints file at `path` for a detector of `scheme`'s keypoints, which are
/// matched by name.
///
/// Of several categories with keypoint names, the one that shares most of them with the figure is
/// read, and among equals the one called `person`; annotations of other categories are left aside.
/// `num_keypoints` is counted anew.
///
/// # Errors
/// If the file cannot be read, is no such file, contradicts itself, or has nothing to judge the
/// figure's keypoints by.
pub fn read_coco(path: &Path, scheme: &KeypointScheme) -> Result<CocoFile, CocoError> {
    let bytes = fs::read(path).map_err(PathError::at(path, "read"))?;
    let raw: RawFile = serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column, text) = (error.line(), error.column(), error.to_string());
        let found = text.trim_end_matches(&format!(" at line {line} column {column}")).to_owned();
        CocoError::Syntax { path: path.to_owned(), line, column, found }
    })?;
    resolve(raw, scheme).map_err(|(found, remedy)| CocoError::Content {
        path: path.to_owned(),
        found,
        remedy,
    })
}

fn resolve(raw: RawFile, scheme: &KeypointScheme) -> Result<CocoFile, Complaint> {
    let RawFile { mut images, mut annotations, categories } = raw;
    let category = choose(&categories, scheme)?;
    let named = |name: &String| scheme.names.iter().position(|own| own == name);
    let keypoints: Vec<Option<usize>> = category.keypoints.iter().map(named).collect();
    let mut judged: Vec<usize> = keypoints.iter().flatten().copied().collect();
    judged.sort_unstable();
    images.sort_by_key(|image| image.id);
    if let Some(pair) = images.windows(2).find(|pair| pair[0].id == pair[1].id) {
        let found = format!(
            "two images have the id {} ({}, {})",
            pair[0].id, pair[0].file_name, pair[1].file_name
        );
        return Err((found, "give each an id of its own"));
    }
    let places: HashMap<i64, usize> =
        images.iter().enumerate().map(|(place, image)| (image.id, place)).collect();
    let known: HashSet<i64> = categories.iter().map(|category| category.id).collect();
    let mut ids = HashSet::new();
    for annotation in &annotations {
        let RawAnnotation { id, image_id, category_id, .. } = annotation;
        if !ids.insert(*id) {
            return Err((
                format!("two annotations have the id {id}"),
                "give each an id of its own",
            ));
        }
        if !places.contains_key(image_id) {
            let found =
                format!("annotation {id} is of image {image_id}, which is not among the images");
            return Err((found, "add the image or remove the annotation"));
        }
        if !known.contains(category_id) {
            let found = format!(
                "annotation {id} is of category {category_id}, which is not among the categories"
            );
            return Err((found, "add the category or remove the annotation"));
        }
    }
    annotations.retain(|annotation| annotation.category_id == category.id);
    // Stable, so that a picture's people stay in the file's order.
    annotations.sort_by_key(|annotation| places[&annotation.image_id]);
    let person = |raw: RawAnnotation| {
        let image = places[&raw.image_id];
        person(raw, image, &keypoints, scheme.names.len())
    };
    let people =
        annotations.into_iter().map(person).collect::<Result<Vec<CocoPerson>, Complaint>>()?;
    if !people.iter().any(CocoPerson::counts) {
        let found = format!(
            "none of its {} annotations has a labelled keypoint that the figure has (visibility 1 \
             or 2, no crowd)",
            people.len()
        );
        return Err((found, "there is nothing to judge by; give a file with labelled keypoints"));
    }
    Ok(CocoFile { images, people, category: category.id, keypoints, judged })
}

/// The category to read.
fn choose<'a>(
    categories: &'a [RawCategory],
    scheme: &KeypointScheme,
) -> Result<&'a RawCategory, Complaint> {
    let mut ids = HashSet::new();
    if let Some(twice) = categories.iter().find(|category| !ids.insert(category.id)) {
        return Err((
            format!("two categories have the id {}", twice.id),
            "give each an id of its own",
        ));
    }
    if categories.iter().all(|category| category.keypoints.is_empty()) {
        let found = format!("none of its {} categories has keypoint names", categories.len());
        return Err((
            found,
            "name them in `keypoints` of the person's category, as COCO keypoints files do",
        ));
    }
    for category in categories {
        let mut names = HashSet::new();
        if let Some(name) = category.keypoints.iter().find(|name| !names.insert(*name)) {
            let found = format!("category {} names its keypoint \"{name}\" twice", category.id);
            return Err((found, "give each keypoint a name of its own"));
        }
    }
    let common = |category: &RawCategory| {
        category.keypoints.iter().filter(|name| scheme.names.contains(name)).count()
    };
    let most = categories.iter().map(common).max().unwrap_or(0);
    if most == 0 {
        let names: Vec<&str> = categories
            .iter()
            .flat_map(|category| &category.keypoints)
            .map(String::as_str)
            .take(20)
            .collect();
        let found = format!(
            "none of its keypoints ({}) has the name of one that the network finds ({})",
            names.join(", "),
            scheme.names.join(", ")
        );
        return Err((found, "name them alike in `categories`"));
    }
    let equals: Vec<&RawCategory> =
        categories.iter().filter(|category| common(category) == most).collect();
    match equals[..] {
        [only] => Ok(only),
        _ => equals.iter().copied().find(|category| category.name == "person").ok_or_else(|| {
            let names: Vec<&str> = equals.iter().map(|category| category.name.as_str()).collect();
            let found =
                format!("several categories have the same keypoints ({})", names.join(", "));
            (found, "call one of them `person`, or make them one")
        }),
    }
}

/// The annotation in terms of the figure's `count` keypoints; `keypoints` gives the place of each
/// of the file's.
fn person(
    raw: RawAnnotation,
    image: usize,
    keypoints: &[Option<usize>],
    count: usize,
) -> Result<CocoPerson, Complaint> {
    let id = raw.id;
    let Some(values) = raw.keypoints else {
        return Err((
            format!("annotation {id} has no keypoints"),
            "give a COCO file of keypoints, not of boxes",
        ));
    };
    if values.len() != 3 * keypoints.len() {
        let (found, due) = (values.len(), 3 * keypoints.len());
        let found =
            format!("annotation {id} has {found} numbers in its keypoints where {due} are due");
        return Err((found, "give x, y and visibility of each keypoint of the category"));
    }
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err((
            format!("annotation {id} has a keypoint at {value}"),
            "give finite coordinates",
        ));
    }
    let (mut places, mut labelled) = (vec![[0.0; 2]; count], vec![false; count]);
    for (name, (triple, keypoint)) in values.chunks_exact(3).zip(keypoints).enumerate() {
        let visibility = triple[2];
        if ![0.0, 1.0, 2.0].contains(&visibility) {
            let found = format!(
                "annotation {id} gives its keypoint {} the visibility {visibility}",
                name + 1
            );
            return Err((found, "give 0 (not labelled), 1 (covered) or 2 (visible)"));
        }
        if let Some(keypoint) = *keypoint {
            places[keypoint] = [triple[0] + HALF_PIXEL, triple[1] + HALF_PIXEL];
            labelled[keypoint] = visibility > 0.0;
        }
    }
    let bbox = raw.bbox.unwrap_or_default();
    let Some(bbox) = <[f64; 4]>::try_from(bbox.as_slice())
        .ok()
        .filter(|bbox| bbox.iter().all(|v| v.is_finite()))
    else {
        return Err((format!("annotation {id} has {bbox:?} for a box"), BOX));
    };
    let Some(area) = raw.area.filter(|area| *area >= 0.0 && area.is_finite()) else {
        let found = match raw.area {
            Some(area) => format!("annotation {id} has an area of {area}"),
            None => format!("annotation {id} has no area"),
        };
        return Err((found, "give the person's area in square pixels, which OKS is measured by"));
    };
    let person = CocoPerson {
        id,
        image,
        bbox,
        area,
        crowd: raw.iscrowd != 0,
        keypoints: places,
        labelled,
        extra: raw.extra,
    };
    // Real files have boxes without a size around people without a label.
    if person.counts() && !(bbox[2] > 0.0 && bbox[3] > 0.0) {
        return Err((
            format!("annotation {id} has a box without a size, {} by {}", bbox[2], bbox[3]),
            BOX,
        ));
    }
    Ok(person)
}

const BOX: &str = "give left, top, width and height in pixels, both of them above 0";

#[cfg(test)]
mod tests;
