//! One scene, fully decided: plain data from which a tile is drawn and labelled.

use super::{AXES, Camera, Hardness, Rejection, SampleStream};
use crate::figure::{BodyShape, Pose, RoundCone};
use glam::{Quat, Vec3};

/// One scene, fully decided.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSample {
    /// Index of the sample in the run.
    pub index: u64,
    /// How many earlier draws of this sample were rejected as unsolvable.
    pub attempt: u32,
    /// Why those were rejected.
    pub rejections: Vec<Rejection>,
    /// Version of the policy that it was drawn with.
    pub policy_version: u64,
    /// The stream that it belongs to.
    pub stream: SampleStream,
    /// For a replayed sample, the index of the sample that it repeats.
    pub origin: Option<u64>,
    /// Requested hardness per axis.
    pub hardness: Hardness,
    /// Per axis, the steered probability of the hardness' bin in the policy it was drawn with.
    pub propensity: [f32; AXES],
    /// The figures; the first is the one that is labelled for training.
    pub figures: Vec<FigureSample>,
    /// Loose objects.
    pub props: Vec<Prop>,
    /// The camera.
    pub camera: Camera,
    /// The light.
    pub light: Light,
    /// What is behind it all.
    pub backdrop: Backdrop,
    /// What the camera does to the picture.
    pub degradation: Degradation,
    /// Every physical parameter that was drawn, by name.
    pub parameters: Vec<(&'static str, f32)>,
}

/// One posed figure.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureSample {
    /// Its body.
    pub shape: BodyShape,
    /// Its pose.
    pub pose: Pose,
    /// Linear RGB of each part.
    pub part_colors: Vec<Vec3>,
    /// Its parts in the world, in the figure's order, metres.
    pub parts: Vec<RoundCone>,
    /// Its keypoints in the world, in label order, metres.
    pub keypoints: Vec<Vec3>,
}

/// A loose object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prop {
    /// Its shape.
    pub shape: PropShape,
    /// Centre, metres.
    pub position: Vec3,
    /// Orientation.
    pub rotation: Quat,
    /// Linear RGB.
    pub color: Vec3,
}

/// The shape of a [`Prop`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PropShape {
    /// A ball.
    Ball {
        /// Radius, metres.
        radius: f32,
    },
    /// A capsule along its own y axis.
    Capsule {
        /// Half the distance between the two end spheres' centres, metres.
        half_length: f32,
        /// Radius, metres.
        radius: f32,
    },
    /// A box.
    Cuboid {
        /// Half the side lengths, metres.
        half_extents: Vec3,
    },
}

/// The light: one sun with hard shadows and a sky.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Unit vector towards the sun.
    pub sun_direction: Vec3,
    /// Linear RGB of the sun's light.
    pub sun_color: Vec3,
    /// Linear RGB of the light from above.
    pub sky_color: Vec3,
    /// Linear RGB of the light from below.
    pub bounce_color: Vec3,
    /// Factor on everything that reaches the camera.
    pub exposure: f32,
}

/// The families of backdrops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackdropKind {
    /// A smooth wall and floor.
    Studio,
    /// Cloudy noise above a noisy ground.
    Field,
    /// A tiled wall and floor.
    Tiles,
    /// Bricks above stripes.
    Bricks,
    /// Blocks of all sizes and colours.
    Blocks,
    /// Overlapping discs, like leaves or a crowd out of focus.
    Foliage,
}

impl BackdropKind {
    /// Every family.
    pub const ALL: [BackdropKind; 6] = [
        BackdropKind::Studio,
        BackdropKind::Field,
        BackdropKind::Tiles,
        BackdropKind::Bricks,
        BackdropKind::Blocks,
        BackdropKind::Foliage,
    ];
}

/// What is behind it all: the ground and a wall or sky.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backdrop {
    /// The family.
    pub kind: BackdropKind,
    /// Three linear RGB colours that the pattern is made of.
    pub colors: [Vec3; 3],
    /// Linear RGB of the ground.
    pub ground: Vec3,
    /// Size of the pattern's elements, metres.
    pub scale: f32,
    /// How strongly the pattern's colours differ, 0 to 1.
    pub contrast: f32,
    /// Distance of the wall behind the figure, metres.
    pub distance: f32,
    /// Shifts the pattern.
    pub seed: u32,
}

/// What the camera does to the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Degradation {
    /// Standard deviation of the Gaussian blur, pixels.
    pub blur: f32,
    /// Standard deviation of the read noise, in sRGB units of [0, 1].
    pub noise: f32,
    /// Side of the blocks that the picture is reduced to, pixels; 1 leaves it as it is.
    pub block: u32,
    /// Varies the noise.
    pub seed: u32,
}
