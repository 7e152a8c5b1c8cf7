//! What an audit asks for: samples of what a model fails on.

use super::RunError;
use crate::scene_sha256;
use marionette_base::{
    atomic_file::{read_file, write_atomic},
    json_file::json_text,
};
use marionette_scene::Scene;
use marionette_stream::{Circumstance, Focus, Wanted};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Its name in the folder of an audit.
const FILE: &str = "focus.json";
/// The largest file that is read, bytes.
const LARGEST: u64 = 16 << 20;

/// `[focus]`: what a share of the samples is drawn for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FocusConfig {
    /// The folder of the audit that says what; empty for nothing.
    pub audit: String,
    /// The share of all samples, 0 to 1.
    pub share: f32,
    /// The numbers of the findings that count, as the audit's page gives them; all, if it is empty.
    pub findings: Vec<u32>,
}

impl Default for FocusConfig {
    fn default() -> Self {
        FocusConfig { audit: String::new(), share: 0.25, findings: Vec::new() }
    }
}

impl FocusConfig {
    /// What is wrong, as key and message.
    pub fn validate(&self) -> Vec<(String, String)> {
        let share = self.share;
        if share > 0.0 && share <= 1.0 {
            return Vec::new();
        }
        let message = format!("found {share}, expected a share of all samples, above 0, at most 1");
        vec![("share".to_owned(), message)]
    }

    /// What a share of the samples of `scene` is drawn for, if anything.
    ///
    /// # Errors
    /// As [`FocusFile::read`].
    pub fn open(&self, scene: &Scene) -> Result<Option<Focus>, RunError> {
        if self.audit.is_empty() {
            return Ok(None);
        }
        let audit = Path::new(&self.audit);
        let FocusFile { mut wanted, .. } = FocusFile::read(audit, scene)?;
        if !self.findings.is_empty() {
            self.check_findings(audit, &wanted)?;
            wanted.retain(|wanted| self.findings.contains(&wanted.finding));
        }
        Ok(Some(Focus { share: self.share, wanted }))
    }

    /// Whether pictures can be drawn for each of the findings that are asked for.
    fn check_findings(&self, audit: &Path, wanted: &[Wanted]) -> Result<(), RunError> {
        let mut known: Vec<u32> = wanted.iter().map(|wanted| wanted.finding).collect();
        known.sort_unstable();
        known.dedup();
        let Some(unknown) = self.findings.iter().find(|number| !known.contains(number)) else {
            return Ok(());
        };
        let known: Vec<String> =
            known.iter().filter(|number| **number > 0).map(u32::to_string).collect();
        Err(RunError::Damaged {
            path: audit.to_owned(),
            found: format!("has no finding {unknown} that pictures could be drawn for"),
            remedy: match known.as_slice() {
                [] => "let a newer `marionette audit` write it anew, with --resume".to_owned(),
                known => format!("choose from {}", known.join(", ")),
            },
        })
    }
}

/// `focus.json`: what an audit found a model to fail on, as what samples are to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FocusFile {
    /// The model, as it was named.
    pub model: String,
    /// The scene's name.
    pub scene: String,
    /// SHA-256 of the scene's file, its figure's and its pictures.
    pub scene_sha256: String,
    /// What samples are to show.
    pub wanted: Vec<Wanted>,
}

impl FocusFile {
    /// Writes it into the folder of an audit.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&self, audit: &Path) -> Result<(), RunError> {
        let path = audit.join(FILE);
        let text = json_text(self).map_err(|error| RunError::Content {
            path: path.clone(),
            message: error.to_string(),
        })?;
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// Reads what the audit in the folder `audit` found; it must be one of `scene`.
    ///
    /// # Errors
    /// If there is no audit that has come to its end, it is one of another scene, it found nothing
    /// to draw for, or the file is damaged.
    pub fn read(audit: &Path, scene: &Scene) -> Result<Self, RunError> {
        let path = audit.join(FILE);
        let refuse = |path: PathBuf, found: String, remedy: &str| {
            Err(RunError::Damaged { path, found, remedy: remedy.to_owned() })
        };
        if !path.exists() {
            let (found, remedy) = if audit.join("audit.json").exists() {
                ("has not come to its end", "let `marionette audit` go on there with --resume")
            } else {
                ("is no audit", "give the --out folder of `marionette audit`")
            };
            return refuse(audit.to_owned(), found.to_owned(), remedy);
        }
        let file: FocusFile = match serde_json::from_slice(&read_file(&path, LARGEST)?) {
            Ok(file) => file,
            Err(error) => {
                let found = format!("is not what an audit writes: {error}");
                return refuse(path, found, "let `marionette audit` write it anew, with --resume");
            }
        };
        let audited = [file.scene.as_str(), file.scene_sha256.as_str()];
        if let Some(found) = other_scene(audited, [&scene.name, &scene_sha256(scene)]) {
            return refuse(audit.to_owned(), found, "audit the model on this scene");
        }
        if file.wanted.is_empty() {
            let found = "found nothing that pictures could be drawn for".to_owned();
            return refuse(audit.to_owned(), found, "leave --for out");
        }
        match file.wanted.iter().find_map(|wanted| fault(wanted, scene)) {
            None => Ok(file),
            Some(found) => {
                refuse(path, found, "let `marionette audit` write it anew, with --resume")
            }
        }
    }
}

/// What is said of an audit of another scene than `wanted`; both are a scene's name and hash.
pub fn other_scene(audited: [&str; 2], wanted: [&str; 2]) -> Option<String> {
    let ([name, hash], [wanted, wanted_hash]) = (audited, wanted);
    if hash == wanted_hash {
        return None;
    }
    Some(if name == wanted {
        format!("is an audit of {name} as it was, and the scene or its figure has changed")
    } else {
        format!("is an audit of the scene {name}, not of {wanted}")
    })
}

/// What of `wanted` cannot be drawn, if anything.
fn fault(wanted: &Wanted, scene: &Scene) -> Option<String> {
    let share = |share: &f32| share.is_finite() && *share >= 0.0;
    if !(wanted.weight > 0.0 && wanted.weight.is_finite()) {
        return Some(format!("\"{}\" has a weight of {}", wanted.words, wanted.weight));
    }
    for axis in &wanted.axes {
        let sum: f32 = axis.probabilities.iter().sum();
        if !(axis.probabilities.iter().all(share) && (sum - 1.0).abs() < 1e-3) {
            return Some(format!("\"{}\" has probabilities that sum to {sum}", wanted.words));
        }
    }
    let shown = |family: &usize| scene.poses.contains(family);
    let unknown = |circumstance: &Circumstance| !circumstance.families().iter().all(shown);
    let says = || format!("\"{}\" asks for a pose that the scene does not show", wanted.words);
    wanted.circumstances.iter().any(unknown).then(says)
}
