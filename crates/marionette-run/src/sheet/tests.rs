use super::*;
use glam::{Vec2, Vec3};
use marionette_figure::RoundCone;
use marionette_render::sampler;
use marionette_scene::{Scene, load_scene};
use marionette_stream::{
    FAR_DEPTH, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, SceneSample, Visibility,
    image_box,
};
use marks::{BOX, LEFT, MIDDLE, PREDICTION, RIGHT};
use std::collections::HashSet;

fn scene() -> Scene {
    load_scene("quickstart").unwrap()
}

/// The scene's figures, cast ray by ray before nothing at all, every prop a ball; a keypoint is
/// covered where a surface is nearer by 0.15 m.
fn cast(sample: SceneSample) -> Tile {
    let camera = sample.camera;
    let (width, height) = (camera.width as usize, camera.height as usize);
    let (mut color, mut ids, mut depth) = (vec![], vec![], vec![]);
    let forward = camera.axes()[2];
    for i in 0..width * height {
        let ray = camera.ray_through(Vec2::new((i % width) as f32 + 0.5, (i / width) as f32 + 0.5));
        let mut nearest = (f32::INFINITY, PixelId::BACKDROP, Vec3::splat(0.25));
        for (figure, posed) in sample.figures.iter().enumerate() {
            for (part, cone) in posed.parts.iter().enumerate() {
                if let Some(t) = cone.ray(camera.eye(), ray)
                    && t < nearest.0
                {
                    nearest = (t, PixelId::figure(figure, part), posed.part_colors[part]);
                }
            }
        }
        for (index, prop) in sample.props.iter().enumerate() {
            let ball = RoundCone { ends: [prop.position; 2], radii: [0.25; 2] };
            if let Some(t) = ball.ray(camera.eye(), ray)
                && t < nearest.0
            {
                nearest = (t, PixelId::prop(index), prop.color);
            }
        }
        let (t, id, linear) = nearest;
        let [r, g, b] = linear.to_array().map(|v| (v.max(0.0).sqrt() * 255.0) as u8);
        color.extend([r, g, b, 255]);
        ids.push(id);
        depth.push((t * ray.dot(forward)).min(FAR_DEPTH));
    }
    let keypoints = sample.figures[0].keypoints.iter().map(|&world| {
        let p = camera.project(world);
        let visibility = if !camera.contains(p.pixel) {
            Visibility::Outside
        } else if p.depth - depth[p.pixel.y as usize * width + p.pixel.x as usize] > 0.15 {
            Visibility::Covered
        } else {
            Visibility::Seen
        };
        LabelledKeypoint { pixel: p.pixel, camera: Vec3::ZERO, world, visibility, cover: None }
    });
    let own = (0..ids.len())
        .filter(|i| ids[*i].is_figure(0))
        .map(|i| Vec2::new((i % width) as f32, (i / width) as f32));
    let modal_box = own.fold(None, |found: Option<ImageBox>, low| {
        let high = low + 1.0;
        Some(found.map_or(ImageBox { low, high }, |b| ImageBox {
            low: b.low.min(low),
            high: b.high.max(high),
        }))
    });
    let [low, high] = image_box(&camera, &sample.figures[0].parts);
    let labels = Labels {
        keypoints: keypoints.collect(),
        modal_box,
        amodal_box: ImageBox { low, high },
        mask_area: 0,
        torso: 10.0,
        measured: Measured {
            visible_share: 1.0,
            in_frame_share: 1.0,
            keypoints_seen: 17,
            contrast: 0.5,
            brightness: 0.5,
        },
    };
    Tile { width, height, color, ids, depth, labels, scene: sample }
}

/// A grey tile of `width` by `height` pixels whose keypoints are all outside.
fn grey(scene: &Scene, width: usize, height: usize) -> Tile {
    let mut tile = cast(sampler(scene).sample_at([0.0; 8], 1, 0, 0));
    tile.labels.keypoints.iter_mut().for_each(|k| k.visibility = Visibility::Outside);
    tile.labels.modal_box = None;
    let pixels = width * height;
    Tile {
        width,
        height,
        color: [100, 100, 100, 255].repeat(pixels),
        ids: vec![PixelId::BACKDROP; pixels],
        depth: vec![FAR_DEPTH; pixels],
        ..tile
    }
}

fn panel(tile: &Tile) -> Panel<'_> {
    Panel { tile, prediction: None, border: None, caption: None }
}

fn keypoint(figure: &Figure, name: &str) -> usize {
    figure.keypoints.iter().position(|k| k.name == name).unwrap()
}

fn at(sheet: &RgbImage, x: u32, y: u32) -> [u8; 3] {
    sheet.get_pixel(GUTTER + x, GUTTER + y).0
}

