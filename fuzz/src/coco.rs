//! COCO keypoints files.

use crate::temporary;
use marionette_figure::KeypointScheme;
use marionette_scene::load_scene;
use marionette_train::eval::coco::{CocoResult, read_coco, write_results};
use serde_json::Value;
use std::{fs, sync::LazyLock};

static SCHEME: LazyLock<KeypointScheme> = LazyLock::new(|| {
    load_scene("quickstart").expect("the scene comes with the program").figure.scheme()
});

/// A COCO keypoints file. People that are read are whole, and results on them can be written.
pub fn coco(bytes: &[u8]) -> bool {
    let path = temporary::file("coco.json", bytes);
    let file = match read_coco(&path, &SCHEME) {
        Ok(file) => file,
        Err(error) => {
            assert!(error.to_string().contains("coco.json"));
            return false;
        }
    };
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
