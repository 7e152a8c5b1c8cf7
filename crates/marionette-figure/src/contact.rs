//! The exact depth of round cones inside one another, and the parts of a body that must not go
//! through each other.

use super::{
    BodyShape, Figure, LimbPair, Pose, RoundCone,
    limb_pair::{DEEPEST, DEEPEST_BETWEEN_TWINS, DEEPEST_FOLD},
    place_parts, solve,
};
use glam::Vec3;

/// Steps of the search along a part's axis. Each step leaves 62 % of the interval, all of them
/// together 0.1 %.
const STEPS: u32 = 14;

/// How deep the two parts are inside each other, metres (0 where they are apart).
pub fn penetration(a: &RoundCone, b: &RoundCone) -> f32 {
    let [(centre_a, reach_a), (centre_b, reach_b)] = [a.bounding_sphere(), b.bounding_sphere()];
    if centre_a.distance(centre_b) > reach_a + reach_b {
        return 0.0;
    }
    (-gap(a, |point| cone_distance(b, point))).max(0.0)
}

/// Pairs of the body's parts that belong to different groups and do not touch in the figure at
/// rest. Neighbours at a joint always overlap.
///
/// Flesh folds between parts on the two sides of a joint, and between parts on two joints of one
/// bone (a thigh and the belly). It presses together between a left and a right limb of one bone.
pub(super) fn limb_pairs(figure: &Figure) -> Vec<LimbPair> {
    let (shape, pose) = (BodyShape::default(), Pose::at_rest(figure));
    let placed = place_parts(figure, &shape, &solve(figure, &shape, &pose));
    let parent = |bone: usize| figure.bones[bone].parent;
    let apart = |i: usize, j: usize| {
        figure.parts[i].group != figure.parts[j].group && penetration(&placed[i], &placed[j]) == 0.0
    };
    // Round cones that stand for a shape are only so exact.
    let error = |part: usize| figure.surface.fit_of(part).map_or(0.0, |fit| fit.error);
    let pairs = (0..placed.len()).flat_map(|i| (i + 1..placed.len()).map(move |j| (i, j)));
    pairs
        .filter(|(i, j)| apart(*i, *j))
        .map(|(i, j)| {
            let [a, b] = [i, j].map(|part| figure.parts[part].bone);
            let deepest = match parent(a) == parent(b) {
                true if a != b && figure.bones[a].twin == b => DEEPEST_BETWEEN_TWINS,
                true => DEEPEST_FOLD,
                false if parent(a) == Some(b) || parent(b) == Some(a) => DEEPEST_FOLD,
                false => DEEPEST,
            };
            LimbPair {
                parts: [i, j],
                deepest: deepest * figure.stature + error(i) + error(j),
                folds: deepest == DEEPEST_FOLD,
            }
        })
        .collect()
}

impl Figure {
    /// Whether a body goes through itself: whether any two of its `parts` are deeper inside one
    /// another than their flesh allows, plus `slack` metres.
    pub fn goes_through_itself(&self, parts: &[RoundCone], slack: f32) -> bool {
        let deeper = |LimbPair { parts: [i, j], deepest, .. }: &LimbPair| {
            penetration(&parts[*i], &parts[*j]) > deepest + slack
        };
        self.limb_pairs.iter().any(deeper)
    }
}

/// The least distance of `part`'s surface from a convex body, metres. `distance` gives the distance
/// of a point from the body, negative inside.
///
/// The distance from a convex body is a convex function. So is the distance along the part's axis
/// less the radius there. A golden section search finds its minimum.
pub fn gap(part: &RoundCone, distance: impl Fn(Vec3) -> f32) -> f32 {
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
pub(super) fn cone_distance(cone: &RoundCone, point: Vec3) -> f32 {
    let [a, b] = cone.ends;
    let [radius_a, radius_b] = cone.radii;
    let length = a.distance(b);
    let axis = (b - a).normalize_or_zero();
    let along = (point - a).dot(axis);
    let across = (point - a - axis * along).length();
    // The hull's sphere that is nearest to the point: the line to its centre is perpendicular to
    // the surface.
    let slope = (radius_a - radius_b) / length.max(1e-6);
    let centre = match slope {
        s if s >= 1.0 => 0.0,
        s if s <= -1.0 => length,
        s => (along - across * s / (1.0 - s * s).sqrt()).clamp(0.0, length),
    };
    across.hypot(along - centre) - (radius_a - slope * centre)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let ball = |y| RoundCone {
            ends: [Vec3::new(0.1, y, 0.0), Vec3::new(0.1, y + 1e-3, 0.0)],
            radii: [0.05, 0.05],
        };
        assert!((penetration(&cone, &ball(-0.001)) - 0.05).abs() < 2e-3);
        assert_eq!(penetration(&cone, &ball(1.0)), 0.0);
        assert!(
            (penetration(&cone, &ball(-0.001)) - penetration(&ball(-0.001), &cone)).abs() < 1e-4
        );
    }
}
