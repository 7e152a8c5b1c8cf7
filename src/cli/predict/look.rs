//! Pictures are read, looked at and drawn at the same time.
//!
//! ```text
//! a thread: files ─► what the network is shown ─► this thread: keypoints ─► a thread: overlays
//! ```
//!
//! All in batches, in the pictures' order. Each hands a batch on only when the next takes it, so
//! three are in memory at most.

use super::{
    CameraFinder, CommandError, PersonBox,
    pictures::Listed,
    results::{Found, FoundPerson, Keypoint, rounded},
};
use crate::cli::output;
use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use image::RgbImage;
use indicatif::ProgressBar;
use marionette::base::atomic_file::PathError;
use marionette::run::sheet::{Sighting, photograph, save_png};
use marionette::train::eval::{
    Crop, Detector, Finder, Person, Tracks, crop::is_outside, load_picture,
};
use rayon::prelude::*;
use std::{fs, path::Path, thread};

/// Pictures that the network is shown at once, at least: with fewer it is slower.
const BATCH: usize = 32;
/// Pixels of the pictures that are held together for one batch. Of larger ones a batch has fewer.
const MOST_PIXELS: usize = 64 << 20;

/// How pictures are looked at.
pub struct Look<'a> {
    pub detector: &'a Detector,
    pub camera: Option<&'a CameraFinder>,
    /// What looks for people; without it a picture is of one.
    pub finder: Option<&'a Finder>,
    /// The person in the only picture.
    pub person: Option<PersonBox>,
    /// Frames a second, where the pictures are those of a video.
    pub video_frames: Option<f64>,
    pub out: &'a Path,
    /// Whether pictures with keypoints drawn in are written.
    pub overlays: bool,
    pub bar: &'a ProgressBar,
}

/// A picture, and what the network is shown of it, unless that is to be found.
struct Ready<'a> {
    /// Its place in the list.
    place: usize,
    listed: &'a Listed,
    /// Width and height, pixels.
    size: (u32, u32),
    /// The picture itself, where it is searched or drawn into.
    picture: Option<RgbImage>,
    shown: Option<Shown>,
}

/// The part of a picture that one person is in.
struct Shown {
    person: [f32; 4],
    crop: Crop,
    input: Vec<u8>,
}

impl Ready<'_> {
    /// Pixels that are held in memory.
    fn pixels(&self) -> usize {
        let [picture, shown] = [
            self.picture.as_ref().map(|picture| picture.as_raw().len()),
            self.shown.as_ref().map(|shown| shown.input.len()),
        ];
        picture.or(shown).unwrap_or_default() / 3
    }
}

/// A picture with the people in it.
struct Seen<'a> {
    ready: Ready<'a>,
    people: Vec<Person>,
}

