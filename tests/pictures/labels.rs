//! Boxes, masks, camera coordinates, mirrored scenes, and props at rest.

use super::studio::{Studio, no_degradation, quickstart, random_samples, random_tiles};
use glam::{Affine3A, Quat, Vec2, Vec3};
use marionette::figure::{Figure, RoundCone};
use marionette::physics::SceneWorld;
use marionette::render::label_figure;
use marionette::scene::load_scene;
use marionette::stream::{
    BackdropKind, Cover, Measured, PixelId, Prop, PropShape, SceneSample, Shown, Tile, Visibility,
};

#[test]
fn camera_labels_agree_with_the_stored_intrinsics_and_extrinsics() {
    for tile in random_tiles() {
        let (camera, figure) = (&tile.scene.camera, &tile.scene.figures[0]);
        for (label, world) in tile.labels.keypoints.iter().zip(&figure.keypoints) {
            assert_eq!(label.world, *world);
            let matrix = camera.camera_from_world.matrix3;
            let p = Vec3::from(matrix * glam::Vec3A::from(*world))
                + Vec3::from(camera.camera_from_world.translation);
            assert!(p.distance(label.camera) < 1e-4, "{p}, not {}", label.camera);
            // What a pinhole camera would show in the place of what this lens shows at the label,
            // in focal lengths.
            let seen = (label.pixel - camera.centre) / camera.focal;
            let straight = seen / (1.0 + camera.distortion * seen.length_squared());
            let expected = Vec2::new(p.x, p.y) / p.z;
            assert!(
                p.z <= 0.0
                    || label.visibility == Visibility::Outside && camera.distortion > 0.0
                    || expected.distance(straight) * camera.focal.x
                        < 1e-3 * (1.0 + label.pixel.length()),
                "{expected}, {straight}"
            );
        }
    }
}

#[test]
fn boxes_and_masks_agree_with_the_id_image() {
    for tile in random_tiles() {
        let sample = tile.scene.index;
        let own: Vec<Vec2> = (0..tile.ids.len())
            .filter(|i| tile.ids[*i].is_figure(0))
            .map(|i| Vec2::new((i % tile.width) as f32, (i / tile.width) as f32))
            .collect();
        assert_eq!(tile.labels.mask_area as usize, own.len(), "sample {sample}");
        let Some(modal) = tile.labels.modal_box else {
            assert!(own.is_empty(), "sample {sample} has pixels and no box");
            continue;
        };
        assert_eq!(modal.low, own.iter().copied().reduce(Vec2::min).unwrap(), "sample {sample}");
        assert_eq!(
            modal.high,
            own.iter().copied().reduce(Vec2::max).unwrap() + 1.0,
            "sample {sample}"
        );
        let whole = tile.labels.amodal_box;
        assert!(
            modal.low.cmpge(whole.low - 1.0).all() && modal.high.cmple(whole.high + 1.0).all(),
            "sample {sample}: {modal:?} sticks out of {whole:?}"
        );
        let measured = &tile.labels.measured;
        for share in [
            measured.visible_share,
            measured.in_frame_share,
            measured.contrast,
            measured.brightness,
        ] {
            assert!((0.0..=1.0).contains(&share), "sample {sample}: {measured:?}");
        }
        let seen =
            tile.labels.keypoints.iter().filter(|k| k.visibility == Visibility::Seen).count();
        assert_eq!(measured.keypoints_seen as usize, seen);
    }
}

#[test]
fn an_uncovered_figure_fills_its_silhouette_and_its_box() {
    for tile in random_tiles() {
        let measured = &tile.labels.measured;
        let alone = tile.scene.props.is_empty() && tile.scene.figures.len() == 1;
        if !alone {
            continue;
        }
        let sample = tile.scene.index;
        assert!(measured.visible_share > 0.99, "sample {sample}: {}", measured.visible_share);
        let whole = tile.labels.amodal_box;
        let size = Vec2::new(tile.width as f32, tile.height as f32);
        let inside = whole.low.cmpge(Vec2::ONE).all() && whole.high.cmple(size - 1.0).all();
        assert!(
            !inside || measured.in_frame_share == 1.0,
            "sample {sample}: {}",
            measured.in_frame_share
        );
        if let (true, Some(modal)) = (inside, tile.labels.modal_box) {
            let slack = (modal.low - whole.low).max(whole.high - modal.high).max_element();
            assert!(slack < 1.5, "sample {sample}: {modal:?} is {slack} pixels inside {whole:?}");
        }
    }
}

