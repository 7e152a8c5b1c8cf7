//! Scene files: TOML in, a checked [`Scene`] out.

mod bases;
mod figures;

pub use figures::embedded_figures;

use crate::{
    Ramp, Randomizers, SceneryKind,
    motion::{Moving, with_motions},
    pictures::{GroundKind, PictureBank, PlaceKind},
    randomizers,
};
use bases::{Merged, matches, merged};
use figures::{families, find_figure, for_figure, named_figure, with_other_figure};
use marionette_base::{
    picture_file::PictureError,
    toml_file::{FileError, TomlFile},
};
use marionette_figure::{Figure, parse_figure};
use marionette_stream::{AXES, HardnessAxis};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
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
    /// What stands behind figures; what is there twice is drawn twice as often.
    pub scenery: Vec<SceneryKind>,
    /// The kinds of the program's places that backdrops show.
    pub places: Vec<PlaceKind>,
    /// The kinds of the program's grounds that figures stand on.
    pub grounds: Vec<GroundKind>,
    /// The pictures that backdrops may show.
    pub pictures: PictureBank,
    /// The scene file as it was read, to keep with a run.
    pub scene_file: TomlFile,
    /// The figure file as it was read, to keep with a run.
    pub figure_file: TomlFile,
    /// The files that all of it was read from: scenes, figure, motions, pictures.
    pub read_from: Vec<PathBuf>,
    /// What was guessed or left out of the motions that were read now, one sentence each.
    pub notes: Vec<String>,
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

    /// The scene with another figure. Where the scene names families of poses that this figure
    /// lacks, all of the figure's are shown.
    ///
    /// # Errors
    /// As [`load_scene`].
    pub fn with_figure(&self, figure_file: TomlFile) -> Result<Scene, SceneError> {
        let read_from = [self.read_from.clone(), vec![figure_file.path.clone()]].concat();
        with_other_figure(self.scene_file.clone(), self.scene_file.clone(), figure_file, read_from)
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
    scenery: Option<Vec<SceneryKind>>,
    places: Option<Vec<PlaceKind>>,
    grounds: Option<Vec<GroundKind>>,
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

/// The scenes that come with the program: name and text.
const EMBEDDED: [(&str, &str); 9] = [
    ("quickstart", include_str!("../../../../scenes/quickstart.toml")),
    ("everyday", include_str!("../../../../scenes/everyday.toml")),
    ("sports", include_str!("../../../../scenes/sports.toml")),
    ("crowded", include_str!("../../../../scenes/crowded.toml")),
    ("studio", include_str!("../../../../scenes/studio.toml")),
    ("night", include_str!("../../../../scenes/night.toml")),
    ("all", include_str!("../../../../scenes/all.toml")),
    ("workcell", include_str!("../../../../scenes/workcell.toml")),
    ("yard", include_str!("../../../../scenes/yard.toml")),
];

/// Loads a scene: a scene that comes with the program by its name, any other by its path.
///
/// # Errors
/// If anything is wrong with the scene file or its figure file: which file and line, what was found
/// and what is allowed.
pub fn load_scene(name_or_path: &str) -> Result<Scene, SceneError> {
    let (file, read_from) = read(name_or_path)?;
    parse(file, read_from)
}

/// As [`load_scene`], with another figure than the scene's own: one that comes with the program by
/// its name, any other by the path of its file or of a folder that has it as `figure.toml`. Where
/// the scene names families of poses that this figure lacks, all of the figure's are shown.
///
/// # Errors
/// As [`load_scene`].
pub fn load_scene_with_figure(name_or_path: &str, figure: &str) -> Result<Scene, SceneError> {
    let (file, mut read_from) = read(name_or_path)?;
    let Merged { file, written, .. } = merged(file, 0, &mut read_from)?;
    let figure_file = named_figure(figure, &mut read_from)?;
    with_other_figure(file, written, figure_file, read_from)
}

/// The scene file that is meant, and the files that it was read from.
fn read(name_or_path: &str) -> Result<(TomlFile, Vec<PathBuf>), SceneError> {
    let path = PathBuf::from(name_or_path);
    match embedded(name_or_path) {
        Some(file) if !path.is_file() => Ok((file, Vec::new())),
        _ => Ok((TomlFile::read(&path)?, vec![path])),
    }
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
    let scene = merged(file, 0, &mut read_from)?;
    let (named_in, name) = &scene.figure;
    let figure_file = find_figure(named_in, name, &mut read_from)?;
    let file = if scene.foreign_poses {
        for_figure(scene.file, &families(&figure_file)?)?
    } else {
        scene.file
    };
    check(with_motions(file, scene.written, figure_file)?, read_from)
}

/// Checks a scene file's text with the figure of `figure_file`, whatever figure the scene names. A
/// run reads its own copies of both files this way.
///
/// # Errors
/// As [`load_scene`].
pub fn parse_scene_with(file: TomlFile, figure_file: TomlFile) -> Result<Scene, SceneError> {
    let mut read_from = vec![file.path.clone(), figure_file.path.clone()];
    let scene = merged(file, 0, &mut read_from)?;
    let file = if scene.foreign_poses {
        for_figure(scene.file, &families(&figure_file)?)?
    } else {
        scene.file
    };
    check(with_motions(file, scene.written, figure_file)?, read_from)
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
fn check(moving: Moving, mut read_from: Vec<PathBuf>) -> Result<Scene, SceneError> {
    let Moving {
        scene: file,
        written,
        figure: figure_file,
        is_rewritten,
        read_from: motions,
        notes,
    } = moving;
    let figure = parse_figure(&figure_file).map_err(|error| match is_rewritten {
        true => SceneError { line: None, ..error },
        false => error,
    })?;
    read_from.extend(motions);
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
            .map(|name| pose_index(&written, &figure, name))
            .collect::<Result<Vec<_>, _>>()?,
    };
    if poses.is_empty() {
        return Err(SceneError {
            line: written.line_of("poses"),
            ..file.error(None, "poses is empty; name at least one")
        });
    }
    let empty = [
        ("scenery", entries.scenery.as_ref().is_some_and(Vec::is_empty)),
        ("places", entries.places.as_ref().is_some_and(Vec::is_empty)),
        ("grounds", entries.grounds.as_ref().is_some_and(Vec::is_empty)),
    ];
    if let Some((key, _)) = empty.iter().find(|(_, empty)| *empty) {
        let message = format!("{key} is empty; name at least one, or leave it out");
        return Err(SceneError { line: written.line_of(key), ..file.error(None, message) });
    }
    let randomizers = entries.randomizers();
    read_from.extend(files.iter().cloned());
    let shown = randomizers.camouflage.picture != Ramp::constant(0.0);
    Ok(Scene {
        poses,
        scenery: entries.scenery.unwrap_or_else(|| SceneryKind::ANYWHERE.to_vec()),
        // Pictures of one's own are of no kind, so all of them are shown.
        places: entries.places.filter(|_| files.is_empty()).unwrap_or(PlaceKind::ALL.to_vec()),
        grounds: entries.grounds.unwrap_or_else(|| GroundKind::ALL.to_vec()),
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
        notes,
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
