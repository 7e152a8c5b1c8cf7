use super::*;
use crate::primitives::{ball, cuboid};
use glam::Vec3;

/// A ball of very many triangles, each with vertices of its own, as STL files have them.
fn fine_ball(radius: f32, steps: usize) -> Mesh {
    let mut mesh = Mesh::default();
    let place = |i: usize, j: usize| {
        let (sin, cos) = (std::f32::consts::PI * i as f32 / steps as f32).sin_cos();
        let (s, c) = (std::f32::consts::TAU * (j % steps) as f32 / steps as f32).sin_cos();
        radius * Vec3::new(sin * c, sin * s, cos)
    };
    for i in 0..steps {
        for j in 0..steps {
            let [a, b] = [place(i, j), place(i, j + 1)];
            let [c, d] = [place(i + 1, j), place(i + 1, j + 1)];
            for corners in [[a, c, d], [a, d, b]] {
                let first = mesh.positions.len() as u32;
                mesh.positions.extend(corners);
                mesh.triangles.push([first, first + 1, first + 2]);
            }
        }
    }
    mesh
}

fn volume(mesh: &Mesh) -> f32 {
    let corners = mesh.triangles.iter().map(|t| t.map(|corner| mesh.positions[corner as usize]));
    corners.map(|[a, b, c]| a.dot(b.cross(c))).sum::<f32>() / 6.0
}

#[test]
fn a_ball_stays_a_ball_with_a_hundredth_of_the_triangles() {
    let mut mesh = fine_ball(0.5, 120);
    let before = mesh.triangles.len();
    let report = simplify(&mut [&mut mesh], 300);
    assert_eq!(report.before, before);
    assert!(report.degenerate >= 200, "{report:?}");
    assert!(mesh.triangles.len() <= 300 && mesh.triangles.len() > 250);
    let ball = 4.0 / 3.0 * std::f32::consts::PI * 0.125;
    assert!((volume(&mesh) / ball - 1.0).abs() < 0.03, "{}", volume(&mesh) / ball);
    assert!(report.worst < 0.02 && report.mean < 0.01, "{report:?}");
    for (position, normal) in mesh.positions.iter().zip(&mesh.normals) {
        assert!((normal.length() - 1.0).abs() < 1e-3);
        assert!(position.normalize().dot(*normal) > 0.9);
    }
}

#[test]
fn triangles_go_where_the_detail_is_and_the_same_come_out_again() {
    // Two balls, one ten times as large; a flat box needs no more than its twelve.
    let meshes = || [fine_ball(0.5, 60), fine_ball(0.05, 60), cuboid(Vec3::ONE)];
    let [mut large, mut small, mut flat] = meshes();
    simplify(&mut [&mut large, &mut small, &mut flat], 400);
    assert!(large.triangles.len() > 2 * small.triangles.len());
    assert!(small.triangles.len() >= 8);
    assert_eq!(flat.triangles.len(), 12);
    let [mut again, mut b, mut c] = meshes();
    simplify(&mut [&mut again, &mut b, &mut c], 400);
    assert_eq!(again, large);
}

#[test]
fn a_box_has_creases_and_a_ball_has_none() {
    let mut mesh = cuboid(Vec3::ONE);
    simplify(&mut [&mut mesh], 1000);
    assert_eq!((mesh.positions.len(), mesh.triangles.len()), (24, 12));
    let mut round = ball(1.0);
    let before = round.positions.len();
    simplify(&mut [&mut round], 1000);
    assert_eq!(round.positions.len(), before);
}

