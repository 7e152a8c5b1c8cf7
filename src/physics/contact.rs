//! How deep things are inside one another, exactly: round cones with the radii they are drawn with, and props.

use crate::{
    figure::{Figure, RoundCone, Support},
    scene::{FigureSample, Prop, PropRole, PropShape},
};
use glam::Vec3;

/// Steps of the search along a part's axis; each leaves 62 % of the stretch before it, so these leave 0.1 %.
const STEPS: u32 = 14;

/// How deep the two parts are inside each other, metres (0 where they are apart).
pub fn penetration(a: &RoundCone, b: &RoundCone) -> f32 {
    let [(centre_a, reach_a), (centre_b, reach_b)] = [a.bounding_sphere(), b.bounding_sphere()];
    if centre_a.distance(centre_b) > reach_a + reach_b {
        return 0.0;
    }
    (-gap(a, |point| cone_distance(b, point))).max(0.0)
}

/// How deep `part` is inside `prop`, metres; negative where it is so far away from it.
pub fn prop_penetration(part: &RoundCone, prop: &Prop) -> f32 {
    let inverse = prop.rotation.inverse();
    -gap(part, |point| shape_distance(&prop.shape, inverse * (point - prop.position)))
}

/// How far a figure is from what should carry it, metres: its nearest part from the ground or a support, on a bar the farther
/// hand from that. 0 for a figure in the air, which nothing carries.
pub fn floating(figure: &Figure, sample: &FigureSample, props: &[Prop]) -> f32 {
    let supports = || props.iter().filter(|prop| prop.role == PropRole::Support);
    let nearest = |part: &RoundCone| supports().map(|prop| -prop_penetration(part, prop)).fold(f32::INFINITY, f32::min);
    let gap = match figure.poses[sample.family].support {
        Support::Air(_) => 0.0,
        Support::Bar(_) => ["left_hand", "right_hand"]
            .into_iter()
            .map(|name| {
                let own = |part: usize| figure.bones[figure.parts[part].bone].name == name;
                let hand = sample.body().iter().enumerate().filter(|(part, _)| own(*part));
                hand.map(|(_, part)| nearest(part)).fold(f32::INFINITY, f32::min)
            })
            .filter(|gap| gap.is_finite())
            .fold(0.0, f32::max),
        Support::Ground | Support::Seat => {
            let ground = crate::figure::lowest_point(sample.body());
            sample.body().iter().map(nearest).fold(ground, f32::min)
        }
    };
    gap.max(0.0)
}

/// The least distance of `part`'s surface from a convex body, given how far (negative inside) points are from it, metres.
///
/// The distance from a convex body is a convex function, and so is it along the part's axis less the radius there; a golden
/// section search finds its minimum.
fn gap(part: &RoundCone, distance: impl Fn(Vec3) -> f32) -> f32 {
    const GOLDEN: f32 = 0.618_034;
    let [a, b] = part.ends;
    let [radius_a, radius_b] = part.radii;
    let at = |t: f32| distance(a.lerp(b, t)) - (radius_a + (radius_b - radius_a) * t);
    let (mut low, mut high) = (0.0, 1.0);
    let [mut left, mut right] = [1.0 - GOLDEN, GOLDEN];
    let [mut at_left, mut at_right] = [at(left), at(right)];
    for _ in 0..STEPS {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = at(right);
        }
    }
    at_left.min(at_right).min(at(0.0)).min(at(1.0))
}

/// The signed distance of `point` from the surface of `cone`, metres.
fn cone_distance(cone: &RoundCone, point: Vec3) -> f32 {
    let [a, b] = cone.ends;
    let [radius_a, radius_b] = cone.radii;
    let length = a.distance(b);
    let axis = (b - a).normalize_or_zero();
    let along = (point - a).dot(axis);
    let across = (point - a - axis * along).length();
    // Of all spheres of the hull the one that is nearest: where the way to its centre stands upright on the surface.
    let slope = (radius_a - radius_b) / length.max(1e-6);
    let centre = match slope {
        s if s >= 1.0 => 0.0,
        s if s <= -1.0 => length,
        s => (along - across * s / (1.0 - s * s).sqrt()).clamp(0.0, length),
    };
    across.hypot(along - centre) - (radius_a - slope * centre)
}

/// The signed distance of `point`, in the prop's own frame, from its surface, metres.
fn shape_distance(shape: &PropShape, point: Vec3) -> f32 {
    match *shape {
        PropShape::Ball { radius } => point.length() - radius,
        PropShape::Capsule { half_length, radius } => {
            (point - Vec3::Y * point.y.clamp(-half_length, half_length)).length() - radius
        }
        PropShape::Cuboid { half_extents } => {
            let beyond = point.abs() - half_extents;
            beyond.max(Vec3::ZERO).length() + beyond.max_element().min(0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::Quat;

    #[test]
    fn crossed_limbs_penetrate_and_parted_ones_do_not() {
        let limb = |ends| RoundCone { ends, radii: [0.05, 0.05] };
        let a = limb([Vec3::ZERO, Vec3::Y]);
        let across = limb([Vec3::new(-0.5, 0.5, 0.06), Vec3::new(0.5, 0.5, 0.06)]);
        let away = limb([Vec3::new(-0.5, 0.5, 0.2), Vec3::new(0.5, 0.5, 0.2)]);
        assert!((penetration(&a, &across) - 0.04).abs() < 1e-4);
        assert_eq!(penetration(&a, &away), 0.0);
    }

    #[test]
    fn depths_follow_the_radii_where_limbs_touch() {
        let cone = RoundCone { ends: [Vec3::ZERO, Vec3::Y], radii: [0.10, 0.02] };
        let ball = |y| RoundCone { ends: [Vec3::new(0.1, y, 0.0), Vec3::new(0.1, y + 1e-3, 0.0)], radii: [0.05, 0.05] };
        assert!((penetration(&cone, &ball(-0.001)) - 0.05).abs() < 2e-3);
        assert_eq!(penetration(&cone, &ball(1.0)), 0.0);
        assert!((penetration(&cone, &ball(-0.001)) - penetration(&ball(-0.001), &cone)).abs() < 1e-4);
    }

    #[test]
    fn depth_in_a_turned_box_is_that_of_the_deepest_point() {
        let prop = Prop {
            shape: PropShape::Cuboid { half_extents: Vec3::new(0.5, 0.2, 0.1) },
            position: Vec3::new(1.0, 0.0, 0.0),
            rotation: Quat::from_rotation_z(std::f32::consts::FRAC_PI_2),
            color: Vec3::ONE,
            role: PropRole::Support,
        };
        // Turned by a quarter, the box reaches from x = 0.8 and from y = -0.5 to 0.5.
        let limb =
            |x: f32| RoundCone { ends: [Vec3::new(x, -0.3, 0.0), Vec3::new(x - 0.3, 0.3, 0.0)], radii: [0.05; 2] };
        assert!((prop_penetration(&limb(0.78), &prop) - 0.03).abs() < 1e-4);
        assert!((prop_penetration(&limb(0.65), &prop) + 0.10).abs() < 1e-4);
    }
}
