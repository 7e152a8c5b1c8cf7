//! Which keypoints are seen and what covers the others, against geometry.

use super::{
    reference::first_body,
    studio::{
        Studio, camera, cuboid, index_at, pixel_centre, random_tiles, scene_of, sphere, standing,
    },
};
use glam::{Quat, Vec3};
use marionette::figure::Figure;
use marionette::scene::load_scene;
use marionette::stream::{Camera, Cover, PixelId, Shown, Visibility};

fn keypoint(figure: &Figure, name: &str) -> usize {
    figure.keypoints.iter().position(|keypoint| keypoint.name == name).unwrap()
}

#[test]
fn ids_bear_out_every_keypoints_visibility() {
    let figure = load_scene("quickstart").unwrap().figure;
    let mut counts = [0; 3];
    let mut covers = [0; 3];
    for tile in random_tiles() {
        let sample = tile.scene.index;
        for (k, label) in tile.labels.keypoints.iter().enumerate() {
            let name = &figure.keypoints[k].name;
            counts[label.visibility as usize] += 1;
            let depth = label.camera.z;
            let outside = depth <= Camera::NEAR || !tile.scene.shows(label.pixel);
            assert_eq!(
                label.visibility == Visibility::Outside,
                outside,
                "sample {sample}, {name} at {}",
                label.pixel
            );
            assert_eq!(
                label.visibility == Visibility::Covered,
                label.cover.is_some(),
                "sample {sample}, {name}"
            );
            if outside {
                continue;
            }
            let at = index_at(tile, label.pixel);
            let shown = tile.ids[at].shown();
            let short = depth - tile.depth[at];
            let reach = figure.keypoints[k].surface_radius;
            match (label.visibility, label.cover) {
                (Visibility::Seen, _) => {
                    let own = matches!(shown, Shown::Figure { figure: 0, .. });
                    assert!(
                        own || short <= reach,
                        "sample {sample}, {name} is seen through {shown:?}, {short} m before it"
                    );
                }
                (_, Some(cover)) => {
                    covers[cover as usize] += 1;
                    assert!(
                        short > reach,
                        "sample {sample}, {name} is covered by {shown:?}, only {short} m before it"
                    );
                    let fits = match cover {
                        Cover::Own => tile.ids[at].is_figure(0),
                        Cover::OtherFigure => matches!(shown, Shown::Figure { figure: 1.., .. }),
                        // The ground or a wall in front counts as one.
                        Cover::Prop => matches!(shown, Shown::Prop(_) | Shown::Backdrop),
                    };
                    assert!(fits, "sample {sample}, {name} is covered by {shown:?}, not {cover:?}");
                }
                (_, None) => unreachable!(),
            }
        }
    }
    println!("outside, covered, seen: {counts:?}; by itself, others, props: {covers:?}");
    assert!(
        counts.iter().chain(&covers).all(|n| *n >= 5),
        "too few to tell: {counts:?}, {covers:?}"
    );
}

#[test]
fn a_ray_caster_finds_the_same_keypoints_covered() {
    let figure = load_scene("quickstart").unwrap().figure;
    let (mut all, mut wrong) = (0, Vec::new());
    for tile in random_tiles() {
        for (k, label) in tile.labels.keypoints.iter().enumerate() {
            if label.visibility == Visibility::Outside {
                continue;
            }
            all += 1;
            let about = &figure.keypoints[k];
            let at = pixel_centre(tile, index_at(tile, label.pixel));
            let cover = first_body(&tile.scene, at)
                .filter(|met| label.camera.z - met.depth > about.surface_radius);
            let expected = cover.and_then(|met| match met.id.shown() {
                Shown::Figure { figure: 0, part }
                    if about.own_groups.contains(&figure.parts[part].group) =>
                {
                    None
                }
                Shown::Figure { figure: 0, .. } => Some(Cover::Own),
                Shown::Figure { .. } => Some(Cover::OtherFigure),
                _ => Some(Cover::Prop),
            });
            if expected != label.cover {
                wrong.push(format!(
                    "sample {}, {}: {:?}, not {expected:?}",
                    tile.scene.index, about.name, label.cover
                ));
            }
        }
    }
    // Where an edge runs through a pixel's centre, rounding decides.
    assert!(wrong.len() * 500 <= all, "{} of {all} differ: {wrong:#?}", wrong.len());
}

#[test]
fn a_face_is_seen_from_the_front_and_covered_by_its_own_head_from_behind() {
    let mut studio = Studio::new(2, [128, 128]);
    let figure = studio.figure.clone();
    let from = |z: f32| {
        let height = Vec3::new(0.0, 1.5, 0.0);
        scene_of(camera(128, 20.0, height + Vec3::Z * z, height), vec![standing(&figure)], vec![])
    };
    let tiles = studio.shoot(&[from(4.0), from(-4.0)]);
    for name in ["nose", "left_eye", "right_eye"] {
        let k = keypoint(&figure, name);
        assert_eq!(
            tiles[0].labels.keypoints[k].visibility,
            Visibility::Seen,
            "{name} from the front"
        );
        let behind = &tiles[1].labels.keypoints[k];
        assert_eq!(
            (behind.visibility, behind.cover),
            (Visibility::Covered, Some(Cover::Own)),
            "{name} from behind"
        );
    }
    for name in ["left_ear", "right_ear", "left_shoulder", "right_shoulder"] {
        let k = keypoint(&figure, name);
        for tile in &tiles {
            assert_eq!(tile.labels.keypoints[k].visibility, Visibility::Seen, "{name}");
        }
    }
    // The figure's left is to the right of a camera before it.
    let x = |tile: usize, name| tiles[tile].labels.keypoints[keypoint(&figure, name)].pixel.x;
    assert!(x(0, "left_shoulder") > x(0, "right_shoulder") + 10.0);
    assert!(x(1, "left_shoulder") < x(1, "right_shoulder") - 10.0);
}

