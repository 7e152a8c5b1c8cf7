//! What is said of a picture and of each figure in it: COCO's own keys, and one more for the rest.
//!
//! Keypoints are in COCO's pixel coordinates, where the centre of the first pixel is (0, 0); boxes
//! are around whole pixels, (0, 0) being the picture's corner, as pycocotools has it.

use crate::run_length;
use glam::{Vec2, Vec3};
use marionette_figure::Figure;
use marionette_render::label_figure;
use marionette_stream::{Cover, HardnessAxis, ImageBox, Labels, SampleStream, Tile, Visibility};
use serde::Serialize;
use std::collections::BTreeMap;

/// The most figures that a picture can have.
const MOST_FIGURES: u64 = 128;

/// A picture, as an entry of COCO's `images`.
#[derive(Debug, Serialize)]
pub struct ImageEntry {
    pub id: u64,
    pub file_name: String,
    pub width: usize,
    pub height: usize,
    pub marionette: ImageFacts,
}

/// What COCO has no place for.
#[derive(Debug, Serialize)]
pub struct ImageFacts {
    pub seed: u64,
    pub index: u64,
    /// How many draws of the sample were rejected before.
    pub rejected: u32,
    pub stream: SampleStream,
    /// Focal lengths, pixels.
    pub focal: [f64; 2],
    /// The principal point, in COCO's pixel coordinates.
    pub centre: [f64; 2],
    /// λ of the division model, per square of a focal length.
    pub distortion: f64,
    /// The first three rows; metres, and the camera looks along z, with x right and y down.
    pub camera_from_world: [[f64; 4]; 3],
    /// Left, top, right, bottom of the part that shows the scene, pixels.
    pub border: [u32; 4],
    pub hardness: BTreeMap<&'static str, f64>,
    pub parameters: BTreeMap<&'static str, f64>,
}

/// A figure, as an entry of COCO's `annotations`.
#[derive(Debug, Serialize)]
pub struct FigureEntry {
    pub id: u64,
    pub image_id: u64,
    pub category_id: u32,
    pub iscrowd: u8,
    /// Pixels that show it.
    pub area: u32,
    /// Left, top, width and height of what is seen.
    pub bbox: [u32; 4],
    pub segmentation: Segmentation,
    pub num_keypoints: usize,
    /// x, y, v in turn; v is 0 (not in the picture), 1 (covered) or 2 (seen).
    pub keypoints: Vec<f64>,
    pub marionette: FigureFacts,
}

/// A mask, see [`run_length`].
#[derive(Debug, Serialize)]
pub struct Segmentation {
    pub size: [usize; 2],
    pub counts: String,
}

/// What COCO has no place for.
#[derive(Debug, Serialize)]
pub struct FigureFacts {
    /// Its index among the scene's figures; 0 is the one that the scene is about.
    pub figure: usize,
    pub pose_family: String,
    /// Where every keypoint lies, also outside the picture, in COCO's pixel coordinates.
    pub pixels: Vec<[f64; 2]>,
    /// Keypoints in the camera's frame and in the world, metres.
    pub joints_camera: Vec<[f64; 3]>,
    pub joints_world: Vec<[f64; 3]>,
    /// What covers each keypoint that is in the picture but not seen.
    pub covered_by: Vec<Option<Cover>>,
    /// Left, top, width and height of the whole figure, as if nothing covered it or cut it off.
    pub amodal_bbox: [f64; 4],
    /// The share of its silhouette in the picture that is seen, and the share of its silhouette
    /// that is in the picture.
    pub visible_share: f64,
    pub in_frame_share: f64,
    /// The longer of the torso's diagonals, pixels.
    pub torso: f64,
    pub contrast: f64,
    pub brightness: f64,
}

/// A number as it is written: so many digits after the point.
fn rounded(value: f32, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    let number = (f64::from(value) * unit).round() / unit;
    // JSON has no infinity, and "-0" looks like a mistake.
    if number.is_finite() { number + 0.0 } else { 0.0 }
}

/// A place in COCO's pixel coordinates.
fn pixel(place: Vec2) -> [f64; 2] {
    place.to_array().map(|value| rounded(value - 0.5, 2))
}

fn metres(place: Vec3) -> [f64; 3] {
    place.to_array().map(|value| rounded(value, 4))
}

