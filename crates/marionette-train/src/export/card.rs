//! The model card: everything that another program needs to use a network's weights.
//!
//! The card travels in the header of the safetensors file, under `marionette`, so that weights and
//! card stay together; `model.json` beside the file is the same card for people and for programs
//! that do not read the header.

use super::{
    error::WeightsError,
    weights::{LARGEST, decode, write_weights},
};
use candle_core::{DType, Tensor};
use marionette_base::atomic_file::read_file;
use marionette_figure::KeypointScheme;
use marionette_nn::{ModelSpec, heatmap::Activation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

/// The version of the card's format, raised when an older program could no longer use it.
const FORMAT: u32 = 1;
const CARD_KEY: &str = "marionette";
const DIGEST_KEY: &str = "tensors_sha256";
/// Hugging Face's readers refuse a file that does not say whose names and layout its tensors have.
const LAYOUT: (&str, &str) = ("format", "pt");

/// Everything that another program needs to use a network's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Version of the card's format.
    pub format: u32,
    /// Version of the program that trained the network.
    pub version: String,
    /// Name of the scene that it was trained on.
    pub scene: String,
    /// Seed of the run.
    pub seed: u64,
    /// Steps that it was trained for.
    pub step: u64,
    /// Name of the figure.
    pub figure: String,
    /// The figure's keypoints, one heatmap each, in this order.
    pub keypoints: KeypointScheme,
    /// What the network takes and gives: its name, sizes, stride and normalisation.
    pub network: ModelSpec,
    /// How its output becomes heatmaps.
    pub activation: Activation,
    /// How heatmaps become keypoints.
    pub decoder: Decoder,
    /// How a person in a picture becomes an input.
    pub crop: CropRule,
}

/// How heatmaps become keypoints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoder {
    /// The method's name.
    pub name: DecoderName,
    /// Deviation of the target heatmaps' Gaussians, cells. A softmax is multiplied by 2πσ² (the
    /// mass of such a Gaussian), so that a perfect heatmap peaks at 1; the score is the peak, at
    /// most 1.
    pub sigma: f32,
}

/// The known decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecoderName {
    /// The greatest cell, moved by one Newton step on the logarithm (Zhang et al. 2020, arXiv
    /// 1910.06278).
    Dark,
}

/// How a person in a picture becomes an input: their box is enlarged around its middle, widened or
/// heightened to the input's shape, and resampled; what lies outside of the picture has the
/// padding's colour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CropRule {
    /// Factor on the box' longer side.
    pub enlarge: f32,
    /// sRGB colour of what lies outside of the picture; black by default, like what lies beyond the
    /// border of a rendered photograph.
    pub padding: [u8; 3],
}

impl Default for CropRule {
    fn default() -> Self {
        CropRule { enlarge: 1.25, padding: [0; 3] }
    }
}

impl ModelCard {
    /// The card of a network of `network`'s kind with this program's own format, decoder and crop
    /// rule.
    pub fn new(
        figure: &marionette_figure::Figure,
        network: ModelSpec,
        activation: Activation,
    ) -> Self {
        let decoder = Decoder { name: DecoderName::Dark, sigma: network.grid().sigma };
        ModelCard {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scene: String::new(),
            seed: 0,
            step: 0,
            figure: figure.name.clone(),
            keypoints: figure.scheme(),
            network,
            activation,
            decoder,
            crop: CropRule::default(),
        }
    }

