//! What a file gives.

use crate::{
    decode::{Keypoints, heatmaps, keypoints},
    draft::{Draft, int, ints},
    error::OnnxError,
    image::Input,
};
use marionette_nn::{
    ModelSpec,
    heatmap::{Activation, Grid},
};
use serde::Serialize;

/// Deviation of the Gaussians that rtmlib decodes, cells. Its own blur, of as much, halves their
/// height; as it raises values below 0.001 to that, scores down to 0.003 keep their places.
const RTMLIB_SIGMA: f32 = 2.0;

/// What a file gives, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Head {
    /// `heatmaps` [B, K, h, w]: the network's maps, non-negative, a Gaussian with a peak of 1 where
    /// it is sure.
    #[serde(rename = "heatmaps")]
    Heatmaps,
    /// `heatmaps` [B, K, H, W] for rtmlib's `Custom(pose_class="ViTPose")`: for each keypoint as
    /// our decoder finds it a Gaussian as high as its score, with a cell for every pixel of the
    /// input.
    ///
    /// Rtmlib blurs maps by a Gaussian of two cells, takes the greatest cell and a Newton step on
    /// the logarithm, and takes cell u for u / (W - 1) of the width. So much blur moves the top of
    /// the network's own maps; that of such Gaussians it leaves where it is.
    #[serde(rename = "heatmaps for rtmlib")]
    Rtmlib,
    /// `keypoints` [B, K, 3]: x and y in pixels of the input, and a score from 0 to 1.
    #[serde(rename = "keypoints")]
    Keypoints,
    /// `output0` [B, 1, 6 + 3K] for Ultralytics' `YOLO("x.onnx")`: one detection per image, with
    /// x1, y1, x2, y2 (pixels of the input: the extent of all keypoints), confidence (the mean of
    /// their scores), class 0, and then x, y and score of each keypoint.
    #[serde(rename = "yolo")]
    Yolo,
}

impl Head {
    /// What it is fed with.
    pub fn input(self) -> Input {
        if self == Head::Rtmlib { Input::RTMLIB } else { Input::COLORS }
    }

    /// The name of what it gives.
    pub fn output(self) -> &'static str {
        match self {
            Head::Heatmaps | Head::Rtmlib => "heatmaps",
            Head::Keypoints => "keypoints",
            Head::Yolo => "output0",
        }
    }

    /// The shape of what it gives for one image of `spec`'s network.
    pub fn shape(self, spec: &ModelSpec) -> Vec<usize> {
        let count = spec.keypoints;
        match self {
            Head::Heatmaps => vec![count, spec.heatmap_height, spec.heatmap_width],
            Head::Rtmlib => vec![count, spec.input_height, spec.input_width],
            Head::Keypoints => vec![count, 3],
            Head::Yolo => vec![1, 6 + 3 * count],
        }
    }
}

/// Adds what makes `head`'s result out of the network's `output` [B, K, h, w].
pub fn add(
    draft: &mut Draft,
    head: Head,
    output: &str,
    activation: Activation,
    spec: &ModelSpec,
) -> Result<(), OnnxError> {
    let grid = spec.grid();
    let maps = heatmaps(draft, output, activation, grid);
    match head {
        Head::Heatmaps => {
            let maps = match activation {
                Activation::Softmax => maps,
                Activation::Identity => draft.node("maps", "Relu", &[&maps]),
            };
            let Grid { width, height, .. } = grid;
            draft.reshaped(head.output(), &maps, &[0, 0, height as i64, width as i64]);
        }
        Head::Rtmlib => {
            let found = keypoints(draft, &maps, grid)?;
            gaussians(draft, head.output(), &found, spec);
        }
        Head::Keypoints => {
            let found = keypoints(draft, &maps, grid)?;
            triples(draft, head.output(), &found);
        }
        Head::Yolo => {
            let found = keypoints(draft, &maps, grid)?;
            detection(draft, head.output(), &found, spec.keypoints);
        }
    }
    Ok(())
}

fn triples(draft: &mut Draft, name: &str, Keypoints { x, y, score }: &Keypoints) -> String {
    draft.node_with(name, "Concat", &[x, y, score], vec![int("axis", 2)])
}

/// A Gaussian at each keypoint, whose greatest cell is the score.
fn gaussians(draft: &mut Draft, name: &str, found: &Keypoints, spec: &ModelSpec) {
    let (width, height) = (spec.input_width, spec.input_height);
    // A pixel place x is x / W of the width, which is that of cell (W - 1) x / W.
    let mut exponents = |axis: &str, place: &str, side: usize, shape: [usize; 4]| {
        let part = |part: &str| format!("{axis}.{part}");
        let factor = draft.float(&part("cells"), (side - 1) as f32 / side as f32);
        let centre = draft.node(&part("centre"), "Mul", &[place, &factor]);
        let centre = draft.reshaped(&part("middle"), &centre, &[0, 0, 1, 1]);
        let cells: Vec<f32> = (0..side).map(|cell| cell as f32).collect();
        let cells = draft.floats(&part("grid"), &shape, &cells);
        let distance = draft.node(&part("distance"), "Sub", &[&cells, &centre]);
        draft.node(&part("squared"), "Mul", &[&distance, &distance])
    };
    let columns = exponents("x", &found.x, width, [1, 1, 1, width]);
    let rows = exponents("y", &found.y, height, [1, 1, height, 1]);
    let squared = draft.node("squared", "Add", &[&columns, &rows]);
    let sharpness = draft.float("sharpness", -0.5 / (RTMLIB_SIGMA * RTMLIB_SIGMA));
    let exponent = draft.node("exponent", "Mul", &[&squared, &sharpness]);
    let bells = draft.node("bells", "Exp", &[&exponent]);
    // The centre lies between cells, but rtmlib takes the greatest cell for the score.
    let most = draft.node_with("summit", "ReduceMax", &[&bells], vec![ints("axes", &[2, 3])]);
    let score = draft.reshaped("height", &found.score, &[0, 0, 1, 1]);
    let factor = draft.node("factor", "Div", &[&score, &most]);
    draft.node(name, "Mul", &[&bells, &factor]);
}

/// One row of Ultralytics' end-to-end layout.
fn detection(draft: &mut Draft, name: &str, found: &Keypoints, count: usize) {
    let all = triples(draft, "triples", found);
    let flat = draft.reshaped("flat", &all, &[0, 1, 3 * count as i64]);
    let mut over_all = |name: &str, operator: &str, x: &str| {
        draft.node_with(name, operator, &[x], vec![ints("axes", &[1])])
    };
    let corners = [
        over_all("x1", "ReduceMin", &found.x),
        over_all("y1", "ReduceMin", &found.y),
        over_all("x2", "ReduceMax", &found.x),
        over_all("y2", "ReduceMax", &found.y),
    ];
    let confidence = over_all("confidence", "ReduceMean", &found.score);
    let zero = draft.float("class.zero", 0.0);
    let class = draft.node("class", "Mul", &[&confidence, &zero]);
    let [x1, y1, x2, y2] = &corners;
    let parts = [x1, y1, x2, y2, &confidence, &class, &flat].map(String::as_str);
    draft.node_with(name, "Concat", &parts, vec![int("axis", 2)]);
}
