//! Hand-made scenes, scenes of the quickstart, and an app to draw them with.

use bevy::app::App;
use glam::{Quat, Vec2, Vec3};
use marionette::base::toml_file::TomlFile;
use marionette::figure::{
    BodyShape, Figure, Pose, RoundCone, lowest_point, place_keypoints, place_parts, solve,
};
use marionette::physics::Solvability;
use marionette::render::{AdapterReport, RendererConfig, headless_app, render_samples, sampler};
use marionette::scene::{Scene, embedded_scenes, load_scene, parse_scene, pictures::PictureBank};
use marionette::stream::{
    Backdrop, BackdropKind, Camera, Degradation, FigureSample, Hardness, Light, Policy, Prop,
    PropRole, PropShape, SampleStream, SceneSample, Tile,
};
use std::sync::{Arc, OnceLock};

/// An app that draws tiles of one size. Bevy's `App` stays on its thread, so every test has a
/// studio of its own.
pub struct Studio {
    app: App,
    config: RendererConfig,
    pub figure: Arc<Figure>,
    pub adapter: AdapterReport,
}

impl Studio {
    pub fn new(tiles: usize, size: [u32; 2]) -> Self {
        Studio::with(&PictureBank::empty(), tiles, size)
    }

    /// A studio whose backdrops show the pictures of a scene.
    pub fn with(pictures: &PictureBank, tiles: usize, [width, height]: [u32; 2]) -> Self {
        let config = RendererConfig { tiles, width, height, threads: 2 };
        let (app, adapter) = headless_app(config, pictures).unwrap();
        Studio { app, config, figure: load_scene("quickstart").unwrap().figure, adapter }
    }

    pub fn shoot(&mut self, samples: &[SceneSample]) -> Vec<Tile> {
        let tiles = render_samples(&mut self.app, self.config, &self.figure, samples).unwrap();
        assert_eq!(tiles.len(), samples.len());
        tiles
    }

    pub fn shoot_one(&mut self, sample: SceneSample) -> Tile {
        self.shoot(&[sample]).remove(0)
    }
}

/// The quickstart scene with another image size.
pub fn quickstart(width: u32, height: u32) -> Scene {
    let file = load_scene("quickstart").unwrap().scene_file;
    let size = format!("image = {{ width = {width}, height = {height} }}");
    let text = file.text.replace("image = { width = 64, height = 64 }", &size);
    assert!(text.contains(&size));
    parse_scene(TomlFile { text, ..file }).unwrap()
}

/// Solvable samples of `scene` at the given hardness.
pub fn samples_at(
    scene: &Scene,
    hardness: Hardness,
    seed: u64,
    indices: std::ops::Range<u64>,
) -> Vec<SceneSample> {
    let judge = Solvability::new(scene.figure.clone());
    indices
        .map(|i| {
            judge
                .first_solvable(i, |attempt| sampler(scene).sample_at(hardness, seed, i, attempt))
                .unwrap()
        })
        .collect()
}

/// Solvable samples of `scene` with every axis anywhere between easy and hard.
pub fn random_samples(scene: &Scene, seed: u64, count: u64) -> Vec<SceneSample> {
    let judge = Solvability::new(scene.figure.clone());
    let policy = Policy::uniform();
    (0..count)
        .map(|i| {
            judge
                .first_solvable(i, |attempt| sampler(scene).sample(&policy, seed, i, attempt))
                .unwrap()
        })
        .collect()
}

/// 304 tiles of all scenes of people that come with the program, every axis anywhere between easy and hard,
/// drawn once for all tests.
pub fn random_tiles() -> &'static [Tile] {
    static TILES: OnceLock<Vec<Tile>> = OnceLock::new();
    TILES.get_or_init(|| {
        // One bank of pictures serves them all.
        let mut studio = Studio::with(&load_scene("all").unwrap().pictures, 64, [64, 64]);
        let scenes = embedded_scenes().map(|name| load_scene(name).unwrap());
        let samples = scenes.filter(|scene| scene.figure.name == "human").flat_map(|scene| {
            let count = if scene.name == "quickstart" { 112 } else { 32 };
            random_samples(&scene, 11, count)
        });
        studio.shoot(&samples.collect::<Vec<_>>())
    })
}

