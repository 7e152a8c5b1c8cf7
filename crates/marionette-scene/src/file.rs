//! Scene files: TOML in, a checked [`Scene`] out.

use crate::{Ramp, Randomizers, pictures::PictureBank, randomizers};
use glob::Pattern;
use marionette_base::{
    atomic_file::folder_of,
    picture_file::PictureError,
    toml_file::{FileError, TomlFile},
};
use marionette_figure::{Figure, parse_figure, read_figure};
use marionette_stream::{AXES, HardnessAxis};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::Spanned;

/// What is wrong with a scene file or with the figure file that it names.
pub type SceneError = FileError;

/// Everything from which a run takes its samples.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The scene's name.
    pub name: String,
    /// The figure that all samples show.
    pub figure: Arc<Figure>,
    /// The size of a tile.
    pub image: ImageSize,
    /// Per axis, whether it may be steered and how far it reaches, in [`HardnessAxis::ALL`] order.
    pub axes: [AxisReach; AXES],
    /// The randomizers.
    pub randomizers: Randomizers,
    /// The families of poses that are shown, as indices into the figure's.
    pub poses: Vec<usize>,
    /// The pictures that backdrops may show.
    pub pictures: PictureBank,
    /// The scene file as it was read, to keep with a run.
    pub scene_file: TomlFile,
    /// The figure file as it was read, to keep with a run.
    pub figure_file: TomlFile,
    /// The files that all of it was read from: scenes, figure, pictures.
    pub read_from: Vec<PathBuf>,
}

impl Scene {
    /// The scene with another image size, if that has the same proportions. It shows the same,
    /// larger or smaller.
    pub fn resized(&self, size: ImageSize) -> Option<Scene> {
        let ImageSize { width, height } = self.image;
        let alike =
            u64::from(width) * u64::from(size.height) == u64::from(height) * u64::from(size.width);
        alike.then(|| Scene { image: size, ..self.clone() })
    }
}

/// Width and height of an image, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSize {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
}

/// How far one hardness axis reaches, and whether it is steered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AxisReach {
    /// Whether the curriculum may steer the axis; otherwise the axis stays uniform.
    pub steered: bool,
    /// The share of the way from `easy` to `hard` that hardness 1 goes, 0 to 1.
    pub reach: f32,
}

impl Default for AxisReach {
    fn default() -> Self {
        AxisReach { steered: true, reach: 1.0 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SceneFile {
    name: String,
    base: Option<Spanned<String>>,
    figure: Option<Spanned<String>>,
    image: Option<Spanned<ImageSize>>,
    backgrounds: Option<Vec<Spanned<String>>>,
    poses: Option<Vec<String>>,
    #[serde(default)]
    axes: BTreeMap<Spanned<String>, Spanned<AxisReach>>,
    #[serde(default)]
    pose: randomizers::PoseEntry,
    #[serde(default)]
    view: randomizers::ViewEntry,
    #[serde(default)]
    occlusion: randomizers::OcclusionEntry,
    #[serde(default)]
    truncation: randomizers::TruncationEntry,
    #[serde(default)]
    lighting: randomizers::LightingEntry,
    #[serde(default)]
    camouflage: randomizers::CamouflageEntry,
    #[serde(default)]
    crowd: randomizers::CrowdEntry,
    #[serde(default)]
    degradation: randomizers::DegradationEntry,
}

const HUMAN: &str = include_str!("../../../assets/figures/human.toml");

/// The scenes that come with the program: name and text.
const EMBEDDED: [(&str, &str); 7] = [
    ("quickstart", include_str!("../../../scenes/quickstart.toml")),
    ("everyday", include_str!("../../../scenes/everyday.toml")),
    ("sports", include_str!("../../../scenes/sports.toml")),
    ("crowded", include_str!("../../../scenes/crowded.toml")),
    ("studio", include_str!("../../../scenes/studio.toml")),
    ("night", include_str!("../../../scenes/night.toml")),
    ("all", include_str!("../../../scenes/all.toml")),
];
/// How many scenes may be based on one another.
const MOST_BASES: usize = 8;

/// Loads a scene: a scene that comes with the program by its name, any other by its path.
///
/// # Errors
/// If anything is wrong with the scene file or its figure file: which file and line, what was found
/// and what is allowed.
pub fn load_scene(name_or_path: &str) -> Result<Scene, SceneError> {
    let path = PathBuf::from(name_or_path);
    if let Some(file) = embedded(name_or_path)
        && !path.exists()
    {
        return parse_scene(file);
    }
    parse(TomlFile::read(&path)?, vec![path])
}

/// The names of the scenes that come with the program.
pub fn embedded_scenes() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, _)| *name)
}

