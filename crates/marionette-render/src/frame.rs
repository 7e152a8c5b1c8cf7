//! Frames on their way through the renderer: as they are handed in, and as they come back.

use bevy::prelude::*;
use crossbeam_channel::{Receiver, Sender};
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

/// Where the main world finds the frames that have been drawn.
#[derive(Resource)]
pub struct DrawnFrames(pub Receiver<Result<DrawnFrame, String>>);

/// Where the render world puts the frames that it has drawn.
#[derive(Resource)]
pub struct Delivery(pub Sender<Result<DrawnFrame, String>>);
