//! `[[garments]]`: clothes and the regions of the body that they cover.

use super::{entries::GarmentEntry, written::list};
use crate::Garment;
use marionette_base::toml_file::{FileError, TomlFile};
use toml::Spanned;

/// The garments and the names of their slots, in the order in which they first appear.
pub(super) fn garments(
    file: &TomlFile,
    entries: &[Spanned<GarmentEntry>],
    materials: &[String],
) -> Result<(Vec<Garment>, Vec<String>), FileError> {
    let mut slots: Vec<String> = Vec::new();
    for entry in entries {
        if !slots.contains(&entry.get_ref().slot) {
            slots.push(entry.get_ref().slot.clone());
        }
    }
    let find = |names: &[String], name: &Spanned<String>, garment: &str, what: &str| {
        names.iter().position(|known| known == name.get_ref()).ok_or_else(|| {
            let known = list(names.iter().map(String::as_str));
            let message = format!(
                "garment \"{garment}\": no {what} is called \"{}\"; there are {known}",
                name.get_ref()
            );
            file.error(Some(name.span()), message)
        })
    };
    let mut garments: Vec<Garment> = Vec::new();
    for entry in entries {
        let garment = entry.get_ref();
        let fail = |message: String| {
            file.error(Some(entry.span()), format!("garment \"{}\": {message}", garment.name))
        };
        if garments.iter().any(|other| other.name == garment.name) {
            return Err(fail("another one has this name; names must differ".into()));
        }
        if !(garment.weight >= 0.0 && garment.weight.is_finite()) {
            return Err(fail(format!("weight is {}; give 0 or more", garment.weight)));
        }
        if !(0.0..=0.2).contains(&garment.thickness) {
            return Err(fail(format!("thickness is {}; give 0 to 0.2 metres", garment.thickness)));
        }
        let each = |names: &[String], written: &[Spanned<String>], what| {
            written
                .iter()
                .map(|name| find(names, name, &garment.name, what))
                .collect::<Result<Vec<_>, _>>()
        };
        garments.push(Garment {
            name: garment.name.clone(),
            slot: slots.iter().position(|slot| *slot == garment.slot).unwrap_or_default(),
            weight: garment.weight,
            covers: each(materials, &garment.covers, "material of the body")?,
            thickness: garment.thickness,
            replaces: each(&slots, &garment.replaces, "slot")?,
        });
    }
    for (index, slot) in slots.iter().enumerate() {
        if garments
            .iter()
            .filter(|garment| garment.slot == index)
            .map(|garment| garment.weight)
            .sum::<f32>()
            <= 0.0
        {
            return Err(
                file.error(None, format!("no garment of slot \"{slot}\" has a weight above 0"))
            );
        }
    }
    Ok((garments, slots))
}
