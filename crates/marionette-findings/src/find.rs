//! Finds rules in half of the pictures, and judges them on the other half.

use crate::{
    candidates::{Candidate, candidates},
    cuts::{cuts, sets_of, terms_of},
    discount::{discount, discount_factor},
    error::FindingsError,
    estimate::{Estimate, Resamples},
    judge::{Contrast, judge},
    rule::Rule,
    sample::Sample,
    score::{Target, upper_tail},
    settings::Search,
    table::Table,
    term::Term,
};
use marionette_base::random;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// How much two rules share of what either takes, so that they count as much the same.
const MUCH_THE_SAME: f64 = 0.6;

/// Where a detector fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// The mean loss of all keypoints.
    pub loss: Estimate,
    /// Pictures in which rules were searched.
    pub searched: usize,
    /// Other pictures, on which they were judged.
    pub judged: usize,
    /// Rules that were judged. Those that did not hold are no findings.
    pub candidates: usize,
    /// What was found: the finding that explains most of the losses' variance, then the one that
    /// explains most beyond it, and so on.
    pub list: Vec<Finding>,
}

/// A rule whose losses differ from the rest. All numbers but `p` are those of the pictures that it
/// was not searched in; their intervals are not corrected for the number of findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Pictures in which it holds for a keypoint.
    pub pictures: usize,
    /// Their effective number (Kish), which unequal weights lower.
    pub effective: f64,
    /// The share of the weighted keypoints for which it holds.
    pub support: Estimate,
    /// The mean loss of these.
    pub inside: Estimate,
    /// The mean loss of the rest.
    pub outside: Estimate,
    /// Inside less outside. Where the loss is 1 for a miss, PCK differs by as much the other way.
    pub effect: Estimate,
    /// The effect beyond what the given factors and the findings before this one say.
    pub beyond: Estimate,
    /// The share of all that is lost which goes with `beyond`.
    pub carried: Estimate,
    /// One-sided, corrected for the number of candidates (Holm 1979): the effect beyond the given
    /// factors and the candidates that were found before it is due to chance.
    pub p: f64,
    /// Other rules that hold for nearly the same keypoints, or whose effect this one explains: it
    /// is open which of them is to blame.
    pub also: Vec<Rule>,
}

impl Finding {
    /// PCK inside less outside in points, where the loss is 1 for a miss and 0 otherwise.
    pub fn pck_points(&self) -> f64 {
        -100.0 * self.effect.value
    }
}

/// A candidate on the pictures that it is judged on.
struct Held {
    terms: Vec<Term>,
    sign: f64,
    mask: Vec<bool>,
    /// Beyond the given factors and the candidates before it.
    effect: f64,
    p: f64,
}

/// Finds the rules under which losses are higher than elsewhere.
///
/// Half of the pictures (by a hash of the seed and the picture's index) suggests rules: a beam
/// search for the one that tells most apart, whose effect is then taken out of the losses, and so
/// on. The other half judges them. A rule counts if its effect beyond those found before it is
/// still there (a one-sided score test by pictures, with Holm's correction), is large enough, and
/// goes with an effect of the losses themselves.
///
/// # Errors
/// If a setting is out of range, or a given factor is not in the table.
pub fn find(table: &Table, search: &Search) -> Result<Findings, FindingsError> {
    let given = search.check(table.factors())?;
    let searched = Sample::new(table, |picture| is_searched(search.seed, picture));
    let judged = Sample::new(table, |picture| !is_searched(search.seed, picture));

    let cuts: Vec<Vec<f32>> = (0..table.factors().len()).map(|f| cuts(&searched, f)).collect();
    let terms: Vec<Term> = (0..).zip(&cuts).flat_map(|(f, c)| terms_of(&searched, f, c)).collect();
    let values = without_given(&searched, &given, &cuts);
    let sets = |factor| sets_of(&searched, factor, &values, search.both_ways);
    let sets = (0..table.factors().len()).flat_map(sets);
    let all: Vec<Term> = terms.iter().copied().chain(sets).collect();
    let candidates = candidates(&searched, search, &all, &cuts, &given, values);

    let values = without_given(&judged, &given, &cuts);
    let held = hold(&judged, search, &candidates, &cuts, values.clone());
    let mut list = in_order(&judged, held, &cuts, values);
    for finding in &mut list {
        name_the_same(&searched, &terms, finding)?;
    }
    Ok(Findings {
        loss: mean_loss(table),
        searched: searched.pictures.len(),
        judged: judged.pictures.len(),
        candidates: candidates.len(),
        list,
    })
}

/// Whether rules are searched in a picture, rather than judged on it.
pub(crate) fn is_searched(seed: u64, picture: usize) -> bool {
    random::stream(seed, picture as u64, 0, "findings/half").random()
}

fn mean_loss(table: &Table) -> Estimate {
    let all = Sample::new(table, |_| true);
    let everything = vec![true; all.rows.len()];
    let resamples = Resamples::new(all.pictures.len());
    let judged = judge(&all, &resamples, &everything, &all.losses());
    judged.map_or(Estimate { value: 0.0, low: 0.0, high: 0.0 }, |judged| judged.inside)
}

/// The losses without the effects of the given factors.
fn without_given(sample: &Sample, given: &[usize], cuts: &[Vec<f32>]) -> Vec<f64> {
    let mut values = sample.losses();
    for factor in given {
        discount_factor(sample, &mut values, *factor, &cuts[*factor]);
    }
    values
}

