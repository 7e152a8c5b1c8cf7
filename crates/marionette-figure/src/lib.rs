//! Articulated figures: skeleton files, forward kinematics, joint limits, body parts and keypoints.
//!
//! A [`Figure`] is read from a figure file and checked. It holds all that depends on the body:
//! bones, parts, garments, keypoints, their left/right twins and OKS sigmas, and families of poses.
//! [`solve`] places its bones in the world for a [`Pose`] and a [`BodyShape`]; [`place_parts`] and
//! [`place_keypoints`] follow the bones. [`penetration`] and [`gap`] measure how deep parts are
//! inside one another. Lengths are metres, angles radians (degrees in the file). Y is up, the
//! figure faces +Z, and its left is +X.
//!
//! ```
//! use marionette_figure::load_figure;
//! use std::path::Path;
//!
//! let figure = load_figure(Path::new("../../assets/figures/human.toml"))?;
//! let names: Vec<&str> = figure.keypoints.iter().map(|keypoint| keypoint.name.as_str()).collect();
//! assert_eq!(names[..3], ["nose", "left_eye", "right_eye"]);
//! # Ok::<(), marionette_figure::FigureError>(())
//! ```

mod bvh;
mod contact;
mod figure;
mod file;
mod kinematics;
mod limb_pair;
mod material;
mod outfit;
mod round_cone;
mod scheme;
mod settle;
mod shape;
pub mod surface;
mod symmetry;

pub use bvh::{Inlined, SCHEME as BVH_SCHEME, inline_motion};
pub use contact::{gap, penetration};
pub use figure::{
    Bone, Figure, Follows, Freedom, Garment, Keypoint, Part, PoseFamily, Settle, Support,
};
pub use file::{FigureError, load_figure, parse_figure, read_figure};
pub use kinematics::{
    Pose, WorldBones, clamp_to_limits, grips, keep_to_joints, lowest_point, nearest_angles,
    place_keypoints, place_parts, solve, turn,
};
pub use limb_pair::{DEEPEST, LimbPair};
pub use material::Material;
pub use outfit::{place_clothed, worn_parts};
pub use round_cone::RoundCone;
pub use scheme::{KeypointScheme, plain_name};
pub use settle::{Obstacle, ObstacleShape, SettleStart};
pub use shape::{BodyShape, ScaleDistribution, ScaleGroup, ShapeDistribution};
