//! The exact depth of figures inside props and their distance from what carries them, with the same
//! radii as in the picture.

use glam::Vec3;
use marionette_figure::{Figure, RoundCone, Support, gap, grips, lowest_point};
use marionette_stream::{FigureSample, Prop, PropRole, PropShape};

/// How deep `part` is inside `prop`, metres; a negative value is the distance between them.
pub fn prop_penetration(part: &RoundCone, prop: &Prop) -> f32 {
    let inverse = prop.rotation.inverse();
    -gap(part, |point| shape_distance(&prop.shape, inverse * (point - prop.position)))
}

/// Whether `part` is more than `depth` metres deep inside `prop`.
pub(super) fn deeper_in_prop(part: &RoundCone, prop: &Prop, depth: f32) -> bool {
    let (centre, reach) = part.bounding_sphere();
    centre.distance(prop.position) < reach + prop.shape.reach()
        && prop_penetration(part, prop) > depth
}

/// How far a figure is from what should carry it, metres. In general this is the distance of its
/// nearest part from the ground or a support; on a bar, of the hand that is farther from the bar;
/// at a wall, the greater of the distances from wall and ground; on a seat, the distance of the
/// parts next to the root. It is 0 for a figure in the air, which nothing carries, and for one that
/// is bolted down.
pub fn floating(figure: &Figure, sample: &FigureSample, props: &[Prop]) -> f32 {
    let supports = || props.iter().filter(|prop| prop.role == PropRole::Support);
    let nearest = |part: &RoundCone| {
        supports().map(|prop| -prop_penetration(part, prop)).fold(f32::INFINITY, f32::min)
    };
    let gap = match figure.poses[sample.family].support {
        Support::Air(_) | Support::Fixed => 0.0,
        Support::Bar(_) => grips(figure, &sample.shape)
            .into_iter()
            .map(|(bone, _)| {
                let own = |part: usize| figure.parts[part].bone == bone;
                let hand = sample.flesh.iter().enumerate().filter(|(part, _)| own(*part));
                hand.map(|(_, part)| nearest(part)).fold(f32::INFINITY, f32::min)
            })
            .filter(|gap| gap.is_finite())
            .fold(0.0, f32::max),
        Support::Wall => sample
            .flesh
            .iter()
            .map(nearest)
            .fold(f32::INFINITY, f32::min)
            .max(lowest_point(&sample.flesh)),
        Support::Seat => {
            // Feet on the ground are not enough: hips, thighs or the small of the back must rest on
            // something.
            let seated = |part: &usize| {
                let bone = figure.parts[*part].bone;
                bone == 0 || figure.bones[bone].parent == Some(0)
            };
            let seated = (0..sample.flesh.len()).filter(seated).map(|part| sample.flesh[part]);
            seated
                .map(|part| nearest(&part).min(lowest_point(&[part])))
                .fold(f32::INFINITY, f32::min)
        }
        Support::Ground => {
            let ground = lowest_point(&sample.flesh);
            sample.flesh.iter().map(nearest).fold(ground, f32::min)
        }
    };
    gap.max(0.0)
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
    fn depth_in_a_turned_box_is_that_of_the_deepest_point() {
        let prop = Prop {
            shape: PropShape::Cuboid { half_extents: Vec3::new(0.5, 0.2, 0.1) },
            position: Vec3::new(1.0, 0.0, 0.0),
            rotation: Quat::from_rotation_z(std::f32::consts::FRAC_PI_2),
            color: Vec3::ONE,
            role: PropRole::Support,
        };
        // Turned by a quarter, the box reaches from x = 0.8 and from y = -0.5 to 0.5.
        let limb = |x: f32| RoundCone {
            ends: [Vec3::new(x, -0.3, 0.0), Vec3::new(x - 0.3, 0.3, 0.0)],
            radii: [0.05; 2],
        };
        assert!((prop_penetration(&limb(0.78), &prop) - 0.03).abs() < 1e-4);
        assert!((prop_penetration(&limb(0.65), &prop) + 0.10).abs() < 1e-4);
    }
}
