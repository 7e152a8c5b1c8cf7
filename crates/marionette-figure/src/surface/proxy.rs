//! Round cones that stand for a shape: fitted to its surface, so that it can touch and cast shadows.

use super::Mesh;
use crate::{RoundCone, contact::cone_distance};
use glam::{Mat3, Vec3};
use nalgebra::{SMatrix, SVector};

/// Points of the surface that the fit looks at.
const POINTS: usize = 400;
/// Rounds of the fit, at most. It ends when a round gains less than a thousandth.
const ROUNDS: u32 = 20;
/// A fit is good enough where its error is below this share of the shape's size.
const GOOD: f32 = 0.03;
/// Thinnest proxy, metres.
const THINNEST: f32 = 5e-4;

/// What stands for a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Proxy {
    /// The round cones.
    pub cones: Vec<RoundCone>,
    /// Nine tenths of the shape's surface lie nearer than this to the cones' surface, and nine
    /// tenths of theirs nearer to the shape's, metres.
    pub error: f32,
}

/// Fits as few round cones as give a good fit, at most `most`, to the surface of a mesh.
///
/// Starts from clusters of the surface and their longest axes, then moves ends and radii by least
/// squares (Levenberg-Marquardt): each point of the surface pulls the cone that it is nearest to.
pub fn fit(mesh: &Mesh, most: usize) -> Proxy {
    let points = points(mesh);
    let [low, high] = [Vec3::min, Vec3::max]
        .map(|extreme| points.iter().copied().reduce(extreme).unwrap_or_default());
    let size = low.distance(high).max(2.0 * THINNEST);
    let mut best: Option<Proxy> = None;
    let spacing = spacing(mesh);
    for count in 1..=most.max(1) {
        let starts = starts(&points, count);
        for cones in [refined(starts.clone(), &points, size), starts] {
            let error = error(&cones, &points, spacing);
            if best.as_ref().is_none_or(|best| error < 0.9 * best.error) {
                best = Some(Proxy { cones, error });
            }
        }
        if best.as_ref().is_some_and(|best| best.error < GOOD * size) {
            break;
        }
    }
    best.unwrap_or_else(|| Proxy { cones: Vec::new(), error: 0.0 })
}

/// The areas of a mesh's triangles, square metres.
fn areas(mesh: &Mesh) -> Vec<f32> {
    let area = |triangle: usize| {
        let [a, b, c] = mesh.corners(triangle);
        0.5 * (b - a).cross(c - a).length()
    };
    (0..mesh.triangles.len()).map(area).collect()
}

/// Points spread evenly over the surface, always the same ones.
fn points(mesh: &Mesh) -> Vec<Vec3> {
    let areas = areas(mesh);
    let total: f32 = areas.iter().sum();
    if total <= 0.0 {
        return mesh.positions.iter().copied().take(POINTS).collect();
    }
    let (mut triangle, mut before) = (0, 0.0);
    (0..POINTS)
        .map(|k| {
            let wanted = (k as f32 + 0.5) / POINTS as f32 * total;
            while triangle + 1 < areas.len() && before + areas[triangle] < wanted {
                before += areas[triangle];
                triangle += 1;
            }
            // The plastic number's sequence (Roberts 2018) fills the square evenly.
            let [mut u, mut v] =
                [0.754_877_7, 0.569_840_3].map(|step: f32| (k as f32 * step).fract());
            if u + v > 1.0 {
                (u, v) = (1.0 - u, 1.0 - v);
            }
            let [a, b, c] = mesh.corners(triangle);
            a + (b - a) * u + (c - a) * v
        })
        .collect()
}

/// The first guess: `count` clusters (k-means from points that lie far apart), and a cone along
/// each one's longest axis.
fn starts(points: &[Vec3], count: usize) -> Vec<RoundCone> {
    let Some(first) = points.first() else { return Vec::new() };
    let mut centres = vec![*first];
    let nearest = |centres: &[Vec3], point: Vec3| {
        let distances = centres.iter().map(|centre| centre.distance_squared(point)).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
    };
    while centres.len() < count {
        let farthest = points
            .iter()
            .max_by(|a, b| nearest(&centres, **a).1.total_cmp(&nearest(&centres, **b).1));
        centres.extend(farthest);
    }
    let mut clusters = vec![Vec::new(); count];
    for _ in 0..10 {
        clusters.iter_mut().for_each(Vec::clear);
        points.iter().for_each(|point| clusters[nearest(&centres, *point).0].push(*point));
        for (centre, cluster) in centres.iter_mut().zip(&clusters) {
            *centre = cluster.iter().sum::<Vec3>() / cluster.len().max(1) as f32;
        }
    }
    clusters
        .iter()
        .filter(|cluster| !cluster.is_empty())
        .map(|cluster| along_axis(cluster))
        .collect()
}

