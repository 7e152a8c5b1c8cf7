//! The textures that frames are drawn into, and how they are read back.

use super::{
    frame::RendererConfig,
    variants::{ByScale, Scale},
    view::cell,
};
use bevy::{
    prelude::*,
    render::{render_resource::*, renderer::RenderDevice},
};

/// Linear light, and depth in metres.
pub const DRAWN: TextureFormat = TextureFormat::Rgba16Float;
/// The camera's shader writes it as sRGB, because it adds noise to encoded values.
pub const COLOR: TextureFormat = TextureFormat::Rgba8Unorm;
/// Ids.
pub const ID: TextureFormat = TextureFormat::R16Uint;
/// Depth, metres.
pub const DEPTH: TextureFormat = TextureFormat::R32Float;
/// Which of its tile's instances is seen.
pub const PLACE: TextureFormat = TextureFormat::R16Uint;
/// Clip depth.
pub const CLIP_DEPTH: TextureFormat = TextureFormat::Depth32Float;

/// The textures that a frame is drawn into.
#[derive(Resource)]
pub struct Atlas {
    /// Tiles a row.
    pub columns: u32,
    /// Size of a tile, pixels.
    pub tile: [u32; 2],
    /// One canvas for views of all pixels, one for views with fewer rays than pixels.
    pub canvases: ByScale<Canvas>,
    /// What the camera made of the light.
    pub color: Texture,
}

/// A texture that is read back, and where it lies in a read-back buffer.
pub struct ReadBackPlane<'a> {
    pub texture: &'a Texture,
    /// Bytes a texel.
    pub texel: u32,
    /// Where it starts in the buffer, bytes.
    pub offset: u64,
    /// Bytes a row, with padding.
    pub row: u32,
}

/// The textures that are read back, one after the other.
pub struct ReadBack<'a> {
    pub color: ReadBackPlane<'a>,
    pub ids: ReadBackPlane<'a>,
    pub depth: ReadBackPlane<'a>,
    /// Size of the buffer, bytes.
    pub size: u64,
}

/// The textures that views are drawn into.
pub struct Canvas {
    /// The light that reaches the camera, and depth. In the end wide tiles have both halves of
    /// their blur here.
    pub drawn: Texture,
    /// The same after the first half of the blur, for tiles that are not sharp.
    pub blurred: Texture,
    /// Ids.
    pub ids: Texture,
    /// Depth, metres.
    pub depth: Texture,
    /// Which of its tile's instances is seen.
    pub places: Texture,
    /// Clip depth.
    pub clip_depth: Texture,
}

impl Canvas {
    fn new(device: &RenderDevice, size: Extent3d) -> Self {
        let (looked_at, copied) = (TextureUsages::TEXTURE_BINDING, TextureUsages::COPY_SRC);
        let texture = |label, format, usage| texture(device, label, size, format, usage);
        Canvas {
            drawn: texture("drawn", DRAWN, looked_at),
            blurred: texture("blurred", DRAWN, looked_at),
            ids: texture("ids", ID, copied),
            depth: texture("depth", DEPTH, copied | looked_at),
            places: texture("places", PLACE, looked_at),
            clip_depth: texture("clip depth", CLIP_DEPTH, TextureUsages::empty()),
        }
    }
}

fn texture(
    device: &RenderDevice,
    label: &'static str,
    size: Extent3d,
    format: TextureFormat,
    usage: TextureUsages,
) -> Texture {
    device.create_texture(&TextureDescriptor {
        label: Some(label),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: TextureDimension::D2,
        format,
        usage: TextureUsages::RENDER_ATTACHMENT | usage,
        view_formats: &[],
    })
}

impl Atlas {
    /// Makes the textures for `config`.
    pub fn new(device: &RenderDevice, config: &RendererConfig) -> Self {
        let columns = config.columns();
        let rows = (config.tiles as u32).div_ceil(columns);
        let tile = [config.width, config.height];
        let size = |[width, height]: [u32; 2]| Extent3d {
            width: columns * width,
            height: rows * height,
            depth_or_array_layers: 1,
        };
        let canvas = |scale| Canvas::new(device, size(cell(scale, tile)));
        Atlas {
            columns,
            tile,
            canvases: ByScale { full: canvas(Scale::Full), coarse: canvas(Scale::Coarse) },
            color: texture(device, "color", size(tile), COLOR, TextureUsages::COPY_SRC),
        }
    }

    /// The textures that are read back, and where each lies in a read-back buffer.
    pub fn read_back(&self) -> ReadBack<'_> {
        let full = &self.canvases.full;
        let color = ReadBackPlane::new(&self.color, 4, 0);
        let ids = ReadBackPlane::new(&full.ids, 2, color.end());
        let depth = ReadBackPlane::new(&full.depth, 4, ids.end());
        ReadBack { size: depth.end(), color, ids, depth }
    }
}

impl<'a> ReadBackPlane<'a> {
    fn new(texture: &'a Texture, texel: u32, offset: u64) -> Self {
        // wgpu copies only rows of multiples of 256 bytes.
        let row = (texture.width() * texel).next_multiple_of(256);
        ReadBackPlane { texture, texel, offset, row }
    }

    fn end(&self) -> u64 {
        self.offset + u64::from(self.row) * u64::from(self.texture.height())
    }
}
