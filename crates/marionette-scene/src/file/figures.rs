//! The figures of scenes: those that come with the program, and others by their files.

use super::{Scene, SceneError, SceneFile, check};
use crate::motion::with_motions;
use marionette_base::toml_file::TomlFile;
use marionette_figure::{BVH_SCHEME, parse_figure, read_figure};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The figures that come with the program: name and text.
const EMBEDDED: [(&str, &str); 3] = [
    ("human", include_str!("../../../../assets/figures/human.toml")),
    ("dog", include_str!("../../../../assets/figures/dog.toml")),
    ("arm", include_str!("../../../../assets/figures/arm.toml")),
];
/// The figure's file in a figure's folder.
const IN_FOLDER: &str = "figure.toml";

/// The names of the figures that come with the program.
pub fn embedded_figures() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, _)| *name)
}

fn embedded(name: &str) -> Option<TomlFile> {
    let (name, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
    Some(TomlFile { path: format!("assets/figures/{name}.toml").into(), text: (*text).into() })
}

/// The figure file at `path`, or in the folder `path`; `None` if there is none.
fn at(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), path.join(IN_FOLDER)].into_iter().find(|path| path.is_file())
}

/// The figure file that is meant by `--figure`.
pub(super) fn named_figure(
    name_or_path: &str,
    read_from: &mut Vec<PathBuf>,
) -> Result<TomlFile, SceneError> {
    let path = Path::new(name_or_path);
    if let Some(path) = at(path) {
        read_from.push(path.clone());
        return read_figure(&path);
    }
    embedded(name_or_path).ok_or_else(|| {
        let message = missing(name_or_path, path);
        SceneError { path: path.to_owned(), line: None, message }
    })
}

/// The figure file that a scene names: one that comes with the program, a file beside the scene
/// file, or a folder beside it that has a `figure.toml`.
pub(super) fn find_figure(
    file: &TomlFile,
    name: &Spanned<String>,
    read_from: &mut Vec<PathBuf>,
) -> Result<TomlFile, SceneError> {
    let written = name.get_ref();
    let beside = file.path.parent().unwrap_or(Path::new("")).join(written);
    if let Some(path) = at(&beside) {
        let file = read_figure(&path);
        read_from.push(path);
        return file;
    }
    embedded(written).ok_or_else(|| file.error(Some(name.span()), missing(written, &beside)))
}

fn missing(name: &str, path: &Path) -> String {
    let known = embedded_figures().collect::<Vec<_>>().join(", ");
    format!(
        "no figure \"{name}\": {} is not a file, nor a folder with a {IN_FOLDER}; with the program \
         come {known}",
        path.display()
    )
}

/// The complete scene `file`, which was `written` so, with the figure of `figure_file` in place of
/// its own.
pub(super) fn with_other_figure(
    file: TomlFile,
    written: TomlFile,
    figure_file: TomlFile,
    read_from: Vec<PathBuf>,
) -> Result<Scene, SceneError> {
    let figure = parse_figure(&figure_file)?;
    let file = for_figure(file, &families(&figure_file)?)?;
    let mut table: toml::Table = file.parse()?;
    // As a scene beside the figure's file would name it.
    let name = match embedded_figures().find(|name| *name == figure.name) {
        Some(name) if embedded(name).is_some_and(|known| known.text == figure_file.text) => name,
        _ => figure_file.path.file_name().and_then(|name| name.to_str()).unwrap_or(IN_FOLDER),
    };
    // A scene that shows it already stays as it was written: what was made of it is known by that.
    if table.get("figure").and_then(toml::Value::as_str) == Some(name) {
        return check(with_motions(file, written, figure_file)?, read_from);
    }
    table.insert("figure".into(), name.into());
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    let file = TomlFile { path: file.path, text };
    check(with_motions(file, written, figure_file)?, read_from)
}

/// The names of a figure's families of poses.
pub(super) fn families(figure_file: &TomlFile) -> Result<Vec<String>, SceneError> {
    let figure = parse_figure(figure_file)?;
    Ok(figure.poses.into_iter().map(|family| family.name).collect())
}

