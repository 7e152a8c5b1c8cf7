//! A higher requested hardness is a higher measured one.

use super::studio::{Studio, quickstart, samples_at};
use marionette::scene::{Scene, load_scene};
use marionette::stream::{AXES, HardnessAxis, Shown, Tile};

const LEVELS: [f32; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// Spearman's rank correlation of `values` with their order.
fn spearman(values: &[f32]) -> f32 {
    let n = values.len() as f32;
    // Equal values share the mean of their ranks.
    let rank = |v: &f32| {
        let [below, equal] = [|a: &f32, v: &f32| a < v, |a: &f32, v: &f32| a == v]
            .map(|compare| values.iter().filter(|other| compare(other, v)).count() as f32);
        below + (equal - 1.0) / 2.0
    };
    let squares: f32 = values.iter().enumerate().map(|(i, v)| (i as f32 - rank(v)).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

/// The share of the image that shows other figures.
fn others(tile: &Tile) -> f32 {
    let other = |shown| matches!(shown, Shown::Figure { figure: 1.., .. });
    tile.ids.iter().filter(|id| other(id.shown())).count() as f32 / tile.ids.len() as f32
}

#[test]
fn measured_hardness_follows_the_requested_one_in_the_first_scene() {
    measured_follows_requested(&quickstart(64, 64));
}

#[test]
fn measured_hardness_follows_the_requested_one_in_the_widest_scene() {
    measured_follows_requested(&load_scene("all").unwrap());
}

fn measured_follows_requested(scene: &Scene) {
    let mut studio = Studio::with(&scene.pictures, 32, [64, 64]);
    // With the least change from the easiest to the hardest: a rank correlation alone would be
    // content with a hair's breadth.
    let measures: [(HardnessAxis, &str, f32, fn(&Tile) -> f32); 5] = [
        (HardnessAxis::Occlusion, "visible share", -0.1, |tile| tile.labels.measured.visible_share),
        (HardnessAxis::Truncation, "share in frame", -0.1, |tile| {
            tile.labels.measured.in_frame_share
        }),
        (HardnessAxis::Lighting, "brightness", -0.1, |tile| tile.labels.measured.brightness),
        (HardnessAxis::Camouflage, "contrast", -0.03, |tile| tile.labels.measured.contrast),
        (HardnessAxis::Crowd, "share of others", 0.05, others),
    ];
    let mut wrong = Vec::new();
    for (axis, name, least, measure) in measures {
        // The same 32 samples at every level: their random streams do not depend on the hardness.
        let means = LEVELS.map(|level| {
            let mut hardness = [0.0; AXES];
            hardness[axis as usize] = level;
            let tiles = studio.shoot(&samples_at(scene, hardness, 9, 0..32));
            tiles.iter().map(measure).sum::<f32>() / tiles.len() as f32
        });
        let correlation = spearman(&means);
        let line = format!("{axis:>12}: {name:<15} {means:.3?}, rank correlation {correlation:.2}");
        println!("{line}");
        if correlation * least.signum() < 0.8 || (means[5] - means[0]) / least < 1.0 {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
