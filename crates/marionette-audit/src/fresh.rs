//! Findings on pictures that they were not found in: freshly drawn ones, and the same ones with what
//! a finding names made easy.

use crate::{
    AuditError,
    facts::FactList,
    row::Row,
    search::Studio,
    table::{COVER, KEYPOINT, missed, table, value},
};
use marionette_figure::KeypointScheme;
use marionette_findings::{Estimate, Finding, Judged, Rule, Test, check};
use marionette_physics::Solvability;
use marionette_render::sampler;
use marionette_scene::Scene;
use marionette_stream::{Hardness, HardnessAxis, Policy, SceneSample, Tile};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};

/// Samples among which pictures of the findings are looked for.
const POOL: u64 = 4000;
/// Pictures that a finding is checked on.
const CHECKED: usize = 128;
/// Pictures that are drawn where a finding is about what only pixels tell: some will not fit it.
const DRAWN: usize = 2 * CHECKED;
/// Pictures of a finding that are shown.
pub const SHOWN: usize = 12;
/// The hardness of what is made easy.
const EASY: f32 = 0.1;

/// A finding on fresh pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checked {
    /// The rule on pictures that were drawn anew from the uniform population; `None` where none of
    /// them fits it.
    pub fresh: Option<Judged>,
    /// The same pictures with what the rule names made easy; `None` where no axis moves it.
    pub easy: Option<MadeEasy>,
    /// The samples that are shown: index and hardness.
    pub shown: Vec<(u64, Hardness)>,
    /// The seed that they are drawn from.
    pub seed: u64,
}

/// The same pictures with something made easy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeEasy {
    /// The axes that were set to a hardness of 0.1.
    pub axes: Vec<HardnessAxis>,
    /// What the rule's keypoints lose then.
    pub loss: Estimate,
}

impl Checked {
    /// The pictures that are shown, drawn and judged again.
    ///
    /// # Errors
    /// If the device or the model fails.
    pub fn draw(&self, studio: &mut Studio) -> Result<Vec<Shown>, AuditError> {
        let scene = studio.scene;
        let samples: Vec<SceneSample> = self
            .shown
            .par_iter()
            .map(|(index, hardness)| sample_at(scene, *hardness, self.seed, *index))
            .collect::<Result<_, _>>()?;
        let (tiles, rows) = studio.judge(&samples, &vec![1.0; samples.len()], 1)?;
        Ok(tiles.into_iter().zip(rows).map(|(tile, row)| Shown { tile, row }).collect())
    }
}

/// A picture of a finding.
pub struct Shown {
    /// The picture and its labels.
    pub tile: Tile,
    /// What the model found in it.
    pub row: Row,
}

/// Checks `findings` on samples drawn from `seed`; gives the pictures of each as well. Nothing if
/// `stop` is set meanwhile.
///
/// # Errors
/// If the device or the model fails.
pub fn check_findings(
    studio: &mut Studio,
    facts: &FactList,
    scheme: &KeypointScheme,
    findings: &[Finding],
    seed: u64,
    stop: &AtomicBool,
) -> Result<Option<Vec<(Checked, Vec<Shown>)>>, AuditError> {
    if findings.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let pool = pool(studio, seed)?;
    let known: Vec<_> = pool.iter().map(|sample| facts.of_sample(sample)).collect();
    findings
        .iter()
        .take_while(|_| !stop.load(Ordering::Relaxed))
        .map(|finding| {
            // What pixels and keypoints tell is not known of a sample.
            let before = finding.rule.part(|factor| facts.is_drawn(factor));
            let most = if before == finding.rule { CHECKED } else { DRAWN };
            let mut candidates = Vec::new();
            for (sample, known) in pool.iter().zip(&known) {
                if candidates.len() < most && before.holds(|name| value(facts, known, name))? {
                    candidates.push(sample.clone());
                }
            }
            one(studio, facts, scheme, &finding.rule, &candidates, seed)
        })
        .collect::<Result<Vec<_>, _>>()
        .map(|checked| (checked.len() == findings.len()).then_some(checked))
}

/// Samples of the uniform population.
fn pool(studio: &Studio, seed: u64) -> Result<Vec<SceneSample>, AuditError> {
    let policy = Policy::uniform();
    let solvability = Solvability::new(studio.scene.figure.clone());
    let sampler = sampler(studio.scene);
    let draw = |index| {
        solvability.first_solvable(index, |attempt| sampler.sample(&policy, seed, index, attempt))
    };
    Ok((0..POOL).into_par_iter().map(draw).collect::<Result<_, _>>()?)
}