#[test]
fn keypoints_land_on_their_pixel_in_the_colour_of_their_side() {
    let scene = scene();
    for (name, color) in [("left_wrist", LEFT), ("right_wrist", RIGHT), ("nose", MIDDLE)] {
        let k = keypoint(&scene.figure, name);
        let mut tile = grey(&scene, 64, 48);
        tile.labels.keypoints[k].visibility = Visibility::Seen;
        tile.labels.keypoints[k].pixel = Vec2::new(20.5, 30.25);
        let draw =
            |tile: &Tile| contact_sheet(&scene.figure, &[panel(tile)], &[Overlay::Keypoints], 1, 6);
        let sheet = draw(&tile);
        // (20.5, 30.25) times 6 is the corner (123, 181.5): the disc is centred there.
        for (x, y) in [(122, 181), (123, 181), (121, 181), (124, 181), (123, 179), (122, 183)] {
            assert_eq!(at(&sheet, x, y), color, "{name} at {x}, {y}");
        }
        let found = |sheet: &RgbImage| {
            sheet
                .enumerate_pixels()
                .filter(|(_, _, p)| p.0 == color)
                .map(|(x, y, _)| [x, y])
                .collect::<Vec<_>>()
        };
        let spots = found(&sheet);
        let mean = |axis: usize| {
            spots.iter().map(|p| p[axis] as f32 + 0.5).sum::<f32>() / spots.len() as f32
                - GUTTER as f32
        };
        assert!(
            (mean(0) - 123.0).abs() < 0.2 && (mean(1) - 181.5).abs() < 0.2,
            "{} {}",
            mean(0),
            mean(1)
        );

        tile.labels.keypoints[k].visibility = Visibility::Covered;
        assert_eq!(at(&draw(&tile), 123, 181), [100; 3], "a covered one is hollow");
        assert!(!found(&draw(&tile)).is_empty());
        tile.labels.keypoints[k].visibility = Visibility::Outside;
        assert!(found(&draw(&tile)).is_empty());
    }
}

#[test]
fn edges_take_the_side_of_their_ends() {
    let scene = scene();
    let figure = &scene.figure;
    for (ends, color) in [
        (["left_shoulder", "left_elbow"], LEFT),
        (["right_hip", "right_knee"], RIGHT),
        (["nose", "left_eye"], LEFT),
        (["left_hip", "right_hip"], MIDDLE),
    ] {
        let mut tile = grey(&scene, 64, 64);
        for (name, x) in ends.into_iter().zip([10.0, 50.0]) {
            let label = &mut tile.labels.keypoints[keypoint(figure, name)];
            (label.visibility, label.pixel) = (Visibility::Seen, Vec2::new(x, 32.125));
        }
        let sheet = contact_sheet(figure, &[panel(&tile)], &[Overlay::Keypoints], 1, 4);
        assert_eq!(at(&sheet, 120, 128), color, "{ends:?}");
    }
}

#[test]
fn predictions_are_crosses_and_tolerate_any_length_and_value() {
    let scene = scene();
    let tile = grey(&scene, 64, 64);
    let draw = |prediction: &[[f32; 2]], overlay| {
        let panel = Panel { prediction: Some(prediction), ..panel(&tile) };
        contact_sheet(&scene.figure, &[panel], &[overlay], 1, 4)
    };
    let sheet = draw(&[[20.125, 30.125]], Overlay::Keypoints);
    for (x, y) in [(80, 120), (84, 120), (80, 116)] {
        assert_eq!(at(&sheet, x, y), PREDICTION);
    }
    assert_ne!(at(&sheet, 84, 124), PREDICTION);
    let plain = draw(&[], Overlay::Keypoints);
    assert_eq!(draw(&[[f32::NAN, 1.0], [1.0, f32::INFINITY]], Overlay::Keypoints), plain);
    assert_eq!(draw(&[[20.0, 30.0]], Overlay::Plain), plain);
    let extra = [vec![[f32::NAN; 2]; scene.figure.keypoints.len()], vec![[20.0, 20.0]]].concat();
    assert_eq!(draw(&extra, Overlay::Keypoints), plain);
    // Far beyond any image: nothing to see, nothing to break.
    draw(&[[-3.0e38, 3.0e38], [1.0e9, -1.0e9], [5.0, 5.0]], Overlay::Keypoints);
}

