//! COCO keypoints files.

use crate::temporary;
use marionette_figure::KeypointScheme;
use marionette_scene::load_scene;
use marionette_train::eval::coco::{CocoResult, parse_coco, write_results};
use serde_json::Value;
use std::{fs, path::Path, sync::LazyLock};

static SCHEME: LazyLock<KeypointScheme> = LazyLock::new(|| {
    load_scene("quickstart").expect("the scene comes with the program").figure.scheme()
});

/// A COCO keypoints file. People that are read are whole, and results on them can be written.
pub fn coco(bytes: &[u8]) -> bool {
    let parse = |subset| parse_coco(Path::new("coco.json"), bytes.to_vec(), &SCHEME, subset);
    let file = match parse(true) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.to_string().starts_with("coco.json:"));
            assert!(parse(false).is_err());
            return false;
        }
    };
    if let Ok(same) = parse(false) {
        assert_eq!((same.images, same.keypoints), (file.images.clone(), file.keypoints.clone()));
    }
    let count = SCHEME.names.len();
    assert!(file.people.iter().any(|person| person.counts()));
    for person in &file.people {
        assert!(person.image < file.images.len());
        assert_eq!([person.keypoints.len(), person.labelled.len()], [count; 2]);
        assert!(person.keypoints.as_flattened().iter().all(|place| place.is_finite()));
        person.torso(&SCHEME);
    }
    let results: Vec<CocoResult> = file
        .people
        .iter()
        .enumerate()
        .map(|(person, of)| CocoResult {
            person,
            keypoints: of.keypoints.clone(),
            scores: vec![0.5; count],
            score: 0.5,
        })
        .collect();
    let path = temporary::folder().join("results.json");
    write_results(&path, &file, &results).expect("results can be written");
    let text = fs::read(&path).expect("results are there");
    let written: Vec<Value> = serde_json::from_slice(&text).expect("results are JSON");
    assert_eq!(written.len(), file.people.len());
    true
}
