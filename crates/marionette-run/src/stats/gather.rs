//! From the facts of many samples to their statistics.

use super::{
    Measure, SampleFacts,
    summary::{Grid, Histogram, Spread, bin_of},
};
use marionette_base::statistics::spearman;
use marionette_figure::Figure;
use marionette_scene::Scene;
use marionette_stream::{Cover, HardnessAxis, Rejection, Visibility};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Equal bins of [0, 1] that rejections are counted in along each axis.
pub const AXIS_BINS: usize = 5;
/// Bins of the histograms of brightness and contrast.
const BINS: usize = 25;
/// Cells a side of the maps.
const CELLS: usize = 24;
/// The largest width and height of a box that its map tells apart, image sides.
const LARGEST_BOX: f32 = 1.5;
/// Attempts from which on they are counted together.
const MOST_ATTEMPTS: usize = 8;

/// The statistics of a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// The scene's name.
    pub scene: String,
    /// Width and height of an image, pixels.
    pub image: [u32; 2],
    /// At which hardness they were drawn, in words.
    pub hardness: String,
    /// How many samples there are.
    pub samples: usize,
    /// The keypoints, in label order.
    pub keypoints: Vec<KeypointStatistics>,
    /// Boxes around the figure.
    pub boxes: BoxStatistics,
    /// Every axis of every joint that can turn.
    pub angles: Vec<AngleStatistics>,
    /// The scene's families of poses, the commonest first.
    pub families: Vec<FamilyCount>,
    /// What was measured.
    pub measures: BTreeMap<Measure, Spread>,
    /// Brightness of the figure over [0, 1].
    pub brightness: Histogram,
    /// Contrast of the figure over [0, 1].
    pub contrast: Histogram,
    /// How often samples were drawn.
    pub attempts: Attempts,
    /// Why draws were rejected, the commonest first.
    pub rejections: Vec<ReasonCount>,
    /// The hardness axes, in [`HardnessAxis::ALL`] order.
    pub axes: Vec<AxisStatistics>,
}

/// How often a keypoint is seen, what covers it, and where it lies. Shares are of all samples;
/// `outside`, `covered_by_*` and `seen` sum to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeypointStatistics {
    /// Its name.
    pub name: String,
    /// Outside the image (v = 0).
    pub outside: f32,
    /// In the image, covered by the figure itself (v = 1).
    pub covered_by_own: f32,
    /// In the image, covered by another figure (v = 1).
    pub covered_by_other: f32,
    /// In the image, covered by a prop or the scenery (v = 1).
    pub covered_by_prop: f32,
    /// Seen (v = 2).
    pub seen: f32,
    /// Where it lies while it is in the image: shares of its width and height.
    pub places: Grid,
}

impl KeypointStatistics {
    /// In the image but covered (v = 1), as a share of all samples.
    pub fn covered(&self) -> f32 {
        self.covered_by_own + self.covered_by_other + self.covered_by_prop
    }
}

/// Boxes around the whole figure, as if nothing covered it or cut it off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoxStatistics {
    /// Widths, in image widths; above 1 where the figure does not fit in.
    pub width: Spread,
    /// Heights, in image heights.
    pub height: Spread,
    /// Visible pixels of the figure, as a share of the image's.
    pub area: Spread,
    /// Widths and heights as above, up to 1.5.
    pub sizes: Grid,
    /// Centres: shares of the image's width and height.
    pub centres: Grid,
}

/// How far a joint turns about one of its axes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AngleStatistics {
    /// The bone.
    pub bone: String,
    /// `x`, `y` or `z`.
    pub axis: char,
    /// Lowest and highest angle that the figure allows, degrees.
    pub limits: [f32; 2],
    /// Where the angles lie, degrees.
    pub spread: Spread,
}

/// How often a family of poses was sampled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FamilyCount {
    /// Its name.
    pub name: String,
    /// Samples of it.
    pub samples: usize,
    /// Rejected attempts with it, counted from [`SampleFacts::rejected_families`].
    pub rejected: usize,
}

