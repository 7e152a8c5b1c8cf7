//! Lamps, wide light, the camera's tone, and a lens that distorts.

use super::{reference, studio::*};
use glam::{Quat, Vec2, Vec3};
use marionette::stream::{Camera, Lamp, SceneSample, Tile};

/// White ground, 2 m by 2 m and more, seen from straight above, in the dark but for a lamp 2 m
/// above the origin.
fn under_a_lamp(studio: &Studio, cutoff: f32) -> SceneSample {
    let nobody = figure_of(&studio.figure, vec![]);
    // Straight down there is no horizontal; a little off it there is.
    let mut scene =
        scene_of(camera(96, 40.0, Vec3::new(0.0, 5.0, 0.3), Vec3::ZERO), vec![nobody], vec![]);
    scene.backdrop.ground = Vec3::splat(0.8);
    scene.backdrop.distance = 50.0;
    scene.light.sky_color = Vec3::ZERO;
    scene.light.bounce_color = Vec3::ZERO;
    scene.light.sun_color = Vec3::splat(0.5);
    scene.light.lamp = Some(Lamp { position: Vec3::Y * 2.0, aim: Vec3::NEG_Y, cutoff, reach: 2.0 });
    scene
}

fn at(tile: &Tile, point: Vec3) -> f32 {
    linear(tile.color[index_at(tile, tile.scene.camera.project(point).pixel) * 4])
}

#[test]
fn a_lamps_light_falls_with_the_square_of_the_distance_and_the_cosine() {
    let mut studio = Studio::new(1, [96, 96]);
    let tile = studio.shoot_one(under_a_lamp(&studio, -1.0));
    for x in [0.0, 0.5, 1.0, 1.4] {
        let squared = 4.0 + x * x;
        let expected = 0.8 * 0.5 * (4.0 / squared) * (2.0 / f32::sqrt(squared));
        let found = at(&tile, Vec3::X * x);
        assert!((found - expected).abs() < 0.03 * expected, "{found} at {x} m, not {expected}");
    }
}

#[test]
fn a_spot_lights_what_is_in_its_cone_and_things_in_it_cast_shadows_away_from_it() {
    let mut studio = Studio::new(1, [96, 96]);
    let mut scene = under_a_lamp(&studio, 30f32.to_radians().cos());
    // Its shadow lies on the line from the lamp through the ball: twice as far out as the ball at
    // half the height.
    scene.props.push(ball(Vec3::new(0.25, 1.0, 0.0), 0.1));
    let tile = studio.shoot_one(scene);
    assert!(at(&tile, Vec3::X * -0.4) > 0.3);
    assert!(at(&tile, Vec3::X * 0.5) < 0.01, "{} in the shadow", at(&tile, Vec3::X * 0.5));
    // The cone's edge is 2 tan(30 degrees) = 1.15 m out.
    assert!(at(&tile, Vec3::X * -1.25) < 0.01);
}

#[test]
fn wide_light_has_wide_penumbras_and_as_much_shadow_in_all() {
    let mut studio = Studio::new(2, [96, 96]);
    let scene = |softness: f32| {
        let mut scene = under_a_lamp(&studio, -1.0);
        scene.light.lamp = None;
        scene.light.sun_direction = Vec3::Y;
        scene.light.softness = softness;
        scene.props.push(ball(Vec3::new(0.0, 1.0, 0.0), 0.3));
        // From the side, so that the ball does not hide its shadow.
        scene.camera = camera(96, 40.0, Vec3::new(0.0, 2.5, 4.0), Vec3::ZERO);
        scene
    };
    let tiles = studio.shoot(&[scene(0.0), scene(0.25)]);
    // How much light is missing along a line through the shadow, and how many of its places have
    // neither all nor none.
    let line: Vec<Vec3> = (-60..=60)
        .flat_map(|x| (-2..=2).map(move |z| Vec3::new(x as f32, 0.0, z as f32) * 0.015))
        .collect();
    let [hard, soft] = [0, 1]
        .map(|tile| line.iter().map(|p| 1.0 - at(&tiles[tile], *p) / 0.4).collect::<Vec<f32>>());
    let beyond = |values: &[f32]| {
        line.iter().zip(values).filter(|(p, dark)| p.x.abs() > 0.33 && **dark > 0.2).count()
    };
    assert_eq!(beyond(&hard), 0);
    assert!(beyond(&soft) > 5, "{} places in the penumbra", beyond(&soft));
    let [hard, soft] = [hard, soft].map(|values| values.iter().sum::<f32>() / line.len() as f32);
    // The hard shadow covers 0.6 of 1.8 m; light that comes from a disc moves its edge as far in as
    // out.
    assert!(
        (hard - 0.333).abs() < 0.03 && (soft - hard).abs() < 0.06,
        "{hard} is dark under a point, {soft} under a disc"
    );
}

