//! Files as others write them, and files that cannot be used.

use super::{
    super::{Channels, OnnxOptions, OutputKind, View},
    figure,
    graphs::{Graph, node, roots, simcc, triples, value},
};
use crate::model::{Model, Place};
use image::RgbImage;
use std::{fs, path::Path};

/// Black, with a pixel of each pure color.
fn dots(size: [u32; 2], red: [u32; 2], green: [u32; 2], blue: [u32; 2]) -> RgbImage {
    let mut picture = RgbImage::new(size[0], size[1]);
    for (channel, [x, y]) in [red, green, blue].into_iter().enumerate() {
        picture.get_pixel_mut(x, y).0[channel] = 255;
    }
    picture
}

fn named() -> OnnxOptions {
    let names = ["left_wrist", "no such", "Nose"].map(str::to_owned).to_vec();
    OnnxOptions { keypoints: Some(names), ..OnnxOptions::default() }
}

/// What is found of the nose and the left wrist, and that nothing else is.
fn nose_and_wrist(found: &[Place]) -> [[f32; 2]; 2] {
    let given = found.iter().filter(|place| place.at.is_some()).count();
    assert_eq!(given, 2);
    [0, 9].map(|keypoint| found[keypoint].at.unwrap())
}

#[test]
fn simcc_is_fed_and_read_as_rtmpose() {
    let (scheme, folder) = (figure().scheme(), tempfile::tempdir().unwrap());
    let pictures = [
        dots([64, 48], [10, 20], [0, 0], [30, 5]),
        dots([64, 48], [63, 47], [0, 0], [0, 0]),
        dots([64, 48], [1, 2], [0, 0], [3, 4]),
    ];
    let expected =
        [[[30.5, 5.5], [10.5, 20.5]], [[0.5, 0.5], [63.5, 47.5]], [[3.5, 4.5], [1.5, 2.5]]];
    for batch in [0, 1, 2] {
        let path = simcc(batch).write(&folder);
        let options = OnnxOptions { view: Some(View::Whole), ..named() };
        let model = Model::onnx(&path, &scheme, &options).unwrap();
        let known: Vec<usize> = (0..17).filter(|k| model.keypoints()[*k]).collect();
        assert_eq!(known, [0, 9]);
        let found = model.find(&pictures, &[[0.0; 4]; 3]).unwrap();
        assert_eq!(found.iter().map(|found| nose_and_wrist(found)).collect::<Vec<_>>(), expected);
        // The score is the normalised colour: red's and blue's of 255.
        assert!((found[0][9].score - (255.0 - 123.675) / 58.395).abs() < 1e-5);
        assert!((found[0][0].score - (255.0 - 103.53) / 57.375).abs() < 1e-5);
        let said = model.notes().join("\n");
        assert!(said.contains("by ImageNet's statistics, as RTMPose's are"), "{said}");
        assert!(said.contains("\"simcc_x\" [1, 3, 128] is taken to be simcc") || batch == 2);
    }
    let path = simcc(1).write(&folder);
    let options = OnnxOptions { view: Some(View::Whole), channels: Some(Channels::Bgr), ..named() };
    let swapped = Model::onnx(&path, &scheme, &options).unwrap();
    let found = swapped.find(&pictures[..1], &[[0.0; 4]]).unwrap();
    assert_eq!(nose_and_wrist(&found[0]), [[10.5, 20.5], [30.5, 5.5]]);
    // What is around the box is 64x48 pixels from (32, 24) on, and neither more nor less.
    let picture = dots([128, 96], [40, 30], [2, 2], [95, 71]);
    let model = Model::onnx(&path, &scheme, &named()).unwrap();
    let found = model.find(&[picture], &[[38.4, 28.8, 51.2, 38.4]]).unwrap();
    for (at, expected) in nose_and_wrist(&found[0]).into_iter().zip([[95.5, 71.5], [40.5, 30.5]]) {
        assert!((at[0] - expected[0]).hypot(at[1] - expected[1]) < 1e-4, "{at:?}");
    }
}

#[test]
fn triples_are_recognised_and_fed_with_whole_colours() {
    let (scheme, folder) = (figure().scheme(), tempfile::tempdir().unwrap());
    let pictures =
        [dots([32, 32], [10, 20], [0, 0], [30, 5]), dots([64, 64], [2, 2], [9, 9], [40, 60])];
    let boxes = [[0.0; 4]; 2];
    for (movenet, note) in [
        (true, "\"out\" [1, 1, 3, 3] is taken to be movenet (--output)"),
        (false, "places in \"out\" are taken to be shares of its sides"),
    ] {
        let model = Model::onnx(&triples(movenet).write(&folder), &scheme, &named()).unwrap();
        assert!(model.notes().iter().any(|said| said == note), "{:?}", model.notes());
        let found = model.find(&pictures, &boxes).unwrap();
        assert_eq!(nose_and_wrist(&found[0]), [[30.5, 5.5], [10.5, 20.5]]);
        assert_eq!((found[0][0].score, found[0][9].score), (1.0, 1.0));
        // Four pixels of the second picture are one of the input.
        assert_eq!(nose_and_wrist(&found[1]), [[41.0, 61.0], [3.0, 3.0]]);
    }
}

/// Why a file cannot be used.
fn refusal(path: &Path, options: &OnnxOptions) -> String {
    Model::onnx(path, &figure().scheme(), options).err().unwrap().to_string()
}

