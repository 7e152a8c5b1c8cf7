//! Eight tiles kept as a picture.
//!
//! The picture is `tests/fixtures/golden/quickstart.png`: above, four tiles at hardness 0; below,
//! four with every axis at 0.5. A change to the sampler, the scene, the figure or the shaders
//! changes it. Then look at the new one before keeping it:
//!
//! ```text
//! MARIONETTE_WRITE_GOLDEN=1 cargo test --release --test pictures golden
//! ```

use super::studio::{Studio, quickstart, samples_at};
use image::{Rgb, RgbImage};
use marionette::run::sheet::save_png;
use marionette::stream::AXES;
use std::path::Path;

const SIDE: u32 = 32;

#[test]
fn golden_tiles_look_as_they_did() {
    let scene = quickstart(SIDE, SIDE);
    let mut samples = samples_at(&scene, [0.0; AXES], 2, 0..4);
    samples.extend(samples_at(&scene, [0.5; AXES], 2, 4..8));
    let mut studio = Studio::new(8, [SIDE, SIDE]);
    let tiles = studio.shoot(&samples);
    let picture = RgbImage::from_fn(4 * SIDE, 2 * SIDE, |x, y| {
        let tile = &tiles[(y / SIDE * 4 + x / SIDE) as usize];
        let at = ((y % SIDE * SIDE + x % SIDE) * 4) as usize;
        Rgb([tile.color[at], tile.color[at + 1], tile.color[at + 2]])
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/quickstart.png");
    if std::env::var_os("MARIONETTE_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        save_png(&path, &picture).unwrap();
        return;
    }
    let golden = image::open(&path).unwrap().to_rgb8();
    assert_eq!(golden.dimensions(), picture.dimensions());
    // Software rasterisers agree to rounding; GPUs round textures and exponentials in their own
    // ways.
    let most = if studio.adapter.software { 2.0 } else { 6.0 };
    for tile in 0..8 {
        let (left, top) = (tile % 4 * SIDE, tile / 4 * SIDE);
        let mut sums = [0.0f32; 3];
        for (x, y) in (0..SIDE * SIDE).map(|i| (left + i % SIDE, top + i / SIDE)) {
            for c in 0..3 {
                sums[c] +=
                    f32::from(golden.get_pixel(x, y)[c].abs_diff(picture.get_pixel(x, y)[c]));
            }
        }
        let mean = sums.map(|sum| sum / (SIDE * SIDE) as f32);
        assert!(
            mean.iter().all(|m| *m < most),
            "tile {tile} differs by {mean:.2?} of 255 on {:?}",
            studio.adapter
        );
    }
}
