//! Screenshots of the window, for scripts.

use crate::schedule::WindowSystems;
use bevy::{
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured},
};
use image::RgbImage;
use marionette_run::sheet::save_png;
use std::path::{Path, PathBuf};

/// A request for a screenshot: spawn it with the path of the PNG file.
#[derive(Component)]
pub struct ScreenshotRequest(pub PathBuf);

/// Takes the screenshots that are asked for.
pub fn plugin(app: &mut App) {
    app.add_systems(Update, take.in_set(WindowSystems::Screenshots));
}

fn take(mut commands: Commands, requests: Query<(Entity, &ScreenshotRequest)>) {
    for (entity, ScreenshotRequest(path)) in &requests {
        let path = path.clone();
        commands.entity(entity).despawn();
        commands.spawn(Screenshot::primary_window()).observe(
            move |captured: On<ScreenshotCaptured>| {
                if let Err(message) = write(&captured.image, &path) {
                    tracing::error!("{}: {message}", path.display());
                }
            },
        );
    }
}

fn write(image: &Image, path: &Path) -> Result<(), String> {
    let size = image.size();
    let data = image.data.as_ref().ok_or("the picture is empty")?;
    let swapped = format!("{:?}", image.texture_descriptor.format).starts_with("Bgra");
    let pixels: Vec<u8> = data
        .chunks_exact(4)
        .flat_map(|pixel| {
            if swapped { [pixel[2], pixel[1], pixel[0]] } else { [pixel[0], pixel[1], pixel[2]] }
        })
        .collect();
    let picture = RgbImage::from_raw(size.x, size.y, pixels)
        .ok_or("the picture has another size than it says")?;
    save_png(path, &picture).map_err(|error| error.to_string())
}
