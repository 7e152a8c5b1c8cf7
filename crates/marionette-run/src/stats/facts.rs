//! What statistics keep of a tile.

use super::{MEASURES, Measure};
use glam::Vec3;
use marionette_stream::{Cover, Hardness, Rejection, Tile, Visibility};
use serde::{Deserialize, Serialize};

/// What statistics keep of one labelled tile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleFacts {
    /// Requested hardness.
    pub hardness: Hardness,
    /// Why earlier attempts at the sample were rejected, one entry for each.
    pub rejections: Vec<Rejection>,
    /// Index in the figure of the family that the pose was sampled from.
    pub family: usize,
    /// The families of the earlier attempts that were rejected. A tile does not know them, so
    /// [`SampleFacts::of`] leaves this empty.
    pub rejected_families: Vec<usize>,
    /// Angles of each bone about x, y and z, radians.
    pub angles: Vec<Vec3>,
    /// The keypoints, in label order.
    pub keypoints: Vec<KeypointFacts>,
    /// Left, top, right and bottom of the box around the whole figure, as if nothing cut it off;
    /// shares of the image's width and height.
    pub bounds: [f32; 4],
    /// Visible pixels of the figure, as a share of the image's.
    pub area: f32,
    /// What was measured, in [`Measure::ALL`] order.
    pub measures: [f32; MEASURES],
}

/// What statistics keep of one keypoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeypointFacts {
    /// Where it lies: shares of the image's width and height.
    pub place: [f32; 2],
    /// Whether it is seen.
    pub visibility: Visibility,
    /// What covers it, where it is covered.
    pub cover: Option<Cover>,
}

impl SampleFacts {
    /// What is kept of `tile`.
    pub fn of(tile: &Tile) -> Self {
        let (width, height) = (tile.width as f32, tile.height as f32);
        let primary = tile.scene.figures.first();
        let amodal = tile.labels.amodal_box;
        SampleFacts {
            hardness: tile.scene.hardness,
            rejections: tile.scene.rejections.clone(),
            family: primary.map_or(0, |figure| figure.family),
            rejected_families: Vec::new(),
            angles: primary.map_or_else(Vec::new, |figure| figure.pose.angles.clone()),
            keypoints: (tile.labels.keypoints.iter())
                .map(|label| KeypointFacts {
                    place: [label.pixel.x / width, label.pixel.y / height],
                    visibility: label.visibility,
                    cover: label.cover,
                })
                .collect(),
            bounds: [
                amodal.low.x / width,
                amodal.low.y / height,
                amodal.high.x / width,
                amodal.high.y / height,
            ],
            area: tile.labels.mask_area as f32 / (width * height).max(1.0),
            measures: Measure::ALL.map(|measure| measure.of(tile)),
        }
    }
}
