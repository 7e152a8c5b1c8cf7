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
    results::{Found, Keypoint, rounded},
};
use crate::cli::output;
use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use image::RgbImage;
use indicatif::ProgressBar;
use marionette::base::atomic_file::PathError;
use marionette::run::sheet::{Sighting, photograph, save_png};
use marionette::train::eval::{Crop, Detector, OneEuro, crop::is_outside, load_picture};
use rayon::prelude::*;
use std::{fs, path::Path, thread};

/// Pictures that the network is shown at once, at least: with fewer it is slower.
const BATCH: usize = 32;
/// Pixels of the pictures that are held together for one batch. Of larger ones a batch has fewer.
const MOST_PIXELS: usize = 64 << 20;

/// How pictures are looked at.
pub struct Look<'a> {
    pub detector: &'a Detector,
    pub finder: Option<&'a CameraFinder>,
    /// The person in the only picture.
    pub person: Option<PersonBox>,
    /// Frames a second, where the pictures are those of a video.
    pub video_frames: Option<f64>,
    pub out: &'a Path,
    /// Whether pictures with keypoints drawn in are written.
    pub overlays: bool,
    pub bar: &'a ProgressBar,
}

/// A picture, and what the network is shown of it.
struct Ready<'a> {
    /// Its place in the list.
    place: usize,
    listed: &'a Listed,
    /// Width and height, pixels.
    size: (u32, u32),
    /// The picture itself, where it is drawn into.
    picture: Option<RgbImage>,
    crop: Crop,
    input: Vec<u8>,
}

impl Ready<'_> {
    /// Pixels that are held in memory.
    fn pixels(&self) -> usize {
        self.picture.as_ref().map_or(self.input.len() / 3, |picture| picture.as_raw().len() / 3)
    }
}

/// A picture with its keypoints: x and y, continuous pixels of the picture, and score.
struct Seen<'a> {
    ready: Ready<'a>,
    keypoints: Vec<[f64; 3]>,
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
        let crop = self.crop(listed, size).map_err(CommandError::Input)?;
        let input = crop.render(&picture);
        let picture = self.overlays.then_some(picture);
        Ok((Some(Ready { place, listed, size, picture, crop, input }), warning))
    }

    /// What the network is shown of a picture.
    fn crop(&self, listed: &Listed, (width, height): (u32, u32)) -> anyhow::Result<Crop> {
        let card = self.detector.card();
        let input = [card.network.input_width, card.network.input_height];
        let Some(PersonBox(person)) = self.person else {
            return Ok(Crop::whole(width, height, &card.crop, input));
        };
        if is_outside(person.map(f64::from), width, height) {
            let [x, y, w, h] = person;
            return Err(anyhow!(
                "--box {x},{y},{w},{h} is wholly outside of {}, which is {width}x{height} pixels; \
                 give left, top, width and height of a person in it",
                listed.path.display()
            ));
        }
        Ok(Crop::new(person, &card.crop, input))
    }

    fn find<'l>(
        &self,
        from: &Receiver<Vec<Ready<'l>>>,
        to: &Sender<Vec<Seen<'l>>>,
    ) -> anyhow::Result<()> {
        let card = self.detector.card();
        let mut smooth = self.video_frames.map(|rate| OneEuro::new(rate, card.network.keypoints));
        for ready in from.iter().filter(|ready| !ready.is_empty()) {
            let inputs: Vec<&[u8]> = ready.iter().map(|ready| ready.input.as_slice()).collect();
            let found = self
                .detector
                .detect(&inputs)
                .with_context(|| ready[0].listed.path.display().to_string())?;
            let seen = ready.into_iter().zip(found).map(|(ready, found)| {
                let mut keypoints: Vec<[f64; 3]> =
                    found.iter().map(|found| ready.crop.place(found)).collect();
                if let Some(smooth) = &mut smooth {
                    let [_, _, width, height] = self.shown(&ready.crop);
                    smooth.frame(ready.place, width.max(height), &mut keypoints);
                }
                Seen { ready, keypoints }
            });
            if to.send(seen.collect()).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The part of the picture that the network is shown: left, top, width, height.
    fn shown(&self, crop: &Crop) -> [f64; 4] {
        let network = &self.detector.card().network;
        let [left, top] = crop.to_picture([0.0; 2]);
        let [right, bottom] =
            crop.to_picture([network.input_width as f64, network.input_height as f64]);
        [left, top, right - left, bottom - top]
    }

    fn write(&self, from: &Receiver<Vec<Seen>>) -> anyhow::Result<Vec<Found>> {
        let mut all = Vec::new();
        for seen in from {
            let found: Vec<Found> =
                seen.into_par_iter().map(|seen| self.draw(seen)).collect::<anyhow::Result<_>>()?;
            for found in &found {
                if let Some(error) = &found.camera_error {
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
        let Seen { ready: Ready { listed, size: (width, height), picture, crop, .. }, keypoints } =
            seen;
        let card = self.detector.card();
        let sighting = Sighting { crop: self.shown(&crop), keypoints };
        if let Some(picture) = picture {
            fs::create_dir_all(self.out).map_err(PathError::at(self.out, "made"))?;
            let overlay = photograph(&picture, &card.keypoints, &sighting);
            save_png(&self.out.join(&listed.overlay), &overlay)?;
        }
        let name = listed.path.to_string_lossy();
        let camera =
            self.finder.map(|finder| finder.find(&name, [width, height], &sighting.keypoints));
        let (camera, camera_error) = match camera.transpose() {
            Ok(camera) => (camera, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let keypoints =
            card.keypoints.names.iter().zip(&sighting.keypoints).map(|(name, &[x, y, score])| {
                Keypoint { name: name.clone(), x: rounded(x), y: rounded(y), score: rounded(score) }
            });
        let scores: f64 = sighting.keypoints.iter().map(|[.., score]| score).sum();
        let whole = [0.0, 0.0, width as f32, height as f32];
        Ok(Found {
            file: name.into_owned(),
            overlay: self.overlays.then(|| listed.overlay.clone()),
            width,
            height,
            person: self.person.map_or(whole, |PersonBox(person)| person),
            crop: sighting.crop.map(rounded),
            score: rounded(scores / sighting.keypoints.len().max(1) as f64),
            keypoints: keypoints.collect(),
            camera,
            camera_error,
        })
    }

    fn warn(&self, text: &str) {
        self.bar.suspend(|| output::warn(&format!("warning: {text}")));
    }
}
