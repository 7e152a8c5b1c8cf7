//! What a ragdoll starts from: a pose that is let go, and the obstacles around it.

use crate::{BodyShape, Figure, Pose};
use glam::{Quat, Vec3};

/// The start of a simulation in which a pose settles.
#[derive(Clone, Debug)]
pub struct SettleStart<'a> {
    /// The figure.
    pub figure: &'a Figure,
    /// Its body.
    pub shape: &'a BodyShape,
    /// The pose in which it is let go. The ground is at height 0.
    pub pose: &'a Pose,
    /// What it can touch beside the ground: what carries it or stands in its way.
    pub obstacles: Vec<Obstacle>,
    /// Points of bones that are held where they are: the bone, and the point in its frame, metres.
    pub held: Vec<(usize, Vec3)>,
    /// For how long, seconds.
    pub seconds: f32,
    /// How firmly joints keep the pose, 0 to 1.
    pub strength: f32,
    /// Velocity of the root, metres a second.
    pub velocity: Vec3,
    /// Angular velocity of the whole figure, radians a second.
    pub spin: Vec3,
}

/// Something that does not move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Obstacle {
    /// Its shape.
    pub shape: ObstacleShape,
    /// Centre, metres.
    pub position: Vec3,
    /// Orientation.
    pub rotation: Quat,
}

/// The shape of an [`Obstacle`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ObstacleShape {
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
