//! Exams: fixed sets of rendered images that belong to a scene, not to a run, and that nothing is ever trained on.
//!
//! ```text
//! Exam ─► hardness per image ─► samples ─► renderer ─► ExamSet (kept on disk, with its hash) ─► grade ─► ExamResult
//! ```
//!
//! All exams of a scene draw from one seed: image `i` shows the same body in the same pose before the same backdrop in all of
//! them, as far as their axes allow, so what differs between two exams' results is the axes' doing.

mod grade;
mod set;
mod store;

pub use grade::{AxisResult, BinResult, ExamResult, grade};
pub use set::{ExamSet, render_exam};
pub use store::{ExamStore, Notice};

use crate::{
    physics::Unsolvable,
    random,
    render::RenderError,
    scene::{Hardness, HardnessAxis},
};
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
    /// One axis over [0.8, 1], the others over [0, 0.2].
    HardAxis(HardnessAxis),
}

impl Exam {
    /// Every exam: `standard`, `easy`, `hard`, and one per axis.
    pub fn all() -> Vec<Exam> {
        let axes = HardnessAxis::ALL.into_iter().map(Exam::HardAxis);
        [Exam::Standard, Exam::Easy, Exam::Hard].into_iter().chain(axes).collect()
    }

    /// The name that it is asked for by: `standard`, `easy`, `hard`, `hard-pose` ...
    pub fn name(self) -> String {
        match self {
            Exam::Standard => "standard".to_owned(),
            Exam::Easy => "easy".to_owned(),
            Exam::Hard => "hard".to_owned(),
            Exam::HardAxis(axis) => format!("hard-{axis}"),
        }
    }

    /// The exam called `name`.
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
        std::array::from_fn(|axis| {
            let [low, high] = match self {
                Exam::Standard => [0.0, 1.0],
                Exam::Hard => [0.7, 1.0],
                Exam::HardAxis(hard) if hard as usize == axis => [0.8, 1.0],
                Exam::Easy | Exam::HardAxis(_) => [0.0, 0.2],
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
        Exam::by_name(&String::deserialize(from)?).map_err(D::Error::custom)
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
        let standard: Vec<f32> = (0..200).map(|index| Exam::Standard.hardness(7, index)[pose]).collect();
        assert!(standard.iter().any(|h| *h < 0.05) && standard.iter().any(|h| *h > 0.95));
    }

    #[test]
    fn names_lead_back_to_their_exams() {
        assert_eq!(Exam::all().len(), 3 + HardnessAxis::ALL.len());
        for exam in Exam::all() {
            assert_eq!(Exam::by_name(&exam.name()).unwrap(), exam);
        }
        let message = Exam::several_by_name("hard-mood").unwrap_err().to_string();
        assert!(message.contains("\"hard-mood\"") && message.contains("hard-pose"), "{message}");
        assert_eq!(Exam::several_by_name("all").unwrap(), Exam::all());
    }
}
