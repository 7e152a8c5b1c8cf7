//! From a picture to what a file takes.

use super::{
    file::Source,
    metadata::Metadata,
    options::{Channels, OnnxOptions, OutputKind, View},
};
use image::RgbImage;
use marionette_train::{eval::Crop, export::CropRule};
use tract_onnx::prelude::*;

/// The longest side of an input, pixels.
const LONGEST: usize = 4096;

/// ImageNet's statistics, colours from 0 to 255, which RTMPose's configurations have as
/// `PoseDataPreprocessor` (`projects/rtmpose/rtmpose/body_2d_keypoint` in MMPose 1.3), with
/// `bgr_to_rgb`.
const IMAGENET: [[f32; 3]; 2] = [[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]];

/// What stands around a picture that Ultralytics fits into an input (`LetterBox`).
const LETTER_BOX: [u8; 3] = [114; 3];

/// What was found, and what would do.
pub type Complaint = (String, String);

/// The shape of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Pictures in one run.
    pub batch: usize,
    /// Width and height, pixels.
    pub size: [usize; 2],
    /// Whether a pixel's channels lie side by side: [B, H, W, 3] in place of [B, 3, H, W].
    pub channels_last: bool,
    /// The type of its values.
    pub kind: DatumType,
}

impl Shape {
    /// The shape of the only input.
    ///
    /// # Errors
    /// If there are several, it is no picture of three channels, or its size is not known or
    /// another than `options` say.
    pub fn of(
        sources: &[Source],
        metadata: &Metadata,
        options: &OnnxOptions,
    ) -> Result<Self, Complaint> {
        const PICTURES: &str =
            "give a file that takes pictures, [B, 3, H, W] or [B, H, W, 3], and nothing else";
        let [source] = sources else {
            let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
            let found = format!("has {} inputs ({})", sources.len(), names.join(", "));
            return Err((found, PICTURES.to_owned()));
        };
        let [batch, sides @ ..] = &source.sides[..] else {
            return Err((format!("takes {}", shown(&source.sides)), PICTURES.to_owned()));
        };
        let (channels_last, height, width) = match sides {
            [Some(3) | None, height, width] if *width != Some(3) => (false, *height, *width),
            [Some(3), height, width] => (false, *height, *width),
            [height, width, Some(3)] => (true, *height, *width),
            _ => return Err((format!("takes {}", shown(&source.sides)), PICTURES.to_owned())),
        };
        const KINDS: [DatumType; 5] =
            [DatumType::F32, DatumType::F16, DatumType::U8, DatumType::I32, DatumType::I64];
        if !KINDS.contains(&source.kind) {
            let found = format!("takes values of the type {:?}", source.kind);
            return Err((found, "give a file that takes f32, f16, u8, i32 or i64".to_owned()));
        }
        let size = size([width, height], metadata, options)?;
        Ok(Shape { batch: batch.unwrap_or(1), size, channels_last, kind: source.kind })
    }

    /// The sides as the file has them.
    pub fn sides(&self) -> [usize; 4] {
        let (batch, [width, height]) = (self.batch, self.size);
        if self.channels_last { [batch, height, width, 3] } else { [batch, 3, height, width] }
    }

    /// Whether its values are whole numbers.
    pub fn is_whole(&self) -> bool {
        !matches!(self.kind, DatumType::F32 | DatumType::F16)
    }

    /// An input whose values are all the same.
    pub fn plain(&self) -> TractResult<Tensor> {
        let value = if self.is_whole() { 128.0 } else { 0.0 };
        self.tensor(&vec![value; self.sides().iter().product()])
    }

    fn tensor(&self, values: &[f32]) -> TractResult<Tensor> {
        Ok(Tensor::from_shape(&self.sides(), values)?.cast_to_dt(self.kind)?.into_owned())
    }
}

