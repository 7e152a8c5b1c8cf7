//! Where the people in a picture are.
//!
//! ```text
//! picture ─► wide network: roughly one person ─► their box, twice ─► network of the keypoints, twice
//!    ▲                                                                             │
//!    └──────────────────── what was found is covered, for the next ◄───────────────┘
//! ```
//!
//! The wide network has seen people of all sizes all over the picture, and gives the keypoints of
//! one of them. The network of the keypoints looks closer, and how sure it is decides whether there
//! is a person.

use super::{Crop, Detector};
use crate::export::CropRule;
use candle_core::Result;
use image::{Rgb, RgbImage, imageops};
use marionette_base::boxes::overlap;
use marionette_figure::KeypointScheme;
use rayon::prelude::*;

/// People that are looked for in one picture.
const MOST_PEOPLE: usize = 10;
/// The least mean score of the keypoints of the surest person in a picture, and of the others:
/// mostly there is somebody. Chosen on photographs, for recall and precision alike.
const SURE: [f64; 2] = [0.25, 0.4];
/// The search ends after so many in a row that were not sure enough.
const UNSURE: usize = 2;
/// The longer side of the picture that the wide network is shown parts of, pixels.
const SHORT: u32 = 512;
/// How much larger a person is than their keypoints, in both directions: as the wide network finds
/// them, and as the other does.
const AROUND: [f64; 2] = [1.3, 1.2];
/// The shorter side of a box is at least this part of the longer one.
const SLIMMEST: f64 = 0.25;
/// How much more than a box the wide network is shown at its second look, and the other at its
/// first.
const CLOSER: [f32; 2] = [1.5, 1.1];
/// Two boxes with more in common, as intersection over union, are of one person.
const SAME: f64 = 0.5;

/// Finds people.
pub struct Finder {
    wide: Detector,
}

/// A person in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Left, top, width and height, pixels of the picture.
    pub bbox: [f64; 4],
    /// What the network of the keypoints was shown.
    pub crop: Crop,
    /// x and y, continuous pixels of the picture, and score.
    pub keypoints: Vec<[f64; 3]>,
}

/// A picture, as far as it has been searched.
struct Searched<'a> {
    picture: &'a RgbImage,
    /// The same, smaller, without those who were found.
    rest: RgbImage,
    /// Pixels of the picture per pixel of the rest.
    scale: f64,
    people: Vec<Person>,
    unsure: usize,
}

impl Finder {
    /// A finder with a network that has seen people of all sizes all over the picture.
    pub fn new(wide: Detector) -> Self {
        Finder { wide }
    }

    /// The keypoints that it looks for people by.
    pub fn keypoints(&self) -> &KeypointScheme {
        &self.wide.card().keypoints
    }

    /// The people in each of `pictures`, ten at most, with the keypoints that `detector` finds.
    ///
    /// # Errors
    /// If the device fails.
    pub fn people(&self, detector: &Detector, pictures: &[&RgbImage]) -> Result<Vec<Vec<Person>>> {
        let mut all: Vec<Searched> =
            pictures.par_iter().map(|picture| Searched::new(picture)).collect();
        for _ in 0..MOST_PEOPLE + UNSURE {
            let mut open: Vec<&mut Searched> = all.iter_mut().filter(|one| one.is_open()).collect();
            if open.is_empty() {
                break;
            }
            self.next(detector, &mut open)?;
        }
        Ok(all.into_iter().map(Searched::surest).collect())
    }

    /// Looks for one more person in each of `open`.
    fn next(&self, detector: &Detector, open: &mut [&mut Searched]) -> Result<()> {
        let (wide, close) = (self.wide.card(), detector.card());
        let [wide_input, input] =
            [wide, close].map(|card| [card.network.input_width, card.network.input_height]);
        let wider = CropRule { enlarge: CLOSER[0], ..wide.crop };
        let closer = CropRule { enlarge: CLOSER[1], ..close.crop };

        let crops = open.iter().map(|one| {
            let (width, height) = one.rest.dimensions();
            (&one.rest, Crop::whole(width, height, &wide.crop, wide_input))
        });
        let rough = boxes(&look(&self.wide, crops.collect())?, AROUND[0]);
        let crops = open.iter().zip(&rough);
        let crops = crops.map(|(one, bbox)| (&one.rest, Crop::new(*bbox, &wider, wide_input)));
        let rough = boxes(&look(&self.wide, crops.collect())?, AROUND[0]);

        let crops = open.iter().zip(&rough).map(|(one, bbox)| {
            (one.picture, Crop::new(bbox.map(|v| v * one.scale as f32), &closer, input))
        });
        let near = boxes(&look(detector, crops.collect())?, AROUND[1]);
        let crops: Vec<(&RgbImage, Crop)> = open
            .iter()
            .zip(&near)
            .map(|(one, bbox)| (one.picture, Crop::new(*bbox, &close.crop, input)))
            .collect();
        let shown: Vec<Crop> = crops.iter().map(|(_, crop)| *crop).collect();
        let found = look(detector, crops)?;
        for (((one, rough), crop), keypoints) in open.iter_mut().zip(rough).zip(shown).zip(found) {
            let bbox = box_of(&keypoints, AROUND[1]);
            one.take(Person { bbox, crop, keypoints }, rough);
        }
        Ok(())
    }
}

