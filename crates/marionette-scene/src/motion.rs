//! Motion capture of a scene: `poses = ["bvh:walks/*.bvh"]` makes a family of poses of the files.
//!
//! The key frames go into the figure file that is kept with a run, under the pattern as a name, so
//! that a run needs neither the files nor their folder again.

use crate::SceneError;
use glob::Pattern;
use marionette_base::{atomic_file::folder_of, toml_file::TomlFile};
use marionette_figure::{BVH_SCHEME, Inlined, inline_motion};
use std::path::{Component, Path, PathBuf};
use toml::{Table, Value};

/// A scene and its figure with all motions read.
pub(crate) struct Moving {
    pub scene: TomlFile,
    /// The scene file as it was written, whose lines errors name.
    pub written: TomlFile,
    pub figure: TomlFile,
    /// Whether the figure's text is another than that of its file.
    pub is_rewritten: bool,
    /// The files of motions that were read.
    pub read_from: Vec<PathBuf>,
    /// What was guessed or left out of them.
    pub notes: Vec<String>,
}

/// The families that a scene shows, where some are patterns of motions: these with absolute paths.
/// `None` where none is.
pub(crate) fn absolute_motions(file: &TomlFile, poses: Option<&[String]>) -> Option<Vec<String>> {
    let poses = poses?;
    poses.iter().any(|pose| pose.starts_with(BVH_SCHEME)).then(|| {
        let absolute = |pose: &String| match pose.strip_prefix(BVH_SCHEME) {
            Some(pattern) if !Path::new(pattern).is_absolute() => {
                let folder = std::path::absolute(folder_of(&file.path));
                let folder = folder.unwrap_or_else(|_| folder_of(&file.path).to_owned());
                let literal = folder.join(pattern);
                match literal.is_file() {
                    true => {
                        format!("{BVH_SCHEME}{}", Pattern::escape(&literal.to_string_lossy()))
                    }
                    false => {
                        let folder = Pattern::escape(&folder.to_string_lossy());
                        format!("{BVH_SCHEME}{folder}/{pattern}")
                    }
                }
            }
            _ => pose.clone(),
        };
        poses.iter().map(absolute).collect()
    })
}

/// Reads the motions of a scene, whose patterns are absolute, and of its figure. A pattern whose
/// family the figure has is not read again.
///
/// # Errors
/// If no file matches, or one is broken, or its joints cannot be told.
pub(crate) fn with_motions(
    scene: TomlFile,
    written: TomlFile,
    figure: TomlFile,
) -> Result<Moving, SceneError> {
    let before = figure.text.clone();
    let Inlined { file: figure, read_from, notes } = inline_motion(figure)?;
    let is_rewritten = figure.text != before;
    let mut moving = Moving { scene, written, figure, is_rewritten, read_from, notes };
    if !moving.scene.text.contains(BVH_SCHEME) {
        return Ok(moving);
    }
    let mut table: Table = moving.scene.parse()?;
    let mut figure: Table = moving.figure.parse()?;
    let known: Vec<String> = families(&figure);
    let mut named: Vec<(String, String)> = Vec::new();
    for pose in table.get_mut("poses").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(pattern) = pose.as_str().filter(|pose| pose.starts_with(BVH_SCHEME)) else {
            continue;
        };
        let pattern = pattern.to_owned();
        let name = short(&pattern);
        if named.iter().any(|(other, of)| *other == name && *of != pattern) {
            let line = moving.written.line_of("poses");
            let message = format!(
                "poses has two motions that end with \"{name}\"; rename one of the folders"
            );
            return Err(SceneError { line, ..moving.scene.error(None, message) });
        }
        *pose = Value::String(name.clone());
        // A family that is named twice is drawn twice as often.
        if !named.iter().any(|(other, _)| *other == name) {
            named.push((name, pattern));
        }
    }
    named.retain(|(name, _)| !known.contains(name));
    let text = |table: &Table, file: &TomlFile| {
        toml::to_string(table).map_err(|e| file.error(None, e.to_string()))
    };
    if !named.is_empty() {
        let poses = figure.entry("poses").or_insert_with(|| Value::Array(Vec::new()));
        for (name, pattern) in named {
            let mut family = Table::new();
            family.insert("name".into(), Value::String(name));
            family.insert("motion".into(), Value::String(pattern));
            if let Some(poses) = poses.as_array_mut() {
                poses.push(Value::Table(family));
            }
        }
        let whole = TomlFile { text: text(&figure, &moving.figure)?, ..moving.figure };
        // What is wrong with the patterns stands in the scene.
        let line = moving.written.line_of("poses");
        let inlined =
            inline_motion(whole.clone()).map_err(|error| match error.path == whole.path {
                true => SceneError { line, ..moving.scene.error(None, error.message) },
                false => error,
            })?;
        moving.figure = inlined.file;
        moving.is_rewritten = true;
        moving.read_from.extend(inlined.read_from);
        moving.notes.extend(inlined.notes);
    }
    moving.scene.text = text(&table, &moving.scene)?;
    Ok(moving)
}

