//! Pictures to put behind figures: painted by the program, or the user's own.
//!
//! All pictures are squares of one size in one bank. A tile names its picture by the number in the
//! bank, and memory stays bounded, however many pictures the user brings.

mod bank;
mod canvas;
mod grounds;
mod kinds;
mod places;

pub use bank::{GROUNDS, PLACES, Picture, PictureBank};
pub use canvas::SIDE;
pub use kinds::{GroundKind, PlaceKind};
