//! The list of hard samples that are rendered again.

use super::config::ReplayConfig;
use super::state::ReplayState;
use super::statistics::usable;
use marionette_base::statistics::{Moments, rank_among};
use marionette_stream::SampleFeedback;
use marionette_stream::{ReplayEntry, SampleStream};

/// Exponent of the rank in a sample's weight: the rank-based variant of prioritised replay (Schaul
/// et al. 2016) found 0.7 best; with 1, the first of 256 would fill a sixth of the replay stream
/// with itself.
const RANK_EXPONENT: f64 = 0.7;

/// A sample has progressed when the mean error of its replays is below this share of its first
/// error.
const FALLEN: f64 = 0.98;

/// Updates the list with a batch. Replays count towards the sample that they repeat. The hardest
/// fresh samples are admitted. Samples leave that are used up, make no progress or exceed the
/// list's size. `fresh` are the batch's fresh samples, `ranks` their difficulty ranks, and
/// `version` the controller's.
pub(super) fn update(
    config: &ReplayConfig,
    list: &mut Vec<ReplayState>,
    samples: &[SampleFeedback],
    fresh: &[&SampleFeedback],
    ranks: &[f64],
    version: u64,
) {
    let scores: Vec<f32> = fresh.iter().map(|sample| sample.difficulty).collect();
    for sample in samples.iter().filter(|sample| sample.stream == SampleStream::Replay) {
        let entry =
            sample.origin.and_then(|origin| list.iter_mut().find(|entry| entry.origin == origin));
        // The sample may have left the list since it was taken for this replay.
        let Some(entry) = entry else { continue };
        // Feedback with a NaN is not counted, but the sample was used.
        entry.uses += 1;
        entry.seen = version;
        if usable(sample) {
            entry.replayed_error.add(1.0, f64::from(sample.error));
            if !scores.is_empty() {
                entry.priority = 0.5 * (entry.priority + rank_among(&scores, sample.difficulty));
            }
        }
    }
    list.retain(|entry| entry.uses < config.uses && !without_progress(config, entry));

    for (sample, &rank) in fresh.iter().zip(ranks) {
        if rank >= config.admit && list.iter().all(|entry| entry.origin != sample.index) {
            list.push(ReplayState {
                origin: sample.index,
                attempt: sample.attempt,
                hardness: sample.hardness,
                priority: rank,
                uses: 0,
                seen: version,
                error: f64::from(sample.error),
                replayed_error: Moments::default(),
            });
        }
    }
    // With equal priorities the newer sample goes first: its priority fits the current network
    // better.
    list.sort_by(|a, b| b.priority.total_cmp(&a.priority).then(b.origin.cmp(&a.origin)));
    list.truncate(config.size);
}

/// Whether a sample has been replayed often enough to show progress and shows none.
fn without_progress(config: &ReplayConfig, entry: &ReplayState) -> bool {
    let fallen = entry.replayed_error.mean().is_some_and(|error| error < FALLEN * entry.error);
    entry.uses >= config.patience && !fallen
}

/// The list as the sampler needs it, weights summing to 1: a share by rank, the rest by how long a
/// sample was not seen.
pub(super) fn entries(
    config: &ReplayConfig,
    list: &[ReplayState],
    version: u64,
) -> Vec<ReplayEntry> {
    let by_rank: Vec<f64> =
        (1..=list.len()).map(|rank| (rank as f64).powf(-RANK_EXPONENT)).collect();
    let age = |entry: &ReplayState| version.saturating_sub(entry.seen) as f64;
    let ranks: f64 = by_rank.iter().sum();
    let ages: f64 = list.iter().map(age).sum();
    let stale = if ages > 0.0 { config.staleness } else { 0.0 };
    let entry = |(entry, by_rank): (&ReplayState, f64)| ReplayEntry {
        origin: entry.origin,
        attempt: entry.attempt,
        hardness: entry.hardness,
        weight: ((1.0 - stale) * by_rank / ranks + stale * age(entry) / ages.max(1.0)) as f32,
    };
    list.iter().zip(by_rank).map(entry).collect()
}