/// Width and height: the file's own, or where it leaves them open somebody's word.
fn size(
    fixed: [Option<usize>; 2],
    metadata: &Metadata,
    options: &OnnxOptions,
) -> Result<[usize; 2], Complaint> {
    let told = || {
        let ours = metadata.ours.as_ref().map(|ours| &ours.card.network);
        let ours = ours.map(|spec| [spec.input_width, spec.input_height]);
        ours.or(metadata.ultralytics.as_ref().and_then(|written| written.size))
    };
    let other = |axis: usize| options.size.map(|size| size[axis]).or(told().map(|size| size[axis]));
    let [Some(width), Some(height)] = [0, 1].map(|axis| fixed[axis].or(other(axis))) else {
        return Err((
            "takes pictures of any size".to_owned(),
            "say which with --input-size WIDTHxHEIGHT: the one that it was trained with".to_owned(),
        ));
    };
    let size = [width, height];
    if let Some(told) = options.size.filter(|told| *told != size) {
        return Err((
            format!("takes pictures of {width}x{height}, not {}x{}", told[0], told[1]),
            "leave --input-size out, or give a file of that size".to_owned(),
        ));
    }
    if size.iter().any(|side| !(1..=LONGEST).contains(side)) {
        return Err((
            format!("takes pictures of {width}x{height}"),
            format!("give sides of 1 to {LONGEST} pixels"),
        ));
    }
    Ok(size)
}

/// The sides of a tensor for a message.
fn shown(sides: &[Option<usize>]) -> String {
    let side = |side: &Option<usize>| side.map_or("?".to_owned(), |length| length.to_string());
    format!("[{}]", sides.iter().map(side).collect::<Vec<_>>().join(", "))
}

/// How a picture becomes an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    shape: Shape,
    /// For each of the input's channels, (colour - `mean`) / `std` of colours from 0 to 255.
    mean: [f32; 3],
    std: [f32; 3],
    channels: Channels,
    view: View,
    rule: CropRule,
}