fn families(figure: &Table) -> Vec<String> {
    let poses = figure.get("poses").and_then(Value::as_array).into_iter().flatten();
    let names = poses.filter_map(|pose| pose.get("name").and_then(Value::as_str));
    names.map(str::to_owned).collect()
}

/// The name of a family from an absolute pattern: its last folder and the pattern of files.
fn short(pattern: &str) -> String {
    let path = Path::new(pattern.strip_prefix(BVH_SCHEME).unwrap_or(pattern));
    let names: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    format!("{BVH_SCHEME}{}", names[names.len().saturating_sub(2)..].join("/"))
}

#[cfg(test)]
mod tests {
    use crate::{Sampler, load_scene, parse_scene_with};
    use marionette_base::toml_file::TomlFile;
    use std::path::Path;

    /// Hips and legs; in each frame the left thigh is at this angle about x, degrees.
    fn walk(frames: &[f32]) -> String {
        let leg = |side: &str, x: f32| {
            format!(
                "JOINT {side}UpLeg\n{{\nOFFSET {x} -2 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n\
                 JOINT {side}Leg\n{{\nOFFSET 0 -7 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n\
                 End Site\n{{\nOFFSET 0 -7 0\n}}\n}}\n}}\n"
            )
        };
        let (left, right) = (leg("Left", 2.0), leg("Right", -2.0));
        let lines: String = frames
            .iter()
            .map(|angle| format!("0 0 0 0 0 0 0 {angle} 0 0 0 0 0 0 0 0 0 0\n"))
            .collect();
        format!(
            "HIERARCHY\nROOT Hips\n{{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition \
             Zrotation Xrotation Yrotation\n{left}{right}}}\nMOTION\nFrames: {}\nFrame Time: \
             0.03\n{lines}",
            frames.len()
        )
    }

    #[test]
    fn a_scene_shows_motions_and_its_copy_needs_their_files_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (walks, scene) = (folder.path().join("walks"), folder.path().join("walk.toml"));
        std::fs::create_dir(&walks).unwrap();
        std::fs::write(walks.join("a.bvh"), walk(&[-40.0, -35.0])).unwrap();
        std::fs::write(walks.join("b.bvh"), walk(&[30.0, 28.0, 26.0])).unwrap();
        let text =
            "name = \"walk\"\nbase = \"quickstart\"\nposes = [\"bvh:walks/*.bvh\", \"stand\"]\n";
        std::fs::write(&scene, text).unwrap();
        let loaded = load_scene(scene.to_str().unwrap()).unwrap();
        let names: Vec<&str> =
            loaded.poses.iter().map(|pose| loaded.figure.poses[*pose].name.as_str()).collect();
        assert_eq!(names, ["bvh:walks/*.bvh", "stand"]);
        let family = &loaded.figure.poses[loaded.poses[0]];
        assert_eq!((family.keys.len(), &family.breaks[..]), (5, &[2][..]));
        assert_eq!(loaded.read_from.iter().filter(|path| path.starts_with(&walks)).count(), 2);
        assert!(loaded.notes.iter().any(|note| note.contains("LeftUpLeg = left_thigh")));
        let thigh = loaded.figure.bones.iter().position(|bone| bone.name == "left_thigh").unwrap();
        assert!((family.keys[0][thigh].x.to_degrees() + 40.0).abs() < 1.0);

        std::fs::remove_dir_all(&walks).unwrap();
        let copy = |file: &TomlFile, name: &str| TomlFile {
            path: Path::new("elsewhere").join(name),
            text: file.text.clone(),
        };
        let scene_copy = copy(&loaded.scene_file, "scene.toml");
        let again = parse_scene_with(scene_copy, copy(&loaded.figure_file, "figure.toml")).unwrap();
        assert_eq!(again.figure, loaded.figure);
        assert_eq!(
            (&again.poses, &again.scene_file.text),
            (&loaded.poses, &loaded.scene_file.text)
        );
        assert!(again.notes.is_empty());
        let sampler = Sampler::new(&again, |_| None);
        let sample = |index| sampler.sample_at([0.3; 8], 1, index, 0).figures[0].family;
        assert!((0..20).any(|index| sample(index) == again.poses[0]));
    }

    #[test]
    fn patterns_that_match_nothing_are_the_scenes_fault() {
        let folder = tempfile::tempdir().unwrap();
        let scene = folder.path().join("walk.toml");
        let text = "name = \"walk\"\nbase = \"quickstart\"\nposes = [\"bvh:none/*.bvh\"]\n";
        std::fs::write(&scene, text).unwrap();
        let error = load_scene(scene.to_str().unwrap()).unwrap_err();
        assert!(error.path == scene && error.message.contains("no file matches"), "{error}");
        std::fs::create_dir_all(folder.path().join("a/walks")).unwrap();
        std::fs::create_dir_all(folder.path().join("b/walks")).unwrap();
        let text = "name = \"walk\"\nbase = \"quickstart\"\n\
                    poses = [\"bvh:a/walks/*.bvh\", \"bvh:b/walks/*.bvh\"]\n";
        std::fs::write(&scene, text).unwrap();
        let error = load_scene(scene.to_str().unwrap()).unwrap_err();
        assert!(error.message.contains("two motions that end with"), "{error}");
    }
}
