//! Scenes: scene files, pictures for backdrops, and the sampler, a pure function from (seed, index,
//! policy) to a [`SceneSample`](marionette_stream::SceneSample).

mod colors;
mod distribution;
mod file;
pub mod pictures;
mod randomizers;
mod sampler;

pub use distribution::{Distribution, Ramp};
pub use file::{
    AxisReach, ImageSize, Scene, SceneError, embedded_scenes, load_scene, parse_scene,
    parse_scene_with,
};
pub use randomizers::Randomizers;
pub use sampler::{Sampler, SettleFn};
