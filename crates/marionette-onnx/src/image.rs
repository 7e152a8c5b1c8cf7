//! From what a reader feeds to the image as the network takes it.

use crate::draft::{Draft, int};
use marionette_nn::ModelSpec;
use serde::Serialize;

/// The name of the input.
pub const INPUT: &str = "images";

/// What a file takes: for each channel, (colour · `scale` - `mean`) / `deviation` of sRGB colours
/// from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// The order of its channels.
    pub channels: &'static str,
    /// Factor on colours.
    pub scale: f32,
    /// What is then subtracted from each channel, in their order.
    pub mean: [f32; 3],
    /// What each channel is then divided by.
    pub deviation: [f32; 3],
}

impl Input {
    /// Red, green and blue from 0 to 1.
    pub const COLORS: Input =
        Input { name: INPUT, channels: "RGB", scale: 1.0, mean: [0.0; 3], deviation: [1.0; 3] };

    /// What rtmlib feeds: OpenCV's order of channels, normalised by the statistics of ImageNet's
    /// red, green and blue in that order (`rtmlib/tools/pose_estimation/vitpose.py`, 0.0.16).
    pub const RTMLIB: Input = Input {
        name: INPUT,
        channels: "BGR",
        scale: 255.0,
        mean: [123.675, 116.28, 103.53],
        deviation: [58.395, 57.12, 57.375],
    };
}

/// Adds what makes the input of `spec`'s network out of `input`, and gives its name.
pub fn normalised(draft: &mut Draft, input: &Input, spec: &ModelSpec) -> String {
    let swapped = input.channels == "BGR";
    let color = |channel: usize| if swapped { 2 - channel } else { channel };
    let factor = |c: usize| input.deviation[c] / (input.scale * spec.deviation[color(c)]);
    let shift =
        |c: usize| (input.mean[c] / input.scale - spec.mean[color(c)]) / spec.deviation[color(c)];
    let factor = draft.floats("input.factor", &[1, 3, 1, 1], &[0, 1, 2].map(factor));
    let shift = draft.floats("input.shift", &[1, 3, 1, 1], &[0, 1, 2].map(shift));
    let scaled = draft.node("input.scaled", "Mul", &[input.name, &factor]);
    let shifted = draft.node("input.normalised", "Add", &[&scaled, &shift]);
    if !swapped {
        return shifted;
    }
    let order = draft.integers("input.order", &[3], &[2, 1, 0]);
    draft.node_with("input.rgb", "Gather", &[&shifted, &order], vec![int("axis", 1)])
}
