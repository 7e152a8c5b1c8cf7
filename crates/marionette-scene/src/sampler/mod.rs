//! The sampler: policy + seed + index → [`SceneSample`](marionette_stream::SceneSample), a pure
//! function.
//!
//! Every randomizer has random streams of its own, keyed by (seed, sample, attempt, name). So
//! adding, removing or reordering one changes no other's values.

mod backdrop;
mod clothes;
mod compose;
mod framing;
mod held;
mod lens;
mod light;
mod materials;
mod poses;
mod props;
mod sampling;
mod scenery;
mod settling;

pub use compose::Sampler;
pub use sampling::SettleFn;