/// For each part, the part of the other side.
fn part_twins(figure: &Figure) -> Vec<usize> {
    let twin_name = |name: &str| match name.split_once('_') {
        Some(("left", rest)) => format!("right_{rest}"),
        Some(("right", rest)) => format!("left_{rest}"),
        _ => name.to_owned(),
    };
    let find = |name: String| figure.parts.iter().position(|part| part.name == name).unwrap();
    figure.parts.iter().map(|part| find(twin_name(&part.name))).collect()
}

/// The scene as a mirror in the plane x = 0 shows it, with left and right called by their new
/// names.
fn mirrored(figure: &Figure, sample: &SceneSample) -> SceneSample {
    let flip = |v: Vec3| Vec3::new(-v.x, v.y, v.z);
    let (parts, keypoints) = (part_twins(figure), figure.keypoint_twins());
    let mut other = sample.clone();
    for (new, old) in other.figures.iter_mut().zip(&sample.figures) {
        // Both sides of a garment are worn, or neither, so the entries of a figure keep their
        // meaning.
        let entries = || 0..old.parts.len();
        let twin = |entry: usize| {
            entries().find(|other| old.part(*other) == parts[old.part(entry)]).unwrap()
        };
        new.parts = entries()
            .map(|entry| old.parts[twin(entry)])
            .map(|part| RoundCone { ends: part.ends.map(flip), ..part })
            .collect();
        new.part_colors = entries().map(|entry| old.part_colors[twin(entry)]).collect();
        new.keypoints = keypoints.iter().map(|k| flip(old.keypoints[*k])).collect();
    }
    for prop in &mut other.props {
        prop.position = flip(prop.position);
        let q = prop.rotation;
        prop.rotation = Quat::from_xyzw(q.x, -q.y, -q.z, q.w);
    }
    let reflection = Affine3A::from_scale(Vec3::new(-1.0, 1.0, 1.0));
    other.camera.camera_from_world = reflection * sample.camera.camera_from_world * reflection;
    other.camera.centre.x = sample.camera.width as f32 - sample.camera.centre.x;
    other.light.sun_direction = flip(sample.light.sun_direction);
    other
}

#[test]
fn a_mirrored_scene_has_mirrored_labels_and_ids() {
    let mut studio = Studio::new(32, [64, 64]);
    let figure = studio.figure.clone();
    let mut samples = random_samples(&quickstart(64, 64), 5, 32);
    for sample in &mut samples {
        // Patterns and noise have no mirror image.
        sample.backdrop.kind = BackdropKind::Studio;
        sample.backdrop.contrast = 0.0;
        sample.degradation = no_degradation();
        for figure in &mut sample.figures {
            figure.looks.clear();
        }
        // An off-centre lens, so that a forgotten flip of the principal point shows.
        sample.camera.centre.x += 3.0;
    }
    let images: Vec<SceneSample> = samples.iter().map(|sample| mirrored(&figure, sample)).collect();
    let (parts, keypoints) = (part_twins(&figure), figure.keypoint_twins());
    let mut flips = Vec::new();
    for (tile, image) in studio.shoot(&samples).iter().zip(&studio.shoot(&images)) {
        let sample = tile.scene.index;
        for (k, label) in tile.labels.keypoints.iter().enumerate() {
            let twin = &image.labels.keypoints[keypoints[k]];
            let expected = Vec2::new(64.0 - label.pixel.x, label.pixel.y);
            assert!(
                expected.distance(twin.pixel) < 1e-2 * (1.0 + expected.length() / 64.0),
                "{expected}, {}",
                twin.pixel
            );
            if (label.visibility, label.cover) != (twin.visibility, twin.cover) {
                flips.push((sample, k, label.visibility, twin.visibility));
            }
        }
        let twin_id = |id: PixelId| match id.shown() {
            Shown::Figure { figure, part } => PixelId::figure(figure, parts[part]),
            _ => id,
        };
        let differ = (0..tile.ids.len())
            .filter(|i| {
                let opposite = i / 64 * 64 + 63 - i % 64;
                twin_id(tile.ids[*i]) != image.ids[opposite]
            })
            .count();
        // A pixel whose centre lies on an edge may fall to either side.
        assert!(differ <= 12, "sample {sample}: {differ} ids differ");
        let (one, other) = (&tile.labels.measured, &image.labels.measured);
        // The cloth's grain is not mirrored, the light is.
        assert!(
            (one.brightness - other.brightness).abs() < 0.02,
            "sample {sample}: {one:?}, {other:?}"
        );
        assert!(
            (one.visible_share - other.visible_share).abs() < 0.01,
            "sample {sample}: {one:?}, {other:?}"
        );
        assert!(
            (one.in_frame_share - other.in_frame_share).abs() < 0.01,
            "sample {sample}: {one:?}, {other:?}"
        );
    }
    assert!(flips.len() <= 1, "visibility differs: {flips:?}");
}

