//! `README.md` of a model repository: front matter for Hugging Face, and what people have to know.

use super::Repository;
use marionette_run::ExamReport;
use marionette_run::exam::{Exam, ExamResult};
use marionette_train::export::ModelCard;
use std::fmt::{Result, Write};

/// The figures that are given of each exam: type, name, value.
type Measure = (&'static str, &'static str, fn(&ExamResult) -> Option<f64>);
const MEASURES: [Measure; 3] = [
    ("pck", "PCK@0.2 torso", |result| result.pck.torso_02),
    ("pck", "PCK@0.1 box", |result| result.pck.box_01),
    ("oks-ap", "OKS AP", |result| result.oks.ap),
];

/// The exams whose figures Hugging Face shows; the text has all of them.
const FOREMOST: [Exam; 4] = [Exam::Standard, Exam::Easy, Exam::Hard, Exam::Natural];

/// The text of a repository called `name`; `twin` says whether the network in PyTorch lies in it.
pub fn text(name: &str, card: &ModelCard, repository: Repository, twin: Option<&str>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = front_matter(&mut out, name, card, repository);
    let _ = about(&mut out, name, card);
    let _ = usage(&mut out, card, twin);
    let _ = results(&mut out, repository.exams);
    let _ = card_in_words(&mut out, card);
    out
}

/// What Hugging Face reads, in YAML. Texts are written as JSON writes them, which is YAML too.
fn front_matter(out: &mut String, name: &str, card: &ModelCard, repository: Repository) -> Result {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    writeln!(out, "---")?;
    if let Some(license) = repository.license {
        writeln!(out, "license: {}", quoted(license))?;
    }
    writeln!(out, "pipeline_tag: keypoint-detection")?;
    writeln!(out, "tags: [marionette, keypoint-detection, pose-estimation, synthetic, onnx]")?;
    let result = |exam: &Exam| repository.exams.and_then(|report| report.result(*exam));
    let taken: Vec<&ExamResult> = FOREMOST.iter().filter_map(result).collect();
    if !taken.is_empty() {
        writeln!(out, "model-index:\n- name: {}\n  results:", quoted(name))?;
        for result in taken {
            let exam = result.exam.name();
            let measured: Vec<_> = MEASURES
                .iter()
                .filter_map(|(kind, name, value)| Some((kind, name, value(result)?)))
                .collect();
            if measured.is_empty() {
                continue;
            }
            let set = quoted(&format!("marionette {}, exam {exam}", card.scene));
            let kind = quoted(&format!("marionette-{}", card.scene));
            writeln!(out, "  - task:\n      type: keypoint-detection")?;
            writeln!(out, "    dataset:\n      name: {set}\n      type: {kind}")?;
            writeln!(out, "      config: {}\n    metrics:", quoted(&exam))?;
            for (kind, name, value) in measured {
                writeln!(out, "    - type: {kind}\n      name: {}", quoted(name))?;
                writeln!(out, "      value: {value:.4}")?;
            }
        }
    }
    writeln!(out, "---\n")
}

fn about(out: &mut String, name: &str, card: &ModelCard) -> Result {
    let spec = &card.network;
    writeln!(
        out,
        "# {name}\n\nFinds {} keypoints of one {} in a picture. The network is Marionette's `{}` \
         ({}x{} pixels in, heatmaps of {}x{}), trained for {} steps in Marionette {} on renders of \
         its scene `{}`.\n",
        card.keypoints.names.len(),
        card.figure,
        spec.name,
        spec.input_width,
        spec.input_height,
        spec.heatmap_width,
        spec.heatmap_height,
        card.step,
        card.version,
        card.scene
    )
}

