//! What of a picture may explain its errors: what was drawn, and what was measured.

use marionette_figure::PoseFamily;
use marionette_findings::{Condition, Test, UNKNOWN};
use marionette_run::stats::Measure;
use marionette_scene::Scene;
use marionette_stream::{
    BackdropKind, Circumstance, Cover, HardnessAxis, LightKind, Quantity, SceneSample, Side, Tile,
    Visibility,
};
use serde::{Deserialize, Serialize};

/// A number that a picture has.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// What it is, in words.
    pub name: String,
    /// Its unit in words; may be empty.
    pub unit: String,
    /// The axes that move it.
    pub axes: &'static [HardnessAxis],
    /// What tells it.
    pub source: Source,
}

/// What tells a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// It is the hardness of an axis.
    Hardness(HardnessAxis),
    /// The sample tells it.
    Sample(Quantity),
    /// Only pixels do.
    Pixels(Measure),
}

/// What is measured and may explain errors, beside hardness. The other measures are told by these
/// or by the axes.
const SOURCES: [Source; 9] = [
    Source::Sample(Quantity::Bend),
    Source::Sample(Quantity::Lean),
    Source::Pixels(Measure::Visible),
    Source::Pixels(Measure::InFrame),
    Source::Pixels(Measure::Brightness),
    Source::Pixels(Measure::Contrast),
    Source::Pixels(Measure::Detail),
    Source::Pixels(Measure::Others),
    Source::Sample(Quantity::Size),
];

