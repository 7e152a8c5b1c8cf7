//! The camera: intrinsics in pixels, extrinsics as `camera_from_world`.

use glam::{Affine3A, Mat4, Vec2, Vec3, Vec4};
use marionette_figure::RoundCone;

/// A pinhole camera with radial distortion.
///
/// The camera frame is the usual one of computer vision: x right, y down, z forward. Image
/// coordinates are continuous with the origin at the top-left corner of the top-left pixel, so the
/// centre of the first pixel is (0.5, 0.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Image width, pixels.
    pub width: u32,
    /// Image height, pixels.
    pub height: u32,
    /// Focal lengths in x and y, pixels.
    pub focal: Vec2,
    /// Principal point, pixels.
    pub centre: Vec2,
    /// λ of the division model (Fitzgibbon, CVPR 2001). A point that a pinhole camera shows at
    /// distance r from the principal point, in focal lengths, is shown at r_d here, with r = r_d /
    /// (1 + λ r_d²). Below 0 is a barrel, above 0 a cushion.
    pub distortion: f32,
    /// Extrinsics.
    pub camera_from_world: Affine3A,
}

/// Where a point of the world lands in the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Image coordinates, pixels; meaningless where `depth` is not above 0.
    pub pixel: Vec2,
    /// Distance along the camera's forward axis, metres.
    pub depth: f32,
}

impl Camera {
    /// The nearest depth that is drawn, metres.
    pub const NEAR: f32 = 0.05;

    /// A camera at `eye` that looks at `target`, rolled by `roll` radians, with a field of view of
    /// `field_of_view` radians over the shorter image side.
    pub fn look_at(size: [u32; 2], field_of_view: f32, eye: Vec3, target: Vec3, roll: f32) -> Self {
        let forward = (target - eye).normalize_or(Vec3::NEG_Z);
        let level = forward.cross(Vec3::Y).normalize_or(Vec3::X);
        let (sin, cos) = roll.sin_cos();
        let right = level * cos + level.cross(forward) * sin;
        let down = forward.cross(right);
        let world_from_camera =
            Affine3A::from_cols(right.into(), down.into(), forward.into(), eye.into());
        let focal = 0.5 * size[0].min(size[1]) as f32 / (0.5 * field_of_view).tan();
        Camera {
            width: size[0],
            height: size[1],
            focal: Vec2::splat(focal),
            centre: Vec2::new(size[0] as f32, size[1] as f32) * 0.5,
            distortion: 0.0,
            camera_from_world: world_from_camera.inverse(),
        }
    }

    /// The camera's position in the world.
    pub fn eye(&self) -> Vec3 {
        self.camera_from_world.inverse().translation.into()
    }

    /// The camera's right, down and forward axes in the world.
    pub fn axes(&self) -> [Vec3; 3] {
        let world_from_camera = self.camera_from_world.inverse();
        [Vec3::X, Vec3::Y, Vec3::Z].map(|axis| world_from_camera.transform_vector3(axis))
    }

    /// Projects a point of the world.
    pub fn project(&self, world: Vec3) -> Projection {
        let p = self.camera_from_world.transform_point3(world);
        Projection {
            pixel: self.distort(Vec2::new(p.x, p.y) / p.z) * self.focal + self.centre,
            depth: p.z,
        }
    }

    /// Where the lens shows a point that a pinhole camera would show at `straight`. Both are
    /// relative to the principal point, in focal lengths.
    pub fn distort(&self, straight: Vec2) -> Vec2 {
        // A cushion shows nothing beyond some angle. Points there are put at its edge.
        let root = (1.0 - 4.0 * self.distortion * straight.length_squared()).max(0.0).sqrt();
        straight * (2.0 / (1.0 + root))
    }

    /// Where a pinhole camera would show the point that is seen at `pixel`, relative to the
    /// principal point, in focal lengths. It is the inverse of [`Camera::distort`].
    pub fn straight(&self, pixel: Vec2) -> Vec2 {
        let seen = (pixel - self.centre) / self.focal;
        seen / (1.0 + self.distortion * seen.length_squared())
    }

