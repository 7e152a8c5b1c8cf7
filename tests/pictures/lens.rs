//! What is out of focus.

use super::studio::*;
use glam::Vec3;
use marionette::stream::Tile;

/// A black ball, 4 m away, before a white wall at 7 m, through a lens that is focused on what is `focus` metres away.
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
