//! From tiles and photographs to the network's input. Some are flipped at random.

use super::settings::Flips;
use crate::photographs::Photograph;
use candle_core::{Device, Tensor};
use marionette_base::random;
use marionette_figure::Figure;
use marionette_nn::{ModelSpec, detect::normalise};
use marionette_stream::{Batch, Tile, Visibility};
use rand::Rng;
use rayon::prelude::*;

/// A batch as the network's input: a row for each tile and then for each photograph; with
/// [`Flips::Both`] all of these once more.
pub struct Input {
    /// [R, 3, H, W], normalised.
    pub images: Tensor,
    /// [R, K] keypoints, image pixels, flipped along with the image.
    pub keypoints: Vec<[f32; 2]>,
    /// [R, K] visibility, flipped along with the image.
    pub visibility: Vec<Visibility>,
    /// [R] which rows were flipped.
    pub flipped: Vec<bool>,
}

impl Input {
    /// Prepares `batch` and `photographs` for a network of `spec`, on `device`. Whether a row is
    /// flipped depends on (seed, sample) alone.
    ///
    /// # Errors
    /// If the device cannot hold the batch.
    pub fn new(
        batch: &Batch,
        photographs: &[Photograph],
        figure: &Figure,
        spec: &ModelSpec,
        flips: Flips,
        seed: u64,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let twins = figure.keypoint_twins();
        let pictures: Vec<Picture> = (batch.tiles.iter().map(Picture::Tile))
            .chain(photographs.iter().map(Picture::Photograph))
            .collect();
        let mut flipped: Vec<bool> =
            pictures.iter().map(|picture| flips != Flips::None && picture.dice(seed)).collect();
        if flips == Flips::Both {
            flipped.extend_from_within(..);
            flipped[pictures.len()..].iter_mut().for_each(|flipped| *flipped = !*flipped);
        }
        let rows = || flipped.iter().zip(pictures.iter().cycle());
        let pixels = spec.input_width * spec.input_height;
        let mut images = vec![0f32; flipped.len() * 3 * pixels];
        let all: Vec<(&bool, &Picture)> = rows().collect();
        images.par_chunks_mut(3 * pixels).zip(&all).for_each(|(image, (flipped, picture))| {
            normalise(picture.pixels(), spec, **flipped, image);
        });
        let mut keypoints = Vec::with_capacity(flipped.len() * twins.len());
        let mut visibility = Vec::with_capacity(keypoints.capacity());
        for (flipped, picture) in rows() {
            for (k, twin) in twins.iter().enumerate() {
                let ([x, y], seen) = picture.keypoint(if *flipped { *twin } else { k });
                keypoints.push(if *flipped { [spec.input_width as f32 - x, y] } else { [x, y] });
                visibility.push(seen);
            }
        }
        let shape = (flipped.len(), 3, spec.input_height, spec.input_width);
        Ok(Input {
            images: Tensor::from_vec(images, shape, device)?,
            keypoints,
            visibility,
            flipped,
        })
    }

    /// Gives every keypoint the label at that index of `order` [R, K].
    pub fn reorder(&mut self, order: &[usize]) {
        self.keypoints = order.iter().map(|label| self.keypoints[*label]).collect();
        self.visibility = order.iter().map(|label| self.visibility[*label]).collect();
    }

    /// [R, K] which keypoints have a label to learn from: covered ones do, those outside do not.
    pub fn labelled(&self) -> Vec<bool> {
        self.visibility.iter().map(|v| *v != Visibility::Outside).collect()
    }
}

