//! What a network sees at each place of an image.

use super::graph::MapSize;

/// The map that a network's last layer reads, for a batch of images. No gradient flows through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// `[B, h, w, C]`.
    pub values: Vec<f32>,
    /// h, w and C.
    pub size: MapSize,
}

impl Features {
    /// The `C` values of image `image` that belong to `place`, in shares of its width and height
    /// from its left upper corner. Outside the image it is the nearest one inside.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn at(&self, image: usize, place: [f32; 2]) -> &[f32] {
        let MapSize { channels, height, width } = self.size;
        let cell = |share: f32, cells: usize| ((share * cells as f32) as usize).min(cells - 1);
        let (x, y) = (cell(place[0], width), cell(place[1], height));
        &self.values[((image * height + y) * width + x) * channels..][..channels]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_of_the_cell_that_holds_the_place() {
        let size = MapSize { channels: 2, height: 2, width: 3 };
        let features = Features { values: (0..24).map(|i| i as f32).collect(), size };
        assert_eq!(features.at(0, [0.0, 0.0]), [0.0, 1.0]);
        assert_eq!(features.at(0, [0.5, 0.0]), [2.0, 3.0]);
        assert_eq!(features.at(1, [0.99, 0.5]), [22.0, 23.0]);
        assert_eq!(features.at(1, [-3.0, 9.0]), [18.0, 19.0]);
    }
}