impl Person {
    /// The mean of the keypoints' scores.
    pub fn score(&self) -> f64 {
        score(&self.keypoints)
    }

    /// Whether one of `others` is the same person.
    fn is_among(&self, others: &[Person]) -> bool {
        others.iter().any(|other| overlap(&other.bbox, &self.bbox) > SAME)
    }
}

impl<'a> Searched<'a> {
    fn new(picture: &'a RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let longer = width.max(height).max(1);
        let rest = if longer <= SHORT {
            picture.clone()
        } else {
            let sides = [width, height]
                .map(|side| (u64::from(side) * u64::from(SHORT) / u64::from(longer)).max(1) as u32);
            imageops::thumbnail(picture, sides[0], sides[1])
        };
        let scale = f64::from(width) / f64::from(rest.width().max(1));
        Searched { picture, rest, scale, people: Vec::new(), unsure: 0 }
    }

    /// Who is sure enough, the surest first.
    fn surest(mut self) -> Vec<Person> {
        self.people.sort_by(|a, b| b.score().total_cmp(&a.score()));
        let mut kept: Vec<Person> = Vec::new();
        for person in self.people {
            let is_sure = person.score() >= SURE[usize::from(!kept.is_empty())];
            if is_sure && !person.is_among(&kept) && kept.len() < MOST_PEOPLE {
                kept.push(person);
            }
        }
        kept
    }

    fn is_open(&self) -> bool {
        self.unsure < UNSURE
    }

    /// Keeps `person`, who may be one or not, and covers where they were looked for.
    fn take(&mut self, person: Person, rough: [f32; 4]) {
        let is_new = person.score() >= SURE[1] && !person.is_among(&self.people);
        self.unsure = if is_new { 0 } else { self.unsure + 1 };
        self.people.push(person);
        let [left, top, width, height] = rough;
        let within = |value: f32, side: u32| value.clamp(0.0, side as f32) as u32;
        let (columns, rows) = self.rest.dimensions();
        for y in within(top, rows)..within(top + height, rows) {
            for x in within(left, columns)..within(left + width, columns) {
                self.rest.put_pixel(x, y, Rgb([0; 3]));
            }
        }
    }
}

/// The keypoints in each of `crops`, pixels of its picture.
fn look(detector: &Detector, crops: Vec<(&RgbImage, Crop)>) -> Result<Vec<Vec<[f64; 3]>>> {
    let inputs: Vec<Vec<u8>> =
        crops.par_iter().map(|(picture, crop)| crop.render(picture)).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let found = detector.detect(&inputs)?;
    let placed = found.iter().zip(&crops);
    Ok(placed
        .map(|(found, (_, crop))| found.iter().map(|found| crop.place(found)).collect())
        .collect())
}

fn boxes(found: &[Vec<[f64; 3]>], around: f64) -> Vec<[f32; 4]> {
    found.iter().map(|keypoints| box_of(keypoints, around).map(|v| v as f32)).collect()
}

/// The box around the keypoints that are about as sure as the others, `around` times as large.
fn box_of(keypoints: &[[f64; 3]], around: f64) -> [f64; 4] {
    let least = 0.3 * score(keypoints);
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    for [x, y, _] in keypoints.iter().filter(|[.., one]| *one >= least) {
        low = [low[0].min(*x), low[1].min(*y)];
        high = [high[0].max(*x), high[1].max(*y)];
    }
    let sides = [0, 1].map(|axis| (high[axis] - low[axis]).max(1.0));
    let longer = sides[0].max(sides[1]);
    let sides = sides.map(|side| side.max(SLIMMEST * longer) * around);
    let corner = [0, 1].map(|axis| (low[axis] + high[axis] - sides[axis]) / 2.0);
    [corner[0], corner[1], sides[0], sides[1]]
}

fn score(keypoints: &[[f64; 3]]) -> f64 {
    keypoints.iter().map(|[.., score]| score).sum::<f64>() / keypoints.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_around_what_is_sure_and_never_slim() {
        let keypoints = [[10.0, 0.0, 0.9], [10.0, 100.0, 0.8], [300.0, 50.0, 0.1]];
        let [left, top, width, height] = box_of(&keypoints, 1.2);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(top, -10.0) && near(height, 120.0), "{top} {height}");
        assert!(near(left, -5.0) && near(width, 30.0), "{left} {width}");
    }
}
