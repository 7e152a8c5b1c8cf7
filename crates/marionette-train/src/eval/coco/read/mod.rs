//! Reading COCO keypoints files. Anything in them that would make the figures wrong is an error.

mod entry;
mod names;

use super::error::CocoError;
use entry::{Complaint, Entry, Lists, Trouble, json_text};
use marionette_base::atomic_file::read_file;
use marionette_figure::KeypointScheme;
use names::{Category, choose};
use serde_json::{Map, Value};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// The largest file that is read, bytes. COCO's own is of 240 MB.
const LARGEST: u64 = 8 << 30;

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
#[derive(Clone, Debug, PartialEq)]
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
    /// `None` where there are none, or both have no length: nothing can be measured by that.
    pub fn torso(&self, scheme: &KeypointScheme) -> Option<f32> {
        let length = |[a, b]: [usize; 2]| {
            let ([ax, ay], [bx, by]) = (self.keypoints[a], self.keypoints[b]);
            (self.labelled[a] && self.labelled[b]).then(|| (ax - bx).hypot(ay - by) as f32)
        };
        let lengths = scheme.torso_diagonals().into_iter().filter_map(length);
        lengths.reduce(f32::max).filter(|length| *length > 0.0)
    }
}

/// Reads the COCO keypoints file at `path` for a detector of `scheme`'s keypoints, which are
/// matched by name: case, spaces, dashes and underscores do not count.
///
/// Of several categories with keypoint names, the one that shares most of them with the figure is
/// read, and among equals the one called `person`; annotations of other categories are left aside.
/// `num_keypoints` is counted anew. Numbers may be written as integers or floats, flags as numbers
/// or booleans, and what is not known may be null.
///
/// # Errors
/// If the file cannot be read, is no such file, contradicts itself, or has nothing to judge the
/// figure's keypoints by; if fewer than half of its keypoints are the figure's, unless `subset`.
pub fn read_coco(
    path: &Path,
    scheme: &KeypointScheme,
    subset: bool,
) -> Result<CocoFile, CocoError> {
    parse_coco(path, read_file(path, LARGEST)?, scheme, subset)
}

/// As [`read_coco`], from the bytes of the file at `path`.
///
/// # Errors
/// As [`read_coco`].
pub fn parse_coco(
    path: &Path,
    bytes: Vec<u8>,
    scheme: &KeypointScheme,
    subset: bool,
) -> Result<CocoFile, CocoError> {
    let parse = || -> Result<CocoFile, Trouble> {
        let text = json_text(bytes)?;
        Ok(resolve(&Lists::of(&text)?, scheme, subset)?)
    };
    parse().map_err(|trouble| match trouble {
        Trouble::Syntax(line, column, found) => {
            CocoError::Syntax { path: path.to_owned(), line, column, found }
        }
        Trouble::Content((found, remedy)) => {
            CocoError::Content { path: path.to_owned(), found, remedy }
        }
    })
}

fn resolve(lists: &Lists, scheme: &KeypointScheme, subset: bool) -> Result<CocoFile, Complaint> {
    let categories = lists.categories.iter().enumerate().map(|(place, raw)| {
        Entry::of("category", place, raw).and_then(|entry| Category::of(entry, scheme))
    });
    let categories = categories.collect::<Result<Vec<_>, _>>()?;
    let category = choose(&categories, scheme, subset)?;
    let mut judged: Vec<usize> = category.places.iter().flatten().copied().collect();
    judged.sort_unstable();
    let images = lists
        .images
        .iter()
        .enumerate()
        .map(|(place, raw)| Entry::of("image", place, raw).and_then(image));
    let mut images = images.collect::<Result<Vec<_>, _>>()?;
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
    let (mut ids, mut people) = (HashSet::new(), Vec::new());
    for (place, raw) in lists.annotations.iter().enumerate() {
        let mut entry = Entry::of("annotation", place, raw)?;
        let (id, of_image, of_category) =
            (entry.id, entry.required("image_id")?, entry.required("category_id")?);
        if !ids.insert(id) {
            return Err((
                format!("two annotations have the id {id}"),
                "give each an id of its own",
            ));
        }
        let Some(image) = places.get(&of_image) else {
            let found =
                format!("annotation {id} is of image {of_image}, which is not among the images");
            return Err((found, "add the image or remove the annotation"));
        };
        if !known.contains(&of_category) {
            let found = format!(
                "annotation {id} is of category {of_category}, which is not among the categories"
            );
            return Err((found, "add the category or remove the annotation"));
        }
        if of_category == category.id {
            people.push(person(entry, *image, category, scheme)?);
        }
    }
    // Stable, so that a picture's people stay in the file's order.
    people.sort_by_key(|person| person.image);
    if !people.iter().any(CocoPerson::counts) {
        let found = format!(
            "none of its {} annotations has a labelled keypoint that the figure has (visibility 1 \
             or 2, no crowd)",
            people.len()
        );
        return Err((found, "there is nothing to judge by; give a file with labelled keypoints"));
    }
    let (category, keypoints) = (category.id, category.places.clone());
    Ok(CocoFile { images, people, category, keypoints, judged })
}

