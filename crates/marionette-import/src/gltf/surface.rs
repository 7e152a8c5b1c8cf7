//! What a primitive looks like: its material's base colour and texture, and colours of vertices.

use super::source::Source;
use crate::ImportError;
use glam::{Vec2, Vec3};
use gltf::{Material, texture::WrappingMode};
use image::RgbImage;
use std::collections::{BTreeMap, btree_map::Entry};

/// The pictures of a file that were decoded so far, by their index.
pub(super) type Pictures = BTreeMap<usize, RgbImage>;

/// A material's base colour.
pub(super) struct Surface {
    /// Linear factor.
    factor: Vec3,
    pub roughness: f32,
    texture: Option<Texture>,
}

/// A picture on a surface.
struct Texture {
    /// Index among [`Pictures`].
    picture: usize,
    /// Which set of texture coordinates it uses.
    set: u32,
    wrap: [WrappingMode; 2],
    /// `texture_from_vertex`: offset, rotation in radians, scale.
    placement: Option<([f32; 2], f32, [f32; 2])>,
}

impl Surface {
    pub fn read(
        source: &Source,
        material: &Material,
        pictures: &mut Pictures,
    ) -> Result<Surface, ImportError> {
        let metallic = material.pbr_metallic_roughness();
        let (factor, info, roughness) = match material.pbr_specular_glossiness() {
            Some(other) => {
                (other.diffuse_factor(), other.diffuse_texture(), 1.0 - other.glossiness_factor())
            }
            None => (
                metallic.base_color_factor(),
                metallic.base_color_texture(),
                metallic.roughness_factor(),
            ),
        };
        let texture = match info {
            None => None,
            Some(info) => {
                let texture = info.texture();
                let json = &source.document.as_json().textures[texture.index()];
                let picture = json.source.value();
                if let Entry::Vacant(place) = pictures.entry(picture) {
                    place.insert(source.picture(picture)?);
                }
                let placed = info.texture_transform();
                let sampler = texture.sampler();
                Some(Texture {
                    picture,
                    set: placed.as_ref().and_then(|t| t.tex_coord()).unwrap_or(info.tex_coord()),
                    wrap: [sampler.wrap_s(), sampler.wrap_t()],
                    placement: placed.map(|t| (t.offset(), t.rotation(), t.scale())),
                })
            }
        };
        let [r, g, b, _] = factor;
        if !Vec3::new(r, g, b).is_finite() || !roughness.is_finite() {
            let name = material.name().unwrap_or("without a name");
            return Err(source.fail(format!("material \"{name}\" has a factor that is no number")));
        }
        let factor = Vec3::new(r, g, b).clamp(Vec3::ZERO, Vec3::ONE);
        Ok(Surface { factor, roughness: roughness.clamp(0.0, 1.0), texture })
    }

    /// The set of texture coordinates that its texture uses; `None` where it has no texture.
    pub fn set(&self) -> Option<u32> {
        self.texture.as_ref().map(|texture| texture.set)
    }

    /// The linear colour at a place of its texture.
    pub fn at(&self, place: Vec2, pictures: &Pictures) -> Vec3 {
        let texture = self.texture.as_ref();
        let texture = texture.and_then(|texture| Some((texture, pictures.get(&texture.picture)?)));
        self.factor * texture.map_or(Vec3::ONE, |(texture, picture)| texture.at(place, picture))
    }
}

impl Texture {
    fn at(&self, mut place: Vec2, picture: &RgbImage) -> Vec3 {
        if let Some((offset, rotation, scale)) = self.placement {
            // KHR_texture_transform: translation * rotation * scale, v pointing down.
            let scaled = place * Vec2::from(scale);
            let (sin, cos) = rotation.sin_cos();
            place = Vec2::new(cos * scaled.x + sin * scaled.y, -sin * scaled.x + cos * scaled.y)
                + Vec2::from(offset);
        }
        let size = [picture.width(), picture.height()];
        let at = place * Vec2::new(size[0] as f32, size[1] as f32) - 0.5;
        let low = at.floor();
        let share = at - low;
        let texel = |dx: f32, dy: f32| {
            let x = wrapped(low.x + dx, size[0], self.wrap[0]);
            let y = wrapped(low.y + dy, size[1], self.wrap[1]);
            Vec3::from(picture.get_pixel(x, y).0.map(linear))
        };
        let above = texel(0.0, 0.0).lerp(texel(1.0, 0.0), share.x);
        above.lerp(texel(0.0, 1.0).lerp(texel(1.0, 1.0), share.x), share.y)
    }
}

/// The texel that a coordinate in texels falls on.
fn wrapped(at: f32, size: u32, mode: WrappingMode) -> u32 {
    let (at, size) = (at as i64, i64::from(size));
    let at = match mode {
        WrappingMode::ClampToEdge => at.clamp(0, size - 1),
        WrappingMode::Repeat => at.rem_euclid(size),
        WrappingMode::MirroredRepeat => {
            let at = at.rem_euclid(2 * size);
            if at < size { at } else { 2 * size - 1 - at }
        }
    };
    at as u32
}

/// A linear value from 0 to 1 of an sRGB byte.
fn linear(byte: u8) -> f32 {
    let value = f32::from(byte) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The sRGB bytes of a linear colour.
pub(super) fn srgb(linear: Vec3) -> [u8; 3] {
    linear.to_array().map(|value| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 {
            value * 12.92
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_to_linear_light_and_back() {
        assert!((0..=255).all(|byte| srgb(Vec3::splat(linear(byte))) == [byte; 3]));
        assert!((linear(128) - 0.2159).abs() < 1e-3);
    }

    #[test]
    fn textures_repeat_mirror_and_end_as_they_say() {
        use WrappingMode::{ClampToEdge, MirroredRepeat, Repeat};
        let at = |mode| [-1.0, 0.0, 3.0, 4.0, 7.0].map(|x| wrapped(x, 4, mode));
        assert_eq!(at(Repeat), [3, 0, 3, 0, 3]);
        assert_eq!(at(ClampToEdge), [0, 0, 3, 3, 3]);
        assert_eq!(at(MirroredRepeat), [0, 0, 3, 3, 0]);
    }
}
