//! Figures: skeleton files, forward kinematics, joint limits, body parts and keypoints.
//!
//! One figure file drives everything that depends on the body: the rig, the labels, the left/right
//! flips, the OKS sigmas, the number of heatmaps. Lengths are metres, angles radians (degrees in
//! the file). Y is up, the figure faces +Z and its left is +X.

mod contact;
mod figure;
mod file;
mod kinematics;
mod limb_pair;
mod outfit;
mod round_cone;
mod scheme;
mod settle;
mod shape;

pub use contact::{gap, penetration};
pub use figure::{Bone, Figure, Garment, Keypoint, Part, PoseFamily, Settle, Support};
pub use file::{FigureError, load_figure, parse_figure};
pub use kinematics::{
    Pose, WorldBones, clamp_to_limits, grips, lowest_point, nearest_angles, place_keypoints,
    place_parts, solve, turn,
};
pub use limb_pair::{DEEPEST, LimbPair};
pub use outfit::{place_clothed, worn_parts};
pub use round_cone::RoundCone;
pub use scheme::KeypointScheme;
pub use settle::{Obstacle, ObstacleShape, SettleStart};
pub use shape::{BodyShape, Bulk, ScaleDistribution, ScaleGroup, ShapeDistribution, WidthGroup};
