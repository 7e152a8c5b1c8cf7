//! `manifest.json`: what a run was made with.

use super::{RunDirectory, RunError};
use marionette_render::AdapterReport;
use serde::{Deserialize, Serialize};

/// `manifest.json`: what a run was made with, and what it takes to repeat it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// The program's version.
    pub version: String,
    /// The adapter that drew the frames.
    pub adapter: Option<AdapterReport>,
    /// Operating system and kind of processor, such as `linux x86_64`.
    pub system: String,
    /// Processor cores that the run could use; 0 where it is not known.
    pub cores: usize,
    /// Where the network was trained.
    pub device: String,
    /// The run's seed.
    pub seed: u64,
    /// Index of the first batch.
    pub first_batch: u64,
    /// SHA-256 of the colours of each tile of the first batch: the same seed and driver give the
    /// same.
    pub frame_hashes: Vec<String>,
    /// Whether a control has set something that changes what the run comes to; see `hand.jsonl`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hand_steered: bool,
}

impl RunDirectory {
    /// Writes `manifest.json`.
    ///
    /// # Errors
    /// As [`Self::write_json`].
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RunError> {
        self.write_json("manifest.json", manifest)
    }

    /// The manifest; `None` where there is none yet.
    ///
    /// # Errors
    /// As [`Self::read_json`].
    pub fn manifest(&self) -> Result<Option<Manifest>, RunError> {
        self.read_json("manifest.json")
    }

    /// Marks the run as steered by hand in its manifest, if it has one yet.
    ///
    /// # Errors
    /// If the manifest cannot be written.
    pub(super) fn mark_hand_steered(&self) -> Result<(), RunError> {
        match self.manifest().unwrap_or_default() {
            Some(manifest) if !manifest.hand_steered => {
                self.write_manifest(&Manifest { hand_steered: true, ..manifest })
            }
            _ => Ok(()),
        }
    }
}
