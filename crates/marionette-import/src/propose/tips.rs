//! Where the shape of a bone ends.

use crate::{Draft, DraftShape};
use glam::{Affine3A, Vec3};

/// The tip is the middle of the shape's last part, this share of its reach.
const LAST: f32 = 0.05;
/// A shape that reaches less than this many times as far to one side as to the other is around its
/// joint, as a wheel is, and has no tip.
const ONE_SIDED: f32 = 1.8;

/// Where the shape of `bone` ends, in its frame; nothing if it lies around the joint. `rest` is
/// what [`Draft::rest`] gives.
pub fn tip(draft: &Draft, bone: usize, rest: &[Affine3A]) -> Option<Vec3> {
    let points = points(draft, bone, rest);
    let along = middle(&points)?.try_normalize()?;
    let reach = |point: &Vec3| point.dot(along);
    let far = points.iter().map(reach).fold(f32::NEG_INFINITY, f32::max);
    let back = -points.iter().map(reach).fold(f32::INFINITY, f32::min);
    if far < ONE_SIDED * back {
        return None;
    }
    let last: Vec<Vec3> =
        points.iter().copied().filter(|point| reach(point) >= (1.0 - LAST) * far).collect();
    middle(&last)
}

/// The end of the shape of `bone` that is farthest from its origin, in its frame.
pub fn end(draft: &Draft, bone: usize, rest: &[Affine3A]) -> Option<Vec3> {
    let points = points(draft, bone, rest);
    points.into_iter().max_by(|a, b| a.length().total_cmp(&b.length()))
}

/// The middle of the box around points.
fn middle(points: &[Vec3]) -> Option<Vec3> {
    let low = points.iter().copied().reduce(Vec3::min)?;
    let high = points.iter().copied().reduce(Vec3::max)?;
    Some(0.5 * (low + high))
}

/// Points on the shapes of a bone, in its frame.
fn points(draft: &Draft, bone: usize, rest: &[Affine3A]) -> Vec<Vec3> {
    let mut points = Vec::new();
    for (index, part) in draft.parts.iter().enumerate() {
        match &part.shape {
            DraftShape::Skin { mesh, bones } => {
                let bone_from_rest = rest[bone].inverse();
                for (position, weights) in mesh.positions.iter().zip(&mesh.weights) {
                    let most = weights.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                    if most.is_some_and(|(at, _)| bones.get(usize::from(*at)) == Some(&bone)) {
                        points.push(bone_from_rest.transform_point3(*position));
                    }
                }
            }
            _ if part.bone != bone => {}
            DraftShape::Mesh(mesh) => {
                let placed = Affine3A::from_rotation_translation(part.turn, part.at);
                points.extend(mesh.positions.iter().map(|p| placed.transform_point3(*p)));
            }
            _ => {
                // The box around it does, in the bone's own frame.
                let mut own = vec![Affine3A::IDENTITY; rest.len()];
                own[bone] = Affine3A::IDENTITY;
                if let Some([low, high]) = draft.bounds_of(index, &own) {
                    for bits in 0..8 {
                        let pick = |axis: usize| if bits >> axis & 1 == 1 { high } else { low };
                        points.push(Vec3::new(pick(0).x, pick(1).y, pick(2).z));
                    }
                }
            }
        }
    }
    points
}
