//! One scene with all its values: plain data from which a tile is drawn and labelled.

use super::{AXES, Camera, Hardness, Rejection, SampleStream};
use glam::{Quat, Vec2, Vec3};
use marionette_figure::{
    BodyShape, Figure, Pose, RoundCone, place_clothed, place_keypoints, place_parts, solve,
    surface::{PlacedVertex, Surface},
    worn_parts,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One scene with all its values.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSample {
    /// Index of the sample in the run.
    pub index: u64,
    /// How many earlier attempts at this sample were rejected as unsolvable.
    pub attempt: u32,
    /// Why they were rejected.
    pub rejections: Vec<Rejection>,
    /// Version of the policy with which it was sampled.
    pub policy_version: u64,
    /// The stream that it belongs to.
    pub stream: SampleStream,
    /// Requested hardness per axis.
    pub hardness: Hardness,
    /// Per axis, the steered stream's density at that hardness over the uniform stream's, in the
    /// policy with which the sample was taken.
    pub propensity: [f32; AXES],
    /// The figures; the first is the one that is labelled for training.
    pub figures: Vec<FigureSample>,
    /// Loose objects.
    pub props: Vec<Prop>,
    /// The camera.
    pub camera: Camera,
    /// The part of the image that shows the scene: left, top, right, bottom, pixels. Beyond it is
    /// black, as beyond the edge of a photograph from which a square was cut.
    pub border: [u32; 4],
    /// The light.
    pub light: Light,
    /// The background.
    pub backdrop: Backdrop,
    /// What the camera does to the picture.
    pub degradation: Degradation,
    /// Every physical parameter that was sampled, by name.
    pub parameters: Vec<(&'static str, f32)>,
}

impl SceneSample {
    /// Whether `pixel` is in the part of the image that shows the scene.
    pub fn shows(&self, pixel: Vec2) -> bool {
        let [left, top, right, bottom] = self.border.map(|edge| edge as f32);
        pixel.x >= left && pixel.y >= top && pixel.x < right && pixel.y < bottom
    }
}

/// One posed figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FigureSample {
    /// Its body.
    pub shape: BodyShape,
    /// The family of poses that its pose was sampled from, as an index into the figure's.
    pub family: usize,
    /// Its pose.
    pub pose: Pose,
    /// Why the sample cannot be used, if that is known already: its pose did not settle, or it is not
    /// what it is drawn for.
    pub fault: Option<Rejection>,
    /// What it wears: indices into the figure's garments, innermost first.
    pub outfit: Vec<usize>,
    /// The parts of its body without clothes, in the world, metres. They may not go through
    /// anything, while cloth may.
    pub flesh: Vec<RoundCone>,
    /// Its parts in the world as they are drawn, metres: the body's in the figure's order, then
    /// those of its garments.
    pub parts: Vec<RoundCone>,
    /// Linear RGB of each part.
    pub part_colors: Vec<Vec3>,
    /// What each part is made of; empty if every part is plain.
    pub looks: Vec<PartLook>,
    /// What [`PartLook::fabric`] indexes into.
    pub fabrics: Vec<Fabric>,
    /// Indices in the figure of the parts that garments bring, the last entries of `parts`.
    pub worn: Vec<usize>,
    /// What of it is drawn as triangles, in place of the parts that these stand for.
    pub surface: Arc<Surface>,
    /// The vertices of `surface` in the world, in its order.
    pub vertices: Vec<PlacedVertex>,
    /// Its keypoints in the world, in label order, metres.
    pub keypoints: Vec<Vec3>,
}

impl FigureSample {
    /// Puts parts and keypoints where body, pose and outfit say.
    pub fn place(&mut self, figure: &Figure) {
        let bones = solve(figure, &self.shape, &self.pose);
        self.flesh = place_parts(figure, &self.shape, &bones);
        self.parts = place_clothed(figure, &self.shape, &self.outfit, &bones);
        self.worn = worn_parts(figure, &self.outfit);
        self.keypoints = place_keypoints(figure, &self.shape, &bones);
        self.surface = figure.surface.clone();
        self.vertices = figure.surface.place(figure, &self.shape, &bones);
        for index in 0..self.looks.len() {
            let part = &figure.parts[self.part(index)];
            self.looks[index].turn = Quat::from_mat3a(&bones[part.bone].matrix3);
            self.looks[index].origin = part.rest;
        }
    }

    /// Its parts that are drawn as round cones, with their indices in `parts`.
    pub fn drawn_cones(&self) -> impl Iterator<Item = (usize, &RoundCone)> {
        let drawn = |(index, _): &(usize, _)| !self.surface.replaces(self.part(*index));
        self.parts.iter().enumerate().filter(drawn)
    }

    /// The parts of the body itself, with their clothes on.
    pub fn body(&self) -> &[RoundCone] {
        &self.parts[..self.parts.len() - self.worn.len()]
    }

    /// The index in the figure of entry `index` of `parts`.
    pub fn part(&self, index: usize) -> usize {
        let body = self.body().len();
        if index < body { index } else { self.worn[index - body] }
    }
}

/// How the surface of a part looks. Patterns are in the coordinates of the figure at rest, so they
/// continue from part to part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PartLook {
    /// Index of its fabric.
    pub fabric: usize,
    /// `world_from_bone`, the rotation alone.
    pub turn: Quat,
    /// Where the part's first end is in the figure at rest, metres.
    pub origin: Vec3,
}

