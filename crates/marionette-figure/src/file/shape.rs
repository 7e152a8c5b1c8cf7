//! `[shape]`: scales, the traits that move them, and what follows them.

use super::written::list;
use crate::{ScaleDistribution, ScaleGroup, ShapeDistribution};
use marionette_base::toml_file::{FileError, TomlFile};
use std::collections::BTreeMap;
use toml::{Spanned, Table, Value};

/// The largest scale of a body. Giants of a hundred metres look no different.
const LARGEST_SCALE: f32 = 10.0;
/// The most that a trait may move a scale's logarithm.
const LARGEST_LOAD: f32 = 10.0;
/// Most scales and traits of a figure: far more than anybody writes.
const MOST: usize = 64;

/// What figure files meant that named neither traits, size nor groups. Runs keep copies of those
/// files.
const UNWRITTEN_TRAITS: [&str; 3] = ["weight", "frame", "muscle"];
const UNWRITTEN_SIZE: &str = "height";
const UNWRITTEN_GROUPS: [[&str; 3]; 4] = [
    ["trunk", "trunk", "girth"],
    ["arm", "arm", "limbs"],
    ["leg", "leg", "limbs"],
    ["head", "head", "head"],
];

/// `[shape]` as it is written: keys of our own, and scales by name.
pub(super) type ShapeEntries = BTreeMap<Spanned<String>, Value>;

/// Reads `[shape]`. Scales stay in the order of the file, in which a body is sampled.
pub(super) fn shape(
    file: &TomlFile,
    entries: &ShapeEntries,
) -> Result<ShapeDistribution, FileError> {
    if entries.is_empty() {
        return Ok(ShapeDistribution::default());
    }
    let at = |key: &Spanned<String>, message: String| file.error(Some(key.span()), message);
    let mut written: Vec<(&Spanned<String>, &Value)> = entries.iter().collect();
    written.sort_by_key(|(key, _)| key.span().start);
    let own = |name: &str| written.iter().find(|(key, _)| key.get_ref() == name).copied();
    let scales = written.iter().filter(|(key, _)| {
        !["children", "traits", "size", "groups"].contains(&key.get_ref().as_str())
    });

    let mut shape = ShapeDistribution::default();
    if let Some((key, value)) = own("children") {
        let share = number(value).unwrap_or(f32::NAN);
        if !(0.0..=1.0).contains(&share) {
            return Err(at(key, format!("shape.children is {value}; give a share from 0 to 1")));
        }
        shape.children = share;
    }
    shape.traits = match own("traits") {
        None => UNWRITTEN_TRAITS.map(str::to_owned).to_vec(),
        Some((key, value)) => {
            let names = || value.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
            let Some(names) = names().filter(|names| names.len() <= MOST) else {
                let message = format!("shape.traits is {value}; give a list of names");
                return Err(at(key, message));
            };
            let taken = |name: &&&str| ["mean", "range", "own", "youth"].contains(*name);
            if let Some(name) = names.iter().find(taken) {
                let message = format!("shape.traits has \"{name}\", which means something else");
                return Err(at(key, message));
            }
            names.into_iter().map(str::to_owned).collect()
        }
    };
    for (key, value) in scales {
        if shape.scales.len() == MOST {
            return Err(at(key, format!("[shape] has more than {MOST} scales")));
        }
        let scale = scale(key.get_ref(), value, &shape.traits).map_err(|m| at(key, m))?;
        shape.scales.push(scale);
    }
    let known = list(shape.scales.iter().map(|scale| scale.name.as_str()));
    let index = |name: &str| shape.scales.iter().position(|scale| scale.name == name);
    let wanted = |key: &Spanned<String>, what: &str, value: &Value| {
        let found = value.as_str().and_then(index);
        found.ok_or_else(|| {
            at(key, format!("{what} is {value}, which is no scale of [shape]; there are {known}"))
        })
    };
    shape.size = match own("size") {
        Some((key, value)) => Some(wanted(key, "shape.size", value)?),
        None => index(UNWRITTEN_SIZE),
    };
    shape.groups = match own("groups") {
        None => UNWRITTEN_GROUPS
            .map(|[name, length, thickness]| ScaleGroup {
                name: name.to_owned(),
                length: index(length),
                thickness: index(thickness),
            })
            .to_vec(),
        Some((key, Value::Table(groups))) => {
            let follows = |name: &str, group: &Table, what: &str| match group.get(what) {
                None => Ok(None),
                Some(value) => wanted(key, &format!("shape.groups.{name}.{what}"), value).map(Some),
            };
            let read = |(name, group): (&String, &Value)| {
                let only = |key: &str| ["length", "thickness"].contains(&key);
                let group = group.as_table().filter(|group| group.keys().all(|key| only(key)));
                let Some(group) = group else {
                    let message = format!(
                        "shape.groups.{name} holds something else than `length` and `thickness`; \
                         give the names of the scales that both follow"
                    );
                    return Err(at(key, message));
                };
                Ok(ScaleGroup {
                    name: name.clone(),
                    length: follows(name, group, "length")?,
                    thickness: follows(name, group, "thickness")?,
                })
            };
            groups.iter().map(read).collect::<Result<_, _>>()?
        }
        Some((key, value)) => {
            let message = format!(
                "shape.groups is {value}; give a table such as [shape.groups] with lines like \
                 arm = {{ length = \"arm\", thickness = \"limbs\" }}"
            );
            return Err(at(key, message));
        }
    };
    Ok(shape)
}

