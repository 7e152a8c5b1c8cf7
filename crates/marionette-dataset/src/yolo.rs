//! YOLO-pose: a text file a picture, a line a figure, and `data.yaml`.

use crate::{Split, Splits, annotation::SeenFigure};
use marionette_figure::KeypointScheme;
use marionette_stream::{ImageBox, Tile, Visibility};
use std::fmt::Write;

/// The label file of `tile`: for every figure that is `seen` `0 cx cy w h`, then x, y, v
/// of each keypoint, all but v as shares of the picture.
pub fn label(tile: &Tile, seen: &[SeenFigure]) -> String {
    let (width, height) = (tile.width as f32, tile.height as f32);
    let mut text = String::new();
    for SeenFigure { labels, bounds: ImageBox { low, high }, .. } in seen {
        let (centre, size) = ((*low + *high) / 2.0, *high - *low);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "0 {:.6} {:.6} {:.6} {:.6}",
            centre.x / width,
            centre.y / height,
            size.x / width,
            size.y / height
        );
        for keypoint in &labels.keypoints {
            let _ = match keypoint.visibility {
                Visibility::Outside => write!(text, " 0 0 0"),
                seen => {
                    let [x, y] = [keypoint.pixel.x / width, keypoint.pixel.y / height];
                    write!(text, " {x:.6} {y:.6} {}", seen as u8)
                }
            };
        }
        text.push('\n');
    }
    text
}

/// `data.yaml`. It names no `path`: folders are then looked for beside it, wherever the set lies.
pub fn data_yaml(category: &str, scheme: &KeypointScheme, splits: &Splits) -> String {
    let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(", ");
    let mut text = String::from("# Keypoints of rendered figures, see DATASET.md.\n");
    // Readers insist on both; who has one split alone learns and chooses by it.
    let used: Vec<Split> = splits.used().collect();
    let or_first = |split: Split| if used.contains(&split) { split } else { used[0] };
    for (key, split) in
        [("train", or_first(Split::Train)), ("val", or_first(Split::Val)), ("test", Split::Test)]
    {
        if key != "test" || used.contains(&split) {
            let _ = writeln!(text, "{key}: images/{}", split.name());
        }
    }
    let names = list(&mut scheme.names.iter().map(|name| quoted(name)));
    let _ = writeln!(text, "names:\n  0: {}", quoted(category));
    let _ = writeln!(text, "kpt_shape: [{}, 3]", scheme.names.len());
    let twins = list(&mut scheme.twins.iter().map(ToString::to_string));
    let _ = writeln!(text, "flip_idx: [{twins}]");
    let _ = writeln!(text, "kpt_names:\n  0: [{names}]");
    let sigmas = list(&mut scheme.sigmas.iter().map(ToString::to_string));
    let _ = writeln!(text, "kpt_oks_sigmas: [{sigmas}]");
    text
}

/// A text that YAML reads as this text.
fn quoted(text: &str) -> String {
    // JSON's strings are YAML's.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yaml_says_what_readers_ask_for() {
        let scheme = KeypointScheme {
            names: ["nose", "left_eye", "right_eye"].map(str::to_owned).to_vec(),
            twins: vec![0, 2, 1],
            sigmas: vec![0.026, 0.025, 0.025],
            symmetry: Vec::new(),
            edges: Vec::new(),
            torso: [1, 2],
        };
        let yaml = data_yaml("person", &scheme, &"90,10".parse().unwrap());
        let expected = "# Keypoints of rendered figures, see DATASET.md.\ntrain: images/train\n\
                        val: images/val\nnames:\n  0: \"person\"\nkpt_shape: [3, 3]\n\
                        flip_idx: [0, 2, 1]\nkpt_names:\n  0: [\"nose\", \"left_eye\", \
                        \"right_eye\"]\nkpt_oks_sigmas: [0.026, 0.025, 0.025]\n";
        assert_eq!(yaml, expected);
        assert!(data_yaml("x", &scheme, &"0,0,100".parse().unwrap()).contains("val: images/test"));
    }
}
