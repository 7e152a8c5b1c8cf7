//! The stage's right side: the network's prediction for the sample, its records, the ablations of
//! its axes, its parameters.

use crate::{
    state::{RunData, StageSelection, StageState, Viewer},
    widgets::{Atlas, theme},
};
use bevy_egui::egui::{self, Grid, RichText, Sense, Ui, vec2};
use marionette_stream::HardnessAxis;

/// Shows what is known of the sample.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let Viewer { stage, run, subject, .. } = viewer;
    if let (None, Some(explained)) = (&stage.ablation_atlas, &stage.explained) {
        let tiles = explained.ablations.iter().map(|ablation| &ablation.tile);
        stage.ablation_atlas = Atlas::of_tiles(ui.ctx(), "ablations", tiles);
    }
    let Some(picture) = &stage.picture else {
        ui.label("What is known of the sample will be here.");
        return;
    };
    let scene = &picture.input.scene;
    let posed = matches!(stage.selection, StageSelection::Posed);
    let stream = if posed { "posed by hand" } else { scene.stream.words() };
    ui.strong(format!("Sample {}, {stream}", scene.index));
    ui.label(format!(
        "seed {}, attempt {}, policy {}",
        subject.config.seed, scene.attempt, scene.policy_version
    ));
    match &picture.prediction {
        Ok(prediction) => {
            let score =
                prediction.difficulty.map_or("no critic".to_owned(), |score| format!("{score:.2}"));
            ui.label(
                RichText::new(format!("now: score {score}, error {:.2} torsos", prediction.error))
                    .strong(),
            );
            let loss = prediction.loss.map_or(String::new(), |loss| format!(", loss {loss:.2}"));
            ui.label(format!(
                "{:.0} % of what is in sight found{loss}",
                prediction.hit_rate * 100.0
            ));
        }
        Err(message) => {
            ui.label(
                RichText::new(message).color(theme::text(ui.visuals().dark_mode, theme::NOTE)),
            );
        }
    }
    let measured = &picture.large.labels.measured;
    ui.label(format!(
        "{} keypoints seen, {:.0} % visible, {:.0} % in frame; drawn in {} ms",
        measured.keypoints_seen,
        measured.visible_share * 100.0,
        measured.in_frame_share * 100.0,
        picture.took.as_millis()
    ));
    if !posed {
        record(ui, run, scene.index);
    }
    ui.separator();
    explanation(ui, stage);
    ui.separator();
    egui::CollapsingHeader::new("Parameters").default_open(true).show(ui, |ui| {
        Grid::new("parameters").num_columns(2).striped(true).show(ui, |ui| {
            for (name, value) in &scene.parameters {
                ui.small(*name);
                ui.small(format!("{value:.3}"));
                ui.end_row();
            }
        });
    });
}

fn record(ui: &mut Ui, run: &RunData, index: u64) {
    match run.record_of(index) {
        Some(record) => ui.label(format!(
            "learned from at step {}: score {:.2}, error {:.2}",
            record.step, record.score, record.error
        )),
        None => ui.label("no record: it was learned from before the window opened, or long ago"),
    };
}

/// The sample's ablations: score and error with one axis at zero at a time.
fn explanation(ui: &mut Ui, stage: &StageState) {
    ui.strong("Where the hardness comes from");
    let Some(explained) = &stage.explained else {
        ui.label(
            "Explain (H) draws the very same sample with one axis at zero at a time, and asks the \
             network.",
        );
        return;
    };
    let prediction = |i: usize| explained.ablations.get(i)?.prediction.as_ref().ok();
    let Some(base) = prediction(0) else {
        ui.label("The network could not be asked.");
        return;
    };
    Grid::new("ablations").num_columns(4).striped(true).show(ui, |ui| {
        for title in ["", "at zero", "score", "error"] {
            ui.small(title);
        }
        ui.end_row();
        for i in 0..explained.ablations.len() {
            let (response, painter) = ui.allocate_painter(vec2(44.0, 44.0), Sense::hover());
            if let Some(atlas) = &stage.ablation_atlas {
                atlas.draw(&painter, i, response.rect);
            }
            let hardness = explained.ablations[0].tile.scene.hardness;
            match i.checked_sub(1) {
                None => ui.label("as it is"),
                Some(axis) => {
                    ui.label(format!("{}\n{:.2}", HardnessAxis::ALL[axis], hardness[axis]))
                }
            };
            if let Some(prediction) = prediction(i) {
                let cell = |ui: &mut Ui, value: f32, base: f32| {
                    let change = value - base;
                    let color = if i == 0 || change.abs() < 0.02 {
                        ui.visuals().text_color()
                    } else if change < 0.0 {
                        theme::SERIES[0]
                    } else {
                        theme::NOTE
                    };
                    let change = if i == 0 { String::new() } else { format!("\n{change:+.2}") };
                    let color = if color == ui.visuals().text_color() {
                        color
                    } else {
                        theme::text(ui.visuals().dark_mode, color)
                    };
                    ui.label(RichText::new(format!("{value:.2}{change}")).color(color));
                };
                match (prediction.difficulty, base.difficulty) {
                    (Some(score), Some(base)) => cell(ui, score, base),
                    _ => {
                        ui.label("-");
                    }
                }
                cell(ui, prediction.error, base.error);
            } else {
                ui.label("-");
                ui.label("-");
            }
            ui.end_row();
        }
    });
    ui.small("Blue: easier without that axis; orange: harder. Scores need the run's critic.");
}