#[test]
fn colours_stay_apart_where_they_meet() {
    let mut mesh = fine_ball(0.5, 80);
    mesh.colors = mesh
        .triangles
        .iter()
        .flat_map(|t| {
            let low = t.iter().all(|corner| mesh.positions[*corner as usize].z < 0.01);
            [if low { [255, 0, 0] } else { [0, 0, 255] }; 3]
        })
        .collect();
    simplify(&mut [&mut mesh], 300);
    assert_eq!(mesh.colors.len(), mesh.positions.len());
    for (position, color) in mesh.positions.iter().zip(&mesh.colors) {
        let expected = if position.z < 0.0 { [255, 0, 0] } else { [0, 0, 255] };
        if position.z.abs() > 0.12 {
            assert_eq!(*color, expected, "{position}");
        }
    }
}

#[test]
fn what_is_inside_goes_and_what_is_seen_through_a_hole_stays() {
    let inner = fine_ball(0.2, 40);
    let with_inner = |outer: Mesh| {
        let mut mesh = outer;
        let first = mesh.positions.len() as u32;
        mesh.positions.extend(&inner.positions);
        mesh.triangles.extend(inner.triangles.iter().map(|t| t.map(|corner| corner + first)));
        mesh
    };
    let mut closed = with_inner(fine_ball(0.5, 40));
    let report = simplify(&mut [&mut closed], 400);
    assert!(report.hidden >= 40 * 40, "{report:?}");
    assert!(closed.positions.iter().all(|position| position.length() > 0.3));
    let mut bowl = fine_ball(0.5, 40);
    bowl.triangles.retain(|t| bowl.positions[t[0] as usize].z < 0.2);
    let mut open = with_inner(bowl);
    simplify(&mut [&mut open], 400);
    assert!(open.positions.iter().any(|position| position.length() < 0.3));
}

#[test]
fn loose_triangles_are_gathered() {
    let mut mesh = fine_ball(0.5, 60);
    // Each triangle a little smaller than its place.
    for triangle in &mesh.triangles {
        let corners = triangle.map(|corner| mesh.positions[corner as usize]);
        let middle = corners.iter().copied().sum::<Vec3>() / 3.0;
        for corner in triangle {
            let position = &mut mesh.positions[*corner as usize];
            *position = position.lerp(middle, 0.02);
        }
    }
    let report = simplify(&mut [&mut mesh], 500);
    assert_eq!(report.gridded, 1);
    let ball = 4.0 / 3.0 * std::f32::consts::PI * 0.125;
    assert!(mesh.triangles.len() <= 500 && report.worst < 0.05, "{report:?}");
    assert!((volume(&mesh) / ball - 1.0).abs() < 0.1, "{}", volume(&mesh) / ball);
}

#[test]
fn a_tube_of_a_skin_keeps_weights_that_add_up_to_one() {
    let mut mesh = fine_ball(0.5, 60);
    mesh.weights = mesh
        .positions
        .iter()
        .map(|position| {
            let share = (position.z + 0.5).clamp(0.0, 1.0);
            [(0, 1.0 - share), (1, share), (0, 0.0), (0, 0.0)]
        })
        .collect();
    simplify(&mut [&mut mesh], 300);
    assert_eq!(mesh.weights.len(), mesh.positions.len());
    for (position, weights) in mesh.positions.iter().zip(&mesh.weights) {
        let sum: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let upper: f32 = weights.iter().filter(|(bone, _)| *bone == 1).map(|(_, w)| w).sum();
        assert!((sum - 1.0).abs() < 1e-4);
        assert!((upper - (position.z + 0.5).clamp(0.0, 1.0)).abs() < 0.1, "{position} {upper}");
    }
}

#[test]
fn nothing_and_next_to_nothing_are_no_trouble() {
    let mut empty = Mesh::default();
    let mut flat = Mesh {
        positions: vec![Vec3::ZERO, Vec3::X, 2.0 * Vec3::X],
        triangles: vec![[0, 1, 2], [0, 0, 1]],
        ..Mesh::default()
    };
    let report = simplify(&mut [&mut empty, &mut flat], 10);
    assert_eq!((report.after, report.degenerate), (0, 2));
    let mut many = fine_ball(0.1, 50);
    assert!(simplify(&mut [&mut many], 4).after <= 4);
}
