//! From pixels to labels: visibility and what covers, boxes, areas, measured hardness.

use super::{
    frame::{DrawnFrame, TilePixels},
    jpeg,
    mask::Mask,
    silhouette::{Solid, silhouette_area},
};
use marionette_figure::Figure;
use marionette_stream::{
    Camera, Cover, ImageBox, LabelledKeypoint, Labels, Measured, PixelId, SceneSample, Shown, Tile,
    Visibility,
};
use rayon::prelude::*;

/// Labels each tile of a drawn frame.
pub fn label_frame(figure: &Figure, drawn: DrawnFrame) -> Vec<Tile> {
    let samples = drawn.frame.samples.par_iter();
    drawn
        .tiles
        .into_par_iter()
        .zip(samples)
        .map(|(pixels, sample)| finish(figure, pixels, sample))
        .collect()
}

fn finish(figure: &Figure, pixels: TilePixels, sample: &SceneSample) -> Tile {
    let (width, height) = (sample.camera.width as usize, sample.camera.height as usize);
    let TilePixels { mut color, mut ids, depth } = pixels;
    if let Some(quality) = sample.degradation.jpeg {
        jpeg::keep(&mut color, sample.camera.width, sample.camera.height, quality);
    }
    blacken_beyond(sample, &mut color, &mut ids);
    let seen = Seen { sample, color: &color, ids: &ids, depth: &depth };
    let labels = label(figure, &seen, 0);
    Tile { width, height, color, ids, depth, labels, scene: sample.clone() }
}

/// The labels of figure `index` of a tile. Those of the primary figure, 0, come with the tile.
///
/// # Panics
/// If the tile's scene has no such figure.
pub fn label_figure(figure: &Figure, tile: &Tile, index: usize) -> Labels {
    let Tile { color, ids, depth, scene, .. } = tile;
    label(figure, &Seen { sample: scene, color, ids, depth }, index)
}

/// Makes the image black outside the border, with ids of the backdrop.
fn blacken_beyond(sample: &SceneSample, color: &mut [u8], ids: &mut [PixelId]) {
    let width = sample.camera.width as usize;
    let [left, top, right, bottom] = sample.border.map(|edge| edge as usize);
    for (y, (color, ids)) in
        color.chunks_exact_mut(width * 4).zip(ids.chunks_exact_mut(width)).enumerate()
    {
        let beyond =
            if (top..bottom).contains(&y) { [0..left, right..width] } else { [0..width, 0..0] };
        for columns in beyond {
            color[columns.start * 4..columns.end * 4]
                .chunks_exact_mut(4)
                .for_each(|rgba| rgba[..3].fill(0));
            ids[columns].fill(PixelId::BACKDROP);
        }
    }
}

/// What labels are taken from: a scene, and the pixels that show it.
struct Seen<'a> {
    sample: &'a SceneSample,
    color: &'a [u8],
    ids: &'a [PixelId],
    depth: &'a [f32],
}

fn label(figure: &Figure, seen: &Seen, index: usize) -> Labels {
    let camera = &seen.sample.camera;
    let placed = &seen.sample.figures[index];
    let keypoints: Vec<LabelledKeypoint> =
        (0..figure.keypoints.len()).map(|k| label_keypoint(figure, seen, index, k)).collect();
    let solid = Solid::of(camera, placed);
    let [low, high] = solid.image_box(camera);
    let mask = Mask::new(seen.ids, camera.width as usize, index);
    let mask_area = mask.area();
    let silhouette = silhouette_area(camera, seen.sample.border, &solid);
    let share = |part: u32, whole: u32| {
        if whole == 0 { 0.0 } else { (part as f32 / whole as f32).min(1.0) }
    };
    let (contrast, brightness) = mask.contrast_and_brightness(seen.color);
    let torso = {
        // The longer of the two diagonals: PCK is defined with it.
        let diagonal = |ends: [usize; 2]| {
            let [a, b] = ends.map(|k| camera.project(placed.keypoints[k]).pixel);
            a.distance(b)
        };
        diagonal(figure.torso).max(diagonal(figure.torso.map(|k| figure.keypoints[k].twin)))
    };
    Labels {
        modal_box: mask.image_box(),
        amodal_box: ImageBox { low, high },
        mask_area,
        torso,
        measured: Measured {
            visible_share: share(mask_area, silhouette.inside),
            in_frame_share: share(silhouette.inside, silhouette.all),
            keypoints_seen: keypoints.iter().filter(|k| k.visibility == Visibility::Seen).count()
                as u32,
            contrast,
            brightness,
        },
        keypoints,
    }
}

/// Labels keypoint `index` of figure `owner`. It is covered if a surface lies nearer to the camera by more than the
/// keypoint's own depth in the flesh. A surface of its own part group never covers it. The backdrop
/// covers nothing when it lies behind a limb that is thinner than a pixel.
fn label_keypoint(figure: &Figure, seen: &Seen, owner: usize, index: usize) -> LabelledKeypoint {
    let Seen { sample, ids, depth, .. } = *seen;
    let world = sample.figures[owner].keypoints[index];
    let camera = &sample.camera;
    let keypoint = &figure.keypoints[index];
    let projection = camera.project(world);
    let position = camera.camera_from_world.transform_point3(world);
    let labelled = |visibility, cover| LabelledKeypoint {
        pixel: projection.pixel,
        camera: position,
        world,
        visibility,
        cover,
    };
    if projection.depth <= Camera::NEAR || !sample.shows(projection.pixel) {
        return labelled(Visibility::Outside, None);
    }
    let at = projection.pixel.y as usize * camera.width as usize + projection.pixel.x as usize;
    let shown = ids[at].shown();
    let nearer = projection.depth - depth[at] > keypoint.surface_radius;
    let is_own = |part: usize| keypoint.own_groups.contains(&figure.parts[part].group);
    let own_flesh =
        matches!(shown, Shown::Figure { figure, part } if figure == owner && is_own(part));
    let cover = match shown {
        _ if !nearer || own_flesh => None,
        // The figure stands behind the ground or a wall, which counts as a prop.
        Shown::Backdrop | Shown::Prop(_) => Some(Cover::Prop),
        Shown::Figure { figure, .. } if figure == owner => Some(Cover::Own),
        Shown::Figure { .. } => Some(Cover::OtherFigure),
    };
    labelled(if cover.is_some() { Visibility::Covered } else { Visibility::Seen }, cover)
}