#[test]
fn marks_never_leave_their_tile() {
    let scene = scene();
    let mut tile = grey(&scene, 32, 32);
    for (k, label) in tile.labels.keypoints.iter_mut().enumerate() {
        (label.visibility, label.pixel) = (Visibility::Seen, Vec2::new(31.9, k as f32 * 2.0));
    }
    tile.labels.amodal_box = ImageBox { low: Vec2::splat(-50.0), high: Vec2::splat(32.0) };
    let sheet =
        contact_sheet(&scene.figure, &[panel(&tile)], &[Overlay::Keypoints, Overlay::Boxes], 1, 3);
    for (x, y, pixel) in sheet.enumerate_pixels() {
        let inside = |v: u32| (GUTTER..GUTTER + 96).contains(&v);
        assert!(inside(x) && inside(y) || pixel.0 == BACKGROUND, "{x}, {y}");
    }
}

#[test]
fn the_sheet_is_as_large_as_its_grid() {
    let scene = scene();
    let tile = grey(&scene, 20, 10);
    let sheet = |count: usize, columns, scale| {
        contact_sheet(&scene.figure, &vec![panel(&tile); count], &[], columns, scale).dimensions()
    };
    let g = GUTTER;
    assert_eq!(sheet(5, 3, 4), (g + 3 * (80 + g), g + 2 * (40 + g)));
    assert_eq!(sheet(2, 9, 1), (g + 2 * (20 + g), g + 10 + g), "no empty columns");
    assert_eq!(sheet(1, 0, 0), (g + 20 + g, g + 10 + g), "nought counts as one");
    assert_eq!(sheet(0, 4, 4), (g + g, g));
    // 20 pixels at scale 12: 240 wide, so text of double size, 20 characters a line.
    let captioned = Panel { caption: Some("one two three four five".into()), ..panel(&tile) };
    let height = contact_sheet(&scene.figure, &[captioned], &[], 1, 12).height();
    assert_eq!(height, g + 120 + BORDER + CAPTION_GAP + 2 * 2 * font::LINE + g);
}

#[test]
fn borders_surround_the_tile_and_cover_none_of_it() {
    let scene = scene();
    let tile = grey(&scene, 20, 10);
    let bordered = Panel { border: Some([200, 30, 30]), ..panel(&tile) };
    let sheet = contact_sheet(&scene.figure, &[bordered], &[], 1, 2);
    let red = sheet.pixels().filter(|p| p.0 == [200, 30, 30]).count() as u32;
    assert_eq!(red, (40 + 2 * BORDER) * (20 + 2 * BORDER) - 40 * 20);
    assert_eq!(sheet.pixels().filter(|p| p.0 == [100; 3]).count(), 40 * 20);
}

#[test]
fn captions_render_in_capitals() {
    let scene = scene();
    let tile = grey(&scene, 60, 10);
    let draw = |caption: &str| {
        let panel = Panel { caption: Some(caption.into()), ..panel(&tile) };
        contact_sheet(&scene.figure, &[panel], &[], 1, 2)
    };
    let sheet = draw("L1");
    let rows: Vec<String> = (0..7)
        .map(|y| {
            (0..11)
                .map(|x| {
                    if at(&sheet, x, 20 + BORDER + CAPTION_GAP + y) == CAPTION_COLOR {
                        '#'
                    } else {
                        '.'
                    }
                })
                .collect()
        })
        .collect();
    let expected = [
        "#.......#..",
        "#......##..",
        "#.......#..",
        "#.......#..",
        "#.......#..",
        "#.......#..",
        "#####..###.",
    ];
    assert_eq!(rows, expected);
    assert_eq!(draw("l1"), sheet);

    let signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,-_:%/=+#()~";
    let drawn: HashSet<Vec<u8>> = signs.chars().map(|c| draw(&c.to_string()).into_raw()).collect();
    assert_eq!(drawn.len(), signs.len(), "every character looks different");
}