/// A camera at `eye` that looks at `target`, square, with a field of view of `degrees`.
pub fn camera(side: u32, degrees: f32, eye: Vec3, target: Vec3) -> Camera {
    Camera::look_at([side, side], degrees.to_radians(), eye, target, 0.0)
}

/// No sun, and the same light from everywhere.
pub fn even_light() -> Light {
    Light {
        sun_direction: Vec3::Y,
        sun_color: Vec3::ZERO,
        sky_color: Vec3::ONE,
        bounce_color: Vec3::ONE,
        softness: 0.0,
        shadows: true,
        lamp: None,
        exposure: 1.0,
    }
}

/// A black room without a pattern, its wall 3 m behind the origin.
pub fn black_room() -> Backdrop {
    Backdrop {
        kind: BackdropKind::Studio,
        colors: [Vec3::ZERO; 3],
        ground: Vec3::ZERO,
        scale: 1.0,
        contrast: 0.0,
        distance: 3.0,
        seed: 0,
        pictures: [0, 0],
        open: false,
    }
}

/// A perfect camera.
pub fn no_degradation() -> Degradation {
    Degradation::default()
}

/// A scene in even light in a black room.
pub fn scene_of(camera: Camera, figures: Vec<FigureSample>, props: Vec<Prop>) -> SceneSample {
    SceneSample {
        index: 0,
        attempt: 0,
        rejections: Vec::new(),
        policy_version: 0,
        stream: SampleStream::Uniform,
        hardness: [0.0; 8],
        propensity: [1.0; 8],
        figures,
        props,
        border: [0, 0, camera.width, camera.height],
        camera,
        light: even_light(),
        backdrop: black_room(),
        degradation: no_degradation(),
        parameters: Vec::new(),
    }
}

/// The human at rest: upright, arms hanging, soles on the ground, facing +z.
pub fn standing(figure: &Figure) -> FigureSample {
    let shape = BodyShape::default();
    let mut pose = Pose::at_rest(figure);
    pose.root.y = -lowest_point(&place_parts(figure, &shape, &solve(figure, &shape, &pose)));
    let bones = solve(figure, &shape, &pose);
    FigureSample {
        parts: place_parts(figure, &shape, &bones),
        keypoints: place_keypoints(figure, &shape, &bones),
        part_colors: vec![Vec3::splat(0.5); figure.body_parts],
        shape,
        pose,
        ..FigureSample::default()
    }
}

/// A figure of the given parts alone, all keypoints at the origin.
pub fn figure_of(figure: &Figure, parts: Vec<RoundCone>) -> FigureSample {
    FigureSample {
        shape: BodyShape::default(),
        pose: Pose::default(),
        part_colors: vec![Vec3::splat(0.5); parts.len()],
        parts,
        keypoints: vec![Vec3::ZERO; figure.keypoints.len()],
        ..FigureSample::default()
    }
}

pub fn sphere(centre: Vec3, radius: f32) -> RoundCone {
    RoundCone { ends: [centre; 2], radii: [radius; 2] }
}

pub fn ball(position: Vec3, radius: f32) -> Prop {
    Prop {
        shape: PropShape::Ball { radius },
        position,
        rotation: Quat::IDENTITY,
        color: Vec3::splat(0.8),
        role: PropRole::Loose,
    }
}

pub fn cuboid(position: Vec3, half_extents: Vec3, rotation: Quat) -> Prop {
    Prop {
        shape: PropShape::Cuboid { half_extents },
        position,
        rotation,
        color: Vec3::splat(0.8),
        role: PropRole::Loose,
    }
}

/// The pixel that an image position lies in, as an index into a tile's planes.
pub fn index_at(tile: &Tile, pixel: Vec2) -> usize {
    assert!(tile.scene.camera.contains(pixel), "{pixel} is not in the image");
    pixel.y as usize * tile.width + pixel.x as usize
}

/// The centre of the pixel with that index, image coordinates.
pub fn pixel_centre(tile: &Tile, index: usize) -> Vec2 {
    Vec2::new((index % tile.width) as f32 + 0.5, (index / tile.width) as f32 + 0.5)
}

/// Linear light from one sRGB byte.
pub fn linear(byte: u8) -> f32 {
    let c = f32::from(byte) / 255.0;
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}
