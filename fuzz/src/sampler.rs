//! Scenes that are valid, and their samples.

use arbitrary::{Result, Unstructured};
use marionette_base::toml_file::TomlFile;
use marionette_physics::{Solvability, ragdoll};
use marionette_render::lay_out;
use marionette_scene::{Sampler, Scene, embedded_scenes, load_scene, parse_scene};
use marionette_stream::{AXES, HardnessAxis, Policy, StreamMix};
use std::sync::LazyLock;
use toml::{Table, Value};

/// Attempts at a sample, at most.
const ATTEMPTS: u32 = 3;
/// Changes to a scene, at most.
const CHANGES: u32 = 12;

/// The scene whose figure, keys and families of poses are used, and the program's other scenes.
struct Known {
    scene: Scene,
    /// Every section and key of a scene file's randomizers.
    keys: Vec<(String, String)>,
    names: Vec<&'static str>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let scene = load_scene("all").expect("the scene comes with the program");
    let sections = Table::try_from(&scene.randomizers).expect("randomizers are a table");
    let keys = sections
        .iter()
        .flat_map(|(section, keys)| {
            let keys = keys.as_table().expect("a section is a table").keys();
            keys.map(|key| (section.clone(), key.clone()))
        })
        .collect();
    Known { scene, keys, names: embedded_scenes().collect() }
});

/// One of the program's scenes with other numbers, as the bytes say. Where it is a scene, it gives
/// a sample or a reason to reject one at any hardness, and the same one again. Returns whether one
/// of its samples is solvable.
pub fn sampler(bytes: &[u8]) -> bool {
    let mut bytes = Unstructured::new(bytes);
    let Ok(text) = changed_scene(&mut bytes) else { return false };
    let file = TomlFile { path: "changed.toml".into(), text };
    let Ok(scene) = parse_scene(file) else { return false };
    samples(&scene, &mut bytes).unwrap_or(false)
}

/// Takes samples of `scene` and judges them.
fn samples(scene: &Scene, bytes: &mut Unstructured) -> Result<bool> {
    let sampler = Sampler::new(scene, ragdoll::settled);
    let judge = Solvability::new(scene.figure.clone());
    let hardness = hardness(bytes)?;
    let seed = bytes.arbitrary()?;
    let index = bytes.arbitrary()?;
    let policy = bytes.arbitrary::<bool>()?.then(|| policy(bytes)).transpose()?;
    let mut solvable = false;
    for attempt in 0..ATTEMPTS {
        let sample_at = |attempt| match &policy {
            Some(policy) => sampler.sample(policy, seed, index, attempt),
            None => sampler.sample_at(hardness, seed, index, attempt),
        };
        let mut sample = sample_at(attempt);
        assert_eq!(sample.figures[0].keypoints.len(), scene.figure.keypoints.len());
        assert!(sample.hardness.iter().all(|hardness| (0.0..=1.0).contains(hardness)));
        if attempt == 0 {
            // Debug text, because NaN is not equal to itself.
            assert_eq!(format!("{:?}", sample_at(attempt)), format!("{sample:?}"));
        }
        let judged = judge.judge_sampled(&sample).and_then(|()| judge.judge_settled(&mut sample));
        if let Err(reason) = judged {
            assert!(!reason.to_string().is_empty());
            continue;
        }
        solvable = true;
        let primary = &sample.figures[0];
        assert!(primary.keypoints.iter().all(|place| place.is_finite()), "{:?}", primary.keypoints);
        assert!(sample.props.iter().all(|prop| prop.position.is_finite()));
        lay_out(&[sample]);
    }
    Ok(solvable)
}

fn hardness(bytes: &mut Unstructured) -> Result<[f32; AXES]> {
    let mut hardness = [0.0; AXES];
    for axis in &mut hardness {
        *axis = f32::from(bytes.arbitrary::<u8>()?) / 255.0;
    }
    Ok(hardness)
}

