//! Samples as files in folders: `images/<split>/`, `labels/<split>/` and so on.

use crate::{
    DatasetError, Format, Job,
    journal::sync_disk,
    sample::{Content, Sample, stem},
};
use marionette_base::atomic_file::{PathError, write_unsynced};
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Writes samples into folders.
pub struct Folders {
    root: PathBuf,
    picture: &'static str,
}

impl Folders {
    /// The folders of a `job` in `root`, which are made.
    ///
    /// # Errors
    /// If they cannot be.
    pub fn new(root: &Path, job: &Job) -> Result<Self, DatasetError> {
        let mut kinds = vec![Content::Picture];
        kinds.extend((job.format == Format::Yolo).then_some(Content::Label));
        kinds.extend(job.depth.then_some(Content::Depth));
        kinds.extend(job.ids.then_some(Content::Ids));
        for split in job.splits.used() {
            for kind in &kinds {
                let folder = root.join(folder(*kind)).join(split.name());
                fs::create_dir_all(&folder).map_err(PathError::at(&folder, "made"))?;
            }
        }
        Ok(Folders { root: root.to_owned(), picture: job.pictures.ending() })
    }

    /// Writes samples. Each file is whole or absent.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, samples: &[Sample]) -> Result<(), DatasetError> {
        let files = samples.par_iter().flat_map_iter(|sample| {
            let at = move |content: Content| {
                let ending = content.ending(self.picture);
                let folder = self.root.join(folder(content)).join(sample.split.name());
                folder.join(format!("{}.{ending}", stem(sample.index)))
            };
            sample.files.iter().map(move |(content, bytes)| (at(*content), bytes))
        });
        files.map(|(path, bytes)| Ok(write_unsynced(&path, bytes)?)).collect()
    }

    /// Waits until the disk has all that was written.
    ///
    /// # Errors
    /// If it refuses.
    pub fn finish(&self) -> Result<(), DatasetError> {
        sync_disk(&self.root)
    }
}

/// The folder that such files are in.
fn folder(content: Content) -> &'static str {
    match content {
        Content::Picture => "images",
        Content::Label => "labels",
        Content::Annotations => "annotations",
        Content::Depth => "depth",
        Content::Ids => "ids",
    }
}
