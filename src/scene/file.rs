//! Scene files: TOML in, a checked [`Scene`] out.

use super::{AXES, HardnessAxis, Randomizers};
use crate::{
    figure::{Figure, parse_figure},
    toml_file::{FileError, TomlFile},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml::Spanned;

/// What is wrong with a scene file or with the figure file it names.
pub type SceneError = FileError;

/// Everything that a run draws its samples from.
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
    /// The scene file as it was read, to keep with a run.
    pub scene_file: TomlFile,
    /// The figure file as it was read, to keep with a run.
    pub figure_file: TomlFile,
}

impl Scene {
    /// The scene with its images in another size, if that has the same proportions: it shows the same, larger or smaller.
    pub fn resized(&self, size: ImageSize) -> Option<Scene> {
        let ImageSize { width, height } = self.image;
        let alike = u64::from(width) * u64::from(size.height) == u64::from(height) * u64::from(size.width);
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

/// What may be done with one hardness axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AxisReach {
    /// Whether the curriculum may move the axis; where it may not, the axis stays uniform.
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
    figure: Spanned<String>,
    image: Spanned<ImageSize>,
    #[serde(default)]
    axes: BTreeMap<Spanned<String>, Spanned<AxisReach>>,
    pose: super::randomizers::PoseRandomizer,
    view: super::randomizers::ViewRandomizer,
    occlusion: super::randomizers::OcclusionRandomizer,
    truncation: super::randomizers::TruncationRandomizer,
    lighting: super::randomizers::LightingRandomizer,
    camouflage: super::randomizers::CamouflageRandomizer,
    crowd: super::randomizers::CrowdRandomizer,
    degradation: super::randomizers::DegradationRandomizer,
}

const QUICKSTART: &str = include_str!("../../scenes/quickstart.toml");
const HUMAN: &str = include_str!("../../assets/figures/human.toml");

/// Loads a scene: the embedded `quickstart` by its name, any other by its path.
///
/// # Errors
/// Whatever is wrong with the scene file or its figure file, with file, line, what was found and what would do.
pub fn load_scene(name_or_path: &str) -> Result<Scene, SceneError> {
    let path = PathBuf::from(name_or_path);
    if name_or_path == "quickstart" && !path.exists() {
        return parse_scene(TomlFile { path: "scenes/quickstart.toml".into(), text: QUICKSTART.into() });
    }
    parse_scene(TomlFile::read(&path)?)
}

/// Checks a scene file's text and loads the figure it names. See [`load_scene`].
///
/// # Errors
/// As [`load_scene`].
pub fn parse_scene(file: TomlFile) -> Result<Scene, SceneError> {
    let entries: SceneFile = file.parse()?;
    let figure_file = find_figure(&file, &entries.figure)?;
    check(file, entries, figure_file)
}

/// Checks a scene file's text, with the figure of `figure_file` whatever figure the scene names: the copies that a run
/// keeps belong together.
///
/// # Errors
/// As [`load_scene`].
pub fn parse_scene_with(file: TomlFile, figure_file: TomlFile) -> Result<Scene, SceneError> {
    let entries: SceneFile = file.parse()?;
    check(file, entries, figure_file)
}

fn check(file: TomlFile, entries: SceneFile, figure_file: TomlFile) -> Result<Scene, SceneError> {
    let figure = parse_figure(&figure_file)?;
    let size = *entries.image.get_ref();
    for (key, value) in [("width", size.width), ("height", size.height)] {
        if !(16..=1024).contains(&value) {
            let message = format!("image.{key} is {value}; give 16 to 1024 pixels");
            return Err(file.error(Some(entries.image.span()), message));
        }
    }
    let mut axes = [AxisReach::default(); AXES];
    for (name, reach) in &entries.axes {
        let Some(axis) = HardnessAxis::by_name(name.get_ref()) else {
            let known = HardnessAxis::ALL.map(HardnessAxis::name).join(", ");
            let message = format!("\"{}\" is no hardness axis; there are {known}", name.get_ref());
            return Err(file.error(Some(name.span()), message));
        };
        if !(0.0..=1.0).contains(&reach.get_ref().reach) {
            let message = format!("axes.{axis}.reach is {}; give a number from 0 to 1", reach.get_ref().reach);
            return Err(file.error(Some(reach.span()), message));
        }
        axes[axis as usize] = *reach.get_ref();
    }
    let randomizers = Randomizers {
        pose: entries.pose,
        view: entries.view,
        occlusion: entries.occlusion,
        truncation: entries.truncation,
        lighting: entries.lighting,
        camouflage: entries.camouflage,
        crowd: entries.crowd,
        degradation: entries.degradation,
    };
    for (section, key, ramp) in randomizers.all() {
        for (end, distribution) in [("easy", Some(&ramp.easy)), ("hard", ramp.hard.as_ref())] {
            if let Some(complaint) = distribution.and_then(|d| d.complaint()) {
                let line = file.line_of(section, key);
                let message = format!("{section}.{key}.{end}: {complaint}");
                return Err(SceneError { line, ..file.error(None, message) });
            }
        }
    }
    Ok(Scene {
        name: entries.name,
        figure: Arc::new(figure),
        image: size,
        axes,
        randomizers,
        scene_file: file,
        figure_file,
    })
}

/// The figure file that a scene names: `human` is embedded; anything else is a path beside the scene file.
fn find_figure(file: &TomlFile, name: &Spanned<String>) -> Result<TomlFile, SceneError> {
    let written = name.get_ref();
    let beside = file.path.parent().unwrap_or(Path::new("")).join(written);
    if beside.is_file() {
        return TomlFile::read(&beside);
    }
    if written == "human" {
        return Ok(TomlFile { path: "assets/figures/human.toml".into(), text: HUMAN.into() });
    }
    let message =
        format!("no figure \"{written}\": {} is not a file; \"human\" comes with the program", beside.display());
    Err(file.error(Some(name.span()), message))
}
