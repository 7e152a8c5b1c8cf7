//! Files that this program writes, against the networks that they are of.

use super::{
    super::{OnnxOptions, View},
    figure,
};
use crate::model::{Model, Place};
use candle_core::Device;
use image::{Rgb, RgbImage};
use marionette_base::random::stream;
use marionette_nn::{HeatmapNetwork, heatmap::Activation};
use marionette_onnx::{Head, proto::ModelProto, write_onnx};
use marionette_train::{eval::Detector, export::ModelCard};
use prost::Message;
use rand::Rng;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Blobs of random colours and places, of which a network without training makes something, too.
fn pictures(count: u64, size: [u32; 2]) -> Vec<RgbImage> {
    let picture = |index| {
        let mut random = stream(1, index, 0, "models.pictures");
        let mut picture = RgbImage::new(size[0], size[1]);
        for _ in 0..12 {
            let color = Rgb(random.random::<[u8; 3]>());
            let [x, y] = size.map(|side| random.random_range(0..side));
            let [w, h] = size.map(|side| random.random_range(2..side / 2));
            for (x, y) in (x..(x + w).min(size[0]))
                .flat_map(|x| (y..(y + h).min(size[1])).map(move |y| (x, y)))
            {
                picture.put_pixel(x, y, color);
            }
        }
        picture
    };
    (0..count).map(picture).collect()
}

/// The greatest distance between what two models find, and between their scores.
fn differences(found: &[Vec<Place>], others: &[Vec<Place>]) -> (f32, f32) {
    assert_eq!(found.len(), others.len());
    let pairs = found.iter().flatten().zip(others.iter().flatten());
    pairs.fold((0.0, 0.0), |(distance, score), (one, other)| {
        let ([ax, ay], [bx, by]) = (one.at.unwrap(), other.at.unwrap());
        (distance.max((ax - bx).hypot(ay - by)), score.max((one.score - other.score).abs()))
    })
}

/// A network whose maps are not nearly flat, as they are without training, and its card.
fn sharp(name: &str, figure: &marionette_figure::Figure) -> (HeatmapNetwork, ModelCard) {
    let network = marionette_nn::build(name, 17, 3, &Device::Cpu).unwrap();
    let mut tensors = network.parameters().tensors().unwrap();
    for (name, tensor) in &mut tensors {
        if name.starts_with("head") {
            *tensor = tensor.affine(20.0, 0.0).unwrap();
        }
    }
    network.parameters().load(&tensors).unwrap();
    let card = ModelCard::new(figure, network.spec().clone(), Activation::Softmax);
    (network, card)
}

/// The network as it is without a file.
fn own(network: &HeatmapNetwork, card: &ModelCard) -> Model {
    let tensors = network.parameters().tensors().unwrap();
    let detector = Detector::new(Path::new("own"), &tensors, card.clone(), &Device::Cpu).unwrap();
    Model::ours(detector, &card.keypoints).unwrap()
}

fn export(folder: &TempDir, network: &HeatmapNetwork, card: &ModelCard, head: Head) -> PathBuf {
    let path = folder.path().join("own.onnx");
    let options = marionette_onnx::OnnxOptions { head, quantized: false };
    write_onnx(&path, network, card, options).unwrap();
    path
}

/// Boxes of whole pictures.
fn wholes_of(pictures: &[RgbImage]) -> Vec<[f32; 4]> {
    let whole = |picture: &RgbImage| [0.0, 0.0, picture.width() as f32, picture.height() as f32];
    pictures.iter().map(whole).collect()
}

#[test]
fn our_own_files_find_what_their_networks_find() {
    let (figure, folder) = (figure(), tempfile::tempdir().unwrap());
    for (name, size) in [("nano", [64, 64]), ("nano", [100, 80]), ("small", [128, 128])] {
        let (network, card) = sharp(name, &figure);
        let pictures = pictures(6, size);
        let boxes = wholes_of(&pictures);
        let expected = own(&network, &card).find(&pictures, &boxes).unwrap();
        for head in [Head::Heatmaps, Head::Keypoints, Head::Yolo, Head::Rtmlib] {
            let path = export(&folder, &network, &card, head);
            let onnx = Model::onnx(&path, &figure.scheme(), &OnnxOptions::default()).unwrap();
            assert_eq!((onnx.keypoints(), onnx.notes()), (vec![true; 17], &[][..]));
            let found = onnx.find(&pictures, &boxes).unwrap();
            let (distance, score) = differences(&found, &expected);
            // Sums in another order, which the decoder's logarithms make more of.
            assert!(distance < 0.01 && score < 1e-4, "{name} {head:?}: {distance} px, {score}");
        }
    }
}

/// The file at `path` without our card, as another program would write it.
fn without_card(path: &Path) {
    let mut model = ModelProto::decode(fs::read(path).unwrap().as_slice()).unwrap();
    model.metadata_props.retain(|entry| entry.key.as_deref() != Some("marionette"));
    fs::write(path, model.encode_to_vec()).unwrap();
}

#[test]
fn without_our_card_a_file_is_as_ultralytics_says_or_as_somebody_says() {
    let (figure, folder) = (figure(), tempfile::tempdir().unwrap());
    let (network, card) = sharp("nano", &figure);
    let pictures = pictures(3, [64, 64]);
    let boxes = wholes_of(&pictures);
    let expected = own(&network, &card).find(&pictures, &boxes).unwrap();
    let told = OnnxOptions {
        mean: Some([0.0; 3]),
        std: Some([255.0; 3]),
        view: Some(View::Whole),
        ..OnnxOptions::default()
    };
    for (head, options, notes) in [
        (Head::Yolo, &OnnxOptions::default(), vec![]),
        (Head::Heatmaps, &told, vec!["is taken to be heatmaps", "blue", "COCO's"]),
        (
            Head::Keypoints,
            &told,
            vec!["taken to be pixels of its input", "is taken to be keypoints", "blue", "COCO's"],
        ),
    ] {
        let path = export(&folder, &network, &card, head);
        without_card(&path);
        let model = Model::onnx(&path, &figure.scheme(), options).unwrap();
        assert_eq!(model.notes().len(), notes.len(), "{:?}", model.notes());
        for (note, part) in model.notes().iter().zip(notes) {
            assert!(note.contains(part), "{note}");
        }
        let (distance, score) = differences(&model.find(&pictures, &boxes).unwrap(), &expected);
        assert!(distance < 0.01 && score < 1e-4, "{head:?}: {distance} px, {score}");
    }
}

#[test]
fn a_file_with_whole_numbers_for_weights_is_run() {
    let (figure, folder) = (figure(), tempfile::tempdir().unwrap());
    let (network, card) = sharp("nano", &figure);
    let pictures = pictures(6, [64, 64]);
    let boxes = wholes_of(&pictures);
    let expected = own(&network, &card).find(&pictures, &boxes).unwrap();
    let path = folder.path().join("int8.onnx");
    let options = marionette_onnx::OnnxOptions { head: Head::Keypoints, quantized: true };
    write_onnx(&path, &network, &card, options).unwrap();
    let model = Model::onnx(&path, &figure.scheme(), &OnnxOptions::default()).unwrap();
    let found = model.find(&pictures, &boxes).unwrap();
    // Without training, many maps have several hills that are almost as high.
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    let near = pairs.filter(|(one, other)| {
        let ([ax, ay], [bx, by]) = (one.at.unwrap(), other.at.unwrap());
        (ax - bx).hypot(ay - by) < 1.0
    });
    let near = near.count();
    assert!(near > 6 * 17 * 3 / 4, "{near}");
}