impl Look<'_> {
    /// Finds the keypoints in the pictures of `listed` and writes their overlays. A picture that
    /// cannot be read is told and left out.
    ///
    /// # Errors
    /// If the person's box is outside of its picture, the device fails, or the disk refuses.
    pub fn at(&self, listed: &[Listed]) -> Result<Vec<Found>, CommandError> {
        let (ready_sender, ready) = bounded(0);
        let (seen_sender, seen) = bounded(0);
        thread::scope(|scope| {
            let reader = scope.spawn(move || self.read(listed, &ready_sender));
            let writer = scope.spawn(move || self.write(&seen));
            let looked = self.find(&ready, &seen_sender);
            // Whoever waits for the other end hears that it is gone.
            drop((ready, seen_sender));
            let panicked = |_| anyhow!("a thread panicked: a fault in this program");
            let written = writer.join().map_err(panicked).and_then(|written| written);
            reader.join().map_err(panicked).map_err(CommandError::Failed)??;
            looked.map_err(CommandError::Failed)?;
            written.map_err(CommandError::Failed)
        })
    }

    fn read<'l>(
        &self,
        listed: &'l [Listed],
        to: &Sender<Vec<Ready<'l>>>,
    ) -> Result<(), CommandError> {
        let mut batch = Vec::new();
        let mut place = 0;
        // As many at a time as there are threads: so many more than a batch may have are in memory.
        for some in listed.chunks(rayon::current_num_threads().max(1)) {
            let ready = |(within, listed)| self.ready(place + within, listed);
            let loaded: Vec<_> = some.par_iter().enumerate().map(ready).collect();
            place += some.len();
            // Told here, and not by whichever thread is first: in the pictures' order.
            for loaded in loaded {
                let (ready, warning) = loaded?;
                warning.iter().for_each(|warning| self.warn(warning));
                self.bar.inc(u64::from(ready.is_none()));
                batch.extend(ready);
            }
            let pixels: usize = batch.iter().map(Ready::pixels).sum();
            if (batch.len() >= BATCH || pixels >= MOST_PIXELS)
                && to.send(std::mem::take(&mut batch)).is_err()
            {
                return Ok(());
            }
        }
        // Whoever does not take the last one says why.
        let _ = to.send(batch);
        Ok(())
    }

    /// A picture and what the network is shown of it, or none if it cannot be read; and what is to
    /// be told of it.
    fn ready<'l>(
        &self,
        place: usize,
        listed: &'l Listed,
    ) -> Result<(Option<Ready<'l>>, Option<String>), CommandError> {
        let picture = match load_picture(&listed.path) {
            Ok(picture) => picture,
            Err(error) => return Ok((None, Some(error.to_string()))),
        };
        let warning = picture.transparent.then(|| {
            format!(
                "{}: has transparent pixels, which are taken as if they were not transparent",
                listed.path.display()
            )
        });
        let picture = picture.upright();
        let size = picture.dimensions();
        let shown = match self.finder {
            Some(_) => None,
            None => {
                let (person, crop) = self.crop(listed, size).map_err(CommandError::Input)?;
                Some(Shown { person, crop, input: crop.render(&picture) })
            }
        };
        let picture = (self.overlays || shown.is_none()).then_some(picture);
        Ok((Some(Ready { place, listed, size, picture, shown }), warning))
    }

    /// The person's box in a picture, and what the network is shown of it.
    fn crop(
        &self,
        listed: &Listed,
        (width, height): (u32, u32),
    ) -> anyhow::Result<([f32; 4], Crop)> {
        let card = self.detector.card();
        let input = [card.network.input_width, card.network.input_height];
        let Some(PersonBox(person)) = self.person else {
            let whole = [0.0, 0.0, width as f32, height as f32];
            return Ok((whole, Crop::whole(width, height, &card.crop, input)));
        };
        if is_outside(person.map(f64::from), width, height) {
            let [x, y, w, h] = person;
            return Err(anyhow!(
                "--box {x},{y},{w},{h} is wholly outside of {}, which is {width}x{height} pixels; \
                 give left, top, width and height of a person in it",
                listed.path.display()
            ));
        }
        Ok((person, Crop::new(person, &card.crop, input)))
    }

    fn find<'l>(
        &self,
        from: &Receiver<Vec<Ready<'l>>>,
        to: &Sender<Vec<Seen<'l>>>,
    ) -> anyhow::Result<()> {
        let mut tracks = self.video_frames.map(Tracks::new);
        for ready in from.iter().filter(|ready| !ready.is_empty()) {
            let found =
                self.people(&ready).with_context(|| ready[0].listed.path.display().to_string())?;
            let seen = ready.into_iter().zip(found).map(|(ready, mut people)| {
                if let Some(tracks) = &mut tracks {
                    tracks.frame(ready.place, &mut people);
                }
                Seen { ready, people }
            });
            if to.send(seen.collect()).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The people in each of these.
    fn people(&self, ready: &[Ready]) -> candle_core::Result<Vec<Vec<Person>>> {
        if let Some(finder) = self.finder {
            let pictures: Vec<&RgbImage> = ready.iter().flat_map(|r| &r.picture).collect();
            return finder.people(self.detector, &pictures);
        }
        let shown: Vec<&Shown> = ready.iter().flat_map(|ready| &ready.shown).collect();
        let inputs: Vec<&[u8]> = shown.iter().map(|shown| shown.input.as_slice()).collect();
        let found = self.detector.detect(&inputs)?;
        let people = shown.iter().zip(found).map(|(Shown { person, crop, .. }, found)| {
            let keypoints = found.iter().map(|found| crop.place(found)).collect();
            vec![Person { bbox: person.map(f64::from), crop: *crop, keypoints }]
        });
        Ok(people.collect())
    }

    fn write(&self, from: &Receiver<Vec<Seen>>) -> anyhow::Result<Vec<Found>> {
        let mut all = Vec::new();
        for seen in from {
            let found: Vec<Found> =
                seen.into_par_iter().map(|seen| self.draw(seen)).collect::<anyhow::Result<_>>()?;
            for found in &found {
                for error in found.people.iter().filter_map(|person| person.camera_error.as_ref()) {
                    self.warn(&format!("{}: no camera: {error}", found.file));
                }
            }
            self.bar.inc(found.len() as u64);
            all.extend(found);
        }
        Ok(all)
    }

    /// Writes a picture's overlay.
    fn draw(&self, seen: Seen) -> anyhow::Result<Found> {
        let Seen { ready: Ready { listed, size: (width, height), picture, .. }, people } = seen;
        if let Some(picture) = picture.filter(|_| self.overlays) {
            fs::create_dir_all(self.out).map_err(PathError::at(self.out, "made"))?;
            let sighting = |person: &Person| Sighting {
                crop: person.crop.rectangle(),
                keypoints: person.keypoints.clone(),
            };
            let sightings: Vec<Sighting> = people.iter().map(sighting).collect();
            let overlay = photograph(&picture, &self.detector.card().keypoints, &sightings);
            save_png(&self.out.join(&listed.overlay), &overlay)?;
        }
        let name = listed.path.to_string_lossy();
        Ok(Found {
            overlay: self.overlays.then(|| listed.overlay.clone()),
            width,
            height,
            people: people.iter().map(|person| self.told(&name, [width, height], person)).collect(),
            file: name.into_owned(),
        })
    }

    /// What is told of a person in the picture `name`.
    fn told(&self, name: &str, size: [u32; 2], person: &Person) -> FoundPerson {
        let camera = self.camera.map(|camera| camera.find(name, size, &person.keypoints));
        let (camera, camera_error) = match camera.transpose() {
            Ok(camera) => (camera, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let names = &self.detector.card().keypoints.names;
        let keypoints = names.iter().zip(&person.keypoints).map(|(name, &[x, y, score])| {
            Keypoint { name: name.clone(), x: rounded(x), y: rounded(y), score: rounded(score) }
        });
        FoundPerson {
            bbox: person.bbox.map(rounded),
            crop: person.crop.rectangle().map(rounded),
            score: rounded(person.score()),
            keypoints: keypoints.collect(),
            camera,
            camera_error,
        }
    }

    fn warn(&self, text: &str) {
        self.bar.suspend(|| output::warn(&format!("warning: {text}")));
    }
}
