//! The triangles of all meshes that are shown, in the bind pose.

use super::{
    nodes::Nodes,
    skins::Bind,
    source::Source,
    surface::{Pictures, Surface},
};
use crate::ImportError;
use glam::{Mat3, Mat4, Vec2, Vec3};
use gltf::{Primitive, Semantic, mesh::Mode};

/// Vertices with what they follow, and their triangles.
#[derive(Default)]
pub(super) struct Geometry {
    /// In the world of the bind pose, units of the file.
    pub positions: Vec<Vec3>,
    pub normals: Vec<Vec3>,
    /// Linear.
    pub colors: Vec<Vec3>,
    /// Nodes and their shares of each vertex, which add up to 1.
    pub weights: Vec<Vec<(usize, f32)>>,
    pub triangles: Vec<[u32; 3]>,
    /// Of each triangle.
    pub roughness: Vec<f32>,
    /// Whether some of it is skinned.
    pub skinned: bool,
    /// Primitives that are no triangles.
    pub skipped: usize,
    /// Meshes with shapes that they may morph into.
    pub morphing: Vec<String>,
    /// Vertices of skins that no joint holds.
    pub loose: usize,
}

/// Everything of a primitive but where it is.
struct Shape {
    positions: Vec<Vec3>,
    normals: Option<Vec<Vec3>>,
    colors: Vec<Vec3>,
    triangles: Vec<[u32; 3]>,
    roughness: f32,
}

impl Geometry {
    pub fn read(source: &Source, nodes: &Nodes, bind: &Bind) -> Result<Geometry, ImportError> {
        let mut geometry = Geometry::default();
        let mut pictures = Pictures::new();
        for node in source.document.nodes().filter(|node| nodes.shown[node.index()]) {
            let Some(mesh) = node.mesh() else { continue };
            let name = mesh.name().unwrap_or(&nodes.names[node.index()]).to_owned();
            if mesh.primitives().any(|primitive| primitive.morph_targets().len() > 0) {
                geometry.morphing.push(name.clone());
            }
            let skin = node.skin().and_then(|skin| bind.skins.get(&skin.index()));
            for primitive in mesh.primitives() {
                let what = format!("mesh \"{name}\"");
                let Some(shape) = shape(source, &primitive, &what, &mut pictures)? else {
                    geometry.skipped += 1;
                    continue;
                };
                let count = shape.positions.len();
                let placed: Vec<(Mat4, Vec<(usize, f32)>)> = match skin {
                    None => vec![(bind.world[node.index()], vec![(node.index(), 1.0)]); count],
                    Some(skin) => {
                        geometry.skinned = true;
                        let joints = joints(source, &primitive, &what, count, skin.joints.len())?;
                        geometry.loose += joints.iter().filter(|held| held.is_empty()).count();
                        let places: Vec<Mat4> = (0..skin.joints.len())
                            .map(|joint| skin.world_from_mesh(joint, &bind.world))
                            .collect();
                        let placed = joints.into_iter().map(|mut held| {
                            if held.is_empty() {
                                held.push((0, 1.0));
                            }
                            let place = held.iter().map(|(joint, w)| places[*joint] * *w).sum();
                            let node = |(joint, w)| (skin.joints[joint], w);
                            (place, held.into_iter().map(node).collect())
                        });
                        placed.collect()
                    }
                };
                geometry.add(shape, placed);
            }
        }
        match geometry.triangles.is_empty() {
            true => Err(source.fail("shows no triangles; give a file with a mesh in its scene")),
            false => Ok(geometry),
        }
    }

    fn add(&mut self, shape: Shape, placed: Vec<(Mat4, Vec<(usize, f32)>)>) {
        let first = self.positions.len() as u32;
        let mirrored = placed.iter().filter(|(place, _)| place.determinant() < 0.0).count();
        let mirrored = 2 * mirrored > placed.len();
        let order = if mirrored { [0, 2, 1] } else { [0, 1, 2] };
        let triangles: Vec<[u32; 3]> =
            shape.triangles.iter().map(|corners| order.map(|i| corners[i])).collect();
        let positions: Vec<Vec3> = shape
            .positions
            .iter()
            .zip(&placed)
            .map(|(at, (place, _))| place.transform_point3(*at))
            .collect();
        let normals = match shape.normals {
            None => normals(&positions, &triangles),
            Some(normals) => {
                let turned = normals.iter().zip(&placed).map(|(normal, (place, _))| {
                    let place = Mat3::from_mat4(*place);
                    let turned = place.inverse().transpose() * *normal;
                    if turned.is_finite() { turned.normalize_or(Vec3::Y) } else { Vec3::Y }
                });
                turned.collect()
            }
        };
        self.positions.extend(positions);
        self.normals.extend(normals);
        self.colors.extend(shape.colors);
        self.weights.extend(placed.into_iter().map(|(_, weights)| weights));
        self.roughness.extend(std::iter::repeat_n(shape.roughness, triangles.len()));
        self.triangles.extend(triangles.iter().map(|corners| corners.map(|i| i + first)));
    }

