//! A glTF file with its buffers: what can be read from it, and what cannot.

use crate::ImportError;
use base64::Engine;
use gltf::{
    Accessor, Document,
    accessor::{DataType, sparse::IndexType},
    buffer::View,
};
use marionette_base::{atomic_file::read_file, picture_file::Picture};
use std::path::{Path, PathBuf};

/// The largest file that is read, bytes.
const LARGEST: u64 = 512 << 20;
/// The most elements of an accessor that says nothing about where its values are: all are zero.
const MOST_ZEROS: usize = 1 << 20;

/// Extensions without which a file cannot be read, and what writes it without them.
const REFUSED: [(&str, &str, &str); 5] = [
    ("KHR_draco_mesh_compression", "its meshes are compressed with Draco", "copy IN OUT"),
    ("EXT_meshopt_compression", "it is compressed with meshoptimizer", "copy IN OUT"),
    ("KHR_meshopt_compression", "it is compressed with meshoptimizer", "copy IN OUT"),
    ("KHR_texture_basisu", "its textures are KTX2 files", "ktxdecompress IN OUT"),
    ("EXT_texture_webp", "its textures are WebP files", "png IN OUT --formats \"*\""),
];
/// What a file may require: what these change is either read or does not matter here.
const KNOWN: [&str; 5] = [
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_materials_pbrSpecularGlossiness",
    "KHR_lights_punctual",
    "KHR_materials_variants",
];

/// A glTF file, checked as far as its JSON goes, with its buffers.
pub(super) struct Source {
    pub path: PathBuf,
    pub document: Document,
    buffers: Vec<Vec<u8>>,
}

impl Source {
    /// Reads the file at `path` and the buffers that it names.
    pub fn open(path: &Path) -> Result<Source, ImportError> {
        let fail = |message: String| ImportError::file(path, None, message);
        let bytes = read_file(path, LARGEST)?;
        let (json, blob) = if bytes.starts_with(b"glTF") {
            chunks(&bytes).map_err(fail)?
        } else {
            (&bytes[..], None)
        };
        let mut value: serde_json::Value =
            serde_json::from_slice(json).map_err(|e| fail(format!("is no glTF: {e}")))?;
        let version = value["asset"]["version"].as_str().unwrap_or("").to_owned();
        if !version.starts_with("2.") {
            let found = if version.is_empty() { "no version" } else { &version };
            return Err(fail(format!("is glTF of {found} (`asset.version`); give glTF 2.0")));
        }
        check_extensions(&value).map_err(fail)?;
        // The crate refuses files that require what it has no feature for; all such are known now.
        if let Some(object) = value.as_object_mut() {
            object.remove("extensionsRequired");
        }
        let root: gltf::json::Root =
            serde_json::from_value(value).map_err(|e| fail(format!("is no valid glTF: {e}")))?;
        let document = Document::from_json(root)
            .map_err(|e| fail(format!("is no valid glTF: {}", e.to_string().trim())))?;
        let mut buffers = Vec::new();
        for buffer in document.buffers() {
            let uri = match buffer.source() {
                gltf::buffer::Source::Bin => None,
                gltf::buffer::Source::Uri(uri) => Some(uri),
            };
            let data = match uri {
                Some(uri) => outside(path, uri)?,
                None => blob
                    .ok_or_else(|| {
                        fail("its buffer is missing: the file ends before its binary part".into())
                    })?
                    .to_vec(),
            };
            if data.len() < buffer.length() {
                let from = uri.filter(|uri| !uri.starts_with("data:")).unwrap_or("in the file");
                return Err(fail(format!(
                    "buffer {} ({from}) has {} bytes where {} are announced; it is cut off",
                    buffer.index(),
                    data.len(),
                    buffer.length()
                )));
            }
            buffers.push(data);
        }
        Ok(Source { path: path.to_owned(), document, buffers })
    }

    /// The file cannot be used, as `message` says.
    pub fn fail(&self, message: impl Into<String>) -> ImportError {
        ImportError::file(&self.path, None, message)
    }

