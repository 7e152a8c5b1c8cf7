//! A thread that turns drawn frames into batches: JPEG losses, labels, and off to the trainer, while
//! the next frame is drawn.

use super::config::Panicked;
use crate::{frame::DrawnFrame, labels::label_frame};
use crossbeam_channel::{Receiver, Sender, bounded};
use marionette_figure::Figure;
use marionette_stream::{Batch, GeneratorEnd};
use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Drawn frames that may wait to be labelled.
const WAITING: usize = 2;

/// A thread that labels frames and sends them in the order in which they come.
pub struct Labeller {
    frames: Sender<DrawnFrame>,
    thread: JoinHandle<()>,
}

impl Labeller {
    /// Starts the thread, which labels `figure` and sends into `stream`.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub fn new(figure: Arc<Figure>, stream: Arc<GeneratorEnd>) -> io::Result<Self> {
        let (frames, drawn) = bounded(WAITING);
        let thread = thread::Builder::new().name("labeller".into());
        let thread = thread.spawn(move || serve(&figure, &drawn, &stream))?;
        Ok(Labeller { frames, thread })
    }

    /// Hands a frame over; waits where labelling is slower than drawing. One that comes after the
    /// thread has ended is dropped.
    pub fn label(&self, frame: DrawnFrame) {
        let _ = self.frames.send(frame);
    }

    /// Whether the thread has ended, as it does when the trainer has gone, and when it panics.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until everything that was handed over is sent, or the trainer has gone.
    ///
    /// # Errors
    /// Where the thread has panicked.
    pub fn finish(self) -> Result<(), Panicked> {
        drop(self.frames);
        self.thread.join().map_err(|_| Panicked)
    }
}

fn serve(figure: &Figure, drawn: &Receiver<DrawnFrame>, stream: &GeneratorEnd) {
    for frame in drawn {
        let batch = Batch { index: frame.frame.tag, tiles: label_frame(figure, frame) };
        if stream.send(batch).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::{Frame, TilePixels},
        sampler::sampler,
    };
    use marionette_scene::load_scene;
    use marionette_stream::{Policy, SceneSample, connect};

    fn frame(tag: u64, samples: Vec<SceneSample>) -> DrawnFrame {
        let no_pixels = TilePixels { color: Vec::new(), ids: Vec::new(), depth: Vec::new() };
        let tiles = vec![no_pixels; samples.len()];
        DrawnFrame { frame: Frame { tag, samples: Arc::new(samples) }, tiles }
    }

    #[test]
    fn frames_become_batches_in_order_and_panics_are_told() {
        let scene = load_scene("quickstart").unwrap();
        let policy = Arc::new(Policy::uniform());
        let start = || {
            let (generator_end, trainer_end) = connect([policy.clone()]);
            let labeller = Labeller::new(scene.figure.clone(), Arc::new(generator_end)).unwrap();
            (labeller, trainer_end)
        };

        let (labeller, trainer_end) = start();
        for tag in 0..9 {
            labeller.label(frame(tag, Vec::new()));
            assert_eq!(trainer_end.receive().unwrap().index, tag);
        }
        assert_eq!(labeller.finish(), Ok(()));
        assert!(trainer_end.receive().is_err(), "the stream ends with the thread");

        let (labeller, trainer_end) = start();
        drop(trainer_end);
        (0..9).for_each(|tag| labeller.label(frame(tag, Vec::new())));
        assert_eq!(labeller.finish(), Ok(()), "that the trainer has gone is no fault");

        let (labeller, trainer_end) = start();
        // Pixels that are missing stand for any fault of the program.
        labeller.label(frame(0, vec![sampler(&scene).sample(&policy, 1, 0, 0)]));
        assert!(trainer_end.receive().is_err());
        assert_eq!(labeller.finish(), Err(Panicked));
    }
}