    /// The card as the text of `model.json`.
    pub fn to_json(&self) -> String {
        // Plain structs of numbers and text: nothing in them is without a place in JSON.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The card in the text of `model.json`, or what was found instead of one.
    ///
    /// # Errors
    /// If the text is no card, or one that makes no sense or is of another format.
    pub fn parse(text: &str) -> Result<Self, String> {
        let card: ModelCard = serde_json::from_str(text)
            .map_err(|error| format!("holds a model card that cannot be read: {error}"))?;
        if card.format != FORMAT {
            return Err(format!(
                "holds a model card of format {} where this program reads {FORMAT}",
                card.format
            ));
        }
        if let Some(complaint) = card.keypoints.complaint() {
            return Err(format!("holds a model card that makes no sense: {complaint}"));
        }
        if card.keypoints.names.len() != card.network.keypoints {
            let (names, maps) = (card.keypoints.names.len(), card.network.keypoints);
            return Err(format!(
                "holds a model card with {names} keypoints for a network with {maps} heatmaps"
            ));
        }
        Ok(card)
    }
}

/// Writes a network's `tensors` with its card to a safetensors file, whole or not at all.
///
/// # Errors
/// As [`write_weights`].
pub fn write_model(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    card: &ModelCard,
) -> Result<(), WeightsError> {
    let digest = digest(tensors)
        .map_err(|message| WeightsError::Content { path: path.to_owned(), message })?;
    let metadata = BTreeMap::from([
        (CARD_KEY.to_owned(), card.to_json()),
        (DIGEST_KEY.to_owned(), digest),
        (LAYOUT.0.to_owned(), LAYOUT.1.to_owned()),
    ]);
    write_weights(path, tensors, &metadata)
}

/// Reads a network's tensors and card. Values of half precision (F16, BF16) come out as F32.
///
/// A digest in the file is compared with its tensors, unless they are of half precision: another
/// program has made those of what was written.
///
/// # Errors
/// If the file is missing, truncated, corrupted, of another program, or its card is of a format
/// that this one does not read; naming it and what was found.
pub fn read_model(path: &Path) -> Result<(BTreeMap<String, Tensor>, ModelCard), WeightsError> {
    parse_model(path, &read_file(path, LARGEST)?)
}

/// The tensors and the card in the bytes of a file of weights; errors name `path`. See
/// [`read_model`].
///
/// # Errors
/// As [`read_model`], once the file has been read.
pub fn parse_model(
    path: &Path,
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, ModelCard), WeightsError> {
    let damaged = |found: String| WeightsError::Damaged { path: path.to_owned(), found };
    let (tensors, metadata) = decode(bytes).map_err(damaged)?;
    let Some(card) = metadata.get(CARD_KEY) else {
        return Err(damaged("holds no model card, so it is of another program".to_owned()));
    };
    let card = ModelCard::parse(card).map_err(damaged)?;
    let is_half = |tensor: &Tensor| matches!(tensor.dtype(), DType::F16 | DType::BF16);
    if tensors.values().any(is_half) {
        let single = |(name, tensor): (String, Tensor)| {
            let dtype = if is_half(&tensor) { DType::F32 } else { tensor.dtype() };
            tensor.to_dtype(dtype).map(|tensor| (name, tensor))
        };
        let tensors: candle_core::Result<_> = tensors.into_iter().map(single).collect();
        return Ok((tensors.map_err(|error| damaged(error.to_string()))?, card));
    }
    let found = digest(&tensors).map_err(damaged)?;
    if metadata.get(DIGEST_KEY) != Some(&found) {
        return Err(damaged(
            "is corrupted: its tensors are not the ones that were written".to_owned(),
        ));
    }
    Ok((tensors, card))
}

/// SHA-256 over names, shapes and values, in the order of the names.
fn digest(tensors: &BTreeMap<String, Tensor>) -> Result<String, String> {
    let mut hash = Sha256::new();
    for (name, tensor) in tensors {
        hash.update(format!("{name} {:?} {:?}\n", tensor.dtype(), tensor.dims()));
        let one = BTreeMap::from([(String::new(), tensor.clone())]);
        hash.update(super::encode(&one, &BTreeMap::new())?);
    }
    Ok(format!("{:x}", hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_without_symmetry_groups_read_and_write_as_before_there_were_any() {
        let old =
            r#"{"names":["a","b"],"twins":[0,1],"sigmas":[0.5,0.5],"edges":[[0,1]],"torso":[0,1]}"#;
        let scheme: KeypointScheme = serde_json::from_str(old).unwrap();
        assert!(scheme.symmetry.is_empty() && scheme.complaint().is_none());
        assert_eq!(serde_json::to_string(&scheme).unwrap(), old);
        let with = |symmetry: Vec<Vec<usize>>| KeypointScheme { symmetry, ..scheme.clone() };
        let grouped = with(vec![vec![0, 1]]);
        let text = serde_json::to_string(&grouped).unwrap();
        assert_eq!(serde_json::from_str::<KeypointScheme>(&text).unwrap(), grouped);
        assert_eq!(grouped.complaint(), None);
        let complaint = |symmetry| with(symmetry).complaint().unwrap();
        assert!(complaint(vec![vec![0, 2]]).contains("speaks of keypoint 2"));
        assert!(complaint(vec![vec![1]]).contains("has 1 keypoints"));
    }
}
