//! A trained network, ready to look at pictures.

use super::crop::Crop;
use crate::export::{ModelCard, WeightsError, parse_model, read_model};
use candle_core::{Device, Tensor};
use image::RgbImage;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use {
    marionette_nn as model,
    marionette_nn::{
        HeatmapNetwork, ModelError,
        decode::Decoded,
        detect::{Mirror, detect},
    },
};

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// The file is missing or wrong.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file is whole, but does not fit the network that its card names.
    #[error("{}: does not fit the network \"{network}\" of its model card: {error}", .path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// The network's name.
        network: String,
        /// Why not.
        error: Box<ModelError>,
    },
}

/// A trained network, ready to look at pictures.
pub struct Detector {
    network: HeatmapNetwork,
    card: ModelCard,
    flip_test: bool,
}

impl Detector {
    /// The network in the safetensors file at `path`, on `device`.
    ///
    /// # Errors
    /// If the file is missing, damaged or of another program, or holds other tensors than its
    /// network has.
    pub fn load(path: &Path, device: &Device) -> Result<Self, DetectorError> {
        let (tensors, card) = read_model(path)?;
        Self::new(path, &tensors, card, device)
    }

    /// The network in the `bytes` of a safetensors file, on `device`; errors name `path`.
    ///
    /// # Errors
    /// As [`Detector::load`], once the file has been read.
    pub fn parse(path: &Path, bytes: &[u8], device: &Device) -> Result<Self, DetectorError> {
        let (tensors, card) = parse_model(path, bytes)?;
        Self::new(path, &tensors, card, device)
    }

    /// The network that `card` names with these `tensors`, on `device`; errors name the file at
    /// `path` that both are of.
    ///
    /// # Errors
    /// If the tensors are other ones than the network has.
    pub fn new(
        path: &Path,
        tensors: &BTreeMap<String, Tensor>,
        card: ModelCard,
        device: &Device,
    ) -> Result<Self, DetectorError> {
        let unfit = |error| DetectorError::Network {
            path: path.to_owned(),
            network: card.network.name.clone(),
            error: Box::new(error),
        };
        let network =
            model::build(&card.network.name, card.network.keypoints, 0, device).map_err(unfit)?;
        network.parameters().load(tensors).map_err(unfit)?;
        if *network.spec() != card.network {
            let found = "its model card gives it other sizes or another normalisation than this \
                         program does"
                .to_owned();
            return Err(WeightsError::Damaged { path: path.to_owned(), found }.into());
        }
        Ok(Detector { network, card, flip_test: false })
    }

    /// Whether the network also looks at every image in a mirror, which takes twice as long and
    /// finds somewhat more; it does not unless it is told so. See [`detect`].
    pub fn with_flip_test(self, flip_test: bool) -> Self {
        Detector { flip_test, ..self }
    }

    /// Whether the network also looks at every image in a mirror.
    pub fn flip_test(&self) -> bool {
        self.flip_test
    }

    /// What the network is, and how it is used.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The network itself.
    pub fn network(&self) -> &HeatmapNetwork {
        &self.network
    }

    /// The keypoints in each of `images`, in pixels of the network's input; see [`detect`].
    ///
    /// # Errors
    /// As [`detect`].
    pub fn detect(&self, images: &[&[u8]]) -> candle_core::Result<Vec<Vec<Decoded>>> {
        let keypoints = &self.card.keypoints;
        let mirror = Mirror { twins: &keypoints.twins, symmetry: &keypoints.symmetry };
        let mirror = self.flip_test.then_some(mirror);
        detect(&self.network, self.card.activation, images, mirror)
    }

    /// The keypoints in what `crop` shows of a picture: x and y (continuous pixels of the picture)
    /// and score, in [0, 1].
    ///
    /// # Errors
    /// As [`detect`].
    pub fn detect_in(&self, picture: &RgbImage, crop: &Crop) -> candle_core::Result<Vec<[f64; 3]>> {
        let input = crop.render(picture);
        let found = self.detect(&[&input])?;
        Ok(found.iter().flatten().map(|found| crop.place(found)).collect())
    }
}
