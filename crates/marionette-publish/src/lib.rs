//! Networks as folders that other places take as they are: [`write_huggingface`] writes a model
//! repository, [`write_web`] a page that finds keypoints in the browser.

mod error;
mod huggingface;
mod web;

pub use error::PublishError;
pub use huggingface::{Repository, write_huggingface};
pub use web::{RUNTIME_PACKAGE, Runtime, write_web};
