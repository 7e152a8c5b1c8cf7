//! The figure's amodal silhouette: the pixels that would show it if nothing covered it and the
//! image had no border. It is cast ray by ray on the CPU, with the same exact intersection as in
//! `assets/shaders/seen.wgsl`.

use crate::triangles::{Placed, is_met};
use glam::{Vec2, Vec3};
use marionette_figure::RoundCone;
use marionette_stream::{Camera, FigureSample, image_box};
use std::ops::Range;

/// Pixels of a silhouette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SilhouetteArea {
    /// Inside the border of the image.
    pub inside: u32,
    /// Inside the image or within one image size of it on any side.
    pub all: u32,
}

/// What a figure's silhouette is made of.
pub struct Solid {
    /// Its parts that are drawn as round cones, in the world.
    cones: Vec<RoundCone>,
    /// Its triangles: the corners in the camera's axes, and low and high corner of a rectangle of the
    /// image around them.
    triangles: Vec<([Vec3; 3], [Vec2; 2])>,
}

impl Solid {
    /// What `camera` sees of `figure`.
    pub fn of(camera: &Camera, figure: &FigureSample) -> Self {
        let placed = Placed::new(camera, figure);
        let around = |triangle| placed.around(triangle);
        let seen = figure.surface.triangles.iter().filter_map(around);
        Solid {
            cones: figure.drawn_cones().map(|(_, cone)| *cone).collect(),
            triangles: seen.map(|(corners, low, high)| (corners, [low, high])).collect(),
        }
    }

    /// The image box around all of it, also where it is outside the image: [low, high] corners in
    /// pixels.
    pub fn image_box(&self, camera: &Camera) -> [Vec2; 2] {
        let [low, high] = image_box(camera, &self.cones);
        let boxes = self.triangles.iter().map(|(_, sides)| *sides);
        boxes.fold([low, high], |[low, high], [left, right]| [low.min(left), high.max(right)])
    }
}

/// Counts the pixels of a figure's silhouette. `border` is the part of the image that is not black:
/// left, top, right, bottom.
pub fn silhouette_area(camera: &Camera, border: [u32; 4], solid: &Solid) -> SilhouetteArea {
    let size = [camera.width, camera.height].map(|side| side as i32);
    // A margin of one image size on every side. A figure that reaches further is cut off there.
    let clamp = |v: f32, axis: usize| (v as i32).clamp(-size[axis], 2 * size[axis]);
    let pixels = |[low, high]: [Vec2; 2]| {
        [
            clamp(low.x.floor(), 0),
            clamp(low.y.floor(), 1),
            clamp(high.x.ceil(), 0),
            clamp(high.y.ceil(), 1),
        ]
    };
    let box_of = |cone| pixels(image_box(camera, std::slice::from_ref(cone)));
    let boxes: Vec<[i32; 4]> = solid.cones.iter().map(box_of).collect();
    let of_triangles: Vec<[i32; 4]> =
        solid.triangles.iter().map(|(_, sides)| pixels(*sides)).collect();
    let edge = |edge: usize, beyond: fn(i32, i32) -> i32| {
        let all = boxes.iter().chain(&of_triangles);
        all.map(|sides| sides[edge]).reduce(beyond).unwrap_or(0)
    };
    let [left, top, right, bottom] =
        [edge(0, i32::min), edge(1, i32::min), edge(2, i32::max), edge(3, i32::max)];
    let columns = (right - left) as usize;
    let mut covered = vec![0u8; columns * (bottom - top) as usize];
    for ((corners, _), [low_x, low_y, high_x, high_y]) in solid.triangles.iter().zip(&of_triangles)
    {
        for y in *low_y..*high_y {
            let row = &mut covered[(y - top) as usize * columns..][..columns];
            for x in *low_x..*high_x {
                let covered = &mut row[(x - left) as usize];
                let middle = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
                if *covered == 0 && is_met(corners, camera.straight(middle)) {
                    *covered = 1;
                }
            }
        }
    }
    for (part, sides) in solid.cones.iter().zip(boxes.iter().copied()) {
        let outline = Outline::of(camera, part);
        let mut guess = None;
        for y in sides[1]..sides[3] {
            let is_hit =
                |x: i32| outline.is_met(camera.straight(Vec2::new(x as f32 + 0.5, y as f32 + 0.5)));
            guess = run(sides[0]..sides[2], guess, is_hit);
            if let Some((first, last)) = guess {
                let row = (y - top) as usize * columns;
                covered[row + (first - left) as usize..=row + (last - left) as usize].fill(1);
            }
        }
    }
    let count = |covered: &[u8]| covered.iter().map(|covered| u32::from(*covered)).sum::<u32>();
    let [from, up_to] = [border[0], border[2]].map(|edge| (edge as i32).clamp(left, right) - left);
    let rows = (top..bottom).zip(covered.chunks_exact(columns.max(1)));
    let inside = rows.filter(|(y, _)| (border[1] as i32..border[3] as i32).contains(y));
    SilhouetteArea {
        inside: inside.map(|(_, row)| count(&row[from as usize..up_to as usize])).sum(),
        all: count(&covered),
    }
}

