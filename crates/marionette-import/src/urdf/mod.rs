//! URDF files.

mod freedom;
mod parse;
mod paths;
mod reader;
mod shapes;
#[cfg(test)]
mod tests;
mod tree;

use crate::{Draft, ImportError, Options, xml};
use marionette_base::atomic_file::read_file;
use std::path::Path;

/// The largest URDF file that is read, bytes.
const LARGEST: u64 = 64 << 20;

/// Reads the URDF file at `file` with its meshes.
///
/// # Errors
/// As [`import`](crate::import).
pub fn read(file: &Path, options: &Options) -> Result<Draft, ImportError> {
    let text = xml::text(file, read_file(file, LARGEST)?)?;
    let mut robot = parse::parse(file, &text)?;
    let mut notes = std::mem::take(&mut robot.notes);
    let tree = tree::tree(file, &robot, options.y_up, &mut notes)?;
    let mut draft = Draft { name: robot.name.clone(), notes, ..Draft::default() };
    draft.bones = tree.bones;
    draft.frames = tree.frames;
    shapes::shapes(file, &robot, &tree.links, options, &mut draft)?;
    Ok(draft)
}