/// How many attempts it took until a sample was solvable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempts {
    /// Draws in all.
    pub draws: usize,
    /// Draws a sample, on average.
    pub mean: f32,
    /// Most draws of one sample.
    pub most: usize,
    /// Samples that took 1, 2 ... draws; the last entry counts all that took as many or more.
    pub samples: Vec<usize>,
}

/// How often draws were rejected for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReasonCount {
    /// The reason.
    pub reason: Rejection,
    /// Draws.
    pub draws: usize,
    /// The same as a share of all draws.
    pub share: f32,
}

/// What one hardness axis does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisStatistics {
    /// The axis.
    pub axis: HardnessAxis,
    /// Spearman's rank correlation of the requested hardness with each measure; `None` where either
    /// of the two is the same in all samples.
    pub correlations: BTreeMap<Measure, Option<f32>>,
    /// Rejections from easy to hard.
    pub bins: Vec<AxisBin>,
}

/// The draws whose hardness lies in [`low`, `high`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AxisBin {
    /// Lowest hardness.
    pub low: f32,
    /// Highest hardness.
    pub high: f32,
    /// Draws in it.
    pub draws: usize,
    /// The share of them that was rejected; `None` where there are none.
    pub rejected: Option<f32>,
}

impl Statistics {
    /// The statistics of `samples` of `scene`; `hardness` says in words at which hardness they were
    /// drawn.
    pub fn gather(scene: &Scene, hardness: &str, samples: &[SampleFacts]) -> Self {
        let measure =
            |which: Measure| samples.iter().map(move |sample| sample.measures[which as usize]);
        Statistics {
            scene: scene.name.clone(),
            image: [scene.image.width, scene.image.height],
            hardness: hardness.to_owned(),
            samples: samples.len(),
            keypoints: (scene.figure.keypoints.iter().enumerate())
                .map(|(index, keypoint)| KeypointStatistics::of(&keypoint.name, index, samples))
                .collect(),
            boxes: BoxStatistics::of(samples),
            angles: angles(&scene.figure, samples),
            families: families(scene, samples),
            measures: Measure::ALL.map(|which| (which, Spread::of(measure(which)))).into(),
            brightness: Histogram::of(measure(Measure::Brightness), [0.0, 1.0], BINS),
            contrast: Histogram::of(measure(Measure::Contrast), [0.0, 1.0], BINS),
            attempts: Attempts::of(samples),
            rejections: reasons(samples),
            axes: HardnessAxis::ALL.map(|axis| AxisStatistics::of(axis, samples)).to_vec(),
        }
    }
}

impl KeypointStatistics {
    fn of(name: &str, index: usize, samples: &[SampleFacts]) -> Self {
        let all = || samples.iter().filter_map(|sample| sample.keypoints.get(index));
        let share = |visibility: Visibility, cover: Option<Cover>| {
            let count = all().filter(|k| k.visibility == visibility && k.cover == cover).count();
            count as f32 / samples.len().max(1) as f32
        };
        let inside = all().filter(|k| k.visibility != Visibility::Outside);
        KeypointStatistics {
            name: name.to_owned(),
            outside: share(Visibility::Outside, None),
            covered_by_own: share(Visibility::Covered, Some(Cover::Own)),
            covered_by_other: share(Visibility::Covered, Some(Cover::OtherFigure)),
            covered_by_prop: share(Visibility::Covered, Some(Cover::Prop)),
            seen: share(Visibility::Seen, None),
            places: Grid::of(inside.map(|k| k.place), 1.0, CELLS),
        }
    }
}

impl BoxStatistics {
    fn of(samples: &[SampleFacts]) -> Self {
        let size = |sample: &SampleFacts| {
            let [left, top, right, bottom] = sample.bounds;
            [right - left, bottom - top]
        };
        let centre = |sample: &SampleFacts| {
            let [left, top, right, bottom] = sample.bounds;
            [(left + right) / 2.0, (top + bottom) / 2.0]
        };
        BoxStatistics {
            width: Spread::of(samples.iter().map(|sample| size(sample)[0])),
            height: Spread::of(samples.iter().map(|sample| size(sample)[1])),
            area: Spread::of(samples.iter().map(|sample| sample.area)),
            sizes: Grid::of(samples.iter().map(size), LARGEST_BOX, CELLS),
            centres: Grid::of(samples.iter().map(centre), 1.0, CELLS),
        }
    }
}

