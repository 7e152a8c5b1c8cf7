//! The shaders: which files each of them is made of.

use bevy::prelude::*;

// Every shader is one text: the file that names it, behind the files that it stands on.
macro_rules! shader {
    ($($file:literal),+) => {
        ShaderFiles {
            names: &[$($file),+],
            texts: &[$(include_str!(concat!("../../../assets/shaders/", $file))),+],
        }
    };
}

/// The files that a shader is made of, in order. The last one names it.
struct ShaderFiles {
    names: &'static [&'static str],
    texts: &'static [&'static str],
}

const SEEN: ShaderFiles = shader!("tile_data.wgsl", "space.wgsl", "seen.wgsl");
const LIGHT: ShaderFiles = shader!("tile_data.wgsl", "space.wgsl", "shadow.wgsl", "light.wgsl");
const CAMERA: ShaderFiles = shader!("tile_data.wgsl", "camera.wgsl");

/// The shaders, as assets of the main world.
#[derive(Resource, Clone)]
pub struct TileShaders {
    /// What is seen where.
    pub seen: Handle<Shader>,
    /// The light on it.
    pub light: Handle<Shader>,
    /// What the camera makes of the light.
    pub camera: Handle<Shader>,
}

impl TileShaders {
    /// Adds the embedded shaders to `shaders`.
    pub fn add_to(shaders: &mut Assets<Shader>) -> Self {
        let mut add = |files: &ShaderFiles| {
            let name = files.names[files.names.len() - 1];
            shaders.add(Shader::from_wgsl(files.texts.concat(), name))
        };
        TileShaders { seen: add(&SEEN), light: add(&LIGHT), camera: add(&CAMERA) }
    }
}