#[test]
fn a_box_hides_exactly_what_is_behind_it() {
    let mut studio = Studio::new(2, [128, 128]);
    let figure = studio.figure.clone();
    let eye = Vec3::new(0.0, 0.9, 4.0);
    // From z = 1.0 to 1.2 before the figure, from x = 0.012 on: the camera at z = 4 looks past its
    // far edge, 3 m away.
    let (edge, far) = (0.012, 1.0);
    let wall =
        cuboid(Vec3::new(edge + 0.5, 1.0, far + 0.1), Vec3::new(0.5, 1.0, 0.1), Quat::IDENTITY);
    let open =
        scene_of(camera(128, 35.0, eye, Vec3::new(0.0, 0.9, 0.0)), vec![standing(&figure)], vec![]);
    let mut boxed = open.clone();
    boxed.props.push(wall);
    let tiles = studio.shoot(&[open, boxed]);
    let [open, boxed] = [&tiles[0], &tiles[1]];
    let mut hidden = 0;
    for (k, label) in boxed.labels.keypoints.iter().enumerate() {
        let name = &figure.keypoints[k].name;
        let before = &open.labels.keypoints[k];
        assert_eq!(before.pixel, label.pixel);
        // Similar triangles: where the line from the eye to the keypoint passes the box's far edge.
        let x = label.world.x * (eye.z - far) / (eye.z - label.world.z);
        if x > edge {
            hidden += 1;
            assert_eq!(
                (label.visibility, label.cover),
                (Visibility::Covered, Some(Cover::Prop)),
                "{name}, {x}"
            );
        } else {
            assert_eq!(
                (label.visibility, label.cover),
                (before.visibility, before.cover),
                "{name}, {x}"
            );
        }
    }
    assert_eq!(hidden, 8, "the left side's keypoints");
    let camera = &open.scene.camera;
    let edge_in_image = camera.centre.x + camera.focal.x * edge / (eye.z - far);
    let own = |id: &PixelId| id.is_figure(0);
    let free = (0..open.ids.len())
        .filter(|i| own(&open.ids[*i]) && pixel_centre(open, *i).x < edge_in_image)
        .count();
    assert_eq!(boxed.labels.mask_area as usize, free, "pixels left of the box");
    let (whole, left) = (open.labels.measured.visible_share, boxed.labels.measured.visible_share);
    assert!(whole > 0.99, "of a figure in the open a share of {whole} is visible");
    let expected = free as f32 / open.labels.mask_area as f32;
    assert!(
        (left / whole - expected).abs() < 1e-3 && (0.4..0.6).contains(&left),
        "{left} of {whole}, not {expected}"
    );
}

#[test]
fn another_figure_in_front_covers_as_another_figure() {
    let mut studio = Studio::new(1, [64, 64]);
    let figure = studio.figure.clone();
    let mut other = standing(&figure);
    for part in &mut other.parts {
        part.ends = part.ends.map(|end| end + Vec3::Z);
    }
    let view = camera(64, 35.0, Vec3::new(0.0, 0.9, 5.0), Vec3::new(0.0, 0.9, 0.0));
    let tile = studio.shoot_one(scene_of(view, vec![standing(&figure), other], vec![]));
    for name in ["nose", "left_hip", "right_hip", "left_knee"] {
        assert_eq!(
            tile.labels.keypoints[keypoint(&figure, name)].cover,
            Some(Cover::OtherFigure),
            "{name}"
        );
    }
}

#[test]
fn a_limb_thinner_than_a_pixel_is_not_covered_by_the_backdrop() {
    let mut studio = Studio::new(1, [64, 64]);
    let figure = studio.figure.clone();
    let mut thread = standing(&figure);
    for part in &mut thread.parts {
        part.radii = [2e-4; 2];
    }
    let mut scene = scene_of(
        camera(64, 35.0, Vec3::new(0.3, 0.9, 5.0), Vec3::new(0.0, 0.9, 0.0)),
        vec![thread],
        vec![],
    );
    scene.backdrop.distance = 0.4;
    let tile = studio.shoot_one(scene);
    let missed =
        |k: usize| tile.ids[index_at(&tile, tile.labels.keypoints[k].pixel)] == PixelId::BACKDROP;
    assert!((0..17).filter(|k| missed(*k)).count() > 8, "the limbs are not thin enough to tell");
    for (k, label) in tile.labels.keypoints.iter().enumerate() {
        assert_eq!(label.visibility, Visibility::Seen, "{}", figure.keypoints[k].name);
    }
}

#[test]
fn a_keypoint_behind_the_camera_is_outside() {
    let mut studio = Studio::new(1, [64, 64]);
    let mut figure = standing(&studio.figure);
    // Straight behind the camera: the formula for the pixel alone would put it in the middle of the
    // image.
    figure.keypoints[0] = Vec3::new(0.0, 0.9, 8.0);
    figure.parts.push(sphere(figure.keypoints[0], 0.1));
    figure.part_colors.push(Vec3::ONE);
    let view = camera(64, 35.0, Vec3::new(0.0, 0.9, 5.0), Vec3::new(0.0, 0.9, 0.0));
    let tile = studio.shoot_one(scene_of(view, vec![figure], vec![]));
    assert!(tile.scene.camera.contains(tile.labels.keypoints[0].pixel));
    assert_eq!(tile.labels.keypoints[0].visibility, Visibility::Outside);
}
