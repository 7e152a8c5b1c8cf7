//! Scenes: files, hardness axes, policies, and the pure function from (seed, index, policy) to a [`SceneSample`].

mod axis;
mod camera;
mod colors;
mod distribution;
mod file;
pub mod pictures;
mod policy;
mod randomizers;
mod rejection;
mod sample;
mod sampler;

pub use axis::{AXES, Hardness, HardnessAxis};
pub use camera::{Camera, Projection};
pub use distribution::{Distribution, Ramp};
pub use file::{AxisReach, ImageSize, Scene, SceneError, embedded_scenes, load_scene, parse_scene, parse_scene_with};
pub use policy::{AxisDistribution, Policy, ReplayEntry, SampleStream, StreamMix};
pub use randomizers::Randomizers;
pub use rejection::Rejection;
pub use sample::{
    Backdrop, BackdropKind, Degradation, Fabric, FigureSample, Lamp, Light, PartLook, Prop, PropRole, PropShape,
    SceneSample,
};
pub use sampler::{draw, draw_at, image_box};
