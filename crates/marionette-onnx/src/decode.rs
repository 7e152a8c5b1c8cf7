//! From the network's output to heatmaps, and from heatmaps to keypoints: the decoder of
//! `marionette_nn::decode` as a graph.

use crate::{
    draft::{Draft, int, ints},
    error::OnnxError,
};
use marionette_nn::{
    decode::{FLOOR, LEAST_CURVATURE, LEAST_DETERMINANT},
    heatmap::{Activation, Grid},
};

/// Adds the activation of `output` [B, K, h, w] and gives the heatmaps' name, as rows [B, K, h·w].
pub fn heatmaps(draft: &mut Draft, output: &str, activation: Activation, grid: Grid) -> String {
    let cells = (grid.width * grid.height) as i64;
    let rows = draft.reshaped("logits", output, &[0, 0, cells]);
    match activation {
        Activation::Identity => rows,
        Activation::Softmax => {
            let shares = draft.node_with("shares", "Softmax", &[&rows], vec![int("axis", 2)]);
            let mass = draft.float("mass", grid.full_mass());
            draft.node("maps", "Mul", &[&shares, &mass])
        }
    }
}

/// The names of keypoints' parts, each [B, K, 1].
pub struct Keypoints {
    /// Pixels of the input.
    pub x: String,
    /// Pixels of the input.
    pub y: String,
    /// From 0 to 1.
    pub score: String,
}

/// Where along one side of a map a keypoint is.
struct Side {
    /// "x" or "y".
    name: &'static str,
    /// Number of cells.
    cells: usize,
    /// The greatest cell [B, K, 1].
    greatest: String,
    /// The nearest cell that has neighbours on both sides.
    inner: String,
}

/// Adds the decoder of `maps`, heatmaps as rows [B, K, h·w].
pub fn keypoints(draft: &mut Draft, maps: &str, grid: Grid) -> Result<Keypoints, OnnxError> {
    let Grid { width, height, .. } = grid;
    if width < 3 || height < 3 {
        return Err(OnnxError::Heatmaps { width, height });
    }
    let best = draft.node_with("best", "ArgMax", &[maps], vec![int("axis", 2)]);
    let columns = draft.integer("columns", width as i64);
    let column = draft.node("x.greatest", "Mod", &[&best, &columns]);
    let row = draft.node("y.greatest", "Div", &[&best, &columns]);
    let sides = [("x", width, column), ("y", height, row)].map(|(name, cells, greatest)| {
        let first = draft.integer(&format!("{name}.first"), 1);
        let last = draft.integer(&format!("{name}.last"), cells as i64 - 2);
        let inner = draft.node(&format!("{name}.inner"), "Clip", &[&greatest, &first, &last]);
        Side { name, cells, greatest, inner }
    });

    // Logarithms around the inner cell, row by row, [B, K, 9].
    let above = draft.node("above", "Mul", &[&sides[1].inner, &columns]);
    let inner = draft.node("inner", "Add", &[&above, &sides[0].inner]);
    let near: Vec<i64> =
        (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| dy * width as i64 + dx)).collect();
    let near = draft.integers("near", &[1, 1, 9], &near);
    let around = draft.node("around", "Add", &[&inner, &near]);
    let values =
        draft.node_with("values", "GatherElements", &[maps, &around], vec![int("axis", 2)]);
    let floor = draft.float("floor", FLOOR);
    let raised = draft.node("raised", "Max", &[&values, &floor]);
    let logs = draft.node("logs", "Log", &[&raised]);

    let [gx, gy, hxx, hyy, hxy] = differences(draft, &logs);
    let mut product = |name: &str, a: &str, b: &str| draft.node(name, "Mul", &[a, b]);
    let (squares, mixed) = (product("hxx.hyy", &hxx, &hyy), product("hxy.hxy", &hxy, &hxy));
    let x_parts = (product("hxy.gy", &hxy, &gy), product("hyy.gx", &hyy, &gx));
    let y_parts = (product("hxy.gx", &hxy, &gx), product("hxx.gy", &hxx, &gy));
    let determinant = draft.node("determinant", "Sub", &[&squares, &mixed]);

    let curved = draft.float("curved", -LEAST_CURVATURE);
    let definite = draft.float("definite", LEAST_DETERMINANT);
    let curved = draft.node("is_curved", "Less", &[&hxx, &curved]);
    let definite = draft.node("is_definite", "Greater", &[&determinant, &definite]);
    let summit = draft.node("is_summit", "And", &[&curved, &definite]);

    let [x, y] = [(&sides[0], x_parts), (&sides[1], y_parts)].map(|(side, (a, b))| {
        let name = |part: &str| format!("{}.{part}", side.name);
        let numerator = draft.node(&name("numerator"), "Sub", &[&a, &b]);
        let step = draft.node(&name("step"), "Div", &[&numerator, &determinant]);
        place(draft, side, &step, &summit, grid.stride)
    });
    let most = draft.node_with("peak", "ReduceMax", &[maps], vec![ints("axes", &[2])]);
    let (zero, one) = (draft.float("zero", 0.0), draft.float("one", 1.0));
    let score = draft.node("score", "Clip", &[&most, &zero, &one]);
    Ok(Keypoints { x, y, score })
}

