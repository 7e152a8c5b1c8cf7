//! Pictures for the stage: the samples to render, the requests for them, and the thread that
//! renders them and asks the network.

mod network;
mod request;
pub mod samples;
mod worker;

pub use request::{StagePicture, StageRequest, StageSource};
pub use samples::View;
pub use worker::StageRenderer;
