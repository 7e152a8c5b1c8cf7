//! Samples in archives, as WebDataset reads them: files of one sample follow each other and share
//! their name up to the first dot.

use crate::{
    DatasetError, Job, Split,
    sample::{Content, Sample, stem},
};
use marionette_base::atomic_file::{PathError, aside, plain_name, sync_folder};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use tar::{Builder, Header};

/// Writes samples into archives, one a split for every `per_archive` samples.
pub struct Tars {
    root: PathBuf,
    scene: String,
    per_archive: u64,
    picture: &'static str,
    open: BTreeMap<Split, Open>,
}

/// An archive that is being written.
struct Open {
    /// Where it will be.
    path: PathBuf,
    /// Where it is until it is whole.
    aside: PathBuf,
    builder: Builder<BufWriter<File>>,
}

impl Tars {
    /// The archives of a `job` in `root`.
    pub fn new(root: &Path, job: &Job) -> Self {
        Tars {
            root: root.to_owned(),
            scene: job.scene.clone(),
            per_archive: job.per_archive,
            picture: job.pictures.ending(),
            open: BTreeMap::new(),
        }
    }

    /// Writes samples that belong to the same archives.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&mut self, samples: &[Sample]) -> Result<(), DatasetError> {
        for sample in samples {
            let name = self.name(sample.split, sample.index / self.per_archive);
            let open = match self.open.entry(sample.split) {
                std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(Open::new(self.root.join(&name), &name)?)
                }
            };
            for (content, bytes) in &sample.files {
                let name = format!("{}.{}", stem(sample.index), ending(*content, self.picture));
                append(&mut open.builder, &name, bytes)
                    .map_err(PathError::at(&open.path, "written"))?;
            }
        }
        Ok(())
    }

    /// Ends the archives: they are on the disk under their names.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(&mut self) -> Result<(), DatasetError> {
        for Open { path, aside, builder } in std::mem::take(&mut self.open).into_values() {
            let end = || -> io::Result<()> {
                builder.into_inner()?.into_inner()?.sync_all()?;
                fs::rename(&aside, &path)
            };
            end().map_err(PathError::at(&path, "written"))?;
        }
        Ok(sync_folder(&self.root).map_err(PathError::at(&self.root, "written"))?)
    }

    fn name(&self, split: Split, number: u64) -> String {
        format!("{}-{}-{number:06}.tar", plain_name(&self.scene), split.name())
    }
}

/// What follows the first dot in the name of a file; that of pictures is given.
fn ending(content: Content, picture: &'static str) -> &'static str {
    match content {
        Content::Depth => "depth.png",
        Content::Ids => "ids.png",
        alone => alone.ending(picture),
    }
}

impl Open {
    fn new(path: PathBuf, name: &str) -> Result<Self, PathError> {
        let aside = aside(&path, name.as_ref());
        let file = File::create(&aside).map_err(PathError::at(&path, "written"))?;
        Ok(Open { path, aside, builder: Builder::new(BufWriter::with_capacity(1 << 20, file)) })
    }
}

/// Appends a file. Its header says nothing that differs from one run of the program to the next.
fn append(builder: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    builder.append(&header, bytes)
}
