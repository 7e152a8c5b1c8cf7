//! Pixels against geometry worked out by hand: projection, depth, shadows.

use super::{
    reference,
    studio::{
        Studio, ball, camera, cuboid, figure_of, index_at, linear, pixel_centre, random_tiles,
        scene_of, sphere,
    },
};
use glam::{Mat3, Quat, Vec2, Vec3};
use marionette::figure::RoundCone;
use marionette::stream::{Camera, Light, PixelId, Prop, PropShape, Shown, Tile};

/// The world point at `depth` on the ray through `pixel`, from the camera's numbers alone.
fn unproject(camera: &Camera, pixel: Vec2, depth: f32) -> Vec3 {
    let in_camera = ((pixel - camera.centre) / camera.focal).extend(1.0) * depth;
    camera.camera_from_world.inverse().transform_point3(in_camera)
}

fn pixels_of(tile: &Tile, id: PixelId) -> Vec<usize> {
    (0..tile.ids.len()).filter(|i| tile.ids[*i] == id).collect()
}

#[test]
fn a_ray_caster_sees_the_same_ids_and_depths() {
    let mut differ = 0;
    let mut pixels = 0;
    for tile in random_tiles().iter().step_by(4) {
        let (ids, depth) = reference::compare(tile);
        let sample = tile.scene.index;
        // Rounding decides pixels whose centre lies on an edge; there are few of those.
        assert!(ids <= 12, "sample {sample}: {ids} of 4096 ids differ");
        // A surface seen edge-on takes a rounding error of a ray's direction a long way along the
        // ray.
        assert!(depth < 5e-3, "sample {sample}: depth is off by a share of {depth}");
        differ += ids;
        pixels += tile.ids.len();
    }
    println!("{differ} of {pixels} ids differ");
    assert!((differ as f32) < 5e-4 * pixels as f32, "{differ} of {pixels} ids differ");
}

#[test]
fn nothing_is_drawn_that_wall_or_ground_would_hide() {
    for tile in random_tiles() {
        let hidden = (0..tile.ids.len())
            .filter(|i| tile.ids[*i] != PixelId::BACKDROP)
            .filter(|i| {
                tile.depth[*i]
                    > 1.002 * reference::backdrop_depth(&tile.scene, pixel_centre(tile, *i)) + 0.02
            })
            .count();
        assert!(
            hidden <= 2,
            "sample {}: {hidden} pixels show what is behind the wall or underground",
            tile.scene.index
        );
    }
}

#[test]
fn a_round_cone_whose_one_end_swallows_the_other_is_drawn_whole() {
    let mut studio = Studio::new(2, [128, 128]);
    for radii in [[0.5, 0.1], [0.1, 0.5]] {
        let egg = RoundCone { ends: [Vec3::Y, Vec3::new(0.2, 1.05, 0.05)], radii };
        let figure = figure_of(&studio.figure, vec![egg]);
        let tile = studio.shoot_one(scene_of(
            camera(128, 40.0, Vec3::new(-0.5, 1.2, 4.0), Vec3::Y),
            vec![figure],
            vec![],
        ));
        let (differ, depth) = reference::compare(&tile);
        assert!(differ <= 4 && depth < 5e-3, "{radii:?}: {differ} ids differ, depth by {depth}");
    }
}

#[test]
fn a_tiny_sphere_lights_exactly_the_pixel_it_projects_into() {
    let mut studio = Studio::new(16, [64, 48]);
    let camera =
        Camera::look_at([64, 48], 0.9, Vec3::new(1.5, 1.4, 3.0), Vec3::new(0.1, 1.0, 0.0), 0.3);
    let positions: Vec<Vec2> = (0..16)
        .map(|i| {
            // All over the image, first and last rows and columns included; up to 0.3 pixels from a
            // pixel's centre.
            let [column, row] =
                [[0, 63, 0, 63, 31, 32, 7, 50][i % 8], [0, 0, 47, 47, 23, 24, 40, 11][(i * 3) % 8]];
            let off = Vec2::from_angle(i as f32) * 0.3;
            Vec2::new(column as f32 + 0.5, row as f32 + 0.5) + off
        })
        .collect();
    let scenes: Vec<_> = positions
        .iter()
        .map(|position| {
            let depth = 3.0;
            // Reaches every ray within 0.45 pixels: the pixel's own and no other.
            let radius = 0.45 * depth / camera.focal.x;
            let nobody = figure_of(&studio.figure, vec![]);
            let mut scene = scene_of(
                camera,
                vec![nobody],
                vec![ball(unproject(&camera, *position, depth), radius)],
            );
            // Nothing of the room in the way.
            scene.backdrop.open = true;
            scene.props[0].color = Vec3::ONE;
            scene
        })
        .collect();
    for (tile, position) in studio.shoot(&scenes).iter().zip(positions) {
        let projected = camera.project(tile.scene.props[0].position).pixel;
        assert!(projected.distance(position) < 1e-2, "{position} projects to {projected}");
        let lit: Vec<usize> = (0..tile.ids.len()).filter(|i| tile.color[i * 4] > 100).collect();
        assert_eq!(lit, [index_at(tile, position)], "a sphere at {position}");
        assert_eq!(pixels_of(tile, PixelId::prop(0)), lit);
    }
}

