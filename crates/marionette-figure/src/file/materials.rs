//! `[[materials]]`: what parts are made of.

use super::written::list;
use crate::{Garment, Material, Part};
use glam::Vec3;
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use serde::Deserialize;
use toml::Spanned;

/// The material of parts that name none. It need not be in `[[materials]]`.
const PLAIN: &str = "plain";

/// A material as a file writes it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MaterialEntry {
    name: String,
    color: Option<Exact<f32, 3>>,
    colors: Option<Vec<Exact<f32, 3>>>,
    #[serde(default = "spread")]
    spread: f32,
    #[serde(default = "roughness")]
    roughness: f32,
    like: Option<Spanned<String>>,
    #[serde(default = "alike")]
    alike: f32,
    #[serde(default)]
    patches: f32,
    #[serde(default)]
    texture: f32,
}

fn spread() -> f32 {
    0.1
}

fn roughness() -> f32 {
    0.6
}

fn alike() -> f32 {
    1.0
}

/// sRGB of a material whose file gives no colour.
const GREY: [f32; 3] = [0.7; 3];

/// Fills in what each of the material slots `names` is made of. Materials that no part names become
/// slots of their own, so that others may be like them. Without entries nothing is known of any.
pub(super) fn materials(
    file: &TomlFile,
    entries: &[Spanned<MaterialEntry>],
    names: &mut Vec<String>,
    parts: &[Part],
    garments: &[Garment],
) -> Result<Vec<Option<Material>>, FileError> {
    let mut made_of: Vec<Option<Material>> = vec![None; names.len()];
    for (position, entry) in entries.iter().enumerate() {
        let material = entry.get_ref();
        let fail = |message: String| {
            file.error(Some(entry.span()), format!("material \"{}\": {message}", material.name))
        };
        let before = &entries[..position];
        if before.iter().any(|other| other.get_ref().name == material.name) {
            return Err(fail("another one has this name; names must differ".into()));
        }
        for (key, value, most) in [
            ("spread", material.spread, 2.0),
            ("roughness", material.roughness, 1.0),
            ("alike", material.alike, 1.0),
            ("patches", material.patches, 1.0),
            ("texture", material.texture, 1.0),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(fail(format!("{key} is {value}; give 0 to {most}")));
            }
        }
        let colors = match (&material.color, &material.colors) {
            (Some(_), Some(_)) => return Err(fail("give `color` or `colors`, not both".into())),
            (Some(color), None) => std::slice::from_ref(color),
            (None, Some(colors)) if colors.is_empty() => {
                return Err(fail("colors is empty; give at least one".into()));
            }
            (None, Some(colors)) => colors,
            (None, None) => &[Exact(GREY)],
        };
        let beyond = |Exact(color): &&Exact<f32, 3>| color.iter().any(|v| !(0.0..=1.0).contains(v));
        if let Some(Exact(color)) = colors.iter().find(beyond) {
            return Err(fail(format!("its colour is {color:?}; give sRGB, each from 0 to 1")));
        }
        let like = match &material.like {
            None => None,
            Some(wanted) => {
                if !before.iter().any(|other| other.get_ref().name == *wanted.get_ref()) {
                    let known = list(before.iter().map(|other| other.get_ref().name.as_str()));
                    let message = format!(
                        "material \"{}\" is like \"{}\", which does not stand before it; there \
                         are {known}",
                        material.name,
                        wanted.get_ref()
                    );
                    return Err(file.error(Some(wanted.span()), message));
                }
                names
                    .iter()
                    .position(|name| name == wanted.get_ref())
                    .map(|slot| (slot, material.alike))
            }
        };
        let slot = names.iter().position(|name| *name == material.name).unwrap_or_else(|| {
            names.push(material.name.clone());
            made_of.push(None);
            names.len() - 1
        });
        made_of[slot] = Some(Material {
            colors: colors.iter().map(|Exact(color)| linear(*color)).collect(),
            spread: material.spread,
            roughness: material.roughness,
            like,
            patches: material.patches,
            texture: material.texture,
        });
    }
    if entries.is_empty() {
        return Ok(made_of);
    }
    for part in parts.iter().filter(|part| part.garment.is_none()) {
        let slot = part.material;
        if made_of[slot].is_some() || garments.iter().any(|g| g.covers.contains(&slot)) {
            continue;
        }
        if names[slot] != PLAIN {
            let known = list(entries.iter().map(|entry| entry.get_ref().name.as_str()));
            let message = format!(
                "part \"{}\" is made of \"{}\", which is not in [[materials]]; there are {known}",
                part.name, names[slot]
            );
            return Err(file.error(None, message));
        }
        made_of[slot] = Some(Material {
            colors: vec![linear(GREY)],
            spread: spread(),
            roughness: roughness(),
            like: None,
            patches: 0.0,
            texture: 0.0,
        });
    }
    Ok(made_of)
}