/// Cloth, hair or skin: how a part's own colour is changed.
///
/// At a point (x, y, z) of the figure at rest the pattern is `waves.x sin(across x) + waves.y
/// sin(along y) + waves.z n`, where n is noise in [-1, 1]. Where the pattern is above `threshold`,
/// the second colour shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fabric {
    /// Linear RGB of the pattern.
    pub second: Vec3,
    /// Shares of stripes up and down, of stripes around, and of noise.
    pub waves: Vec3,
    /// The second colour shows where the pattern is above this.
    pub threshold: f32,
    /// Radians a metre in x and y, and cells of the noise a metre.
    pub pitch: Vec3,
    /// A print on chest and back: height of its middle in the figure at rest, half width, half
    /// height, side of its cells, all metres; none where the width is 0.
    pub print: [f32; 4],
    /// How strongly folds and strands lighten and darken it.
    pub folds: f32,
    /// How strongly it mirrors the sun.
    pub gloss: f32,
}

/// An object.
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
    /// What it is there for.
    pub role: PropRole,
}

/// What a [`Prop`] is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropRole {
    /// It falls and stays where it comes to rest.
    Loose,
    /// It carries a figure: a seat, a block, a bar, a wall.
    Support,
    /// It stands about behind the figures: furniture, rails, trees.
    Scenery,
    /// A figure holds it in its hand.
    Held,
}

impl Prop {
    /// Whether it stays where it is put.
    pub fn fixed(&self) -> bool {
        self.role != PropRole::Loose
    }
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

impl PropShape {
    /// The same shape, this many times as large.
    pub fn scaled(self, factor: f32) -> PropShape {
        match self {
            PropShape::Ball { radius } => PropShape::Ball { radius: radius * factor },
            PropShape::Capsule { half_length, radius } => {
                PropShape::Capsule { half_length: half_length * factor, radius: radius * factor }
            }
            PropShape::Cuboid { half_extents } => {
                PropShape::Cuboid { half_extents: half_extents * factor }
            }
        }
    }

