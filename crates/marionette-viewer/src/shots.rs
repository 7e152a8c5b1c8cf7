//! Pictures of the window itself, for tours.

use bevy::{
    prelude::*,
    render::view::screenshot::{Screenshot, ScreenshotCaptured},
};
use image::RgbImage;
use marionette_run::sheet::save_png;
use std::path::PathBuf;

/// A picture of the window to take, and where to put it.
#[derive(Component)]
pub struct Shot(pub PathBuf);

/// Takes the pictures that were asked for.
pub fn take(mut commands: Commands, shots: Query<(Entity, &Shot)>) {
    for (entity, Shot(path)) in &shots {
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

fn write(image: &Image, path: &std::path::Path) -> Result<(), String> {
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
