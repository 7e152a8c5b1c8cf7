//! `bench train`: what a training step costs, operation by operation.

use super::{
    context::Bench,
    feed::{feed, per_second},
    memory::Peak,
    report::{Spread, memory_line},
};
use anyhow::ensure;
use marionette::nn::EngineOperation;
use marionette::run::trainer;
use marionette::stream::{Batch, Policy};
use marionette::train::trainer::{Operation, Trainer};
use serde::Serialize;
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// Batches that are learned from in turn.
const BATCHES: usize = 4;

/// What was measured.
#[derive(Serialize)]
pub struct TrainReport {
    model: String,
    batch: usize,
    /// Milliseconds a step.
    step_ms: Spread,
    /// Samples learned from per second.
    samples_per_second: Spread,
    operations: Vec<OperationReport>,
    /// The network's passes by kind of work, where the CPU trains it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<OperationReport>,
    /// Most memory that the process used meanwhile; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

/// What was measured of one operation.
#[derive(Serialize)]
struct OperationReport {
    name: &'static str,
    /// Milliseconds a step.
    ms: Spread,
    /// Share of the step, 0 to 1.
    share: f64,
}

/// Renders a few batches, to be learned from again and again.
///
/// # Errors
/// Where the generator fails.
pub fn batches(bench: &Bench, policy: &Arc<Policy>) -> anyhow::Result<Vec<Batch>> {
    let mut batches = Vec::new();
    feed(bench, &bench.scene, bench.config.batch, policy, |batch| {
        batches.push(batch);
        Ok((batches.len() == BATCHES).then_some(()))
    })?;
    Ok(batches)
}

/// One step, which must not have been skipped.
///
/// # Errors
/// Where it fails or is skipped.
pub fn learn(trainer: &mut Trainer, batch: &Batch) -> anyhow::Result<()> {
    let report = trainer.learn(batch, &[])?;
    ensure!(
        report.skipped.is_none(),
        "step {} was skipped: {} is not finite",
        report.step,
        report.skipped.unwrap_or("")
    );
    Ok(())
}

/// Measures `bench train`.
///
/// # Errors
/// Where rendering or training fails.
pub fn measure(bench: &Bench) -> anyhow::Result<TrainReport> {
    let (mut trainer, _) = trainer(&bench.config, &bench.scene)?;
    let Some(policy) = trainer.newest_policy() else {
        anyhow::bail!("there is no policy to draw with")
    };
    let batches = batches(bench, &policy)?;
    for batch in &batches {
        learn(&mut trainer, batch)?;
    }
    let peak = Peak::since_now();
    let (mut steps_ms, mut rates) = (Vec::new(), Vec::new());
    let mut operations = Operation::ALL.map(|_| Vec::new());
    let mut kinds = EngineOperation::ALL.map(|_| Vec::new());
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("train, {pair} of {}", bench.pairs));
        let (before, first, times) =
            (trainer.timings().clone(), trainer.step(), trainer.network().times());
        let rate = per_second(bench.seconds, || {
            let next = trainer.step() as usize % batches.len();
            learn(&mut trainer, &batches[next])?;
            Ok(bench.config.batch as u64)
        })?;
        rates.push(rate);
        steps_ms.push(bench.config.batch as f64 * 1e3 / rate);
        for (operation, values) in Operation::ALL.into_iter().zip(&mut operations) {
            let spent = trainer.timings().sum(operation) - before.sum(operation);
            values.push(spent.as_secs_f64() * 1e3 / (trainer.step() - first) as f64);
        }
        for ((now, before), values) in trainer.network().times().iter().zip(times).zip(&mut kinds) {
            values.push((*now - before).as_secs_f64() * 1e3 / (trainer.step() - first) as f64);
        }
    }
    let step_ms = Spread::of(steps_ms);
    let operations = operations.map(Spread::of);
    let all: f64 = operations.iter().map(|ms| ms.median).sum();
    let report = |(name, ms): (&'static str, Spread)| {
        let share = ms.median / all.max(f64::MIN_POSITIVE);
        OperationReport { name, ms, share }
    };
    let kinds = EngineOperation::ALL
        .map(EngineOperation::name)
        .into_iter()
        .zip(kinds.map(Spread::of))
        .map(report);
    Ok(TrainReport {
        model: bench.config.model.clone(),
        batch: bench.config.batch,
        samples_per_second: Spread::of(rates),
        operations: Operation::ALL
            .map(Operation::name)
            .into_iter()
            .zip(operations)
            .map(report)
            .collect(),
        kinds: kinds.filter(|kind| kind.ms.median > 0.0).collect(),
        step_ms,
        peak_memory_bytes: peak.bytes(),
    })
}

impl Display for TrainReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "\nTraining {} on batches of {}: median (lowest to highest)",
            self.model, self.batch
        )?;
        writeln!(f, "  {:<16} {:>8} {:<20} {:>6}", "operation", "ms", "", "share")?;
        let line = |f: &mut fmt::Formatter,
                    OperationReport { name, ms, share }: &OperationReport| {
            writeln!(f, "  {name:<16} {:<29} {:>5.1}%", format!("{ms:.1}"), share * 100.0)
        };
        self.operations.iter().try_for_each(|operation| line(f, operation))?;
        writeln!(f, "  {:<16} {:<29}", "whole step", format!("{:.1}", self.step_ms))?;
        writeln!(f, "  {:<16} {}", "samples/s", self.samples_per_second)?;
        if !self.kinds.is_empty() {
            writeln!(f, "Forward and backward, by kind of work:")?;
            self.kinds.iter().try_for_each(|kind| line(f, kind))?;
        }
        write!(f, "{}", memory_line(self.peak_memory_bytes))
    }
}
