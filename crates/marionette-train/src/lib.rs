//! Learning from labelled batches: Adversarial Focal Loss, the curriculum, the trainer, and the use
//! of trained networks.
//!
//! - [`afl`]: the critic, its scores, the weights of samples.
//! - [`curriculum`]: from feedback to the next policy.
//! - [`trainer`]: one step of the loop, and everything that a checkpoint holds.
//! - [`export`]: weights files with their model card.
//! - [`photographs`]: labelled pictures to learn from beside renders.
//! - [`rehearsal`]: what a step of the network costs, on noise.
//! - [`eval`]: trained networks as detectors, metrics, COCO files.
//!
//! On Linux, a program that uses this crate is faster with RAYON_NUM_THREADS in its environment:
//! candle 0.11 reads /proc/cpuinfo before every product of matrices without it.
//!
//! # Adversarial Focal Loss on a loss of your own
//! [`afl`] needs no trainer. It takes the heatmaps of a batch and gives a weight for each sample of
//! any loss:
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use marionette_nn::heatmap::Grid;
//! use marionette_train::afl::{Afl, AflConfig, MapPair, weighted};
//!
//! let grid = Grid { width: 16, height: 16, stride: 4, sigma: 1.0 };
//! let mut afl = Afl::new(AflConfig::default(), 3, 0, 1)?;
//!
//! // Two samples of three keypoints, in pixels of a 64x64 image, and the network's heatmaps.
//! let keypoints = [[10., 12.], [30., 40.], [50., 20.], [16., 60.], [40., 40.], [33., 9.]];
//! let prediction = vec![0.1; 2 * 3 * 16 * 16];
//!
//! let (step, steps) = (0, 1000);
//! let (target, mask) = afl.critic_targets(&keypoints, &[true; 6], grid, step)?;
//! let maps = MapPair {
//!     target: &target,
//!     prediction: &prediction,
//!     mask: &mask,
//!     shape: [2, 3, 16, 16],
//!     sigma: grid.sigma,
//!     features: None,
//! };
//! let scores = afl.score(&maps, step, steps)?;
//!
//! // Any loss with one value per sample, times the weights.
//! let per_sample = Tensor::new(&[0.7f32, 1.3], &Device::Cpu)?;
//! let weights = Tensor::new(scores.weights.as_slice(), &Device::Cpu)?;
//! let loss = weighted(&per_sample, &weights)?;
//! assert!(loss.to_scalar::<f32>()? > 0.0);
//!
//! // After the network's step the critic learns from the same batch.
//! afl.update_critic(&scores)?;
//! # Ok::<(), marionette_train::afl::AflError>(())
//! ```

pub mod afl;
pub mod curriculum;
pub mod eval;
pub mod export;
pub mod photographs;
pub mod rehearsal;
pub mod trainer;
