//! From pixels to labels: visibility and what covers, boxes, areas, measured hardness.

use super::{
    app::{DrawnFrame, TilePixels},
    jpeg,
    silhouette::silhouette_area,
};
use crate::{
    figure::Figure,
    scene::{Camera, SceneSample, image_box},
    stream::{Cover, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, Shown, Tile, Visibility},
};
use glam::{Vec2, Vec3};
use rayon::prelude::*;

/// Labels each tile of a drawn frame.
pub fn label_frame(figure: &Figure, drawn: DrawnFrame) -> Vec<Tile> {
    let samples = drawn.frame.samples.par_iter();
    drawn.tiles.into_par_iter().zip(samples).map(|(pixels, sample)| finish(figure, pixels, sample)).collect()
}

fn finish(figure: &Figure, pixels: TilePixels, sample: &SceneSample) -> Tile {
    let (width, height) = (sample.camera.width as usize, sample.camera.height as usize);
    let TilePixels { mut color, mut ids, depth } = pixels;
    if let Some(quality) = sample.degradation.jpeg {
        jpeg::keep(&mut color, sample.camera.width, sample.camera.height, quality);
    }
    let bordered = sample.border != [0, 0, sample.camera.width, sample.camera.height];
    for pixel in (0..width * height).filter(|_| bordered) {
        if !sample.shows(Vec2::new((pixel % width) as f32, (pixel / width) as f32)) {
            color[pixel * 4..pixel * 4 + 3].fill(0);
            ids[pixel] = PixelId::BACKDROP;
        }
    }
    let labels = label(figure, sample, &color, &ids, &depth);
    Tile { width, height, color, ids, depth, labels, scene: sample.clone() }
}

fn label(figure: &Figure, sample: &SceneSample, color: &[u8], ids: &[PixelId], depth: &[f32]) -> Labels {
    let camera = &sample.camera;
    let primary = &sample.figures[0];
    let keypoints: Vec<LabelledKeypoint> = (0..figure.keypoints.len())
        .map(|k| label_keypoint(figure, sample, k, primary.keypoints[k], ids, depth))
        .collect();
    let [low, high] = image_box(camera, &primary.parts);
    let own = |id: &PixelId| id.is_figure(0);
    let mask_area = ids.iter().filter(|id| own(id)).count() as u32;
    let silhouette = silhouette_area(camera, sample.border, &primary.parts);
    let share = |part: u32, whole: u32| if whole == 0 { 0.0 } else { (part as f32 / whole as f32).min(1.0) };
    let (contrast, brightness) = contrast_and_brightness(camera, color, ids);
    let torso = {
        // The longer of the two diagonals, as PCK wants it.
        let diagonal = |ends: [usize; 2]| {
            let [a, b] = ends.map(|k| camera.project(primary.keypoints[k]).pixel);
            a.distance(b)
        };
        diagonal(figure.torso).max(diagonal(figure.torso.map(|k| figure.keypoints[k].twin)))
    };
    Labels {
        modal_box: modal_box(camera, ids),
        amodal_box: ImageBox { low, high },
        mask_area,
        torso,
        measured: Measured {
            visible_share: share(mask_area, silhouette.inside),
            in_frame_share: share(silhouette.inside, silhouette.all),
            keypoints_seen: keypoints.iter().filter(|k| k.visibility == Visibility::Seen).count() as u32,
            contrast,
            brightness,
        },
        keypoints,
    }
}