#[test]
fn every_figure_is_labelled_as_if_it_were_the_primary_one() {
    let mut studio = Studio::with(&load_scene("crowded").unwrap().pictures, 16, [64, 64]);
    let figure = studio.figure.clone();
    let samples: Vec<SceneSample> = random_samples(&load_scene("crowded").unwrap(), 3, 40)
        .into_iter()
        .filter(|sample| sample.figures.len() > 1)
        .collect();
    assert!(samples.len() > 10);
    let swap = |mut sample: SceneSample| {
        sample.figures.swap(0, 1);
        sample
    };
    let swapped: Vec<SceneSample> = samples.iter().cloned().map(swap).collect();
    let (mut seen, mut covered) = (0, 0);
    for (tile, other) in studio.shoot(&samples).iter().zip(&studio.shoot(&swapped)) {
        assert_eq!(label_figure(&figure, tile, 0), tile.labels);
        let (one, two) = (label_figure(&figure, tile, 1), &other.labels);
        assert_eq!((&one.keypoints, one.torso), (&two.keypoints, two.torso));
        assert_eq!((one.modal_box, one.amodal_box), (two.modal_box, two.amodal_box));
        assert_eq!(one.mask_area, two.mask_area);
        let shares = |m: &Measured| (m.visible_share, m.in_frame_share, m.keypoints_seen);
        assert_eq!(shares(&one.measured), shares(&two.measured));
        // The cloth's grain depends on a figure's place in the list.
        let colors = |m: &Measured| Vec2::new(m.contrast, m.brightness);
        let apart = colors(&one.measured).distance(colors(&two.measured));
        assert!(apart < 0.05, "{:?}, {:?}", one.measured, two.measured);
        seen += one.measured.keypoints_seen;
        covered += one.keypoints.iter().filter(|k| k.cover == Some(Cover::OtherFigure)).count();
    }
    assert!(seen > 50 && covered > 10, "{seen} seen, {covered} covered by the primary figure");
}

/// The lowest height that a prop reaches.
fn lowest(prop: &Prop) -> f32 {
    let up = prop.rotation.inverse() * Vec3::Y;
    prop.position.y
        - match prop.shape {
            PropShape::Ball { radius } => radius,
            PropShape::Capsule { half_length, radius } => up.y.abs() * half_length + radius,
            PropShape::Cuboid { half_extents } => up.abs().dot(half_extents),
        }
}

#[test]
fn props_lie_at_rest_on_something() {
    let with_props: Vec<&Tile> =
        random_tiles().iter().filter(|tile| !tile.scene.props.is_empty()).collect();
    assert!(with_props.len() > 50);
    let mut on_ground = 0;
    for tile in with_props {
        let sample = tile.scene.index;
        assert!(
            SceneWorld::new(&tile.scene, 1.0).rests(),
            "sample {sample}: a prop moves on: {:?}",
            tile.scene.props
        );
        // Letting it fall once more must change nothing to speak of.
        let mut later = tile.scene.props.clone();
        assert!(SceneWorld::new(&tile.scene, 1.0).settle(&mut later), "sample {sample}");
        for (prop, later) in tile.scene.props.iter().zip(&later) {
            let moved = prop.position.distance(later.position);
            assert!(moved < 2e-3, "sample {sample}: a prop moves on by {moved} m: {prop:?}");
            let turned = prop.rotation.angle_between(later.rotation);
            assert!(turned < 0.02, "sample {sample}: a prop turns on by {turned}: {prop:?}");
            let low = lowest(prop);
            assert!(
                low > -0.01,
                "sample {sample}: a prop has sunk {low} m into the ground: {prop:?}"
            );
            on_ground += u32::from(low < 0.01);
        }
    }
    assert!(on_ground > 50, "only {on_ground} props lie on the ground");
}
