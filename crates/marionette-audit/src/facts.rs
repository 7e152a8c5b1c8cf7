//! What of a picture may explain its errors: what was drawn, and what was measured.

use marionette_figure::Figure;
use marionette_run::stats::Measure;
use marionette_scene::Scene;
use marionette_stream::{
    AXES, BackdropKind, Cover, HardnessAxis, Light, PropRole, SceneSample, Side, Tile, Visibility,
};
use serde::{Deserialize, Serialize};

/// What is measured and may explain errors. The other measures are told by these or by the axes.
const MEASURED: [Measure; 8] = [
    Measure::Bend,
    Measure::Lean,
    Measure::Visible,
    Measure::InFrame,
    Measure::Brightness,
    Measure::Contrast,
    Measure::Detail,
    Measure::Others,
];

/// A number that a picture has.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// What it is, in words.
    pub name: String,
    /// Its unit in words; may be empty.
    pub unit: String,
    /// The axes that move it.
    pub axes: &'static [HardnessAxis],
    /// Whether only pixels tell it.
    pub measured: bool,
}

/// A kind that a picture is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// What is told apart, in words.
    pub name: String,
    /// The kinds, in words that fit into a sentence: "seen from behind".
    pub kinds: Vec<String>,
    /// The axes that move it.
    pub axes: &'static [HardnessAxis],
}

/// All that is known of a scene's pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct FactList {
    /// Numbers: hardness in [`HardnessAxis::ALL`] order, then what follows.
    pub numbers: Vec<Number>,
    /// Categories.
    pub categories: Vec<Category>,
    garments: Vec<usize>,
    slots: usize,
}

/// What is known of a picture, in the order of its [`FactList`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Numbers, all finite.
    pub numbers: Vec<f32>,
    /// Places in [`Category::kinds`].
    pub categories: Vec<u16>,
}

/// What covers a keypoint, in words.
pub const COVERS: [&str; 4] =
    ["in sight", "behind the body itself", "behind another figure", "behind a thing"];

/// The place in [`COVERS`] of a keypoint.
pub fn cover(visibility: Visibility, cover: Option<Cover>) -> u16 {
    match (visibility, cover) {
        (Visibility::Covered, Some(Cover::OtherFigure)) => 2,
        (Visibility::Covered, Some(Cover::Prop)) => 3,
        (Visibility::Covered, _) => 1,
        _ => 0,
    }
}

