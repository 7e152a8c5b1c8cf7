//! The contact sheets of a run, small enough to be part of a page.

use super::RunFiles;
use crate::page::{escaped, paragraph};
use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, codecs::jpeg::JpegEncoder, imageops::FilterType};
use std::path::Path;

/// The sheets, and what they show.
const SHEETS: [(&str, &str, &str); 4] = [
    ("easiest", "Easiest", "the samples of the last tenth of the run with the lowest score"),
    ("hardest", "Hardest", "the samples of the last tenth of the run with the highest score"),
    ("last_batch", "Last batch", "the batch of the last step, with what the network said of it"),
    ("first_batch", "First batch", "the batch of the first step, as it was labelled"),
];
/// Bytes that the sheets of all runs may take together, as JPEG: a page stays below 2 MB.
const BUDGET: usize = 1_100_000;
/// Width that a sheet has at most, pixels.
const WIDEST: u32 = 1640;
const QUALITY: u8 = 80;

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    // Beside one another there is room for what tells runs apart.
    let sheets = if runs.len() == 1 { &SHEETS[..] } else { &SHEETS[..2] };
    let share = BUDGET / (runs.len() * sheets.len()).max(1);
    let mut out = paragraph(
        "Labels are coloured: the figure\u{2019}s left orange, its right blue, hollow where \
         covered. Crosses are what the network said. The number below a picture, and the colour \
         around it, is its score.",
    );
    for run in runs {
        let mut missing = Vec::new();
        for (file, title, about) in sheets {
            let path = run.directory.pictures_path().join(format!("{file}.png"));
            let name = if runs.len() > 1 { format!(", {}", run.name) } else { String::new() };
            match small(&path, share) {
                Some(jpeg) => {
                    out += &figure(&jpeg, &format!("{title}{name}"), about);
                }
                None => missing.push(format!("{file}.png")),
            }
        }
        if !missing.is_empty() {
            out += &paragraph(&format!(
                "{} has no {} that can be read in pictures/.",
                run.name,
                missing.join(", ")
            ));
        }
    }
    out
}

fn figure(jpeg: &[u8], title: &str, about: &str) -> String {
    let (title, label) = (escaped(title), escaped(&format!("{title}: {about}")));
    format!(
        "<figure class=\"gallery\"><figcaption><b>{title}</b><small>{}</small></figcaption>\n<div \
         class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><img \
         alt=\"{label}\" src=\"data:image/jpeg;base64,{}\"/></div></figure>\n",
        escaped(about),
        BASE64_STANDARD.encode(jpeg)
    )
}

/// The picture at `path` as a JPEG of at most `most` bytes; `None` where there is none that can be
/// read.
fn small(path: &Path, most: usize) -> Option<Vec<u8>> {
    let picture = image::open(path).ok()?;
    let mut width = picture.width().min(WIDEST);
    loop {
        let scaled = if width < picture.width() {
            picture.resize(width, u32::MAX, FilterType::Triangle)
        } else {
            picture.clone()
        };
        let jpeg = encoded(&scaled)?;
        if jpeg.len() <= most || width <= 64 {
            return Some(jpeg);
        }
        width = width * 4 / 5;
    }
}

fn encoded(picture: &DynamicImage) -> Option<Vec<u8>> {
    let mut jpeg = Vec::new();
    picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY)).ok()?;
    Some(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn a_sheet_is_made_as_small_as_it_must_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        assert!(small(&path, 9000).is_none());
        // Noise does not compress.
        let noise = |x: u32, y: u32| {
            let value = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ (x * y);
            Rgb([value as u8, (value >> 8) as u8, (value >> 16) as u8])
        };
        RgbImage::from_fn(400, 200, noise).save(&path).unwrap();
        let [wide, narrow] = [usize::MAX, 9000].map(|most| small(&path, most).unwrap());
        assert!(narrow.len() <= 9000 && wide.len() > 9000, "{} {}", narrow.len(), wide.len());
        assert_eq!(image::load_from_memory(&wide).unwrap().width(), 400);
        let narrow = image::load_from_memory(&narrow).unwrap();
        assert!((64..400).contains(&narrow.width()), "{}", narrow.width());
    }
}
