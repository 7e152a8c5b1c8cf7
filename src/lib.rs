//! Marionette renders articulated figures, trains a keypoint detector on them in the same process,
//! and lets an adversarial discriminator pull the strings: the poses, occlusions and light that the
//! detector still gets wrong are the ones it sees more of.

pub use marionette_base as base;
pub use marionette_figure as figure;
pub use marionette_nn as nn;
pub use marionette_physics as physics;
pub use marionette_render as render;
pub use marionette_run as run;
pub use marionette_scene as scene;
pub use marionette_stream as stream;
pub use marionette_train as train;
#[cfg(feature = "viewer")]
pub use marionette_viewer as viewer;