    /// The λ that moves the corners of the image inwards by `share` of their distance from the
    /// middle. The corners then show what a pinhole camera would show at 1 / (1 - `share`) times
    /// that distance. `share` is clamped to [-1/8, 1/2]; negative values move the corners outwards.
    pub fn distortion_of(&self, share: f32) -> f32 {
        let corner =
            (Vec2::new(self.width as f32, self.height as f32) * 0.5 / self.focal).length_squared();
        let moved = 1.0 - share.clamp(-0.125, 0.5);
        // The point seen at the corner, r_d, is the one that a pinhole camera shows at r_d / moved.
        (moved - 1.0) / corner
    }

    /// Whether `pixel` lies in the image.
    pub fn contains(&self, pixel: Vec2) -> bool {
        pixel.x >= 0.0
            && pixel.y >= 0.0
            && pixel.x < self.width as f32
            && pixel.y < self.height as f32
    }

    /// The unit direction in the world of the ray through `pixel`.
    pub fn ray_through(&self, pixel: Vec2) -> Vec3 {
        self.rays()(pixel)
    }

    /// [`Camera::ray_through`] for many pixels.
    pub fn rays(&self) -> impl Fn(Vec2) -> Vec3 {
        let [right, down, forward] = self.axes();
        let camera = *self;
        move |pixel| {
            let p = camera.straight(pixel);
            (right * p.x + down * p.y + forward).normalize()
        }
    }

    /// `clip_from_world`, without the distortion, with reversed depth: clip depth is
    /// [`Camera::NEAR`] over metres.
    pub fn clip_from_world(&self) -> Mat4 {
        let size = Vec2::new(self.width as f32, self.height as f32);
        let scale = 2.0 * self.focal / size;
        let shift = 2.0 * self.centre / size - 1.0;
        let clip_from_camera = Mat4::from_cols(
            Vec4::new(scale.x, 0.0, 0.0, 0.0),
            Vec4::new(0.0, -scale.y, 0.0, 0.0),
            Vec4::new(shift.x, -shift.y, 0.0, 1.0),
            Vec4::new(0.0, 0.0, Self::NEAR, 0.0),
        );
        clip_from_camera * Mat4::from(self.camera_from_world)
    }
}

/// The image box around the whole parts, also where they are outside the image: [low, high] corners
/// in pixels.
pub fn image_box(camera: &Camera, parts: &[RoundCone]) -> [Vec2; 2] {
    let mut low = Vec2::INFINITY;
    let mut high = Vec2::NEG_INFINITY;
    let mut include = |centre: Vec3, radius: f32| {
        let p = camera.camera_from_world.transform_point3(centre);
        // A ball that reaches the camera has no tangents. It is moved to just in front of the
        // camera.
        let depth = p.z.max(radius + 0.1);
        let [x, y] = [p.x, p.y].map(|across| tangents(across, depth, radius));
        let corners = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| Vec2::new(x[i], y[j]));
        for corner in corners {
            let pixel = camera.distort(corner) * camera.focal + camera.centre;
            (low, high) = (low.min(pixel), high.max(pixel));
        }
    };
    for part in parts {
        let ball = |t: f32| {
            (
                part.ends[0].lerp(part.ends[1], t),
                part.radii[0] + (part.radii[1] - part.radii[0]) * t,
            )
        };
        // Through a lens that distorts, the outline between two balls is bent.
        let balls: &[f32] =
            if camera.distortion == 0.0 { &[0.0, 1.0] } else { &[0.0, 0.33, 0.67, 1.0] };
        for (centre, radius) in balls.iter().map(|t| ball(*t)) {
            include(centre, radius);
        }
    }
    [low, high]
}