/// First and second differences of the logarithms [B, K, 9] at their middle: d/dx, d/dy, d²/dx²,
/// d²/dy², d²/dxdy.
fn differences(draft: &mut Draft, logs: &str) -> [String; 5] {
    #[rustfmt::skip]
    let weights = [
        // above left, above, above right, left, middle, right, below left, below, below right
        ("gx", [0.0, 0.0, 0.0, -0.5, 0.0, 0.5, 0.0, 0.0, 0.0]),
        ("gy", [0.0, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0]),
        ("hxx", [0.0, 0.0, 0.0, 1.0, -2.0, 1.0, 0.0, 0.0, 0.0]),
        ("hyy", [0.0, 1.0, 0.0, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0]),
        ("hxy", [0.25, 0.0, -0.25, 0.0, 0.0, 0.0, -0.25, 0.0, 0.25]),
    ];
    weights.map(|(name, weights)| {
        let weights = draft.floats(&format!("{name}.weights"), &[9, 1], &weights);
        draft.node(name, "MatMul", &[logs, &weights])
    })
}

/// The place along `side`, pixels: the inner cell moved by `step`, at most one cell from the
/// greatest and inside the image; the middle of the greatest cell where there is no summit.
fn place(draft: &mut Draft, side: &Side, step: &str, summit: &str, stride: usize) -> String {
    let name = |part: &str| format!("{}.{part}", side.name);
    let float = vec![int("to", 1)];
    let greatest = draft.node_with(&name("cell"), "Cast", &[&side.greatest], float.clone());
    let inner = draft.node_with(&name("inner_cell"), "Cast", &[&side.inner], float);
    let moved = draft.node(&name("moved"), "Add", &[&inner, step]);
    let chosen = draft.node(&name("chosen"), "Where", &[summit, &moved, &greatest]);
    let one = draft.float(&name("one"), 1.0);
    let (low, high) = (
        draft.node(&name("low"), "Sub", &[&greatest, &one]),
        draft.node(&name("high"), "Add", &[&greatest, &one]),
    );
    let raised = draft.node(&name("raised"), "Max", &[&chosen, &low]);
    let near = draft.node(&name("near"), "Min", &[&raised, &high]);
    let (half, stride_name) =
        (draft.float(&name("half"), 0.5), draft.float(&name("stride"), stride as f32));
    let centred = draft.node(&name("centred"), "Add", &[&near, &half]);
    let pixels = draft.node(&name("pixels"), "Mul", &[&centred, &stride_name]);
    let (left, right) = (
        draft.float(&name("left"), 0.0),
        draft.float(&name("right"), (side.cells * stride) as f32),
    );
    draft.node(side.name, "Clip", &[&pixels, &left, &right])
}
