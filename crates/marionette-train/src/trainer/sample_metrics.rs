//! How well a sample was predicted.

use crate::eval::metric::{HIT, WORST, symmetry::Order};
use marionette_stream::Visibility;

/// How well one sample was predicted, measured against its torso length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleMetrics {
    /// Mean distance between predicted and true keypoints, torso lengths, each at most 3.
    pub error: f32,
    /// Keypoints that have a label.
    pub labelled: u32,
    /// Of those, found within 0.2 torso lengths.
    pub found: u32,
    /// Share of the keypoints in sight that were found; of all labelled ones where none is in
    /// sight.
    pub hit_rate: f32,
}

impl SampleMetrics {
    /// Compares `predicted` with `truth`, both image pixels; `torso` is in pixels. Keypoints of a
    /// group of `symmetry` cannot be told apart and are judged by the rule of
    /// [`eval::metric::symmetry`](crate::eval::metric::symmetry).
    pub fn new(
        predicted: &[[f32; 2]],
        truth: &[[f32; 2]],
        visibility: &[Visibility],
        torso: f32,
        symmetry: &[Vec<usize>],
    ) -> Self {
        let torso = torso.max(1.0);
        let truth = &truth[..predicted.len().min(truth.len())];
        let order =
            Order::best(symmetry, predicted, truth, |k| visibility[k] != Visibility::Outside);
        let (mut error, mut labelled, mut found, mut seen, mut seen_found) =
            (0.0, 0u32, 0u32, 0u32, 0u32);
        for (k, (t, v)) in truth.iter().zip(visibility).enumerate() {
            if *v == Visibility::Outside {
                continue;
            }
            let p = predicted[order.of(k)];
            let distance = (p[0] - t[0]).hypot(p[1] - t[1]) / torso;
            let hit = u32::from(distance < HIT);
            labelled += 1;
            found += hit;
            error += distance.min(WORST);
            if *v == Visibility::Seen {
                seen += 1;
                seen_found += hit;
            }
        }
        let share =
            |part: u32, whole: u32| if whole == 0 { 0.0 } else { part as f32 / whole as f32 };
        SampleMetrics {
            error: if labelled == 0 { 0.0 } else { error / labelled as f32 },
            labelled,
            found,
            hit_rate: if seen > 0 { share(seen_found, seen) } else { share(found, labelled) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_in_torso_lengths_of_labelled_keypoints() {
        let truth = [[10.0, 10.0], [20.0, 10.0], [30.0, 10.0], [40.0, 10.0]];
        let predicted = [[13.0, 14.0], [20.0, 30.0], [30.0, 10.0], [0.0, 0.0]];
        let visibility =
            [Visibility::Seen, Visibility::Covered, Visibility::Seen, Visibility::Outside];
        // Torso 20 px: distances 0.25, 1 and 0 torso lengths; the fourth has no label.
        let metrics = SampleMetrics::new(&predicted, &truth, &visibility, 20.0, &[]);
        assert_eq!((metrics.labelled, metrics.found), (3, 1));
        assert!((metrics.error - 1.25 / 3.0).abs() < 1e-6);
        assert_eq!(metrics.hit_rate, 0.5);
        // The last two cannot be told apart, and the only label of them is found by the other.
        let turned = [predicted[0], predicted[1], predicted[3], predicted[2]];
        let with = |symmetry: &[Vec<usize>]| {
            SampleMetrics::new(&turned, &truth, &visibility, 20.0, symmetry)
        };
        assert_eq!(with(&[vec![2, 3]]), metrics);
        assert_eq!(with(&[]).found, 0);
    }
}
