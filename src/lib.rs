//! Marionette renders articulated figures with ground-truth keypoints, trains a keypoint detector on
//! them in the same process, and lets the detector's own difficulty decide what is rendered next.
//!
//! This crate is a facade: each module below is a crate of its own under `crates/`, and can be used
//! alone. [`prelude`] has what most programs need.
//!
//! | module | what it is for |
//! |---|---|
//! | [`figure`] | figure files, kinematics, keypoints |
//! | [`import`] | model files (URDF, glTF) as figure folders |
//! | [`stream`] | hardness axes, policies, samples, labelled batches |
//! | [`scene`] | scene files and the sampler |
//! | [`physics`] | ragdolls, props, solvability |
//! | [`render`] | the tile renderer, labels, the generator |
//! | [`nn`] | networks, CPU kernels, optimizers, decoding |
//! | [`train`] | Adversarial Focal Loss, the curriculum, the trainer, weights files, metrics |
//! | [`onnx`] | networks as ONNX files |
//! | [`pnp`] | the camera from keypoints and joint states |
//! | [`publish`] | networks as folders: a model repository, a page for browsers |
//! | [`run`] | a run as a whole: settings, directory, events, exams |
//! | [`dataset`] | labelled data sets for other tools |
//! | `viewer` | the simulator window (feature `viewer`) |
//! | [`base`] | random streams, TOML and atomic files, statistics |
//!
//! # Where to begin
//! Three examples run on two cores in seconds:
//!
//! - `cargo run --release --example sample_and_label` samples and labels a batch without training.
//! - `cargo run --release --example train_ten_steps` trains ten steps and prints the run's events.
//! - `cargo run --release --example load_and_predict -- RUN PICTURE` predicts with trained weights.
//!
//! ```
//! use marionette::prelude::*;
//!
//! // A sample is a pure function of the scene, a seed and its index.
//! let scene = load_scene("quickstart").unwrap();
//! let sample = sampler(&scene).sample_at([0.2; AXES], 1, 0, 0);
//! assert_eq!(sample.figures[0].keypoints.len(), 17);
//! ```

pub use marionette_audit as audit;
pub use marionette_base as base;
pub use marionette_dataset as dataset;
pub use marionette_figure as figure;
pub use marionette_import as import;
pub use marionette_models as models;
pub use marionette_nn as nn;
pub use marionette_onnx as onnx;
pub use marionette_physics as physics;
pub use marionette_pnp as pnp;
pub use marionette_publish as publish;
pub use marionette_render as render;
pub use marionette_run as run;
pub use marionette_scene as scene;
pub use marionette_stream as stream;
pub use marionette_train as train;
#[cfg(feature = "viewer")]
pub use marionette_viewer as viewer;

/// What most programs that use the library need.
pub mod prelude {
    pub use marionette_figure::{Figure, load_figure};
    pub use marionette_physics::Solvability;
    pub use marionette_render::sampler;
    pub use marionette_run::{RunConfig, RunDirectory, RunEvent, Session};
    pub use marionette_scene::{Scene, load_scene};
    pub use marionette_stream::{AXES, Batch, HardnessAxis, Policy, SceneSample, Tile, Visibility};
    pub use marionette_train::eval::{Detector, load_picture};
}
