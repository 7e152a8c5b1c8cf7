//! A figure: what a figure file says, checked, with names resolved to indices.

use super::{LimbPair, Material, ShapeDistribution, surface::Surface};
use glam::{Quat, Vec3};
use std::sync::Arc;

/// An articulated figure, read from a file like `assets/figures/human.toml` and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The figure's name.
    pub name: String,
    /// Bones, every parent before its children; the first is the root.
    pub bones: Vec<Bone>,
    /// Parts, each a round cone fixed to one bone: first the parts of the body, then the parts of
    /// garments.
    pub parts: Vec<Part>,
    /// How many of the parts are the body's own.
    pub body_parts: usize,
    /// What is drawn as triangles, for the parts that are not drawn themselves.
    pub surface: Arc<Surface>,
    /// What the figure may wear, including hair.
    pub garments: Vec<Garment>,
    /// The slots that garments go into, innermost first; [`Garment::slot`] indexes into them.
    pub slots: Vec<String>,
    /// Part groups by name; [`Part::group`] and [`Keypoint::own_groups`] index into them.
    pub groups: Vec<String>,
    /// Material slots by name; [`Part::material`] indexes into them.
    pub materials: Vec<String>,
    /// What each of `materials` is made of, where the file says so.
    pub made_of: Vec<Option<Material>>,
    /// Keypoints, in label order.
    pub keypoints: Vec<Keypoint>,
    /// Pairs of keypoints to draw a line between.
    pub edges: Vec<[usize; 2]>,
    /// Groups of keypoints that cannot be told apart, such as a wheel's bolts: scored and trained
    /// under their permutations. Each has 2 to 6 keypoints, and no keypoint is in two.
    pub symmetry: Vec<Vec<usize>>,
    /// The keypoints at the two ends of the torso: left shoulder and right hip in a human. PCK is
    /// measured in lengths of the torso, the distance between them. Where the file names none, the
    /// longest edge of the figure at rest.
    pub torso: [usize; 2],
    /// How bodies vary.
    pub shape: ShapeDistribution,
    /// Families of poses.
    pub poses: Vec<PoseFamily>,
    /// Pairs of the body's parts that must not go through each other, and how deep their flesh may
    /// press together.
    pub limb_pairs: Vec<LimbPair>,
    /// How large it is at rest, over a human. Whatever is around a figure follows it. Figures about
    /// as large as a human have exactly 1.
    pub stature: f32,
}

/// One bone: a joint at its origin that carries parts, keypoints and further bones.
#[derive(Clone, Debug, PartialEq)]
pub struct Bone {
    /// The bone's name.
    pub name: String,
    /// Index of the parent; `None` for the root.
    pub parent: Option<usize>,
    /// The bone of the other side; the bone itself if it lies in the middle.
    pub twin: usize,
    /// Origin in the parent's frame at rest, metres.
    pub offset: Vec3,
    /// How its frame is turned in the parent's at rest. In a figure file without a `turn`, not at
    /// all.
    pub rest: Quat,
    /// Lowest and highest rotation about the x, y and z axes, radians.
    pub limits: [[f32; 2]; 3],
    /// Lowest and highest shift along the x, y and z axes, metres: 0 in a joint that only turns.
    pub slides: [[f32; 2]; 3],
    /// What its one degree of freedom is called outside: the joint of a robot. See
    /// [`Bone::freedoms`].
    pub joint: Option<String>,
    /// The bone that moves it along.
    pub follows: Option<Follows>,
    /// Share of the body's mass.
    pub mass: f32,
    /// Which of [`ShapeDistribution::groups`] it is of: its offset follows the group's lengths.
    pub scale: Option<usize>,
    /// Which of [`ShapeDistribution::scales`] the x of its parts, keypoints and children follows.
    pub width: Option<usize>,
    /// Where the bone holds a bar or another thing, in its frame, metres; `None` where it does not
    /// grip.
    pub grip: Option<Vec3>,
}

/// A bone whose joint moves as another's does: a gripper's second finger, a linkage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follows {
    /// Index of the other bone.
    pub bone: usize,
    /// Each of its angles and shifts is the other's, times this,
    pub factor: f32,
    /// and more by this, radians or metres.
    pub offset: f32,
}

/// One of a bone's six ways to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// It turns about this axis: 0, 1 or 2 for x, y or z.
    Turn(usize),
    /// It slides along this axis.
    Slide(usize),
}

impl Bone {
    /// The ways in which it moves: first turns, then slides.
    pub fn freedoms(&self) -> impl Iterator<Item = Freedom> + '_ {
        let wide = |ranges: &[[f32; 2]; 3], axis: usize| ranges[axis][0] < ranges[axis][1];
        let turns = (0..3).filter(move |axis| wide(&self.limits, *axis)).map(Freedom::Turn);
        turns.chain((0..3).filter(move |axis| wide(&self.slides, *axis)).map(Freedom::Slide))
    }
}

/// A round cone (the hull of two spheres) fixed to a bone.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The part's name.
    pub name: String,
    /// Index of the bone it moves with.
    pub bone: usize,
    /// Index of its group. Parts of a group do not cover the group's own joints.
    pub group: usize,
    /// Index of its material slot.
    pub material: usize,
    /// The two sphere centres in the bone's frame, metres.
    pub ends: [Vec3; 2],
    /// The two radii, metres.
    pub radii: [f32; 2],
    /// Which of [`ShapeDistribution::scales`] its thickness follows besides its bone's group.
    pub bulk: Option<usize>,
    /// The garment that it belongs to; `None` for the body's own.
    pub garment: Option<usize>,
    /// Where its first end is in the figure at rest, metres. Patterns of cloth continue from part
    /// to part by it.
    pub rest: Vec3,
}

