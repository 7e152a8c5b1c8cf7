//! What is out of focus.

use super::studio::*;
use glam::{Quat, Vec3};
use marionette::stream::{Degradation, Prop, PropShape, SceneSample, Tile};
use std::f32::consts::FRAC_PI_2;

/// A black ball, 4 m away, before a white wall at 7 m, through a lens that is focused on what is
/// `focus` metres away.
fn focused_on(studio: &mut Studio, focus: f32) -> Tile {
    let mut figure = figure_of(&studio.figure, vec![sphere(Vec3::Y, 0.5)]);
    figure.part_colors = vec![Vec3::ZERO];
    let eye = Vec3::new(0.0, 1.0, 4.0);
    let mut scene = scene_of(camera(64, 30.0, eye, Vec3::Y), vec![figure], vec![]);
    scene.backdrop.colors = [Vec3::ONE; 3];
    scene.backdrop.ground = Vec3::ONE;
    scene.degradation.aperture = 3.0;
    scene.degradation.focus = focus;
    studio.shoot_one(scene)
}

#[test]
fn a_sharp_figure_keeps_its_outline_before_a_blurred_wall_and_loses_it_where_the_wall_is_sharp() {
    let mut studio = Studio::new(1, [64, 64]);
    let off = |tile: &Tile| {
        let is_off = |i: &usize| {
            let ball = tile.ids[*i].is_figure(0);
            if ball { tile.color[i * 4] > 40 } else { tile.color[i * 4] < 250 }
        };
        (0..tile.ids.len()).filter(is_off).count()
    };
    let (on_ball, on_wall) = (focused_on(&mut studio, 3.8), focused_on(&mut studio, 7.0));
    assert_eq!(off(&on_ball), 0);
    // The ring of its outline is some 100 pixels long.
    assert!(off(&on_wall) > 150, "{}", off(&on_wall));
}

#[test]
fn a_blurred_edge_is_as_wide_as_the_blur_and_stays_where_it_was() {
    const SIDE: usize = 96;
    // At all pixels, at one in 2, 3 and 4 along either side, and in no direction more than in
    // another.
    let blurs = [1.5, 2.3, 3.7, 5.5];
    let mut studio = Studio::new(2 * blurs.len(), [SIDE as u32; 2]);
    let scene = |blur: f32, turn: f32| {
        let eye = Vec3::new(0.0, 20.0, 4.0);
        let middle = Vec3::new(0.0, 20.0, 0.0);
        let wide = Prop {
            rotation: Quat::from_rotation_z(turn),
            color: Vec3::ZERO,
            ..cuboid(middle, Vec3::ZERO, Quat::IDENTITY)
        };
        // Its edge lies half a metre off the middle, along x or along y.
        let at = middle + wide.rotation * Vec3::X * 5.5;
        let edge = Prop {
            position: at,
            shape: PropShape::Cuboid { half_extents: Vec3::new(5.0, 20.0, 0.01) },
            ..wide
        };
        let nobody = figure_of(&studio.figure, vec![]);
        let mut scene = scene_of(camera(SIDE as u32, 40.0, eye, middle), vec![nobody], vec![edge]);
        scene.backdrop.colors = [Vec3::ONE; 3];
        scene.degradation.blur = blur;
        scene
    };
    let scenes: Vec<_> =
        blurs.into_iter().flat_map(|blur| [scene(blur, 0.0), scene(blur, FRAC_PI_2)]).collect();
    let tiles = studio.shoot(&scenes);
    for (tile, scene) in tiles.iter().zip(&scenes) {
        let upright = scene.props[0].rotation == Quat::IDENTITY;
        let light = |i: usize| {
            let (x, y) = if upright { (i, SIDE / 2) } else { (SIDE / 2, SIDE - 1 - i) };
            linear(tile.color[(y * SIDE + x) * 4])
        };
        let rise: Vec<f32> = (1..SIDE).map(|i| light(i) - light(i - 1)).collect();
        let whole: f32 = rise.iter().sum();
        // A step lies between two pixels.
        let mean = rise.iter().zip(1..).map(|(rise, i)| rise * i as f32).sum::<f32>() / whole;
        let squares = rise.iter().zip(1..).map(|(rise, i)| rise * (i as f32 - mean).powi(2));
        let deviation = (squares.sum::<f32>() / whole).sqrt();
        let blur = scene.degradation.blur;
        // Tails beyond two deviations are cut off, which takes an eighth at most.
        assert!(
            (0.84..1.04).contains(&(deviation / blur)),
            "{deviation} pixels, not {blur}: {rise:?}"
        );
        let corner = scene.props[0].position - scene.props[0].rotation * Vec3::X * 5.0;
        let seen = scene.camera.project(corner).pixel;
        let expected = if upright { seen.x } else { SIDE as f32 - seen.y };
        // Before the blur it is as sharp as pixels are.
        assert!((mean - expected).abs() < 0.6, "at {mean}, not at {expected}, blurred by {blur}");
    }
}

/// What a Gaussian makes of a tile's light, channel by channel, its last pixels going on beyond its
/// sides.
fn blurred(tile: &Tile, deviation: f32) -> Vec<f32> {
    let reach = (2.5 * deviation).ceil() as i32;
    let weights: Vec<f32> =
        (-reach..=reach).map(|d| (-0.5 * (d as f32 / deviation).powi(2)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let light: Vec<f32> = tile.color.iter().map(|value| linear(*value)).collect();
    let along = |light: &[f32], [x_step, y_step]: [i32; 2]| {
        let (width, height) = (tile.width as i32, tile.height as i32);
        let value = |i: i32| {
            let (x, y, channel) = (i / 4 % width, i / 4 / width, i % 4);
            let at = |d: i32| {
                let (x, y) =
                    ((x + d * x_step).clamp(0, width - 1), (y + d * y_step).clamp(0, height - 1));
                light[(4 * (y * width + x) + channel) as usize]
            };
            (-reach..=reach).zip(&weights).map(|(d, weight)| weight * at(d)).sum::<f32>() / total
        };
        (0..4 * width * height).map(value).collect::<Vec<f32>>()
    };
    along(&along(&light, [1, 0]), [0, 1])
}

#[test]
fn light_drawn_for_some_pixels_and_blurred_is_what_the_sharp_picture_blurred_is() {
    // No number of squares of any of these sides.
    let scene = quickstart(107, 91);
    let degraded = |sample: &SceneSample, blur| SceneSample {
        degradation: Degradation { blur, ..no_degradation() },
        ..sample.clone()
    };
    let mut studio = Studio::with(&scene.pictures, 4, [107, 91]);
    for sample in random_samples(&scene, 7, 4) {
        let blurs = [2.1, 4.2, 8.0];
        let samples: Vec<_> =
            [0.0].iter().chain(&blurs).map(|blur| degraded(&sample, *blur)).collect();
        let tiles = studio.shoot(&samples);
        for (tile, blur) in tiles[1..].iter().zip(blurs) {
            let expected = blurred(&tiles[0], blur);
            let apart = tile
                .color
                .iter()
                .zip(&expected)
                .map(|(found, expected)| (linear(*found) - expected).abs());
            let mean = apart.sum::<f32>() / expected.len() as f32;
            assert!(mean < 0.01, "{mean} apart, blurred by {blur}");
            assert_eq!(
                (&tile.ids, &tile.depth),
                (&tiles[0].ids, &tiles[0].depth),
                "what is seen has nothing to do with it"
            );
        }
    }
}
