//! Exams: fixed sets of rendered images that belong to a scene, not to a run, and that nothing is
//! ever trained on.
//!
//! ```text
//! Exam ─► hardness per image ─► samples ─► renderer ─► ExamSet (kept on disk, with its hash) ─► grade ─► ExamResult
//! ```
//!
//! All exams of a scene draw from one seed: image `i` shows the same body in the same pose before
//! the same backdrop in all of them, as far as their axes allow, so what differs between two exams'
//! results is the axes' doing.

mod grade;
mod levels;
mod set;
mod store;

pub use grade::{AxisResult, BinResult, ExamResult, ExamScore, ImageScore, grade};
pub use levels::{AxisErrors, LevelErrors};
pub use set::{ExamSet, render_exam};
pub use store::{ExamStore, Notice};

use marionette_base::random;
use marionette_physics::Unsolvable;
use marionette_render::RenderError;
use marionette_stream::{Hardness, HardnessAxis};
use rand::Rng;
use serde::{Deserialize, Serialize, de::Error};

/// What can go wrong while an exam is made.
#[derive(Debug, thiserror::Error)]
pub enum ExamError {
    /// The renderer failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The scene asks for what cannot be.
    #[error("exam {exam}: {source}")]
    Unsolvable {
        /// The exam's name.
        exam: String,
        /// Which sample, and why.
        source: Unsolvable,
    },
    /// No exam has this name.
    #[error("no exam is called \"{name}\"; there are {known}, and all")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// An exam: how hard its images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exam {
    /// Every axis evenly over [0, 1].
    Standard,
    /// Every axis over [0, 0.2].
    Easy,
    /// Every axis over [0.7, 1].
    Hard,
    /// Every axis with probability 0.35 over [0, 1], otherwise over [0, 0.25]: most pictures are
    /// hard in one or two respects and everyday in all others.
    Natural,
    /// One axis over [0.8, 1], the others over [0, 0.2].
    HardAxis(HardnessAxis),
    /// One axis over the `level`-th of `levels` equal parts of [0, 1], the others over [0, 0.2];
    /// made by [`Exam::at_level`].
    AxisLevel {
        /// The axis.
        axis: HardnessAxis,
        /// Which part, from 1 (easy) to `levels` (hard).
        level: u8,
        /// How many parts there are.
        levels: u8,
    },
}

/// The probability that an axis of a natural picture is as hard as it happens to be.
const NATURAL_FREE: f32 = 0.35;

impl Exam {
    /// Every exam that goes by a name on the command line: `standard`, `easy`, `hard`, `natural`,
    /// and one per axis.
    pub fn all() -> Vec<Exam> {
        let axes = HardnessAxis::ALL.into_iter().map(Exam::HardAxis);
        [Exam::Standard, Exam::Easy, Exam::Hard, Exam::Natural].into_iter().chain(axes).collect()
    }

    /// One axis over the `level`-th (from 1) of `levels` equal parts of [0, 1], the others over [0,
    /// 0.2]. The first of five is `easy` and the last `hard-AXIS`, the same images.
    pub fn at_level(axis: HardnessAxis, level: u8, levels: u8) -> Exam {
        let levels = levels.max(1);
        let level = level.clamp(1, levels);
        match (level, levels) {
            (1, 5) => Exam::Easy,
            (5, 5) => Exam::HardAxis(axis),
            _ => Exam::AxisLevel { axis, level, levels },
        }
    }

    /// Its name: `standard`, `easy`, `hard`, `hard-pose`, `pose-2-of-5` ...
    pub fn name(self) -> String {
        match self {
            Exam::Standard => "standard".to_owned(),
            Exam::Easy => "easy".to_owned(),
            Exam::Hard => "hard".to_owned(),
            Exam::Natural => "natural".to_owned(),
            Exam::HardAxis(axis) => format!("hard-{axis}"),
            Exam::AxisLevel { axis, level, levels } => format!("{axis}-{level}-of-{levels}"),
        }
    }

    /// The exam of [`Exam::all`] that is called `name`.
    ///
    /// # Errors
    /// If there is none, with the names there are.
    pub fn by_name(name: &str) -> Result<Exam, ExamError> {
        let known = || Exam::all().into_iter().map(Exam::name).collect::<Vec<_>>().join(", ");
        let found = Exam::all().into_iter().find(|exam| exam.name() == name);
        found.ok_or_else(|| ExamError::Unknown { name: name.to_owned(), known: known() })
    }

    /// The exams that `name` stands for: all of them for `all`.
    ///
    /// # Errors
    /// As [`Exam::by_name`].
    pub fn several_by_name(name: &str) -> Result<Vec<Exam>, ExamError> {
        if name == "all" { Ok(Exam::all()) } else { Ok(vec![Exam::by_name(name)?]) }
    }

