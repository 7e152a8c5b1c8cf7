//! What is to be made: which samples of which scene, and as which files.

use crate::{DatasetError, SCHEMA_VERSION, Splits};
use marionette_base::json_file::{Difference, difference};
use marionette_render::RendererConfig;
use marionette_run::scene_sha256;
use marionette_scene::Scene;
use marionette_stream::Policy;
use serde::{Deserialize, Serialize};
use std::{ops::Range, path::Path, str::FromStr};

/// The layout of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pictures in folders, and COCO keypoint annotations, a file a split.
    Coco,
    /// Pictures in folders, and a text file beside each.
    Yolo,
    /// Archives of pictures with their annotations.
    WebDataset,
}

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pictures {
    /// JPEG, with colour at full resolution.
    Jpg {
        /// 1 to 100.
        quality: u8,
    },
    /// PNG: nothing is lost.
    Png,
}

impl Pictures {
    /// The end of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Pictures::Jpg { .. } => "jpg",
            Pictures::Png => "png",
        }
    }
}

/// One of several equal parts of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

impl Default for Shard {
    /// All of it.
    fn default() -> Self {
        Shard { index: 0, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `I/N`, I from 0.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "give I/N with I from 0 to N-1, as in 0/4 for the first of four parts";
        let (index, of) = text.split_once('/').ok_or(wanted)?;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wanted.to_owned());
        let shard = Shard { index: number(index)?, of: number(of)? };
        match shard {
            Shard { index, of } if index < of => Ok(shard),
            Shard { index, of } => Err(format!("there is no part {index} of {of}; {wanted}")),
        }
    }
}

/// What is to be made. Kept beside a set that has been begun, and with it when it is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The program's version.
    pub marionette_version: String,
    /// The scene's name.
    pub scene: String,
    /// SHA-256 of the scene's file, its figure's and its pictures.
    pub scene_sha256: String,
    /// Width and height of a picture, pixels.
    pub size: [u32; 2],
    /// Seed of the samples.
    pub seed: u64,
    /// Samples of all shards together.
    pub count: u64,
    /// The part of them that is made here.
    pub shard: Shard,
    /// How they are shared out.
    pub splits: Splits,
    /// The layout.
    pub format: Format,
    /// How pictures are encoded.
    pub pictures: Pictures,
    /// Whether depth is written too.
    pub depth: bool,
    /// Whether ids are written too.
    pub ids: bool,
    /// Samples of all splits together that a set of archives holds, one archive a split.
    pub per_archive: u64,
    /// How samples are drawn.
    pub policy: Policy,
}

impl Job {
    /// A job of `count` samples of `scene` in `format`, drawn by `policy`; everything else as it
    /// mostly is.
    pub fn new(scene: &Scene, count: u64, format: Format, policy: Policy) -> Self {
        Job {
            schema_version: SCHEMA_VERSION,
            marionette_version: env!("CARGO_PKG_VERSION").to_owned(),
            scene: scene.name.clone(),
            scene_sha256: scene_sha256(scene),
            size: [scene.image.width, scene.image.height],
            seed: 1,
            count,
            shard: Shard::default(),
            splits: Splits::default(),
            format,
            pictures: Pictures::Jpg { quality: 95 },
            depth: false,
            ids: false,
            per_archive: 1000,
            policy,
        }
    }

    /// The indices of the samples that are made here. Shards come one after the other and are equal
    /// but for the size of an archive or of a frame.
    pub fn samples(&self) -> Range<u64> {
        let unit = match self.format {
            Format::WebDataset => self.per_archive,
            Format::Coco | Format::Yolo => self.tiles() as u64,
        };
        let units = u128::from(self.count.div_ceil(unit));
        let Shard { index, of } = self.shard;
        let edge = |shard: u64| {
            let unit_of = units * u128::from(shard) / u128::from(of);
            (unit_of * u128::from(unit)).min(u128::from(self.count)) as u64
        };
        edge(index)..edge(index + 1)
    }

    /// How many pictures are drawn in a frame: fewer where they are large, so that a frame takes as
    /// much memory.
    pub fn tiles(&self) -> usize {
        let [width, height] = self.size;
        RendererConfig::tiles_of(width, height)
    }

    /// What COCO calls the figure: people are persons, everything else is called by its name.
    pub fn category(figure: &str) -> &str {
        if figure == "human" { "person" } else { figure }
    }

    /// Whether this is the `begun` job in `folder`.
    ///
    /// # Errors
    /// If not, what differs.
    pub fn check_same(&self, begun: &Job, folder: &Path) -> Result<(), DatasetError> {
        match difference(begun, self) {
            None => Ok(()),
            Some(Difference { key, one: begun, other: now }) => {
                Err(DatasetError::Other { path: folder.to_owned(), key, begun, now })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_scene::load_scene;

    fn job(format: Format, count: u64) -> Job {
        let policy = Policy::uniform();
        Job::new(&load_scene("quickstart").unwrap(), count, format, policy)
    }

    #[test]
    fn shards_are_disjoint_and_together_all_samples() {
        for format in [Format::Coco, Format::WebDataset] {
            for (count, of) in [(1, 1), (10, 3), (1000, 4), (5000, 7), (64, 64), (100_001, 16)] {
                let part = |index| Job { shard: Shard { index, of }, ..job(format, count) };
                let parts: Vec<Range<u64>> = (0..of).map(|i| part(i).samples()).collect();
                assert_eq!((parts[0].start, parts[of as usize - 1].end), (0, count));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
        let archives = |index| Job {
            per_archive: 100,
            shard: Shard { index, of: 3 },
            ..job(Format::WebDataset, 1000)
        };
        assert_eq!([0, 1, 2].map(|i| archives(i).samples()), [0..300, 300..600, 600..1000]);
    }

    #[test]
    fn large_pictures_are_drawn_in_smaller_frames() {
        let tiles = |side| Job { size: [side, side], ..job(Format::Coco, 1) }.tiles();
        assert_eq!([64, 128, 256, 512, 1024].map(tiles), [64, 64, 16, 4, 1]);
    }

    #[test]
    fn another_job_is_refused_and_the_difference_named() {
        let (one, other) = (job(Format::Coco, 10), job(Format::Coco, 20));
        let folder = Path::new("set");
        assert!(one.check_same(&one.clone(), folder).is_ok());
        let said = other.check_same(&one, folder).unwrap_err().to_string();
        assert!(
            said.starts_with("set: a set was begun there with another count: 10, and"),
            "{said}"
        );
        for (text, complaint) in [
            ("4/4", "there is no part 4 of 4"),
            ("0/0", "there is no part 0 of 0"),
            ("a", "give I/N"),
        ] {
            let said = text.parse::<Shard>().unwrap_err();
            assert!(said.starts_with(complaint), "{said}");
        }
    }
}