/// The index of the scale that is called `name`.
pub(super) fn scale_index(
    file: &TomlFile,
    shape: &ShapeDistribution,
    owner: &str,
    key: &str,
    name: &Spanned<String>,
) -> Result<usize, FileError> {
    let known = shape.scales.iter().map(|scale| scale.name.as_str()).collect();
    index_of(file, &format!("{owner}: {key}"), name, known, "scale of [shape]")
}

/// The index of the group that is called `name`.
pub(super) fn group_index(
    file: &TomlFile,
    shape: &ShapeDistribution,
    owner: &str,
    name: &Spanned<String>,
) -> Result<usize, FileError> {
    let known = shape.groups.iter().map(|group| group.name.as_str()).collect();
    index_of(file, &format!("{owner}: scale"), name, known, "group of [shape.groups]")
}

/// The index of `name` among the `known`; `what` says what those are, `key` where it is written.
fn index_of(
    file: &TomlFile,
    key: &str,
    name: &Spanned<String>,
    known: Vec<&str>,
    what: &str,
) -> Result<usize, FileError> {
    let wanted = name.get_ref();
    known.iter().position(|known| known == wanted).ok_or_else(|| {
        let known = known.join(", ");
        let message = format!("{key} is \"{wanted}\", which is no {what}; there are {known}");
        file.error(Some(name.span()), message)
    })
}

