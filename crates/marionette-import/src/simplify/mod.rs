//! Fewer triangles, by edge collapses in the order of their quadric errors (Garland & Heckbert
//! 1997), over all meshes of a figure at once: so all of it is equally near to what it was.
//!
//! Meshes of robots are seldom closed or manifold, which the half-edge structures of mesh
//! libraries ask for; this works on whatever triangles there are, and keeps colours and skin
//! weights.

mod cluster;
mod collapse;
mod distance;
mod hidden;
mod quadric;
mod shading;
#[cfg(test)]
mod tests;
mod weld;

use crate::Mesh;
use weld::Welded;

/// What [`simplify`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Simplified {
    /// Triangles before.
    pub before: usize,
    /// Triangles after.
    pub after: usize,
    /// Triangles without an area that were left out, and such as were there twice.
    pub degenerate: usize,
    /// The farthest that a vertex of a mesh is from the simplified one, metres.
    pub worst: f32,
    /// The mean of it over the vertices of all meshes, metres.
    pub mean: f32,
    /// Triangles that are seen from nowhere and were left out.
    pub hidden: usize,
    /// How many meshes were triangles that hardly hang together, and so were gridded first.
    pub gridded: usize,
}

/// Brings `meshes` to at most `budget` triangles together, welds what lies in one place, and gives
/// them smooth normals with creases. Meshes that are left with nothing become empty.
pub fn simplify(meshes: &mut [&mut Mesh], budget: usize) -> Simplified {
    let before = meshes.iter().map(|mesh| mesh.triangles.len()).sum();
    let mut report = Simplified { before, ..Simplified::default() };
    let mut whole: Vec<Welded> = Vec::new();
    for mesh in meshes.iter() {
        let (welded, degenerate) = Welded::new(mesh);
        report.degenerate += degenerate;
        whole.push(welded);
    }
    if whole.iter().map(|mesh| mesh.faces.len()).sum::<usize>() > budget {
        // Skins bend, and show what is inside at rest.
        for mesh in whole.iter_mut().filter(|mesh| mesh.weights.is_empty()) {
            report.hidden += hidden::drop_hidden(mesh);
        }
    }
    let welded: usize = whole.iter().map(|mesh| mesh.faces.len()).sum();
    let mut simple = whole.clone();
    if welded > budget {
        for mesh in &mut simple {
            let share = budget * mesh.faces.len() / welded.max(1);
            if mesh.is_loose() && mesh.faces.len() > 4 * share.max(100) {
                *mesh = cluster::gridded(mesh, 4 * share.max(100));
                report.gridded += 1;
            }
        }
        collapse::collapse(&mut simple, budget);
        let mut sum = 0.0;
        let mut count = 0;
        for (whole, simple) in whole.iter().zip(&simple) {
            let far = distance::far(whole, simple);
            report.worst = report.worst.max(far.worst as f32);
            sum += far.sum;
            count += far.count;
        }
        report.mean = (sum / count.max(1) as f64) as f32;
    }
    for (mesh, simple) in meshes.iter_mut().zip(&simple) {
        **mesh = shading::shaded(simple);
    }
    report.after = meshes.iter().map(|mesh| mesh.triangles.len()).sum();
    report
}
