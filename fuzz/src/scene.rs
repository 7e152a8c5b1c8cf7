//! Scene files.

use marionette_base::toml_file::TomlFile;
use marionette_scene::{Sampler, parse_scene, parse_scene_with};
use std::str;
use toml::{Table, Value};

/// A scene file's text. A scene that is read gives a sample, and a run's copy of it reads back the
/// same.
pub fn scene(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    if names_files(text) {
        return false;
    }
    let file = TomlFile { path: "scene.toml".into(), text: text.to_owned() };
    let scene = match parse_scene(file) {
        Ok(scene) => scene,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let again = parse_scene_with(scene.scene_file.clone(), scene.figure_file.clone())
        .expect("a run reads its own copy of a scene");
    assert_eq!((&again.name, again.image, again.axes), (&scene.name, scene.image, scene.axes));
    assert_eq!((&again.randomizers, &again.poses), (&scene.randomizers, &scene.poses));
    // No physics: `sampler` has it.
    let sample = Sampler::new(&scene, |_| None).sample_at([0.5; 8], 1, 0, 0);
    assert_eq!(sample.figures[0].keypoints.len(), scene.figure.keypoints.len());
    true
}

/// Whether a scene names files of this machine. What they hold is not among the bytes.
fn names_files(text: &str) -> bool {
    let Ok(table) = text.parse::<Table>() else { return false };
    let elsewhere = |key: &str| {
        let name = table.get(key).and_then(Value::as_str);
        name.is_some_and(|name| name.contains(['/', '\\', '.']))
    };
    table.contains_key("backgrounds")
        || text.contains("bvh:")
        || elsewhere("base")
        || elsewhere("figure")
}
