//! Marionette renders articulated figures, trains a keypoint detector on them in the same process, and lets an
//! adversarial discriminator pull the strings: the poses, occlusions and light that the detector still gets wrong are the
//! ones it sees more of.

pub mod afl;
pub mod atomic_file;
pub mod curriculum;
pub mod eval;
pub mod exam;
pub mod export;
pub mod figure;
pub mod generator;
pub mod kernel;
pub mod model;
pub mod optim;
pub mod physics;
pub mod ragdoll;
pub mod random;
pub mod render;
pub mod run;
pub mod scene;
pub mod sheet;
pub mod stats;
pub mod stream;
pub mod toml_file;
pub mod train;
#[cfg(feature = "viewer")]
pub mod viewer;