/// A policy as the curriculum publishes them: probabilities sum to 1.
fn policy(bytes: &mut Unstructured) -> Result<Policy> {
    let mix = *bytes.choose(&[
        StreamMix { uniform: 1.0, steered: 0.0 },
        StreamMix { uniform: 0.0, steered: 1.0 },
    ])?;
    let mut policy = Policy::initial(mix, bytes.int_in_range(5..=8)?);
    for axis in &mut policy.axes {
        let held = bytes.choose_index(axis.bins())?;
        if bytes.arbitrary()? {
            axis.probabilities.fill(0.0);
            axis.probabilities[held] = 1.0;
        }
    }
    policy.freedom.chance = hardness(bytes)?;
    [policy.freedom.rest, policy.freedom.level, ..] = hardness(bytes)?;
    policy.freedom.rest = policy.freedom.rest.max(0.01);
    Ok(policy)
}

/// The text of a scene file: one of the program's scenes and some changes.
fn changed_scene(bytes: &mut Unstructured) -> Result<String> {
    let Known { scene, keys, names } = &*KNOWN;
    let mut changed = Table::new();
    changed.insert("name".to_owned(), "changed".into());
    changed.insert("base".to_owned(), (*bytes.choose(names)?).into());
    for _ in 0..bytes.int_in_range(0..=CHANGES)? {
        match bytes.int_in_range(0..=9u8)? {
            0 => {
                let axis = bytes.choose(&HardnessAxis::ALL)?.name();
                let reach = f64::from(bytes.arbitrary::<u8>()?) / 255.0;
                let reach = Table::from_iter([
                    ("steered".to_owned(), Value::from(bytes.arbitrary::<bool>()?)),
                    ("reach".to_owned(), reach.into()),
                ]);
                section(&mut changed, "axes").insert(axis.to_owned(), reach.into());
            }
            1 => {
                let mut side = || bytes.int_in_range(16..=1024i64);
                let image = Table::from_iter([
                    ("width".to_owned(), Value::from(side()?)),
                    ("height".to_owned(), side()?.into()),
                ]);
                changed.insert("image".to_owned(), image.into());
            }
            2 => {
                let pose = bytes.choose(&scene.figure.poses)?.name.clone();
                changed.insert("poses".to_owned(), vec![pose].into());
            }
            _ => {
                let (name, key) = bytes.choose(keys)?;
                let mut ramp = Table::from_iter([("easy".to_owned(), distribution(bytes)?)]);
                if bytes.arbitrary()? {
                    ramp.insert("hard".to_owned(), distribution(bytes)?);
                }
                section(&mut changed, name).insert(key.clone(), ramp.into());
            }
        }
    }
    Ok(changed.to_string())
}

fn section<'a>(table: &'a mut Table, name: &str) -> &'a mut Table {
    let section = table.entry(name.to_owned()).or_insert_with(|| Table::new().into());
    section.as_table_mut().expect("sections are tables")
}

/// A distribution as a scene file holds it. Not all of them make sense; the reader says so.
fn distribution(bytes: &mut Unstructured) -> Result<Value> {
    let (name, count) = *bytes.choose(&[
        ("constant", 1),
        ("uniform", 2),
        ("normal", 2),
        ("truncated_normal", 4),
        ("log_normal", 2),
        ("beta", 4),
        ("choice", 2),
    ])?;
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(number(bytes)?);
    }
    // The lower one first, more often than by chance.
    if matches!(name, "uniform" | "truncated_normal" | "beta") {
        numbers[count - 2..].sort_by(f64::total_cmp);
    }
    let value = match name {
        "constant" => Value::from(numbers[0]),
        "choice" => vec![Value::from(numbers)].into(),
        _ => numbers.into(),
    };
    Ok(Table::from_iter([(name.to_owned(), value)]).into())
}

/// A number such as scene files hold, or a large or tiny one.
fn number(bytes: &mut Unstructured) -> Result<f64> {
    Ok(match bytes.int_in_range(0..=9u8)? {
        0..=3 => f64::from(bytes.arbitrary::<u8>()?) / 255.0,
        4 | 5 => f64::from(bytes.arbitrary::<i8>()?) / 32.0,
        6 | 7 => f64::from(bytes.int_in_range(-180..=180i16)?),
        8 => f64::from(bytes.arbitrary::<i16>()?) * 1e3,
        _ => {
            let any: f32 = bytes.arbitrary()?;
            if any.is_finite() { f64::from(any) } else { 0.0 }
        }
    })
}
