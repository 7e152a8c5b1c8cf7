//! Scenes and the sampler.
//!
//! [`load_scene`] reads a scene file and the figure it names, and checks both. A [`Scene`] has a
//! distribution for every physical parameter, from easy to hard ([`Ramp`]), and the pictures for
//! its backdrops. A [`Sampler`] is a pure function from (seed, index, policy) to a
//! [`SceneSample`](marionette_stream::SceneSample). Poses that fall or sag are settled by a
//! function that the caller gives, so that this crate needs no physics engine.
//!
//! ```
//! use marionette_scene::{Sampler, load_scene};
//! use marionette_stream::AXES;
//!
//! let scene = load_scene("quickstart")?;
//! // No physics: figures that would settle are marked as failed.
//! let sampler = Sampler::new(&scene, |_| None);
//! let sample = sampler.sample_at([0.3; AXES], 1, 0, 0);
//! assert_eq!(sample.figures[0].keypoints.len(), scene.figure.keypoints.len());
//! # Ok::<(), marionette_scene::SceneError>(())
//! ```

mod colors;
mod distribution;
mod file;
mod motion;
pub mod pictures;
mod randomizers;
mod sampler;
mod scenery_kind;

pub use distribution::{Distribution, Ramp};
pub use file::{
    AxisReach, ImageSize, Scene, SceneError, embedded_figures, embedded_scenes, load_scene,
    load_scene_with_figure, parse_scene, parse_scene_with,
};
pub use randomizers::Randomizers;
pub use sampler::{Sampler, SettleFn};
pub use scenery_kind::SceneryKind;