/// The entry of the picture of `tile`, of a set drawn with `seed`.
pub fn image_entry(tile: &Tile, seed: u64, file_name: String) -> ImageEntry {
    let (scene, camera) = (&tile.scene, &tile.scene.camera);
    let matrix = camera.camera_from_world.matrix3;
    let (rows, shift) = (matrix.transpose(), camera.camera_from_world.translation);
    let row = |axis: usize| {
        let turn = rows.col(axis).to_array().map(|value| rounded(value, 6));
        [turn[0], turn[1], turn[2], rounded(shift[axis], 5)]
    };
    ImageEntry {
        id: scene.index + 1,
        file_name,
        width: tile.width,
        height: tile.height,
        marionette: ImageFacts {
            seed,
            index: scene.index,
            rejected: scene.attempt,
            stream: scene.stream,
            focal: camera.focal.to_array().map(|value| rounded(value, 3)),
            centre: camera.centre.to_array().map(|value| rounded(value - 0.5, 3)),
            distortion: rounded(camera.distortion, 6),
            camera_from_world: [0, 1, 2].map(row),
            border: scene.border,
            hardness: HardnessAxis::ALL
                .map(|axis| (axis.name(), rounded(scene.hardness[axis as usize], 4)))
                .into(),
            parameters: (scene.parameters.iter())
                .map(|(name, value)| (*name, rounded(*value, 5)))
                .collect(),
        },
    }
}

/// A figure of which a pixel is seen.
pub struct SeenFigure {
    /// Its index among the scene's figures.
    pub index: usize,
    /// Its labels.
    pub labels: Labels,
    /// The box around its pixels.
    pub bounds: ImageBox,
}

/// The figures of `tile` of which a pixel is seen, the primary one first.
pub fn seen_figures(tile: &Tile, figure: &Figure) -> Vec<SeenFigure> {
    let labelled = |index: usize| {
        let labels = match index {
            0 => tile.labels.clone(),
            _ => label_figure(figure, tile, index),
        };
        Some(SeenFigure { index, bounds: labels.modal_box?, labels })
    };
    (0..tile.scene.figures.len()).filter_map(labelled).collect()
}

/// The entry of a figure of `tile`.
pub fn figure_entry(tile: &Tile, figure: &Figure, seen: &SeenFigure) -> FigureEntry {
    let SeenFigure { index, ref labels, bounds: ImageBox { low, high } } = *seen;
    let mask: Vec<bool> = tile.ids.iter().map(|id| id.is_figure(index)).collect();
    let inside = labels.keypoints.iter().filter(|label| label.visibility != Visibility::Outside);
    FigureEntry {
        id: tile.scene.index * MOST_FIGURES + index as u64 + 1,
        image_id: tile.scene.index + 1,
        category_id: 1,
        iscrowd: 0,
        area: labels.mask_area,
        bbox: [low.x, low.y, high.x - low.x, high.y - low.y].map(|side| side as u32),
        segmentation: Segmentation {
            size: [tile.height, tile.width],
            counts: run_length::encode(&mask, tile.width),
        },
        num_keypoints: inside.count(),
        keypoints: labels
            .keypoints
            .iter()
            .flat_map(|label| match label.visibility {
                Visibility::Outside => [0.0; 3],
                visibility => {
                    let [x, y] = pixel(label.pixel);
                    [x, y, f64::from(visibility as u8)]
                }
            })
            .collect(),
        marionette: facts(tile, figure, index, labels),
    }
}

fn facts(tile: &Tile, figure: &Figure, index: usize, labels: &Labels) -> FigureFacts {
    let points = &labels.keypoints;
    let ImageBox { low, high } = labels.amodal_box;
    let measured = &labels.measured;
    FigureFacts {
        figure: index,
        pose_family: figure.poses[tile.scene.figures[index].family].name.clone(),
        pixels: points.iter().map(|label| pixel(label.pixel)).collect(),
        joints_camera: points.iter().map(|label| metres(label.camera)).collect(),
        joints_world: points.iter().map(|label| metres(label.world)).collect(),
        covered_by: points.iter().map(|label| label.cover).collect(),
        amodal_bbox: [low.x, low.y, high.x - low.x, high.y - low.y].map(|side| rounded(side, 2)),
        visible_share: rounded(measured.visible_share, 4),
        in_frame_share: rounded(measured.in_frame_share, 4),
        torso: rounded(labels.torso, 2),
        contrast: rounded(measured.contrast, 4),
        brightness: rounded(measured.brightness, 4),
    }
}
