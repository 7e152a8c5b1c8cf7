//! What is wrong with a keypoint that was found in the wrong place.

use serde::{Deserialize, Serialize};

/// How a predicted keypoint came out, after Ronchi & Perona 2017 (arXiv 1707.05388, section 3.1).
///
/// Near is a similarity of at least .5, where the similarity of two places is that of COCO's OKS
/// for one keypoint: exp(-d² / 2 area (2 sigma)²).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Where it is: a similarity of at least .85.
    Good,
    /// Near where it is.
    Jitter,
    /// Near the same keypoint of the other side: left is taken for right.
    LeftRight,
    /// Near another keypoint of the same figure.
    Inversion,
    /// Near a keypoint of another figure.
    Swap,
    /// Near none.
    Miss,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 6] = [
        Outcome::Good,
        Outcome::Jitter,
        Outcome::LeftRight,
        Outcome::Inversion,
        Outcome::Swap,
        Outcome::Miss,
    ];

    /// As it is said.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Good => "right",
            Outcome::Jitter => "a little off",
            Outcome::LeftRight => "left taken for right",
            Outcome::Inversion => "on another keypoint of the same figure",
            Outcome::Swap => "on another figure",
            Outcome::Miss => "nowhere near",
        }
    }
}

/// A similarity from which a keypoint is near another place, and one from which it is right.
const NEAR: f32 = 0.5;
const RIGHT: f32 = 0.85;

/// The keypoints that a prediction may have hit.
pub struct Truths<'a> {
    /// Those of the figure itself, pixels.
    pub own: &'a [[f32; 2]],
    /// Which of these have a label.
    pub labelled: &'a [bool],
    /// Those of the other figures that are in the picture.
    pub others: &'a [[f32; 2]],
    /// For each keypoint, the same one of the other side, or itself.
    pub twins: &'a [usize],
    /// One OKS sigma a keypoint.
    pub sigmas: &'a [f32],
    /// Seen pixels of the figure.
    pub area: f32,
}

impl Truths<'_> {
    /// How keypoint `k` came out that was found at `place`.
    pub fn outcome(&self, k: usize, place: [f32; 2]) -> Outcome {
        let similarity = |truth: &[f32; 2]| {
            let (dx, dy) = (place[0] - truth[0], place[1] - truth[1]);
            let variance = (2.0 * self.sigmas[k]).powi(2) * self.area.max(1.0);
            (-(dx * dx + dy * dy) / (2.0 * variance)).exp()
        };
        let right = similarity(&self.own[k]);
        if right >= RIGHT {
            return Outcome::Good;
        }
        if right >= NEAR {
            return Outcome::Jitter;
        }
        let own = (0..self.own.len()).filter(|other| *other != k && self.labelled[*other]);
        let own = own.map(|other| {
            let twin = other == self.twins[k];
            let outcome = if twin { Outcome::LeftRight } else { Outcome::Inversion };
            (similarity(&self.own[other]), outcome)
        });
        let others = self.others.iter().map(|truth| (similarity(truth), Outcome::Swap));
        let nearest = own.chain(others).max_by(|a, b| a.0.total_cmp(&b.0));
        nearest.filter(|(near, _)| *near >= NEAR).map_or(Outcome::Miss, |(_, outcome)| outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_place_is_told_by_what_is_there() {
        // Nose, left and right wrist; the last has no label. A wrist of somebody else.
        let truths = Truths {
            own: &[[50.0, 10.0], [20.0, 50.0], [80.0, 50.0], [90.0, 90.0]],
            labelled: &[true, true, true, false],
            others: &[[20.0, 90.0]],
            twins: &[0, 2, 1, 3],
            sigmas: &[0.05; 4],
            area: 900.0,
        };
        // A similarity of .5 is reached at 3.5 pixels, of .85 at 1.7.
        for (place, outcome) in [
            ([21.0, 50.0], Outcome::Good),
            ([22.5, 50.0], Outcome::Jitter),
            ([79.0, 50.0], Outcome::LeftRight),
            ([51.0, 11.0], Outcome::Inversion),
            ([21.0, 90.0], Outcome::Swap),
            ([90.0, 90.0], Outcome::Miss),
            ([50.0, 60.0], Outcome::Miss),
        ] {
            assert_eq!(truths.outcome(1, place), outcome, "{place:?}");
        }
        assert_eq!(truths.outcome(0, [20.0, 50.0]), Outcome::Inversion);
    }
}
