//! The round cone: the hull of two spheres, and the shape of every body part.

use glam::Vec3;

/// The hull of two spheres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundCone {
    /// Sphere centres, metres.
    pub ends: [Vec3; 2],
    /// Sphere radii, metres.
    pub radii: [f32; 2],
}

impl RoundCone {
    /// Distance along the unit vector `direction` from `origin` to the first point of the surface,
    /// if the ray meets it in front of a point outside.
    ///
    /// A point p is inside when it is inside some sphere with centre a + s(b - a) and radius ra -
    /// s(ra - rb), s in [0, 1]. Over free s the surface solves D A - B^2 = 0 (see
    /// `assets/shaders/seen.wgsl`, which this is the twin of).
    pub fn ray(&self, origin: Vec3, direction: Vec3) -> Option<f32> {
        let [a, b] = self.ends;
        let [radius_a, radius_b] = self.radii;
        let axis = b - a;
        let taper = radius_a - radius_b;
        let from_a = origin - a;
        let d = axis.length_squared() - taper * taper;
        let mut nearest = f32::INFINITY;
        if d > 0.0 {
            let axial_speed = axis.dot(direction);
            let axial_start = axis.dot(from_a) - radius_a * taper;
            let quadratic = d - axial_speed * axial_speed;
            let half_linear = d * from_a.dot(direction) - axial_speed * axial_start;
            let constant =
                d * (from_a.length_squared() - radius_a * radius_a) - axial_start * axial_start;
            let discriminant = half_linear * half_linear - quadratic * constant;
            if discriminant >= 0.0 && quadratic != 0.0 {
                let t = (-half_linear - discriminant.sqrt()) / quadratic;
                let s = (axial_start + t * axial_speed) / d;
                if s > 0.0 && s < 1.0 && t > 0.0 {
                    nearest = t;
                }
            }
        }
        for (centre, radius) in self.ends.into_iter().zip(self.radii) {
            let from_centre = origin - centre;
            let along = from_centre.dot(direction);
            let discriminant = along * along - from_centre.length_squared() + radius * radius;
            let t = -along - discriminant.max(0.0).sqrt();
            if discriminant > 0.0 && t > 0.0 {
                nearest = nearest.min(t);
            }
        }
        nearest.is_finite().then_some(nearest)
    }

    /// A sphere around the whole cone: (centre, radius).
    pub fn bounding_sphere(&self) -> (Vec3, f32) {
        let [a, b] = self.ends;
        ((a + b) * 0.5, a.distance(b) * 0.5 + self.radii[0].max(self.radii[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rays_meet_a_capsule_where_computed_by_hand() {
        let capsule = RoundCone { ends: [Vec3::ZERO, Vec3::Y], radii: [0.25, 0.25] };
        let hit = capsule.ray(Vec3::new(0.0, 0.5, 3.0), Vec3::NEG_Z);
        assert!((hit.unwrap() - 2.75).abs() < 1e-5);
        let cap = capsule.ray(Vec3::new(0.0, 4.0, 0.0), Vec3::NEG_Y);
        assert!((cap.unwrap() - 2.75).abs() < 1e-5);
        assert_eq!(capsule.ray(Vec3::new(0.3, 0.5, 3.0), Vec3::NEG_Z), None);
        assert_eq!(capsule.ray(Vec3::new(0.0, 0.5, 3.0), Vec3::Z), None, "behind the ray");
    }

    #[test]
    fn hits_lie_on_the_surface_of_a_tapered_cone() {
        let cone = RoundCone {
            ends: [Vec3::new(0.1, 0.2, 0.0), Vec3::new(-0.2, 0.9, 0.3)],
            radii: [0.3, 0.1],
        };
        let mut hits = 0;
        for i in 0..400 {
            let target = Vec3::new((i % 20) as f32 * 0.06 - 0.6, (i / 20) as f32 * 0.08 - 0.2, 0.1);
            let origin = Vec3::new(0.5, 0.4, 4.0);
            let direction = (target - origin).normalize();
            let Some(t) = cone.ray(origin, direction) else { continue };
            hits += 1;
            let p = origin + direction * t;
            let outside = (0..=2000)
                .map(|k| {
                    let s = k as f32 / 2000.0;
                    p.distance(cone.ends[0].lerp(cone.ends[1], s)) - (0.3 + s * (0.1 - 0.3))
                })
                .fold(f32::INFINITY, f32::min);
            assert!(outside.abs() < 2e-4, "hit {p} is {outside} m off the surface");
        }
        assert!(hits > 60);
    }
}