/// The scale that is called `name`, or what is wrong with it.
fn scale(name: &str, value: &Value, traits: &[String]) -> Result<ScaleDistribution, String> {
    let Some(table) = value.as_table() else {
        return Err(format!(
            "shape.{name} is {value}; give a scale such as {{ mean = 1.0, range = [0.8, 1.2], own \
             = 0.03 }}"
        ));
    };
    let known = |key: &str| {
        ["mean", "range", "youth", "own"].contains(&key) || traits.iter().any(|name| name == key)
    };
    if let Some(unknown) = table.keys().find(|key| !known(key)) {
        return Err(format!(
            "shape.{name}.{unknown} means nothing; there are mean, range, own, and the traits \
             youth, {}",
            traits.join(", ")
        ));
    }
    let one = |key: &str| match table.get(key) {
        None => Ok(0.0),
        Some(value) => {
            number(value).ok_or_else(|| format!("shape.{name}.{key} is {value}; give a number"))
        }
    };
    let range = table.get("range").and_then(Value::as_array).map(Vec::as_slice);
    let Some([Some(low), Some(high)]) = range.and_then(|range| {
        <[Option<f32>; 2]>::try_from(range.iter().map(number).collect::<Vec<_>>()).ok()
    }) else {
        return Err(format!("shape.{name} lacks its `range` = [lowest, highest]"));
    };
    if !(low > 0.0 && high >= low && high <= LARGEST_SCALE) {
        return Err(format!(
            "shape.{name}.range is [{low}, {high}]; give scales above 0, at most {LARGEST_SCALE}, \
             the lower first"
        ));
    }
    let scale = ScaleDistribution {
        name: name.to_owned(),
        mean: if table.contains_key("mean") { one("mean")? } else { 1.0 },
        range: [low, high],
        youth: one("youth")?,
        loads: traits.iter().map(|name| one(name)).collect::<Result<_, _>>()?,
        own: one("own")?,
    };
    let loads = [scale.youth, scale.own].into_iter().chain(scale.loads.iter().copied());
    if let Some(bad) = { loads }.find(|load| !(-LARGEST_LOAD..=LARGEST_LOAD).contains(load)) {
        return Err(format!(
            "shape.{name} moves by {bad}; give youth, {} and own from -{LARGEST_LOAD} to \
             {LARGEST_LOAD}",
            traits.join(", ")
        ));
    }
    if !(low..=high).contains(&scale.mean) {
        return Err(format!(
            "shape.{name}.mean is {}, outside its range [{low}, {high}]",
            scale.mean
        ));
    }
    Ok(scale)
}

