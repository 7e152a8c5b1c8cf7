use super::*;
use crate::model::Model;
use image::Rgb;
use serde_json::Value;
use std::{fs, sync::atomic::AtomicBool};

const BOXES: [[f32; 4]; 2] = [[1.0, 2.0, 6.0, 5.0], [0.0, 0.0, 8.0, 8.0]];

fn scheme() -> KeypointScheme {
    let names = ["nose", "left_wrist"].map(str::to_owned).to_vec();
    let edges = vec![[0, 1]];
    let sigmas = vec![0.05; 2];
    KeypointScheme { names, twins: vec![0, 1], sigmas, symmetry: vec![], edges, torso: [0, 1] }
}

fn pictures() -> Vec<RgbImage> {
    let color = |n: u32| move |x: u32, y: u32| Rgb([x, y, n].map(|value| 20 * value as u8));
    vec![RgbImage::from_fn(8, 8, color(1)), RgbImage::from_fn(9, 8, color(2))]
}

fn find_with(command: &str, options: CommandOptions) -> Result<Vec<Vec<Place>>, ModelError> {
    Model::command(command, &scheme(), options)?.find(&pictures(), &BOXES)
}

/// What a command finds that writes this text.
fn find(results: &str) -> Result<Vec<Vec<Place>>, ModelError> {
    let command = format!("test -d {{images}} && printf '%s' '{results}' > {{results}}");
    find_with(&command, CommandOptions::default())
}

fn said(results: &str) -> String {
    find(results).unwrap_err().to_string()
}

fn at(x: f32, y: f32, score: f32) -> Place {
    Place { at: Some([x, y]), score }
}

#[test]
fn places_come_back_in_our_pixels() {
    let found = find(
        r#"[{"image_id": 2, "category_id": 1, "keypoints": [3, 4.5, 0.5, 0, 0, 0], "score": 1},
           {"image_id": 1.0, "keypoints": [1, 2, 0.25, null, null, null]}]"#,
    );
    let expected = [[at(1.5, 2.5, 0.25), Place::NONE], [at(3.5, 5.0, 0.5), Place::NONE]];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn of_several_people_the_figure_counts_and_of_none_nothing() {
    let found = find(
        r#"[{"image_id": 1, "score": 0.9, "keypoints": [90, 90, 1, 99, 99, 1]},
           {"image_id": 1, "score": 0.5, "keypoints": [1, 2, 1, 6, 6, 1]},
           {"image_id": 1, "score": 0.1, "keypoints": [0.5, 1.5, 1, 6.5, 6.5, 1]}]"#,
    );
    let expected = [[at(1.5, 2.5, 1.0), at(6.5, 6.5, 1.0)], [Place::NONE; 2]];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_command_may_have_keypoints_of_its_own() {
    let found = find(
        r#"{"categories": [{"id": 3, "keypoints": ["tail", "Left-Wrist", "ear"]}],
            "annotations": [{"image_id": 1, "category_id": 3,
                             "keypoints": [9, 9, 9, 1, 2, 0.5, 9, 9, 9]}]}"#,
    );
    let expected = [[Place::NONE, at(1.5, 2.5, 0.5)], [Place::NONE; 2]];
    assert_eq!(found.unwrap(), expected);
    let none = said(r#"{"categories": [{"id": 3, "keypoints": ["tail"]}], "annotations": []}"#);
    assert!(none.contains("none of its keypoints (tail) has the name of one of the figure's"));
    let two = r#"{"categories": [{"id": 1, "keypoints": ["nose"]}, {"id": 2, "keypoints": ["tail"]},
                                 {"id": 3, "keypoints": ["left wrist"]}],
                  "annotations": [{"image_id": 1, "category_id": 3, "keypoints": [1, 2, 0.5]},
                                  {"image_id": 2, "category_id": CATEGORY,
                                   "keypoints": [1, 2, 1]}]}"#;
    let expected = [[Place::NONE, at(1.5, 2.5, 0.5)], [at(1.5, 2.5, 1.0), Place::NONE]];
    assert_eq!(find(&two.replace("CATEGORY", "1")).unwrap(), expected);
    let odd = said(&two.replace("CATEGORY", "2"));
    assert!(odd.contains(
        "result 2 is of the category 2, none of whose keypoints is known; give one of 1, 3"
    ));
    // What is of another category is no result of the only one that is known.
    let known = two.replace("\"left wrist\"", "\"ear\"").replacen(
        "\"category_id\": 3",
        "\"category_id\": 1",
        1,
    );
    assert!(said(&known.replace("CATEGORY", "2")).contains("is of the category 2, none of"));
}