impl Input {
    /// The input of a file that gives a `kind`, by `options`, the file's own word or the habits of
    /// those who write such files; what was assumed is added to `notes`.
    ///
    /// # Errors
    /// If it is not known how colours are normalised, or `options` make no sense.
    pub fn new(
        shape: Shape,
        kind: OutputKind,
        metadata: &Metadata,
        options: &OnnxOptions,
        notes: &mut Vec<String>,
    ) -> Result<Self, Complaint> {
        let channels = options.channels.unwrap_or(match &metadata.ours {
            Some(ours) if ours.interface.input.channels == "BGR" => Channels::Bgr,
            _ => Channels::Rgb,
        });
        let [mean, std] = normalisation(shape, kind, metadata, options, notes)?;
        if !mean.iter().chain(&std).all(|value| value.is_finite()) || std.contains(&0.0) {
            return Err((
                format!("its colours cannot be normalised by {mean:?} and {std:?}"),
                "give finite numbers, and --std other than 0".to_owned(),
            ));
        }
        let known = metadata.ours.is_some() || metadata.ultralytics.is_some();
        if !known && options.channels.is_none() {
            notes.push("channels are taken to be red, green, blue (--channels)".to_owned());
        }
        let top_down = matches!(kind, OutputKind::Heatmaps | OutputKind::Simcc);
        let view = options.view.unwrap_or(match top_down && metadata.ours.is_none() {
            true => View::Box,
            false => View::Whole,
        });
        let rule = match (&metadata.ours, kind) {
            (Some(ours), _) => ours.card.crop,
            (None, OutputKind::Yolo) => CropRule { padding: LETTER_BOX, ..CropRule::default() },
            (None, _) => CropRule::default(),
        };
        Ok(Input { shape, mean, std, channels, view, rule })
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What of a picture with the figure's box `bbox` is seen.
    pub fn crop(&self, picture: &RgbImage, bbox: [f32; 4]) -> Crop {
        let has_size = bbox[2] > 0.0 && bbox[3] > 0.0 && bbox.iter().all(|v| v.is_finite());
        match self.view {
            View::Box if has_size => Crop::new(bbox, &self.rule, self.shape.size),
            _ => Crop::whole(picture.width(), picture.height(), &self.rule, self.shape.size),
        }
    }

    /// The input of as many pictures as it takes; where fewer are given, the last one again.
    ///
    /// # Errors
    /// If the runtime has no room for it.
    pub fn tensor(&self, pictures: &[(&RgbImage, Crop)]) -> TractResult<Tensor> {
        let pixels = self.shape.size[0] * self.shape.size[1];
        let mut values = vec![0f32; self.shape.batch * 3 * pixels];
        for ((picture, crop), values) in pictures.iter().zip(values.chunks_exact_mut(3 * pixels)) {
            let rendered = crop.render(picture);
            for (pixel, colors) in rendered.chunks_exact(3).enumerate() {
                for channel in 0..3 {
                    let color = match self.channels {
                        Channels::Rgb => colors[channel],
                        Channels::Bgr => colors[2 - channel],
                    };
                    let place = match self.shape.channels_last {
                        true => 3 * pixel + channel,
                        false => channel * pixels + pixel,
                    };
                    values[place] = (f32::from(color) - self.mean[channel]) / self.std[channel];
                }
            }
        }
        if let Some(last) = pictures.len().checked_sub(1) {
            let first = last * 3 * pixels;
            for copy in pictures.len()..self.shape.batch {
                values.copy_within(first..first + 3 * pixels, copy * 3 * pixels);
            }
        }
        self.shape.tensor(&values)
    }
}

/// The mean and the deviation of the channels, colours from 0 to 255.
fn normalisation(
    shape: Shape,
    kind: OutputKind,
    metadata: &Metadata,
    options: &OnnxOptions,
    notes: &mut Vec<String>,
) -> Result<[[f32; 3]; 2], Complaint> {
    if let Some(std) = options.std.filter(|std| std.iter().all(|value| value.abs() < 1.0)) {
        return Err((
            format!("--std {std:?} is of colours from 0 to 1"),
            "give --mean and --std of colours from 0 to 255".to_owned(),
        ));
    }
    let usual = if let Some(ours) = &metadata.ours {
        let input = &ours.interface.input;
        let scaled = |values: [f32; 3]| values.map(|value| 255.0 * value / input.scale);
        Some([scaled(input.mean), scaled(input.deviation)])
    } else if shape.is_whole() {
        Some([[0.0; 3], [1.0; 3]])
    } else if metadata.ultralytics.is_some() {
        Some([[0.0; 3], [255.0; 3]])
    } else {
        match kind {
            OutputKind::Simcc => Some(IMAGENET),
            OutputKind::Yolo => Some([[0.0; 3], [255.0; 3]]),
            OutputKind::Movenet => Some([[0.0; 3], [1.0; 3]]),
            OutputKind::Heatmaps | OutputKind::Keypoints => None,
        }
    };
    let Some([mean, std]) = usual else {
        let (Some(mean), Some(std)) = (options.mean, options.std) else {
            return Err((
                "nothing in it says how colours are normalised".to_owned(),
                "say it with --mean and --std, of colours from 0 to 255; 0,0,0 and 255,255,255 \
                 make them 0 to 1"
                    .to_owned(),
            ));
        };
        return Ok([mean, std]);
    };
    let told = metadata.ours.is_some() || metadata.ultralytics.is_some() || shape.is_whole();
    if !told && (options.mean.is_none() || options.std.is_none()) {
        let habit = match kind {
            OutputKind::Simcc => "by ImageNet's statistics, as RTMPose's are",
            OutputKind::Yolo => "to 0 to 1, as Ultralytics' are",
            _ => "not at all (0 to 255), as MoveNet's are",
        };
        notes.push(format!("colours are taken to be normalised {habit} (--mean, --std)"));
    }
    Ok([options.mean.unwrap_or(mean), options.std.unwrap_or(std)])
}