fn number(value: &Value) -> Option<f32> {
    match value {
        Value::Float(value) => Some(*value as f32),
        Value::Integer(value) => Some(*value as f32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{BodyShape, Figure, FigureError, load_figure, parse_figure};
    use marionette_base::{random::stream, toml_file::TomlFile};
    use std::path::{Path, PathBuf};

    /// A lamp of two links, as little as a figure file can say; `shape` goes before the bones, and
    /// `more` into the second one.
    fn lamp(shape: &str, more: &str) -> Result<Figure, FigureError> {
        let limits = "limits = { x = [-60, 60], y = [0, 0], z = [0, 0] }\nmass = 0.5\n";
        let part = |name: &str| {
            format!(
                "[[parts]]\nname = \"{name}\"\nbone = \"{name}\"\ngroup = \"{name}\"\nmaterial = \
                 \"steel\"\nends = [[0, 0, 0], [0, 0.3, 0]]\nradii = [0.03, 0.03]\n"
            )
        };
        let keypoint = |name: &str, bone: &str, y: f32| {
            format!(
                "[[keypoints]]\nname = \"{name}\"\nbone = \"{bone}\"\noffset = [0, {y}, \
                 0]\nsigma = 0.05\nsurface_radius = 0.04\n"
            )
        };
        let text = format!(
            "name = \"lamp\"\nedges = [[\"foot\", \"joint\"], [\"joint\", \"top\"]]\n{shape}\n\
             [[bones]]\nname = \"stand\"\noffset = [0, 0, 0]\n{limits}\n[[bones]]\nname = \"arm\"\n\
             parent = \"stand\"\noffset = [0, 0.3, 0]\n{limits}{more}\n{}{}{}{}{}",
            part("stand"),
            part("arm"),
            keypoint("foot", "stand", 0.0),
            keypoint("joint", "arm", 0.0),
            keypoint("top", "arm", 0.4),
        );
        parse_figure(&TomlFile { path: PathBuf::from("lamp.toml"), text })
    }

    #[test]
    fn a_tree_with_limits_alone_is_a_figure() {
        let figure = lamp("", "").unwrap();
        assert!(figure.shape.scales.is_empty() && figure.bones[1].scale.is_none());
        // The longest edge at rest stands for the torso.
        assert_eq!(figure.torso, [1, 2]);
        assert_eq!((figure.poses.len(), figure.poses[0].keys[0].len()), (1, 2));
        let body = figure.shape.sample(&mut stream(1, 0, 0, "body"));
        assert_eq!(body, BodyShape::default());
        assert_eq!(figure.shape.radius_scale(&body, None, None), 1.0);
    }

    #[test]
    fn scales_traits_and_groups_are_what_the_file_says() {
        let shape = "[shape]\ntraits = [\"wear\"]\nsize = \"whole\"\nwhole = { mean = 2.0, range = \
                     [2, 2] }\nreach = { range = [0.5, 2], wear = 0.3 }\n[shape.groups]\nlimb = { \
                     length = \"reach\" }";
        let figure = lamp(shape, "scale = \"limb\"\nwidth = \"whole\"").unwrap();
        assert_eq!(figure.shape.scales[1].loads, [0.3]);
        let body = figure.shape.sample(&mut stream(1, 0, 0, "body"));
        let reach = body.scale(Some(1));
        assert!(reach != 1.0 && body.scale(figure.bones[1].width) == 2.0);
        assert_eq!(figure.shape.length_scale(&body, figure.bones[1].scale), 2.0 * reach);
        assert_eq!(figure.shape.radius_scale(&body, figure.bones[1].scale, None), 2.0);
    }

    #[test]
    fn names_that_mean_nothing_are_told_with_those_that_do() {
        let shape = "[shape]\nwhole = { range = [1, 2] }\n";
        for (shape, more, message) in [
            (shape, "scale = \"tail\"", "bone \"arm\": scale is \"tail\", which is no group of"),
            (shape, "width = \"tail\"", "bone \"arm\": width is \"tail\", which is no scale of"),
            ("[shape]\nsize = \"big\"", "", "shape.size is \"big\", which is no scale of [shape]"),
            ("[shape]\nwhole = 1.0", "", "shape.whole is 1.0; give a scale such as"),
            ("[shape]\nwhole = { mean = 1 }", "", "shape.whole lacks its `range`"),
            (
                "[shape]\nwhole = { range = [1, 2], age = 1 }",
                "",
                "shape.whole.age means nothing; there are mean, range, own, and the traits youth, \
                 weight, frame, muscle",
            ),
            ("[shape]\ntraits = [\"own\"]", "", "shape.traits has \"own\", which means something"),
            ("[shape]\ntraits = \"a\"", "", "shape.traits is \"a\"; give a list of names"),
            ("[shape]\nchildren = \"a\"", "", "shape.children is \"a\"; give a share from 0 to 1"),
            ("[shape]\n[shape.groups]\na = 1", "", "shape.groups.a holds something else than"),
            (
                "[shape]\n[shape.groups]\na = { length = \"b\" }",
                "",
                "shape.groups.a.length is \"b\", which is no scale of [shape]",
            ),
        ] {
            let error = lamp(shape, more).unwrap_err();
            assert!(error.message.contains(message) && error.line.is_some(), "{error:?}");
        }
        let torso = lamp("torso = [\"foot\"]", "").unwrap_err();
        assert_eq!(torso.message, "torso has 1 names; give its two ends");
    }

    #[test]
    fn files_from_before_there_were_groups_mean_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let now = load_figure(Path::new(path)).unwrap();
        let mut old = TomlFile::read(Path::new(path)).unwrap();
        let groups = old.text.find("# What bones follow besides").unwrap();
        let after = groups + old.text[groups..].find("# ---- bones").unwrap();
        old.text.replace_range(groups..after, "");
        old.text = old.text.replace("traits = [\"weight\", \"frame\", \"muscle\"]\n", "");
        old.text = old.text.replace("size = \"height\"\n", "");
        let old = parse_figure(&old).unwrap();
        let follows = |figure: &Figure| {
            let name = |index: usize| {
                let group = &figure.shape.groups[index];
                (group.name.clone(), group.length, group.thickness)
            };
            figure.bones.iter().map(|bone| bone.scale.map(name)).collect::<Vec<_>>()
        };
        assert_eq!(follows(&old), follows(&now));
        assert_eq!((old.shape.size, &old.shape.scales), (now.shape.size, &now.shape.scales));
        assert_eq!(old.parts, now.parts);
    }
}
