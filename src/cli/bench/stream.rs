//! `bench loop`: rendering and training at once, against each alone.

use super::{
    context::Bench,
    feed::{per_second, samples_per_second},
    memory::Peak,
    report::{Spread, memory_line},
    train::{batches, learn},
};
use marionette::run::trainer;
use serde::Serialize;
use std::fmt::{self, Display};

/// What was measured, in samples per second.
#[derive(Serialize)]
pub struct LoopReport {
    model: String,
    batch: usize,
    lag: usize,
    /// The generator, its batches thrown away.
    render: Spread,
    /// The trainer, on batches rendered before.
    train: Spread,
    /// Both at once.
    both: Spread,
    /// `both` over 1 / (1 / render + 1 / train), the rate of rendering and training in turns.
    efficiency: Spread,
    peak_memory_bytes: PeakMemory,
}

/// Most memory that the process used meanwhile; absent where the system does not say.
#[derive(Default, Serialize)]
struct PeakMemory {
    render: Option<u64>,
    train: Option<u64>,
    both: Option<u64>,
}

/// Measures `bench loop`.
///
/// All batches are drawn with the policy that a run begins with, or the figures would be of
/// different scenes.
///
/// # Errors
/// Where rendering or training fails.
pub fn measure(bench: &Bench) -> anyhow::Result<LoopReport> {
    let (mut trainer, _) = trainer(&bench.config, &bench.scene)?;
    let Some(policy) = trainer.newest_policy() else {
        anyhow::bail!("there is no policy to draw with")
    };
    let (scene, batch) = (&bench.scene, bench.config.batch);
    let prepared = batches(bench, &policy)?;
    for batch in &prepared {
        learn(&mut trainer, batch)?;
    }
    let [mut render, mut train, mut both] = [const { Vec::new() }; 3];
    let mut most = PeakMemory::default();
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("loop, {pair} of {}: rendering alone", bench.pairs));
        let peak = Peak::since_now();
        render.push(samples_per_second(bench, scene, batch, &policy, |_| Ok(()))?);
        most.render = most.render.max(peak.bytes());

        bench.doing(format_args!("loop, {pair} of {}: training alone", bench.pairs));
        let peak = Peak::since_now();
        train.push(per_second(bench.seconds, || {
            let next = trainer.step() as usize % prepared.len();
            learn(&mut trainer, &prepared[next])?;
            Ok(batch as u64)
        })?);
        most.train = most.train.max(peak.bytes());

        bench.doing(format_args!("loop, {pair} of {}: both", bench.pairs));
        let peak = Peak::since_now();
        both.push(samples_per_second(bench, scene, batch, &policy, |batch| {
            learn(&mut trainer, batch)
        })?);
        most.both = most.both.max(peak.bytes());
    }
    let [render, train, both] = [render, train, both].map(Spread::of);
    let in_turns = render.with(&train, |render, train| 1.0 / (1.0 / render + 1.0 / train));
    Ok(LoopReport {
        model: bench.config.model.clone(),
        batch,
        lag: bench.config.lag,
        efficiency: both.with(&in_turns, |both, in_turns| both / in_turns),
        render,
        train,
        both,
        peak_memory_bytes: most,
    })
}

impl Display for LoopReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let LoopReport { model, batch, lag, render, train, both, efficiency, peak_memory_bytes } =
            self;
        writeln!(
            f,
            "\nThe loop, {model}, batches of {batch}, lag {lag}, samples/s: median (lowest to \
             highest)"
        )?;
        writeln!(f, "  render alone  {render}")?;
        writeln!(f, "  train alone   {train}")?;
        writeln!(f, "  both          {both}")?;
        let percent = Spread::of(efficiency.values.iter().map(|share| share * 100.0).collect());
        writeln!(
            f,
            "  both, as a percentage of 1 / (1 / render + 1 / train): {}",
            format!("{percent:.1}").trim_start()
        )?;
        let PeakMemory { render, train, both } = peak_memory_bytes;
        writeln!(f, "While rendering. {}", memory_line(*render))?;
        writeln!(f, "While training.  {}", memory_line(*train))?;
        write!(f, "While both.      {}", memory_line(*both))
    }
}