/// A cone along the longest axis of a cluster of points.
fn along_axis(points: &[Vec3]) -> RoundCone {
    let middle = points.iter().sum::<Vec3>() / points.len() as f32;
    let mut spread = Mat3::ZERO;
    for off in points.iter().map(|point| *point - middle) {
        spread += Mat3::from_cols(off * off.x, off * off.y, off * off.z);
    }
    let mut axis = Vec3::new(0.6, 0.7, 0.5);
    for _ in 0..40 {
        axis = (spread * axis).normalize_or(Vec3::Y);
    }
    let along = |point: &Vec3| (*point - middle).dot(axis);
    let low = points.iter().map(along).fold(f32::INFINITY, f32::min);
    let high = points.iter().map(along).fold(f32::NEG_INFINITY, f32::max);
    // As thick as the cluster is where it is thinnest: it may be a part of a plate.
    let (u, v) = axis.any_orthonormal_pair();
    let thickness = (0..12).map(|k| {
        let angle = k as f32 / 12.0 * std::f32::consts::PI;
        let way = u * angle.cos() + v * angle.sin();
        let across = points.iter().map(|point| (*point - middle).dot(way));
        let (least, most) =
            across.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), at| (a.min(at), b.max(at)));
        most - least
    });
    let thinnest = thickness.fold(f32::INFINITY, f32::min);
    let radius = (0.5 * thinnest).min(0.5 * (high - low)).max(THINNEST);
    let ends = [low + radius, (high - radius).max(low + radius)];
    RoundCone { ends: ends.map(|at| middle + axis * at), radii: [radius; 2] }
}