fn image(mut entry: Entry) -> Result<CocoImage, Complaint> {
    let Some(file_name) = entry.text("file_name")? else {
        return Err((
            format!("{} has no file_name", entry.name),
            "give the name of the picture's file",
        ));
    };
    let (width, height) = (entry.side("width")?, entry.side("height")?);
    Ok(CocoImage { id: entry.id, file_name, width, height })
}

/// The annotation in terms of the figure's keypoints. One without keypoints has no labels.
fn person(
    mut entry: Entry,
    image: usize,
    category: &Category,
    scheme: &KeypointScheme,
) -> Result<CocoPerson, Complaint> {
    const KEYPOINTS: &str = "give x, y and visibility of each keypoint of the category";
    let values = entry.numbers("keypoints", KEYPOINTS)?.unwrap_or_default();
    let due = 3 * category.places.len();
    if !values.is_empty() && values.len() != due {
        let found = values.len();
        let found =
            format!("{} has {found} numbers in its keypoints where {due} are due", entry.name);
        return Err((found, KEYPOINTS));
    }
    let count = scheme.names.len();
    let (mut places, mut labelled) = (vec![[0.0; 2]; count], vec![false; count]);
    for (number, (triple, keypoint)) in values.chunks_exact(3).zip(&category.places).enumerate() {
        let visibility = triple[2].unwrap_or(0.0);
        let trouble = |what: String, remedy: &'static str| {
            (format!("{} gives its keypoint {} {what}", entry.name, number + 1), remedy)
        };
        if ![0.0, 1.0, 2.0].contains(&visibility) {
            return Err(trouble(
                format!("the visibility {visibility}"),
                "give 0 (not labelled), 1 (covered) or 2 (visible)",
            ));
        }
        // Some write no place for what is not labelled.
        if visibility == 0.0 {
            continue;
        }
        let (Some(x), Some(y)) = (triple[0], triple[1]) else {
            return Err(trouble(
                format!("the visibility {visibility} and null for a place"),
                "give its place, or the visibility 0",
            ));
        };
        if let Some(keypoint) = *keypoint {
            places[keypoint] = [x + HALF_PIXEL, y + HALF_PIXEL];
            labelled[keypoint] = true;
        }
    }
    let crowd = entry.flag("iscrowd")?;
    let found = entry.shown("bbox");
    let Some(bbox) = entry.numbers("bbox", BOX)? else {
        return Err((format!("{} has no bbox", entry.name), BOX));
    };
    let bbox: Option<Vec<f64>> = bbox.iter().copied().collect();
    let Some(bbox) = bbox.and_then(|bbox| <[f64; 4]>::try_from(bbox).ok()) else {
        return Err((format!("{} has {found} for its bbox", entry.name), BOX));
    };
    const AREA: &str = "give the person's area in square pixels, which OKS is measured by";
    let Some(area) = entry.number("area", AREA)? else {
        return Err((format!("{} has no area", entry.name), AREA));
    };
    if area < 0.0 {
        return Err((format!("{} has an area of {area}", entry.name), AREA));
    }
    let id = entry.id;
    let name = entry.name;
    let mut extra = entry.fields;
    // Most of a big file, and of no use here.
    extra.remove("segmentation");
    let person = CocoPerson { id, image, bbox, area, crowd, keypoints: places, labelled, extra };
    // Real files have boxes without a size around people without a label.
    if person.counts() && !(bbox[2] > 0.0 && bbox[3] > 0.0) {
        return Err((format!("{name} has a box without a size, {} by {}", bbox[2], bbox[3]), BOX));
    }
    Ok(person)
}

const BOX: &str = "give left, top, width and height in pixels, both of them above 0";

#[cfg(test)]
mod tests;