fn embedded(name: &str) -> Option<TomlFile> {
    let (name, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
    Some(TomlFile { path: format!("scenes/{name}.toml").into(), text: (*text).into() })
}

/// Checks a scene file's text and loads the figure it names. See [`load_scene`].
///
/// # Errors
/// As [`load_scene`].
pub fn parse_scene(file: TomlFile) -> Result<Scene, SceneError> {
    parse(file, Vec::new())
}

fn parse(file: TomlFile, mut read_from: Vec<PathBuf>) -> Result<Scene, SceneError> {
    let (file, (named_in, name)) = with_bases(file, 0, &mut read_from)?;
    let figure_file = find_figure(&named_in, &name, &mut read_from)?;
    check(file, parse_figure(&figure_file)?, figure_file, read_from)
}

/// Checks a scene file's text with the figure of `figure_file`, whatever figure the scene names. A
/// run reads its own copies of both files this way.
///
/// # Errors
/// As [`load_scene`].
pub fn parse_scene_with(file: TomlFile, figure_file: TomlFile) -> Result<Scene, SceneError> {
    let mut read_from = vec![file.path.clone(), figure_file.path.clone()];
    let (file, _) = with_bases(file, 0, &mut read_from)?;
    check(file, parse_figure(&figure_file)?, figure_file, read_from)
}

/// The scene file with all values from its base, and from the base's base, written out, so that a
/// run's copy of it needs no other scene. Also the name of its figure, with the file that names it.
fn with_bases(
    file: TomlFile,
    depth: usize,
    read_from: &mut Vec<PathBuf>,
) -> Result<(TomlFile, (TomlFile, Spanned<String>)), SceneError> {
    let entries: SceneFile = file.parse()?;
    complaints(&file, &entries)?;
    let own_figure = entries.figure.clone().map(|name| (file.clone(), name));
    let Some(base) = &entries.base else {
        let missing = |key: &str| {
            file.error(None, format!("there is no `{key}`, and no `base` scene to take it from"))
        };
        if entries.image.is_none() {
            return Err(missing("image"));
        }
        let figure = own_figure.ok_or_else(|| missing("figure"))?;
        return Ok((with_absolute_backgrounds(file, &entries)?, figure));
    };
    if depth == MOST_BASES {
        let message =
            format!("{MOST_BASES} scenes rest on one another; they may be going round in a circle");
        return Err(file.error(Some(base.span()), message));
    }
    let beside = file.path.parent().unwrap_or(Path::new("")).join(base.get_ref());
    let base_file = if beside.is_file() {
        read_from.push(beside.clone());
        TomlFile::read(&beside)?
    } else {
        embedded(base.get_ref()).ok_or_else(|| {
            let known = embedded_scenes().collect::<Vec<_>>().join(", ");
            let message = format!(
                "no scene \"{}\": {} is not a file, and with the program come {known}",
                base.get_ref(),
                beside.display()
            );
            file.error(Some(base.span()), message)
        })?
    };
    let (base_file, base_figure) = with_bases(base_file, depth + 1, read_from)?;
    let mut merged: toml::Table = base_file.parse()?;
    let mut own: toml::Table = file.parse()?;
    own.remove("base");
    if let Some(patterns) = &entries.backgrounds {
        own.insert("backgrounds".into(), absolute(&file, patterns)?.into());
    }
    for (key, value) in own {
        match (merged.get_mut(&key).and_then(toml::Value::as_table_mut), value) {
            (Some(section), toml::Value::Table(own)) => section.extend(own),
            (_, value) => {
                merged.insert(key, value);
            }
        }
    }
    let text = toml::to_string(&merged).map_err(|e| file.error(None, e.to_string()))?;
    Ok((TomlFile { path: file.path, text }, own_figure.unwrap_or(base_figure)))
}

/// The scene file with absolute patterns of pictures, which are valid from any folder.
fn with_absolute_backgrounds(file: TomlFile, entries: &SceneFile) -> Result<TomlFile, SceneError> {
    let Some(patterns) = &entries.backgrounds else { return Ok(file) };
    let mut table: toml::Table = file.parse()?;
    table.insert("backgrounds".into(), absolute(&file, patterns)?.into());
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    Ok(TomlFile { path: file.path, text })
}

/// The patterns as absolute paths. Each must match a file. Only what the file says is a pattern:
/// the name of its own folder may have any characters.
fn absolute(file: &TomlFile, patterns: &[Spanned<String>]) -> Result<Vec<String>, SceneError> {
    let folder = folder_of(&file.path);
    let each = patterns.iter().map(|pattern| {
        let fail = |message: String| file.error(Some(pattern.span()), message);
        let written = pattern.get_ref();
        let text = |path: PathBuf| {
            let path = std::path::absolute(path).map_err(|e| fail(e.to_string()))?;
            path.into_os_string().into_string().map_err(|_| fail("the path is not UTF-8".into()))
        };
        let literal = folder.join(written);
        let path = if literal.is_file() {
            Pattern::escape(&text(literal)?)
        } else if Path::new(written).is_absolute() {
            written.clone()
        } else {
            format!("{}/{written}", Pattern::escape(&text(folder.to_owned())?))
        };
        if matches(&path).map_err(fail)?.is_empty() {
            let folder = text(folder.to_owned())?;
            return Err(fail(format!("no file matches \"{written}\" in {folder}")));
        }
        Ok(path)
    });
    each.collect()
}

/// The files that match a pattern, in the order of their names.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let paths = glob::glob(pattern)
        .map_err(|e| format!("\"{pattern}\" is no pattern of file names: {e}"))?;
    Ok(paths.filter_map(Result::ok).filter(|path| path.is_file()).collect())
}