#[test]
fn text_wraps_between_words() {
    assert_eq!(font::wrap("err 0.12 view", 8), ["err 0.12", "view"]);
    assert_eq!(font::wrap("a\nb", 8), ["a", "b"]);
    assert_eq!(font::wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
    assert!(font::wrap("", 4).is_empty());
}

#[test]
fn ids_have_distinct_colours() {
    let parts = scene().figure.parts.len();
    let mut ids = vec![PixelId::BACKDROP];
    ids.extend((0..3).flat_map(|figure| (0..parts).map(move |part| PixelId::figure(figure, part))));
    ids.extend((0..6).map(PixelId::prop));
    for (i, a) in ids.iter().enumerate() {
        for b in &ids[..i] {
            let distance = picture::id_color(*a).distance(picture::id_color(*b));
            assert!(distance > 0.03, "{a:?} and {b:?} are {distance} apart");
        }
    }
    for a in 0..parts {
        for b in 0..a {
            let [a, b] = [a, b].map(|part| picture::id_color(PixelId::figure(0, part)));
            assert!(a.distance(b) > 0.1, "parts of one figure: {a} and {b}");
        }
    }
}

#[test]
fn depth_is_bright_near_and_dark_far() {
    let scene = scene();
    let mut tile = grey(&scene, 4, 1);
    tile.depth = vec![1.0, 2.0, 500.0, FAR_DEPTH];
    let sheet = contact_sheet(&scene.figure, &[panel(&tile)], &[Overlay::Depth], 1, 1);
    let shades = [0, 1, 2, 3].map(|x| at(&sheet, x, 0));
    assert_eq!(shades[0], [255; 3]);
    assert!((140..150).contains(&shades[1][0]), "{shades:?}");
    assert_eq!(shades[2], [32; 3]);
    assert!(shades[3][0] < 32);
    tile.depth.clear();
    tile.color.clear();
    tile.ids.clear();
    contact_sheet(&scene.figure, &[panel(&tile)], &Overlay::ALL, 1, 1);
}

#[test]
fn the_modal_box_is_solid_and_the_amodal_box_dashed() {
    let scene = scene();
    let mut tile = grey(&scene, 64, 64);
    tile.labels.amodal_box = ImageBox { low: Vec2::splat(5.0), high: Vec2::splat(60.0) };
    tile.labels.modal_box = Some(ImageBox { low: Vec2::splat(10.0), high: Vec2::splat(50.0) });
    let sheet = contact_sheet(&scene.figure, &[panel(&tile)], &[Overlay::Boxes], 1, 4);
    let share = |y: u32| (44..196).filter(|x| at(&sheet, *x, y) == BOX).count() as f32 / 152.0;
    assert_eq!(share(40), 1.0, "inside the box's upper edge, 10 times 4");
    assert!(
        (0.3..0.6).contains(&share(19)),
        "outside the box's upper edge, 5 times 4: {}",
        share(19)
    );
    assert_eq!(at(&sheet, 100, 100), [100; 3]);
}

#[test]
fn overlays_have_names() {
    for overlay in Overlay::ALL {
        assert_eq!(overlay.name().parse::<Overlay>().unwrap(), overlay);
    }
    let complaint = "deep".parse::<Overlay>().unwrap_err().to_string();
    assert_eq!(
        complaint,
        "no overlay is called \"deep\"; the known ones are keypoints, names, ids, depth, boxes, none"
    );
}

#[test]
fn a_sheet_of_real_scenes_survives_the_trip_through_png() {
    let scene = scene();
    let tiles: Vec<Tile> = (0..4)
        .map(|i| cast(sampler(&scene).sample_at(if i < 2 { [0.0; 8] } else { [0.9; 8] }, 1, i, 0)))
        .collect();
    let predictions: Vec<Vec<[f32; 2]>> = tiles
        .iter()
        .map(|t| {
            t.labels
                .keypoints
                .iter()
                .enumerate()
                .map(|(k, l)| (l.pixel + (k % 3) as f32 - 1.0).to_array())
                .collect()
        })
        .collect();
    let panels: Vec<Panel> = tiles
        .iter()
        .zip(&predictions)
        .enumerate()
        .map(|(i, (tile, prediction))| Panel {
            tile,
            prediction: (i % 2 == 1).then_some(prediction.as_slice()),
            border: Some([60 * i as u8, 255 - 60 * i as u8, 80]),
            caption: Some(format!("#{i} err=0.1{i} top 5% pose:0.{i}/occlusion:+0.25 -")),
        })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    for (name, overlays) in [
        ("keypoints", vec![Overlay::Keypoints]),
        ("keypoints_boxes", vec![Overlay::Keypoints, Overlay::Boxes]),
        ("ids_boxes", vec![Overlay::Ids, Overlay::Boxes]),
        ("depth", vec![Overlay::Depth]),
        ("none", vec![Overlay::Plain]),
    ] {
        let sheet = contact_sheet(&scene.figure, &panels, &overlays, 4, 4);
        assert_eq!(sheet, contact_sheet(&scene.figure, &panels, &overlays, 4, 4));
        let path = directory.path().join(format!("{name}.png"));
        save_png(&path, &sheet).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8(), sheet);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 5, "nothing is left aside");
    let missing = directory.path().join("no/such/folder.png");
    let complaint = save_png(&missing, &RgbImage::new(1, 1)).unwrap_err().to_string();
    assert!(complaint.contains("no/such/folder.png"), "{complaint}");
    assert!(matches!(save_png(&missing, &RgbImage::new(0, 0)), Err(SheetError::Encode { .. })));
}
