//! Frames on their way through the renderer: as they are handed in, and as they come back.

use bevy::prelude::*;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use marionette_stream::{PixelId, SceneSample};
use std::sync::Arc;

/// The shape of the frames that an app draws.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub struct RendererConfig {
    /// Tiles a frame, at most.
    pub tiles: usize,
    /// Width of a tile, pixels.
    pub width: u32,
    /// Height of a tile, pixels.
    pub height: u32,
    /// Threads for Bevy's own tasks.
    pub threads: usize,
}

impl RendererConfig {
    /// How many tiles of `width` x `height` pixels a frame should have: 64, and fewer where they are
    /// large, so that a frame takes as much memory.
    pub fn tiles_of(width: u32, height: u32) -> usize {
        (64 * 128 * 128 / (u64::from(width) * u64::from(height))).clamp(1, 64) as usize
    }

    /// Tiles a row of the atlas: about as many as there are rows.
    pub fn columns(&self) -> u32 {
        (self.tiles as f64).sqrt().ceil().max(1.0) as u32
    }
}

/// A frame to draw: a tag that identifies it, and one sample per tile.
#[derive(Clone)]
pub struct Frame {
    /// Comes back with the pixels.
    pub tag: u64,
    /// The samples, all of the size that the app was made for.
    pub samples: Arc<Vec<SceneSample>>,
}

/// The frame to draw in this update; without one, earlier frames are only delivered.
#[derive(Resource, Default)]
pub struct FrameToDraw(pub Option<Frame>);

/// A drawn frame's pixels, with the samples they were drawn from.
#[derive(Clone)]
pub struct DrawnFrame {
    /// The frame as it was handed in.
    pub frame: Frame,
    /// The pixels of each sample.
    pub tiles: Vec<TilePixels>,
}

/// A tile's pixels, row by row.
#[derive(Clone)]
pub struct TilePixels {
    /// sRGB colour, RGBA.
    pub color: Vec<u8>,
    /// What each pixel shows.
    pub ids: Vec<PixelId>,
    /// Depth, metres.
    pub depth: Vec<f32>,
}

/// Drawn frames that can wait to be taken.
///
/// An update delivers one frame at most: it submits one at most, and leaves none behind but the
/// newest. Receivers take what has arrived before every update, or after every second one
/// (`render_samples`), so two frames wait at most.
pub const MOST_WAITING: usize = 2;

/// Where the main world finds the frames that have been drawn.
#[derive(Resource)]
pub struct DrawnFrames(pub Receiver<Result<DrawnFrame, String>>);

/// Where the render world puts the frames that it has drawn.
#[derive(Resource)]
pub struct Delivery {
    sender: Sender<Result<DrawnFrame, String>>,
    /// Whether a frame found no room and was lost.
    pub overflowed: bool,
}

/// Both ends of the way from the render world to the main world. Both worlds are updated on the
/// same thread, so the sender never waits for the receiver.
pub fn delivery() -> (Delivery, DrawnFrames) {
    let (sender, receiver) = crossbeam_channel::bounded(MOST_WAITING);
    (Delivery { sender, overflowed: false }, DrawnFrames(receiver))
}

impl Delivery {
    /// Hands a frame to the main world, or what went wrong while it was drawn.
    pub fn send(&mut self, drawn: Result<DrawnFrame, String>) {
        // A receiver that is gone is no error: the app is being torn down.
        if let Err(TrySendError::Full(_)) = self.sender.try_send(drawn) {
            self.overflowed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(tag: u64) -> Result<DrawnFrame, String> {
        Ok(DrawnFrame { frame: Frame { tag, samples: Arc::default() }, tiles: Vec::new() })
    }

    #[test]
    fn frames_that_nobody_takes_are_an_error_and_not_a_deadlock() {
        let (mut delivery, frames) = delivery();
        (0..MOST_WAITING as u64).for_each(|tag| delivery.send(drawn(tag)));
        assert!(!delivery.overflowed);
        delivery.send(drawn(9));
        assert!(delivery.overflowed);
        let tags: Vec<_> = frames.0.try_iter().map(|drawn| drawn.unwrap().frame.tag).collect();
        assert_eq!(tags, [0, 1]);
    }

    #[test]
    fn an_app_that_is_torn_down_takes_no_frames() {
        let (mut delivery, frames) = delivery();
        drop(frames);
        (0..3).for_each(|tag| delivery.send(drawn(tag)));
        assert!(!delivery.overflowed);
    }
}
