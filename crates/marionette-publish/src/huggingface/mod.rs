//! A model repository of Hugging Face: weights, ONNX file, configuration and a model card.

mod readme;

use crate::PublishError;
use marionette_base::{
    atomic_file::write_unsynced, json_file::json_text, new_folder::write_folder,
};
use marionette_nn::HeatmapNetwork;
use marionette_onnx::{Head, OnnxOptions, write_onnx};
use marionette_run::ExamReport;
use marionette_train::export::{ModelCard, write_model};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// What goes into a repository besides the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repository<'a> {
    /// Licence of the weights, by Hugging Face's name for it; `mit`, `cc-by-4.0` ...
    pub license: Option<&'a str>,
    /// The exams that these very weights have taken.
    pub exams: Option<&'a ExamReport>,
    /// Whether the weights in the ONNX file are kept as whole numbers of eight bits.
    pub quantized: bool,
}

/// `config.json`. Keys that Hugging Face's own pose estimators have are spelled as theirs are
/// (`ViTPose`: `id2label`, `label2id`, `num_labels`, `edges`).
#[derive(Serialize)]
struct Config<'a> {
    model_type: String,
    image_size: [usize; 2],
    heatmap_size: [usize; 2],
    num_labels: usize,
    id2label: BTreeMap<usize, &'a str>,
    label2id: BTreeMap<&'a str, usize>,
    edges: &'a [[usize; 2]],
    /// Keypoint k is keypoint `flip_permutation[k]` in a mirror.
    flip_permutation: &'a [usize],
    sigmas: &'a [f32],
    marionette: &'a ModelCard,
}

/// `preprocessor_config.json`: what is done to a picture before `model.safetensors` sees it, under
/// the keys of Hugging Face's image processors. The ONNX file normalises by itself.
#[derive(Serialize)]
struct Preprocessor {
    do_convert_rgb: bool,
    do_resize: bool,
    do_pad: bool,
    size: Size,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f32; 3],
    image_std: [f32; 3],
}

#[derive(Serialize)]
struct Size {
    height: usize,
    width: usize,
}

/// Writes `network` with its `card` to a new folder at `path`, whole or not at all:
/// `model.safetensors`, `model.onnx` (whose output is [`Head::Keypoints`]), `config.json`,
/// `preprocessor_config.json`, `README.md`, and the network in PyTorch where there is one.
///
/// # Errors
/// If there is something at `path`, or something cannot be written.
pub fn write_huggingface(
    path: &Path,
    network: &HeatmapNetwork,
    card: &ModelCard,
    repository: Repository,
) -> Result<(), PublishError> {
    let twin = twin(card);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    write_folder(path, |folder| {
        write_model(&folder.join("model.safetensors"), &network.parameters().tensors()?, card)?;
        let options = OnnxOptions { head: Head::Keypoints, quantized: repository.quantized };
        write_onnx(&folder.join("model.onnx"), network, card, options)?;
        write_unsynced(&folder.join("config.json"), &json(&config(card)))?;
        write_unsynced(&folder.join("preprocessor_config.json"), &json(&preprocessor(card)))?;
        if let Some((module, text)) = twin {
            write_unsynced(&folder.join(format!("{module}.py")), text.as_bytes())?;
        }
        let readme = readme::text(&name, card, repository, twin.map(|(module, _)| module));
        Ok(write_unsynced(&folder.join("README.md"), readme.as_bytes())?)
    })
}

/// The network of `card` as a module of PyTorch: its name and text.
fn twin(card: &ModelCard) -> Option<(&'static str, &'static str)> {
    match card.network.name.as_str() {
        "nano" => Some(("nano", include_str!("../../../../examples/python/nano.py"))),
        "small" | "base" => Some(("small", include_str!("../../../../examples/python/small.py"))),
        _ => None,
    }
}

fn config(card: &ModelCard) -> Config<'_> {
    let (spec, scheme) = (&card.network, &card.keypoints);
    let names = || scheme.names.iter().map(String::as_str);
    Config {
        model_type: format!("marionette-{}", spec.name),
        image_size: [spec.input_height, spec.input_width],
        heatmap_size: [spec.heatmap_height, spec.heatmap_width],
        num_labels: scheme.names.len(),
        id2label: names().enumerate().collect(),
        label2id: names().enumerate().map(|(index, name)| (name, index)).collect(),
        edges: &scheme.edges,
        flip_permutation: &scheme.twins,
        sigmas: &scheme.sigmas,
        marionette: card,
    }
}

fn preprocessor(card: &ModelCard) -> Preprocessor {
    let spec = &card.network;
    Preprocessor {
        do_convert_rgb: true,
        do_resize: true,
        do_pad: true,
        size: Size { height: spec.input_height, width: spec.input_width },
        do_rescale: true,
        rescale_factor: 1.0 / 255.0,
        do_normalize: true,
        image_mean: spec.mean,
        image_std: spec.deviation,
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Plain structs of numbers and text: nothing in them is without a place in JSON.
    json_text(value).unwrap_or_default().into_bytes()
}
