//! Figure files: TOML in, a checked [`Figure`](crate::Figure) out.
//!
//! The right side of a body is not written down: an entry with `mirror = true` is named `left_...`
//! and gives its `right_...` twin as well, reflected in x.
//!
//! A bone holds things where it has the key `grip`: `grip = [0.0, -0.08, 0.0]` is the point, in the
//! bone's frame and in metres, through which a bar or a racket's handle goes. At most two bones may
//! have a `grip`, in a human the two hands (one entry with `mirror = true`). Poses on a bar need
//! two. Where no bone has a `grip`, bones named `left_hand` and `right_hand` grip 8 cm below the
//! wrist.
//!
//! A family of poses may have motion capture instead of `angles`: `motion = "bvh:walks/*.bvh"` is a
//! pattern of files, relative to the figure file. Names of joints of CMU's and Mixamo's files are
//! known, others are guessed, and `bones = { "LeftUpLeg" = "left_thigh" }` says what they are.

mod bones;
mod entries;
mod garments;
mod keypoints;
mod load;
mod materials;
mod parts;
mod poses;
mod read;
mod shape;
mod solids;
mod written;

pub(crate) use load::check_figure;
pub use load::{FigureError, load_figure, parse_figure};
pub use read::read_figure;
pub(crate) use written::LONGEST;