/// How far a point is outside the union of the cones (below 0: inside), metres, and the cone that is
/// nearest.
fn outside(cones: &[RoundCone], point: Vec3) -> (usize, f32) {
    let distances = cones.iter().map(|cone| cone_distance(cone, point)).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// How far one of the points is from its neighbours, metres.
fn spacing(mesh: &Mesh) -> f32 {
    (areas(mesh).iter().sum::<f32>() / POINTS as f32).sqrt()
}

fn error(cones: &[RoundCone], points: &[Vec3], spacing: f32) -> f32 {
    let nine_tenths = |mut off: Vec<f32>| {
        off.sort_by(f32::total_cmp);
        off.get(off.len() * 9 / 10).copied().unwrap_or(0.0)
    };
    let within = points.iter().map(|point| outside(cones, *point).1.abs()).collect();
    let beyond = cones.iter().enumerate().flat_map(|(index, cone)| {
        let hidden = move |point: &Vec3| {
            let others = cones.iter().enumerate().filter(|(other, _)| *other != index);
            others.map(|(_, other)| cone_distance(other, *point)).any(|distance| distance < 0.0)
        };
        let seen = surface_of(cone).into_iter().filter(move |point| !hidden(point));
        seen.map(|point| {
            let nearest = points.iter().map(|other| other.distance_squared(point));
            (nearest.fold(f32::INFINITY, f32::min).sqrt() - spacing).max(0.0)
        })
    });
    nine_tenths(within).max(nine_tenths(beyond.collect()))
}

/// Points on the surface of a cone.
fn surface_of(cone: &RoundCone) -> Vec<Vec3> {
    let [a, b] = cone.ends;
    let axis = (b - a).normalize_or(Vec3::Y);
    let (u, v) = axis.any_orthonormal_pair();
    let around = (0..10).map(|k| {
        let angle = k as f32 / 10.0 * std::f32::consts::TAU;
        u * angle.cos() + v * angle.sin()
    });
    let rings = around.flat_map(|way| {
        [0.0, 0.5, 1.0]
            .map(|t| a.lerp(b, t) + way * (cone.radii[0] + (cone.radii[1] - cone.radii[0]) * t))
    });
    rings.chain([a - axis * cone.radii[0], b + axis * cone.radii[1]]).collect()
}

/// The numbers of a cone: both ends, both radii.
type Numbers = SVector<f32, 8>;

fn numbers(cone: &RoundCone) -> Numbers {
    let [a, b] = cone.ends;
    Numbers::from([a.x, a.y, a.z, b.x, b.y, b.z, cone.radii[0], cone.radii[1]])
}

fn cone(numbers: &Numbers, thickest: f32) -> RoundCone {
    let at = |k: usize| Vec3::new(numbers[k], numbers[k + 1], numbers[k + 2]);
    let radii = [numbers[6], numbers[7]].map(|radius| radius.clamp(THINNEST, thickest));
    RoundCone { ends: [at(0), at(3)], radii }
}

fn refined(mut cones: Vec<RoundCone>, points: &[Vec3], size: f32) -> Vec<RoundCone> {
    let step = 1e-3 * size;
    let mut damping = vec![1e-2; cones.len()];
    let mut before = f32::INFINITY;
    for _ in 0..ROUNDS {
        let all: f32 = points.iter().map(|point| outside(&cones, *point).1.powi(2)).sum();
        if all > 0.999 * before {
            break;
        }
        before = all;
        let owners: Vec<usize> = points.iter().map(|point| outside(&cones, *point).0).collect();
        for index in 0..cones.len() {
            let own: Vec<Vec3> = (points.iter().zip(&owners))
                .filter_map(|(point, owner)| (*owner == index).then_some(*point))
                .collect();
            let at = numbers(&cones[index]);
            let (mut normal, mut pull) = (SMatrix::<f32, 8, 8>::zeros(), Numbers::zeros());
            let loss = |cone: &RoundCone| -> f32 {
                own.iter().map(|point| cone_distance(cone, *point).powi(2)).sum()
            };
            for point in &own {
                let off = cone_distance(&cones[index], *point);
                let slope = Numbers::from_fn(|k, _| {
                    let mut moved = at;
                    moved[k] += step;
                    (cone_distance(&cone(&moved, size), *point) - off) / step
                });
                normal += slope * slope.transpose();
                pull -= slope * off;
            }
            let mass = 1e-3 * own.len() as f32 + 1e-3;
            let damped = normal
                + SMatrix::<f32, 8, 8>::from_diagonal(
                    &(normal.diagonal() * damping[index]).add_scalar(mass * damping[index]),
                );
            let Some(solved) = damped.cholesky() else { continue };
            let moved = cone(&(at + solved.solve(&pull)), 0.5 * size);
            let finite = moved.ends.iter().all(|end| end.is_finite());
            if finite && loss(&moved) < loss(&cones[index]) {
                cones[index] = moved;
                damping[index] = (damping[index] * 0.3).max(1e-5);
            } else {
                damping[index] = (damping[index] * 4.0).min(1e3);
            }
        }
    }
    cones
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::{cuboid, cylinder};

    #[test]
    fn a_long_cylinder_is_one_cone_and_a_plate_takes_several() {
        let rod = fit(&cylinder(0.05, 1.0), 4);
        assert_eq!(rod.cones.len(), 1);
        assert!(rod.error < 0.01, "{}", rod.error);
        let [a, b] = rod.cones[0].ends;
        assert!(a.distance(b) > 0.85 && (rod.cones[0].radii[0] - 0.05).abs() < 5e-3);
        let plate = cuboid(Vec3::new(0.4, 0.05, 0.3));
        let [one, four] = [1, 4].map(|most| fit(&plate, most));
        assert!(four.cones.len() > 1 && four.error < 0.7 * one.error);
        assert!(four.error < 0.04, "{}", four.error);
    }

    #[test]
    fn a_fit_is_the_same_every_time_and_finite_for_a_speck() {
        let plate = cuboid(Vec3::new(0.4, 0.1, 0.3));
        assert_eq!(fit(&plate, 3), fit(&plate, 3));
        let speck = fit(&cuboid(Vec3::splat(1e-6)), 3);
        assert!(speck.cones.iter().all(|cone| cone.ends[0].is_finite() && cone.radii[0] > 0.0));
    }
}