fn angles(figure: &Figure, samples: &[SampleFacts]) -> Vec<AngleStatistics> {
    let mut found = Vec::new();
    for (index, bone) in figure.bones.iter().enumerate() {
        for (axis, [low, high]) in
            bone.limits.into_iter().enumerate().filter(|(_, [low, high])| low < high)
        {
            let values = samples
                .iter()
                .filter_map(|sample| Some(sample.angles.get(index)?[axis].to_degrees()));
            found.push(AngleStatistics {
                bone: bone.name.clone(),
                axis: ['x', 'y', 'z'][axis],
                limits: [low.to_degrees(), high.to_degrees()],
                spread: Spread::of(values),
            });
        }
    }
    found
}

fn families(scene: &Scene, samples: &[SampleFacts]) -> Vec<FamilyCount> {
    let count = |index: &usize| FamilyCount {
        name: scene.figure.poses[*index].name.clone(),
        samples: samples.iter().filter(|sample| sample.family == *index).count(),
        rejected: samples
            .iter()
            .flat_map(|sample| &sample.rejected_families)
            .filter(|family| *family == index)
            .count(),
    };
    // A family may be named more than once.
    let mut families: Vec<FamilyCount> =
        scene.poses.iter().collect::<BTreeSet<_>>().into_iter().map(count).collect();
    families.sort_by_key(|family| std::cmp::Reverse(family.samples));
    families
}

impl Attempts {
    fn of(samples: &[SampleFacts]) -> Self {
        let taken = || samples.iter().map(|sample| sample.rejections.len() + 1);
        let mut counts = vec![0; MOST_ATTEMPTS];
        taken().for_each(|draws| counts[draws.min(MOST_ATTEMPTS) - 1] += 1);
        let draws = taken().sum::<usize>();
        let mean = draws as f32 / samples.len().max(1) as f32;
        Attempts { draws, mean, most: taken().max().unwrap_or(0), samples: counts }
    }
}

fn reasons(samples: &[SampleFacts]) -> Vec<ReasonCount> {
    let draws: usize = samples.iter().map(|sample| sample.rejections.len() + 1).sum();
    let mut counts: BTreeMap<Rejection, usize> = BTreeMap::new();
    for reason in samples.iter().flat_map(|sample| &sample.rejections) {
        *counts.entry(*reason).or_default() += 1;
    }
    let count = |(reason, count): (Rejection, usize)| {
        let share = count as f32 / draws.max(1) as f32;
        ReasonCount { reason, draws: count, share }
    };
    let mut reasons: Vec<ReasonCount> = counts.into_iter().map(count).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.draws));
    reasons
}

/// Whether there are two different values.
fn varies(values: &[f32]) -> bool {
    values.windows(2).any(|pair| pair[0] != pair[1])
}

impl AxisStatistics {
    fn of(axis: HardnessAxis, samples: &[SampleFacts]) -> Self {
        let hardness: Vec<f32> =
            samples.iter().map(|sample| sample.hardness[axis as usize]).collect();
        let bins = (0..AXIS_BINS).map(|bin| {
            let inside = samples.iter().filter(|sample| {
                bin_of(sample.hardness[axis as usize], [0.0, 1.0], AXIS_BINS) == Some(bin)
            });
            let [draws, rejected] = inside.fold([0, 0], |[draws, rejected], sample| {
                [draws + sample.rejections.len() + 1, rejected + sample.rejections.len()]
            });
            AxisBin {
                low: bin as f32 / AXIS_BINS as f32,
                high: (bin + 1) as f32 / AXIS_BINS as f32,
                draws,
                rejected: (draws > 0).then(|| rejected as f32 / draws as f32),
            }
        });
        AxisStatistics {
            axis,
            correlations: Measure::ALL
                .map(|measure| {
                    let values: Vec<f32> =
                        samples.iter().map(|sample| sample.measures[measure as usize]).collect();
                    (
                        measure,
                        (varies(&hardness) && varies(&values))
                            .then(|| spearman(&hardness, &values))
                            .flatten(),
                    )
                })
                .into(),
            bins: bins.collect(),
        }
    }
}
