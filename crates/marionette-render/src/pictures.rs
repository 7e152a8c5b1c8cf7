//! A scene's pictures on the GPU: one texture with a layer for each picture, and smaller copies for
//! distant ones.

use bevy::{
    prelude::*,
    render::{
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use marionette_scene::pictures::{Picture, PictureBank, SIDE};

/// The bank that an app is made with.
#[derive(Resource, Clone)]
pub struct Bank(pub PictureBank);

/// The bank's texture, and its sampler.
#[derive(Resource)]
pub struct PictureTexture {
    pub view: TextureView,
    pub sampler: Sampler,
}

/// Uploads the bank.
pub fn make_pictures(
    mut commands: Commands,
    bank: Res<Bank>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
) {
    let pictures = &bank.0.pictures;
    let levels = SIDE.ilog2() + 1;
    let size = Extent3d { width: SIDE, height: SIDE, depth_or_array_layers: pictures.len() as u32 };
    let texture = device.create_texture(&TextureDescriptor {
        label: Some("pictures"),
        size,
        mip_level_count: levels,
        sample_count: 1,
        dimension: TextureDimension::D2,
        format: TextureFormat::Rgba8UnormSrgb,
        usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST,
        view_formats: &[],
    });
    for (layer, picture) in pictures.iter().enumerate() {
        for (level, pixels) in smaller_copies(picture).iter().enumerate() {
            let side = SIDE >> level;
            queue.write_texture(
                TexelCopyTextureInfo {
                    texture: &texture,
                    mip_level: level as u32,
                    origin: Origin3d { x: 0, y: 0, z: layer as u32 },
                    aspect: TextureAspect::All,
                },
                bytemuck::cast_slice(pixels),
                TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(side * 4),
                    rows_per_image: None,
                },
                Extent3d { width: side, height: side, depth_or_array_layers: 1 },
            );
        }
    }
    let view = texture.create_view(&TextureViewDescriptor {
        dimension: Some(TextureViewDimension::D2Array),
        ..TextureViewDescriptor::default()
    });
    let sampler = device.create_sampler(&SamplerDescriptor {
        address_mode_u: AddressMode::MirrorRepeat,
        address_mode_v: AddressMode::MirrorRepeat,
        mag_filter: FilterMode::Linear,
        min_filter: FilterMode::Linear,
        mipmap_filter: MipmapFilterMode::Nearest,
        ..SamplerDescriptor::default()
    });
    commands.insert_resource(PictureTexture { view, sampler });
}

/// The picture and its smaller copies, each half as large as the last, down to a single pixel.
fn smaller_copies(picture: &Picture) -> Vec<Vec<[u8; 4]>> {
    let mut copies = vec![picture.pixels.clone()];
    let mut side = SIDE as usize;
    while side > 1 {
        let large = &copies[copies.len() - 1];
        let half = side / 2;
        let small = (0..half * half).map(|i| {
            let corner = i / half * 2 * side + i % half * 2;
            let four = [corner, corner + 1, corner + side, corner + side + 1].map(|at| large[at]);
            std::array::from_fn(|c| {
                (four.iter().map(|pixel| u32::from(pixel[c])).sum::<u32>().div_ceil(4)).min(255)
                    as u8
            })
        });
        let small = small.collect();
        copies.push(small);
        side = half;
    }
    copies
}
