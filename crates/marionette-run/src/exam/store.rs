//! Exams on disk: rendered once, kept with their hash, and rendered again where the driver or the
//! program has changed.
//!
//! An exam is kept as `exams/SCENE-KEY/EXAM.safetensors` in the user's cache folder; the key stands
//! for the scene file, the figure file, the number of images and the program's version. Each reader
//! renders the first images again. If they are equal to the kept ones, the rest is used as it is.
//! If they are not, or the driver has changed, all images are rendered again, and a notice says how
//! much differs.

use super::{Exam, ExamError, ExamSet, render_exam};
use bevy::app::App;
use candle_core::{DType, Device, Tensor};
use marionette_base::atomic_file::write_synced;
use marionette_render::{AdapterReport, RendererConfig};
use marionette_scene::Scene;
use marionette_stream::AXES;
use marionette_train::export::{encode, read_weights};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Images that are rendered again to see whether the kept ones still are what this program draws.
const SPOT_CHECK: usize = 16;

/// A notice about an exam.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The kept images differ from those drawn now, so earlier results do not compare.
    Changed {
        /// The exam.
        exam: Exam,
        /// Images of which at least one pixel or label differs.
        images: usize,
        /// Images in all.
        of: usize,
        /// Mean absolute difference of all colour values, in levels of 255; `None` where the
        /// numbers of images differ.
        mean_difference: Option<f64>,
    },
    /// The exam could not be kept; it is rendered anew every time.
    NotKept {
        /// What went wrong.
        reason: String,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Notice::Changed { exam, images, of, mean_difference } => {
                let name = exam.name();
                write!(
                    f,
                    "exam {name}: {images} of {of} images come out differently than the kept ones"
                )?;
                if let Some(difference) = mean_difference {
                    write!(f, ", by {difference:.3} of 255 levels on average")?;
                }
                write!(f, " (another driver or program); results from before do not compare")
            }
            Notice::NotKept { reason } => {
                write!(f, "exams cannot be kept and will be rendered anew: {reason}")
            }
        }
    }
}

/// Where exams are kept.
#[derive(Clone, Debug)]
pub struct ExamStore {
    folder: Option<PathBuf>,
}

impl ExamStore {
    /// The user's own: the folder `MARIONETTE_CACHE`, else `marionette` in the system's folder for
    /// caches. Where there is none, nothing is kept.
    pub fn of_user() -> Self {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let folder = variable("MARIONETTE_CACHE").or_else(|| {
            let caches =
                variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
            Some(caches.or_else(|| variable("LOCALAPPDATA"))?.join("marionette"))
        });
        ExamStore { folder: folder.map(|folder| folder.join("exams")) }
    }

    /// Keeps exams in `folder`.
    pub fn at(folder: &Path) -> Self {
        ExamStore { folder: Some(folder.to_owned()) }
    }

    /// The first `images` images of each of `exams`. They come from the store if it has them and the
    /// renderer still draws the same; if not, they are rendered and kept. `notice` gets warnings.
    ///
    /// # Errors
    /// Where the scene asks for what cannot be, or the device fails.
    pub fn fetch(
        &self,
        (app, config, adapter): (&mut App, RendererConfig, &AdapterReport),
        scene: &Scene,
        exams: &[Exam],
        images: usize,
        mut notice: impl FnMut(Notice),
    ) -> Result<Vec<ExamSet>, ExamError> {
        let driver = format!("{} {} ({})", adapter.name, adapter.driver, adapter.backend);
        let mut sets = Vec::with_capacity(exams.len());
        let mut told = false;
        for exam in exams.iter().copied() {
            let path = self.path(scene, exam, images);
            let kept = path.as_deref().and_then(|path| read(path, exam).ok());
            if let Some((set, kept_driver)) = &kept
                && *kept_driver == driver
                && set.starts_with(&render_exam(app, config, scene, exam, images.min(SPOT_CHECK))?)
            {
                sets.extend(kept.map(|(set, _)| set));
                continue;
            }
            let set = render_exam(app, config, scene, exam, images)?;
            if let Some(changed) = kept.as_ref().and_then(|(kept, _)| compare(kept, &set)) {
                notice(changed);
            }
            if let Some(Err(reason)) = path.as_deref().map(|path| write(path, &set, &driver))
                && !std::mem::replace(&mut told, true)
            {
                notice(Notice::NotKept { reason });
            }
            sets.push(set);
        }
        Ok(sets)
    }

