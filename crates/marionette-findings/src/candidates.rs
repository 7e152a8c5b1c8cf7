//! The rules that half of the pictures suggests: one after the other, each on what those before it
//! leave of the losses.

use crate::{
    adds::every_condition_adds,
    beam::{Ground, Tried},
    discount::discount,
    sample::Sample,
    score::Target,
    settings::Search,
    term::Term,
};

/// Deviations from the rest that a rule of so many conditions needs to be suggested: there are more
/// long ones to choose from.
const LEAST: [f64; 4] = [3.0, 4.0, 4.5, 5.0];

/// How many times as much a rule must tell apart as the same with a condition less, or with a
/// category less.
const MORE: f64 = 1.1;

/// Long rules that are looked at more closely, a round.
const MOST_CHECKS: usize = 60;

/// A rule that is to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub terms: Vec<Term>,
    /// 1 where it loses more than the rest, -1 where it loses less.
    pub sign: f64,
}

/// The candidates, in the order in which they were found. `values` are the losses, free of what is
/// given; `given` factors stand in no rule alone.
pub(crate) fn candidates(
    sample: &Sample,
    search: &Search,
    terms: &[Term],
    cuts: &[Vec<f32>],
    given: &[usize],
    mut values: Vec<f64>,
) -> Vec<Candidate> {
    let ground = Ground::new(sample, search, terms);
    let mut found: Vec<Candidate> = Vec::new();
    while found.len() < search.most_findings {
        let target = Target::new(sample, &values);
        let Some(next) = next(&ground, sample, &target, &values, given, &found) else { break };
        discount(sample, &mut values, &next.terms, cuts);
        found.push(next);
    }
    found
}

fn next(
    ground: &Ground,
    sample: &Sample,
    target: &Target,
    values: &[f64],
    given: &[usize],
    found: &[Candidate],
) -> Option<Candidate> {
    let tried = ground.search(target);
    let is_clear = |tried: &&Tried| {
        let least = LEAST[tried.terms.len() - 1];
        ground.worth(&tried.score) > 0.0 && tried.score.z.abs() >= least
    };
    let clear = tried.iter().filter(is_clear);
    let mut new = clear
        .filter(|tried| !tried.terms.iter().all(|term| given.contains(&term.factor)))
        .filter(|tried| !found.iter().any(|other| are_alike(&other.terms, &tried.terms)));
    let mut checks = 0;
    let chosen = new.find(|tried| {
        if matches!(&tried.terms[..], [only] if !only.is_set()) {
            return true;
        }
        checks += 1;
        checks <= MOST_CHECKS
            && tells_more_than_its_parts(ground, sample, target, tried)
            && every_condition_adds(sample, values, &tried.terms, tried.score.z.signum())
    })?;
    Some(Candidate { terms: chosen.terms.clone(), sign: chosen.score.z.signum() })
}

fn tells_more_than_its_parts(
    ground: &Ground,
    sample: &Sample,
    target: &Target,
    tried: &Tried,
) -> bool {
    let shorter = (0..tried.terms.len()).map(|left_out| {
        let mut part = tried.terms.clone();
        part.remove(left_out);
        part
    });
    let smaller = (0..tried.terms.len()).flat_map(|term| {
        tried.terms[term].parts().into_iter().map(move |of_fewer| {
            let mut part = tried.terms.clone();
            part[term] = of_fewer;
            part
        })
    });
    shorter.filter(|part| !part.is_empty()).chain(smaller).all(|part| {
        let score = target.score_of(sample, &sample.mask(&part));
        score.is_none_or(|score| ground.worth(&tried.score) >= ground.worth(&score) * MORE)
    })
}

/// Whether two rules say the same but for where numbers are cut.
pub(crate) fn are_alike(a: &[Term], b: &[Term]) -> bool {
    a.len() == b.len() && a.iter().all(|term| b.iter().any(|other| term.is_alike(other)))
}