/// Checks the values of a scene file, complete or not.
fn complaints(file: &TomlFile, entries: &SceneFile) -> Result<(), SceneError> {
    if let Some(image) = &entries.image {
        for (key, value) in [("width", image.get_ref().width), ("height", image.get_ref().height)] {
            if !(16..=1024).contains(&value) {
                let message = format!("image.{key} is {value}; give 16 to 1024 pixels");
                return Err(file.error(Some(image.span()), message));
            }
        }
    }
    for (name, reach) in &entries.axes {
        let Some(axis) = HardnessAxis::by_name(name.get_ref()) else {
            let known = HardnessAxis::ALL.map(HardnessAxis::name).join(", ");
            let message = format!("\"{}\" is no hardness axis; there are {known}", name.get_ref());
            return Err(file.error(Some(name.span()), message));
        };
        if !(0.0..=1.0).contains(&reach.get_ref().reach) {
            let message = format!(
                "axes.{axis}.reach is {}; give a number from 0 to 1",
                reach.get_ref().reach
            );
            return Err(file.error(Some(reach.span()), message));
        }
    }
    for (section, key, ramp) in entries.randomizers().all() {
        for (end, distribution) in [("easy", Some(&ramp.easy)), ("hard", ramp.hard.as_ref())] {
            if let Some(complaint) = distribution.and_then(|d| d.complaint()) {
                let line = file.line_of(&format!("{section}.{key}"));
                let message = format!("{section}.{key}.{end}: {complaint}");
                return Err(SceneError { line, ..file.error(None, message) });
            }
        }
    }
    Ok(())
}

impl SceneFile {
    fn randomizers(&self) -> Randomizers {
        Randomizers {
            pose: self.pose.clone().complete(),
            view: self.view.clone().complete(),
            occlusion: self.occlusion.clone().complete(),
            truncation: self.truncation.clone().complete(),
            lighting: self.lighting.clone().complete(),
            camouflage: self.camouflage.clone().complete(),
            crowd: self.crowd.clone().complete(),
            degradation: self.degradation.clone().complete(),
        }
    }
}

/// The scene that a complete file describes.
fn check(
    file: TomlFile,
    figure: Figure,
    figure_file: TomlFile,
    mut read_from: Vec<PathBuf>,
) -> Result<Scene, SceneError> {
    let entries: SceneFile = file.parse()?;
    let image = entries.image.as_ref().map(|image| *image.get_ref());
    let mut axes = [AxisReach::default(); AXES];
    for (name, reach) in &entries.axes {
        if let Some(axis) = HardnessAxis::by_name(name.get_ref()) {
            axes[axis as usize] = *reach.get_ref();
        }
    }
    let mut files = Vec::new();
    for pattern in entries.backgrounds.iter().flatten() {
        files.extend(matches(pattern.get_ref()).map_err(|message| file.error(None, message))?);
    }
    let poses = match &entries.poses {
        None => (0..figure.poses.len()).collect(),
        Some(names) => names
            .iter()
            .map(|name| pose_index(&file, &figure, name))
            .collect::<Result<Vec<_>, _>>()?,
    };
    if poses.is_empty() {
        return Err(SceneError {
            line: file.line_of("poses"),
            ..file.error(None, "poses is empty; name at least one")
        });
    }
    let randomizers = entries.randomizers();
    read_from.extend(files.iter().cloned());
    let shown = randomizers.camouflage.picture != Ramp::constant(0.0);
    Ok(Scene {
        poses,
        pictures: if shown {
            PictureBank::new(&files).map_err(PictureError::into_file_error)?
        } else {
            PictureBank::empty()
        },
        randomizers,
        name: entries.name,
        figure: Arc::new(figure),
        image: image.ok_or_else(|| file.error(None, "there is no `image`"))?,
        axes,
        scene_file: file,
        figure_file,
        read_from,
    })
}

fn pose_index(file: &TomlFile, figure: &Figure, name: &str) -> Result<usize, SceneError> {
    figure.poses.iter().position(|pose| pose.name == name).ok_or_else(|| {
        let known =
            figure.poses.iter().map(|pose| pose.name.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("\"{name}\" is no family of poses of this figure; there are {known}");
        SceneError { line: file.line_of("poses"), ..file.error(None, message) }
    })
}

/// The figure file that a scene names: `human` is embedded; anything else is a path beside the
/// scene file.
fn find_figure(
    file: &TomlFile,
    name: &Spanned<String>,
    read_from: &mut Vec<PathBuf>,
) -> Result<TomlFile, SceneError> {
    let written = name.get_ref();
    let beside = file.path.parent().unwrap_or(Path::new("")).join(written);
    if beside.is_file() {
        let file = read_figure(&beside);
        read_from.push(beside);
        return file;
    }
    if written == "human" {
        return Ok(TomlFile { path: "assets/figures/human.toml".into(), text: HUMAN.into() });
    }
    let message = format!(
        "no figure \"{written}\": {} is not a file; \"human\" comes with the program",
        beside.display()
    );
    Err(file.error(Some(name.span()), message))
}
