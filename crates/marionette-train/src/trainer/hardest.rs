//! What the network finds hardest, in words: a linear model of the scores over what was drawn.

use super::recent::RecentRows;
use candle_core::Tensor;
use marionette_figure::Figure;
use marionette_stream::{AXES, HardnessAxis, SceneSample, Side};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

// Numbers kept of each sample.
const RANK: usize = 0;
const FAMILY: usize = 1;
const SIDE: usize = 2;
/// Its hardness, one number an axis, from here on.
const HARDNESS: usize = 3;
const COLUMNS: usize = HARDNESS + AXES;

/// How many samples' weight draws every coefficient towards 0.
const RIDGE: f64 = 10.0;
/// A pose from a side of which fewer samples were seen is not named.
const ENOUGH: usize = 10;
/// Combinations named.
const NAMED: usize = 5;

/// A pose seen from a side, and how hard it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// The family of poses.
    pub pose: String,
    /// The side that is seen.
    pub side: Side,
    /// The model's rank of its score among the samples, in [0, 1], where every axis is at its mean.
    pub rank: f32,
    /// Samples of it that were seen.
    pub samples: usize,
}

/// What the network finds hardest, of what was drawn of late.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hardest {
    /// The hardest combinations of pose and side, hardest first.
    pub combinations: Vec<Combination>,
    /// How far the score's rank rises from hardness 0 to 1 of an axis, in
    /// [`HardnessAxis::ALL`] order.
    pub axes: [f32; AXES],
    /// The share of the ranks' variance that the model explains, in the samples it was fitted to.
    pub explained: f32,
}

impl Hardest {
    /// In a line; none where nothing was seen often enough.
    pub fn words(&self) -> Option<String> {
        let first = self.combinations.first()?;
        let axis = self.axes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let axis = axis.map_or("", |(axis, _)| HardnessAxis::ALL[axis].name());
        let pose = first.pose.replace('_', " ");
        Some(format!("\"{pose}\" seen {}; of the axes {axis}", first.side.words()))
    }
}

/// What was drawn of late, and the scores' ranks within their batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawn {
    rows: RecentRows<COLUMNS>,
}

impl Drawn {
    /// Adds a sample.
    pub fn add(&mut self, scene: &SceneSample, rank: f64) {
        let mut row = [0.0; COLUMNS];
        row[RANK] = rank as f32;
        row[FAMILY] = scene.figures[0].family as f32;
        row[SIDE] = f32::from(Side::of(scene) as u8);
        row[HARDNESS..].copy_from_slice(&scene.hardness);
        self.rows.push(row);
    }

    /// The rows as a tensor for a checkpoint.
    pub fn tensor(&self) -> candle_core::Result<Tensor> {
        self.rows.tensor()
    }

    /// The rows of a checkpoint, of a figure with `families` families of poses.
    ///
    /// # Errors
    /// If they are not rows of such a figure's samples.
    pub fn restore(tensor: &Tensor, families: usize) -> candle_core::Result<Self> {
        let rows = RecentRows::<COLUMNS>::restore(tensor)?;
        let fits = |row: &[f32; COLUMNS]| {
            (0.0..families as f32).contains(&row[FAMILY])
                && (0.0..Side::ALL.len() as f32).contains(&row[SIDE])
        };
        if !rows.iter().all(fits) {
            candle_core::bail!("samples of other families of poses");
        }
        Ok(Drawn { rows })
    }

