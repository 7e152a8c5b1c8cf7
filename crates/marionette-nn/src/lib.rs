//! Heatmap networks for keypoint detection, on candle.
//!
//! A network maps images to one heatmap per keypoint. [`build`] makes one by name; [`graph`] builds
//! others layer by layer. The crate needs nothing else of Marionette:
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use marionette_nn::{build, detect::decode_output, heatmap::Activation};
//!
//! // One heatmap for each of 17 keypoints, initial values from seed 1.
//! let network = build("nano", 17, 1, &Device::Cpu)?;
//! let spec = network.spec();
//!
//! // Two normalised images: [batch, RGB, height, width].
//! let shape = (2, 3, spec.input_height, spec.input_width);
//! let images = Tensor::zeros(shape, DType::F32, &Device::Cpu)?;
//! let logits = network.forward(&images, false)?;
//! assert_eq!(logits.dims(), [2, 17, spec.heatmap_height, spec.heatmap_width]);
//!
//! // For each image 17 keypoints: x and y in pixels of the input, and a score in [0, 1].
//! let keypoints = decode_output(&logits, Activation::Softmax, spec.grid())?;
//! assert_eq!((keypoints.len(), keypoints[0].len()), (2, 17));
//! # Ok::<(), marionette_nn::ModelError>(())
//! ```
//!
//! [`detect::detect`] does all of this for pictures of bytes. To train a network:
//!
//! - [`heatmap::HeatmapTargets`] makes the target heatmaps of keypoints. [`softmax::divergence`] is
//!   a loss between them and the network's output.
//! - [`optim::Optimizer`] takes the steps: Muon and AdamW, with [`optim::CosineSchedule`].
//! - [`Parameters::tensors`] and [`Parameters::load`] save and restore a network's tensors.
//!
//! # Coordinates
//! Image coordinates are continuous pixels: the origin is the top-left corner of the top-left pixel
//! and pixel centres lie at .5. Heatmap cell c covers [c·stride, (c + 1)·stride) of the image, so a
//! coordinate x lies at u = x / stride - 0.5 in cells.
//!
//! # Devices
//! On the CPU a whole network is one candle operation with kernels of its own. Their results have
//! the same bits for any number of threads. On other devices (features `cuda` and `metal`) it
//! is composed of candle's operations and, on CUDA, some kernels of our own.

mod composed;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod decode;
pub mod detect;
mod engine;
mod error;
mod features;
pub mod folded;
pub mod graph;
pub mod heatmap;
mod kernel;
mod model_spec;
pub mod named;
pub mod nano;
mod network;
pub mod optim;
pub mod parameters;
mod registry;
pub mod small;
pub mod softmax;

pub use engine::EngineOperation;
pub use error::ModelError;
pub use features::Features;
pub use kernel::shape::ShapeError;
pub use model_spec::ModelSpec;
pub use network::HeatmapNetwork;
pub use parameters::Parameters;
pub use registry::{NETWORKS, build, spec};

/// The kernels, one of which is unsafe, are nobody else's:
///
/// ```compile_fail,E0603
/// use marionette_nn::kernel::product::Product;
/// ```
#[cfg(doctest)]
struct KernelsArePrivate;

/// The example in the README, which is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
