//! A network of ours.

use crate::{error::ModelError, model::Place, names::Names};
use image::RgbImage;
use marionette_figure::KeypointScheme;
use marionette_train::eval::{Crop, Detector};
use std::borrow::Cow;

/// A network of ours that looks at whole pictures.
pub struct OwnModel {
    detector: Detector,
    names: Names,
}

impl OwnModel {
    pub fn new(detector: Detector, scheme: &KeypointScheme) -> Result<Self, ModelError> {
        let card = detector.card();
        let model = format!("the network of the figure \"{}\"", card.figure);
        let names = Names::matched(&model, &card.keypoints.names, scheme)?;
        Ok(OwnModel { detector, names })
    }

    pub fn keypoints(&self) -> Vec<bool> {
        self.names.known()
    }

    pub fn find(&self, pictures: &[RgbImage]) -> Result<Vec<Vec<Place>>, ModelError> {
        let card = self.detector.card();
        let input = [card.network.input_width, card.network.input_height];
        let crop =
            |picture: &RgbImage| Crop::whole(picture.width(), picture.height(), &card.crop, input);
        let inputs: Vec<Cow<[u8]>> = pictures
            .iter()
            .map(|picture| {
                let same = [picture.width(), picture.height()] == card.network.input_size();
                match same {
                    true => Cow::Borrowed(picture.as_raw().as_slice()),
                    false => Cow::Owned(crop(picture).render(picture)),
                }
            })
            .collect();
        let inputs: Vec<&[u8]> = inputs.iter().map(Cow::as_ref).collect();
        let found = self.detector.detect(&inputs)?;
        let places = pictures.iter().zip(found).map(|(picture, found)| {
            let crop = crop(picture);
            let place = |found| {
                let [x, y, score] = crop.place(found).map(|value| value as f32);
                Place { at: Some([x, y]), score }
            };
            self.names.pick(&found.iter().map(place).collect::<Vec<_>>())
        });
        Ok(places.collect())
    }
}
