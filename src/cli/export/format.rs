//! What `marionette export` writes, and which options go with it.

use super::ExportArgs;
use anyhow::anyhow;
use clap::ValueEnum;
use marionette::onnx::{Head, OnnxOptions};
use marionette::publish::Runtime;

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// A file of tensors under PyTorch-style names, see <https://github.com/huggingface/safetensors>.
    Safetensors,
    /// A file of the whole computation from image to result, see <https://onnx.ai>.
    Onnx,
    /// A folder to upload as a model repository, see <https://huggingface.co/docs/hub/models>.
    Huggingface,
    /// A folder that any web server serves: a page that finds keypoints in pictures and webcams.
    Web,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum HeadName {
    /// A map of where each keypoint may be, [B, K, h, w].
    Heatmaps,
    /// x, y and score of each keypoint, [B, K, 3], as `predict` finds them.
    Keypoints,
    /// A detection per image, as Ultralytics' YOLO reads it, [B, 1, 6 + 3K].
    Yolo,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Reader {
    /// `Custom(pose_class="ViTPose")` of rtmlib.
    Rtmlib,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Quantized {
    /// Eight bits each, with a scale for each output channel.
    Int8,
}

/// What is written.
#[derive(Clone, Copy)]
pub enum Export<'a> {
    Safetensors { half: bool },
    Onnx(OnnxOptions),
    Huggingface { license: Option<&'a str>, quantized: bool },
    Web { quantized: bool, runtime: Runtime<'a> },
}

impl Export<'_> {
    /// Whether it is a folder rather than a file.
    pub fn is_folder(self) -> bool {
        matches!(self, Export::Huggingface { .. } | Export::Web { .. })
    }
}

/// What `args` ask for.
///
/// # Errors
/// If an option does not go with the format, or not with another.
pub fn asked(args: &ExportArgs) -> anyhow::Result<Export<'_>> {
    use Format::{Huggingface, Onnx, Web};
    let options: [(&str, bool, &[Format]); 6] = [
        ("--head", args.head.is_some(), &[Onnx]),
        ("--for", args.reader.is_some(), &[Onnx]),
        ("--quantize", args.quantize.is_some(), &[Onnx, Huggingface, Web]),
        ("--half", args.half, &[Format::Safetensors]),
        ("--license", args.license.is_some(), &[Huggingface]),
        ("--runtime", args.runtime.is_some(), &[Web]),
    ];
    for (flag, given, formats) in options {
        if given && !formats.contains(&args.format) {
            let names: Vec<String> = formats.iter().map(|format| name(*format)).collect();
            return Err(anyhow!(
                "{flag} is for --format {}; leave it out or give that",
                names.join(" or ")
            ));
        }
    }
    let quantized = args.quantize.is_some();
    Ok(match args.format {
        Format::Safetensors => Export::Safetensors { half: args.half },
        Onnx => Export::Onnx(OnnxOptions { head: head(args)?, quantized }),
        Huggingface => Export::Huggingface {
            license: args.license.as_deref().map(license).transpose()?,
            quantized,
        },
        Web => {
            let runtime = args.runtime.as_deref().map_or(Runtime::Npm, Runtime::Folder);
            Export::Web { quantized, runtime }
        }
    })
}

fn name(format: Format) -> String {
    format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn head(args: &ExportArgs) -> anyhow::Result<Head> {
    match (args.head.unwrap_or(HeadName::Heatmaps), args.reader) {
        (HeadName::Heatmaps, None) => Ok(Head::Heatmaps),
        (HeadName::Heatmaps, Some(Reader::Rtmlib)) => Ok(Head::Rtmlib),
        (HeadName::Keypoints, None) => Ok(Head::Keypoints),
        (HeadName::Yolo, None) => Ok(Head::Yolo),
        (HeadName::Keypoints | HeadName::Yolo, Some(Reader::Rtmlib)) => {
            Err(anyhow!("--for rtmlib takes heatmaps; leave it out or give --head heatmaps"))
        }
    }
}

/// Hugging Face's names of licences are in lower case, with dots and dashes.
fn license(name: &str) -> anyhow::Result<&str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-+".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(anyhow!(
            "--license {name}: is no name of a licence as Hugging Face spells them; give one from \
             https://huggingface.co/docs/hub/repositories-licenses, such as mit or cc-by-4.0"
        ));
    }
    Ok(name)
}