    /// The radius of a sphere around its middle that holds all of it, metres.
    pub fn reach(&self) -> f32 {
        match *self {
            PropShape::Ball { radius } => radius,
            PropShape::Capsule { half_length, radius } => half_length + radius,
            PropShape::Cuboid { half_extents } => half_extents.length(),
        }
    }
}

/// The light: a sun or a lamp, which mostly casts shadows, and light from all around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// Unit vector towards the sun, or from the figure towards the lamp.
    pub sun_direction: Vec3,
    /// Linear RGB of the sun's light, or of the lamp's where the figure is.
    pub sun_color: Vec3,
    /// Radius of the sun or lamp over its distance: 0 casts hard shadows.
    pub softness: f32,
    /// Whether it casts shadows.
    pub shadows: bool,
    /// The lamp that replaces the sun.
    pub lamp: Option<Lamp>,
    /// Linear RGB of the light from above.
    pub sky_color: Vec3,
    /// Linear RGB of the light from below.
    pub bounce_color: Vec3,
    /// Factor on everything that reaches the camera.
    pub exposure: f32,
}

impl Light {
    /// Roughly the mean linear RGB of the light that falls on things. The sun shines on only some
    /// of them, and at an angle.
    pub fn mean(&self) -> Vec3 {
        self.sun_color * 0.4 + (self.sky_color + self.bounce_color) * 0.5
    }
}

/// A lamp, a spot or a flash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lamp {
    /// Where it is, metres.
    pub position: Vec3,
    /// Unit vector in which it shines.
    pub aim: Vec3,
    /// Cosine of the angle from `aim` at which its light ends; -1 where it shines all round.
    pub cutoff: f32,
    /// Distance at which its light has the strength of [`Light::sun_color`], metres. The strength
    /// falls with the square of the distance.
    pub reach: f32,
}

/// The families of backdrops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// A picture behind the figure, and mostly another one on the ground.
    Picture,
}

impl BackdropKind {
    /// Every family.
    pub const ALL: [BackdropKind; 7] = [
        BackdropKind::Studio,
        BackdropKind::Field,
        BackdropKind::Tiles,
        BackdropKind::Bricks,
        BackdropKind::Blocks,
        BackdropKind::Foliage,
        BackdropKind::Picture,
    ];

    /// The families that are computed, not pictures.
    pub const COMPUTED: &[BackdropKind] = BackdropKind::ALL.split_at(6).0;
}

/// The background: the ground and a wall or sky.
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
    /// Indices of the pictures behind and on the ground, for [`BackdropKind::Picture`].
    pub pictures: [u32; 2],
    /// Whether there is no ground and the picture fills the whole image.
    pub open: bool,
}

impl Backdrop {
    /// The wall's unit normal: it stands upright and faces the camera.
    pub fn facing(&self, camera: &Camera) -> Vec3 {
        let [_, _, forward] = camera.axes();
        Vec3::new(-forward.x, 0.0, -forward.z).try_normalize().unwrap_or(Vec3::Z)
    }
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
    /// Standard deviation of the blur of things that are infinitely far away, pixels. Things at the
    /// depth `focus` are sharp.
    pub aperture: f32,
    /// Depth that the lens is focused on, metres.
    pub focus: f32,
    /// Standard deviation of the motion during the exposure, pixels.
    pub motion: Vec2,
    /// How much darker the picture's corners are, as a share.
    pub vignette: f32,
    /// Standard deviation of white's linear brightness from one pixel to the next.
    pub shot_noise: f32,
    /// Varies the noise.
    pub seed: u32,
    /// Power to which linear light is raised, about middle grey. Above 1, dark gets darker and
    /// bright gets brighter.
    pub contrast: f32,
    /// Factor on how far colours are from grey.
    pub saturation: f32,
    /// Share of the range, at its bright end, into which all brighter values are compressed; 0 cuts
    /// them off.
    pub shoulder: f32,
    /// Quality of the JPEG file that the picture goes through, 1 to 100; `None` for no JPEG.
    pub jpeg: Option<u8>,
}

impl Default for Degradation {
    /// A perfect camera.
    fn default() -> Self {
        Degradation {
            blur: 0.0,
            noise: 0.0,
            block: 1,
            aperture: 0.0,
            focus: 1.0,
            motion: Vec2::ZERO,
            vignette: 0.0,
            shot_noise: 0.0,
            seed: 0,
            contrast: 1.0,
            saturation: 1.0,
            shoulder: 0.0,
            jpeg: None,
        }
    }
}
