//! Samples a batch of the built-in scene `quickstart`, renders it, and prints the keypoint labels of
//! its first tile. Nothing is trained.
//!
//! `cargo run --release --example sample_and_label`

use marionette::{
    physics::Solvability,
    render::{RendererConfig, headless_app, render_samples, sampler},
    scene::load_scene,
    stream::{Policy, SceneSample, StreamMix},
};
use std::error::Error;

const SEED: u64 = 0;
const TILES: u64 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let scene = load_scene("quickstart")?;

    // Every sample of this policy is uniform: each axis is anywhere between easy and hard.
    let mix = StreamMix { uniform: 1.0, steered: 0.0 };
    let policy = Policy::initial(mix, 1);
    let solvability = Solvability::new(scene.figure.clone());
    let mut samples: Vec<SceneSample> = Vec::new();
    for index in 0..TILES {
        // An attempt that shows too little of the figure is rejected, and the next one is made.
        samples.push(solvability.first_solvable(index, |attempt| {
            sampler(&scene).sample(&policy, SEED, index, attempt)
        })?);
    }

    let (width, height) = (scene.image.width, scene.image.height);
    let config = RendererConfig { tiles: samples.len(), width, height, threads: 2 };
    let (mut app, adapter) = headless_app(config, &scene.pictures)?;
    let tiles = render_samples(&mut app, config, &scene.figure, &samples)?;
    println!("{} tiles of {width}x{height} pixels, rendered by {}", tiles.len(), adapter.name);

    let labels = &tiles[0].labels;
    println!("{:16} {:>6} {:>6}  visibility", "keypoint", "x", "y");
    for (keypoint, label) in scene.figure.keypoints.iter().zip(&labels.keypoints) {
        let [x, y] = label.pixel.to_array();
        println!("{:16} {x:6.1} {y:6.1}  {:?}", keypoint.name, label.visibility);
    }
    Ok(())
}
