//! What a trainer consists of.

use super::{
    error::TrainError,
    hardest::{Drawn, Hardest},
    settings::TrainSettings,
    statistics::UniformStatistics,
    step_timings::StepTimings,
};
use crate::{
    afl::{Afl, BaseLoss, base_loss},
    curriculum::{self, ControllerState},
};
use candle_core::Device;
use marionette_figure::Figure;
use marionette_nn::{HeatmapNetwork, ModelSpec, build, heatmap::Activation, optim::Optimizer};
use marionette_stream::{AXES, Focus, Policy};
use std::{collections::VecDeque, sync::Arc};

/// The network, its critic, its optimizer, the controller and their state.
pub struct Trainer {
    pub(super) settings: TrainSettings,
    pub(super) figure: Arc<Figure>,
    pub(super) device: Device,
    pub(super) network: HeatmapNetwork,
    pub(super) spec: ModelSpec,
    pub(super) base_loss: Box<dyn BaseLoss>,
    pub(super) optimizer: Optimizer,
    pub(super) afl: Afl,
    pub(super) controller: ControllerState,
    /// The policies after the last `lag` batches, oldest first: the batches in flight are
    /// sampled with them.
    pub(super) policies: VecDeque<Arc<Policy>>,
    pub(super) statistics: UniformStatistics,
    pub(super) drawn: Drawn,
    /// Steps taken or skipped so far.
    pub(super) step: u64,
    pub(super) skipped: u64,
    pub(super) skipped_in_a_row: u64,
    /// Factor on the learning rate, 1 unless it is set by hand.
    pub(super) rate_factor: f64,
    /// Axes that are held by hand.
    pub(super) locks: [Option<Vec<f32>>; AXES],
    pub(super) timings: StepTimings,
}

impl Trainer {
    /// A trainer before its first step.
    ///
    /// # Errors
    /// If the network or loss is unknown, the images do not fit, or the device cannot hold
    /// it.
    pub fn new(
        settings: TrainSettings,
        figure: Arc<Figure>,
        image: [u32; 2],
        device: Device,
    ) -> Result<Self, TrainError> {
        let keypoints = figure.keypoints.len();
        let network = build(&settings.model, keypoints, settings.seed, &device)?;
        let spec = network.spec().clone();
        if spec.input_size() != image {
            return Err(TrainError::ImageSize {
                expected: format!("{}x{}", spec.input_width, spec.input_height),
                found: format!("{}x{}", image[0], image[1]),
                network: spec.name,
            });
        }
        let optimizer = Optimizer::new(network.parameters(), settings.optimizer.settings())?;
        let afl =
            Afl::new(settings.afl.clone(), keypoints, network.feature_channels(), settings.seed)?;
        let controller = ControllerState::new(&settings.curriculum);
        let initial =
            Arc::new(curriculum::policy(&settings.curriculum, &controller, settings.steps));
        Ok(Trainer {
            base_loss: base_loss(&settings.loss, &figure.scheme().sigmas)?,
            policies: std::iter::repeat_n(initial, settings.lag).collect(),
            statistics: UniformStatistics::new(keypoints),
            drawn: Drawn::default(),
            settings,
            figure,
            device,
            network,
            spec,
            optimizer,
            afl,
            controller,
            step: 0,
            skipped: 0,
            skipped_in_a_row: 0,
            rate_factor: 1.0,
            locks: Default::default(),
            timings: StepTimings::default(),
        })
    }

    /// The policies that the next `lag` batches are sampled with, oldest first.
    pub fn policies(&self) -> impl Iterator<Item = Arc<Policy>> {
        self.policies.iter().cloned()
    }

    /// Has a share of all samples from the next step's on drawn for `focus`, in this run and
    /// whenever it is gone on with: a policy keeps the focus of the one before it.
    pub fn focus_on(&mut self, focus: &Focus) {
        for policy in &mut self.policies {
            Arc::make_mut(policy).focus = Some(focus.clone());
        }
    }

    /// The newest policy.
    pub fn newest_policy(&self) -> Option<Arc<Policy>> {
        self.policies.back().cloned()
    }

    /// Steps taken or skipped so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Steps skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether the newest step was skipped.
    pub fn is_skipping(&self) -> bool {
        self.skipped_in_a_row > 0
    }

    /// Whether every weight of the network is finite.
    ///
    /// # Errors
    /// If the device fails.
    pub fn has_finite_weights(&self) -> candle_core::Result<bool> {
        // A sum with a value that is not finite is not finite. A sum that overflows counts as well.
        let sum = self.network.parameters().values().sum_all()?.to_scalar::<f32>()?;
        Ok(sum.is_finite())
    }

    /// How the time of all steps so far was spent.
    pub fn timings(&self) -> &StepTimings {
        &self.timings
    }

    /// The controller's view of the axes.
    pub fn curriculum(&self) -> curriculum::CurriculumSummary {
        curriculum::summary(&self.settings.curriculum, &self.controller, self.settings.steps)
    }

    /// Bins that the controller counts per axis.
    pub fn bins(&self) -> usize {
        self.settings.curriculum.bins
    }

    /// Statistics of the uniform stream.
    pub fn statistics(&self) -> &UniformStatistics {
        &self.statistics
    }

    /// What the network finds hardest of what was drawn of late.
    pub fn hardest(&self) -> Hardest {
        self.drawn.hardest(&self.figure)
    }

    /// How the network's output becomes heatmaps.
    pub fn activation(&self) -> Activation {
        self.base_loss.activation()
    }

    /// The network.
    pub fn network(&self) -> &HeatmapNetwork {
        &self.network
    }

    /// What the network takes and gives.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }
}
