//! Parts that are drawn as triangles, against round cones' siblings and against rays.

use super::studio::{Studio, camera, cuboid, even_light, pixel_centre, random_samples, scene_of};
use glam::{DVec3, Quat, Vec3};
use marionette::base::toml_file::TomlFile;
use marionette::figure::{Figure, Pose, load_figure, parse_figure};
use marionette::scene::load_scene;
use marionette::stream::{FigureSample, Light, PixelId, Prop, SceneSample, Shown, Tile};
use std::{path::Path, sync::Arc};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/crane").join(name)
}

/// A figure of one box.
fn box_figure(sides: Vec3) -> Figure {
    let text = format!(
        "name = \"box\"\nedges = [[\"a\", \"b\"]]\n[[bones]]\nname = \"box\"\noffset = [0, 0, 0]\n\
         [[parts]]\nname = \"box\"\nbone = \"box\"\nbox = {:?}\n[[keypoints]]\nname = \"a\"\n\
         bone = \"box\"\n[[keypoints]]\nname = \"b\"\nbone = \"box\"\noffset = [0, 0.1, 0]\n",
        sides.to_array()
    );
    parse_figure(&TomlFile { path: "box.toml".into(), text }).unwrap()
}

fn placed(figure: &Figure, pose: Pose, color: Vec3) -> FigureSample {
    let mut sample = FigureSample { pose, ..FigureSample::default() };
    sample.place(figure);
    sample.part_colors = vec![color; sample.parts.len()];
    sample
}

#[test]
fn a_box_of_triangles_looks_as_a_box_that_rays_find() {
    let mut studio = Studio::new(2, [96, 96]);
    let sides = Vec3::new(0.5, 0.9, 0.3);
    let figure = Arc::new(box_figure(sides));
    let human = std::mem::replace(&mut studio.figure, figure.clone());
    let (at, turned) = (Vec3::new(0.1, 0.9, -0.2), Quat::from_rotation_y(0.7));
    let turned = turned * Quat::from_rotation_x(0.4);
    let color = Vec3::new(0.5, 0.3, 0.1);
    let mut view = camera(96, 50.0, Vec3::new(0.8, 1.7, 2.4), Vec3::new(0.0, 0.8, 0.0));
    for distortion in [0.0, 0.1] {
        view.distortion = view.distortion_of(distortion);
        let light = Light {
            sun_direction: Vec3::new(0.5, 0.6, 0.7).normalize(),
            sun_color: Vec3::splat(0.7),
            sky_color: Vec3::splat(0.3),
            bounce_color: Vec3::splat(0.1),
            ..even_light()
        };
        let pose = Pose { root: at, orientation: turned, ..Pose::at_rest(&figure) };
        let drawn = placed(&figure, pose, color);
        let prop = Prop { color, ..cuboid(at, sides * 0.5, turned) };
        let scene = |figures, props| SceneSample { light, ..scene_of(view, figures, props) };
        let triangles = studio.shoot_one(scene(vec![drawn], vec![]));
        studio.figure = human.clone();
        let mut far = super::studio::standing(&human);
        far.place(&human);
        far.parts.iter_mut().for_each(|part| part.ends.iter_mut().for_each(|end| end.y -= 50.0));
        let rays = studio.shoot_one(scene(vec![far], vec![prop]));
        studio.figure = figure.clone();
        let (mut shown, mut differ, mut worst, mut mean) = (0, 0, 0, 0);
        for k in 0..96 * 96 {
            let [is, was] = [triangles.ids[k], rays.ids[k]].map(|id| id != PixelId::BACKDROP);
            shown += u32::from(is);
            differ += usize::from(is != was);
            if is && was {
                let [a, b] = [triangles.depth[k], rays.depth[k]];
                assert!((a - b).abs() < 1e-3, "pixel {k}: {a} m and {b} m");
                let off = |c: usize| {
                    i32::from(triangles.color[4 * k + c]) - i32::from(rays.color[4 * k + c])
                };
                mean += (0..3).map(off).sum::<i32>();
                worst += usize::from((0..3).any(|c| off(c).abs() > 25));
            }
        }
        assert!(shown > 600, "{shown} pixels");
        assert!(differ <= 4, "{differ} pixels of the outline differ");
        // The cloth of both has other folds, and the normal of a box that rays find is that of the
        // nearest face, also just beside an edge.
        assert!(worst < 20, "{worst} of {shown} pixels have another colour");
        assert!(mean.unsigned_abs() < 6 * shown, "{mean} in all over {shown} pixels");
    }
}

