//! Everything that a run needs to continue bit for bit.

use super::{
    error::TrainError, hardest::Drawn, parts::Trainer, recent::RecentRows,
    statistics::UniformStatistics,
};
use crate::{afl::AflState, curriculum::ControllerState};
use candle_core::Tensor;
use marionette_stream::Policy;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The part of a trainer that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerState {
    /// Steps taken or skipped so far.
    pub step: u64,
    skipped: u64,
    skipped_in_a_row: u64,
    optimizer_steps: u64,
    afl: AflState,
    controller: ControllerState,
    policies: Vec<Policy>,
    statistics: UniformStatistics,
}

/// A checkpoint that is complete but belongs to another run: another network, figure or set of
/// bins.
#[derive(Debug, thiserror::Error)]
#[error("does not fit this run's configuration: {0}")]
pub struct UnfitCheckpoint(String);

const RECENT: &str = "statistics.recent";
const DRAWN: &str = "statistics.drawn";
/// The prefix of the names of the network's tensors.
pub const NETWORK: &str = "network.";
const OPTIMIZER: &str = "optimizer.";

impl Trainer {
    /// The network's parameters and buffers by their PyTorch-style names: what
    /// `weights.safetensors` holds.
    ///
    /// # Errors
    /// If the device cannot hand them out.
    pub fn weights(&self) -> candle_core::Result<BTreeMap<String, Tensor>> {
        self.network.parameters().tensors()
    }

    /// Everything that [`Trainer::restore`] needs.
    ///
    /// # Errors
    /// If the device cannot hand the tensors out.
    pub fn save(&self) -> Result<(BTreeMap<String, Tensor>, TrainerState), TrainError> {
        let (mut tensors, afl) = self.afl.save()?;
        let prefixed = |prefix: &'static str, tensors: BTreeMap<String, Tensor>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
        };
        tensors.extend(prefixed(NETWORK, self.weights()?));
        tensors.extend(prefixed(OPTIMIZER, self.optimizer.state()?));
        tensors.insert(RECENT.to_owned(), self.statistics.recent.tensor()?);
        tensors.insert(DRAWN.to_owned(), self.drawn.tensor()?);
        let state = TrainerState {
            step: self.step,
            skipped: self.skipped,
            skipped_in_a_row: self.skipped_in_a_row,
            optimizer_steps: self.optimizer.steps(),
            afl,
            controller: self.controller.clone(),
            policies: self.policies.iter().map(|policy| (**policy).clone()).collect(),
            statistics: self.statistics.clone(),
        };
        Ok((tensors, state))
    }

    /// Continues where a checkpoint was saved. If this fails, this trainer must not be used any
    /// more.
    ///
    /// # Errors
    /// If the checkpoint belongs to another network, figure or configuration.
    pub fn restore(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        state: TrainerState,
    ) -> Result<(), UnfitCheckpoint> {
        let unfit = |e: &dyn std::fmt::Display| UnfitCheckpoint(e.to_string());
        let stripped = |prefix: &str| -> BTreeMap<String, Tensor> {
            tensors
                .iter()
                .filter_map(|(name, tensor)| {
                    Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))
                })
                .collect()
        };
        if state.policies.len() != self.settings.lag {
            let found = state.policies.len();
            return Err(UnfitCheckpoint(format!(
                "it holds {found} policies, and lag is {}",
                self.settings.lag
            )));
        }
        let bins = self.settings.curriculum.bins;
        let mut counted = state.controller.axes.iter().map(|axis| axis.bins.len());
        if let Some(found) = counted.find(|found| *found != bins) {
            return Err(UnfitCheckpoint(format!(
                "it holds an axis of {found} bins, and curriculum.bins is {bins}"
            )));
        }
        let mut sampled = state.policies.iter().flat_map(|policy| &policy.axes);
        if sampled.any(|axis| axis.bins() == 0) {
            return Err(UnfitCheckpoint("it holds an axis without bins".to_owned()));
        }
        self.network.parameters().load(&stripped(NETWORK)).map_err(|e| unfit(&e))?;
        self.optimizer
            .load_state(state.optimizer_steps, stripped(OPTIMIZER))
            .map_err(|e| unfit(&e))?;
        self.afl.load(tensors, &state.afl).map_err(|e| unfit(&e))?;
        self.statistics = state.statistics;
        let kept = |name: &str| {
            tensors.get(name).ok_or_else(|| UnfitCheckpoint(format!("it lacks \"{name}\"")))
        };
        self.statistics.recent = RecentRows::restore(kept(RECENT)?).map_err(|e| unfit(&e))?;
        self.drawn =
            Drawn::restore(kept(DRAWN)?, self.figure.poses.len()).map_err(|e| unfit(&e))?;
        self.controller = state.controller;
        self.policies = state.policies.into_iter().map(Arc::new).collect::<VecDeque<_>>();
        (self.step, self.skipped, self.skipped_in_a_row) =
            (state.step, state.skipped, state.skipped_in_a_row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        afl::AflConfig,
        curriculum::CurriculumConfig,
        trainer::{Flips, OptimizerConfig, TrainSettings},
    };
    use candle_core::Device;
    use marionette_scene::load_scene;

    #[test]
    fn a_checkpoint_with_other_bins_is_refused() {
        let settings = TrainSettings {
            seed: 1,
            steps: 2,
            model: "nano".to_owned(),
            loss: "cross_entropy".to_owned(),
            flips: Flips::None,
            lag: 2,
            optimizer: OptimizerConfig::default(),
            afl: AflConfig::default(),
            curriculum: CurriculumConfig::default(),
            steered_axes: Vec::new(),
        };
        let figure = load_scene("quickstart").unwrap().figure;
        let mut trainer = Trainer::new(settings, figure, [64, 64], Device::Cpu).unwrap();
        let (tensors, state) = trainer.save().unwrap();
        trainer.restore(&tensors, state.clone()).unwrap();
        let (mut sampled, mut counted) = (state.clone(), state);
        sampled.policies[1].axes[3].probabilities.clear();
        counted.controller.axes[3].bins.clear();
        for (state, message) in [
            (sampled, "an axis without bins"),
            (counted, "an axis of 0 bins, and curriculum.bins is 6"),
        ] {
            let error = trainer.restore(&tensors, state).unwrap_err().to_string();
            assert!(error.ends_with(message), "{error}");
        }
    }
}
