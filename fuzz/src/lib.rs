//! Fuzz targets for all that Marionette reads from elsewhere.
//!
//! A target is a function from bytes. It gives them to a reader and checks what comes out: nothing
//! panics, and what was read and is written again reads back the same. It returns whether the
//! reader took the bytes. `scripts/fuzz` runs the targets with libFuzzer; the test
//! `tests/corpus.rs` runs the files of `corpus/` through them.

mod coco;
mod figure;
mod picture;
#[cfg(feature = "run")]
mod run;
#[cfg(feature = "run")]
mod sampler;
mod scene;
mod temporary;
mod weights;

pub use coco::coco;
pub use figure::figure;
pub use picture::picture;
#[cfg(feature = "run")]
pub use run::{checkpoint, config, focus, hand, metrics};
#[cfg(feature = "run")]
pub use sampler::sampler;
pub use scene::scene;
pub use temporary::remove_folder;
pub use weights::weights;

/// A target: whether the reader took the bytes.
pub type Target = fn(&[u8]) -> bool;

/// All targets of this build, with the names of their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("scene", scene),
    ("figure", figure),
    ("coco", coco),
    ("weights", weights),
    ("picture", picture),
    #[cfg(feature = "run")]
    ("sampler", sampler),
    #[cfg(feature = "run")]
    ("config", config),
    #[cfg(feature = "run")]
    ("checkpoint", checkpoint),
    #[cfg(feature = "run")]
    ("metrics", metrics),
    #[cfg(feature = "run")]
    ("hand", hand),
    #[cfg(feature = "run")]
    ("focus", focus),
];
