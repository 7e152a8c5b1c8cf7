//! Weights for other programs: safetensors files with a card that says how to use them.

mod card;
mod check;
mod error;
mod weights;

pub use card::{CropRule, Decoder, ModelCard, parse_model, read_model, write_model};
pub use check::write_check;
pub use error::WeightsError;
pub use weights::{Weights, decode, encode, read_weights, write_weights};
