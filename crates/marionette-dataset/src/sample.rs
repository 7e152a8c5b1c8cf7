//! The files of one sample, and its line in the journal.

use crate::{
    DatasetError, Format, Job, Split,
    annotation::{figure_entry, image_entry, seen_figures},
    encode,
    journal::Line,
    yolo,
};
use marionette_figure::Figure;
use marionette_run::stats::SampleFacts;
use marionette_stream::Tile;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// What a file of a sample holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its picture.
    Picture,
    /// YOLO's labels.
    Label,
    /// All annotations as JSON.
    Annotations,
    /// Depth as PNG.
    Depth,
    /// Ids as PNG.
    Ids,
}

impl Content {
    /// The end of such a file's name; that of pictures is given.
    pub fn ending(self, picture: &'static str) -> &'static str {
        match self {
            Content::Picture => picture,
            Content::Label => "txt",
            Content::Annotations => "json",
            Content::Depth | Content::Ids => "png",
        }
    }
}

/// A sample, ready to be written.
pub struct Sample {
    /// Its number.
    pub index: u64,
    /// The split that it belongs to.
    pub split: Split,
    /// Its files.
    pub files: Vec<(Content, Vec<u8>)>,
    /// Its line in the journal.
    pub line: String,
}

/// What the files of sample `index` are called, without an ending.
pub fn stem(index: u64) -> String {
    format!("{index:09}")
}

impl Sample {
    /// What `job` makes of `tile`. With `facts`, statistics are taken of it.
    ///
    /// # Errors
    /// If something cannot be encoded.
    pub fn new(tile: &Tile, figure: &Figure, job: &Job, facts: bool) -> Result<Self, DatasetError> {
        let index = tile.scene.index;
        Self::encoded(tile, figure, job, facts)
            .map_err(|error| DatasetError::Encode { index, error })
    }

    fn encoded(tile: &Tile, figure: &Figure, job: &Job, facts: bool) -> Result<Self, String> {
        let index = tile.scene.index;
        let seen = seen_figures(tile, figure);
        let mut line = Line {
            split: job.splits.of(index),
            figures: seen.len(),
            image: None,
            annotations: Vec::new(),
            facts: facts.then(|| SampleFacts::of(tile)),
        };
        let mut files = vec![(Content::Picture, encode::picture(tile, job.pictures)?)];
        if job.format == Format::Yolo {
            files.push((Content::Label, yolo::label(tile, &seen).into_bytes()));
        } else {
            let file_name = format!("{}.{}", stem(index), job.pictures.ending());
            let image = json(&image_entry(tile, job.seed, file_name))?;
            let annotations = seen
                .iter()
                .map(|seen| json(&figure_entry(tile, figure, seen)))
                .collect::<Result<Vec<_>, _>>()?;
            if job.format == Format::Coco {
                (line.image, line.annotations) = (Some(image), annotations);
            } else {
                let both = json(&Both { image, annotations })?;
                files.push((Content::Annotations, both.get().as_bytes().to_vec()));
            }
        }
        if job.depth {
            files.push((Content::Depth, encode::depth(tile)?));
        }
        if job.ids {
            files.push((Content::Ids, encode::ids(tile)?));
        }
        let text = serde_json::to_string(&line).map_err(|e| e.to_string())?;
        Ok(Sample { index, split: line.split, files, line: text })
    }
}

/// The annotations of a sample that travels alone.
#[derive(Serialize)]
struct Both {
    image: Box<RawValue>,
    annotations: Vec<Box<RawValue>>,
}

fn json(value: &impl Serialize) -> Result<Box<RawValue>, String> {
    to_raw_value(value).map_err(|e| e.to_string())
}
