//! A summary of the controller's state for logs, the report and the window.

use super::config::CurriculumConfig;
use super::controller::policy;
use super::frontier::reaches;
use super::state::ControllerState;
use marionette_stream::HardnessAxis;
use serde::{Deserialize, Deserializer, Serialize};

/// One bin of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinSummary {
    /// Probability in the steered stream.
    pub probability: f32,
    /// Mean difficulty rank within the batch, in [0, 1].
    pub mean_rank: Option<f64>,
    /// Mean raw difficulty score, in [0, 1].
    pub mean_difficulty: Option<f64>,
    /// Mean keypoint error, in torso lengths.
    pub mean_error: Option<f64>,
    /// Uniform and steered samples counted since the start.
    pub count: u64,
}

/// One axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisSummary {
    /// The axis.
    pub axis: HardnessAxis,
    /// Divergence of its distribution from uniform, in nats.
    pub kl: f32,
    /// Mean hardness of its distribution, in [0, 1].
    pub mean_hardness: f32,
    /// How far along it samples reach, in (0, 1].
    #[serde(default)]
    pub reach: f64,
    /// Steps after which all of it was open; none where it is not yet, or nothing widens.
    #[serde(default)]
    pub opened: Option<u64>,
    /// How much it matters: what hardness 1 adds to the rank of the signal, in [0, 1], that hardness
    /// 0 has, all other axes being equal.
    #[serde(default)]
    pub effect: f64,
    /// Its bins, from everyday to extreme.
    pub bins: Vec<BinSummary>,
}

/// The controller at a glance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CurriculumSummary {
    /// Batches fed back.
    pub version: u64,
    /// Every axis, in [`HardnessAxis::ALL`] order.
    pub axes: Vec<AxisSummary>,
    /// Moving loss of the uniform and the steered stream.
    #[serde(deserialize_with = "first_two")]
    pub losses: [Option<f64>; 2],
    /// The probability that an axis is free in a sample that is not level, the mean over the axes.
    #[serde(default)]
    pub free: f32,
}

/// Older versions had a third stream, which is left out.
fn first_two<'de, D: Deserializer<'de>>(from: D) -> Result<[Option<f64>; 2], D::Error> {
    let losses = Vec::<Option<f64>>::deserialize(from)?;
    Ok(std::array::from_fn(|stream| losses.get(stream).copied().flatten()))
}

/// Summarises the controller's state, in a run of `steps` batches.
pub fn summary(
    config: &CurriculumConfig,
    state: &ControllerState,
    steps: u64,
) -> CurriculumSummary {
    let policy = policy(config, state, steps);
    let reaches = reaches(config, state, steps);
    let effects = state.effects.effects();
    let axis = |axis: HardnessAxis| {
        let axis_state = &state.axes[axis as usize];
        let distribution = policy.marginal(axis, config.bins);
        let bins = axis_state.bins.iter().zip(&distribution.probabilities);
        AxisSummary {
            axis,
            kl: distribution.kl_from_uniform(),
            mean_hardness: distribution.mean(),
            opened: axis_state.opened.filter(|_| config.steering),
            reach: if config.steering { reaches[axis as usize] } else { 1.0 },
            effect: effects[axis as usize],
            bins: bins
                .map(|(bin, &probability)| BinSummary {
                    probability,
                    mean_rank: bin.rank.mean(),
                    mean_difficulty: bin.difficulty.mean(),
                    mean_error: bin.error.mean(),
                    count: bin.count,
                })
                .collect(),
        }
    };
    CurriculumSummary {
        version: state.version,
        axes: HardnessAxis::ALL.into_iter().map(axis).collect(),
        losses: std::array::from_fn(|stream| state.losses[stream].mean()),
        free: policy.freedom.chance.iter().sum::<f32>() / policy.freedom.chance.len() as f32,
    }
}