#[test]
fn files_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = simcc(1).write(&folder);
    let bytes = fs::read(&path).unwrap();
    let broken = folder.path().join("broken.onnx");
    let mut other = simcc(1);
    other.outputs.push("nowhere");
    let damaged = fs::read(other.write(&folder)).unwrap();
    for (content, part) in [
        (&bytes[..bytes.len() / 2], "is no ONNX file or only a part of one"),
        (b"", "is no ONNX file: it has no graph; give a whole ONNX file"),
        (b"not at all", "is no ONNX file"),
        (&damaged, "is damaged: nothing in it gives its output \"nowhere\""),
    ] {
        fs::write(&broken, content).unwrap();
        let said = refusal(&broken, &named());
        assert!(said.contains(part) && said.contains("broken.onnx"), "{said}");
    }
    let said = refusal(&folder.path().join("missing.onnx"), &named());
    assert!(said.contains("missing.onnx: cannot be read"), "{said}");
    // Weights that are shorter than their shape says, and a value that nothing gives.
    let mut short = simcc(1);
    short.constants[0].dims[0] = 640;
    let said = refusal(&short.write(&folder), &named());
    assert!(said.contains("the built-in runtime (tract) cannot run it"), "{said}");
    let mut open = simcc(1);
    open.constants.remove(0);
    let said = refusal(&open.write(&folder), &named());
    assert!(said.contains("nothing in it gives finer_x") && said.contains("--command"), "{said}");
}

#[test]
fn operators_that_the_runtime_lacks_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = simcc(1);
    graph.nodes.push(node("warped", "Warp", &["images"], vec![]));
    graph.nodes.push(node("bent", "Bend", &["warped"], vec![]));
    let said = refusal(&graph.write(&folder), &named());
    let part = "needs the operators Bend, Warp, which the built-in runtime (tract) lacks; run it \
                by a command instead (--command 'python mine.py {images} {results}')";
    assert!(said.contains(part), "{said}");
}

#[test]
fn what_is_not_known_of_a_file_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let said = |graph: Graph, options: &OnnxOptions| refusal(&graph.write(&folder), options);
    let names = |names: &[&str]| OnnxOptions {
        keypoints: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..OnnxOptions::default()
    };
    let of = |sides: &[i64]| Graph { input: value("images", 1, sides), ..simcc(1) };
    let other_size = OnnxOptions { size: Some([32, 32]), ..named() };
    for (found, part) in [
        (
            said(simcc(1), &OnnxOptions::default()),
            "gives 3 keypoints, and nothing in it names them",
        ),
        (said(simcc(1), &names(&["nose"])), "gives 3 keypoints, and 1 names were given"),
        (said(simcc(1), &names(&["a", "b", "c"])), "none of its keypoints (a, b, c) has the name"),
        (said(simcc(1), &other_size), "takes pictures of 64x48, not 32x32; leave --input-size out"),
        (
            said(of(&[0, 3, 0, 0]), &named()),
            "takes pictures of any size; say which with --input-size",
        ),
        (
            said(of(&[1, 3, 48, 90_000]), &named()),
            "takes pictures of 90000x48; give sides of 1 to 4096",
        ),
        (
            said(of(&[1, 1, 48, 64]), &named()),
            "takes [1, 1, 48, 64]; give a file that takes pictures",
        ),
        (said(of(&[1, 3, 48]), &named()), "takes [1, 3, 48]; give a file that takes pictures"),
        (said(of(&[1, 3, 40, 64]), &named()), "the built-in runtime (tract) cannot run it"),
        (
            said(Graph { input: value("images", 11, &[1, 3, 48, 64]), ..simcc(1) }, &named()),
            "takes values of the type F64; give a file that takes f32",
        ),
        (
            said(Graph { outputs: vec!["columns"], ..simcc(1) }, &named()),
            "gives \"columns\" [1, 3, 64], none of which is known",
        ),
        (
            said(simcc(1), &OnnxOptions { std: Some([0.2; 3]), ..named() }),
            "is of colours from 0 to 1; give --mean and --std of colours from 0 to 255",
        ),
        (
            said(simcc(1), &OnnxOptions { output: Some(OutputKind::Movenet), ..named() }),
            "none of which is movenet",
        ),
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn maps_without_a_number_and_models_that_find_nothing_are_told() {
    let (scheme, folder) = (figure().scheme(), tempfile::tempdir().unwrap());
    let path = roots().write(&folder);
    let said = refusal(&path, &named());
    assert!(said.contains("nothing in it says how colours are normalised; say it with --mean"));
    let normalised = |mean: f32| {
        let view = Some(View::Whole);
        let options = OnnxOptions { mean: Some([mean; 3]), std: Some([255.0; 3]), view, ..named() };
        Model::onnx(&path, &scheme, &options).unwrap()
    };
    let picture = [dots([16, 16], [4, 5], [0, 0], [9, 10])];
    let found = normalised(0.0).find(&picture, &[[0.0; 4]]).unwrap();
    assert_eq!(nose_and_wrist(&found[0]), [[9.5, 10.5], [4.5, 5.5]]);
    let said = normalised(128.0).find(&picture, &[[0.0; 4]]).unwrap_err().to_string();
    assert!(said.contains("gives NaN in \"heatmaps\" for picture 1 of the batch"), "{said}");
    let model = Model::onnx(&simcc(1).write(&folder), &scheme, &named()).unwrap();
    let black = model.find(&[RgbImage::new(64, 48)], &[[0.0; 4]]).unwrap_err().to_string();
    assert!(black.contains("test.onnx: found nothing in any of 1 pictures"), "{black}");
}