    fn path(&self, scene: &Scene, exam: Exam, images: usize) -> Option<PathBuf> {
        let mut key = Sha256::new();
        for text in [
            env!("CARGO_PKG_VERSION"),
            &scene.scene_file.text,
            &scene.figure_file.text,
            &images.to_string(),
        ] {
            key.update(Sha256::digest(text));
        }
        let key: String = key.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let plain: String = scene
            .name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '_' })
            .take(40)
            .collect();
        Some(
            self.folder
                .as_ref()?
                .join(format!("{plain}-{key}"))
                .join(format!("{}.safetensors", exam.name())),
        )
    }
}

impl ExamSet {
    /// Whether this set begins with all of `other`, bit for bit.
    fn starts_with(&self, other: &ExamSet) -> bool {
        self.len() >= other.len()
            && self.size == other.size
            && self.colors.starts_with(&other.colors)
            && self.keypoints.starts_with(&other.keypoints)
            && self.labelled.starts_with(&other.labelled)
            && self.torsos.starts_with(&other.torsos)
            && self.boxes.starts_with(&other.boxes)
            && self.areas.starts_with(&other.areas)
            && self.hardness.starts_with(&other.hardness)
    }

    /// Image `index` alone.
    fn image(&self, index: usize) -> impl PartialEq {
        let keypoints = index * self.keypoints_per_image..(index + 1) * self.keypoints_per_image;
        let pixels = 3 * self.size[0] * self.size[1];
        (
            self.colors[index * pixels..(index + 1) * pixels].to_vec(),
            self.keypoints[keypoints.clone()].to_vec(),
            self.labelled[keypoints].to_vec(),
            (self.torsos[index], self.boxes[index], self.areas[index], self.hardness[index]),
        )
    }
}

/// What has changed from `kept` to `new`, if anything.
fn compare(kept: &ExamSet, new: &ExamSet) -> Option<Notice> {
    if kept == new {
        return None;
    }
    let (exam, of) = (new.exam, new.len());
    if kept.len() != new.len()
        || kept.size != new.size
        || kept.keypoints_per_image != new.keypoints_per_image
    {
        return Some(Notice::Changed { exam, images: of, of, mean_difference: None });
    }
    let images = (0..of).filter(|index| kept.image(*index) != new.image(*index)).count();
    let difference: u64 =
        kept.colors.iter().zip(&new.colors).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean_difference = Some(difference as f64 / new.colors.len().max(1) as f64);
    Some(Notice::Changed { exam, images, of, mean_difference })
}

const DRIVER: &str = "driver";
const HASH: &str = "sha256";

fn write(path: &Path, set: &ExamSet, driver: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("{}: cannot be made: {error}", folder.display()))?;
    let tensors = tensors(set).map_err(|error| error.to_string())?;
    let metadata =
        BTreeMap::from([(DRIVER.to_owned(), driver.to_owned()), (HASH.to_owned(), set.sha256())]);
    let bytes = encode(&tensors, &metadata)?;
    // The name has the process' number: two runs may begin at the same time. Both write the same
    // bytes, so it does not matter which renames last.
    let aside = path.with_extension(format!("{}.partial", std::process::id()));
    let renamed = write_synced(&aside, &bytes).and_then(|()| std::fs::rename(&aside, path));
    renamed.map_err(|error| {
        let _ = std::fs::remove_file(&aside);
        format!("{}: cannot be written: {error}", path.display())
    })
}

fn tensors(set: &ExamSet) -> candle_core::Result<BTreeMap<String, Tensor>> {
    let (images, keypoints, [width, height]) = (set.len(), set.keypoints_per_image, set.size);
    let labelled: Vec<u8> = set.labelled.iter().map(|labelled| u8::from(*labelled)).collect();
    let device = &Device::Cpu;
    Ok(BTreeMap::from([
        ("images".to_owned(), Tensor::from_slice(&set.colors, (images, height, width, 3), device)?),
        (
            "keypoints".to_owned(),
            Tensor::from_slice(set.keypoints.as_flattened(), (images, keypoints, 2), device)?,
        ),
        ("labelled".to_owned(), Tensor::from_vec(labelled, (images, keypoints), device)?),
        ("torsos".to_owned(), Tensor::from_slice(&set.torsos, images, device)?),
        ("boxes".to_owned(), Tensor::from_slice(set.boxes.as_flattened(), (images, 4), device)?),
        ("areas".to_owned(), Tensor::from_slice(&set.areas, images, device)?),
        (
            "hardness".to_owned(),
            Tensor::from_slice(set.hardness.as_flattened(), (images, AXES), device)?,
        ),
    ]))
}

