//! Running a detector over the annotated people of a COCO file.

use super::{
    Crop, Detector,
    annotated::{Annotated, AnnotatedError, load_annotated},
    coco::{CocoFile, CocoPerson, CocoResult},
    crop::is_outside,
};
use crate::export::ModelCard;
use candle_core::Result;
use rayon::prelude::*;
use std::{ops::Range, path::Path};

/// People in one call of the detector.
const BATCH: usize = 64;
/// Pictures decoded at once: each may take some hundred megabytes.
const MOST_AT_ONCE: usize = 8;

/// What a detector found.
#[derive(Debug, Default)]
pub struct Search {
    /// Every annotated person that counts and whose picture could be used, in the file's order.
    pub results: Vec<CocoResult>,
    /// The pictures that could not be used.
    pub unusable: Vec<Unusable>,
    /// How many pictures had people to look for.
    pub pictures: usize,
    /// How many of them are to be turned to be seen, and were taken as they are stored because
    /// nothing says how they were annotated.
    pub unsure: usize,
    /// How many of them have transparent pixels, which were taken as if they were not.
    pub transparent: usize,
    /// Ids of the annotations whose box lies wholly outside of the picture.
    pub outside: Vec<i64>,
}

/// A picture that could not be used.
#[derive(Debug)]
pub struct Unusable {
    /// Its place in [`CocoFile::images`].
    pub image: usize,
    /// Why, naming its file.
    pub error: AnnotatedError,
}

/// Looks for the keypoints of each person of `file` that counts, cropped by their own box from the
/// picture in `folder`.
///
/// A person's score is the mean of their keypoints'. Pictures are read as they are needed, so that
/// memory does not grow with their number; `progress` is told how many are done, and how many there
/// are.
///
/// # Errors
/// If the device fails. A picture that cannot be used does not stop the others.
pub fn find_people(
    detector: &Detector,
    file: &CocoFile,
    folder: &Path,
    mut progress: impl FnMut(usize, usize),
) -> Result<Search> {
    let card = detector.card();
    let wanted: Vec<usize> =
        (0..file.people.len()).filter(|person| file.people[*person].counts()).collect();
    let by_picture: Vec<&[usize]> =
        wanted.chunk_by(|a, b| file.people[*a].image == file.people[*b].image).collect();
    let mut search = Search { pictures: by_picture.len(), ..Search::default() };
    let mut waiting = Vec::new();
    let mut done = 0;
    for people in by_picture.chunks(rayon::current_num_threads().clamp(1, MOST_AT_ONCE)) {
        let cropped: Vec<_> =
            people.par_iter().map(|people| crop_people(card, file, people, folder)).collect();
        for (people, cropped) in people.iter().zip(cropped) {
            match cropped {
                Ok(cropped) => {
                    search.unsure += usize::from(cropped.unsure);
                    search.transparent += usize::from(cropped.transparent);
                    search.outside.extend(cropped.outside);
                    waiting.extend(cropped.inputs);
                }
                Err(error) => {
                    search.unusable.push(Unusable { image: file.people[people[0]].image, error })
                }
            }
        }
        let whole = waiting.len() / BATCH * BATCH;
        look(detector, &mut waiting, 0..whole, &mut search.results)?;
        done += people.len();
        progress(done, by_picture.len());
    }
    let rest = waiting.len();
    look(detector, &mut waiting, 0..rest, &mut search.results)?;
    Ok(search)
}

/// A person as the network's input.
struct Input {
    person: usize,
    crop: Crop,
    pixels: Vec<u8>,
}

/// The people of a picture.
struct Cropped {
    inputs: Vec<Input>,
    unsure: bool,
    transparent: bool,
    outside: Vec<i64>,
}

/// The inputs for some people of one picture.
fn crop_people(
    card: &ModelCard,
    file: &CocoFile,
    people: &[usize],
    folder: &Path,
) -> std::result::Result<Cropped, AnnotatedError> {
    let size = [card.network.input_width, card.network.input_height];
    let person = |person: usize| -> &CocoPerson { &file.people[person] };
    let image = &file.images[person(people[0]).image];
    let Annotated { pixels, unsure, transparent } = load_annotated(folder, image)?;
    let (width, height) = pixels.dimensions();
    let of_people = people.iter().map(|index| person(*index));
    let outside = of_people.filter(|person| is_outside(person.bbox, width, height));
    let input = |index: &usize| {
        let crop = Crop::new(person(*index).bbox.map(|value| value as f32), &card.crop, size);
        Input { person: *index, crop, pixels: crop.render(&pixels) }
    };
    let inputs = people.iter().map(input).collect();
    Ok(Cropped { inputs, unsure, transparent, outside: outside.map(|person| person.id).collect() })
}

/// Takes the `range` out of `waiting` and finds their keypoints.
fn look(
    detector: &Detector,
    waiting: &mut Vec<Input>,
    range: Range<usize>,
    results: &mut Vec<CocoResult>,
) -> Result<()> {
    let inputs: Vec<Input> = waiting.drain(range).collect();
    let pixels: Vec<&[u8]> = inputs.iter().map(|input| input.pixels.as_slice()).collect();
    for (input, found) in inputs.iter().zip(detector.detect(&pixels)?) {
        let (keypoints, scores): (Vec<[f64; 2]>, Vec<f64>) = found
            .iter()
            .map(|found| input.crop.place(found))
            .map(|[x, y, score]| ([x, y], score))
            .unzip();
        results.push(CocoResult {
            person: input.person,
            keypoints,
            score: scores.iter().sum::<f64>() / scores.len().max(1) as f64,
            scores,
        });
    }
    Ok(())
}
