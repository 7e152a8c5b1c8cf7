//! Which category of a file is read, and which of its keypoints are the figure's.

use super::entry::{Complaint, Entry};
use marionette_figure::{KeypointScheme, plain_name};
use std::collections::HashSet;

/// A category of a file.
#[derive(Debug)]
pub struct Category {
    /// Its id.
    pub id: i64,
    name: String,
    /// The names of its keypoints.
    keypoints: Vec<String>,
    /// For each of its keypoints, the figure's keypoint of that name.
    pub places: Vec<Option<usize>>,
}

impl Category {
    /// The category of an entry, for a figure with the keypoints of `scheme`.
    ///
    /// # Errors
    /// If a field cannot be used, or two keypoints have one name.
    pub fn of(mut entry: Entry, scheme: &KeypointScheme) -> Result<Self, Complaint> {
        let keypoints = entry.texts("keypoints")?;
        let mut names = HashSet::new();
        if let Some(name) = keypoints.iter().find(|name| !names.insert(plain_name(name))) {
            let found = format!("{} names its keypoint \"{name}\" twice", entry.name);
            return Err((found, "give each keypoint a name of its own"));
        }
        let places = keypoints.iter().map(|name| scheme.named(name)).collect();
        let name = entry.text("name")?.unwrap_or_default();
        Ok(Category { id: entry.id, name, keypoints, places })
    }

    fn known(&self) -> usize {
        self.places.iter().flatten().count()
    }
}

/// The category to read: the one that shares most keypoints with the figure, and among equals the
/// one called `person`. Fewer than half of its keypoints may be the figure's only if `subset`.
///
/// # Errors
/// If there is none, or no single one.
pub fn choose<'a>(
    categories: &'a [Category],
    scheme: &KeypointScheme,
    subset: bool,
) -> Result<&'a Category, Complaint> {
    let mut ids = HashSet::new();
    if let Some(twice) = categories.iter().find(|category| !ids.insert(category.id)) {
        let found = format!("two categories have the id {}", twice.id);
        return Err((found, "give each an id of its own"));
    }
    if categories.iter().all(|category| category.keypoints.is_empty()) {
        let found = format!("none of its {} categories has keypoint names", categories.len());
        return Err((
            found,
            "name them in `keypoints` of the person's category, as COCO keypoints files do",
        ));
    }
    let most = categories.iter().map(Category::known).max().unwrap_or(0);
    let network = scheme.names.join(", ");
    if most == 0 {
        let names: Vec<&str> = categories
            .iter()
            .flat_map(|category| &category.keypoints)
            .map(String::as_str)
            .take(20)
            .collect();
        let found = format!(
            "none of its keypoints ({}) has the name of one that the network finds ({network})",
            names.join(", ")
        );
        return Err((found, "name them alike in `categories`"));
    }
    let equals: Vec<&Category> =
        categories.iter().filter(|category| category.known() == most).collect();
    let chosen = match equals[..] {
        [only] => only,
        _ => {
            equals.iter().copied().find(|category| category.name == "person").ok_or_else(|| {
                let names: Vec<&str> =
                    equals.iter().map(|category| category.name.as_str()).collect();
                let found =
                    format!("several categories have the same keypoints ({})", names.join(", "));
                (found, "call one of them `person`, or make them one")
            })?
        }
    };
    if 2 * most < chosen.keypoints.len() && !subset {
        let found = format!(
            "only {most} of its {} keypoints ({}) have the name of one that the network finds \
             ({network})",
            chosen.keypoints.len(),
            chosen.keypoints.join(", ")
        );
        return Err((
            found,
            "name them alike in `categories`, or judge by these alone with --keypoints-subset",
        ));
    }
    Ok(chosen)
}
