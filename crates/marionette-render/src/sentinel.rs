//! The test tile that an app draws before its first real frame: a red ball on blue, whose pixels
//! are known.

use super::frame::{DrawnFrame, RendererConfig};
use bevy::prelude::*;
use marionette_figure::{BodyShape, Pose, RoundCone};
use marionette_stream::{
    Backdrop, BackdropKind, Camera, Degradation, FigureSample, Light, PixelId, SampleStream,
    SceneSample,
};

/// A red ball of radius 0.5 m, 4 m in front of the camera, in even light.
pub fn sentinel(config: RendererConfig) -> SceneSample {
    let ball = RoundCone { ends: [Vec3::Y, Vec3::Y], radii: [0.5, 0.5] };
    SceneSample {
        index: 0,
        attempt: 0,
        rejections: Vec::new(),
        policy_version: 0,
        stream: SampleStream::Uniform,
        hardness: [0.0; 8],
        propensity: [1.0; 8],
        figures: vec![FigureSample {
            shape: BodyShape::default(),
            pose: Pose { root: Vec3::Y, ..Pose::default() },
            part_colors: vec![Vec3::new(0.6, 0.02, 0.02)],
            parts: vec![ball],
            ..FigureSample::default()
        }],
        props: Vec::new(),
        camera: Camera::look_at(
            [config.width, config.height],
            0.5,
            Vec3::new(0.0, 1.0, 4.0),
            Vec3::Y,
            0.0,
        ),
        border: [0, 0, config.width, config.height],
        light: Light {
            sun_direction: Vec3::Y,
            sun_color: Vec3::ZERO,
            sky_color: Vec3::ONE,
            bounce_color: Vec3::ONE,
            softness: 0.0,
            shadows: true,
            lamp: None,
            exposure: 1.0,
        },
        backdrop: Backdrop {
            kind: BackdropKind::Studio,
            colors: [Vec3::new(0.02, 0.02, 0.6); 3],
            ground: Vec3::new(0.02, 0.02, 0.6),
            scale: 1.0,
            contrast: 0.0,
            distance: 3.0,
            seed: 0,
            pictures: [0, 0],
            open: false,
        },
        degradation: Degradation::default(),
        parameters: Vec::new(),
    }
}

/// Whether the tiles of `drawn` show what [`sentinel`] says they must.
///
/// # Errors
/// The first pixel that is wrong, in words.
pub fn check_sentinel(drawn: &DrawnFrame, config: RendererConfig) -> Result<(), String> {
    let centre = (config.height / 2 * config.width + config.width / 2) as usize;
    for (tile, pixels) in drawn.tiles.iter().enumerate() {
        for (name, pixel, red, id, depth) in [
            ("centre", centre, true, PixelId::figure(0, 0), 3.5),
            ("corner", 0, false, PixelId::BACKDROP, 7.0),
        ] {
            let rgba = &pixels.color[pixel * 4..][..4];
            let (found_id, found_depth) = (pixels.ids[pixel], pixels.depth[pixel]);
            let is_red = rgba[0] > 120 && rgba[2] < 80;
            let is_blue = rgba[2] > 120 && rgba[0] < 80;
            if !(if red { is_red } else { is_blue })
                || found_id != id
                || (found_depth - depth).abs() > 0.05
            {
                return Err(format!(
                    "tile {tile}, {name}: colour {rgba:?}, id {}, depth {found_depth} m",
                    found_id.0
                ));
            }
        }
    }
    Ok(())
}