/// The candidates that hold on other pictures.
fn hold(
    sample: &Sample,
    search: &Search,
    candidates: &[Candidate],
    cuts: &[Vec<f32>],
    mut values: Vec<f64>,
) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    for Candidate { terms, sign } in candidates {
        let mask = sample.mask(terms);
        let score = Target::new(sample, &values).score_of(sample, &mask);
        // One that is too small here could still be chance: it counts as a test that failed.
        let score = score.filter(|score| search.is_enough(score));
        let (effect, p) =
            score.map_or((0.0, 1.0), |score| (score.effect, upper_tail(sign * score.z)));
        discount(sample, &mut values, terms, cuts);
        held.push(Held { terms: terms.clone(), sign: *sign, mask, effect, p });
    }
    correct(&mut held);
    held.retain(|held| held.p < search.level && held.sign * held.effect >= search.least_effect);
    held
}

/// Holm's correction: the least p times their number, the next times one fewer, and so on.
fn correct(held: &mut [Held]) {
    let mut order: Vec<usize> = (0..held.len()).collect();
    order.sort_by(|a, b| held[*a].p.total_cmp(&held[*b].p));
    let mut least = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(((held.len() - rank) as f64 * held[index].p).min(1.0));
        held[index].p = least;
    }
}

/// The findings, each time the one that explains most of what is left: the greatest variance of
/// losses between inside and outside. What carries most is often just the vaguest, half of all
/// pictures. One that is explained by those before it is named with the first that takes most of it.
fn in_order(
    sample: &Sample,
    mut held: Vec<Held>,
    cuts: &[Vec<f32>],
    mut values: Vec<f64>,
) -> Vec<Finding> {
    let losses = sample.losses();
    let resamples = Resamples::new(sample.pictures.len());
    let mut list: Vec<(Finding, Vec<bool>)> = Vec::new();
    while !held.is_empty() {
        let target = Target::new(sample, &values);
        let explains = |held: &Held| {
            let score = target.score_of(sample, &held.mask);
            let score = score.filter(|score| held.sign * score.effect > 0.0);
            score.map_or(0.0, |s| s.support * (1.0 - s.support) * s.effect.powi(2))
        };
        let all: Vec<f64> = held.iter().map(explains).collect();
        let most = (0..all.len()).fold(0, |best, i| if all[i] > all[best] { i } else { best });
        let next = held.remove(most);
        let raw = judge(sample, &resamples, &next.mask, &losses);
        let left = judge(sample, &resamples, &next.mask, &values);
        let (Some(raw), Some(left)) = (raw, left) else { continue };
        let (Some(contrast), Some(beyond)) = (raw.contrast, left.contrast) else { continue };
        let is_there = |contrast: &Contrast| contrast.effect.is_beyond_zero(next.sign);
        let rule = sample.table.rule_of(&next.terms);
        if !is_there(&beyond) || !is_there(&contrast) {
            let within = |(_, mask): &&mut (Finding, Vec<bool>)| {
                shared(sample, mask, &next.mask)[1] >= MUCH_THE_SAME
            };
            if let Some((finding, _)) = list.iter_mut().find(within) {
                finding.also.push(rule);
            }
            continue;
        }
        discount(sample, &mut values, &next.terms, cuts);
        let finding = Finding {
            rule,
            pictures: raw.pictures,
            effective: raw.effective,
            support: raw.support,
            inside: raw.inside,
            outside: contrast.outside,
            effect: contrast.effect,
            beyond: beyond.effect,
            carried: beyond.carried,
            p: next.p,
            also: Vec::new(),
        };
        list.push((finding, next.mask));
    }
    list.into_iter().map(|(finding, _)| finding).collect()
}

/// Names the conditions on other factors that take nearly the same keypoints, one a factor.
fn name_the_same(
    sample: &Sample,
    terms: &[Term],
    finding: &mut Finding,
) -> Result<(), FindingsError> {
    let own = sample.mask(&sample.table.bind(&finding.rule)?);
    let mut best: Vec<(f64, Term)> = Vec::new();
    for term in terms {
        let name = &sample.table.factors()[term.factor].name;
        if finding.rule.conditions.iter().any(|condition| condition.factor == *name) {
            continue;
        }
        let [share, _] = shared(sample, &own, &sample.mask(&[*term]));
        match best.last_mut().filter(|(_, last)| last.factor == term.factor) {
            Some(last) if share > last.0 => *last = (share, *term),
            None if share >= MUCH_THE_SAME => best.push((share, *term)),
            _ => {}
        }
    }
    let rules = best.into_iter().map(|(_, term)| sample.table.rule_of(&[term]));
    let new: Vec<Rule> = rules.filter(|rule| !finding.also.contains(rule)).collect();
    finding.also.extend(new);
    Ok(())
}

/// The weighted keypoints that both take, as a share of those that either does, and of those that
/// the second does.
fn shared(sample: &Sample, a: &[bool], b: &[bool]) -> [f64; 2] {
    let (mut both, mut either, mut second) = (0.0, 0.0, 0.0);
    for (row, (a, b)) in a.iter().zip(b).enumerate() {
        let weight = |is: bool| if is { sample.weight(row) } else { 0.0 };
        both += weight(*a && *b);
        either += weight(*a || *b);
        second += weight(*b);
    }
    [either, second].map(|all| if all > 0.0 { both / all } else { 0.0 })
}
