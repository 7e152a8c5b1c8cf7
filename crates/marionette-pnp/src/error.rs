//! Why there is no camera.

/// Why no camera, no pose or no file could be made sense of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PnpError {
    /// Too few keypoints were found.
    #[error(
        "{found} of {all} keypoints were found with a confidence of at least {least}; a camera \
         needs 4 that are apart from one another"
    )]
    TooFew {
        /// How many were.
        found: usize,
        /// How many there are.
        all: usize,
        /// The least confidence that counts.
        least: f64,
    },
    /// They lie in a line, about which the camera could turn.
    #[error(
        "the {0} keypoints that were found lie in a line or at a point, so the camera could be \
         anywhere around it; it takes others beside the line"
    )]
    Collinear(usize),
    /// Whatever the camera, points would be behind it.
    #[error("every camera that fits the keypoints has some of them behind it")]
    Behind,
    /// The keypoints contradict one another.
    #[error(
        "no camera puts more than {most} of the {all} keypoints within {pixels} pixels of where \
         they were found, and it takes 4; are joint states and intrinsics those of this picture?"
    )]
    Disagreement {
        /// How many the best does.
        most: usize,
        /// How many were found.
        all: usize,
        /// How far away counts as there.
        pixels: f64,
    },
    /// The keypoints leave a way to move open.
    #[error("the keypoints that were found leave the camera undetermined")]
    Undetermined,
    /// A number is not finite, or beyond ten millions.
    #[error("keypoint {0} has a number that is not finite, or is beyond ten millions")]
    NotFinite(usize),
    /// A file or a value in it.
    #[error("{0}")]
    File(String),
    /// Joint states that are not those of the figure.
    #[error("{0}")]
    Joints(String),
}
