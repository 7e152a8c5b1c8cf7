//! Keypoints of a video, smoothed over time.

use std::f64::consts::TAU;

/// Frequency above which the movements of a keypoint at rest are taken for noise, Hz.
const LEAST_CUTOFF: f64 = 1.0;
/// By how much that rises with speed, Hz per side of the shown square in a second.
const PER_SPEED: f64 = 8.0;
/// The same frequency for speeds, Hz.
const SPEED_CUTOFF: f64 = 1.0;

/// The 1-euro filter (Casiez, Roussel and Vogel 2012, CHI): a low pass whose cutoff rises with
/// speed, so that what is still does not tremble and what is fast does not lag.
pub struct OneEuro {
    /// Frames a second.
    rate: f64,
    keypoints: Vec<Option<Track>>,
}

/// A coordinate pair: where it is, and how fast it moves, in sides of the shown square a second.
#[derive(Clone, Copy)]
struct Track {
    frame: usize,
    place: [f64; 2],
    speed: [f64; 2],
}

impl OneEuro {
    /// A filter of so many keypoints, in a video of `rate` frames a second.
    pub fn new(rate: f64, keypoints: usize) -> Self {
        OneEuro { rate, keypoints: vec![None; keypoints] }
    }

    /// Smooths the keypoints of frame number `frame`, x and y in pixels and score, in place. `side`
    /// is that of the square that the network was shown, pixels. Frames may be missing.
    pub fn frame(&mut self, frame: usize, side: f64, keypoints: &mut [[f64; 3]]) {
        for (track, [x, y, _]) in self.keypoints.iter_mut().zip(keypoints) {
            let found = [*x, *y];
            let smooth = match *track {
                None => Track { frame, place: found, speed: [0.0; 2] },
                Some(before) => {
                    let seconds = frame.saturating_sub(before.frame).max(1) as f64 / self.rate;
                    before.next(frame, seconds, side, found)
                }
            };
            [*x, *y] = smooth.place;
            *track = Some(smooth);
        }
    }
}

impl Track {
    fn next(&self, frame: usize, seconds: f64, side: f64, found: [f64; 2]) -> Self {
        let mut next = Track { frame, ..*self };
        for axis in 0..2 {
            let speed = (found[axis] - self.place[axis]) / (seconds * side);
            next.speed[axis] += share(SPEED_CUTOFF, seconds) * (speed - self.speed[axis]);
            let cutoff = LEAST_CUTOFF + PER_SPEED * next.speed[axis].abs();
            next.place[axis] += share(cutoff, seconds) * (found[axis] - self.place[axis]);
        }
        next
    }
}

/// How much of the new value a low pass with this cutoff takes.
fn share(cutoff: f64, seconds: f64) -> f64 {
    1.0 / (1.0 + 1.0 / (TAU * cutoff * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;
    use rand_distr::{Distribution, StandardNormal};

    /// Root mean square distance from the truth, found and smoothed, of a keypoint that is at
    /// `truth(second)`, with noise of a hundredth of the side.
    fn errors(truth: impl Fn(f64) -> f64) -> [f64; 2] {
        let mut filter = OneEuro::new(30.0, 1);
        let mut noise = stream(1, 0, 0, "test");
        let mut sums = [0.0; 2];
        for frame in 0..300 {
            let at = truth(frame as f64 / 30.0);
            let normal: f64 = StandardNormal.sample(&mut noise);
            let found = at + 2.0 * normal;
            let mut keypoints = [[found, 50.0, 1.0]];
            filter.frame(frame, 200.0, &mut keypoints);
            if frame >= 30 {
                sums[0] += (found - at).powi(2);
                sums[1] += (keypoints[0][0] - at).powi(2);
            }
        }
        sums.map(|sum| (sum / 270.0).sqrt())
    }

    #[test]
    fn what_is_still_trembles_less_and_what_is_fast_hardly_lags() {
        let [found, smoothed] = errors(|_| 100.0);
        assert!(smoothed < 0.5 * found, "{smoothed} of {found}");
        // Half of the side to and fro, once in two seconds.
        let [found, smoothed] =
            errors(|second| 100.0 + 50.0 * (std::f64::consts::PI * second).sin());
        assert!(smoothed < 1.6 * found, "{smoothed} of {found}");
    }

    #[test]
    fn missing_frames_are_time_and_the_first_is_as_found() {
        let mut filter = OneEuro::new(25.0, 2);
        let mut first = [[1.0, 2.0, 0.5], [3.0, 4.0, 0.5]];
        filter.frame(0, 100.0, &mut first);
        assert_eq!(first, [[1.0, 2.0, 0.5], [3.0, 4.0, 0.5]]);
        let mut soon = [[11.0, 2.0, 0.5], [3.0, 4.0, 0.5]];
        let mut late = soon;
        let mut other = OneEuro::new(25.0, 2);
        other.frame(0, 100.0, &mut first);
        filter.frame(1, 100.0, &mut soon);
        other.frame(50, 100.0, &mut late);
        assert!(soon[0][0] > 1.0 && late[0][0] > soon[0][0] && late[0][0] < 11.0);
        assert_eq!((soon[1], soon[0][2]), ([3.0, 4.0, 0.5], 0.5));
    }
}