fn one(
    studio: &mut Studio,
    facts: &FactList,
    scheme: &KeypointScheme,
    rule: &Rule,
    candidates: &[SceneSample],
    seed: u64,
) -> Result<(Checked, Vec<Shown>), AuditError> {
    let (tiles, rows) = studio.judge(candidates, &vec![1.0; candidates.len()], 1)?;
    let nothing = Checked { fresh: None, easy: None, shown: Vec::new(), seed };
    // Where no keypoint was judged there is no table.
    let Ok(table_of_all) = table(&rows, facts, scheme, true, &missed) else {
        return Ok((nothing, Vec::new()));
    };
    let mut fits = vec![false; rows.len()];
    for (keypoint, holds) in table_of_all.keypoints().iter().zip(table_of_all.holding(rule)?) {
        fits[keypoint.picture as usize] |= holds;
    }
    let fresh = check(&table_of_all, rule).ok();
    let fitting: Vec<usize> = (0..rows.len()).filter(|picture| fits[*picture]).collect();
    let samples: Vec<&SceneSample> = fitting.iter().map(|picture| &candidates[*picture]).collect();
    let easy = made_easy(studio, facts, scheme, rule, &samples, seed)?;
    let mut pictures: Vec<Option<Shown>> =
        tiles.into_iter().zip(rows).map(|(tile, row)| Some(Shown { tile, row })).collect();
    let shown: Vec<Shown> =
        fitting.iter().take(SHOWN).filter_map(|picture| pictures[*picture].take()).collect();
    let named = shown.iter().map(|shown| (shown.row.index, shown.row.hardness)).collect();
    Ok((Checked { fresh, easy, shown: named, seed }, shown))
}

/// What the rule's keypoints lose in the same samples with the axes of its conditions made easy.
fn made_easy(
    studio: &mut Studio,
    facts: &FactList,
    scheme: &KeypointScheme,
    rule: &Rule,
    samples: &[&SceneSample],
    seed: u64,
) -> Result<Option<MadeEasy>, AuditError> {
    let mut axes: Vec<HardnessAxis> = Vec::new();
    for condition in &rule.conditions {
        // What fails where an axis is easy does not fail because it is hard.
        let factor = condition.factor.as_str();
        let of_ease = facts.is_hardness(factor) && matches!(condition.test, Test::Below(_));
        let movers = if factor == COVER { &[HardnessAxis::Occlusion] } else { facts.axes(factor) };
        for axis in movers.iter().filter(|_| !of_ease) {
            if !axes.contains(axis) {
                axes.push(*axis);
            }
        }
    }
    if axes.is_empty() || samples.is_empty() {
        return Ok(None);
    }
    let scene = studio.scene;
    let easier: Vec<SceneSample> = samples
        .par_iter()
        .map(|sample| {
            let hardness: Hardness = std::array::from_fn(|axis| {
                let eased = axes.contains(&HardnessAxis::ALL[axis]);
                if eased { sample.hardness[axis].min(EASY) } else { sample.hardness[axis] }
            });
            sample_at(scene, hardness, seed, sample.index)
        })
        .collect::<Result<_, _>>()?;
    let (_, rows) = studio.judge(&easier, &vec![1.0; easier.len()], 1)?;
    let Ok(table) = table(&rows, facts, scheme, true, &missed) else { return Ok(None) };
    // The same kinds of keypoints, whatever the pictures are like now.
    let kinds = rule.part(|factor| factor == KEYPOINT);
    let judged = check(&table, &kinds).ok();
    Ok(judged.map(|judged| MadeEasy { axes, loss: judged.inside }))
}

/// A sample at a hardness of its own: what was drawn once is drawn again.
///
/// # Errors
/// If no such picture can be solved.
fn sample_at(
    scene: &Scene,
    hardness: Hardness,
    seed: u64,
    index: u64,
) -> Result<SceneSample, AuditError> {
    let solvability = Solvability::new(scene.figure.clone());
    let sampler = sampler(scene);
    Ok(solvability
        .first_solvable(index, |attempt| sampler.sample_at(hardness, seed, index, attempt))?)
}
