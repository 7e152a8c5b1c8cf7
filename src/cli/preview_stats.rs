//! The half of `marionette preview` that shows what a scene's samples are like as a whole.

use super::{CommandError, output};
use anyhow::Context;
use marionette::base::{atomic_file::write_atomic, json_file::json_text, random};
use marionette::physics::{Solvability, Unsolvable};
use marionette::render::sampler;
use marionette::render::{RendererConfig, headless_app, render_samples};
use marionette::run::{
    sheet::save_png,
    stats::{SampleFacts, Statistics, plots, table},
    threads,
};
use marionette::scene::Scene;
use marionette::stream::{AXES, Hardness, HardnessAxis, Policy, SceneSample};
use rand::Rng;
use rayon::prelude::*;
use std::{cell::RefCell, path::Path};

/// Tiles drawn at once.
const TILES: usize = 64;
/// Samples whose pixels are held at once.
const CHUNK: u64 = 4 * TILES as u64;

/// Which samples to look at, and where to write the results.
pub struct StatsRequest<'a> {
    /// How many samples.
    pub count: u64,
    /// Seed of the samples.
    pub seed: u64,
    /// Hardness of every axis; without it each is drawn evenly.
    pub hardness: Option<f32>,
    /// The axis that alone is drawn evenly, and the hardness of the others.
    pub axis: Option<(HardnessAxis, f32)>,
    /// The PNG file to write.
    pub out: &'a Path,
    /// The JSON file to write.
    pub json: Option<&'a Path>,
    /// Whether to print nothing.
    pub quiet: bool,
}

impl StatsRequest<'_> {
    /// At which hardness samples are drawn, in words.
    fn words(&self) -> String {
        match (self.axis, self.hardness) {
            (Some((axis, others)), _) => format!("{axis} drawn evenly, the other axes at {others}"),
            (None, Some(hardness)) => format!("every axis at {hardness}"),
            (None, None) => "every axis drawn evenly".to_owned(),
        }
    }

    /// The hardness of sample `index`, where it is not drawn evenly along each axis.
    fn hardness_of(&self, index: u64) -> Option<Hardness> {
        let Some((axis, others)) = self.axis else {
            return self.hardness.map(|hardness| [hardness; AXES]);
        };
        let mut hardness = [others; AXES];
        hardness[axis as usize] = random::stream(self.seed, index, 0, "preview/hardness").random();
        Some(hardness)
    }
}

/// Renders the samples of `scene` that are asked for, and writes and prints their statistics.
pub fn stats(request: &StatsRequest, scene: &Scene) -> Result<(), CommandError> {
    let samples = look(request, scene).map_err(CommandError::Failed)?;
    let statistics = Statistics::gather(scene, &request.words(), &samples);
    if !request.quiet {
        output::say(&table(&statistics));
    }
    let write = || -> anyhow::Result<()> {
        save_png(request.out, &plots(&statistics)).context("the plots")?;
        if let Some(path) = request.json {
            write_atomic(path, json_text(&statistics)?.as_bytes())?;
        }
        Ok(())
    };
    write().map_err(CommandError::Failed)?;
    if !request.quiet {
        output::say(&format!("\nPlots are in {}.", request.out.display()));
    }
    Ok(())
}

/// The facts of all samples. They are rendered a chunk at a time, because pixels take far more
/// memory than facts.
fn look(request: &StatsRequest, scene: &Scene) -> anyhow::Result<Vec<SampleFacts>> {
    let solvability = Solvability::new(scene.figure.clone());
    let policy = Policy::uniform();
    let config = RendererConfig {
        tiles: TILES.min(request.count as usize),
        width: scene.image.width,
        height: scene.image.height,
        threads: threads(0),
    };
    let (mut app, _) = headless_app(config, &scene.pictures)?;
    let mut facts = Vec::new();
    for first in (0..request.count).step_by(CHUNK as usize) {
        let one = |index: u64| {
            // Rejected families are known only while the sample is being made.
            let families = RefCell::new(Vec::new());
            let sample = solvability.first_solvable(index, |attempt| {
                let sample = match request.hardness_of(index) {
                    Some(hardness) => {
                        sampler(scene).sample_at(hardness, request.seed, index, attempt)
                    }
                    None => sampler(scene).sample(&policy, request.seed, index, attempt),
                };
                families.borrow_mut().extend(sample.figures.first().map(|figure| figure.family));
                sample
            })?;
            let mut families = families.into_inner();
            families.pop();
            Ok((sample, families))
        };
        let last = request.count.min(first + CHUNK);
        let drawn: Result<Vec<_>, Unsolvable> = (first..last).into_par_iter().map(one).collect();
        let (samples, families): (Vec<SceneSample>, Vec<Vec<usize>>) = drawn?.into_iter().unzip();
        let tiles = render_samples(&mut app, config, &scene.figure, &samples)?;
        let fact =
            |(tile, rejected_families)| SampleFacts { rejected_families, ..SampleFacts::of(tile) };
        facts.extend(tiles.iter().zip(families).map(fact));
    }
    Ok(facts)
}
