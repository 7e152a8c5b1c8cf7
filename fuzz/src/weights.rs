//! Files of weights, and the model cards in them.

use crate::temporary;
use candle_core::{Device, Tensor};
use marionette_train::{
    eval::Detector,
    export::{ModelCard, decode, encode, read_model},
};
use std::{collections::BTreeMap, str};

/// A safetensors file, or the text of a model card, which begins with a brace. What is read and
/// written again reads back the same.
pub fn weights(bytes: &[u8]) -> bool {
    if bytes.first() == Some(&b'{') {
        return str::from_utf8(bytes).is_ok_and(card);
    }
    let (tensors, metadata) = match decode(bytes) {
        Ok(content) => content,
        Err(found) => {
            assert!(!found.is_empty());
            return false;
        }
    };
    // Half-precision tensors can be read, but are never written.
    if let Ok(written) = encode(&tensors, &metadata) {
        let (again, same) = decode(&written).expect("what was written can be read");
        assert_eq!((shapes(&again), same), (shapes(&tensors), metadata.clone()));
        assert_eq!(encode(&again, &metadata).as_ref(), Ok(&written));
    }
    if metadata.contains_key("marionette") {
        let path = temporary::file("weights.safetensors", bytes);
        match read_model(&path) {
            Ok((tensors, card)) => {
                if let Err(error) = Detector::new(&path, &tensors, card, &Device::Cpu) {
                    assert!(error.to_string().contains("weights.safetensors"));
                }
            }
            Err(error) => assert!(error.to_string().contains("weights.safetensors")),
        }
    }
    true
}

fn card(text: &str) -> bool {
    match ModelCard::parse(text) {
        Ok(card) => {
            assert_eq!(ModelCard::parse(&card.to_json()).as_ref(), Ok(&card));
            assert!(card.keypoints.torso_diagonals().as_flattened().len() == 4);
            true
        }
        Err(found) => {
            assert!(!found.is_empty());
            false
        }
    }
}

fn shapes(tensors: &BTreeMap<String, Tensor>) -> Vec<(&str, String)> {
    let shape = |tensor: &Tensor| format!("{:?} {:?}", tensor.dtype(), tensor.dims());
    tensors.iter().map(|(name, tensor)| (name.as_str(), shape(tensor))).collect()
}
