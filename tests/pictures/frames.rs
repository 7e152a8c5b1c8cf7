//! Tiles share an atlas and nothing else; the same samples give the same bytes.

use super::studio::{Studio, quickstart, random_samples};
use marionette::stream::{SceneSample, Tile};

const SIZE: [u32; 2] = [72, 44];

/// Nine neighbours that could hardly differ more, each with a camera that looks beyond its own
/// pixels.
fn loud_samples() -> Vec<SceneSample> {
    let mut samples = random_samples(&quickstart(SIZE[0], SIZE[1]), 3, 9);
    for (i, sample) in samples.iter_mut().enumerate() {
        sample.light.exposure = if i % 2 == 0 { 6.0 } else { 0.2 };
        sample.degradation.blur = [3.0, 0.0, 1.5][i % 3];
        sample.degradation.noise = 0.05;
        // 7 divides neither the width nor the height, so the last block of a row is cut off.
        sample.degradation.block = [1, 3, 7][i / 3];
    }
    samples
}

#[track_caller]
fn assert_same_pixels(a: &Tile, b: &Tile, what: &str) {
    let different = |n: usize| format!("{what}: {n} values differ");
    let count = a.color.iter().zip(&b.color).filter(|(a, b)| a != b).count();
    assert_eq!(count, 0, "colour, {}", different(count));
    let count = a.ids.iter().zip(&b.ids).filter(|(a, b)| a != b).count();
    assert_eq!(count, 0, "ids, {}", different(count));
    let count = a.depth.iter().zip(&b.depth).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert_eq!(count, 0, "depth, {}", different(count));
    assert_eq!(a.labels, b.labels, "{what}");
}

#[test]
fn a_tile_is_the_same_alone_and_in_any_slot_among_others() {
    let samples = loud_samples();
    let mut studio = Studio::new(9, SIZE);
    let together = studio.shoot(&samples);
    let reversed: Vec<SceneSample> = samples.iter().rev().cloned().collect();
    let mirrored_slots = studio.shoot(&reversed);
    for (i, sample) in samples.iter().enumerate() {
        let alone = studio.shoot_one(sample.clone());
        assert_same_pixels(&alone, &together[i], &format!("tile {i} alone and in slot {i}"));
        assert_same_pixels(
            &alone,
            &mirrored_slots[8 - i],
            &format!("tile {i} alone and in slot {}", 8 - i),
        );
    }
}

#[test]
fn the_same_samples_give_the_same_bytes_again_and_in_another_app() {
    let samples = loud_samples();
    let mut first = Studio::new(9, SIZE);
    let once = first.shoot(&samples);
    let again = first.shoot(&samples);
    // Another shape of atlas, and the first app still alive.
    let other = Studio::new(4, SIZE).shoot(&samples);
    for i in 0..samples.len() {
        assert_same_pixels(&once[i], &again[i], &format!("sample {i}, two frames of one app"));
        assert_same_pixels(&once[i], &other[i], &format!("sample {i}, two apps"));
    }
    assert!(once[0].color != once[1].color, "two different samples look alike");
}
