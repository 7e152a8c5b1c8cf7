//! What parts are made of, where a figure file says so.

use glam::Vec3;

/// A material, from a figure file's `[[materials]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// The colours that it comes in, linear RGB.
    pub colors: Vec<Vec3>,
    /// How much its colour varies from sample to sample: the deviation of its logarithm. Where this
    /// is 0 it always has a colour of its own, whatever else varies.
    pub spread: f32,
    /// 0 mirrors the light, 1 is matt.
    pub roughness: f32,
    /// The material whose colour it has, as an index into the figure's, and how often.
    pub like: Option<(usize, f32)>,
    /// How often patches of a second of its colours show on it.
    pub patches: f32,
    /// How strongly fur, dirt or wear lightens and darkens it, 0 to 1.
    pub texture: f32,
}
