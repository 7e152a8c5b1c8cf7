//! What can go wrong while a folder is written.

use marionette_base::{atomic_file::PathError, new_folder::FolderError};
use marionette_onnx::OnnxError;
use marionette_train::export::WeightsError;

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Something on the disk.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The folder cannot be had.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The ONNX file in it.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The weights in it.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network's parameters cannot be read.
    #[error("the network's parameters cannot be read: {0}")]
    Parameters(#[from] candle_core::Error),
    /// The files of onnxruntime-web are not to be had.
    #[error("{found}; {remedy}")]
    Runtime {
        /// What was found.
        found: String,
        /// What would do.
        remedy: String,
    },
}
