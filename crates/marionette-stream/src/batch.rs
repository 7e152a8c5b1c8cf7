//! What the generator gives to the trainer: pixels and labels of a batch. A tile's pixels and
//! labels come from one and the same scene.

use crate::SceneSample;
use glam::{Vec2, Vec3};
use serde::{Deserialize, Serialize};

/// Depth of a pixel that shows no surface, metres.
pub const FAR_DEPTH: f32 = 1000.0;

/// A batch of rendered tiles with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Index of the batch in the run.
    pub index: u64,
    /// The tiles, in sample order.
    pub tiles: Vec<Tile>,
}

/// One rendered tile, its labels, and the scene that both came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// sRGB colour, four bytes a pixel (RGBA), row by row from the top.
    pub color: Vec<u8>,
    /// What each pixel shows: one [`PixelId`] a pixel.
    pub ids: Vec<PixelId>,
    /// Distance along the camera's forward axis, one value a pixel, metres; [`FAR_DEPTH`] where
    /// there is no surface.
    pub depth: Vec<f32>,
    /// The labels of the primary figure.
    pub labels: Labels,
    /// The scene.
    pub scene: SceneSample,
}

impl Tile {
    /// sRGB colour, three bytes a pixel, row by row from the top.
    pub fn rgb(&self) -> Vec<u8> {
        self.color.chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect()
    }

    /// Left, top, width and height of the box around the whole primary figure, as if nothing covered
    /// it, cut off at the image's border; pixels.
    pub fn box_in_image(&self) -> [f32; 4] {
        let size = Vec2::new(self.width as f32, self.height as f32);
        let ImageBox { low, high } = self.labels.amodal_box;
        let [low, high] = [low, high].map(|corner| corner.clamp(Vec2::ZERO, size));
        [low.x, low.y, high.x - low.x, high.y - low.y]
    }
}

/// What a pixel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct PixelId(pub u16);

/// What a [`PixelId`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Wall, ground or sky.
    Backdrop,
    /// Part `part` of figure `figure`.
    Figure {
        /// Index of the figure in the sample; 0 is the primary one.
        figure: usize,
        /// Index of the part in the figure file.
        part: usize,
    },
    /// Prop `0`.
    Prop(usize),
}

impl PixelId {
    /// Wall, ground or sky.
    pub const BACKDROP: PixelId = PixelId(0);
    const PROP: u16 = 0x8000;

    /// The id of a figure's part.
    pub fn figure(figure: usize, part: usize) -> Self {
        PixelId((figure as u16) << 8 | (part as u16 + 1))
    }

    /// The id of a prop.
    pub fn prop(prop: usize) -> Self {
        PixelId(Self::PROP | prop as u16)
    }

    /// What the id stands for.
    pub fn shown(self) -> Shown {
        match self.0 {
            0 => Shown::Backdrop,
            id if id & Self::PROP != 0 => Shown::Prop((id & !Self::PROP) as usize),
            id => Shown::Figure { figure: (id >> 8) as usize, part: (id & 0xff) as usize - 1 },
        }
    }

    /// Whether it is a part of the figure with that index.
    pub fn is_figure(self, index: usize) -> bool {
        self != Self::BACKDROP && self.0 & Self::PROP == 0 && usize::from(self.0 >> 8) == index
    }
}

/// COCO's visibility flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// 0: outside the image or behind the camera.
    Outside = 0,
    /// 1: in the image, but covered.
    Covered = 1,
    /// 2: seen.
    Seen = 2,
}

/// What covers a keypoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cover {
    /// The figure itself.
    Own,
    /// Another figure.
    OtherFigure,
    /// A prop.
    Prop,
}

/// One labelled keypoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledKeypoint {
    /// Image coordinates, pixels (continuous; pixel centres at .5). They may lie outside the image.
    pub pixel: Vec2,
    /// Position in the camera's frame (x right, y down, z forward), metres.
    pub camera: Vec3,
    /// Position in the world, metres.
    pub world: Vec3,
    /// Whether it is seen.
    pub visibility: Visibility,
    /// What covers it, where it is [`Visibility::Covered`].
    pub cover: Option<Cover>,
}

/// An axis-aligned box in image coordinates, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageBox {
    /// Top-left corner.
    pub low: Vec2,
    /// Bottom-right corner.
    pub high: Vec2,
}

/// All labels of one figure of a tile.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// The keypoints, in label order.
    pub keypoints: Vec<LabelledKeypoint>,
    /// Box around the visible pixels; `None` if there are none.
    pub modal_box: Option<ImageBox>,
    /// Box around the whole figure, as if nothing covered it or cut it off.
    pub amodal_box: ImageBox,
    /// Visible pixels.
    pub mask_area: u32,
    /// Torso length in the image, projected from 3D, pixels: the longer shoulder-to-opposite-hip
    /// diagonal.
    pub torso: f32,
    /// How hard the figure came out, as measured.
    pub measured: Measured,
}

/// How hard a figure came out, measured in pixels and geometry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Visible pixels as a share of the figure's silhouette inside the image: the share that is not
    /// covered.
    pub visible_share: f32,
    /// Silhouette inside the image as a share of the whole silhouette: the share that is not cut
    /// off.
    pub in_frame_share: f32,
    /// Keypoints seen.
    pub keypoints_seen: u32,
    /// Distance between the mean sRGB colours of the figure and of its surroundings, 0 to 1.
    pub contrast: f32,
    /// Mean sRGB brightness of the figure, 0 to 1.
    pub brightness: f32,
}