#[test]
fn rubbish_is_told() {
    let bare = |keypoints: &str| format!(r#"[{{"image_id": 1, "keypoints": {keypoints}}}]"#);
    for (results, part) in [
        ("", "the file is empty; write a list of results"),
        ("rubbish", "the file is no JSON: expected value at line 1 column 1, near `rubbish`"),
        ("7", "they are 7, no list"),
        ("{}", "the object has no `annotations`"),
        (r#"{"annotations": [], "categories": []}"#, "it has no categories"),
        ("[1]", "result 1 is 1"),
        (r#"[{"image_id": 3}]"#, "result 1 is of the image 3; give an id of `images`"),
        (r#"[{"image_id": "a"}]"#, "result 1 is of the image \"a\""),
        (r#"[{"image_id": 1}]"#, "result 1 has null for its keypoints"),
        (&bare("[1, 2, 3]"), "result 1 has 3 numbers in its keypoints where 6 are due"),
        (&bare("[1, 2, 3, 4, 5, \"b\"]"), "result 1 has \"b\" in its keypoint 2"),
        (&bare("[1, 2, 3, 4, NaN, 6]"), "NaN, 6]}]`; give numbers; [0, 0, 0] says"),
        (&bare("[1, 2, 3, 1e300, 5, 6]"), "result 1 has 1e+300 in its keypoint 2"),
        ("[]", "found nothing in any of 2 pictures"),
        (&bare("[0, 0, 0, 0, 0, 0]"), "found nothing in any of 2 pictures"),
    ] {
        assert!(said(results).contains(part), "{part}: {}", said(results));
    }
    let score = r#"[{"image_id": 1, "keypoints": [1, 2, 3, 4, 5, 6], "score": "x"}]"#;
    assert!(said(score).contains("result 1 has \"x\" for its score; give a number"));
}

#[test]
fn nobody_is_an_error_only_until_somebody_was_found() {
    let counted = "[ $(ls {images} | wc -l) -eq 2 ] && printf '[]' > {results} || printf \
                   '[{\"image_id\": 1, \"keypoints\": [1, 2, 1, 3, 4, 1]}]' > {results}";
    let model = Model::command(counted, &scheme(), CommandOptions::default()).unwrap();
    let (pictures, one) = (pictures(), &BOXES[..1]);
    assert!(matches!(model.find(&pictures[..1], one), Err(ModelError::Nothing { .. })));
    assert!(model.find(&pictures, &BOXES).is_ok());
    assert_eq!(model.find(&pictures[..1], one).unwrap(), [[Place::NONE; 2]]);
    assert_eq!(model.find(&[], &[]).unwrap(), Vec::<Vec<Place>>::new());
}

#[test]
fn a_command_is_given_pictures_and_boxes_but_no_keypoints() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("it's kept");
    let command = format!(
        "cp -r {{images}} {} && printf '[{{\"image_id\": 1, \"keypoints\": [1, 1, 1, 1, 1, 1]}}]' \
         > {{results}}",
        quoted(&kept)
    );
    find_with(&command, CommandOptions::default()).unwrap();
    for (name, picture) in ["000001.png", "000002.png"].into_iter().zip(pictures()) {
        assert_eq!(image::open(kept.join(name)).unwrap().to_rgb8(), picture);
    }
    let text = fs::read_to_string(kept.join("annotations.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        file["images"][1],
        serde_json::json!({"id": 2, "file_name": "000002.png", "width": 9, "height": 8})
    );
    let annotation = &file["annotations"][0];
    assert_eq!(annotation["bbox"], serde_json::json!([1.0, 2.0, 6.0, 5.0]));
    assert_eq!(annotation["keypoints"], serde_json::json!([0, 0, 0, 0, 0, 0]));
    assert_eq!((&annotation["image_id"], &annotation["num_keypoints"]), (&1.into(), &0.into()));
    let category = &file["categories"][0];
    assert_eq!(category["keypoints"], serde_json::json!(["nose", "left_wrist"]));
    assert_eq!(category["skeleton"], serde_json::json!([[1, 2]]));
}

#[test]
fn a_command_that_fails_is_quoted() {
    let fail = |command: &str, options: CommandOptions| {
        find_with(command, options).unwrap_err().to_string()
    };
    let usual = CommandOptions::default;
    let failed = fail("echo {images} {results} > /dev/null; echo no model >&2; exit 3", usual());
    let part = "ended with the exit code 3; its last lines: no model; try it by hand";
    assert!(failed.contains(part), "{failed}");
    let killed = fail(": {images} {results}; kill -TERM $$", usual());
    assert!(killed.contains("signal: 15 (SIGTERM); it said nothing"), "{killed}");
    let silent = fail("echo done; : {images} {results}", usual());
    assert!(silent.contains("it wrote none; write them to the file in the place of {results}"));
    assert!(silent.contains("its last lines: done"));
    let unnamed = fail("python mine.py {images}", usual());
    assert!(
        unnamed.contains("the command `python mine.py {images}` has no {results}"),
        "{unnamed}"
    );
}

#[test]
fn a_command_that_hangs_is_ended_with_what_it_started() {
    let options = CommandOptions { limit: Duration::from_millis(300), stop: None };
    let hangs = "echo loading; sleep 600 & sleep 600; : {images} {results}";
    let late = find_with(hangs, options).unwrap_err();
    assert!(matches!(late, ModelError::TimedOut { .. }));
    let part = "was ended after 0.3 s, its time limit for 2 pictures; its last lines: loading;";
    assert!(late.to_string().contains(part), "{late}");
    let stop = Some(Arc::new(AtomicBool::new(true)));
    let stopped = find_with(hangs, CommandOptions { stop, ..CommandOptions::default() });
    assert!(matches!(stopped, Err(ModelError::Stopped { .. })));
}
