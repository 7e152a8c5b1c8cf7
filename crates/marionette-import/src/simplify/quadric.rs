//! The sum of squared distances from planes, as a quadratic form.

use glam::{DMat3, DVec3};
use std::ops::AddAssign;

/// `x' A x + 2 b' x + c`, which is the weighted sum of squared distances of `x` from planes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quadric {
    /// The upper triangle of A: xx, xy, xz, yy, yz, zz.
    a: [f64; 6],
    b: DVec3,
    c: f64,
}

impl Quadric {
    /// Of the plane through `point` with the unit normal `normal`.
    pub fn plane(point: DVec3, normal: DVec3, weight: f64) -> Self {
        let n = normal;
        let d = -n.dot(point);
        Quadric {
            a: [n.x * n.x, n.x * n.y, n.x * n.z, n.y * n.y, n.y * n.z, n.z * n.z]
                .map(|entry| entry * weight),
            b: n * d * weight,
            c: d * d * weight,
        }
    }

    fn matrix(&self) -> DMat3 {
        let [xx, xy, xz, yy, yz, zz] = self.a;
        DMat3::from_cols_array(&[xx, xy, xz, xy, yy, yz, xz, yz, zz])
    }

    /// The value at `x`; rounding does not make it negative.
    pub fn at(&self, x: DVec3) -> f64 {
        (x.dot(self.matrix() * x) + 2.0 * self.b.dot(x) + self.c).max(0.0)
    }

    /// Where it is least, if that is one point.
    pub fn least(&self) -> Option<DVec3> {
        let matrix = self.matrix();
        let trace = matrix.x_axis.x + matrix.y_axis.y + matrix.z_axis.z;
        let is_one = matrix.determinant() > 1e-5 * trace.powi(3);
        is_one.then(|| matrix.inverse() * -self.b)
    }
}

impl AddAssign for Quadric {
    fn add_assign(&mut self, other: Self) {
        for (entry, more) in self.a.iter_mut().zip(other.a) {
            *entry += more;
        }
        self.b += other.b;
        self.c += other.c;
    }
}
