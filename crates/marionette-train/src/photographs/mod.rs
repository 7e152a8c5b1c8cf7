//! Labelled photographs to learn from beside renders.
//!
//! People are cropped from their pictures as a judged detector sees them. Which ones a step learns
//! from depends on seed and step alone: all people in a random order, then all in another.

mod config;

use crate::{
    eval::{
        AnnotatedError, Crop,
        coco::{CocoError, CocoFile, CocoPerson, read_coco},
        load_annotated,
    },
    export::CropRule,
};
pub use config::PhotographConfig;
use marionette_base::random;
use marionette_figure::KeypointScheme;
use marionette_nn::ModelSpec;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Crops that are kept rather than read again, bytes.
const KEPT: usize = 512 << 20;

/// What can go wrong with photographs to learn from.
#[derive(Debug, thiserror::Error)]
pub enum PhotographError {
    /// The annotations cannot be used.
    #[error(transparent)]
    Coco(#[from] CocoError),
    /// A picture cannot be used.
    #[error("{0}; mend it, or take its people out of the annotations")]
    Picture(#[from] AnnotatedError),
    /// Pictures are not there.
    #[error(
        "{}: {missing} of {pictures} annotated pictures are not there, the first of them {first}; \
         give the folder that they are in",
        .folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// Pictures that are not there.
        missing: usize,
        /// Pictures with people to learn from.
        pictures: usize,
        /// The first that is not there.
        first: String,
    },
    /// There is nobody to learn from.
    #[error("{}: nobody in it has a labelled keypoint of this figure", .path.display())]
    Nobody {
        /// The annotations.
        path: PathBuf,
    },
}

/// A person cropped from a photograph to the network's input.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonCrop {
    /// sRGB, three bytes a pixel.
    pub pixels: Vec<u8>,
    /// Keypoints, pixels of the input.
    pub keypoints: Vec<[f32; 2]>,
    /// Which of them have a label and lie in the input.
    pub labelled: Vec<bool>,
    /// Torso length, pixels of the input; `None` where shoulders or hips have no label.
    pub torso: Option<f32>,
}

/// A photograph in a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Photograph {
    /// Its place in the run's sequence of photographs.
    pub shown: u64,
    /// What it shows.
    pub person: Arc<PersonCrop>,
}

/// The photographs of a run.
pub struct Photographs {
    file: CocoFile,
    folder: PathBuf,
    scheme: KeypointScheme,
    input: [usize; 2],
    /// Indices of the people to learn from.
    people: Vec<usize>,
    /// Photographs a step.
    count: usize,
    seed: u64,
    kept: Vec<Option<Arc<PersonCrop>>>,
    kept_bytes: usize,
    /// The order of an epoch, and which.
    order: Option<(u64, Vec<usize>)>,
}

impl Photographs {
    /// The photographs of `config` for a network of `spec`, some for each batch of `batch`; `None`
    /// where there are to be none.
    ///
    /// # Errors
    /// If the annotations cannot be used, there is nobody in them, or pictures are not there.
    pub fn open(
        config: &PhotographConfig,
        scheme: &KeypointScheme,
        spec: &ModelSpec,
        batch: usize,
        seed: u64,
    ) -> Result<Option<Self>, PhotographError> {
        let count = config.count(batch);
        if count == 0 {
            return Ok(None);
        }
        let (path, folder) = (Path::new(&config.annotations), PathBuf::from(&config.images));
        let file = read_coco(path, scheme, true)?;
        let counts = |person: &usize| file.people[*person].counts();
        let people: Vec<usize> = (0..file.people.len()).filter(counts).collect();
        if people.is_empty() {
            return Err(PhotographError::Nobody { path: path.to_owned() });
        }
        let mut pictures: Vec<usize> = people.iter().map(|p| file.people[*p].image).collect();
        pictures.dedup();
        let is_missing = |image: &&usize| !folder.join(&file.images[**image].file_name).exists();
        let missing: Vec<&usize> = pictures.iter().filter(is_missing).collect();
        if let Some(first) = missing.first() {
            return Err(PhotographError::Missing {
                first: file.images[**first].file_name.clone(),
                missing: missing.len(),
                pictures: pictures.len(),
                folder,
            });
        }
        Ok(Some(Photographs {
            kept: vec![None; people.len()],
            kept_bytes: 0,
            file,
            folder,
            scheme: scheme.clone(),
            input: [spec.input_width, spec.input_height],
            people,
            count,
            seed,
            order: None,
        }))
    }

