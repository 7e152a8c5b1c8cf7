//! The stage's left side: which sample is shown, its hardness, the overlays, the view.

use crate::state::{StageSelection, Viewer};
use bevy_egui::egui::{ComboBox, DragValue, Grid, Slider, Ui};
use marionette_stream::{AXES, HardnessAxis};

/// Shows the controls.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let batch = viewer.run.newest.as_ref().map_or(0, |newest| newest.batch.tiles.len());
    let stage = &mut viewer.stage;
    let following = matches!(stage.selection, StageSelection::Follow(_));
    ui.horizontal(|ui| {
        ui.add_enabled_ui(batch > 0, |ui| {
            let text = if following { "Freeze" } else { "Follow the run" };
            if ui.button(text).on_hover_text("F").clicked() {
                stage.toggle_follow();
            }
        });
        if let StageSelection::Follow(slot) = &mut stage.selection {
            let most = batch.saturating_sub(1);
            if ui.add(DragValue::new(slot).range(0..=most).prefix("tile ")).changed() {
                stage.renew();
            }
        } else if ui.button("Pose").on_hover_text("Pose a scene with the sliders").clicked() {
            stage.pose();
        }
    });
    ui.horizontal(|ui| {
        ui.label("sample");
        if ui.add(DragValue::new(&mut stage.index).range(0..=u64::MAX / 2)).changed() {
            stage.pose();
        }
        if ui.button("another").clicked() {
            stage.index += 1;
            stage.pose();
        }
    });
    ui.add_space(4.0);
    ui.strong("Hardness");
    ui.spacing_mut().slider_width = 90.0;
    for axis in HardnessAxis::ALL {
        let before = stage.hardness[axis as usize];
        let mut wanted = before;
        let slider = Slider::new(&mut wanted, 0.0..=1.0).fixed_decimals(2).text(axis.name());
        // A slider rounds the value that it shows: that is no change by the user.
        if ui.add(slider).changed() && (wanted - before).abs() > 0.0051 {
            stage.hardness[axis as usize] = wanted;
            stage.pose();
        }
    }
    ui.horizontal(|ui| {
        for (name, value) in [("easy", 0.0), ("half", 0.5), ("hard", 1.0)] {
            if ui.button(name).clicked() {
                stage.hardness = [value; AXES];
                stage.pose();
            }
        }
    });
    ui.add_space(4.0);
    ui.strong("Overlays");
    let overlays = &mut viewer.layout.overlays;
    Grid::new("overlays").num_columns(2).show(ui, |ui| {
        ui.checkbox(&mut overlays.skeleton, "skeleton");
        ui.checkbox(&mut overlays.keypoints, "keypoints");
        ui.end_row();
        ui.checkbox(&mut overlays.ids, "ids");
        ui.checkbox(&mut overlays.depth, "depth");
        ui.end_row();
        ui.checkbox(&mut overlays.boxes, "boxes");
        ui.checkbox(&mut overlays.colliders, "colliders");
        ui.end_row();
        ui.checkbox(&mut overlays.prediction, "prediction");
        ui.end_row();
    });
    let names: Vec<&str> = viewer
        .subject
        .scene
        .figure
        .keypoints
        .iter()
        .map(|keypoint| keypoint.name.as_str())
        .collect();
    let name =
        |choice: Option<usize>| choice.map_or("none", |k| names.get(k).copied().unwrap_or("all"));
    let stage = &mut viewer.stage;
    ComboBox::from_label("heatmap").selected_text(name(stage.heatmap)).width(120.0).show_ui(
        ui,
        |ui| {
            for choice in [None, Some(names.len())].into_iter().chain((0..names.len()).map(Some)) {
                ui.selectable_value(&mut stage.heatmap, choice, name(choice));
            }
        },
    );
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if ui.button("Reset view").on_hover_text("R").clicked() {
            stage.reset_view();
        }
        if ui.button("Explain").on_hover_text("Where does the hardness come from? (H)").clicked() {
            stage.explain();
        }
        if ui.button("Replay").on_hover_text("Draw it again, and ask the network of now").clicked()
        {
            stage.renew();
        }
    });
    ui.small("drag: walk around; shift or right button: pan; scroll: zoom");
}
