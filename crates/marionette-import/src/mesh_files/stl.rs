//! STL files, of bytes and of text.

use super::Soup;
use crate::ImportError;
use glam::Vec3;
use std::path::Path;

/// Bytes of the header with the count of triangles, and of each triangle.
const HEADER: usize = 84;
const TRIANGLE: usize = 50;

pub fn read(path: &Path, bytes: &[u8], soup: &mut Soup) -> Result<(), ImportError> {
    // A binary file may begin with "solid" as well: its length tells.
    let said = bytes.get(80..HEADER).map(|count| u32::from_le_bytes(count.try_into().expect("4")));
    let fits = said.is_some_and(|said| HEADER + TRIANGLE * said as usize == bytes.len());
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let is_text = bytes[start..].starts_with(b"solid")
        && bytes[..bytes.len().min(1024)].windows(5).any(|word| word == b"facet");
    match said {
        _ if !fits && is_text => text(path, bytes, soup),
        // A file without a triangle that ends early or late.
        Some(said) if HEADER + TRIANGLE * said as usize <= bytes.len() => {
            binary(bytes, said as usize, soup);
            Ok(())
        }
        Some(said) => {
            let held = (bytes.len() - HEADER) / TRIANGLE;
            let message = format!(
                "says that it has {said} triangles and ends after {held}; it is damaged or no STL \
                 file"
            );
            Err(ImportError::file(path, None, message))
        }
        None if bytes[start..].starts_with(b"solid") => text(path, bytes, soup),
        None => Err(ImportError::file(path, None, "is too short for an STL file")),
    }
}

fn binary(bytes: &[u8], count: usize, soup: &mut Soup) {
    for triangle in bytes[HEADER..].chunks_exact(TRIANGLE).take(count) {
        let number = |at: usize| f32::from_le_bytes(triangle[at..at + 4].try_into().expect("4"));
        // The normal comes first.
        let corner = |at: usize| Vec3::new(number(at), number(at + 4), number(at + 8));
        soup.triangle([corner(12), corner(24), corner(36)], [None; 3]);
    }
}

fn text(path: &Path, bytes: &[u8], soup: &mut Soup) -> Result<(), ImportError> {
    let text = String::from_utf8_lossy(bytes);
    let mut corners: Vec<(Vec3, Option<[u8; 3]>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("vertex") => {
                let numbers: Option<Vec<f32>> = words.map(|word| word.parse().ok()).collect();
                let Some(&[x, y, z]) = numbers.as_deref() else {
                    let message = format!("found \"{}\"; give three numbers", line.trim());
                    return Err(ImportError::file(path, Some(index + 1), message));
                };
                corners.push((Vec3::new(x, y, z), None));
            }
            Some("endloop") => {
                soup.polygon(&corners);
                corners.clear();
            }
            _ => {}
        }
    }
    Ok(())
}