    /// An accessor's elements of `N` numbers each. Whole numbers that are normalised are from -1
    /// or 0 to 1. `what` is said where they cannot be read.
    pub fn read<const N: usize>(
        &self,
        accessor: &Accessor,
        what: &str,
    ) -> Result<Vec<[f64; N]>, ImportError> {
        let fail =
            |message: &str| self.fail(format!("{what} (accessor {}) {message}", accessor.index()));
        let (kind, count) = (accessor.data_type(), accessor.count());
        if accessor.dimensions().multiplicity() != N {
            return Err(fail(&format!("has another shape than {N} numbers")));
        }
        let scale = accessor.normalized().then(|| greatest(kind));
        let component = |bytes: &[u8]| match (scale, number(kind, bytes)) {
            (Some(scale), number) => (number / scale).max(-1.0),
            (None, number) => number,
        };
        let element = |bytes: &[u8]| -> [f64; N] {
            std::array::from_fn(|i| component(&bytes[i * kind.size()..]))
        };
        let size = kind.size() * N;
        let mut values = match accessor.view() {
            Some(view) => {
                let stride = view.stride().unwrap_or(size);
                let bytes = self
                    .slice(&view, accessor.offset(), count, stride, size)
                    .ok_or_else(|| fail("reaches beyond its buffer"))?;
                (0..count).map(|i| element(&bytes[i * stride..])).collect()
            }
            None if count > MOST_ZEROS => return Err(fail("has no values")),
            None => vec![[0.0; N]; count],
        };
        if let Some(sparse) = accessor.sparse() {
            let indices = sparse.indices();
            let kind = match indices.index_type() {
                IndexType::U8 => DataType::U8,
                IndexType::U16 => DataType::U16,
                IndexType::U32 => DataType::U32,
            };
            let beyond = || fail("has sparse values beyond its buffer");
            let (places, count) = (indices.view(), sparse.count());
            let places = self
                .slice(&places, indices.offset(), count, kind.size(), kind.size())
                .ok_or_else(beyond)?;
            let given = sparse.values();
            let bytes =
                self.slice(&given.view(), given.offset(), count, size, size).ok_or_else(beyond)?;
            for i in 0..count {
                let place = number(kind, &places[i * kind.size()..]) as usize;
                *values.get_mut(place).ok_or_else(beyond)? = element(&bytes[i * size..]);
            }
        }
        match values.iter().flatten().find(|value| !value.is_finite() || value.abs() > 1e30) {
            Some(bad) => Err(fail(&format!("holds {bad}; every number must be finite"))),
            None => Ok(values),
        }
    }

    /// As [`Source::read`], in single precision.
    pub fn floats<const N: usize>(
        &self,
        accessor: &Accessor,
        what: &str,
    ) -> Result<Vec<[f32; N]>, ImportError> {
        Ok(self.read(accessor, what)?.into_iter().map(|row| row.map(|x| x as f32)).collect())
    }

    /// The bytes of `count` elements; `None` where the buffer has no such bytes.
    fn slice(
        &self,
        view: &View,
        offset: usize,
        count: usize,
        stride: usize,
        size: usize,
    ) -> Option<&[u8]> {
        let length = match count {
            0 => 0,
            _ => stride.checked_mul(count - 1)?.checked_add(size)?,
        };
        let end = offset.checked_add(length)?;
        let whole = self.view(view.index())?;
        whole.get(offset..end)
    }

    /// The bytes of a buffer view.
    fn view(&self, index: usize) -> Option<&[u8]> {
        let view = self.document.views().nth(index)?;
        let buffer = self.buffers.get(view.buffer().index())?;
        buffer.get(view.offset()..view.offset().checked_add(view.length())?)
    }

    /// A picture of the file.
    pub fn picture(&self, index: usize) -> Result<image::RgbImage, ImportError> {
        let image = self.document.as_json().images.get(index);
        let image = image.ok_or_else(|| self.fail(format!("there is no image {index}")))?;
        let name = format!("image {index}");
        let (path, bytes) = match (&image.buffer_view, &image.uri) {
            (Some(view), _) => {
                let bytes = self.view(view.value());
                let bytes =
                    bytes.ok_or_else(|| self.fail(format!("{name} reaches beyond its buffer")))?;
                (self.path.join(&name), bytes.to_vec())
            }
            (None, Some(uri)) if uri.starts_with("data:") => {
                (self.path.join(&name), outside(&self.path, uri)?)
            }
            (None, Some(uri)) => (beside(&self.path, uri), outside(&self.path, uri)?),
            (None, None) => return Err(self.fail(format!("{name} has neither a file nor bytes"))),
        };
        let picture = Picture::decode(&path, &bytes).map_err(|e| e.into_file_error())?;
        Ok(picture.stored)
    }
}

