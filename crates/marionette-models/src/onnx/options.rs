//! What somebody says of an ONNX file.

/// What somebody says of an ONNX file; what they leave out is taken from the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnnxOptions {
    /// What it gives.
    pub output: Option<OutputKind>,
    /// Width and height of its input, pixels; needed only where the file leaves them open.
    pub size: Option<[usize; 2]>,
    /// What is subtracted from each channel's colour (0 to 255), in the order of the channels.
    pub mean: Option<[f32; 3]>,
    /// What each channel is then divided by. With a `mean` of 0, 255 makes colours from 0 to 1, and
    /// 1 leaves them from 0 to 255.
    pub std: Option<[f32; 3]>,
    /// The order of its channels.
    pub channels: Option<Channels>,
    /// The names of its keypoints, in its order.
    pub keypoints: Option<Vec<String>>,
    /// How a picture becomes its input.
    pub view: Option<View>,
}

/// The order of an input's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a picture becomes an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All of it, in the middle of the input.
    Whole,
    /// What is around the figure's box: 1.25 times the box, in the input's shape, as MMPose's
    /// `GetBBoxCenterScale` and `TopdownAffine` cut it.
    Box,
}

/// What an ONNX file gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Maps [B, K, h, w], whose cells share the input evenly; DARK finds the place between them.
    Heatmaps,
    /// Two outputs [B, K, W·s] and [B, K, H·s]: for each column and row of the input, s times
    /// as finely, how likely the keypoint is there (SimCC, Li et al. 2022, arXiv 2107.03332). Bin b
    /// is b / s pixels from the middle of the first pixel, as in MMPose (`codecs/simcc_label.py`).
    Simcc,
    /// [B, K, 3]: x, y and score. They are pixels of the input, or shares of its sides if all of
    /// them are between -0.5 and 1.5 on an input of a single colour.
    Keypoints,
    /// Ultralytics' detections: [B, N, 6 + 3K], end to end (x1, y1, x2, y2, score, class, then x, y
    /// and score of each keypoint), or [B, 4 + C + 3K, N], as they are before others are suppressed
    /// (the box's middle and sides, scores of C classes, keypoints). Pixels of the input.
    Yolo,
    /// [B, 1, K, 3]: y, x (shares of the input's sides) and score.
    Movenet,
}

impl OutputKind {
    /// All of them.
    pub const ALL: [OutputKind; 5] = [
        OutputKind::Heatmaps,
        OutputKind::Simcc,
        OutputKind::Keypoints,
        OutputKind::Yolo,
        OutputKind::Movenet,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OutputKind::Heatmaps => "heatmaps",
            OutputKind::Simcc => "simcc",
            OutputKind::Keypoints => "keypoints",
            OutputKind::Yolo => "yolo",
            OutputKind::Movenet => "movenet",
        }
    }
}
