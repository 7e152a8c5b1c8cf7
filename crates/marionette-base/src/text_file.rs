//! Tells text from what is taken for it: other encodings, compressed files.

/// The text of a file's bytes. A UTF-8 byte order mark is left out.
///
/// # Errors
/// If the bytes are no UTF-8: what they are instead, and what would do.
pub fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let kind = match bytes.as_slice() {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => "UTF-16 text",
        [0x1F, 0x8B, ..] => return Err("is compressed with gzip; decompress it".to_owned()),
        [b'P', b'K', 3, 4, ..] => return Err("is a ZIP archive; unpack it".to_owned()),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            return Err("is compressed with zstd; decompress it".to_owned());
        }
        _ => "no UTF-8 text",
    };
    let failed = |line: usize| match line {
        1 => format!("is {kind}; save it as UTF-8"),
        _ => format!("is {kind}, from line {line} on; save it as UTF-8"),
    };
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        failed(1 + valid.iter().filter(|byte| **byte == b'\n').count())
    })?;
    if kind == "UTF-16 text" {
        // UTF-16 of plain letters is UTF-8 with zeros in between.
        return Err(failed(1));
    }
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_called_by_its_name() {
        let utf_16 = |text: &str, mark: &[u8]| -> Vec<u8> {
            let letters = text.encode_utf16().flat_map(u16::to_le_bytes);
            mark.iter().copied().chain(letters).collect()
        };
        let cases: [(Vec<u8>, &str); 7] = [
            (utf_16("{\"a\": 1}", b"\xff\xfe"), "is UTF-16 text; save it as UTF-8"),
            (utf_16("{\"a\": 1}", b""), "is UTF-16 text; save it as UTF-8"),
            (b"\xfe\xff\0{".to_vec(), "is UTF-16 text; save it as UTF-8"),
            (b"\x1f\x8b\x08\0".to_vec(), "is compressed with gzip; decompress it"),
            (b"PK\x03\x04".to_vec(), "is a ZIP archive; unpack it"),
            (b"a\nb\nM\xfcller".to_vec(), "is no UTF-8 text, from line 3 on; save it as UTF-8"),
            (b"M\xfcller".to_vec(), "is no UTF-8 text; save it as UTF-8"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes).unwrap_err(), expected);
        }
        assert_eq!(decode("\u{feff}Müller".into()).unwrap(), "Müller");
        assert_eq!(decode(Vec::new()).unwrap(), "");
    }
}
