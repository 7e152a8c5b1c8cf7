//! Small moves of the critic's targets.

use marionette_base::random;
use rand::Rng;

/// `keypoints` moved by up to `amount` pixels along either axis, uniformly, from the stream of
/// (`seed`, `step`).
pub fn jittered(keypoints: &[[f32; 2]], amount: f64, seed: u64, step: u64) -> Vec<[f32; 2]> {
    let mut stream = random::stream(seed, step, 0, "afl/jitter");
    let mut moved = |x: f32| x + amount as f32 * (2.0 * stream.random::<f32>() - 1.0);
    keypoints.iter().map(|point| point.map(&mut moved)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn afl_jitter_is_bounded_and_keyed_by_step() {
        let keypoints = vec![[5.0; 2]; 50];
        let moved = jittered(&keypoints, 0.5, 1, 7);
        let mut values = moved.iter().flatten();
        assert!(
            values.clone().all(|x| (x - 5.0).abs() <= 0.5) && values.any(|x| (x - 5.0).abs() > 0.3)
        );
        assert_eq!(moved, jittered(&keypoints, 0.5, 1, 7));
        assert_ne!(moved, jittered(&keypoints, 0.5, 1, 8));
    }
}
