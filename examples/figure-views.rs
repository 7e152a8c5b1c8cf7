//! Draws a figure in given joint states from given cameras, and writes where its bones are and what
//! each pixel shows, to compare with another program's: see `scripts/robots/`.
//!
//! `cargo run --release --example figure-views -- FIGURE_DIR states.json OUT_DIR`
//!
//! `states.json` holds `intrinsics` (fx, fy, cx, cy of OpenCV, width, height) and `states`, each
//! with `joints` by name and `camera_from_base`: from the root bone's frame to x right, y down, z
//! forward. Written are `views.json` (places of bones and keypoints in the base's frame, the bone
//! of each part), `ids.npy` (views x height x width; 0: nothing, else one more than the part) and
//! `depth.npy` (metres).

use glam::{Affine3A, Mat4, Vec2, Vec3};
use marionette::{
    base::atomic_file::write_atomic,
    figure::{BodyShape, Bone, load_figure, place_keypoints, solve},
    pnp::{Intrinsics, LensFile, pose_of_joints},
    render::{RendererConfig, headless_app, render_samples, sampler},
    scene::load_scene,
    stream::{AXES, Camera, Degradation, FigureSample, PixelId, SceneSample, Shown},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

/// Views in a frame.
const TILES: usize = 10;
/// The figure floats as high above the ground, which would cover what is under its base, metres.
const HEIGHT: f32 = 10.0;

#[derive(Deserialize)]
struct Request {
    intrinsics: serde_json::Value,
    states: Vec<State>,
}

#[derive(Deserialize)]
struct State {
    joints: BTreeMap<String, f32>,
    camera_from_base: [[f32; 4]; 4],
}

#[derive(Serialize)]
struct Views {
    /// The bone of each part.
    parts: Vec<String>,
    views: Vec<View>,
}

#[derive(Serialize)]
struct View {
    /// Where each bone's origin is in the root bone's frame, metres.
    bones: BTreeMap<String, [f32; 3]>,
    /// The same of each keypoint.
    keypoints: BTreeMap<String, [f32; 3]>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, states, out] = arguments.as_slice() else {
        return Err("usage: figure-views FIGURE_DIR states.json OUT_DIR".into());
    };
    let (folder, states, out) = (Path::new(folder), Path::new(states), Path::new(out));
    let file = if folder.is_dir() { folder.join("figure.toml") } else { folder.to_owned() };
    let figure = load_figure(&file)?;
    let Request { intrinsics, states: wanted } =
        serde_json::from_str(&fs::read_to_string(states)?)?;
    let lens = *LensFile::parse(states, &intrinsics.to_string())?.of("")?;
    let size = lens.size.ok_or("intrinsics have no width and height")?;

    // A plain scene, of which everything but the light is replaced.
    let scene = load_scene("quickstart")?;
    let plain = sampler(&scene).sample_at([0.0; AXES], 1, 0, 0);
    let shape = BodyShape::default();
    let (mut samples, mut views) = (Vec::new(), Vec::new());
    for state in &wanted {
        let mut pose = pose_of_joints(&figure, &state.joints)?;
        pose.root = Vec3::new(0.0, HEIGHT, 0.0);
        let bones = solve(&figure, &shape, &pose);
        let base_from_world = bones[0].inverse();
        let in_base = |place: Vec3| base_from_world.transform_point3(place).to_array();
        let of_bone = |(bone, world_from_bone): (&Bone, &Affine3A)| {
            (bone.name.clone(), in_base(world_from_bone.translation.into()))
        };
        let keypoints = place_keypoints(&figure, &shape, &bones);
        let keypoints = figure.keypoints.iter().zip(keypoints);
        views.push(View {
            bones: figure.bones.iter().zip(&bones).map(of_bone).collect(),
            keypoints: keypoints.map(|(own, at)| (own.name.clone(), in_base(at))).collect(),
        });
        let camera_from_base = Mat4::from_cols_array_2d(&state.camera_from_base).transpose();
        let camera = camera(&lens, size, Affine3A::from_mat4(camera_from_base) * base_from_world);
        let mut drawn = FigureSample {
            shape: shape.clone(),
            pose,
            part_colors: vec![Vec3::splat(0.5); figure.body_parts],
            ..FigureSample::default()
        };
        drawn.place(&figure);
        samples.push(SceneSample {
            figures: vec![drawn],
            props: Vec::new(),
            border: [0, 0, size[0], size[1]],
            camera,
            degradation: Degradation::default(),
            ..plain.clone()
        });
    }

    let config = RendererConfig {
        tiles: TILES.min(samples.len()),
        width: size[0],
        height: size[1],
        threads: 2,
    };
    let (mut app, _) = headless_app(config, &scene.pictures)?;
    let (mut ids, mut depth) = (Vec::new(), Vec::new());
    for tile in render_samples(&mut app, config, &figure, &samples)? {
        ids.extend(tile.ids.iter().map(|id| number(*id)));
        depth.extend(tile.depth);
    }
    let parts = figure.parts.iter().map(|part| figure.bones[part.bone].name.clone()).collect();
    let shape = [samples.len(), size[1] as usize, size[0] as usize];
    fs::create_dir_all(out)?;
    let text = serde_json::to_string_pretty(&Views { parts, views })?;
    write_atomic(&out.join("views.json"), text.as_bytes())?;
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    write_atomic(&out.join("ids.npy"), &npy("<u2", shape, &bytes))?;
    let bytes: Vec<u8> = depth.iter().flat_map(|metres| metres.to_le_bytes()).collect();
    write_atomic(&out.join("depth.npy"), &npy("<f4", shape, &bytes))?;
    println!("{} views of {} in {}", samples.len(), figure.name, out.display());
    Ok(())
}

/// Ours counts pixels from the corner of the top-left one.
fn camera(lens: &Intrinsics, size: [u32; 2], camera_from_world: Affine3A) -> Camera {
    let vector = |values: [f64; 2]| Vec2::from(values.map(|value| value as f32));
    Camera {
        width: size[0],
        height: size[1],
        focal: vector(lens.focal),
        centre: vector(lens.center.map(|value| value + 0.5)),
        distortion: 0.0,
        camera_from_world,
    }
}

fn number(id: PixelId) -> u16 {
    match id.shown() {
        Shown::Figure { part, .. } => part as u16 + 1,
        Shown::Backdrop | Shown::Prop(_) => 0,
    }
}

/// A file of NumPy's format 1.0 (numpy.lib.format) of three dimensions.
fn npy(kind: &str, [views, height, width]: [usize; 3], bytes: &[u8]) -> Vec<u8> {
    let text = format!(
        "{{'descr': '{kind}', 'fortran_order': False, 'shape': ({views}, {height}, {width}), }}"
    );
    // The data begin at a multiple of 64 bytes, after ten of the format and the header's new line.
    let padded = (text.len() + 11).next_multiple_of(64) - 11;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(((padded + 1) as u16).to_le_bytes());
    file.extend(format!("{text:padded$}\n").bytes());
    file.extend(bytes);
    file
}