    /// The model, by ridge regression of the ranks on pose, side, both together and every axis.
    pub fn hardest(&self, figure: &Figure) -> Hardest {
        let (families, sides) = (figure.poses.len(), Side::ALL.len());
        let together = families + sides;
        let axes = together + families * sides;
        let terms = axes + AXES;
        if self.rows.len() == 0 {
            return Hardest::default();
        }
        let count = self.rows.len() as f64;
        let mean =
            |column: usize| self.rows.iter().map(|row| f64::from(row[column])).sum::<f64>() / count;
        let means: [f64; COLUMNS] = std::array::from_fn(mean);
        // Every sample has three terms that are 1, and the axes.
        let sample = |row: &[f32; COLUMNS]| {
            let (family, side) = (row[FAMILY] as usize, row[SIDE] as usize);
            let mut sample = [(0, 1.0); 3 + AXES];
            sample[0].0 = family;
            sample[1].0 = families + side;
            sample[2].0 = together + family * sides + side;
            for axis in 0..AXES {
                let hardness = f64::from(row[HARDNESS + axis]) - means[HARDNESS + axis];
                sample[3 + axis] = (axes + axis, hardness);
            }
            sample
        };
        let mut gram = DMatrix::<f64>::identity(terms, terms) * RIDGE;
        let mut right = DVector::<f64>::zeros(terms);
        let mut seen = vec![0usize; families * sides];
        for row in self.rows.iter() {
            let sample = sample(row);
            seen[sample[2].0 - together] += 1;
            for (a, x) in sample {
                right[a] += x * (f64::from(row[RANK]) - means[RANK]);
                for (b, y) in sample {
                    gram[(a, b)] += x * y;
                }
            }
        }
        // The ridge makes it positive definite, so there is a decomposition.
        let Some(weights) = gram.cholesky().map(|cholesky| cholesky.solve(&right)) else {
            return Hardest::default();
        };
        let (mut left, mut all) = (0.0, 0.0);
        for row in self.rows.iter() {
            let guess: f64 = sample(row).iter().map(|(term, x)| x * weights[*term]).sum();
            let rank = f64::from(row[RANK]) - means[RANK];
            (left, all) = (left + (rank - guess).powi(2), all + rank.powi(2));
        }
        let mut combinations: Vec<Combination> = (0..families * sides)
            .filter(|cell| seen[*cell] >= ENOUGH)
            .map(|cell| {
                let (family, side) = (cell / sides, cell % sides);
                let above = weights[family] + weights[families + side] + weights[together + cell];
                Combination {
                    pose: figure.poses[family].name.clone(),
                    side: Side::ALL[side],
                    rank: (means[RANK] + above).clamp(0.0, 1.0) as f32,
                    samples: seen[cell],
                }
            })
            .collect();
        combinations.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        combinations.truncate(NAMED);
        Hardest {
            combinations,
            axes: std::array::from_fn(|axis| weights[axes + axis] as f32),
            explained: if all > 0.0 { (1.0 - left / all) as f32 } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;
    use marionette_scene::load_scene;
    use rand::Rng;

    #[test]
    fn a_pose_that_is_hard_from_one_side_alone_is_named() -> candle_core::Result<()> {
        let figure = load_scene("quickstart").unwrap().figure;
        let (families, mut random) = (figure.poses.len(), stream(3, 0, 0, "hardest"));
        let mut drawn = Drawn::default();
        for _ in 0..6000 {
            let mut row: [f32; COLUMNS] = std::array::from_fn(|_| random.random());
            row[FAMILY] = random.random_range(0..10) as f32;
            row[SIDE] = random.random_range(0..Side::ALL.len()) as f32;
            // The second pose is hard from behind, and the seventh axis makes everything harder.
            let hard = f32::from(u8::from(row[FAMILY] == 1.0 && row[SIDE] == 1.0));
            row[RANK] = 0.3 + 0.3 * hard + 0.2 * row[HARDNESS + 6] + 0.1 * random.random::<f32>();
            drawn.rows.push(row);
        }
        let hardest = drawn.hardest(&figure);
        let first = &hardest.combinations[0];
        assert_eq!((first.pose.as_str(), first.side), (figure.poses[1].name.as_str(), Side::Back));
        assert!((first.rank - 0.75).abs() < 0.05, "{first:?}");
        assert!(hardest.combinations[1].rank < 0.5);
        assert!((hardest.axes[6] - 0.2).abs() < 0.01 && hardest.axes[0].abs() < 0.01);
        assert!(hardest.explained > 0.7);
        let words = hardest.words().unwrap();
        assert!(words.ends_with("seen from behind; of the axes crowd"), "{words}");

        assert_eq!(Drawn::restore(&drawn.tensor()?, families)?, drawn);
        assert!(Drawn::restore(&drawn.tensor()?, 1).is_err());
        assert_eq!(Drawn::default().hardest(&figure), Hardest::default());
        assert_eq!(Hardest::default().words(), None);
        Ok(())
    }
}
