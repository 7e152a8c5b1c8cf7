//! OBJ files and the materials that they name.

use super::{Soup, Surface, surface::bytes as color_bytes};
use crate::ImportError;
use glam::{Vec2, Vec3};
use std::{collections::BTreeMap, path::Path};

pub fn read(path: &Path, bytes: &[u8], soup: &mut Soup) -> Result<(), ImportError> {
    let text = String::from_utf8_lossy(bytes);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut surfaces: BTreeMap<String, Surface> = BTreeMap::new();
    let mut surface = Surface::default();
    let mut places: Vec<(Vec3, Option<[u8; 3]>)> = Vec::new();
    let mut coordinates: Vec<Vec2> = Vec::new();
    let mut corners = Vec::new();
    for (index, line) in lines(&text) {
        let fail = |message: &str| {
            let message = format!("found \"{}\"; {message}", line.trim());
            ImportError::file(path, Some(index), message)
        };
        let (key, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        match key {
            "v" => {
                let numbers = numbers(rest).ok_or_else(|| fail("give numbers"))?;
                match numbers[..] {
                    [x, y, z] | [x, y, z, _] => places.push((Vec3::new(x, y, z), None)),
                    [x, y, z, r, g, b, ..] => {
                        places.push((Vec3::new(x, y, z), Some(color_bytes([r, g, b]))));
                    }
                    _ => return Err(fail("give three numbers")),
                }
            }
            "vt" => {
                let numbers = numbers(rest).ok_or_else(|| fail("give numbers"))?;
                let at = |index: usize| numbers.get(index).copied().unwrap_or(0.0);
                coordinates.push(Vec2::new(at(0), at(1)));
            }
            "f" => {
                corners.clear();
                for word in rest.split_whitespace() {
                    let mut fields = word.split('/');
                    let place = fields.next().and_then(|field| entry(field, &places));
                    let Some((place, own)) = place else {
                        return Err(fail(&format!(
                            "\"{word}\" names no vertex; there are {} before this line",
                            places.len()
                        )));
                    };
                    let coordinate = fields.next().and_then(|field| entry(field, &coordinates));
                    corners.push((place, surface.at(coordinate).or(own)));
                }
                soup.polygon(&corners);
            }
            "usemtl" => surface = surfaces.get(rest.trim()).cloned().unwrap_or_default(),
            "mtllib" => {
                if let Err(note) = materials(&folder.join(rest.trim()), &mut surfaces, soup) {
                    soup.notes.push(note);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The lines with their numbers; a line that ends in a backslash goes on in the next.
fn lines(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (index, line) = lines.next()?;
        let mut line = line.to_owned();
        while line.ends_with('\\') {
            line.pop();
            line.push_str(lines.next().map_or("", |(_, next)| next));
        }
        Some((index + 1, line))
    })
}

fn numbers(text: &str) -> Option<Vec<f32>> {
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

/// What a number of a face stands for: from 1 on, or backwards from -1.
fn entry<T: Copy>(field: &str, list: &[T]) -> Option<T> {
    let number: i64 = field.parse().ok()?;
    let index = if number < 0 { list.len() as i64 + number } else { number - 1 };
    list.get(usize::try_from(index).ok()?).copied()
}

/// Reads the MTL file at `path` into `surfaces`.
///
/// # Errors
/// If it cannot be read: one sentence.
fn materials(
    path: &Path,
    surfaces: &mut BTreeMap<String, Surface>,
    soup: &mut Soup,
) -> Result<(), String> {
    let bytes = marionette_base::atomic_file::read_file(path, super::LARGEST)
        .map_err(|error| format!("the materials in {error}; they were left out."))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut current: Option<String> = None;
    for (_, line) in lines(&text) {
        let (key, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        if key == "newmtl" {
            current = Some(rest.trim().to_owned());
            surfaces.insert(rest.trim().to_owned(), Surface::default());
        }
        let Some(surface) = current.as_ref().and_then(|name| surfaces.get_mut(name)) else {
            continue;
        };
        match key {
            "Kd" => {
                if let Some([r, g, b]) = numbers(rest).as_deref() {
                    surface.color = Some(color_bytes([*r, *g, *b]));
                }
            }
            // Options come before the name.
            "map_Kd" => {
                let name = rest.split_whitespace().next_back().unwrap_or("").replace('\\', "/");
                if let Err(note) = surface.paint(&folder.join(name)) {
                    soup.notes.push(note);
                }
            }
            _ => {}
        }
    }
    Ok(())
}