    /// The least and the greatest coordinates.
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let around = |(low, high): (Vec3, Vec3), at: &Vec3| (low.min(*at), high.max(*at));
        self.positions.iter().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), around)
    }

    /// The area of the surface around each vertex: a third of that of its triangles.
    pub fn areas(&self) -> Vec<f32> {
        let mut areas = vec![0.0; self.positions.len()];
        for corners in &self.triangles {
            let share = twice_area(&self.positions, corners).length() / 6.0;
            corners.iter().for_each(|i| areas[*i as usize] += share);
        }
        areas
    }
}

/// A normal as long as the triangle's area doubled.
fn twice_area(positions: &[Vec3], corners: &[u32; 3]) -> Vec3 {
    let [a, b, c] = corners.map(|i| positions[i as usize]);
    (b - a).cross(c - a)
}

/// Normals of vertices without any: the mean of their triangles', larger ones counting more. Where
/// triangles share no vertices, each is flat, as the format demands.
fn normals(positions: &[Vec3], triangles: &[[u32; 3]]) -> Vec<Vec3> {
    let mut sums = vec![Vec3::ZERO; positions.len()];
    for corners in triangles {
        let normal = twice_area(positions, corners);
        corners.iter().for_each(|i| sums[*i as usize] += normal);
    }
    sums.into_iter().map(|sum| sum.normalize_or(Vec3::Y)).collect()
}

/// What a primitive looks like; `None` where it is no triangles.
fn shape(
    source: &Source,
    primitive: &Primitive,
    what: &str,
    pictures: &mut Pictures,
) -> Result<Option<Shape>, ImportError> {
    if !matches!(primitive.mode(), Mode::Triangles | Mode::TriangleStrip | Mode::TriangleFan) {
        return Ok(None);
    }
    let Some(accessor) = primitive.get(&Semantic::Positions) else { return Ok(None) };
    let points = source.floats::<3>(&accessor, &format!("{what}'s positions"))?;
    let positions: Vec<Vec3> = points.into_iter().map(Vec3::from).collect();
    let count = positions.len();
    // Attributes of another length than the positions say nothing about some vertices.
    let of_all = |found: usize, of: &str| match found == count {
        true => Ok(()),
        false => Err(source.fail(format!("{what} has {count} vertices and {found} {of}"))),
    };
    let normals = match primitive.get(&Semantic::Normals) {
        None => None,
        Some(accessor) => {
            let normals = source.floats::<3>(&accessor, &format!("{what}'s normals"))?;
            of_all(normals.len(), "normals")?;
            Some(normals.into_iter().map(Vec3::from).collect())
        }
    };
    let corners: Vec<u32> = match primitive.indices() {
        None => (0..count as u32).collect(),
        Some(accessor) => {
            let indices = source.read::<1>(&accessor, &format!("{what}'s indices"))?;
            indices.into_iter().map(|[index]| index as u32).collect()
        }
    };
    if let Some(beyond) = corners.iter().find(|index| **index as usize >= count) {
        let message = format!("{what} has a triangle on vertex {beyond}, of {count}");
        return Err(source.fail(message));
    }
    let triangles: Vec<[u32; 3]> = match primitive.mode() {
        Mode::TriangleStrip => corners
            .windows(3)
            .enumerate()
            .map(|(i, w)| if i % 2 == 0 { [w[0], w[1], w[2]] } else { [w[1], w[0], w[2]] })
            .collect(),
        Mode::TriangleFan => match corners.split_first() {
            Some((hub, rim)) => rim.windows(2).map(|w| [*hub, w[0], w[1]]).collect(),
            None => Vec::new(),
        },
        _ => corners.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
    };
    let triangles: Vec<[u32; 3]> =
        triangles.into_iter().filter(|[a, b, c]| a != b && b != c && c != a).collect();
    let surface = Surface::read(source, &primitive.material(), pictures)?;
    let places: Option<Vec<Vec2>> = match surface.set().map(Semantic::TexCoords) {
        None => None,
        Some(set) => match primitive.get(&set) {
            None => None,
            Some(accessor) => {
                let places = source.floats::<2>(&accessor, &format!("{what}'s coordinates"))?;
                of_all(places.len(), "texture coordinates")?;
                Some(places.into_iter().map(Vec2::from).collect())
            }
        },
    };
    let mut colors = match &places {
        None => vec![surface.at(Vec2::ZERO, &Pictures::new()); count],
        Some(places) => textured(&surface, places, &positions, &triangles, pictures),
    };
    if let Some(accessor) = primitive.get(&Semantic::Colors(0)) {
        let what = format!("{what}'s colours");
        let own: Vec<[f32; 3]> = match accessor.dimensions().multiplicity() {
            4 => {
                let rows = source.floats::<4>(&accessor, &what)?;
                rows.into_iter().map(|[r, g, b, _]| [r, g, b]).collect()
            }
            _ => source.floats::<3>(&accessor, &what)?,
        };
        of_all(own.len(), "colours")?;
        colors.iter_mut().zip(own).for_each(|(color, own)| *color *= Vec3::from(own));
    }
    Ok(Some(Shape { positions, normals, colors, triangles, roughness: surface.roughness }))
}

