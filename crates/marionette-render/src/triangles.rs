//! A sample's triangles, as far as a pixel may show them.

use super::layout::{GpuTriangle, MOST_INSTANCES};
use glam::{Vec2, Vec3};
use marionette_figure::surface::SurfaceTriangle;
use marionette_stream::{Camera, FigureSample, PixelId, SceneSample};

/// A place in the picture holds the index of an instance or, from here on, of a triangle.
pub const FIRST_TRIANGLE: u32 = MOST_INSTANCES as u32;
/// Most triangles of a tile: places have 16 bits, and the last of them means no instance.
const MOST_TRIANGLES: usize = u16::MAX as usize - MOST_INSTANCES;

/// A triangle in the image.
struct Outline {
    /// The corners in the camera's axes: right, down, forward, metres.
    corners: [Vec3; 3],
    /// The pixels whose middles it may cover: left, top, right, bottom; the last two are beyond.
    pixels: [u32; 4],
}

/// The triangles of `sample` that may cover the middle of a pixel. Those that face away are left out
/// where their shape is closed. Rays may be moved about by `moved` pixels. `place_of` gives a
/// figure's part its place among the instances.
pub fn triangles(
    sample: &SceneSample,
    moved: f32,
    place_of: impl Fn(usize, usize) -> u32,
) -> Vec<GpuTriangle> {
    let camera = &sample.camera;
    let mut seen = Vec::new();
    for (f, figure) in sample.figures.iter().enumerate() {
        let placed = Placed::new(camera, figure);
        for triangle in &figure.surface.triangles {
            let Some(Outline { corners, pixels }) = placed.outline(camera, triangle, moved) else {
                continue;
            };
            if seen.len() == MOST_TRIANGLES {
                return seen;
            }
            let part = usize::from(triangle.part);
            let material = figure.part_colors.get(part).copied().unwrap_or(Vec3::ONE);
            let [a, b, c] = corners.map(|corner| corner.extend(0.0));
            let vertices = triangle.corners.map(usize::from);
            let [left, top, right, bottom] = pixels;
            let normals = vertices.map(|vertex| packed(figure.vertices[vertex].normal * 0.5 + 0.5));
            // The shader squares them: eight bits are too few for dark linear colours.
            let colors = vertices.map(|vertex| {
                let color = figure.surface.vertices[vertex].color * material;
                packed(Vec3::from(color.max(Vec3::ZERO).to_array().map(f32::sqrt)))
            });
            let with = |[a, b, c]: [u32; 3], last| [a, b, c, last];
            seen.push(GpuTriangle {
                a,
                b,
                c,
                which: [
                    u32::from(PixelId::figure(f, part).0),
                    FIRST_TRIANGLE + seen.len() as u32,
                    left | top << 16,
                    right | bottom << 16,
                ],
                normals: with(normals, place_of(f, part)),
                colors: with(colors, 0),
            });
        }
    }
    seen
}

/// Three numbers from 0 to 1 in ten bits each.
fn packed(values: Vec3) -> u32 {
    let [x, y, z] = (values.clamp(Vec3::ZERO, Vec3::ONE) * 1023.0).to_array();
    x.round() as u32 | (y.round() as u32) << 10 | (z.round() as u32) << 20
}

/// A figure's vertices in the camera's axes and in the image.
pub struct Placed {
    corners: Vec<Vec3>,
    pixels: Vec<Vec2>,
}

impl Placed {
    /// The vertices of `figure` as `camera` sees them.
    pub fn new(camera: &Camera, figure: &FigureSample) -> Self {
        let corner = |world: Vec3| camera.camera_from_world.transform_point3(world);
        let corners: Vec<Vec3> = (figure.vertices.iter()).map(|v| corner(v.position)).collect();
        let pixel = |corner: &Vec3| {
            camera.distort(corner.truncate() / corner.z) * camera.focal + camera.centre
        };
        Placed { pixels: corners.iter().map(pixel).collect(), corners }
    }

    /// The corners of a triangle, and low and high corner of a rectangle of the image around it, in
    /// pixels. `None` if it faces away from the camera and has nothing to show there, or reaches
    /// behind the camera.
    pub fn around(&self, triangle: &SurfaceTriangle) -> Option<([Vec3; 3], Vec2, Vec2)> {
        let vertices = triangle.corners.map(usize::from);
        let [a, b, c] = vertices.map(|vertex| self.corners[vertex]);
        let behind = a.z.min(b.z).min(c.z) <= Camera::NEAR;
        // Counter-clockwise from outside, in axes of which y points down.
        let faces_away = triangle.one_sided && (b - a).cross(c - a).dot(a) >= 0.0;
        if behind || faces_away {
            return None;
        }
        let [p, q, r] = vertices.map(|vertex| self.pixels[vertex]);
        Some(([a, b, c], p.min(q).min(r), p.max(q).max(r)))
    }

    fn outline(&self, camera: &Camera, triangle: &SurfaceTriangle, moved: f32) -> Option<Outline> {
        let (corners, low, high) = self.around(triangle)?;
        // The lens bends a line between two corners by less than this.
        let size = high - low;
        let margin =
            0.01 + moved + camera.distortion.abs() * size.dot(size) / camera.focal.min_element();
        let edge = Vec2::new(camera.width as f32, camera.height as f32);
        // The first pixel whose middle is within, and the first beyond whose middle is not.
        let low = (low - margin - 0.5).ceil().clamp(Vec2::ZERO, edge);
        let high = (high + margin + 0.5).floor().clamp(Vec2::ZERO, edge);
        let pixels = [low.x, low.y, high.x, high.y].map(|side| side as u32);
        let shows = pixels[0] < pixels[2] && pixels[1] < pixels[3];
        shows.then_some(Outline { corners, pixels })
    }
}

/// Whether the ray through a place in the image meets a triangle. The place is where a pinhole camera
/// would show it, relative to the principal point, in focal lengths: [`Camera::straight`]. The twin
/// of `triangle_fragment` in `assets/shaders/seen.wgsl`.
pub fn is_met(corners: &[Vec3; 3], straight: Vec2) -> bool {
    // Where the ray has been moved to the forward axis: small numbers keep their digits.
    let [a, b, c] = corners.map(|corner| corner.truncate() - straight * corner.z);
    let shares = [b.perp_dot(c), c.perp_dot(a), a.perp_dot(b)];
    let slack = 1e-6 * shares.iter().map(|share| share.abs()).sum::<f32>();
    let [low, high] =
        [f32::min, f32::max].map(|extreme| shares.into_iter().reduce(extreme).unwrap_or_default());
    low >= -slack || high <= slack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_is_met_inside_and_not_outside_and_neighbours_leave_no_gap() {
        let corner = |x: f32, y: f32| Vec3::new(x, y, 2.0);
        let [a, b, c, d] = [corner(0.0, 0.0), corner(0.4, 0.0), corner(0.0, 0.4), corner(0.4, 0.4)];
        assert!(is_met(&[a, b, c], Vec2::new(0.05, 0.05)));
        assert!(is_met(&[a, c, b], Vec2::new(0.05, 0.05)), "from behind");
        assert!(!is_met(&[a, b, c], Vec2::new(0.15, 0.15)));
        for k in 0..200 {
            let place = Vec2::new(k as f32 * 1e-3, 0.2 - k as f32 * 1e-3);
            assert!(is_met(&[a, b, c], place) || is_met(&[b, d, c], place), "a gap at {place}");
        }
    }

    #[test]
    fn packed_numbers_have_ten_bits() {
        assert_eq!(packed(Vec3::new(0.0, 1.0, 0.5)), 1023 << 10 | 512 << 20);
    }
}
