//! What an audit is of: kept beside it, so that only the same one goes on.

use crate::AuditError;
use marionette_base::json_file::{Difference, difference};
use marionette_run::scene_sha256;
use marionette_scene::Scene;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Pictures between two looks at what fails.
pub const BATCH: usize = 64;

/// What an audit is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The program's version.
    pub marionette_version: String,
    /// The model, as it was named.
    pub model: String,
    /// SHA-256 of its file; empty where it is a command.
    pub model_sha256: String,
    /// The model that it is compared with; empty without one.
    #[serde(default)]
    pub against: String,
    /// SHA-256 of that one's file.
    #[serde(default)]
    pub against_sha256: String,
    /// The scene's name.
    pub scene: String,
    /// SHA-256 of the scene's file, its figure's and its pictures.
    pub scene_sha256: String,
    /// Width and height of a picture, pixels.
    pub size: [u32; 2],
    /// Pictures.
    pub images: u64,
    /// Seed of the samples.
    pub seed: u64,
    /// The share of the pictures that is drawn without regard to what fails.
    pub uniform: f32,
}

impl Plan {
    /// An audit of `scene` with a model that is called `model` and was read from a file with this
    /// hash.
    pub fn new(scene: &Scene, model: String, model_sha256: String, images: u64, seed: u64) -> Self {
        Plan {
            marionette_version: env!("CARGO_PKG_VERSION").to_owned(),
            model,
            model_sha256,
            against: String::new(),
            against_sha256: String::new(),
            scene: scene.name.clone(),
            scene_sha256: scene_sha256(scene),
            size: [scene.image.width, scene.image.height],
            images,
            seed,
            uniform: 0.2,
        }
    }

    /// The seed of the samples, above all seeds that a run can have: no run has drawn them.
    pub fn sample_seed(&self) -> u64 {
        let digest = Sha256::digest(format!("audit {} of {}", self.seed, self.scene));
        let mut seed = [0; 8];
        seed.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(seed) | 1 << 63
    }

    /// Whether the audit in `folder` was `begun` as this one.
    ///
    /// # Errors
    /// If not, what differs.
    pub fn check_same(&self, begun: &Plan, folder: &Path) -> Result<(), AuditError> {
        match difference(begun, self) {
            None => Ok(()),
            Some(Difference { key, one: begun, other: now }) => {
                Err(AuditError::Other { path: folder.to_owned(), key, begun, now })
            }
        }
    }
}