    /// The hardness of image `index` of this exam, for a scene whose exams are drawn from `seed`.
    fn hardness(self, seed: u64, index: u64) -> Hardness {
        let mut rng = random::stream(seed, index, 0, "exam/hardness");
        let mut free = random::stream(seed, index, 0, "exam/natural");
        std::array::from_fn(|axis| {
            let [low, high] = match self {
                Exam::Standard => [0.0, 1.0],
                Exam::Hard => [0.7, 1.0],
                Exam::Natural if free.random::<f32>() < NATURAL_FREE => [0.0, 1.0],
                Exam::Natural => [0.0, 0.25],
                Exam::HardAxis(hard) if hard as usize == axis => [0.8, 1.0],
                Exam::AxisLevel { axis: graded, level, levels } if graded as usize == axis => {
                    [level.saturating_sub(1), level]
                        .map(|end| f32::from(end) / f32::from(levels.max(1)))
                }
                Exam::Easy | Exam::HardAxis(_) | Exam::AxisLevel { .. } => [0.0, 0.2],
            };
            low + (high - low) * rng.random::<f32>()
        })
    }
}

impl Serialize for Exam {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Exam {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        levels::by_name(&name).map_or_else(|| Exam::by_name(&name), Ok).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exam_is_as_hard_as_its_name_says_and_shares_its_draws_with_the_others() {
        let pose = HardnessAxis::Pose as usize;
        for index in 0..200 {
            let easy = Exam::Easy.hardness(7, index);
            let hard_pose = Exam::HardAxis(HardnessAxis::Pose).hardness(7, index);
            assert!(easy.iter().all(|h| (0.0..0.2).contains(h)));
            assert!((0.8..=1.0).contains(&hard_pose[pose]));
            for axis in (0..easy.len()).filter(|axis| *axis != pose) {
                assert_eq!(easy[axis], hard_pose[axis]);
            }
            assert!(Exam::Hard.hardness(7, index).iter().all(|h| (0.7..=1.0).contains(h)));
        }
        let standard: Vec<f32> =
            (0..200).map(|index| Exam::Standard.hardness(7, index)[pose]).collect();
        assert!(standard.iter().any(|h| *h < 0.05) && standard.iter().any(|h| *h > 0.95));
    }

    #[test]
    fn levels_follow_one_another_and_their_ends_are_exams_of_their_own() {
        let view = HardnessAxis::View;
        assert_eq!(Exam::at_level(view, 1, 5), Exam::Easy);
        assert_eq!(Exam::at_level(view, 5, 5), Exam::HardAxis(view));
        for index in 0..100 {
            let at = |level, levels| Exam::at_level(view, level, levels).hardness(7, index);
            // The same draws, moved by a level.
            let levels = [1, 2, 3, 4, 5].map(|level| at(level, 5)[view as usize]);
            for (level, hardness) in levels.iter().enumerate() {
                assert!(
                    (level as f32 * 0.2..=(level + 1) as f32 * 0.2).contains(hardness),
                    "{levels:?}"
                );
                assert!((hardness - levels[0] - level as f32 * 0.2).abs() < 1e-6, "{levels:?}");
            }
            let others = |mut hardness: Hardness| {
                hardness[view as usize] = 0.0;
                hardness
            };
            assert_eq!(others(at(2, 5)), others(Exam::Easy.hardness(7, index)));
            // What the two names at an end stand for is the same.
            let first = Exam::AxisLevel { axis: view, level: 1, levels: 5 };
            assert_eq!(first.hardness(7, index), Exam::Easy.hardness(7, index));
        }
    }

    #[test]
    fn names_lead_back_to_their_exams() {
        assert_eq!(Exam::all().len(), 4 + HardnessAxis::ALL.len());
        for exam in Exam::all() {
            assert_eq!(Exam::by_name(&exam.name()).unwrap(), exam);
        }
        for axis in HardnessAxis::ALL {
            for (level, levels) in [(1, 5), (2, 5), (5, 5), (1, 1), (12, 12)] {
                let exam = Exam::at_level(axis, level, levels);
                let text = serde_json::to_string(&exam).unwrap();
                assert_eq!(serde_json::from_str::<Exam>(&text).unwrap(), exam, "{text}");
            }
        }
        for wrong in [
            "pose-0-of-5",
            "pose-6-of-5",
            "pose-1-of-0",
            "pose-x-of-5",
            "mood-1-of-5",
            "pose-2-of-5-of-9",
        ] {
            assert!(serde_json::from_str::<Exam>(&format!("\"{wrong}\"")).is_err(), "{wrong}");
        }
        let message = Exam::several_by_name("hard-mood").unwrap_err().to_string();
        assert!(message.contains("\"hard-mood\"") && message.contains("hard-pose"), "{message}");
        assert_eq!(Exam::several_by_name("all").unwrap(), Exam::all());
    }
}