#[test]
fn light_that_casts_no_shadows_shines_as_if_nothing_stood_in_its_way() {
    let mut studio = Studio::new(3, [96, 96]);
    let scene = |props, shadows| {
        let mut scene = under_a_lamp(&studio, -1.0);
        scene.light.shadows = shadows;
        scene.props = props;
        scene
    };
    // Below the ball another one, on which its shadow would lie.
    let balls = vec![ball(Vec3::new(0.25, 1.0, 0.0), 0.1), ball(Vec3::new(0.4, 0.4, 0.0), 0.05)];
    let [without, shadowless, shadowed] = <[Tile; 3]>::try_from(studio.shoot(&[
        scene(vec![], true),
        scene(balls.clone(), false),
        scene(balls, true),
    ]))
    .unwrap();
    let in_shadow = Vec3::X * 0.5;
    assert_eq!(at(&shadowless, in_shadow), at(&without, in_shadow));
    assert!(at(&shadowed, in_shadow) < 0.01 && at(&shadowless, in_shadow) > 0.3);
    let top = Vec3::new(0.4, 0.45, 0.0);
    assert!(
        at(&shadowed, top) < 0.01 && at(&shadowless, top) > 0.1,
        "{} on the ball below",
        at(&shadowless, top)
    );
}

#[test]
fn contrast_turns_about_middle_grey_and_saturation_about_brightness() {
    let mut studio = Studio::new(3, [32, 32]);
    let wall = |color: Vec3, contrast: f32, saturation: f32| {
        let mut scene = scene_of(
            camera(32, 20.0, Vec3::new(0.0, 1.0, 4.0), Vec3::Y),
            vec![figure_of(&studio.figure, vec![])],
            vec![],
        );
        scene.backdrop.colors = [color; 3];
        (scene.degradation.contrast, scene.degradation.saturation) = (contrast, saturation);
        scene
    };
    let color = Vec3::new(0.36, 0.18, 0.09);
    let tiles =
        studio.shoot(&[wall(color, 1.0, 1.0), wall(color, 2.0, 1.0), wall(color, 1.0, 0.0)]);
    let middle = |tile: &Tile| {
        let i = index_at(tile, Vec2::splat(16.5)) * 4;
        Vec3::new(linear(tile.color[i]), linear(tile.color[i + 1]), linear(tile.color[i + 2]))
    };
    assert!(middle(&tiles[0]).distance(color) < 0.01, "{}", middle(&tiles[0]));
    // Twice the ratio to 0.18.
    assert!(
        middle(&tiles[1]).distance(Vec3::new(0.72, 0.18, 0.045)) < 0.01,
        "{}",
        middle(&tiles[1])
    );
    let grey = color.dot(Vec3::new(0.2126, 0.7152, 0.0722));
    assert!(middle(&tiles[2]).distance(Vec3::splat(grey)) < 0.01, "{}", middle(&tiles[2]));
}

#[test]
fn a_distorted_picture_shows_the_same_ids_as_rays_through_the_distorted_lens() {
    let mut studio = Studio::new(2, [128, 128]);
    for share in [-0.1, 0.3] {
        let turned = Quat::from_rotation_y(0.4) * Quat::from_rotation_z(0.7);
        let mut camera = Camera::look_at([128, 128], 1.4, Vec3::new(0.3, 1.2, 2.2), Vec3::Y, 0.3);
        camera.distortion = camera.distortion_of(share);
        let figure = standing(&studio.figure);
        let long = cuboid(Vec3::new(0.0, 1.6, -0.8), Vec3::new(1.6, 0.05, 0.1), turned);
        let near = cuboid(Vec3::new(-0.6, 0.3, 0.9), Vec3::new(0.3, 0.3, 0.3), turned);
        let tile = studio.shoot_one(scene_of(
            camera,
            vec![figure],
            vec![long, near, ball(Vec3::new(1.0, 0.4, 0.2), 0.4)],
        ));
        let (differ, depth) = reference::compare(&tile);
        assert!(differ <= 12 && depth < 5e-3, "{share}: {differ} ids differ, depth by {depth}");
    }
}
