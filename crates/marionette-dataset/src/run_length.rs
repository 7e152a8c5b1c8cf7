//! Masks as COCO's compressed run lengths.
//!
//! Pixels are counted column by column, runs of 0 and 1 in turn, the first of 0. From the third run
//! on, the difference from the run before last is kept. Each number is written in groups of five
//! bits, the lowest first, a sixth bit saying whether more follow, plus 48: printable ASCII. (The
//! format of `maskApi.c` in pycocotools.)

/// The runs of a mask of `width` columns, given row by row, as text.
pub fn encode(mask: &[bool], width: usize) -> String {
    let height = mask.len().checked_div(width).unwrap_or(0);
    let (mut runs, mut value, mut length) = (Vec::new(), false, 0i64);
    for x in 0..width {
        for y in 0..height {
            if mask[y * width + x] != value {
                runs.push(length);
                (value, length) = (!value, 0);
            }
            length += 1;
        }
    }
    runs.push(length);
    let mut text = String::new();
    for (i, run) in runs.iter().enumerate() {
        write(&mut text, if i > 2 { run - runs[i - 2] } else { *run });
    }
    text
}

/// Appends a number.
fn write(text: &mut String, mut number: i64) {
    loop {
        let bits = (number & 0x1f) as u8;
        number >>= 5;
        // The sign is the highest bit of the last group.
        let more = number != if bits & 0x10 == 0 { 0 } else { -1 };
        text.push(char::from(bits + if more { 0x20 } else { 0 } + 48));
        if !more {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_as_pycocotools_writes_them() {
        // `pycocotools.mask.encode(np.asfortranarray(...))["counts"]` of 2.0.8.
        let empty = encode(&[false; 12], 4);
        assert_eq!(empty, "<");
        assert_eq!(encode(&[true; 12], 4), "0<");
        let mask = [0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1].map(|bit| bit == 1);
        assert_eq!(encode(&mask, 4), "32102O");
    }
}
