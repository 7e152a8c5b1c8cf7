//! `bench render`: labelled tiles per second, and the peer that draws the same scenes with one Bevy
//! camera per tile.

use super::{
    context::Bench,
    feed::{per_second, samples_per_second},
    memory::Peak,
    report::{Spread, memory_line},
};
use bevy::prelude::App;
use marionette::figure::Figure;
use marionette::physics::Solvability;
use marionette::render::{
    Frame, FrameToDraw, RendererConfig, headless_app, label_frame, next_drawn, update,
};
use marionette::scene::Scene;
use marionette::stream::{Policy, SceneSample, StreamMix};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    fmt::{self, Display},
    hint::black_box,
    sync::Arc,
};

#[cfg(feature = "camera-per-tile")]
#[path = "../../../benches/camera_per_tile.rs"]
mod camera_per_tile;

/// Frames that are prepared and then drawn in turn.
const FRAMES: usize = 4;

/// What was measured.
#[derive(Serialize)]
pub struct RenderReport {
    tiles: usize,
    sizes: Vec<SizeReport>,
}

/// What was measured of tiles of one size, in tiles per second.
#[derive(Serialize)]
struct SizeReport {
    /// Side of a tile, pixels.
    side: u32,
    /// The generator: samples drawn and settled, frames drawn, read back and labelled.
    generator: Spread,
    /// Prepared samples: frames drawn, read back and labelled.
    labelled: Spread,
    /// Prepared samples: frames drawn and read back.
    drawn: Spread,
    /// Prepared samples drawn with one Bevy camera per tile, colour alone read back; absent in
    /// builds without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_per_tile: Option<Spread>,
    /// `labelled` over `camera_per_tile`, pair by pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<Spread>,
    /// Most memory that the process used meanwhile; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

/// Measures `bench render`.
///
/// # Errors
/// Where drawing fails.
pub fn measure(bench: &Bench) -> anyhow::Result<RenderReport> {
    let sizes =
        bench.sizes.iter().map(|side| measure_size(bench, *side)).collect::<Result<_, _>>()?;
    Ok(RenderReport { tiles: bench.tiles, sizes })
}

fn measure_size(bench: &Bench, side: u32) -> anyhow::Result<SizeReport> {
    let scene = bench.scene_of(side, side);
    let policy = Arc::new(Policy::initial(StreamMix::default(), bench.config.curriculum.bins));
    let frames = prepared(bench, &scene, &policy)?;
    let (mut app, _) = headless_app(
        RendererConfig { tiles: bench.tiles, width: side, height: side, threads: bench.threads },
        &scene.pictures,
    )?;
    let mut peer = peer(bench, side, &frames)?;
    let peak = Peak::since_now();
    let [mut generator, mut labelled, mut drawn, mut of_peer] = [const { Vec::new() }; 4];
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("render, {side}x{side}, {pair} of {}", bench.pairs));
        labelled.push(rate(bench, &mut app, &frames, Some(&scene.figure))?);
        if let Some(peer) = &mut peer {
            of_peer.push(peer_rate(bench, peer, &frames)?);
        }
        drawn.push(rate(bench, &mut app, &frames, None)?);
        generator.push(samples_per_second(bench, &scene, bench.tiles, &policy, |batch| {
            black_box(batch);
            Ok(())
        })?);
    }
    let labelled = Spread::of(labelled);
    let peer = peer.map(|_| Spread::of(of_peer));
    Ok(SizeReport {
        side,
        ratio: peer.as_ref().map(|peer| labelled.with(peer, |ours, theirs| ours / theirs)),
        generator: Spread::of(generator),
        labelled,
        drawn: Spread::of(drawn),
        camera_per_tile: peer,
        peak_memory_bytes: peak.bytes(),
    })
}

