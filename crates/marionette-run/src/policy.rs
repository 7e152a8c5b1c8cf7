//! The curriculum that a run has come to, for other samples of the same scene.

use super::{RunDirectory, RunError, read_latest};
use marionette_scene::Scene;
use marionette_stream::Policy;
use serde::Deserialize;
use std::path::Path;

/// The part of a checkpoint's state that is needed here.
#[derive(Deserialize)]
struct Policies {
    policies: Vec<Policy>,
}

/// The newest policy of the run at `path`, which must be a run of `scene`. Nothing on disk changes.
///
/// # Errors
/// If `path` is no run, it has no checkpoint yet or a damaged one, or it is a run of another scene
/// or figure: what differs.
pub fn newest_policy(path: &Path, scene: &Scene) -> Result<Policy, RunError> {
    let (run, _, its_scene) = RunDirectory::open(path)?;
    if let Some(found) = difference(&its_scene, scene) {
        let remedy = format!("give a run of {} as it is now", scene.name);
        return Err(RunError::Damaged { path: path.to_owned(), found, remedy });
    }
    let newest =
        read_latest::<Policies>(&run)?.and_then(|loaded| loaded.state.policies.into_iter().last());
    newest.ok_or_else(|| RunError::Damaged {
        path: path.to_owned(),
        found: "has no checkpoint yet, and so no curriculum".to_owned(),
        remedy: "give a run that has one".to_owned(),
    })
}

/// What of a run's scene is not as in `scene`, if anything is.
fn difference(of_run: &Scene, scene: &Scene) -> Option<String> {
    if of_run.name != scene.name {
        return Some(format!("is a run of the scene {}, not of {}", of_run.name, scene.name));
    }
    let files = [
        ("scene", &of_run.scene_file.text, &scene.scene_file.text),
        ("figure", &of_run.figure_file.text, &scene.figure_file.text),
    ];
    files.into_iter().find(|(_, its, ours)| its != ours).map(|(what, its, ours)| {
        let same = its.lines().zip(ours.lines()).take_while(|(its, ours)| its == ours).count();
        let line = |text: &str| text.lines().nth(same).unwrap_or("its end").trim().to_owned();
        format!(
            "is a run of another {what}: line {} of its {what}.toml is \"{}\", and now it is \"{}\"",
            same + 1,
            line(its),
            line(ours)
        )
    })
}
