//! Counter-based random streams.
//!
//! Every random value of a run comes from a ChaCha8 generator. The generator's *key* says what the
//! value is for: the run's seed, an index (a sample, a step), an attempt and the name of the
//! consumer. No state is carried over from one key to the next. So adding, removing or reordering a
//! consumer or a thread changes no other stream.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator for (`seed`, `index`, `attempt`, `name`).
///
/// The four fill the 256-bit ChaCha key directly. So different arguments give different keys (names
/// up to a 64-bit hash).
pub fn stream(seed: u64, index: u64, attempt: u32, name: &str) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16..20].copy_from_slice(&attempt.to_le_bytes());
    key[24..].copy_from_slice(&fnv1a(name).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Samples an index with a probability in proportion to its weight; `None` where no weight is above
/// 0.
pub fn weighted(rng: &mut impl Rng, weights: impl Iterator<Item = f32> + Clone) -> Option<usize> {
    let mut left = rng.random::<f32>() * weights.clone().sum::<f32>();
    let mut last = None;
    for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
        left -= weight;
        last = Some(index);
        if left < 0.0 {
            break;
        }
    }
    // Rounding may leave a little over after all of them.
    last
}

/// 64-bit FNV-1a (Fowler, Noll, Vo): short, and the same on every platform and in every version of
/// Rust.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_every_part_of_the_key_and_repeat_by_none() {
        let first = |seed, index, attempt, name| stream(seed, index, attempt, name).random::<u64>();
        let base = first(1, 2, 3, "pose");
        assert_eq!(base, first(1, 2, 3, "pose"));
        for other in [
            first(2, 2, 3, "pose"),
            first(1, 3, 3, "pose"),
            first(1, 2, 4, "pose"),
            first(1, 2, 3, "light"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn each_is_sampled_as_often_as_its_weight_says() {
        let mut rng = stream(1, 0, 0, "weights");
        let weights = [0.0f32, 1.0, 0.0, 3.0, 0.0];
        let mut counts = [0; 5];
        for _ in 0..8000 {
            counts[weighted(&mut rng, weights.into_iter()).unwrap()] += 1;
        }
        assert_eq!([counts[0], counts[2], counts[4]], [0; 3]);
        assert!((1850..2150).contains(&counts[1]), "{counts:?}");
        assert_eq!(weighted(&mut rng, [0.0f32; 2].into_iter()), None);
    }
}
