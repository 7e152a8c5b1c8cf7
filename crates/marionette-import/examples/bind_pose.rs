//! Draws what came in of a model file from the front, the side and above: at rest, or in a moment
//! of a family of poses. To look at, and to compare with other programs.
//!
//! ```text
//! cargo run -p marionette-import --example bind_pose -- fox.glb fox.png [POSE KEY]
//! ```

use glam::{Affine3A, EulerRot, Mat3, Quat, Vec3};
use image::{Rgb, RgbImage};
use marionette_import::{Draft, DraftShape, Mesh, Options, import};
use std::{collections::BTreeMap, path::Path};

const SIZE: u32 = 480;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(file), Some(out)) = (arguments.first(), arguments.get(1)) else {
        return Err("give a model file, a PNG file to write, and perhaps a pose and a key".into());
    };
    let draft = import(Path::new(file), &Options::default())?;
    println!(
        "{}: {} bones, {} parts, {} triangles",
        draft.name,
        draft.bones.len(),
        draft.parts.len(),
        draft.triangles()
    );
    for bone in &draft.bones {
        let parent = bone.parent.map_or("-", |parent| draft.bones[parent].name.as_str());
        let limits = bone.limits.map(|range| range.map(|angle| angle.to_degrees().round()));
        println!("  {} < {parent} at {:.3?} {limits:?}", bone.name, bone.offset.to_array());
    }
    for pose in &draft.poses {
        println!("  pose {}: {} keys", pose.name, pose.keys.len());
    }
    for keypoint in &draft.keypoints {
        println!("  keypoint {} on {}", keypoint.name, draft.bones[keypoint.bone].name);
    }
    for note in &draft.notes {
        println!("  {note}");
    }
    let mut angles: BTreeMap<usize, Vec3> = BTreeMap::new();
    if let Some(name) = arguments.get(2) {
        let pose = draft.poses.iter().find(|pose| pose.name == *name).ok_or("no such pose")?;
        let key: usize = arguments.get(3).map_or(Ok(0), |key| key.parse())?;
        angles = pose.keys.get(key).ok_or("no such key")?.iter().copied().collect();
    }
    let triangles = placed(&draft, &angles);
    let views = [Mat3::IDENTITY, Mat3::from_rotation_y(-90_f32.to_radians()), {
        Mat3::from_rotation_x(90_f32.to_radians())
    }];
    let mut picture = RgbImage::from_pixel(SIZE * 3, SIZE, Rgb([236, 236, 236]));
    for (view, left) in views.iter().zip([0, SIZE, 2 * SIZE]) {
        draw(&triangles, &joints(&draft, &angles), *view, left, &mut picture);
    }
    picture.save(out)?;
    Ok(())
}

/// The bones in the world when they are turned by `angles`, degrees.
fn joints(draft: &Draft, angles: &BTreeMap<usize, Vec3>) -> Vec<Affine3A> {
    let mut world: Vec<Affine3A> = Vec::new();
    for (index, bone) in draft.bones.iter().enumerate() {
        let angle =
            angles.get(&index).copied().unwrap_or(Vec3::ZERO) * std::f32::consts::PI / 180.0;
        let turned = bone.turn * Quat::from_euler(EulerRot::XZY, angle.x, angle.z, angle.y);
        world.push(match bone.parent {
            None => Affine3A::from_quat(turned),
            Some(parent) => {
                world[parent] * Affine3A::from_rotation_translation(turned, bone.offset)
            }
        });
    }
    world
}