#[test]
fn a_sphere_is_centred_on_its_projection_to_a_tenth_of_a_pixel() {
    let mut studio = Studio::new(4, [128, 128]);
    let camera = camera(128, 50.0, Vec3::new(0.3, 1.2, 4.0), Vec3::new(0.0, 1.1, 0.0));
    for position in [
        Vec2::new(64.0, 64.0),
        Vec2::new(30.3, 41.7),
        Vec2::new(90.5, 25.25),
        Vec2::new(77.77, 88.1),
    ] {
        let centre = unproject(&camera, position, 4.0);
        let radius = 0.3;
        let nobody = figure_of(&studio.figure, vec![]);
        let tile = studio.shoot_one(scene_of(camera, vec![nobody], vec![ball(centre, radius)]));
        let lit = pixels_of(&tile, PixelId::prop(0));
        let mean = lit.iter().map(|i| pixel_centre(&tile, *i)).sum::<Vec2>() / lit.len() as f32;
        // A sphere off the axis is seen as an ellipse, drawn out away from the image's middle: for
        // a sphere at (x, y, z) its middle lies at (x, y) z / (z^2 - r^2), not at (x, y) / z.
        let stretch = 16.0 / (16.0 - radius * radius);
        let expected = camera.centre + (position - camera.centre) * stretch;
        assert!(
            mean.distance(expected) < 0.1,
            "{} pixels around {mean}, not {expected}",
            lit.len()
        );
    }
}

#[test]
fn depth_is_measured_along_the_forward_axis() {
    let mut studio = Studio::new(1, [64, 64]);
    // Wide and tilted, so that distance along the ray would be up to 1.5 times the depth.
    let camera =
        Camera::look_at([64, 64], 1.4, Vec3::new(0.5, 2.0, 3.0), Vec3::new(0.0, 0.8, 0.0), 0.4);
    let [right, down, forward] = camera.axes();
    let square_on = Quat::from_mat3(&Mat3::from_cols(right, down, forward));
    let board = cuboid(camera.eye() + forward * 1.6, Vec3::new(0.9, 0.9, 0.1), square_on);
    let nobody = figure_of(&studio.figure, vec![]);
    let tile = studio.shoot_one(scene_of(camera, vec![nobody.clone()], vec![board]));
    let seen = pixels_of(&tile, PixelId::prop(0));
    assert!(seen.len() > 1500, "the board covers {} pixels", seen.len());
    for i in seen {
        assert!(
            (tile.depth[i] - 1.5).abs() < 1e-3,
            "depth {} at {}",
            tile.depth[i],
            pixel_centre(&tile, i)
        );
    }
    let tile = studio.shoot_one(scene_of(
        camera,
        vec![nobody],
        vec![ball(camera.eye() + forward * 2.0, 0.4)],
    ));
    let nearest = pixels_of(&tile, PixelId::prop(0))
        .iter()
        .map(|i| tile.depth[*i])
        .fold(f32::INFINITY, f32::min);
    // The nearest pixels' centres are 0.71 pixels, 3 cm, from the axis; there the sphere is 1.1 mm
    // further away.
    assert!((nearest - 1.6011).abs() < 1e-4, "the sphere's nearest point is at {nearest}");
}

#[test]
fn wall_and_ground_have_the_depth_of_their_planes() {
    let mut studio = Studio::new(1, [64, 64]);
    let camera = camera(64, 70.0, Vec3::new(0.0, 1.0, 4.0), Vec3::Y);
    let nobody = figure_of(&studio.figure, vec![]);
    let tile = studio.shoot_one(scene_of(camera, vec![nobody], vec![]));
    for i in 0..tile.ids.len() {
        let below = (pixel_centre(&tile, i).y - camera.centre.y) / camera.focal.y;
        // The camera is 1 m up and looks level at a wall 3 m behind the origin, 7 m away.
        let expected = if below > 1.0 / 7.0 { 1.0 / below } else { 7.0 };
        assert!(
            (tile.depth[i] - expected).abs() < 1e-3 * expected,
            "{} not {expected}",
            tile.depth[i]
        );
    }
}

/// A low sun from the left and the front, and little else.
fn sunlight() -> Light {
    Light {
        sun_direction: Vec3::new(1.0, 2.0, 0.5).normalize(),
        sun_color: Vec3::splat(1.0),
        sky_color: Vec3::splat(0.2),
        bounce_color: Vec3::splat(0.2),
        softness: 0.0,
        shadows: true,
        lamp: None,
        exposure: 1.0,
    }
}