/// A piece of clothing, or a head of hair.
#[derive(Clone, Debug, PartialEq)]
pub struct Garment {
    /// The garment's name.
    pub name: String,
    /// Index of its slot. One garment of each slot is worn, and it is made of one fabric.
    pub slot: usize,
    /// Relative frequency among the garments of its slot.
    pub weight: f32,
    /// Indices of the material slots of the body that it covers.
    pub covers: Vec<usize>,
    /// How much thicker it makes the parts that it covers, metres.
    pub thickness: f32,
    /// Indices of the slots that stay empty where it is worn.
    pub replaces: Vec<usize>,
}

/// A labelled point of the body.
#[derive(Clone, Debug, PartialEq)]
pub struct Keypoint {
    /// The keypoint's name in the data set's vocabulary (COCO's for `human`).
    pub name: String,
    /// Index of the bone it moves with.
    pub bone: usize,
    /// Position in the bone's frame, metres.
    pub offset: Vec3,
    /// The same keypoint of the other side, or the keypoint itself.
    pub twin: usize,
    /// OKS sigma: the spread of people's labels as a share of the object's scale (COCO's `k / 2`).
    pub sigma: f32,
    /// A surface nearer to the camera than the keypoint by more than this covers it, metres.
    pub surface_radius: f32,
    /// Groups whose parts never cover this keypoint: a joint lies inside its own flesh. Empty for
    /// keypoints on the surface, where depth alone decides.
    pub own_groups: Vec<usize>,
}

/// A family of poses: a movement from which a moment is sampled, and how much the pose varies
/// around it.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseFamily {
    /// The family's name.
    pub name: String,
    /// Relative frequency at pose hardness 0 and 1.
    pub weights: [f32; 2],
    /// Key frames of the movement: for each frame, the rotation of each bone about x, y and z,
    /// radians. A single frame is a pose without movement.
    pub keys: Vec<Vec<Vec3>>,
    /// The keys at which another movement begins, in order, without the first key. Nothing lies
    /// between such a key and the one before.
    pub breaks: Vec<usize>,
    /// Lowest and highest turn of the whole figure about its own x axis, radians: positive falls on
    /// its face.
    pub pitch: [f32; 2],
    /// Lowest and highest turn of the whole figure about its own z axis, radians: positive falls on
    /// its right side.
    pub roll: [f32; 2],
    /// Standard deviation of each angle, radians.
    pub spread: f32,
    /// What carries the figure.
    pub support: Support,
    /// How the pose settles under gravity; `None` leaves it as sampled.
    pub settle: Option<Settle>,
}

impl PoseFamily {
    /// The two keys that a moment lies between, and how far it is on the way from the first to the
    /// second, 0 to 1. `share` tells how much of the family is over by then, 0 to 1: every way
    /// from key to key takes as long, and so does a movement of one key.
    pub fn moment(&self, share: f32) -> (usize, usize, f32) {
        let last = self.keys.len() - 1;
        if self.breaks.is_empty() {
            let moment = share * last as f32;
            let key = (moment as usize).min(self.keys.len().saturating_sub(2));
            return (key, (key + 1).min(last), moment - key as f32);
        }
        let begins = |key: usize| key > last || self.breaks.binary_search(&key).is_ok();
        let alone = |key: usize| (key == 0 || begins(key)) && begins(key + 1);
        let ways: Vec<(usize, usize)> = (0..=last)
            .filter(|key| alone(*key) || !begins(key + 1))
            .map(|key| (key, if alone(key) { key } else { key + 1 }))
            .collect();
        let moment = share * ways.len() as f32;
        let way = (moment as usize).min(ways.len() - 1);
        let (from, to) = ways[way];
        (from, to, (moment - way as f32).min(1.0))
    }
}

/// How a sampled pose settles: for a short time the body falls, sags or leans under its own weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settle {
    /// Shortest and longest time, seconds.
    pub seconds: [f32; 2],
    /// How firmly joints keep the sampled pose: 0 is limp, 1 is stiff.
    pub strength: f32,
    /// How fast the whole body turns when let go, radians a second: the deviation about each axis.
    pub tumble: f32,
}

/// What carries a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// Its lowest part lies on the ground, or on a block.
    Ground,
    /// It sits on a block, its feet where they are.
    Seat,
    /// It stands on the ground and leans on an upright slab on the side to which it is tilted.
    Wall,
    /// It holds a bar with both hands. The two numbers are the least and the greatest distance from
    /// the ground, metres.
    Bar([f32; 2]),
    /// Nothing carries it. The two numbers are the least and the greatest distance from the ground,
    /// metres.
    Air([f32; 2]),
    /// It is bolted down, upright: its root is as high above the ground, or above a block, as the
    /// file says.
    Fixed,
}

impl Figure {
    /// No shift of any bone: the [`crate::Pose::slides`] of a pose in which nothing slides.
    pub fn no_slides(&self) -> Vec<Vec3> {
        let slides = self.bones.iter().any(|bone| bone.slides != [[0.0; 2]; 3]);
        vec![Vec3::ZERO; if slides { self.bones.len() } else { 0 }]
    }

    /// The keypoint permutation of a left/right mirror: entry `k` is the twin of keypoint `k`.
    pub fn keypoint_twins(&self) -> Vec<usize> {
        self.keypoints.iter().map(|keypoint| keypoint.twin).collect()
    }

    /// Whether a bone cannot move against the root, so that it stays where a figure is bolted down.
    pub fn rigid(&self, bone: usize) -> bool {
        let stiff = self.bones[bone].freedoms().next().is_none();
        self.bones[bone].parent.is_none_or(|parent| stiff && self.rigid(parent))
    }
}