/// The slopes, lowest first, of the two lines through the origin that touch the circle around
/// (`across`, `depth`).
fn tangents(across: f32, depth: f32, radius: f32) -> [f32; 2] {
    let reach = radius * (across * across + depth * depth - radius * radius).sqrt();
    [-reach, reach].map(|reach| (across * depth + reach) / (depth * depth - radius * radius))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 90 degrees over 64 pixels: focal length 32. The camera stands at z = 4 and looks down -z, so
    /// world x is image x and world y is image up.
    fn front() -> Camera {
        Camera::look_at(
            [64, 64],
            90f32.to_radians(),
            Vec3::new(0.0, 1.0, 4.0),
            Vec3::new(0.0, 1.0, 0.0),
            0.0,
        )
    }

    #[test]
    fn points_project_to_pixels_computed_by_hand() {
        let camera = front();
        for (world, pixel) in [
            (Vec3::new(0.0, 1.0, 0.0), Vec2::new(32.0, 32.0)),
            (Vec3::new(1.0, 1.0, 0.0), Vec2::new(40.0, 32.0)),
            (Vec3::new(0.0, 2.0, 0.0), Vec2::new(32.0, 24.0)),
            (Vec3::new(-1.0, 0.5, 2.0), Vec2::new(16.0, 40.0)),
        ] {
            let found = camera.project(world);
            assert!(
                found.pixel.distance(pixel) < 1e-4,
                "{world} lands at {}, not {pixel}",
                found.pixel
            );
            assert!((found.depth - (4.0 - world.z)).abs() < 1e-5);
        }
    }

    #[test]
    fn the_first_pixel_centre_is_half_a_pixel_from_the_corner() {
        let camera = front();
        // The ray through (0.5, 0.5) leaves by (-31.5, -31.5) / 32 right and down of forward.
        let ray = camera.ray_through(Vec2::splat(0.5));
        let expected = Vec3::new(-31.5 / 32.0, 31.5 / 32.0, -1.0).normalize();
        assert!(ray.distance(expected) < 1e-6);
        assert!(camera.contains(Vec2::ZERO) && !camera.contains(Vec2::new(64.0, 1.0)));
    }

    #[test]
    fn clip_space_agrees_with_projection() {
        let camera = Camera::look_at(
            [96, 64],
            0.8,
            Vec3::new(2.0, 1.5, 3.0),
            Vec3::new(0.1, 1.0, -0.2),
            0.4,
        );
        for world in [Vec3::new(0.3, 1.2, 0.1), Vec3::new(-0.5, 0.2, 0.7)] {
            let clip = camera.clip_from_world() * world.extend(1.0);
            let ndc = clip / clip.w;
            let pixel = Vec2::new((ndc.x + 1.0) * 48.0, (1.0 - ndc.y) * 32.0);
            let projection = camera.project(world);
            assert!(pixel.distance(projection.pixel) < 1e-3);
            assert!((Camera::NEAR / ndc.z - projection.depth).abs() < 1e-4);
        }
    }

    #[test]
    fn distortion_moves_the_corners_as_far_as_it_says_and_rays_undo_it() {
        for share in [-0.1, 0.0, 0.2] {
            let mut camera = front();
            camera.distortion = camera.distortion_of(share);
            // What a pinhole camera would show at the corner over 1 - share is seen at the corner.
            let beyond = 32.0 / (1.0 - share);
            let world = Vec3::new(beyond / 8.0, 1.0 + beyond / 8.0, 0.0);
            let pixel = camera.project(world).pixel;
            assert!(pixel.distance(Vec2::new(64.0, 0.0)) < 1e-3, "{share}: {pixel}");
            for pixel in [Vec2::new(3.0, 50.0), Vec2::new(33.0, 31.0), Vec2::new(60.0, 2.0)] {
                let seen = camera.project(camera.eye() + camera.ray_through(pixel) * 3.0);
                assert!(
                    seen.pixel.distance(pixel) < 1e-3,
                    "{share}: {pixel} comes back at {}",
                    seen.pixel
                );
            }
        }
    }

    #[test]
    fn roll_turns_the_picture_the_other_way() {
        let rolled = Camera::look_at([64, 64], 1.5, Vec3::Z * 4.0, Vec3::ZERO, 90f32.to_radians());
        // The camera's right is now the world's up or down; a point above the centre lies on the
        // horizontal midline.
        let p = rolled.project(Vec3::Y);
        assert!((p.pixel.y - 32.0).abs() < 1e-3 && (p.pixel.x - 32.0).abs() > 1.0);
    }
}