/// A keypoint is covered where a surface lies nearer to the camera by more than the keypoint's own depth in the flesh; a
/// surface of its own part group never covers it. The backdrop lies behind a limb that is thinner than a pixel, so it
/// covers nothing.
fn label_keypoint(
    figure: &Figure,
    sample: &SceneSample,
    index: usize,
    world: Vec3,
    ids: &[PixelId],
    depth: &[f32],
) -> LabelledKeypoint {
    let camera = &sample.camera;
    let keypoint = &figure.keypoints[index];
    let projection = camera.project(world);
    let position = camera.camera_from_world.transform_point3(world);
    let labelled =
        |visibility, cover| LabelledKeypoint { pixel: projection.pixel, camera: position, world, visibility, cover };
    if projection.depth <= Camera::NEAR || !sample.shows(projection.pixel) {
        return labelled(Visibility::Outside, None);
    }
    let at = projection.pixel.y as usize * camera.width as usize + projection.pixel.x as usize;
    let shown = ids[at].shown();
    let nearer = projection.depth - depth[at] > keypoint.surface_radius;
    let own_flesh =
        matches!(shown, Shown::Figure { figure: 0, part } if keypoint.own_groups.contains(&figure.parts[part].group));
    let cover = match shown {
        _ if !nearer || own_flesh => None,
        // The ground or a wall in front of a keypoint: the figure stands behind it. It counts as a prop.
        Shown::Backdrop | Shown::Prop(_) => Some(Cover::Prop),
        Shown::Figure { figure: 0, .. } => Some(Cover::Own),
        Shown::Figure { .. } => Some(Cover::OtherFigure),
    };
    labelled(if cover.is_some() { Visibility::Covered } else { Visibility::Seen }, cover)
}

fn modal_box(camera: &Camera, ids: &[PixelId]) -> Option<ImageBox> {
    let own = |id: &PixelId| id.is_figure(0);
    let mut found: Option<ImageBox> = None;
    for (y, row) in ids.chunks_exact(camera.width as usize).enumerate() {
        if let (Some(first), Some(last)) = (row.iter().position(own), row.iter().rposition(own)) {
            let (low, high) = (Vec2::new(first as f32, y as f32), Vec2::new(last as f32, y as f32) + 1.0);
            found = Some(match found {
                None => ImageBox { low, high },
                Some(so_far) => ImageBox { low: so_far.low.min(low), high: so_far.high.max(high) },
            });
        }
    }
    found
}

/// Distance between the mean sRGB colours of the figure and of the pixels within 4 of it, as a share of the largest possible,
/// and the mean brightness of the figure.
fn contrast_and_brightness(camera: &Camera, color: &[u8], ids: &[PixelId]) -> (f32, f32) {
    let own: Vec<u8> = ids.iter().map(|id| u8::from(id.is_figure(0))).collect();
    let near = spread(&own, camera.width as usize, 4);
    let mut sums = [[0u64; 4]; 2];
    for (rgba, (own, near)) in color.chunks_exact(4).zip(own.iter().zip(&near)) {
        if *near == 1 {
            let sum = &mut sums[usize::from(1 - own)];
            (0..3).for_each(|channel| sum[channel] += u64::from(rgba[channel]));
            sum[3] += 1;
        }
    }
    let [figure, around] = sums.map(|[red, green, blue, count]| {
        Vec3::from([red, green, blue].map(|sum| sum as f32)) / (255.0 * count.max(1) as f32)
    });
    (figure.distance(around) / 3f32.sqrt(), figure.element_sum() / 3.0)
}

/// The mask of what is within `reach` pixels of a mask of rows of `width`, along both sides.
fn spread(mask: &[u8], width: usize, reach: usize) -> Vec<u8> {
    // Whole lines at once: many pixels to an instruction.
    let join = |into: &mut [u8], from: &[u8]| into.iter_mut().zip(from).for_each(|(into, from)| *into |= from);
    let mut wide = mask.to_vec();
    for (from, into) in mask.chunks_exact(width).zip(wide.chunks_exact_mut(width)) {
        for by in (1..=reach).map(|by| by.min(width)) {
            join(&mut into[by..], from);
            join(into, &from[by..]);
        }
    }
    let mut near = wide.clone();
    for by in (1..=reach).map(|rows| (rows * width).min(mask.len())) {
        join(&mut near[by..], &wide);
        join(&mut near, &wide[by..]);
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_spreads_to_all_sides_and_not_around_the_edges() {
        let (width, height, reach) = (11, 9, 4);
        for (x, y) in [(5, 4), (0, 0), (10, 2), (3, 8)] {
            let mut mask = vec![0u8; width * height];
            mask[y * width + x] = 1;
            let near = spread(&mask, width, reach);
            for (i, found) in near.into_iter().enumerate() {
                let within = (i % width).abs_diff(x) <= reach && (i / width).abs_diff(y) <= reach;
                assert_eq!(found == 1, within, "{i} from {x}, {y}");
            }
        }
    }
}
