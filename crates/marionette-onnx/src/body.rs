//! From the normalised image to the network's output.

use crate::{
    draft::{Draft, int, ints},
    error::OnnxError,
};
use marionette_nn::{
    HeatmapNetwork,
    folded::{FoldedConv, FoldedLayer},
};

/// Adds the layers of `network`, which read the map `x`, and gives the name of the output [B, K, h,
/// w]. With `quantized`, weights are kept as whole numbers of eight bits.
pub fn body(
    draft: &mut Draft,
    network: &HeatmapNetwork,
    x: String,
    quantized: bool,
) -> Result<String, OnnxError> {
    let mut maps = vec![x];
    for (index, layer) in network.folded()?.iter().enumerate() {
        let FoldedLayer::Conv(layer) = layer else {
            return Err(OnnxError::Layer { layer: index + 1, operator: described(layer) });
        };
        let shortcut = layer.shortcut.map(|map| maps[map.index()].as_str());
        let y = conv(draft, layer, &maps[layer.input.index()], shortcut, quantized);
        maps.push(y);
    }
    Ok(maps.swap_remove(maps.len() - 1))
}

fn described(layer: &FoldedLayer) -> String {
    match layer {
        FoldedLayer::Conv(FoldedConv { name, .. }) => format!("the convolution {name}"),
        FoldedLayer::Pool { max: true, kernel, .. } => {
            format!("a max pooling of {kernel}x{kernel}")
        }
        FoldedLayer::Pool { kernel, .. } => format!("an average pooling of {kernel}x{kernel}"),
        FoldedLayer::Resize { factor, .. } => format!("an upsampling by {factor}"),
    }
}

fn conv(
    draft: &mut Draft,
    layer: &FoldedConv,
    x: &str,
    shortcut: Option<&str>,
    quantized: bool,
) -> String {
    let FoldedConv { name, transposed, stride, padding, dilation, groups, .. } = layer;
    let weight = weight(draft, layer, quantized);
    let bias = draft.floats(&format!("{name}.bias"), &[layer.bias.len()], &layer.bias);
    let side = |value: usize| [value as i64; 2];
    let attributes = vec![
        ints("kernel_shape", &side(layer.weight_shape[3])),
        ints("strides", &side(*stride)),
        ints("pads", &[*padding as i64; 4]),
        ints("dilations", &side(*dilation)),
        int("group", *groups as i64),
    ];
    let operator = if *transposed { "ConvTranspose" } else { "Conv" };
    let mut y = draft.node_with(name, operator, &[x, &weight, &bias], attributes);
    if let Some(shortcut) = shortcut {
        y = draft.node(&format!("{name}.plus"), "Add", &[&y, shortcut]);
    }
    if layer.relu {
        y = draft.node(&format!("{name}.relu"), "Relu", &[&y]);
    }
    y
}

fn weight(draft: &mut Draft, layer: &FoldedConv, quantized: bool) -> String {
    let name = format!("{}.weight", layer.name);
    if !quantized {
        return draft.floats(&name, &layer.weight_shape, &layer.weight);
    }
    let (values, scales) = quantize(layer);
    let values = draft.bytes(&format!("{name}.int8"), &layer.weight_shape, &values);
    let scales = draft.floats(&format!("{name}.scale"), &[scales.len()], &scales);
    let axis = int("axis", i64::from(layer.transposed));
    draft.node_with(&name, "DequantizeLinear", &[&values, &scales], vec![axis])
}

/// The weight as whole numbers from -127 to 127, and for each place along the dimension of the
/// output channels what one of them is worth. In a grouped transposed convolution a place stands
/// for one channel of every group.
fn quantize(layer: &FoldedConv) -> (Vec<i8>, Vec<f32>) {
    let [first, second, height, width] = layer.weight_shape;
    let outputs = if layer.transposed { second } else { first };
    let output = |index: usize| {
        let kernel = index / (height * width);
        if layer.transposed { kernel % second } else { kernel / second }
    };
    let mut greatest = vec![0f32; outputs];
    for (index, value) in layer.weight.iter().enumerate() {
        greatest[output(index)] = greatest[output(index)].max(value.abs());
    }
    // A scale of 0 would make 0 / 0 of a channel without weights.
    let scales: Vec<f32> =
        greatest.iter().map(|most| if *most > 0.0 { most / 127.0 } else { 1.0 }).collect();
    let whole = |(index, value): (usize, &f32)| (value / scales[output(index)]).round() as i8;
    (layer.weight.iter().enumerate().map(whole).collect(), scales)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn whole_numbers_are_the_weights_to_half_a_step() -> Result<(), Box<dyn std::error::Error>> {
        let network = marionette_nn::build("small", 3, 1, &Device::Cpu)?;
        let mut transposed = 0;
        for layer in network.folded()? {
            let FoldedLayer::Conv(mut layer) = layer else { return Err("no convolution".into()) };
            let [first, second, height, width] = layer.weight_shape;
            // A channel without weights.
            let (outputs, area) = (layer.bias.len(), height * width);
            for (index, kernel) in layer.weight.chunks_exact_mut(area).enumerate() {
                let output = if layer.transposed { index % second } else { index / second };
                if output == 1 {
                    kernel.fill(0.0);
                }
            }
            let (values, scales) = quantize(&layer);
            assert_eq!((values.len(), scales.len()), (first * second * area, outputs));
            for (index, (value, weight)) in values.iter().zip(&layer.weight).enumerate() {
                let kernel = index / area;
                let output = if layer.transposed { kernel % second } else { kernel / second };
                let error = (f32::from(*value) * scales[output] - weight).abs();
                assert!(error <= 0.501 * scales[output], "{}: {error}", layer.name);
            }
            // Every channel makes use of all its steps.
            assert!(values.contains(&127) || values.contains(&-127));
            transposed += usize::from(layer.transposed);
        }
        assert_eq!(transposed, 2);
        Ok(())
    }
}