fn linear(color: [f32; 3]) -> Vec3 {
    Vec3::from(color).powf(2.2)
}

#[cfg(test)]
mod tests {
    use crate::{Figure, FigureError, parse_figure};
    use glam::Vec3;
    use marionette_base::toml_file::TomlFile;

    /// A post with two parts and what else a file may say.
    fn post(more: &str) -> Result<Figure, FigureError> {
        let text = format!(
            "name = \"post\"\nedges = [[\"foot\", \"top\"]]\n[[bones]]\nname = \"post\"\n\
             offset = [0, 0, 0]\n\
             [[parts]]\nname = \"low\"\nbone = \"post\"\nends = [[0, 0.1, 0], [0, 1, 0]]\n\
             radii = [0.1, 0.1]\nmaterial = \"wood\"\n\
             [[parts]]\nname = \"high\"\nbone = \"post\"\nends = [[0, 1, 0], [0, 1.6, 0]]\n\
             radii = [0.1, 0.1]\n\
             [[keypoints]]\nname = \"foot\"\nbone = \"post\"\n\
             [[keypoints]]\nname = \"top\"\nbone = \"post\"\noffset = [0, 1.6, 0]\n{more}\n"
        );
        parse_figure(&TomlFile { path: "post.toml".into(), text })
    }

    #[test]
    fn materials_are_what_the_file_says_and_plain_is_grey() {
        assert!(post("").unwrap().made_of.iter().all(Option::is_none));
        let figure = post(
            "[[materials]]\nname = \"wood\"\ncolor = [1, 0, 0.5]\nspread = 0\n\
             [[materials]]\nname = \"paint\"\nlike = \"wood\"\nalike = 0.25\nroughness = 0.3",
        )
        .unwrap();
        let of = |name: &str| {
            let slot = figure.materials.iter().position(|known| known == name).unwrap();
            figure.made_of[slot].clone().unwrap()
        };
        let wood = of("wood");
        assert!(wood.colors[0].distance(Vec3::new(1.0, 0.0, 0.5_f32.powf(2.2))) < 1e-6);
        assert_eq!((wood.spread, wood.roughness), (0.0, 0.6));
        assert!(of("plain").colors[0].distance(Vec3::splat(0.7_f32.powf(2.2))) < 1e-6);
        let slot = figure.materials.iter().position(|known| known == "wood").unwrap();
        assert_eq!(of("paint").like, Some((slot, 0.25)));
    }

    #[test]
    fn materials_that_make_no_sense_are_refused() {
        for (more, found) in [
            ("name = \"iron\"", "part \"low\" is made of \"wood\", which is not in [[materials]]"),
            ("name = \"wood\"\ncolor = [200, 0, 0]", "material \"wood\": its colour is [200.0"),
            ("name = \"wood\"\ncolors = []", "material \"wood\": colors is empty"),
            ("name = \"wood\"\nroughness = nan", "material \"wood\": roughness is NaN"),
            ("name = \"wood\"\nlike = \"wool\"", "material \"wood\" is like \"wool\", which does"),
        ] {
            let refused = post(&format!("[[materials]]\n{more}")).unwrap_err();
            assert!(refused.message.starts_with(found), "{refused}");
        }
    }

    #[test]
    fn poses_that_need_what_a_figure_lacks_are_refused() {
        let pose = "[[poses]]\nname = \"p\"\nweights = [1, 1]\nspread = 5\n";
        assert!(post(&format!("{pose}support = \"fixed\"")).is_ok());
        for (more, found) in [
            (
                "support = \"bar\"\nclearance = [0, 1]",
                "pose \"p\": a bar is held by two bones that have a `grip`, and this figure has 0",
            ),
            (
                "support = \"fixed\"\npitch = [0, 10]",
                "pose \"p\": a figure that is fixed stands upright and stays where it is",
            ),
        ] {
            let refused = post(&format!("{pose}{more}")).unwrap_err();
            assert!(refused.message.starts_with(found), "{refused}");
        }
    }

    #[test]
    fn statures_go_in_steps_and_a_human_has_one() {
        // The post is 1.7 m tall.
        assert_eq!(post("").unwrap().stature, 1.0);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        assert_eq!(crate::load_figure(std::path::Path::new(path)).unwrap().stature, 1.0);
    }
}