/// A kind that a picture is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// What is told apart, in words.
    pub name: String,
    /// The kinds: words that fit into a sentence, as in "seen from behind", and what holds then.
    /// Of each picture one holds.
    pub kinds: Vec<(String, Circumstance)>,
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
        let hardness = HardnessAxis::ALL.map(Source::Hardness);
        let category = |name: &str, axes: &'static [HardnessAxis], kinds: Vec<_>| Category {
            name: name.to_owned(),
            kinds,
            axes,
        };
        let said = |words: &str, holds: Circumstance| (words.to_owned(), holds);
        let posed = |(index, family): (usize, &PoseFamily)| {
            (format!("pose \"{}\"", family.name.replace('_', " ")), Circumstance::Pose(index))
        };
        let seen = |side: Side| (format!("seen {}", side.words()), Circumstance::Seen(side));
        let lit = |kind: LightKind| said(kind.words(), Circumstance::Lit(kind));
        let before = |kind| (format!("before {}", backdrop(kind)), Circumstance::Before(kind));
        let mut categories = vec![
            category(
                "pose",
                &[HardnessAxis::Pose],
                figure.poses.iter().enumerate().map(posed).collect(),
            ),
            category("side", &[HardnessAxis::View, HardnessAxis::Pose], Side::ALL.map(seen).into()),
            category(
                "company",
                &[HardnessAxis::Crowd],
                vec![
                    said("alone", Circumstance::Others([0, 0])),
                    said("with one other", Circumstance::Others([1, 1])),
                    said("among several", Circumstance::Others([2, usize::MAX])),
                ],
            ),
            category("light", &[HardnessAxis::Lighting], LightKind::ALL.map(lit).into()),
            category("backdrop", &[HardnessAxis::Camouflage], BackdropKind::ALL.map(before).into()),
            category(
                "things",
                &[HardnessAxis::Pose],
                vec![
                    said("with nothing in hand", Circumstance::Holds(false)),
                    said("holding something", Circumstance::Holds(true)),
                ],
            ),
            category(
                "support",
                &[HardnessAxis::Pose],
                vec![
                    said("on the ground", Circumstance::Carried(false)),
                    said("on a support", Circumstance::Carried(true)),
                ],
            ),
        ];
        for (slot, name) in figure.slots.iter().enumerate() {
            let of_slot: Vec<usize> = (0..figure.garments.len())
                .filter(|garment| figure.garments[*garment].slot == slot)
                .collect();
            let worn = |garment: &usize| {
                let name = figure.garments[*garment].name.replace('_', " ");
                (format!("wearing {name}"), Circumstance::Wears(*garment))
            };
            let mut kinds = vec![(format!("no {name}"), Circumstance::WearsNone(of_slot.clone()))];
            kinds.extend(of_slot.iter().map(worn));
            categories.push(category(&format!("clothes ({name})"), &[], kinds));
        }
        FactList {
            numbers: hardness.into_iter().chain(SOURCES).map(Number::of).collect(),
            categories,
        }
    }

    /// Whether the factor called `name` is known of a sample before it is drawn.
    pub fn is_drawn(&self, name: &str) -> bool {
        let told = |number: &Number| !matches!(number.source, Source::Pixels(_));
        let number = self.numbers.iter().any(|number| number.name == name && told(number));
        number || self.categories.iter().any(|category| category.name == name)
    }

    /// Whether the factor called `name` is the hardness of an axis.
    pub fn is_hardness(&self, name: &str) -> bool {
        let hardness = |number: &Number| matches!(number.source, Source::Hardness(_));
        self.numbers.iter().any(|number| number.name == name && hardness(number))
    }

    /// What holds of a sample where `condition` does; `None` for a condition on hardness, and on
    /// what only pixels tell.
    pub fn circumstance(&self, condition: &Condition) -> Option<Circumstance> {
        let number = self.numbers.iter().find(|number| number.name == condition.factor);
        if let Some(Number { source: Source::Sample(quantity), .. }) = number {
            return match condition.test {
                Test::AtLeast(cut) => Some(Circumstance::AtLeast(*quantity, cut)),
                Test::Below(cut) => Some(Circumstance::Below(*quantity, cut)),
                Test::Is(_) | Test::AnyOf(_) => None,
            };
        }
        let category = self.categories.iter().find(|category| category.name == condition.factor)?;
        let kind = |wanted: &String| {
            let kind = category.kinds.iter().find(|(words, _)| words == wanted);
            kind.map(|(_, holds)| holds.clone())
        };
        match &condition.test {
            Test::Is(wanted) => kind(wanted),
            Test::AnyOf(wanted) => {
                wanted.iter().map(kind).collect::<Option<_>>().map(Circumstance::AnyOf)
            }
            Test::AtLeast(_) | Test::Below(_) => None,
        }
    }

    /// The axes that move the factor called `name`.
    pub fn axes(&self, name: &str) -> &'static [HardnessAxis] {
        let numbers = self.numbers.iter().map(|number| (&number.name, number.axes));
        let categories = self.categories.iter().map(|category| (&category.name, category.axes));
        numbers.chain(categories).find(|(known, _)| *known == name).map_or(&[], |(_, axes)| axes)
    }

    /// What is known of `tile`.
    pub fn of_tile(&self, tile: &Tile) -> Facts {
        let mut facts = self.of_sample(&tile.scene);
        for (number, value) in self.numbers.iter().zip(&mut facts.numbers) {
            if let Source::Pixels(measure) = number.source {
                *value = finite(measure.of(tile));
            }
        }
        facts
    }

    /// What is known of a sample before it is drawn: numbers that only pixels tell are 0.
    pub fn of_sample(&self, sample: &SceneSample) -> Facts {
        let number = |number: &Number| match number.source {
            Source::Hardness(axis) => sample.hardness[axis as usize],
            Source::Sample(quantity) => finite(quantity.of(sample)),
            Source::Pixels(_) => 0.0,
        };
        let kind = |category: &Category| {
            let holding = category.kinds.iter().position(|(_, holds)| holds.holds(sample));
            holding.map_or(UNKNOWN, |kind| kind as u16)
        };
        Facts {
            numbers: self.numbers.iter().map(number).collect(),
            categories: self.categories.iter().map(kind).collect(),
        }
    }
}

impl Number {
    fn of(source: Source) -> Self {
        let (name, unit, axes) = match source {
            Source::Hardness(axis) => (
                format!("hardness of {axis}"),
                "",
                &HardnessAxis::ALL[axis as usize..=axis as usize],
            ),
            Source::Sample(Quantity::Size) => ("size in the picture".to_owned(), "", &[][..]),
            Source::Sample(Quantity::Bend) => measured(Measure::Bend),
            Source::Sample(Quantity::Lean) => measured(Measure::Lean),
            Source::Sample(Quantity::Turn) => measured(Measure::Turn),
            Source::Pixels(measure) => measured(measure),
        };
        Number { name, unit: unit.to_owned(), axes, source }
    }
}

/// Name, unit and movers of a measure.
fn measured(measure: Measure) -> (String, &'static str, &'static [HardnessAxis]) {
    let words = measure.description();
    let (name, unit) = words.split_once(", ").unwrap_or((words, ""));
    (name.to_owned(), unit, movers(measure))
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
