//! Made-up pictures with as many factors as real ones have, and losses of which all is known.

use crate::{Factor, Keypoint, Table, UNKNOWN};
use marionette_base::random;
use rand::Rng;

pub const AXES: [&str; 12] = [
    "pose", "light", "contrast", "texture", "hidden", "crop", "blur", "noise", "size", "camera",
    "clothes", "crowd",
];
pub const FAMILIES: [&str; 9] = [
    "standing",
    "walking",
    "running",
    "crouching",
    "sitting",
    "lying",
    "jumping",
    "reaching",
    "dancing",
];
pub const VIEWS: [&str; 4] =
    ["seen from the front", "seen from the left", "seen from the right", "seen from behind"];
pub const LAMPS: [&str; 3] = ["under the sun", "under a lamp", "in a studio"];
pub const COVERS: [&str; 5] = ["in sight", "behind itself", "behind a thing", "cut off", "dark"];
pub const JOINTS: [&str; 17] = [
    "nose",
    "left eye",
    "right eye",
    "left ear",
    "right ear",
    "left shoulder",
    "right shoulder",
    "left elbow",
    "right elbow",
    "left wrist",
    "right wrist",
    "left hip",
    "right hip",
    "left knee",
    "right knee",
    "left ankle",
    "right ankle",
];

/// What a picture is like.
#[derive(Clone)]
pub struct Picture {
    pub axes: [f32; 12],
    pub family: u16,
    pub view: u16,
    pub lamp: u16,
    /// Height of the figure in pixels.
    pub height: f32,
    pub people: f32,
}

/// What a keypoint is like.
pub struct Point {
    pub joint: u16,
    pub cover: u16,
}

/// Pictures, and what is drawn for them.
pub struct World {
    pub seed: u64,
    pub pictures: usize,
    /// How much more often the pictures with a light above 0.7 are drawn than they are.
    pub steered: f32,
    /// How much harder some pictures are than others for no reason.
    pub spread: f32,
    /// Whether a joint, what covers it, and every axis have an effect of their own.
    pub is_natural: bool,
    /// Whether blur goes nearly as light does.
    pub has_twins: bool,
}

impl World {
    pub fn new(seed: u64, pictures: usize) -> Self {
        Self { seed, pictures, steered: 1.0, spread: 0.2, is_natural: false, has_twins: false }
    }

    /// The table where a keypoint is missed with this probability.
    pub fn table(&self, missed: impl Fn(&Picture, &Point) -> f32) -> Table {
        self.table_of(|picture, point, random| f32::from(u8::from(random < missed(picture, point))))
    }

    /// The table where a keypoint has this loss; the last argument is uniform in 0 to 1, and alike
    /// for the keypoints of a picture as far as the world says.
    pub fn table_of(&self, loss: impl Fn(&Picture, &Point, f32) -> f32) -> Table {
        let mut pictures = Vec::new();
        let mut weights = Vec::new();
        let (mut keypoints, mut joints, mut covers) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..self.pictures as u64 {
            let mut rng = random::stream(self.seed, index, 0, "world");
            let (picture, weight) = self.picture(&mut rng);
            let shift = self.spread * (rng.random::<f32>() + rng.random::<f32>() - 1.0);
            for joint in 0..17 {
                let cover = if rng.random_bool(0.6) { 0 } else { rng.random_range(1..5) };
                let point = Point { joint, cover };
                let natural = if self.is_natural { natural(&picture, &point) } else { 0.0 };
                let random = rng.random::<f32>() - shift - natural;
                let loss = loss(&picture, &point, random);
                keypoints.push(Keypoint { picture: index as u32, loss });
                joints.push(joint);
                covers.push(cover);
            }
            pictures.push(picture);
            weights.push(weight);
        }
        let axes = (0..12).map(|axis| {
            Factor::numbers(AXES[axis], pictures.iter().map(|p| p.axes[axis]).collect())
        });
        let of = |value: fn(&Picture) -> u16| pictures.iter().map(value).collect::<Vec<u16>>();
        let heights = pictures.iter().map(|p| p.height).collect();
        let others = [
            Factor::categories("family", FAMILIES, of(|p| p.family)),
            Factor::categories("view", VIEWS, of(|p| p.view)),
            Factor::categories("lamp", LAMPS, of(|p| p.lamp)),
            Factor::numbers("height", heights).said("a height", "pixels"),
            Factor::numbers("people", pictures.iter().map(|p| p.people).collect()),
        ];
        let joint = Factor::categories("joint", JOINTS, joints);
        let cover = Factor::categories("cover", COVERS, covers);
        Table::new(weights, axes.chain(others).collect(), keypoints, vec![joint, cover]).unwrap()
    }

    /// A picture, and its importance weight.
    fn picture(&self, rng: &mut impl Rng) -> (Picture, f32) {
        let mut axes: [f32; 12] = std::array::from_fn(|_| rng.random());
        let hard = 0.3 * self.steered / (0.3 * self.steered + 0.7);
        let is_hard = rng.random::<f32>() < hard;
        axes[1] = if is_hard { rng.random_range(0.7..1.0) } else { rng.random_range(0.0..0.7) };
        if self.has_twins {
            axes[6] = 0.9 * axes[1] + 0.1 * axes[6];
        }
        let weight = if is_hard { 0.3 / hard } else { 0.7 / (1.0 - hard) };
        let picture = Picture {
            axes,
            family: if rng.random_bool(0.01) { UNKNOWN } else { rng.random_range(0..9) },
            view: rng.random_range(0..4),
            lamp: rng.random_range(0..3),
            height: 30.0 * (rng.random_range(0.0f32..2.0)).exp(),
            people: rng.random_range(1..7u8).into(),
        };
        (picture, weight)
    }
}

/// What makes pictures and keypoints harder anyway.
fn natural(picture: &Picture, point: &Point) -> f32 {
    let axes: f32 = picture.axes.iter().map(|axis| 0.03 * (axis - 0.5)).sum();
    let joint = if matches!(point.joint, 9 | 10 | 15 | 16) { 0.1 } else { 0.0 };
    axes + joint + if point.cover > 0 { 0.1 } else { 0.0 }
}