/// A picture to learn from.
enum Picture<'a> {
    Tile(&'a Tile),
    Photograph(&'a Photograph),
}

impl Picture<'_> {
    /// A throw of a coin that depends on (seed, sample) alone.
    fn dice(&self, seed: u64) -> bool {
        let mut random = match self {
            Picture::Tile(tile) => random::stream(seed, tile.scene.index, 0, "train/flip"),
            Picture::Photograph(photograph) => {
                random::stream(seed, photograph.shown, 0, "photographs/flip")
            }
        };
        random.random()
    }

    fn pixels(&self) -> &[u8] {
        match self {
            Picture::Tile(tile) => &tile.color,
            Picture::Photograph(photograph) => &photograph.person.pixels,
        }
    }

    /// Where keypoint `k` is, image pixels, and whether it is seen. Of those in a photograph it is
    /// known only whether they have a label.
    fn keypoint(&self, k: usize) -> ([f32; 2], Visibility) {
        match self {
            Picture::Tile(tile) => {
                let label = &tile.labels.keypoints[k];
                (label.pixel.to_array(), label.visibility)
            }
            Picture::Photograph(photograph) => {
                let person = &photograph.person;
                let seen = if person.labelled[k] { Visibility::Seen } else { Visibility::Outside };
                (person.keypoints[k], seen)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{Vec2, Vec3};
    use marionette_nn as model;
    use marionette_scene::{Sampler, load_scene};
    use marionette_stream::{ImageBox, LabelledKeypoint, Labels, Measured};

    /// A tile of noise, with a keypoint anywhere and of any visibility.
    fn noise(scene: &marionette_scene::Scene, index: u64, size: usize) -> Tile {
        let mut dice = random::stream(7, index, 0, "test");
        let kinds = [Visibility::Outside, Visibility::Covered, Visibility::Seen];
        let keypoint = |k: usize| LabelledKeypoint {
            pixel: Vec2::new((k * 3) as f32 + 0.25, (60 - k) as f32),
            camera: Vec3::Z,
            world: Vec3::ZERO,
            visibility: kinds[(k + index as usize) % 3],
            cover: None,
        };
        let whole = ImageBox { low: Vec2::ZERO, high: Vec2::splat(size as f32) };
        Tile {
            width: size,
            height: size,
            color: (0..4 * size * size).map(|_| dice.random()).collect(),
            ids: Vec::new(),
            depth: Vec::new(),
            labels: Labels {
                keypoints: (0..scene.figure.keypoints.len()).map(keypoint).collect(),
                modal_box: None,
                amodal_box: whole,
                mask_area: 0,
                torso: 20.0,
                measured: Measured {
                    visible_share: 1.0,
                    in_frame_share: 1.0,
                    keypoints_seen: 0,
                    contrast: 0.0,
                    brightness: 0.0,
                },
            },
            scene: Sampler::new(scene, |_| None).sample_at([0.0; 8], 1, index, 0),
        }
    }

    #[test]
    fn both_ways_means_each_row_once_more_in_a_mirror() -> Result<(), Box<dyn std::error::Error>> {
        let scene = load_scene("quickstart")?;
        let (figure, spec) = (&scene.figure, model::spec("nano", scene.figure.keypoints.len())?);
        let tiles: Vec<Tile> = (0..6).map(|index| noise(&scene, index, spec.input_width)).collect();
        let batch = Batch { index: 0, tiles };
        let input = |flips| Input::new(&batch, &[], figure, &spec, flips, 3, &Device::Cpu);
        let (random, both) = (input(Flips::Random)?, input(Flips::Both)?);
        assert!(random.flipped.contains(&true) && random.flipped.contains(&false));
        assert_eq!(input(Flips::None)?.flipped, [false; 6]);

        let (rows, keypoints, width) =
            (batch.tiles.len(), figure.keypoints.len(), spec.input_width);
        assert_eq!(both.images.dims(), [2 * rows, 3, width, width]);
        let (values, alone) = (
            both.images.flatten_all()?.to_vec1::<f32>()?,
            random.images.flatten_all()?.to_vec1::<f32>()?,
        );
        let (first, second) = values.split_at(alone.len());
        assert_eq!(first, alone);
        for (line, mirrored) in first.chunks_exact(width).zip(second.chunks_exact(width)) {
            assert!(line.iter().eq(mirrored.iter().rev()));
        }
        let twins = figure.keypoint_twins();
        for row in 0..rows {
            assert_ne!(both.flipped[row], both.flipped[row + rows]);
            for (k, twin) in twins.iter().enumerate() {
                let (here, there) = (row * keypoints + k, (row + rows) * keypoints + twin);
                assert_eq!(both.keypoints[here], random.keypoints[here]);
                let [x, y] = both.keypoints[here];
                assert_eq!(both.keypoints[there], [width as f32 - x, y]);
                assert_eq!(both.visibility[there], both.visibility[here]);
            }
        }
        Ok(())
    }
}
