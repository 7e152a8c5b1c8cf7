//! Keypoints that cannot be told apart are judged under their best permutation.
//!
//! One rule for every metric: within each symmetry group predictions go to labels so that their
//! distances from them sum to the least. It is the distances that are summed and not their squares,
//! because then a prediction that is exactly right is never given away for one that is far off. A
//! label that is missing takes whatever is left.

use marionette_base::matching::least_cost;

/// Which prediction each label of a person is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Order(Option<Vec<usize>>);

impl Order {
    /// The best order of a person's `predicted` places beside the `truth`, both in the same
    /// coordinates, of which those have a label that `labelled` says so of. Without groups in
    /// `symmetry` every label is judged by its own keypoint, and nothing is looked at.
    pub fn best<T: Copy + Into<f64>>(
        symmetry: &[Vec<usize>],
        predicted: &[[T; 2]],
        truth: &[[T; 2]],
        labelled: impl Fn(usize) -> bool,
    ) -> Self {
        if symmetry.is_empty() {
            return Order(None);
        }
        let distance = |label: usize, prediction: usize| {
            if !labelled(label) {
                return 0.0;
            }
            let ([px, py], [tx, ty]) =
                (predicted[prediction].map(Into::into), truth[label].map(Into::into));
            (px - tx).hypot(py - ty)
        };
        Order(Some(least_cost(symmetry, truth.len(), distance)))
    }

    /// The prediction that the label of keypoint `k` is judged by.
    pub fn of(&self, k: usize) -> usize {
        self.0.as_ref().map_or(k, |order| order[k])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_go_to_the_nearest_labels_as_a_whole() {
        let truth = [[0.0f32, 0.0], [10.0, 0.0], [20.0, 0.0], [50.0, 50.0]];
        let predicted = [[19.0, 0.0], [1.0, 0.0], [9.0, 1.0], [0.0, 0.0]];
        let all = |_| true;
        let order = |symmetry: &[Vec<usize>]| {
            let order = Order::best(symmetry, &predicted, &truth, all);
            [0, 1, 2, 3].map(|k| order.of(k))
        };
        assert_eq!(order(&[vec![0, 1, 2]]), [1, 2, 0, 3]);
        assert_eq!(order(&[vec![0, 1]]), [1, 0, 2, 3]);
        assert_eq!(order(&[]), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_exactly_right_is_kept_beside_a_wild_guess() {
        // Their squares would rather have two misses than one that is twice as far.
        let truth = [[0.0f64, 0.0], [10.0, 0.0]];
        let predicted = [[10.0, 0.0], [20.0, 0.0]];
        let order = Order::best(&[vec![0, 1]], &predicted, &truth, |_| true);
        assert_eq!([order.of(0), order.of(1)], [0, 1], "both sum to 20: the first counts");
        let off = [[10.0, 0.0], [19.0, 4.0]];
        let order = Order::best(&[vec![0, 1]], &off, &truth, |_| true);
        assert_eq!([order.of(0), order.of(1)], [1, 0]);
    }

    #[test]
    fn a_missing_label_takes_what_is_left() {
        let truth = [[0.0f32, 0.0], [10.0, 0.0]];
        let predicted = [[9.0, 0.0], [4.0, 0.0]];
        let of = |labelled: [bool; 2]| {
            let order = Order::best(&[vec![0, 1]], &predicted, &truth, |k| labelled[k]);
            [order.of(0), order.of(1)]
        };
        assert_eq!(of([false, true]), [1, 0]);
        assert_eq!(of([true, false]), [1, 0]);
        assert_eq!(of([false, false]), [0, 1]);
        let lost = [[f32::NAN, 0.0], [0.0, 0.0]];
        let order = Order::best(&[vec![0, 1]], &lost, &truth, |_| true);
        assert_eq!([order.of(0), order.of(1)], [0, 1]);
    }
}