/// The triangles of all meshes in the world, and their sRGB colours.
fn placed(draft: &Draft, angles: &BTreeMap<usize, Vec3>) -> Vec<([Vec3; 3], [f32; 3])> {
    let (rest, world) = (draft.rest(), joints(draft, angles));
    let mut triangles = Vec::new();
    for part in &draft.parts {
        let (mesh, points): (&Mesh, Vec<Vec3>) = match &part.shape {
            DraftShape::Mesh(mesh) => {
                let place =
                    world[part.bone] * Affine3A::from_rotation_translation(part.turn, part.at);
                (mesh, mesh.positions.iter().map(|at| place.transform_point3(*at)).collect())
            }
            DraftShape::Skin { mesh, bones } => {
                let moved: Vec<Affine3A> =
                    bones.iter().map(|bone| world[*bone] * rest[*bone].inverse()).collect();
                let blend = |(at, held): (&Vec3, &[(u8, f32); 4])| {
                    held.iter().map(|(b, w)| moved[*b as usize].transform_point3(*at) * *w).sum()
                };
                (mesh, mesh.positions.iter().zip(&mesh.weights).map(blend).collect())
            }
            _ => continue,
        };
        let own = draft.materials[part.material].color;
        for corners in &mesh.triangles {
            let corners = corners.map(|i| i as usize);
            let color = std::array::from_fn(|c| match mesh.colors.is_empty() {
                true => own[c],
                false => corners.iter().map(|i| f32::from(mesh.colors[*i][c])).sum::<f32>() / 765.0,
            });
            triangles.push((corners.map(|i| points[i]), color));
        }
    }
    triangles
}

/// Draws the triangles as seen from +z after `view`, joints as dots, into a square of the picture.
fn draw(
    triangles: &[([Vec3; 3], [f32; 3])],
    joints: &[Affine3A],
    view: Mat3,
    left: u32,
    picture: &mut RgbImage,
) {
    let points = triangles.iter().flat_map(|(corners, _)| corners);
    let around = |(low, high): (Vec3, Vec3), at: &Vec3| (low.min(*at), high.max(*at));
    let (low, high) = points.fold((Vec3::INFINITY, Vec3::NEG_INFINITY), around);
    let scale = SIZE as f32 * 0.9 / (high - low).max_element();
    let middle = view * ((low + high) * 0.5);
    let pixel = |at: Vec3| {
        let at = (view * at - middle) * scale;
        Vec3::new(at.x + SIZE as f32 * 0.5, SIZE as f32 * 0.5 - at.y, at.z)
    };
    let mut depth = vec![f32::NEG_INFINITY; (SIZE * SIZE) as usize];
    for (corners, color) in triangles {
        let [a, b, c] = corners.map(pixel);
        let normal =
            (view * (corners[1] - corners[0]).cross(corners[2] - corners[0])).normalize_or_zero();
        // What is seen from behind is red: its triangles are wound the wrong way, or it is inside.
        let light = 0.45 + 0.55 * normal.dot(Vec3::new(0.3, 0.5, 0.8).normalize()).abs();
        let color = if normal.z < 0.0 { [0.9, 0.1, 0.1] } else { *color };
        let area = (b - a).truncate().perp_dot((c - a).truncate());
        if area.abs() < 1e-6 {
            continue;
        }
        let (low, high) = (a.min(b).min(c), a.max(b).max(c));
        for y in low.y.max(0.0) as u32..=(high.y.max(0.0) as u32).min(SIZE - 1) {
            for x in low.x.max(0.0) as u32..=(high.x.max(0.0) as u32).min(SIZE - 1) {
                let at = Vec3::new(x as f32 + 0.5, y as f32 + 0.5, 0.0);
                let edge =
                    |p: Vec3, q: Vec3| (q - p).truncate().perp_dot((at - p).truncate()) / area;
                let shares = [edge(b, c), edge(c, a), edge(a, b)];
                let z = shares[0] * a.z + shares[1] * b.z + shares[2] * c.z;
                let place = (y * SIZE + x) as usize;
                if shares.iter().all(|share| *share >= 0.0) && z > depth[place] {
                    depth[place] = z;
                    let color = color.map(|c| (c * light * 255.0).min(255.0) as u8);
                    picture.put_pixel(left + x, y, Rgb(color));
                }
            }
        }
    }
    for joint in joints {
        let at = pixel(joint.translation.into());
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (x, y) = (at.x as i64 + dx, at.y as i64 + dy);
            if (0..i64::from(SIZE)).contains(&x) && (0..i64::from(SIZE)).contains(&y) {
                picture.put_pixel(left + x as u32, y as u32, Rgb([20, 60, 255]));
            }
        }
    }
}
