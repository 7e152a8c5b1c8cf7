//! What a detector has to know about a figure: its keypoints, without its body.

use super::{Figure, symmetry};
use serde::{Deserialize, Serialize};

/// The keypoints of a figure, in label order; part of a model card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeypointScheme {
    /// Names, COCO's for `human`.
    pub names: Vec<String>,
    /// Index of the same keypoint of the other side, or of the keypoint itself: the permutation of
    /// a left/right mirror.
    pub twins: Vec<usize>,
    /// OKS sigmas (COCO's `k / 2`).
    pub sigmas: Vec<f32>,
    /// Groups of keypoints that cannot be told apart. Cards that were written before there were
    /// groups hold none, and those of figures without groups are as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symmetry: Vec<Vec<usize>>,
    /// Pairs of keypoints to draw a line between.
    pub edges: Vec<[usize; 2]>,
    /// The two ends of the torso, (left shoulder, right hip) in a human.
    pub torso: [usize; 2],
}

impl Figure {
    /// The figure's keypoints, without its body.
    pub fn scheme(&self) -> KeypointScheme {
        KeypointScheme {
            names: self.keypoints.iter().map(|keypoint| keypoint.name.clone()).collect(),
            twins: self.keypoint_twins(),
            sigmas: self.keypoints.iter().map(|keypoint| keypoint.sigma).collect(),
            symmetry: self.symmetry.clone(),
            edges: self.edges.clone(),
            torso: self.torso,
        }
    }
}

/// A keypoint's name without what other programs write differently: case, spaces, dashes,
/// underscores.
pub fn plain_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}

impl KeypointScheme {
    /// The keypoint of this name, or else of one that differs only by what [`plain_name`] drops.
    pub fn named(&self, name: &str) -> Option<usize> {
        let exact = self.names.iter().position(|own| own == name);
        let plain = plain_name(name);
        exact.or_else(|| self.names.iter().position(|own| plain_name(own) == plain))
    }

    /// The torso's two diagonals as pairs of keypoints: each shoulder to the opposite hip. The
    /// longer one is the torso length in which PCK is measured.
    pub fn torso_diagonals(&self) -> [[usize; 2]; 2] {
        [self.torso, self.torso.map(|end| self.twins[end])]
    }

    /// What is wrong with a scheme that came from a file; `None` if nothing is. Its lists must be
    /// as long as its names, and its indices must be within them.
    pub fn complaint(&self) -> Option<String> {
        let count = self.names.len();
        if count == 0 {
            return Some("it has no keypoints".to_owned());
        }
        if self.twins.len() != count || self.sigmas.len() != count {
            let (twins, sigmas) = (self.twins.len(), self.sigmas.len());
            return Some(format!(
                "it has {count} keypoint names, {twins} twins and {sigmas} sigmas"
            ));
        }
        let indices = self.twins.iter().chain(self.edges.as_flattened()).chain(&self.torso);
        let indices = indices.chain(self.symmetry.iter().flatten());
        if let Some(index) = indices.copied().find(|index| *index >= count) {
            return Some(format!("it speaks of keypoint {index}, and there are {count}"));
        }
        let sigma = self.sigmas.iter().find(|sigma| !(**sigma > 0.0 && sigma.is_finite()));
        sigma
            .map(|sigma| format!("it has a sigma of {sigma}"))
            .or_else(|| self.symmetry_complaint().map(|(_, complaint)| complaint))
    }

    /// What is wrong with the symmetry groups, and with which; `None` if nothing is. All indices
    /// must be within the names.
    pub(crate) fn symmetry_complaint(&self) -> Option<(usize, String)> {
        symmetry::complaint(&self.symmetry, &self.names, &self.twins, &self.sigmas)
    }
}