#[test]
fn a_tile_of_triangles_does_not_depend_on_its_place() {
    let scene = load_scene(fixture("cranes.toml").to_str().unwrap()).unwrap();
    let samples = random_samples(&scene, 5, 4);
    let size = [scene.image.width, scene.image.height];
    let mut studio = Studio::with(&scene.pictures, 7, size);
    studio.figure = scene.figure.clone();
    let bytes = |tile: &Tile| (tile.color.clone(), tile.ids.clone(), tile.depth.clone());
    let first: Vec<_> = studio.shoot(&samples).iter().map(bytes).collect();
    let mut turned = samples.clone();
    turned.reverse();
    turned.insert(0, samples[1].clone());
    let second: Vec<_> = studio.shoot(&turned).iter().map(bytes).collect();
    for (k, tile) in first.iter().enumerate() {
        assert!(*tile == second[4 - k], "sample {k} looks different in another place");
    }
}

/// Where a ray from the origin along `ray` meets a triangle, in lengths of `ray` (Moeller and
/// Trumbore 1997).
fn met([a, b, c]: [DVec3; 3], ray: DVec3) -> Option<f64> {
    let (ab, ac) = (b - a, c - a);
    let p = ray.cross(ac);
    let inverse = 1.0 / ab.dot(p);
    let u = -a.dot(p) * inverse;
    let q = (-a).cross(ab);
    let v = ray.dot(q) * inverse;
    let t = ac.dot(q) * inverse;
    (inverse.is_finite() && u >= 0.0 && v >= 0.0 && u + v <= 1.0 && t > 0.0).then_some(t)
}

#[test]
fn ids_and_depth_of_triangles_are_those_that_rays_find() {
    let mut studio = Studio::new(1, [96, 96]);
    let figure = Arc::new(load_figure(&fixture("crane.toml")).unwrap());
    studio.figure = figure.clone();
    let mut pose = Pose::at_rest(&figure);
    let bone = |name: &str| figure.bones.iter().position(|bone| bone.name == name).unwrap();
    pose.angles[bone("mast")].y = 0.8;
    pose.angles[bone("boom")].x = -0.4;
    pose.slides[bone("slider")].y = 0.25;
    pose.slides[bone("left_jaw")].x = 0.05;
    marionette::figure::keep_to_joints(&figure, &mut pose);
    assert_eq!(pose.slides[bone("right_jaw")].x, -0.05, "it follows");
    let view = camera(96, 45.0, Vec3::new(2.2, 1.6, 2.2), Vec3::new(0.2, 0.7, 0.1));
    let sample = placed(&figure, pose, Vec3::splat(0.5));
    assert!(sample.vertices.len() > 100 && sample.drawn_cones().count() == 2);
    let tile = studio.shoot_one(scene_of(view, vec![sample.clone()], vec![]));
    let corner = |index: u16| {
        let world = sample.vertices[usize::from(index)].position;
        view.camera_from_world.transform_point3(world).as_dvec3()
    };
    let (mut inside, mut other) = (0, 0);
    for k in 0..96 * 96usize {
        let ray = view.straight(pixel_centre(&tile, k)).extend(1.0).as_dvec3();
        let of_triangles = figure.surface.triangles.iter().filter_map(|triangle| {
            met(triangle.corners.map(corner), ray).map(|depth| (depth, usize::from(triangle.part)))
        });
        let (eye, along) = (view.eye(), view.ray_through(pixel_centre(&tile, k)));
        let stretch = f64::from(ray.length() as f32);
        let of_cones = sample.drawn_cones().filter_map(|(part, cone)| {
            cone.ray(eye, along).map(|length| (f64::from(length) / stretch, part))
        });
        let nearest = of_triangles.chain(of_cones).min_by(|a, b| a.0.total_cmp(&b.0));
        let shown = match tile.ids[k].shown() {
            Shown::Figure { part, .. } => Some(part),
            _ => None,
        };
        inside += usize::from(shown.is_some());
        match nearest {
            Some((depth, part)) if shown == Some(part) => {
                let off = (f64::from(tile.depth[k]) - depth).abs();
                assert!(off < 2e-3, "pixel {k}: {off} m off");
            }
            nearest => other += usize::from(shown != nearest.map(|(_, part)| part)),
        }
    }
    assert!(inside > 450, "{inside} pixels");
    assert!(other <= 3, "{other} pixels show something else");
    let visible = tile.labels.measured.visible_share;
    assert!(visible > 0.98, "{visible} of the silhouette is seen, and nothing covers it");
}
