//! From pixels to labels: visibility and what covers, boxes, areas, measured hardness.

use super::{app::DrawnFrame, gpu, jpeg, silhouette::silhouette_area};
use crate::{
    figure::Figure,
    scene::{Camera, SceneSample, image_box},
    stream::{Cover, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, Shown, Tile, Visibility},
};
use glam::{Vec2, Vec3};
use rayon::prelude::*;

/// Cuts a drawn frame into tiles and labels each.
pub fn label_frame(figure: &Figure, drawn: &DrawnFrame) -> Vec<Tile> {
    drawn.frame.samples.par_iter().enumerate().map(|(index, sample)| cut(figure, drawn, index, sample)).collect()
}

fn cut(figure: &Figure, drawn: &DrawnFrame, index: usize, sample: &SceneSample) -> Tile {
    let (width, height) = (sample.camera.width as usize, sample.camera.height as usize);
    let atlas_width = drawn.columns as usize * width;
    let [left, top, ..] = gpu::place(index, drawn.columns, [sample.camera.width, sample.camera.height]);
    let plane = |bytes: &[u8], texel: usize| {
        let mut tile = Vec::with_capacity(width * height * texel);
        for y in 0..height {
            let start = ((top as usize + y) * atlas_width + left as usize) * texel;
            tile.extend_from_slice(&bytes[start..start + width * texel]);
        }
        tile
    };
    let mut color = plane(&drawn.color, 4);
    if let Some(quality) = sample.degradation.jpeg {
        jpeg::keep(&mut color, sample.camera.width, sample.camera.height, quality);
    }
    let mut ids: Vec<PixelId> = bytemuck::pod_collect_to_vec(&plane(&drawn.ids, 2));
    let depth: Vec<f32> = bytemuck::pod_collect_to_vec(&plane(&drawn.depth, 4));
    for pixel in 0..width * height {
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
    let mut found: Option<ImageBox> = None;
    for (i, _) in ids.iter().enumerate().filter(|(_, id)| id.is_figure(0)) {
        let low = Vec2::new((i % camera.width as usize) as f32, (i / camera.width as usize) as f32);
        let high = low + 1.0;
        found = Some(match found {
            None => ImageBox { low, high },
            Some(so_far) => ImageBox { low: so_far.low.min(low), high: so_far.high.max(high) },
        });
    }
    found
}

/// Distance between the mean sRGB colours of the figure and of the pixels within 4 of it, as a share of the largest possible,
/// and the mean brightness of the figure.
fn contrast_and_brightness(camera: &Camera, color: &[u8], ids: &[PixelId]) -> (f32, f32) {
    const REACH: usize = 4;
    let (width, height) = (camera.width as usize, camera.height as usize);
    let own: Vec<bool> = ids.iter().map(|id| id.is_figure(0)).collect();
    // Spread the mask by REACH pixels, along rows and then along columns.
    let spread = |mask: &[bool], step: usize, length: usize, other: usize, other_step: usize| {
        let mut out = vec![false; mask.len()];
        for line in 0..other {
            for i in 0..length {
                let from = i.saturating_sub(REACH);
                let to = (i + REACH).min(length - 1);
                out[line * other_step + i * step] = (from..=to).any(|j| mask[line * other_step + j * step]);
            }
        }
        out
    };
    let near = spread(&spread(&own, 1, width, height, width), width, height, width, 1);
    let mut sums = [(Vec3::ZERO, 0u32); 2];
    for (i, rgba) in color.chunks_exact(4).enumerate() {
        let side = match (own[i], near[i]) {
            (true, _) => 0,
            (false, true) => 1,
            _ => continue,
        };
        sums[side].0 += Vec3::new(f32::from(rgba[0]), f32::from(rgba[1]), f32::from(rgba[2])) / 255.0;
        sums[side].1 += 1;
    }
    let [figure, around] = sums.map(|(sum, count)| sum / count.max(1) as f32);
    (figure.distance(around) / 3f32.sqrt(), figure.element_sum() / 3.0)
}
