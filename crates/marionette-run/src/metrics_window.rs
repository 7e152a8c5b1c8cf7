//! What the steps since the last row of `metrics.jsonl` come to.

use super::{MetricsRow, resources::status_kib, tensorboard::Counted};
use marionette_stream::{AXES, AxisDistribution, Batch, HardnessAxis, Rejection};
use marionette_train::trainer::{StepReport, Trainer};
use std::collections::BTreeMap;

/// Sums since the last row.
#[derive(Default)]
pub struct MetricsWindow {
    steps: u64,
    loss: f64,
    stream_losses: [(f64, u64); 2],
    labelled: u64,
    found: u64,
    photograph_loss: f64,
    photograph_labelled: u64,
    photograph_found: u64,
    photograph_steps: u64,
    photographs: u64,
    samples: u64,
    scores: Option<Counted>,
    rejections: BTreeMap<Rejection, u64>,
    rejected_by_axis_bin: BTreeMap<String, Vec<u64>>,
    visible_share: f64,
    in_frame_share: f64,
}

/// Bins that scores are counted in.
const SCORE_BINS: usize = 40;

/// Samples of the uniform stream that correlations are taken over reach back this many steps.
const CORRELATION_STEPS: u64 = 500;

impl MetricsWindow {
    /// Takes a step in, which learned from so many `photographs` beside the batch.
    pub fn add(
        &mut self,
        batch: &Batch,
        report: &StepReport,
        trainer: &Trainer,
        photographs: usize,
    ) {
        self.samples += batch.tiles.len() as u64;
        self.photographs += photographs as u64;
        for tile in &batch.tiles {
            self.visible_share += f64::from(tile.labels.measured.visible_share);
            self.in_frame_share += f64::from(tile.labels.measured.in_frame_share);
            for rejection in &tile.scene.rejections {
                *self.rejections.entry(*rejection).or_default() += 1;
            }
            if !tile.scene.rejections.is_empty() {
                self.count_rejections(
                    tile.scene.rejections.len() as u64,
                    &tile.scene.hardness,
                    trainer,
                );
            }
        }
        if report.skipped.is_some() {
            return;
        }
        self.steps += 1;
        self.loss += report.loss;
        for ((sum, count), loss) in self.stream_losses.iter_mut().zip(report.stream_losses) {
            if let Some(loss) = loss {
                *sum += loss;
                *count += 1;
            }
        }
        if let Some(of) = report.photographs {
            self.photograph_steps += 1;
            self.photograph_loss += of.loss;
            self.photograph_labelled += u64::from(of.labelled);
            self.photograph_found += u64::from(of.found);
        }
        let scores = self.scores.get_or_insert_with(|| Counted::new(SCORE_BINS));
        report.difficulty.iter().for_each(|score| scores.add(*score));
        self.labelled += u64::from(report.labelled_found[0]);
        self.found += u64::from(report.labelled_found[1]);
    }

    fn count_rejections(&mut self, rejected: u64, hardness: &[f32; AXES], trainer: &Trainer) {
        let even = AxisDistribution::uniform(trainer.bins());
        for axis in HardnessAxis::ALL {
            let bins = self
                .rejected_by_axis_bin
                .entry(axis.name().to_owned())
                .or_insert_with(|| vec![0; even.bins()]);
            bins[even.bin_of(hardness[axis as usize])] += rejected;
        }
    }

    /// Samples taken in, photographs among them.
    pub fn samples(&self) -> u64 {
        self.samples + self.photographs
    }

    /// The scores of the samples taken in, if there are any.
    pub fn scores(&self) -> Option<&Counted> {
        self.scores.as_ref()
    }

    /// The row of this window, which ends with the step of `report`.
    pub fn row(
        &self,
        report: &StepReport,
        trainer: &Trainer,
        samples_per_second: f64,
        in_flight: u64,
    ) -> MetricsRow {
        let curriculum = trainer.curriculum();
        let statistics = trainer.statistics();
        let from_step = report.step.saturating_sub(CORRELATION_STEPS);
        let correlations = statistics.score_axis_correlations(from_step);
        let stream = |i: usize| {
            let (sum, count) = self.stream_losses[i];
            (count > 0).then(|| sum / count as f64)
        };
        let name = |axis: HardnessAxis| axis.name().to_owned();
        MetricsRow {
            step: trainer.step(),
            // 0 / 0 is NaN: what was not measured.
            loss: self.loss / self.steps as f64,
            loss_uniform: stream(0),
            loss_steered: stream(1),
            pck: self.found as f64 / self.labelled as f64,
            photograph_loss: (self.photograph_steps > 0)
                .then(|| self.photograph_loss / self.photograph_steps as f64),
            photograph_pck: (self.photograph_labelled > 0)
                .then(|| self.photograph_found as f64 / self.photograph_labelled as f64),
            learning_rate: report.learning_rate,
            gradient_norm: report.gradient_norm,
            skipped: trainer.skipped(),
            critic_loss: report.critic.map(|c| c.loss),
            critic_gap: report.critic.map(|c| c.gap),
            critic_penalty: report.critic.map(|c| c.penalty),
            raw_scores_unsaturated: report.unsaturated,
            effective_sample_share: report.effective_share,
            spearman_score_error: statistics.score_error_correlation(from_step).unwrap_or(f32::NAN),
            spearman_score_axis: HardnessAxis::ALL
                .map(name)
                .into_iter()
                .zip(correlations.map(|correlation| correlation.unwrap_or(f32::NAN)))
                .collect(),
            axis_mean: curriculum.axes.iter().map(|a| (name(a.axis), a.mean_hardness)).collect(),
            axis_kl: curriculum.axes.iter().map(|a| (name(a.axis), a.kl)).collect(),
            axis_reach: curriculum.axes.iter().map(|a| (name(a.axis), a.reach as f32)).collect(),
            axis_free: curriculum.free,
            measured_visible_share: self.visible_share / self.samples.max(1) as f64,
            measured_in_frame_share: self.in_frame_share / self.samples.max(1) as f64,
            rejections: self.rejections.clone(),
            rejected_by_axis_bin: self.rejected_by_axis_bin.clone(),
            batches_in_flight: in_flight,
            samples_per_second,
            resident_mib: resident_mib(),
        }
    }
}

/// Memory that the process holds in RAM, MiB, if the system says so.
pub fn resident_mib() -> Option<f64> {
    status_kib("VmRSS").map(|kib| kib as f64 / 1024.0)
}