#[test]
fn a_balls_shadow_lies_where_the_sun_throws_it() {
    let mut studio = Studio::new(1, [128, 128]);
    let (centre, radius) = (Vec3::new(0.3, 1.0, 0.1), 0.25);
    let sun = sunlight().sun_direction;
    let shadow = centre - sun * (centre.y / sun.y);
    let eye = Vec3::new(-1.5, 2.5, 2.5);
    let nobody = figure_of(&studio.figure, vec![]);
    let mut scene =
        scene_of(camera(128, 40.0, eye, shadow), vec![nobody], vec![ball(centre, radius)]);
    scene.light = sunlight();
    scene.backdrop.ground = Vec3::splat(0.4);
    let tile = studio.shoot_one(scene);
    // The shadow is an ellipse: as wide as the ball across the sun's direction, longer by 1 /
    // sin(elevation) along it.
    let along = sun.with_y(0.0).normalize();
    let across = Vec3::Y.cross(along);
    let (long, wide) = (radius / sun.y, radius);
    let look = |point: Vec3| {
        let at = index_at(&tile, tile.scene.camera.project(point).pixel);
        assert_eq!(tile.ids[at], PixelId::BACKDROP, "something hides {point}");
        linear(tile.color[at * 4])
    };
    let (dark, lit) = (0.4 * 0.2, 0.4 * (0.2 + sun.y));
    let near = |found: f32, expected: f32| (found - expected).abs() < 0.02 * expected + 0.002;
    assert!(near(look(shadow), dark), "{} in the middle of the shadow, not {dark}", look(shadow));
    for direction in [along * long, along * -long, across * wide, across * -wide] {
        let (inside, outside) = (look(shadow + direction * 0.85), look(shadow + direction * 1.15));
        assert!(near(inside, dark), "{inside} just inside the shadow, not {dark}");
        assert!(near(outside, lit), "{outside} just outside the shadow, not {lit}");
    }
}

#[test]
fn a_part_throws_its_shadow_on_another_part_of_its_figure() {
    let mut studio = Studio::new(2, [128, 128]);
    let sun = sunlight().sun_direction;
    let body = sphere(Vec3::new(0.0, 0.8, 0.0), 0.4);
    let head = sphere(body.ends[0] + sun * 0.9, 0.12);
    // Where the ray from the head's centre along the sunlight first meets the body.
    let spot = head.ends[0] - sun * body.ray(head.ends[0], -sun).unwrap();
    let eye = Vec3::new(0.6, 1.6, 3.0);
    let mut shadowed = scene_of(
        camera(128, 30.0, eye, body.ends[0]),
        vec![figure_of(&studio.figure, vec![body, head])],
        vec![],
    );
    shadowed.light = sunlight();
    let mut free = shadowed.clone();
    free.figures[0].parts[1] = sphere(Vec3::new(-3.0, 1.0, 0.0), 0.12);
    let tiles = studio.shoot(&[shadowed, free]);
    let at = |point: Vec3| index_at(&tiles[0], tiles[0].scene.camera.project(point).pixel);
    let light_at = |tile: &Tile, point: Vec3| {
        assert_eq!(tile.ids[at(point)].shown(), Shown::Figure { figure: 0, part: 0 });
        linear(tile.color[at(point) * 4])
    };
    // Both pictures have the same cloth at the same place, so only the light differs.
    let ratio = light_at(&tiles[0], spot) / light_at(&tiles[1], spot);
    // The spot faces the sun squarely.
    let expected = 0.2 / (0.2 + 1.0);
    assert!(
        (ratio - expected).abs() < 0.02,
        "the shadow keeps {ratio} of the light, not {expected}"
    );
    // A point of the body beside the shadow: 0.2 m from its middle, across the sunlight.
    let beside = body.ends[0]
        + (spot + sun.cross(Vec3::Y).normalize() * 0.2 - body.ends[0]).normalize() * 0.4;
    let ratio = light_at(&tiles[0], beside) / light_at(&tiles[1], beside);
    assert!((ratio - 1.0).abs() < 1e-3, "beside the shadow {ratio} of the light is left");
}

#[test]
fn a_prop_of_every_shape_is_drawn_where_it_lies() {
    let mut studio = Studio::new(1, [96, 96]);
    let turned =
        Quat::from_rotation_y(0.7) * Quat::from_rotation_x(0.5) * Quat::from_rotation_z(0.9);
    let capsule = Prop {
        shape: PropShape::Capsule { half_length: 0.3, radius: 0.1 },
        rotation: turned,
        ..ball(Vec3::new(-0.7, 1.0, 0.2), 0.1)
    };
    let props = vec![
        cuboid(Vec3::Y, Vec3::new(0.2, 0.35, 0.1), turned),
        capsule,
        ball(Vec3::new(0.7, 0.9, 0.0), 0.25),
    ];
    let nobody = figure_of(&studio.figure, vec![]);
    let scene = scene_of(camera(96, 40.0, Vec3::new(0.4, 1.6, 3.5), Vec3::Y), vec![nobody], props);
    let tile = studio.shoot_one(scene);
    for prop in 0..3 {
        assert!(pixels_of(&tile, PixelId::prop(prop)).len() > 100, "prop {prop} is missing");
    }
    let (differ, depth) = reference::compare(&tile);
    assert!(differ <= 6 && depth < 5e-3, "{differ} ids differ, depth by {depth}");
}