/// The scene file without its list of poses if that names any that are not among a figure's
/// `families`, nor motions from files: the list is made for another figure.
pub(super) fn for_figure(file: TomlFile, families: &[String]) -> Result<TomlFile, SceneError> {
    let entries: SceneFile = file.parse()?;
    let lacks = |name: &String| !families.contains(name) && !name.starts_with(BVH_SCHEME);
    if !entries.poses.iter().flatten().any(lacks) {
        return Ok(file);
    }
    let mut table: toml::Table = file.parse()?;
    table.remove("poses");
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    Ok(TomlFile { path: file.path, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sampler, embedded_scenes, load_scene, load_scene_with_figure};

    #[test]
    fn every_scene_shows_every_figure_and_its_copy_says_the_same() {
        for (scene, figure) in
            embedded_scenes().flat_map(|scene| embedded_figures().map(move |f| (scene, f)))
        {
            let shown = load_scene_with_figure(scene, figure).unwrap();
            assert_eq!(shown.figure.name, figure);
            let sample =
                Sampler::new(&shown, |start| Some(start.pose.clone())).sample_at([0.5; 8], 1, 0, 0);
            assert!(sample.figures[0].keypoints.iter().all(|place| place.is_finite()));
            let again =
                crate::parse_scene_with(shown.scene_file.clone(), shown.figure_file.clone());
            assert_eq!(again.unwrap().poses, shown.poses);
            assert_eq!(crate::parse_scene(shown.scene_file).unwrap().figure.name, figure);
        }
    }

    #[test]
    fn poses_of_another_figure_are_not_inherited_and_those_of_the_same_are() {
        let poses = |figure| {
            let scene = load_scene_with_figure("sports", figure).unwrap();
            (scene.poses.len(), scene.figure.poses.len())
        };
        let (shown, all) = poses("dog");
        assert_eq!(shown, all);
        assert_eq!(poses("human").0, load_scene("sports").unwrap().poses.len());
        // What an audit of a scene is known by does not change with the figure that is its own.
        let named = load_scene_with_figure("quickstart", "human").unwrap().scene_file.text;
        assert_eq!(named, load_scene("quickstart").unwrap().scene_file.text);
    }

    #[test]
    fn a_scene_of_its_own_figure_may_not_misspell_a_pose() {
        let text = "name = \"x\"\nbase = \"all\"\n\n\nfigure = \"dog\"\nposes = [\"stqnd\"]\n";
        let file = TomlFile { path: "x.toml".into(), text: text.into() };
        let refused = crate::parse_scene(file).unwrap_err();
        assert!(refused.message.starts_with("\"stqnd\" is no family of poses"), "{refused}");
        assert_eq!(refused.line, Some(6));
    }

    #[test]
    fn figures_are_found_by_name_file_and_folder() {
        let folder = std::env::temp_dir().join(format!("figures-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = embedded("dog").unwrap().text.replacen("\"dog\"", "\"wolf\"", 1);
        std::fs::write(folder.join(IN_FOLDER), text).unwrap();
        for path in [folder.clone(), folder.join(IN_FOLDER)] {
            let scene = load_scene_with_figure("yard", path.to_str().unwrap()).unwrap();
            assert_eq!(scene.figure.name, "wolf");
            assert!(scene.read_from.contains(&folder.join(IN_FOLDER)));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let refused = load_scene_with_figure("yard", "cat").unwrap_err();
        assert!(refused.message.contains("come human, dog, arm"), "{refused}");
    }

    #[test]
    fn the_dog_has_ap10ks_keypoints_and_the_arm_stays_on_its_base() {
        let dog = parse_figure(&embedded("dog").unwrap()).unwrap();
        let names: Vec<&str> = dog.keypoints.iter().map(|k| k.name.as_str()).collect();
        let first = ["left_eye", "right_eye", "nose", "neck", "root_of_tail", "left_shoulder"];
        assert_eq!((&names[..6], names[16]), (&first[..], "right_back_paw"));
        assert_eq!(dog.keypoint_twins()[5..11], [8, 9, 10, 5, 6, 7]);
        let scene = load_scene("workcell").unwrap();
        let sampler = Sampler::new(&scene, |_| None);
        for index in 0..40 {
            let sample = sampler.sample_at([1.0; 8], 3, index, 0);
            let arm = &sample.figures[0];
            assert_eq!(arm.pose.orientation, glam::Quat::IDENTITY);
            // On the ground, or on the block that carries it.
            let block =
                sample.props.iter().find(|p| p.role == marionette_stream::PropRole::Support);
            let top = block.map_or(0.0, |block| 2.0 * block.position.y);
            assert!((arm.pose.root.y - top).abs() < 1e-5, "{} on {top}", arm.pose.root.y);
        }
    }
}
