//! What the critic is shown.

use super::config::Subject;
use super::error::{AflError, check_length};
use super::topology::Topology;
use candle_core::{Device, Result, Tensor};
use marionette_nn::Features;
use rayon::prelude::*;

/// Keeps a feature that is the same everywhere finite when it is divided by its deviation.
const SMALLEST_DEVIATION: f32 = 1e-3;

/// One row for each value that the critic gives, sample by sample.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticInput {
    rows: Vec<f32>,
    width: usize,
}

impl CriticInput {
    /// `[rows, width]`.
    pub(super) fn tensor(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.rows, (self.rows.len() / self.width, self.width), &Device::Cpu)
    }
}

/// How wide a row is, for `keypoints` keypoints and features of `channels`.
pub(super) fn width(subject: Subject, keypoints: usize, channels: usize) -> usize {
    match subject {
        Subject::Pose => 2 * keypoints * keypoints,
        Subject::Keypoint => 3 * keypoints + channels,
    }
}

/// Maps, their topology, and what the network sees in the pictures that they belong to.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub topology: &'a Topology,
    /// `[B, K, h, w]`.
    pub maps: &'a [f32],
}

/// The critic's inputs for targets and predictions, whose maps have this shape `[B, K, h, w]`.
///
/// A keypoint's row holds its row of either affinity, which keypoint it is, and the features at the
/// greatest cell of its map, in deviations from their mean over the targets of the batch. One that
/// is not in `mask` (`[B, K]`) has a row of zeros.
///
/// # Errors
/// [`AflError::Length`] if there are not as many features as images and `channels` say.
pub(super) fn critic_inputs(
    subject: Subject,
    sides: [Side; 2],
    shape: [usize; 4],
    mask: &[bool],
    features: Option<&Features>,
    channels: usize,
) -> std::result::Result<[CriticInput; 2], AflError> {
    let [_, keypoints, ..] = shape;
    let width = width(subject, keypoints, channels);
    if subject == Subject::Pose {
        return Ok(sides.map(|side| CriticInput { rows: side.topology.affinities.clone(), width }));
    }
    let seen = match features {
        Some(features) if channels > 0 => {
            let expected = shape[0] * features.size.height * features.size.width * channels;
            check_length("a batch of features", features.values.len(), expected)?;
            sides.map(|side| seen(side.maps, shape, features))
        }
        _ => {
            check_length("a batch of features", 0, shape[0] * channels)?;
            Default::default()
        }
    };
    let [target, _] = &seen;
    let normalise = Normalisation::of(target, mask, channels);
    let rows = |(side, seen): (Side, Vec<f32>)| {
        let mut rows = vec![0.0; mask.len() * width];
        let planes = side.topology.affinities.chunks_exact(2 * keypoints * keypoints);
        let samples = rows.chunks_exact_mut(keypoints * width).zip(planes).enumerate();
        for (sample, (rows, affinities)) in samples {
            for (k, row) in rows.chunks_exact_mut(width).enumerate() {
                let index = sample * keypoints + k;
                if !mask[index] {
                    continue;
                }
                let (planar, rest) = row.split_at_mut(keypoints);
                let (angular, rest) = rest.split_at_mut(keypoints);
                let (which, rest) = rest.split_at_mut(keypoints);
                planar.copy_from_slice(&affinities[k * keypoints..][..keypoints]);
                angular.copy_from_slice(&affinities[(keypoints + k) * keypoints..][..keypoints]);
                which[k] = 1.0;
                normalise.apply(&seen[index * channels..][..channels], rest);
            }
        }
        CriticInput { rows, width }
    };
    let [target, prediction] = seen;
    Ok([rows((sides[0], target)), rows((sides[1], prediction))])
}

