//! How large a file's unit is.

/// Sizes of figures that are taken as they are, metres.
const USUAL: [f32; 2] = [0.05, 8.0];
/// Units of exporters: name, metres.
const UNITS: [(&str, f32); 3] =
    [("centimetres", 0.01), ("millimetres", 0.001), ("hundreds of metres", 100.0)];

/// Metres in one unit of a file whose figure is `size` units long, and what was guessed.
///
/// # Errors
/// If the figure has no size.
pub(super) fn metres(size: f32) -> Result<(f32, Option<String>), String> {
    if !(size > 0.0 && size.is_finite()) {
        return Err(format!("its figure is {size} long; all its vertices are in one place"));
    }
    let usual = |scale: f32| (USUAL[0]..=USUAL[1]).contains(&(size * scale));
    if usual(1.0) {
        return Ok((1.0, None));
    }
    let guess = UNITS
        .iter()
        .find(|(_, scale)| usual(*scale) && (size > 1.0 || *scale > 1.0) && size * scale > 0.1);
    let (what, scale) = match guess {
        Some((name, scale)) => (format!("taken as {name}"), *scale),
        None => ("scaled so that the figure is 1 m long".to_owned(), 1.0 / size),
    };
    let note = format!(
        "The figure is {size} units long, which cannot be metres; lengths were {what}. `--scale` \
         says otherwise."
    );
    Ok((scale, Some(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_guessed_from_sizes() {
        for (size, scale) in
            [(1.8, 1.0), (4.6, 1.0), (180.0, 0.01), (1800.0, 0.001), (0.018, 100.0)]
        {
            let (found, note) = metres(size).unwrap();
            assert_eq!((found, note.is_some()), (scale, scale != 1.0), "{size}");
        }
        assert_eq!(metres(1e7).unwrap().0, 1e-7);
        assert!(metres(0.0).is_err() && metres(f32::NAN).is_err());
    }
}
