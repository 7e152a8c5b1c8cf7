//! What the samples of a scene depend on.

use marionette_scene::Scene;
use sha2::{Digest, Sha256};

/// SHA-256 of a scene's file, its figure's and its pictures: scenes with the same one have the same
/// samples.
pub fn scene_sha256(scene: &Scene) -> String {
    let mut hash = Sha256::new();
    for text in [&scene.scene_file.text, &scene.figure_file.text] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    for picture in scene.pictures.pictures.iter() {
        hash.update(picture.pixels.as_flattened());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