/// The kept set, and the driver that drew it. One that is missing or damaged is as good as none: it
/// is rendered again.
fn read(path: &Path, exam: Exam) -> candle_core::Result<(ExamSet, String)> {
    let file = read_weights(path).map_err(candle_core::Error::wrap)?;
    let tensor = |name: &str, dtype: DType| match file.tensors.get(name) {
        Some(tensor) if tensor.dtype() == dtype => Ok(tensor),
        _ => candle_core::bail!("no tensor {name} of {dtype:?}"),
    };
    let floats = |name: &str| tensor(name, DType::F32)?.flatten_all()?.to_vec1::<f32>();
    let images = tensor("images", DType::U8)?;
    let (_, height, width, _) = images.dims4()?;
    let set = ExamSet {
        exam,
        size: [width, height],
        keypoints_per_image: tensor("labelled", DType::U8)?.dim(1)?,
        colors: images.flatten_all()?.to_vec1()?,
        keypoints: rows(&floats("keypoints")?),
        labelled: tensor("labelled", DType::U8)?
            .flatten_all()?
            .to_vec1::<u8>()?
            .iter()
            .map(|l| *l != 0)
            .collect(),
        torsos: floats("torsos")?,
        boxes: rows(&floats("boxes")?),
        areas: floats("areas")?,
        hardness: rows(&floats("hardness")?),
    };
    match (file.metadata.get(DRIVER), file.metadata.get(HASH)) {
        (Some(driver), Some(hash)) if *hash == set.sha256() => Ok((set, driver.clone())),
        _ => candle_core::bail!("not what was written"),
    }
}

fn rows<const N: usize>(values: &[f32]) -> Vec<[f32; N]> {
    values.chunks_exact(N).map(|row| std::array::from_fn(|i| row[i])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_render::headless_app;
    use marionette_scene::load_scene;

    #[test]
    fn exams_are_kept_and_a_difference_is_told() -> Result<(), Box<dyn std::error::Error>> {
        let scene = load_scene("quickstart")?;
        let folder = tempfile::tempdir()?;
        let store = ExamStore::at(folder.path());
        let fetch = |store: &ExamStore, tiles: usize, exams: &[Exam]| {
            let config = RendererConfig { tiles, width: 64, height: 64, threads: 1 };
            let (mut app, adapter) = headless_app(config, &scene.pictures)?;
            let mut notices = Vec::new();
            let sets = store.fetch((&mut app, config, &adapter), &scene, exams, 20, |notice| {
                notices.push(notice)
            })?;
            Ok::<_, ExamError>((sets, notices))
        };
        let (first, notices) = fetch(&store, 7, &[Exam::Easy])?;
        assert_eq!((first[0].len(), notices), (20, vec![]));
        let path = store.path(&scene, Exam::Easy, 20).ok_or("no path")?;
        let kept = std::fs::read(&path)?;
        // Read back, and drawn in frames of another size: the same images.
        assert_eq!(fetch(&store, 20, &[Exam::Easy])?, (first.clone(), vec![]));
        let anew = fetch(&ExamStore { folder: None }, 20, &[Exam::Easy])?;
        assert_eq!(anew, (first.clone(), vec![]));

        // As another driver would have drawn it.
        let mut other = first[0].clone();
        other.colors[5] ^= 64;
        write(&path, &other, "another driver")?;
        let changed = Notice::Changed {
            exam: Exam::Easy,
            images: 1,
            of: 20,
            mean_difference: Some(64.0 / (20 * 3 * 64 * 64) as f64),
        };
        assert_eq!(fetch(&store, 20, &[Exam::Easy])?, (first.clone(), vec![changed]));
        assert_eq!(std::fs::read(&path)?, kept);
        // The same pictures by another driver are no news.
        write(&path, &first[0], "another driver")?;
        assert_eq!(fetch(&store, 20, &[Exam::Easy])?, (first.clone(), vec![]));
        // What is damaged is rendered again.
        std::fs::write(&path, &kept[..kept.len() / 2])?;
        assert_eq!(fetch(&store, 20, &[Exam::Easy])?, (first, vec![]));
        assert_eq!(std::fs::read(&path)?, kept);
        assert_eq!(
            std::fs::read_dir(path.parent().ok_or("no folder")?)?.count(),
            1,
            "nothing is left aside"
        );

        // A folder that cannot be written gives one notice.
        let nowhere = ExamStore::at(&path);
        let (sets, notices) = fetch(&nowhere, 20, &[Exam::Easy, Exam::Hard])?;
        assert_eq!((sets.len(), notices.len()), (2, 1));
        assert!(notices[0].to_string().contains("easy.safetensors"), "{}", notices[0]);
        Ok(())
    }
}
