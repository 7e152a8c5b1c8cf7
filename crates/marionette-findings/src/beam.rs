//! Searches rules of several conditions: the best of one length are made longer.
//!
//! Only sums over pictures are looked at. What a picture adds is the same for all rules with the
//! same conditions on keypoints, so it is computed once for these; conditions on pictures are bits.

use crate::{
    sample::Sample,
    score::{Score, Target, add},
    settings::Search,
    term::Term,
};
use std::collections::BTreeSet;

/// Rules of the beam that differ only in where numbers are cut.
const MOST_ALIKE: usize = 2;

/// Where rules are searched.
pub(crate) struct Ground<'s> {
    sample: &'s Sample<'s>,
    search: &'s Search,
    terms: &'s [Term],
    /// The pictures or keypoints for which each term holds.
    bits: Vec<Vec<u64>>,
}

/// A rule that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub terms: Vec<Term>,
    pub score: Score,
}

/// Indices of terms on keypoints, and of terms on pictures; both ascending.
type Chosen = (Vec<usize>, Vec<usize>);

impl<'s> Ground<'s> {
    pub fn new(sample: &'s Sample<'s>, search: &'s Search, terms: &'s [Term]) -> Self {
        let bits = |term: &Term| {
            let factor = &sample.table.factors()[term.factor];
            let entries = 0..sample.entries(term.factor);
            set_bits(entries.map(|e| term.holds(factor, sample.entry(term.factor, e).0)))
        };
        Self { sample, search, terms, bits: terms.iter().map(bits).collect() }
    }

    /// All rules of one condition and the best longer ones; those that tell most apart first.
    pub fn search(&self, target: &Target) -> Vec<Tried> {
        let singles: BTreeSet<Chosen> =
            (0..self.terms.len()).map(|term| self.longer(&(vec![], vec![]), term)).collect();
        let mut found = self.rank(target, &singles);
        let mut beam = self.best(&found);
        for _ in 1..self.search.conditions {
            let pairs = beam.iter().flat_map(|rule| {
                let fits = |&term: &usize| self.fits(rule, term);
                (0..self.terms.len()).filter(fits).map(|term| self.longer(rule, term))
            });
            let longer: BTreeSet<Chosen> = pairs.collect();
            let ranked = self.rank(target, &longer);
            beam = self.best(&ranked);
            let kept = ranked.into_iter().filter(|(rule, _)| beam.contains(rule));
            found.extend(kept.collect::<Vec<_>>());
        }
        let mut tried: Vec<Tried> = found
            .into_iter()
            .map(|(rule, score)| Tried {
                terms: rule.0.iter().chain(&rule.1).map(|term| self.terms[*term]).collect(),
                score,
            })
            .collect();
        // Of equals the shorter, which comes first.
        tried.sort_by(|a, b| self.worth(&b.score).total_cmp(&self.worth(&a.score)));
        tried
    }

    /// How much a rule tells apart in a direction that counts.
    pub fn worth(&self, score: &Score) -> f64 {
        if self.search.both_ways { score.worth().abs() } else { score.worth() }
    }

    fn fits(&self, rule: &Chosen, term: usize) -> bool {
        let mut all = rule.0.iter().chain(&rule.1);
        all.all(|of| self.terms[*of].goes_with(&self.terms[term]))
    }

    fn longer(&self, rule: &Chosen, term: usize) -> Chosen {
        let mut longer = rule.clone();
        let on_pictures = self.sample.table.is_of_pictures(self.terms[term].factor);
        let part = if on_pictures { &mut longer.1 } else { &mut longer.0 };
        part.insert(part.partition_point(|other| *other < term), term);
        longer
    }

    /// Scores the rules, leaves out those that are too small or too large, and puts the best first.
    fn rank(&self, target: &Target, rules: &BTreeSet<Chosen>) -> Vec<(Chosen, Score)> {
        let pictures = self.sample.pictures.len();
        let all = set_bits((0..pictures).map(|_| true));
        let mut scored = Vec::new();
        let mut of_pictures = Vec::new();
        let mut last: Option<&[usize]> = None;
        for rule in rules {
            let (on_keypoints, on_pictures) = rule;
            if last != Some(on_keypoints) {
                let takes =
                    |row: usize| on_keypoints.iter().all(|term| is_set(&self.bits[*term], row));
                of_pictures = target.sums(self.sample, takes);
                last = Some(on_keypoints);
            }
            let mut sums = [0.0; 8];
            for word in 0..all.len() {
                let mut bits = on_pictures.iter().fold(all[word], |b, t| b & self.bits[*t][word]);
                while bits != 0 {
                    add(&mut sums, &of_pictures[word * 64 + bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
            }
            if let Some(score) = target.score(&sums).filter(|score| self.search.takes(score)) {
                scored.push((rule.clone(), score));
            }
        }
        scored.sort_by(|a, b| self.worth(&b.1).total_cmp(&self.worth(&a.1)));
        scored
    }

    /// The rules that are made longer. Few that differ only in where a number is cut.
    fn best(&self, ranked: &[(Chosen, Score)]) -> Vec<Chosen> {
        let mut best: Vec<Chosen> = Vec::new();
        for (rule, score) in ranked {
            if best.len() == self.search.beam || self.worth(score) <= 0.0 {
                break;
            }
            let alike = best.iter().filter(|other| self.are_alike(rule, other)).count();
            if alike < MOST_ALIKE {
                best.push(rule.clone());
            }
        }
        best
    }

    fn are_alike(&self, a: &Chosen, b: &Chosen) -> bool {
        [(&a.0, &b.0), (&a.1, &b.1)].into_iter().all(|(a, b)| {
            let mut each = a.iter().zip(b);
            // A category may be better made longer than a set that it is in.
            let alike = |a: &Term, b: &Term| a.is_alike(b) && a.is_set() == b.is_set();
            a.len() == b.len() && each.all(|(a, b)| alike(&self.terms[*a], &self.terms[*b]))
        })
    }
}

fn set_bits(all: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut words = Vec::new();
    for (index, is) in all.enumerate() {
        if index % 64 == 0 {
            words.push(0);
        }
        words[index / 64] |= u64::from(is) << (index % 64);
    }
    words
}

fn is_set(bits: &[u64], index: usize) -> bool {
    bits[index / 64] >> (index % 64) & 1 == 1
}
