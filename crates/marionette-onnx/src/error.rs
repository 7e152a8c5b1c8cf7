//! Why a network cannot be written as an ONNX file.

use marionette_base::atomic_file::PathError;

/// Why a network cannot be written as an ONNX file.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The network has a layer that is not written to ONNX files.
    #[error(
        "layer {layer} is {operator}, which cannot be written to an ONNX file; convolutions can"
    )]
    Layer {
        /// Its place among the network's layers, from 1.
        layer: usize,
        /// What it does.
        operator: String,
    },
    /// The decoder looks at 3x3 cells.
    #[error(
        "keypoints need heatmaps of at least 3x3 cells, and this network's have {width}x{height}"
    )]
    Heatmaps {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The network's parameters cannot be read.
    #[error("the network's parameters cannot be read: {0}")]
    Parameters(#[from] candle_core::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Path(#[from] PathError),
}
