//! Upright boxes, as `[left, top, width, height]`.

/// What two boxes have in common, as a share of what they cover together (intersection over union),
/// 0 to 1. Boxes without an area have nothing in common.
pub fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let along = |axis: usize| {
        let end = (a[axis] + a[axis + 2]).min(b[axis] + b[axis + 2]);
        (end - a[axis].max(b[axis])).max(0.0)
    };
    let common = along(0) * along(1);
    common / (a[2] * a[3] + b[2] * b[3] - common).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_what_is_common_of_what_is_covered() {
        let a = [0.0, 0.0, 2.0, 2.0];
        assert_eq!(overlap(&a, &a), 1.0);
        assert_eq!(overlap(&a, &[1.0, 0.0, 2.0, 2.0]), 2.0 / 6.0);
        assert_eq!(overlap(&a, &[2.0, 0.0, 2.0, 2.0]), 0.0);
        assert_eq!(overlap(&[0.0; 4], &[0.0; 4]), 0.0);
    }
}
