//! What a command is given: a folder of pictures and a COCO keypoints file about them.

use crate::error::ModelError;
use image::{
    ExtendedColorType, ImageEncoder, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use marionette_base::atomic_file::PathError;
use marionette_figure::KeypointScheme;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::{fs, io, path::Path};

/// The COCO file's name in the folder.
pub const ANNOTATIONS: &str = "annotations.json";

/// The id of the only category.
const CATEGORY: i64 = 1;

/// Writes `pictures` to the folder `images` as `000001.png` and so on, and with them
/// [`ANNOTATIONS`]. Picture and annotation n have the id n, from 1; an annotation has the box and
/// no keypoints.
///
/// # Errors
/// If a file cannot be written.
pub fn write(
    images: &Path,
    pictures: &[RgbImage],
    boxes: &[[f32; 4]],
    scheme: &KeypointScheme,
) -> Result<(), ModelError> {
    let written: Vec<Result<(), PathError>> = pictures
        .par_iter()
        .enumerate()
        .map(|(place, picture)| {
            let path = images.join(file_name(place));
            let png = png(picture).map_err(io::Error::other);
            png.and_then(|png| fs::write(&path, png)).map_err(PathError::at(&path, "written"))
        })
        .collect();
    written.into_iter().collect::<Result<(), PathError>>()?;
    let path = images.join(ANNOTATIONS);
    let text = annotations(pictures, boxes, scheme).to_string();
    Ok(fs::write(&path, text).map_err(PathError::at(&path, "written"))?)
}

fn file_name(place: usize) -> String {
    format!("{:06}.png", place + 1)
}

fn png(picture: &RgbImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Sub);
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}

fn annotations(pictures: &[RgbImage], boxes: &[[f32; 4]], scheme: &KeypointScheme) -> Value {
    let image = |(place, picture): (usize, &RgbImage)| {
        let (width, height) = picture.dimensions();
        json!({"id": place + 1, "file_name": file_name(place), "width": width, "height": height})
    };
    let annotation = |(place, bbox): (usize, &[f32; 4])| {
        json!({
            "id": place + 1, "image_id": place + 1, "category_id": CATEGORY, "bbox": bbox,
            "area": bbox[2] * bbox[3], "iscrowd": 0, "num_keypoints": 0,
            "keypoints": vec![0; 3 * scheme.names.len()],
        })
    };
    // COCO counts keypoints from 1 there.
    let skeleton: Vec<[usize; 2]> = scheme.edges.iter().map(|edge| edge.map(|k| k + 1)).collect();
    json!({
        "images": pictures.iter().enumerate().map(image).collect::<Vec<_>>(),
        "annotations": boxes.iter().enumerate().map(annotation).collect::<Vec<_>>(),
        "categories": [{
            "id": CATEGORY, "name": "person", "supercategory": "person",
            "keypoints": scheme.names, "skeleton": skeleton,
        }],
    })
}