/// The features at the greatest cell of every map, `[B, K, C]`.
fn seen(maps: &[f32], shape: [usize; 4], features: &Features) -> Vec<f32> {
    let [_, keypoints, height, width] = shape;
    let at = |(index, map): (usize, &[f32])| {
        let greatest = (1..map.len()).fold(0, |best, i| if map[i] > map[best] { i } else { best });
        let share = |cell: usize, cells: usize| (cell as f32 + 0.5) / cells as f32;
        let place = [share(greatest % width, width), share(greatest / width, height)];
        features.at(index / keypoints, place).to_vec()
    };
    maps.par_chunks_exact(height * width).enumerate().flat_map_iter(at).collect()
}

/// Mean and deviation of every channel.
struct Normalisation {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Normalisation {
    /// Those of the features `[B, K, C]` of the keypoints in `mask` (`[B, K]`).
    fn of(features: &[f32], mask: &[bool], channels: usize) -> Self {
        let count = mask.iter().filter(|labelled| **labelled).count().max(1) as f32;
        let mean_of = |value: &dyn Fn(usize, f32) -> f32| {
            let mut sums = vec![0.0; channels];
            let rows = features.chunks_exact(channels.max(1)).zip(mask);
            for (row, _) in rows.filter(|(_, labelled)| **labelled) {
                let values = row.iter().enumerate();
                sums.iter_mut().zip(values).for_each(|(sum, (c, x))| *sum += value(c, *x));
            }
            sums.iter_mut().for_each(|sum| *sum /= count);
            sums
        };
        let mean = mean_of(&|_, x| x);
        let variance = mean_of(&|channel, x| (x - mean[channel]).powi(2));
        let deviation = variance.into_iter().map(|v| v.sqrt() + SMALLEST_DEVIATION).collect();
        Normalisation { mean, deviation }
    }

    fn apply(&self, features: &[f32], to: &mut [f32]) {
        let moments = self.mean.iter().zip(&self.deviation);
        for ((to, x), (mean, deviation)) in to.iter_mut().zip(features).zip(moments) {
            *to = (x - mean) / deviation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::topology::Threshold;
    use super::*;
    use marionette_nn::graph::MapSize;

    #[test]
    fn a_keypoint_is_shown_its_topology_which_it_is_and_what_is_seen_there() {
        // One sample of two keypoints in maps of 2 x 1 cells, then one with the second unlabelled.
        let maps = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        let (shape, mask) = ([2, 2, 1, 2], [true, true, true, false]);
        let topology = Topology::of(&maps, shape, Some(&mask), Threshold::Absolute(0.1)).unwrap();
        let size = MapSize { channels: 1, height: 1, width: 2 };
        let features = Features { values: vec![1.0, 4.0, 2.0, 7.0], size };
        let side = Side { topology: &topology, maps: &maps };
        let inputs = |subject, features, channels| {
            critic_inputs(subject, [side; 2], shape, &mask, features, channels)
        };
        let [target, prediction] = inputs(Subject::Keypoint, Some(&features), 1).unwrap();
        assert_eq!(target, prediction);
        let rows: Vec<&[f32]> = target.rows.chunks_exact(7).collect();
        let planar = &topology.affinities[..4];
        assert_eq!(rows[1][..2], planar[2..]);
        assert_eq!((rows[0][4..6].to_vec(), rows[1][4..6].to_vec()), (vec![1., 0.], vec![0., 1.]));
        // Seen are 1, 4 and 7: mean 4, deviation √6.
        let seen = [rows[0][6], rows[1][6], rows[2][6]];
        let expected = [-1.5f32.sqrt(), 0.0, 1.5f32.sqrt()];
        assert!(seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{seen:?}");
        assert_eq!(rows[3], [0.0; 7]);

        let [blind, _] = inputs(Subject::Keypoint, None, 0).unwrap();
        assert_eq!(blind.rows[..6], rows[0][..6]);
        let [pose, _] = inputs(Subject::Pose, None, 1).unwrap();
        assert_eq!(pose.rows, topology.affinities);
    }
}
