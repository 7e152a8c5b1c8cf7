//! Learning from labelled batches: Adversarial Focal Loss, the curriculum, the trainer, and what
//! becomes of a network afterwards.
//!
//! - [`afl`]: the critic, its scores, the weights of samples.
//! - [`curriculum`]: from feedback to the next policy.
//! - [`trainer`]: one step of the loop, and all that a checkpoint holds.
//! - [`export`]: weights files with their model card.
//! - [`eval`]: trained networks as detectors, metrics, COCO files.

pub mod afl;
pub mod curriculum;
pub mod eval;
pub mod export;
pub mod trainer;