/// A round cone in camera coordinates, with the numbers that decide whether a ray from the camera
/// meets it.
struct Outline {
    /// The two ends: the centre, and the square of its distance minus the square of the radius.
    balls: [(Vec3, f32); 2],
    axis: Vec3,
    /// The square of the axis' length minus the square of the taper.
    length: f32,
    /// Where along the axis, in those units, the ray starts.
    start: f32,
}

impl Outline {
    fn of(camera: &Camera, cone: &RoundCone) -> Self {
        let [a, b] = cone.ends.map(|end| camera.camera_from_world.transform_point3(end));
        let [radius_a, radius_b] = cone.radii;
        let (axis, taper) = (b - a, radius_a - radius_b);
        Outline {
            balls: [(a, radius_a), (b, radius_b)]
                .map(|(end, radius)| (end, end.length_squared() - radius * radius)),
            axis,
            length: axis.length_squared() - taper * taper,
            start: -axis.dot(a) - radius_a * taper,
        }
    }

    /// Whether the ray at `straight` (see [`Camera::straight`]) meets it from outside. It computes
    /// like [`RoundCone::ray`], with a ray of another length and without the distance.
    fn is_met(&self, straight: Vec2) -> bool {
        let ray = straight.extend(1.0);
        let square = ray.length_squared();
        let meets_ball = |(centre, outside): (Vec3, f32)| {
            let along = centre.dot(ray);
            along > 0.0 && outside > 0.0 && along * along > square * outside
        };
        self.balls.into_iter().any(meets_ball) || self.meets_side(ray, square)
    }

    fn meets_side(&self, ray: Vec3, square: f32) -> bool {
        let Outline { balls: [(a, outside), _], axis, length, start } = *self;
        let speed = axis.dot(ray);
        let quadratic = length * square - speed * speed;
        let half_linear = -length * a.dot(ray) - speed * start;
        let discriminant =
            half_linear * half_linear - quadratic * (length * outside - start * start);
        if length <= 0.0 || discriminant < 0.0 || quadratic == 0.0 {
            return false;
        }
        let t = (-half_linear - discriminant.sqrt()) / quadratic;
        let s = (start + t * speed) / length;
        s > 0.0 && s < 1.0 && t > 0.0
    }
}

