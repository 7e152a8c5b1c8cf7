//! What is done with every draft, whatever format it is from.

use crate::{Draft, ImportError, Mesh, Options, keypoints_file, propose, simplify};
use std::path::Path;

/// A figure that is larger than this is in millimetres, metres.
const TOO_LARGE: f32 = 20.0;
/// A figure that is smaller than this is worth a word, metres.
const TOO_SMALL: f32 = 0.02;
/// Most parts that a figure can have.
const MOST_PARTS: usize = 64;
/// Fewest triangles that a figure can be brought to.
const FEWEST: usize = 100;

/// Scales, simplifies and completes what a reader made of the file at `file`.
///
/// # Errors
/// If it has no size, or the options do not fit it.
pub fn finish(mut draft: Draft, file: &Path, options: &Options) -> Result<Draft, ImportError> {
    if let Some(name) = &options.name {
        draft.name.clone_from(name);
    }
    scale(&mut draft, file, options)?;
    thin_out(&mut draft);
    reduce(&mut draft, options.triangles.max(FEWEST));
    match &options.keypoints {
        Some(path) => keypoints_file::keypoints(path, &mut draft)?,
        None if draft.keypoints.is_empty() => propose::propose_keypoints(&mut draft),
        None => {}
    }
    if draft.edges.is_empty() {
        let message = "has no two places that could be joined: all joints are in one place and no \
                       shape shows where they point; name keypoints with --keypoints";
        return Err(ImportError::file(file, None, message));
    }
    if draft.poses.is_empty() {
        propose::propose_poses(&mut draft);
    }
    Ok(draft)
}

fn scale(draft: &mut Draft, file: &Path, options: &Options) -> Result<(), ImportError> {
    let size = |draft: &Draft| draft.bounds().map_or(0.0, |[low, high]| low.distance(high));
    let found = size(draft);
    if !(found.is_finite() && found > 0.0) {
        let message = format!("the figure is {found} m large at rest; its shapes have no size");
        return Err(ImportError::file(file, None, message));
    }
    match options.scale {
        Some(scale) if scale.is_finite() && scale > 0.0 => draft.scale(scale),
        Some(scale) => {
            let message = format!("the scale is {scale}; give metres per unit, above 0");
            return Err(ImportError::file(file, None, message));
        }
        None if found > TOO_LARGE => {
            draft.scale(0.001);
            draft.notes.push(format!(
                "The figure is {found:.0} units large: taken for millimetres; --scale 1 keeps \
                 metres."
            ));
        }
        None if found < TOO_SMALL => draft.notes.push(format!(
            "The figure is only {:.1} mm large; --scale makes it larger.",
            found * 1000.0
        )),
        None => {}
    }
    Ok(())
}

/// Leaves out the smallest parts of a figure that has too many.
fn thin_out(draft: &mut Draft) {
    if draft.parts.len() <= MOST_PARTS {
        return;
    }
    let rest = draft.rest();
    let size = |part: usize| draft.bounds_of(part, &rest).map_or(0.0, |[l, h]| l.distance(h));
    let mut order: Vec<usize> = (0..draft.parts.len()).collect();
    order.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
    let mut kept = order[..MOST_PARTS].to_vec();
    kept.sort_unstable();
    let left_out = draft.parts.len() - MOST_PARTS;
    draft.parts = kept.into_iter().map(|part| draft.parts[part].clone()).collect();
    draft.notes.push(format!(
        "A figure has at most {MOST_PARTS} parts; the {left_out} smallest were left out."
    ));
}

/// Simplifies the meshes to `budget` triangles.
fn reduce(draft: &mut Draft, budget: usize) {
    let mut meshes: Vec<&mut Mesh> =
        draft.parts.iter_mut().filter_map(|part| part.shape.mesh_mut()).collect();
    if meshes.is_empty() {
        return;
    }
    let report = simplify::simplify(&mut meshes, budget);
    if report.degenerate > 0 {
        draft.notes.push(format!(
            "{} triangles without an area, or there twice, were left out.",
            report.degenerate
        ));
    }
    if report.hidden > 0 {
        draft.notes.push(format!(
            "{} triangles that are seen from nowhere, inside of parts, were left out.",
            report.hidden
        ));
    }
    if report.gridded > 0 {
        draft.notes.push(format!(
            "{} meshes are triangles that hardly hang together; their vertices were gathered on a \
             grid first.",
            report.gridded
        ));
    }
    if report.worst > 0.0 {
        draft.notes.push(format!(
            "{} triangles were simplified to {}: vertices are {:.2} mm off on average, {:.1} mm at \
             most.",
            report.before,
            report.after,
            report.mean * 1000.0,
            report.worst * 1000.0
        ));
    }
    let is_empty = |mesh: Option<&Mesh>| mesh.is_some_and(|mesh| mesh.triangles.is_empty());
    for part in draft.parts.iter().filter(|part| is_empty(part.shape.mesh())) {
        draft.notes.push(format!("Part \"{}\" has no area; left out.", part.name));
    }
    draft.parts.retain(|part| !is_empty(part.shape.mesh()));
}