fn usage(out: &mut String, card: &ModelCard, twin: Option<&str>) -> Result {
    let spec = &card.network;
    let (width, height) = (spec.input_width, spec.input_height);
    let padding = card.crop.padding;
    writeln!(
        out,
        "## Use\n\n`model.onnx` takes `images` [B, 3, {height}, {width}], float32, red, green and \
         blue from 0 to 1, and gives `keypoints` [B, {}, 3]: x and y in pixels of the input, and a \
         score. Normalisation and decoding are inside.\n\n\
         ```python\n\
         import json, numpy, onnxruntime\n\
         from PIL import Image, ImageOps\n\
         \n\
         session = onnxruntime.InferenceSession(\"model.onnx\")\n\
         names = json.load(open(\"config.json\"))[\"id2label\"]\n\
         picture = Image.open(\"person.jpg\").convert(\"RGB\")\n\
         picture = ImageOps.pad(picture, ({width}, {height}), color={:?})\n\
         pixels = numpy.asarray(picture, \"float32\").transpose(2, 0, 1)[None] / 255\n\
         [keypoints] = session.run(None, {{\"images\": pixels}})\n\
         for index, (x, y, score) in enumerate(keypoints[0].tolist()):\n    \
             print(f\"{{names[str(index)]:16}} x {{x:6.1f}}  y {{y:6.1f}}  score {{score:.2f}}\")\n\
         ```\n",
        card.keypoints.names.len(),
        (padding[0], padding[1], padding[2]),
    )?;
    writeln!(
        out,
        "It was trained on people who fill the picture. In a larger picture, cut out the person: \
         their box enlarged by {} around its middle, widened or heightened to the input's shape.\n",
        card.crop.enlarge
    )?;
    if let Some(module) = twin {
        writeln!(
            out,
            "In PyTorch (`{0}.py` is the network; images are normalised as \
             `preprocessor_config.json` says, and the output is logits of heatmaps):\n\n\
             ```python\n\
             import torch\n\
             from {0} import load\n\
             \n\
             network = load(\"model.safetensors\")\n\
             logits = network(torch.zeros(1, 3, {height}, {width}))\n\
             ```\n",
            module
        )?;
    }
    Ok(())
}

fn results(out: &mut String, exams: Option<&ExamReport>) -> Result {
    writeln!(out, "## Results\n")?;
    let Some(report) = exams else {
        return writeln!(
            out,
            "These weights have taken no exams. `marionette eval model.safetensors --exam all` \
             takes them.\n"
        );
    };
    writeln!(
        out,
        "Of rendered images that nothing was trained on, by `marionette eval model.safetensors \
         --exam all`:\n"
    )?;
    let names: Vec<&str> = MEASURES.iter().map(|(_, name, _)| *name).collect();
    writeln!(out, "| exam | {} | images |\n|---|---|---|---|---|", names.join(" | "))?;
    for exam in Exam::all() {
        let Some(result) = report.result(exam) else { continue };
        write!(out, "| {} |", exam.name())?;
        for (_, _, value) in MEASURES {
            match value(result) {
                Some(value) => write!(out, " {value:.3} |")?,
                None => write!(out, " - |")?,
            }
        }
        writeln!(out, " {} |", result.images)?;
    }
    writeln!(out)
}

fn card_in_words(out: &mut String, card: &ModelCard) -> Result {
    let names = &card.keypoints.names;
    writeln!(
        out,
        "## Keypoints\n\n| index | keypoint | in a mirror | OKS sigma |\n|---|---|---|---|"
    )?;
    for (index, name) in names.iter().enumerate() {
        let (twin, sigma) = (&names[card.keypoints.twins[index]], card.keypoints.sigmas[index]);
        writeln!(out, "| {index} | `{name}` | `{twin}` | {sigma} |")?;
    }
    for group in &card.keypoints.symmetry {
        let members: Vec<String> = group.iter().map(|k| format!("`{}`", names[*k])).collect();
        writeln!(
            out,
            "\nNo picture tells {} apart: they are found in some order.",
            members.join(", ")
        )?;
    }
    writeln!(
        out,
        "\nThe whole model card is in `config.json` under `marionette`, and in the headers of both \
         files of weights."
    )
}
