//! Figure files.

use marionette_base::toml_file::TomlFile;
use marionette_figure::parse_figure;
use marionette_scene::{Sampler, Scene, parse_scene};
use marionette_stream::SceneSample;
use std::{
    str,
    sync::{Arc, LazyLock},
};

/// A scene with more of everything that stands on a figure than the program's own have.
static STAGE: LazyLock<Scene> = LazyLock::new(|| {
    let text = "
        name = \"stage\"
        figure = \"human\"
        image = { width = 64, height = 48 }
        pose = { block = { easy = { constant = 0.5 } }, held = { easy = { constant = 0.5 } } }
        crowd = { count = { easy = { constant = 1 } }, lateral_m = { easy = { constant = 1 } } }
    ";
    parse_scene(TomlFile { path: "stage.toml".into(), text: text.to_owned() })
        .expect("the stage is a scene")
});

/// A figure file's text. A figure that is read can be sampled, and its keypoints make a model card.
pub fn figure(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    // Motions are in other files, and what these hold is not among the bytes.
    if text.contains("bvh:") {
        return false;
    }
    let file = TomlFile { path: "figure.toml".into(), text: text.to_owned() };
    let figure = match parse_figure(&file) {
        Ok(figure) => figure,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    assert_eq!(figure.scheme().complaint(), None);
    let poses = (0..figure.poses.len()).collect();
    let scene = Scene { figure: Arc::new(figure), poses, ..STAGE.clone() };
    let sampler = Sampler::new(&scene, settled);
    for index in 0..2 {
        let sample = sampler.sample_at([index as f32; 8], 1, index, 0);
        assert_eq!(sample.figures[0].keypoints.len(), scene.figure.keypoints.len());
        judge(&scene, sample);
    }
    true
}

#[cfg(feature = "run")]
use marionette_physics::ragdoll::settled;

/// Without physics, no figure settles.
#[cfg(not(feature = "run"))]
fn settled(_: &marionette_figure::SettleStart) -> Option<marionette_figure::Pose> {
    None
}

#[cfg(feature = "run")]
fn judge(scene: &Scene, mut sample: SceneSample) {
    let judge = marionette_physics::Solvability::new(scene.figure.clone());
    if judge.judge_sampled(&sample).and_then(|()| judge.judge_settled(&mut sample)).is_ok() {
        marionette_render::lay_out(&[sample]);
    }
}

#[cfg(not(feature = "run"))]
fn judge(_: &Scene, _: SceneSample) {}