    /// People to learn from.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Photographs a step.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The photographs of step `step`.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn of_step(&mut self, step: u64) -> Result<Vec<Photograph>, PhotographError> {
        let first = step * self.count as u64;
        let shown: Vec<(u64, usize)> = (first..first + self.count as u64)
            .map(|shown| (shown, self.person_at(shown)))
            .collect();
        let crops = shown
            .par_iter()
            .map(|(_, person)| match &self.kept[*person] {
                Some(kept) => Ok(kept.clone()),
                None => self.crop(&self.file.people[self.people[*person]]).map(Arc::new),
            })
            .collect::<Result<Vec<_>, _>>()?;
        for ((_, person), crop) in shown.iter().zip(&crops) {
            if self.kept[*person].is_none() && self.kept_bytes + crop.pixels.len() <= KEPT {
                self.kept_bytes += crop.pixels.len();
                self.kept[*person] = Some(crop.clone());
            }
        }
        let photograph = |((shown, _), person)| Photograph { shown, person };
        Ok(shown.into_iter().zip(crops).map(photograph).collect())
    }

    /// Who is shown at a place of the sequence, as an index into `people`.
    fn person_at(&mut self, shown: u64) -> usize {
        let count = self.people.len() as u64;
        let (epoch, place) = (shown / count, (shown % count) as usize);
        if self.order.as_ref().is_none_or(|(of, _)| *of != epoch) {
            let mut order: Vec<usize> = (0..self.people.len()).collect();
            order.shuffle(&mut random::stream(self.seed, epoch, 0, "photographs/order"));
            self.order = Some((epoch, order));
        }
        self.order.as_ref().map_or(place, |(_, order)| order[place])
    }

    fn crop(&self, person: &CocoPerson) -> Result<PersonCrop, PhotographError> {
        let picture = load_annotated(&self.folder, &self.file.images[person.image])?;
        let bbox = person.bbox.map(|side| side as f32);
        let crop = Crop::new(bbox, &CropRule::default(), self.input);
        let place = |place: &[f64; 2]| crop.to_input(*place).map(|value| value as f32);
        let keypoints: Vec<[f32; 2]> = person.keypoints.iter().map(place).collect();
        let [width, height] = self.input.map(|side| side as f32);
        let inside = |[x, y]: &[f32; 2]| (0.0..width).contains(x) && (0.0..height).contains(y);
        let labelled = person.labelled.iter().zip(&keypoints);
        // Lengths shrink as the crop does.
        let shrunk = |length: f32| {
            let [a, b] = [0.0, f64::from(length)].map(|x| crop.to_input([x, 0.0])[0]);
            (b - a) as f32
        };
        Ok(PersonCrop {
            pixels: crop.render(&picture.pixels),
            labelled: labelled.map(|(labelled, place)| *labelled && inside(place)).collect(),
            torso: person.torso(&self.scheme).map(shrunk),
            keypoints,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_nn as model;
    use std::{collections::BTreeSet, fs};

    fn scheme() -> KeypointScheme {
        let names = ["nose", "left_hip", "right_hip", "left_shoulder", "right_shoulder"];
        KeypointScheme {
            names: names.map(str::to_owned).to_vec(),
            twins: vec![0, 2, 1, 4, 3],
            sigmas: vec![0.05; 5],
            symmetry: Vec::new(),
            edges: Vec::new(),
            torso: [3, 2],
        }
    }

    /// Five pictures of 40x20 pixels with a person each, the third without labels; the nose is at
    /// (20.5, 10.5) and the box around it is 20x20.
    fn photographs(folder: &Path) -> PhotographConfig {
        let mut annotations = Vec::new();
        let mut images = Vec::new();
        for id in 0..5u8 {
            let name = format!("{id}.png");
            image::RgbImage::from_pixel(40, 20, image::Rgb([50 * id, 0, 0]))
                .save(folder.join(&name))
                .unwrap();
            let v = if id == 2 { 0 } else { 2 };
            images
                .push(serde_json::json!({"id": id, "file_name": name, "width": 40, "height": 20}));
            let keypoints = [20, 10, v, 15, 15, v, 25, 15, v, 15, 5, v, 39, 19, v];
            annotations.push(serde_json::json!({"id": id, "image_id": id, "category_id": 1,
                "bbox": [10.5, 0.5, 20, 20], "area": 100, "iscrowd": 0, "keypoints": keypoints}));
        }
        let categories = [serde_json::json!({"id": 1, "name": "person",
            "keypoints": scheme().names})];
        let all = serde_json::json!({"images": images, "annotations": annotations,
            "categories": categories});
        let path = folder.join("ann.json");
        fs::write(&path, all.to_string()).unwrap();
        PhotographConfig {
            annotations: path.display().to_string(),
            images: folder.display().to_string(),
            share: 0.5,
        }
    }

    #[test]
    fn every_epoch_shows_everybody_once_in_an_order_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let config = photographs(folder.path());
        let spec = model::spec("nano", 5).unwrap();
        let open = |seed| Photographs::open(&config, &scheme(), &spec, 4, seed).unwrap().unwrap();
        let mut photographs = open(1);
        assert_eq!((photographs.people(), photographs.count()), (4, 2));
        let red = |photograph: &Photograph| photograph.person.pixels[3 * (64 * 32 + 32)];
        let mut orders = BTreeSet::new();
        for epoch in 0..8 {
            let shown = [2 * epoch, 2 * epoch + 1].map(|step| photographs.of_step(step).unwrap());
            let order: Vec<u8> = shown.iter().flatten().map(red).collect();
            assert_eq!(BTreeSet::from_iter(order.clone()), BTreeSet::from([0, 50, 150, 200]));
            orders.insert(order);
        }
        assert!(orders.len() > 3);
        // Whoever goes on with a run sees the same.
        assert_eq!(open(1).of_step(13).unwrap(), photographs.of_step(13).unwrap());
        let reds = |seed| -> Vec<u8> {
            (0..8).flat_map(|s| open(seed).of_step(s).unwrap()).map(|p| red(&p)).collect()
        };
        assert_ne!(reds(1), reds(2));
    }

    #[test]
    fn a_crop_shows_the_box_and_labels_move_along() {
        let folder = tempfile::tempdir().unwrap();
        let config = photographs(folder.path());
        let spec = model::spec("nano", 5).unwrap();
        let mut photographs = Photographs::open(&config, &scheme(), &spec, 2, 1).unwrap().unwrap();
        let person = photographs.of_step(0).unwrap().remove(0).person;
        // 25 pixels of the picture are 64 of the input, and the box' middle is the nose.
        let near = |found: f32, expected: f32| (found - expected).abs() < 1e-3;
        let [x, y] = person.keypoints[0];
        assert!(near(x, 32.0) && near(y, 32.0), "{x}, {y}");
        assert_eq!(person.labelled, [true, true, true, true, false]);
        let torso = person.torso.unwrap() / (64.0 / 25.0);
        assert!(near(torso, 10f32.hypot(10.0).max(24f32.hypot(4.0))), "{torso}");
    }

    #[test]
    fn what_is_missing_is_told_before_anything_is_learned() {
        let folder = tempfile::tempdir().unwrap();
        let config = photographs(folder.path());
        let spec = model::spec("nano", 5).unwrap();
        let said =
            |config: &PhotographConfig| match Photographs::open(config, &scheme(), &spec, 4, 1) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("it was taken"),
            };
        fs::remove_file(folder.path().join("3.png")).unwrap();
        let missing = said(&config);
        assert!(
            missing.contains("1 of 4 annotated pictures") && missing.contains("3.png"),
            "{missing}"
        );
        let none = PhotographConfig { share: 0.0, ..config.clone() };
        assert!(Photographs::open(&none, &scheme(), &spec, 4, 1).unwrap().is_none());
        let nowhere = PhotographConfig { annotations: "nowhere.json".to_owned(), ..config };
        assert!(said(&nowhere).starts_with("nowhere.json"), "{}", said(&nowhere));
    }
}