/// The JSON and the binary part of a GLB file.
fn chunks(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), String> {
    let word = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
    };
    match word(4) {
        Some(2) => {}
        Some(version) => return Err(format!("is GLB of version {version}; give version 2")),
        None => return Err("is a GLB file that is cut off".into()),
    }
    let chunk = |at: usize, kind: u32| {
        let length = word(at)? as usize;
        if word(at + 4)? != kind {
            return None;
        }
        // What is cut off shows where buffers are compared with what is announced.
        let end = (at + 8).checked_add(length)?.min(bytes.len());
        Some((&bytes[at + 8..end], at + 8 + length))
    };
    let (json, next) =
        chunk(12, 0x4E4F_534A).ok_or("is a GLB file without a JSON part; export it again")?;
    Ok((json, chunk(next.next_multiple_of(4), 0x004E_4942).map(|(binary, _)| binary)))
}

/// Complains about extensions without which the file cannot be read.
fn check_extensions(value: &serde_json::Value) -> Result<(), String> {
    let names = |key: &str| -> Vec<&str> {
        value[key].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect()
    };
    let required = names("extensionsRequired");
    for (name, what, command) in REFUSED {
        // Compression with a fallback is only used; the fallback is read.
        let used = name.starts_with("KHR_draco") && names("extensionsUsed").contains(&name);
        if required.contains(&name) || used {
            return Err(format!(
                "{what} ({name}), which is not read; run `gltf-transform {command}` \
                 (npm install --global @gltf-transform/cli) and import what it writes"
            ));
        }
    }
    let unknown =
        required.iter().find(|name| !KNOWN.contains(name) && !name.starts_with("KHR_materials_"));
    match unknown {
        Some(name) => {
            Err(format!("requires the extension {name}, which is not read; export it without"))
        }
        None => Ok(()),
    }
}

/// The bytes that a URI in the file at `path` stands for: its own, or those of a file beside it.
fn outside(path: &Path, uri: &str) -> Result<Vec<u8>, ImportError> {
    if let Some(data) = uri.strip_prefix("data:") {
        let fail = |message: &str| ImportError::file(path, None, message);
        let (_, text) = data
            .split_once(";base64,")
            .ok_or_else(|| fail("has a `data:` URI that is not base64; export it as GLB"))?;
        return base64::engine::general_purpose::STANDARD
            .decode(text.trim())
            .map_err(|e| fail(&format!("has a `data:` URI of broken base64: {e}")));
    }
    if uri.contains("://") {
        let message = format!(
            "names \"{uri}\"; nothing is downloaded: put the file beside it, or export GLB"
        );
        return Err(ImportError::file(path, None, message));
    }
    let file = beside(path, uri);
    read_file(&file, LARGEST).map_err(|e| {
        let message = format!(
            "names \"{uri}\", but {} cannot be read ({}); put it there, or export GLB",
            file.display(),
            e.error
        );
        ImportError::file(path, None, message)
    })
}

/// The file that a relative URI names. `%20` and the like stand for bytes.
fn beside(path: &Path, uri: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut left = uri.as_bytes();
    while let [first, rest @ ..] = left {
        let code = rest.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                left = &rest[2..];
            }
            None => {
                bytes.push(*first);
                left = rest;
            }
        }
    }
    let name = String::from_utf8(bytes).unwrap_or_else(|_| uri.to_owned());
    path.parent().unwrap_or(Path::new("")).join(name)
}

/// What a normalised component is divided by.
fn greatest(kind: DataType) -> f64 {
    match kind {
        DataType::I8 => f64::from(i8::MAX),
        DataType::U8 => f64::from(u8::MAX),
        DataType::I16 => f64::from(i16::MAX),
        DataType::U16 => f64::from(u16::MAX),
        DataType::U32 => f64::from(u32::MAX),
        DataType::F32 => 1.0,
    }
}

/// The number that `bytes` begin with, little-endian.
fn number(kind: DataType, bytes: &[u8]) -> f64 {
    match kind {
        DataType::I8 => f64::from(bytes[0] as i8),
        DataType::U8 => f64::from(bytes[0]),
        DataType::I16 => f64::from(i16::from_le_bytes([bytes[0], bytes[1]])),
        DataType::U16 => f64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
        DataType::U32 => f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        DataType::F32 => f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
    }
}
