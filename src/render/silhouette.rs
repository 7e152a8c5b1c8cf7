//! The figure's amodal silhouette, cast ray by ray on the CPU: what would be seen of it if nothing covered it and the image
//! had no border. It is the twin of the exact intersection in `assets/shaders/seen.wgsl`.

use crate::{figure::RoundCone, scene::Camera};
use glam::Vec2;
use std::ops::Range;

/// Pixels of a silhouette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SilhouetteArea {
    /// Inside the part of the image that shows anything.
    pub inside: u32,
    /// Inside the image or within one image size of it on any side.
    pub all: u32,
}

/// Counts the pixels of the silhouette of `parts`; `border` is the part of the image that shows anything: left, top, right, bottom.
pub fn silhouette_area(camera: &Camera, border: [u32; 4], parts: &[RoundCone]) -> SilhouetteArea {
    let (width, height) = (camera.width as i32, camera.height as i32);
    // A margin of one image size on every side; a figure that reaches further is as good as infinitely large.
    let (columns, rows) = (3 * width, 3 * height);
    let mut covered = vec![false; (columns * rows) as usize];
    let eye = camera.eye();
    let ray_through = camera.rays();
    for part in parts {
        let [low, high] = crate::scene::image_box(camera, std::slice::from_ref(part));
        let clamp = |v: f32, most: i32| (v as i32).clamp(-most, 2 * most);
        let (left, right) = (clamp(low.x.floor(), width), clamp(high.x.ceil(), width));
        let mut guess = None;
        for y in clamp(low.y.floor(), height)..clamp(high.y.ceil(), height) {
            let is_hit = |x: i32| part.ray(eye, ray_through(Vec2::new(x as f32 + 0.5, y as f32 + 0.5))).is_some();
            guess = run(left..right, guess, is_hit);
            if let Some((first, last)) = guess {
                let row = (y + height) * columns + width;
                covered[(row + first) as usize..=(row + last) as usize].fill(true);
            }
        }
    }
    let mut area = SilhouetteArea::default();
    let [left, top, right, bottom] = border.map(|edge| edge as i32);
    for (i, _) in covered.iter().enumerate().filter(|(_, covered)| **covered) {
        let (x, y) = (i as i32 % columns - width, i as i32 / columns - height);
        area.all += 1;
        area.inside += u32::from((left..right).contains(&x) && (top..bottom).contains(&y));
    }
    area
}

/// The first and the last pixel of a row that are hit, which hang together, as a round cone is convex: looked for from the ends of the row before
/// it outwards, or all along where that has none.
fn run(within: Range<i32>, guess: Option<(i32, i32)>, is_hit: impl Fn(i32) -> bool) -> Option<(i32, i32)> {
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
    use glam::Vec3;

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
        let camera = Camera::look_at([64, 64], 90f32.to_radians(), Vec3::new(0.0, 1.0, 4.0), Vec3::Y, 0.0);
        let ball = RoundCone { ends: [Vec3::Y; 2], radii: [1.0; 2] };
        // The tangent cone has half angle asin(1/4): a disc of radius 32 tan(asin(1/4)) pixels.
        let radius = 32.0 * (0.25f32.asin()).tan();
        let expected = std::f32::consts::PI * radius * radius;
        let area = silhouette_area(&camera, [0, 0, 64, 64], &[ball]);
        assert!((area.inside as f32 - expected).abs() < 0.05 * expected, "{area:?}, not {expected}");
        assert_eq!(area.inside, area.all);
    }

    #[test]
    fn a_ball_on_the_border_is_cut_where_geometry_says() {
        // The centre of the ball, 45 degrees off the axis, projects to the right border.
        let eye = Vec3::new(-4.0, 1.0, 4.0);
        let camera = Camera::look_at([64, 64], 90f32.to_radians(), eye, Vec3::new(-4.0, 1.0, 0.0), 0.0);
        let ball = RoundCone { ends: [Vec3::Y; 2], radii: [1.0; 2] };
        // Its outline is an ellipse from tan(45 - h) to tan(45 + h), h = asin(1 / 4 sqrt 2): the middle lies outside the border
        // at 1, by u = 0.18 of the half axis, which leaves 1/2 - (asin u + u sqrt(1 - u^2)) / pi of it inside.
        let half = (1.0 / 32f32.sqrt()).asin();
        let [low, high] = [-half, half].map(|h| (45f32.to_radians() + h).tan());
        let u = ((low + high) / 2.0 - 1.0) / ((high - low) / 2.0);
        let expected = 0.5 - (u.asin() + u * (1.0 - u * u).sqrt()) / std::f32::consts::PI;
        let area = silhouette_area(&camera, [0, 0, 64, 64], &[ball]);
        let share = area.inside as f32 / area.all as f32;
        assert!((share - expected).abs() < 0.02, "{share} of it is inside, not {expected}: {area:?}");
    }
}