impl FactList {
    /// What is known of the pictures of `scene`.
    pub fn of(scene: &Scene) -> Self {
        let figure = &scene.figure;
        let axes = HardnessAxis::ALL.map(|axis| Number {
            name: format!("hardness of {axis}"),
            unit: String::new(),
            axes: &HardnessAxis::ALL[axis as usize..=axis as usize],
            measured: false,
        });
        let measures = MEASURED.map(|measure| {
            let words = measure.description();
            let (name, unit) = words.split_once(", ").unwrap_or((words, ""));
            Number {
                name: name.to_owned(),
                unit: unit.to_owned(),
                axes: movers(measure),
                measured: true,
            }
        });
        let size = Number {
            name: "size in the picture".to_owned(),
            unit: String::new(),
            axes: &[],
            measured: true,
        };
        let category = |name: &str, axes: &'static [HardnessAxis], kinds: Vec<String>| Category {
            name: name.to_owned(),
            kinds,
            axes,
        };
        let words = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let mut categories = vec![
            category(
                "pose",
                &[HardnessAxis::Pose],
                figure
                    .poses
                    .iter()
                    .map(|family| format!("pose \"{}\"", family.name.replace('_', " ")))
                    .collect(),
            ),
            category(
                "side",
                &[HardnessAxis::View, HardnessAxis::Pose],
                Side::ALL.map(|side| format!("seen {}", side.words())).into(),
            ),
            category(
                "company",
                &[HardnessAxis::Crowd],
                words(&["alone", "with one other", "among several"]),
            ),
            category("light", &[HardnessAxis::Lighting], words(&LIGHTS)),
            category(
                "backdrop",
                &[HardnessAxis::Camouflage],
                BackdropKind::ALL.map(|kind| format!("before {}", backdrop(kind))).into(),
            ),
            category(
                "things",
                &[HardnessAxis::Pose],
                words(&["with nothing in hand", "holding something"]),
            ),
            category("support", &[HardnessAxis::Pose], words(&["on the ground", "on a support"])),
        ];
        let mut garments = vec![0; figure.garments.len()];
        for (slot, name) in figure.slots.iter().enumerate() {
            let mut kinds = vec![format!("no {name}")];
            for (garment, of) in figure.garments.iter().enumerate().filter(|(_, g)| g.slot == slot)
            {
                garments[garment] = kinds.len();
                kinds.push(format!("wearing {}", of.name.replace('_', " ")));
            }
            categories.push(category(&format!("clothes ({name})"), &[], kinds));
        }
        FactList {
            numbers: axes.into_iter().chain(measures).chain([size]).collect(),
            categories,
            garments,
            slots: figure.slots.len(),
        }
    }

    /// Whether the factor called `name` is known of a sample before it is drawn.
    pub fn is_drawn(&self, name: &str) -> bool {
        let number = self.numbers.iter().any(|number| number.name == name && !number.measured);
        number || self.categories.iter().any(|category| category.name == name)
    }

    /// Whether the factor called `name` is the hardness of an axis.
    pub fn is_hardness(&self, name: &str) -> bool {
        self.numbers.iter().take(AXES).any(|number| number.name == name)
    }

    /// The axes that move the factor called `name`.
    pub fn axes(&self, name: &str) -> &'static [HardnessAxis] {
        let numbers = self.numbers.iter().map(|number| (&number.name, number.axes));
        let categories = self.categories.iter().map(|category| (&category.name, category.axes));
        numbers.chain(categories).find(|(known, _)| *known == name).map_or(&[], |(_, axes)| axes)
    }

    /// What is known of `tile`.
    pub fn of_tile(&self, figure: &Figure, tile: &Tile) -> Facts {
        let amodal = tile.labels.amodal_box;
        let extent =
            (amodal.high - amodal.low) / glam::Vec2::new(tile.width as f32, tile.height as f32);
        let measured = MEASURED.iter().map(|measure| measure.of(tile));
        let mut facts = self.of_sample(figure, &tile.scene);
        facts.numbers.truncate(tile.scene.hardness.len());
        facts.numbers.extend(measured.chain([extent.max_element()]).map(finite));
        facts
    }

    /// What is known of a sample before it is drawn: numbers that only pixels tell are 0.
    pub fn of_sample(&self, figure: &Figure, sample: &SceneSample) -> Facts {
        let primary = &sample.figures[0];
        let role = |role: PropRole| sample.props.iter().any(|prop| prop.role == role);
        let mut categories = vec![
            primary.family as u16,
            Side::of(sample) as u16,
            sample.figures.len().min(3) as u16 - 1,
            light(&sample.light, sample),
            BackdropKind::ALL.iter().position(|kind| *kind == sample.backdrop.kind).unwrap_or(0)
                as u16,
            u16::from(role(PropRole::Held)),
            u16::from(role(PropRole::Support)),
        ];
        let clothes = categories.len();
        categories.extend(std::iter::repeat_n(0, self.slots));
        for garment in &primary.outfit {
            categories[clothes + figure.garments[*garment].slot] = self.garments[*garment] as u16;
        }
        let mut numbers = sample.hardness.to_vec();
        numbers.resize(self.numbers.len(), 0.0);
        Facts { numbers, categories }
    }
}

fn finite(number: f32) -> f32 {
    if number.is_finite() { number } else { 0.0 }
}

/// The axes that move a measure.
fn movers(measure: Measure) -> &'static [HardnessAxis] {
    use HardnessAxis::{
        Camouflage, Crowd, Degradation, Lighting, Occlusion, Pose, Truncation, View,
    };
    match measure {
        Measure::Bend => &[Pose],
        Measure::Lean | Measure::Turn => &[View, Pose],
        Measure::Visible | Measure::Props => &[Occlusion],
        Measure::InFrame | Measure::KeypointsIn | Measure::KeypointsSeen => &[Truncation],
        Measure::Brightness => &[Lighting],
        Measure::Contrast => &[Camouflage],
        Measure::Detail => &[Degradation],
        Measure::Others => &[Crowd],
    }
}

const LIGHTS: [&str; 4] =
    ["in sunlight", "in light without shadows", "under a lamp", "lit by a flash"];

fn light(light: &Light, sample: &SceneSample) -> u16 {
    match light.lamp {
        // A flash stands on the camera or is held beside it.
        Some(lamp) if lamp.position.distance(sample.camera.eye()) < 0.5 => 3,
        Some(_) => 2,
        None if light.shadows => 0,
        None => 1,
    }
}

fn backdrop(kind: BackdropKind) -> &'static str {
    match kind {
        BackdropKind::Studio => "a smooth wall",
        BackdropKind::Field => "clouds",
        BackdropKind::Tiles => "tiles",
        BackdropKind::Bricks => "bricks",
        BackdropKind::Blocks => "blocks",
        BackdropKind::Foliage => "leaves",
        BackdropKind::Picture => "a picture",
    }
}