/// Linear colours of vertices from a texture: the mean over their triangles, taken a bit inside of
/// each, so that what lies beyond a seam is not seen.
fn textured(
    surface: &Surface,
    places: &[Vec2],
    positions: &[Vec3],
    triangles: &[[u32; 3]],
    pictures: &Pictures,
) -> Vec<Vec3> {
    let mut sums = vec![(Vec3::ZERO, 0.0); places.len()];
    for corners in triangles {
        let area = twice_area(positions, corners).length() + 1e-12;
        let middle = corners.iter().map(|i| places[*i as usize]).sum::<Vec2>() / 3.0;
        for i in corners.map(|i| i as usize) {
            for inside in [0.1, 0.35, 0.6] {
                let color = surface.at(places[i].lerp(middle, inside), pictures);
                sums[i].0 += color * area;
                sums[i].1 += area;
            }
        }
    }
    let color = |(sum, weight): (Vec3, f32), at: &Vec2| match weight > 0.0 {
        true => sum / weight,
        false => surface.at(*at, pictures),
    };
    sums.into_iter().zip(places).map(|(sum, at)| color(sum, at)).collect()
}

/// The joints that hold each vertex of a skin, by their place in it, and their shares: at most
/// four, which add up to 1. None where a vertex has no weights.
fn joints(
    source: &Source,
    primitive: &Primitive,
    what: &str,
    count: usize,
    known: usize,
) -> Result<Vec<Vec<(usize, f32)>>, ImportError> {
    let mut held: Vec<Vec<(usize, f32)>> = vec![Vec::new(); count];
    let mut sets = 0;
    while let (Some(joints), Some(weights)) =
        (primitive.get(&Semantic::Joints(sets)), primitive.get(&Semantic::Weights(sets)))
    {
        let joints = source.read::<4>(&joints, &format!("{what}'s joints"))?;
        let weights = source.floats::<4>(&weights, &format!("{what}'s weights"))?;
        if joints.len() != count || weights.len() != count {
            let message = format!(
                "{what} has {count} vertices, {} joints and {} weights",
                joints.len(),
                weights.len()
            );
            return Err(source.fail(message));
        }
        for ((held, joints), weights) in held.iter_mut().zip(joints).zip(weights) {
            for (joint, weight) in joints.into_iter().zip(weights).filter(|(_, w)| *w > 0.0) {
                let joint = joint as usize;
                if joint >= known {
                    let message = format!("{what} is held by joint {joint} of a skin of {known}");
                    return Err(source.fail(message));
                }
                match held.iter_mut().find(|(other, _)| *other == joint) {
                    Some((_, sum)) => *sum += weight,
                    None => held.push((joint, weight)),
                }
            }
        }
        sets += 1;
    }
    if sets == 0 || held.iter().all(Vec::is_empty) {
        let message = format!(
            "{what} has a skin, but its vertices have no weights (JOINTS_0 and WEIGHTS_0); bind \
             it to its armature with weights and export it again"
        );
        return Err(source.fail(message));
    }
    Ok(held.into_iter().map(strongest).collect())
}

/// The four greatest shares, so that they add up to 1.
pub(super) fn strongest(mut held: Vec<(usize, f32)>) -> Vec<(usize, f32)> {
    held.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    held.truncate(4);
    let sum: f32 = held.iter().map(|(_, weight)| weight).sum();
    held.iter_mut().for_each(|(_, weight)| *weight /= sum);
    held
}
