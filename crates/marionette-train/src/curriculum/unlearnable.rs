//! Bins that make no progress while the rest is learned. The curriculum should not spend samples on
//! them.

use super::state::{BinState, ControllerState};

/// Share of all bins, those of highest error, that may be called unlearnable.
const SUSPECTS: f64 = 0.1;
/// Relative fall of the error, from the slow to the fast average and over all bins, that counts as
/// the run progressing.
const PROGRESS: f64 = 0.01;
/// A suspect below this share of the run's own progress stalls...
const STALLS: f64 = 0.25;
/// ...and above this share it is learnable after all.
const REVIVES: f64 = 0.5;

/// How far the error of a bin has fallen lately, relative to what it was; none before the first
/// sample.
fn fall(bin: &BinState) -> Option<f64> {
    let slow = bin.error.mean()?;
    (slow > 0.0).then_some(1.0 - bin.recent_error.mean()? / slow)
}

/// At an update, counts for how long each bin of the highest errors has made no progress.
///
/// Progress is measured against the run's own. When nothing is being learned any more, the highest
/// errors do not fall either, but that says nothing about *them*; so the counts then stay as they
/// are.
pub(super) fn count_stalls(state: &mut ControllerState) {
    let bins = || state.axes.iter().flat_map(|axis| &axis.bins);
    let mut errors: Vec<f64> = bins().filter_map(|bin| bin.error.mean()).collect();
    let falls: Vec<f64> = bins().filter_map(fall).collect();
    if falls.is_empty() {
        return;
    }
    let progress = falls.iter().sum::<f64>() / falls.len() as f64;
    errors.sort_by(|a, b| b.total_cmp(a));
    let suspects = ((errors.len() as f64 * SUSPECTS).ceil() as usize).clamp(1, errors.len());
    let suspicious = errors[suspects - 1];
    for bin in state.axes.iter_mut().flat_map(|axis| &mut axis.bins) {
        let (Some(error), Some(fall)) = (bin.error.mean(), fall(bin)) else { continue };
        if error < suspicious {
            bin.stalled = 0;
        } else if progress > PROGRESS {
            if fall < STALLS * progress {
                bin.stalled = bin.stalled.saturating_add(1);
            } else if fall > REVIVES * progress {
                bin.stalled = 0;
            }
        } else if fall > PROGRESS {
            bin.stalled = 0;
        }
    }
}
