//! Starting from weights that were learned elsewhere.

use super::{error::TrainError, parts::Trainer};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// What was taken of other weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Tensors that were taken whole.
    pub tensors: usize,
    /// Keypoints whose part of the head was taken, by name; the others' starts at random.
    pub keypoints: Vec<String>,
    /// Tensors that start at random because the other network has none of that name and shape.
    pub new: Vec<String>,
}

/// The tensors that have a part for each keypoint begin with this.
const HEAD: &str = "head.";

impl Trainer {
    /// Takes what fits of the `tensors` of a network that finds `keypoints`: tensors of the same
    /// name and shape, and of the head the parts of keypoints of the same name.
    ///
    /// # Errors
    /// If the device fails.
    pub fn start_from(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        keypoints: &[String],
    ) -> Result<Taken, TrainError> {
        let mut own = self.weights()?;
        let mut taken = Taken::default();
        let names = self.figure.keypoints.iter().map(|keypoint| keypoint.name.as_str());
        let sources: Vec<Option<usize>> =
            names.clone().map(|name| keypoints.iter().position(|other| other == name)).collect();
        for (name, tensor) in &mut own {
            let there = tensors.get(name);
            let is_head = name.starts_with(HEAD);
            let like = |other: &&Tensor| {
                let (own, other) = (tensor.dims(), other.dims());
                if is_head { own[1..] == other[1..] } else { own == other }
            };
            match there.filter(like) {
                Some(other) if is_head => *tensor = parts(tensor, other, &sources)?,
                Some(other) => {
                    *tensor = other.clone();
                    taken.tensors += 1;
                }
                None => taken.new.push(name.clone()),
            }
        }
        if !taken.new.iter().any(|name| name.starts_with(HEAD)) {
            let found = names.zip(&sources).filter(|(_, source)| source.is_some());
            taken.keypoints = found.map(|(name, _)| name.to_owned()).collect();
        }
        self.network.parameters().load(&own)?;
        Ok(taken)
    }
}

/// `own` [K, ...] with row `sources[k]` of `other` in place of row k.
fn parts(own: &Tensor, other: &Tensor, sources: &[Option<usize>]) -> candle_core::Result<Tensor> {
    let rows = sources.iter().enumerate().map(|(k, source)| match source {
        Some(source) => other.narrow(0, *source, 1),
        None => own.narrow(0, k, 1),
    });
    Tensor::cat(&rows.collect::<candle_core::Result<Vec<_>>>()?, 0)
}
