//! The lens: from a point in the camera's frame to a pixel, and back to a ray.

use nalgebra::{Matrix2, Matrix2x3, Vector2, Vector3};

/// A pinhole camera with OpenCV's five coefficients of distortion.
///
/// Pixels are OpenCV's: the centre of the top-left pixel is (0, 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intrinsics {
    /// Focal lengths in x and y, pixels.
    pub focal: [f64; 2],
    /// The principal point, pixels.
    pub center: [f64; 2],
    /// k1, k2, p1, p2, k3, in OpenCV's order.
    pub distortion: [f64; 5],
    /// Width and height of the picture, pixels, where they are known.
    pub size: Option<[u32; 2]>,
}

impl Intrinsics {
    /// Points nearer than this are behind the camera, metres.
    const NEAR: f64 = 1e-6;

    /// A camera without distortion.
    pub fn pinhole(focal: [f64; 2], center: [f64; 2]) -> Self {
        Intrinsics { focal, center, distortion: [0.0; 5], size: None }
    }

    /// A pixel counted from the top-left pixel's corner, as in `predictions.json` and in COCO's
    /// files, counted from its centre.
    pub fn from_corner(pixel: [f64; 2]) -> [f64; 2] {
        pixel.map(|value| value - 0.5)
    }

    /// Where a point of the camera's frame is seen, pixels; `None` if it is behind the camera.
    pub fn project(&self, point: &Vector3<f64>) -> Option<Vector2<f64>> {
        self.project_with_slope(point).map(|(pixel, _)| pixel)
    }

    /// The same, and how the pixel moves with the point.
    pub(crate) fn project_with_slope(
        &self,
        point: &Vector3<f64>,
    ) -> Option<(Vector2<f64>, Matrix2x3<f64>)> {
        // Not a number is not in front either.
        if point.z.partial_cmp(&Self::NEAR) != Some(std::cmp::Ordering::Greater) {
            return None;
        }
        let (x, y) = (point.x / point.z, point.y / point.z);
        let (seen, slope) = self.distort(Vector2::new(x, y));
        let flat = Matrix2x3::new(1.0, 0.0, -x, 0.0, 1.0, -y) / point.z;
        let focal = Matrix2::new(self.focal[0], 0.0, 0.0, self.focal[1]);
        Some((focal * seen + Vector2::from(self.center), focal * slope * flat))
    }

    /// A place on the plane at distance 1, moved as the lens does, and the slope of that.
    fn distort(&self, at: Vector2<f64>) -> (Vector2<f64>, Matrix2<f64>) {
        let [k1, k2, p1, p2, k3] = self.distortion;
        let (x, y) = (at.x, at.y);
        let r2 = x * x + y * y;
        let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
        // By the square of the radius.
        let steeper = k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3);
        let seen = Vector2::new(
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
        );
        let mixed = 2.0 * (x * y * steeper + p1 * x + p2 * y);
        let slope = Matrix2::new(
            radial + 2.0 * x * x * steeper + 2.0 * p1 * y + 6.0 * p2 * x,
            mixed,
            mixed,
            radial + 2.0 * y * y * steeper + 6.0 * p1 * y + 2.0 * p2 * x,
        );
        (seen, slope)
    }

    /// Where on the plane at distance 1 the ray through a pixel goes. `None` where the lens has no
    /// such ray: a strong distortion folds the picture over far from its middle.
    pub(crate) fn ray(&self, pixel: [f64; 2]) -> Option<Vector2<f64>> {
        let wanted = Vector2::new(
            (pixel[0] - self.center[0]) / self.focal[0],
            (pixel[1] - self.center[1]) / self.focal[1],
        );
        if self.distortion == [0.0; 5] {
            return Some(wanted);
        }
        let mut at = wanted;
        for _ in 0..30 {
            let (seen, slope) = self.distort(at);
            // Beyond the fold the picture would be mirrored.
            if slope.determinant() <= 0.0 {
                return None;
            }
            let step = slope.try_inverse()? * (wanted - seen);
            at += step;
            if step.norm() < 1e-12 {
                break;
            }
        }
        ((self.distort(at).0 - wanted).norm() < 1e-9).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens() -> Intrinsics {
        Intrinsics {
            distortion: [-0.21, 0.06, 0.001, -0.002, 0.01],
            ..Intrinsics::pinhole([480.0, 510.0], [310.0, 236.0])
        }
    }

    #[test]
    fn a_ray_goes_back_through_the_pixel_that_it_came_from() {
        for (x, y) in [(0.0, 0.0), (0.5, -0.3), (-0.6, 0.4), (0.1, 0.45)] {
            let seen = lens().project(&Vector3::new(2.0 * x, 2.0 * y, 2.0)).unwrap();
            let ray = lens().ray([seen.x, seen.y]).unwrap();
            assert!((ray - Vector2::new(x, y)).norm() < 1e-9, "{x} {y} comes back as {ray}");
        }
        assert_eq!(lens().project(&Vector3::new(0.0, 0.0, -1.0)), None);
        // Strong barrel distortion shows nothing out there.
        let strong = Intrinsics { distortion: [-0.5, 0.0, 0.0, 0.0, 0.0], ..lens() };
        assert_eq!(strong.ray([1500.0, 236.0]), None);
    }

    #[test]
    fn slopes_are_those_of_small_steps() {
        let at = Vector3::new(0.4, -0.3, 1.3);
        let (pixel, slope) = lens().project_with_slope(&at).unwrap();
        for axis in 0..3 {
            let mut moved = at;
            moved[axis] += 1e-6;
            let numeric = (lens().project(&moved).unwrap() - pixel) / 1e-6;
            let error = (numeric - slope.column(axis)).norm();
            assert!(error < 1e-3, "axis {axis}: {numeric} {slope}");
        }
    }
}