/// Samples of a run's beginning, a few frames of them.
fn prepared(
    bench: &Bench,
    scene: &Scene,
    policy: &Policy,
) -> anyhow::Result<Vec<Arc<Vec<SceneSample>>>> {
    let (judge, seed) = (Solvability::new(scene.figure.clone()), bench.config.seed);
    let frame = |frame: usize| {
        let first = (frame * bench.tiles) as u64;
        let samples: Result<Vec<_>, _> = (first..first + bench.tiles as u64)
            .into_par_iter()
            .map(|index| {
                judge.first_solvable(index, |attempt| {
                    marionette::render::sampler(scene).sample(policy, seed, index, attempt)
                })
            })
            .collect();
        Ok(Arc::new(samples?))
    };
    (0..FRAMES).map(frame).collect()
}

/// Tiles drawn per second, and labelled where there is a figure to label.
fn rate(
    bench: &Bench,
    app: &mut App,
    frames: &[Arc<Vec<SceneSample>>],
    figure: Option<&Figure>,
) -> anyhow::Result<f64> {
    let mut tag = 0;
    per_second(bench.seconds, || {
        let samples = frames[tag as usize % frames.len()].clone();
        app.world_mut().resource_mut::<FrameToDraw>().0 = Some(Frame { tag, samples });
        tag += 1;
        update(app)?;
        let mut tiles = 0;
        while let Some(drawn) = next_drawn(app)? {
            tiles += drawn.frame.samples.len() as u64;
            if let Some(figure) = figure {
                black_box(label_frame(figure, drawn));
            }
        }
        Ok(tiles)
    })
}

/// Draws a frame and says how many have arrived meanwhile.
type Peer = Box<dyn FnMut(&Arc<Vec<SceneSample>>) -> anyhow::Result<u64>>;

/// The peer, in builds that have it.
#[cfg(feature = "camera-per-tile")]
fn peer(
    bench: &Bench,
    side: u32,
    frames: &[Arc<Vec<SceneSample>>],
) -> anyhow::Result<Option<Peer>> {
    let mut peer = camera_per_tile::CameraPerTile::new([side, side], bench.threads, &frames[0])?;
    Ok(Some(Box::new(move |scenes| peer.draw(scenes))))
}

/// The peer, in builds that have it.
#[cfg(not(feature = "camera-per-tile"))]
fn peer(_: &Bench, _: u32, _: &[Arc<Vec<SceneSample>>]) -> anyhow::Result<Option<Peer>> {
    Ok(None)
}

fn peer_rate(
    bench: &Bench,
    peer: &mut Peer,
    frames: &[Arc<Vec<SceneSample>>],
) -> anyhow::Result<f64> {
    let mut next = 0;
    per_second(bench.seconds, || {
        let samples = &frames[next % frames.len()];
        next += 1;
        Ok(peer(samples)? * samples.len() as u64)
    })
}

impl Display for RenderReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "\nRendering {} tiles a frame with shadows, ids and depth, tiles/s: median (lowest to \
             highest)",
            self.tiles
        )?;
        for size in &self.sizes {
            let SizeReport {
                side,
                generator,
                labelled,
                drawn,
                camera_per_tile,
                ratio,
                peak_memory_bytes,
            } = size;
            writeln!(f, "\n  {side}x{side}")?;
            writeln!(f, "    sampled, settled, drawn, read back, labelled  {generator}")?;
            writeln!(f, "    prepared: drawn, read back, labelled          {labelled}")?;
            writeln!(f, "    prepared: drawn, read back                    {drawn}")?;
            match (camera_per_tile, ratio) {
                (Some(peer), Some(ratio)) => {
                    writeln!(f, "    one Bevy camera per tile, colour alone        {peer:.1}")?;
                    writeln!(f, "    labelled, over one camera per tile            {ratio:.1}")?;
                }
                _ => writeln!(
                    f,
                    "    one Bevy camera per tile: not in this build (--features camera-per-tile)"
                )?,
            }
            write!(f, "    {}", memory_line(*peak_memory_bytes))?;
        }
        Ok(())
    }
}