/// The first and the last pixel of a row that are hit. A round cone is convex, so all pixels
/// between them are hit too. The search starts at the ends of the row before (`guess`) and goes
/// outwards; it goes along the whole row if the row before has none.
fn run(
    within: Range<i32>,
    guess: Option<(i32, i32)>,
    is_hit: impl Fn(i32) -> bool,
) -> Option<(i32, i32)> {
    let (first, last) = guess.unwrap_or((within.start, within.start));
    let outwards = (0..within.len() as i32).flat_map(|by| [first - by, first + by]);
    let hit = outwards.filter(|x| within.contains(x)).find(|x| is_hit(*x))?;
    let mut low = hit;
    while low > within.start && is_hit(low - 1) {
        low -= 1;
    }
    let mut high = last.max(hit);
    if high == hit || is_hit(high) {
        while high + 1 < within.end && is_hit(high + 1) {
            high += 1;
        }
    } else {
        while !is_hit(high) {
            high -= 1;
        }
    }
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(cone: RoundCone) -> Solid {
        Solid { cones: vec![cone], triangles: Vec::new() }
    }

    #[test]
    fn a_run_is_found_from_any_guess() {
        for (first, last) in [(3, 3), (2, 6), (0, 9), (7, 9)] {
            for guess in (0..10).flat_map(|a| (a..10).map(move |b| Some((a, b)))).chain([None]) {
                let found = run(0..10, guess, |x| (first..=last).contains(&x));
                assert_eq!(found, Some((first, last)), "from {guess:?}");
            }
        }
        assert_eq!(run(0..10, Some((4, 5)), |_| false), None);
    }

    #[test]
    fn a_ball_covers_the_disc_that_geometry_says() {
        let camera =
            Camera::look_at([64, 64], 90f32.to_radians(), Vec3::new(0.0, 1.0, 4.0), Vec3::Y, 0.0);
        let ball = RoundCone { ends: [Vec3::Y; 2], radii: [1.0; 2] };
        // The tangent cone has half angle asin(1/4): a disc of radius 32 tan(asin(1/4)) pixels.
        let radius = 32.0 * (0.25f32.asin()).tan();
        let expected = std::f32::consts::PI * radius * radius;
        let area = silhouette_area(&camera, [0, 0, 64, 64], &alone(ball));
        assert!(
            (area.inside as f32 - expected).abs() < 0.05 * expected,
            "{area:?}, not {expected}"
        );
        assert_eq!(area.inside, area.all);
    }

    #[test]
    fn a_ball_on_the_border_is_cut_where_geometry_says() {
        // The centre of the ball, 45 degrees off the axis, projects to the right border.
        let eye = Vec3::new(-4.0, 1.0, 4.0);
        let camera =
            Camera::look_at([64, 64], 90f32.to_radians(), eye, Vec3::new(-4.0, 1.0, 0.0), 0.0);
        let ball = RoundCone { ends: [Vec3::Y; 2], radii: [1.0; 2] };
        // Its outline is an ellipse from tan(45 - h) to tan(45 + h), h = asin(1 / 4 sqrt 2): the
        // middle lies outside the border at 1, by u = 0.18 of the half axis, which leaves 1/2 -
        // (asin u + u sqrt(1 - u^2)) / pi of it inside.
        let half = (1.0 / 32f32.sqrt()).asin();
        let [low, high] = [-half, half].map(|h| (45f32.to_radians() + h).tan());
        let u = ((low + high) / 2.0 - 1.0) / ((high - low) / 2.0);
        let expected = 0.5 - (u.asin() + u * (1.0 - u * u).sqrt()) / std::f32::consts::PI;
        let area = silhouette_area(&camera, [0, 0, 64, 64], &alone(ball));
        let share = area.inside as f32 / area.all as f32;
        assert!(
            (share - expected).abs() < 0.02,
            "{share} of it is inside, not {expected}: {area:?}"
        );
    }

    #[test]
    fn an_outline_is_met_where_rays_meet_the_cone() {
        let mut camera = Camera::look_at([64, 64], 1.0, Vec3::new(0.4, 1.2, 3.0), Vec3::Y, 0.3);
        camera.distortion = camera.distortion_of(0.1);
        let cones = [
            RoundCone {
                ends: [Vec3::new(-0.3, 0.6, 0.1), Vec3::new(0.4, 1.4, -0.5)],
                radii: [0.3, 0.1],
            },
            RoundCone {
                ends: [Vec3::new(0.1, 0.9, 0.8), Vec3::new(0.1, 1.0, -0.9)],
                radii: [0.1, 0.15],
            },
            RoundCone { ends: [Vec3::Y, Vec3::new(0.0, 1.1, 0.0)], radii: [0.4, 0.1] },
            RoundCone { ends: [camera.eye(), camera.eye()], radii: [0.1, 0.1] },
        ];
        let pixels =
            || (0..64 * 64).map(|i| Vec2::new((i % 64) as f32 + 0.5, (i / 64) as f32 + 0.5));
        for (i, cone) in cones.into_iter().enumerate() {
            let outline = Outline::of(&camera, &cone);
            let met = pixels().filter(|pixel| outline.is_met(camera.straight(*pixel))).count();
            let differ = |pixel: &Vec2| {
                outline.is_met(camera.straight(*pixel))
                    != cone.ray(camera.eye(), camera.ray_through(*pixel)).is_some()
            };
            assert!(if i < 3 { met > 40 } else { met == 0 }, "cone {i}: {met}");
            assert!(
                pixels().filter(differ).count() <= 1,
                "cone {i}: only rounding may decide otherwise"
            );
        }
    }
}
