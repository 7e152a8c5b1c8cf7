//! What can be measured of a labelled sample that hardness should move.

use marionette_stream::{PixelId, Quantity, Shown, Tile, Visibility};
use serde::Serialize;

/// How many measures there are.
pub const MEASURES: usize = 12;

/// Something measured of a labelled sample that hardness should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean angle that the joints are turned by, degrees.
    Bend,
    /// Angle in the image between its vertical and the pelvis' own upward axis, degrees; 180 upside
    /// down.
    Lean,
    /// Angle between the direction that the figure faces and the one to the camera, degrees; 180
    /// from behind.
    Turn,
    /// Visible pixels as a share of the silhouette inside the image.
    Visible,
    /// Silhouette inside the image as a share of the whole.
    InFrame,
    /// Keypoints in the image, covered or not.
    KeypointsIn,
    /// Keypoints seen.
    KeypointsSeen,
    /// Mean sRGB brightness of the figure, 0 to 1.
    Brightness,
    /// Distance between the mean sRGB colours of the figure and of what surrounds it, 0 to 1.
    Contrast,
    /// Mean difference in brightness between neighbouring pixels of the figure, 0 to 1: less where
    /// it is blurred, more where it is noisy.
    Detail,
    /// Share of the image that shows other figures.
    Others,
    /// Share of the image that shows props.
    Props,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Measure; MEASURES] = [
        Measure::Bend,
        Measure::Lean,
        Measure::Turn,
        Measure::Visible,
        Measure::InFrame,
        Measure::KeypointsIn,
        Measure::KeypointsSeen,
        Measure::Brightness,
        Measure::Contrast,
        Measure::Detail,
        Measure::Others,
        Measure::Props,
    ];

    /// What it is called at the head of a column.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Bend => "bend",
            Measure::Lean => "lean",
            Measure::Turn => "turn",
            Measure::Visible => "visible",
            Measure::InFrame => "in frame",
            Measure::KeypointsIn => "kpts in",
            Measure::KeypointsSeen => "kpts seen",
            Measure::Brightness => "bright",
            Measure::Contrast => "contrast",
            Measure::Detail => "detail",
            Measure::Others => "others",
            Measure::Props => "props",
        }
    }

    /// What it is, in a few words and with its unit.
    pub fn description(self) -> &'static str {
        match self {
            Measure::Bend => "bend of the joints, degrees",
            Measure::Lean => "lean in the image, degrees",
            Measure::Turn => "turn from the camera, degrees",
            Measure::Visible => "visible share",
            Measure::InFrame => "share in the frame",
            Measure::KeypointsIn => "keypoints in the image",
            Measure::KeypointsSeen => "keypoints seen",
            Measure::Brightness => "brightness",
            Measure::Contrast => "contrast",
            Measure::Detail => "detail",
            Measure::Others => "other figures, of the image",
            Measure::Props => "props, of the image",
        }
    }

    /// What `tile` measures.
    pub fn of(self, tile: &Tile) -> f32 {
        let measured = &tile.labels.measured;
        match self {
            Measure::Bend => Quantity::Bend.of(&tile.scene),
            Measure::Lean => Quantity::Lean.of(&tile.scene),
            Measure::Turn => Quantity::Turn.of(&tile.scene),
            Measure::Visible => measured.visible_share,
            Measure::InFrame => measured.in_frame_share,
            Measure::KeypointsIn => {
                tile.labels.keypoints.iter().filter(|k| k.visibility != Visibility::Outside).count()
                    as f32
            }
            Measure::KeypointsSeen => measured.keypoints_seen as f32,
            Measure::Brightness => measured.brightness,
            Measure::Contrast => measured.contrast,
            Measure::Detail => detail(tile.width, &tile.color, &tile.ids),
            Measure::Others => {
                share(&tile.ids, |shown| matches!(shown, Shown::Figure { figure: 1.., .. }))
            }
            Measure::Props => share(&tile.ids, |shown| matches!(shown, Shown::Prop(_))),
        }
    }
}

/// Mean absolute difference in brightness between each two neighbours, side by side or one above
/// the other, that both show the primary figure; 0 where there are none.
fn detail(width: usize, color: &[u8], ids: &[PixelId]) -> f32 {
    let brightness =
        |pixel: usize| color[pixel * 4..pixel * 4 + 3].iter().map(|v| i32::from(*v)).sum::<i32>();
    let own = |pixel: usize| ids[pixel].is_figure(0);
    let (mut sum, mut pairs) = (0i64, 0i64);
    for pixel in (0..ids.len()).filter(|pixel| own(*pixel)) {
        let right = (pixel % width + 1 < width).then_some(pixel + 1);
        let below = (pixel + width < ids.len()).then_some(pixel + width);
        for neighbour in [right, below].into_iter().flatten().filter(|neighbour| own(*neighbour)) {
            sum += i64::from((brightness(pixel) - brightness(neighbour)).abs());
            pairs += 1;
        }
    }
    sum as f32 / (pairs.max(1) * 3 * 255) as f32
}

fn share(ids: &[PixelId], counts: impl Fn(Shown) -> bool) -> f32 {
    ids.iter().filter(|id| counts(id.shown())).count() as f32 / ids.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_counts_the_figure_s_own_neighbours() {
        let own = PixelId::figure(0, 3);
        let grey = |v: u8| [v, v, v, 255];
        // Two columns, two rows; the last pixel is a prop.
        let color = [grey(0), grey(51), grey(102), grey(255)].concat();
        let ids = [own, own, own, PixelId::prop(0)];
        // 0 to 51 on the right, 0 to 102 below.
        assert!((detail(2, &color, &ids) - 0.3).abs() < 1e-6);
        assert_eq!(detail(2, &color, &[PixelId::BACKDROP; 4]), 0.0);
        assert_eq!(share(&ids, |shown| matches!(shown, Shown::Prop(_))), 0.25);
    }
}
