//! The curriculum: for every axis its distribution now and over time, the statistics of its bins,
//! and its lock.

use crate::{
    state::{RunData, Viewer},
    widgets::{overlays, placeholder, theme},
};
use bevy_egui::egui::{
    Color32, Grid, Rect, RichText, ScrollArea, Sense, TextureHandle, Ui, pos2, vec2,
};
use marionette_run::Control;
use marionette_stream::{HardnessAxis, SampleStream};
use marionette_train::curriculum::{AxisSummary, BinSummary};

/// Height of an axis' row.
const ROW: f32 = 58.0;

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let Some(summary) = viewer.run.curriculum.clone() else {
        placeholder(
            ui,
            "Every bin of every axis is still as likely as any other",
            "The distributions appear with the first batch.",
        );
        return;
    };
    streams(ui, viewer);
    viewer.maps.renew(ui.ctx(), &viewer.run);
    let live = viewer.is_live();
    let mut controls = Vec::new();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let over_time = (ui.available_width() - 92.0 - 4.0 * 122.0 - 120.0 - 18.0).max(120.0);
        Grid::new("axes").num_columns(7).spacing([6.0, 3.0]).show(ui, |ui| {
            for title in [
                "axis",
                "share now",
                "share over time",
                "error",
                "difficulty",
                "rejected",
                "by hand",
            ] {
                ui.small(title);
            }
            ui.end_row();
            for axis in &summary.axes {
                let run = &viewer.run;
                let shares: Vec<f32> = axis.bins.iter().map(|bin| bin.probability).collect();
                ui.vertical(|ui| {
                    ui.set_width(86.0);
                    ui.strong(axis.axis.name());
                    ui.small(format!("mean {:.2}", axis.mean_hardness));
                    ui.small(format!("reach {:.2}", axis.reach)).on_hover_text(format!(
                        "how far samples reach along the axis; divergence from an even \
                         distribution {:.3} nats",
                        axis.kl
                    ));
                    ui.small(format!("effect {:+.2}", axis.effect)).on_hover_text(
                        "what hardness 1 adds to the rank of the signal, from 0 to 1; the more, the \
                         slower the axis opens",
                    );
                });
                bins(ui, axis, Column::Share, &shares);
                heat(ui, run, viewer.maps.of(axis.axis), axis.axis, over_time);
                for column in [Column::Error, Column::Difficulty] {
                    bins(ui, axis, column, &shares);
                }
                let rejected: Vec<f32> = run.rejected_by_axis_bin[axis.axis as usize]
                    .iter()
                    .map(|count| *count as f32)
                    .collect();
                bins(ui, axis, Column::Rejected, &rejected);
                let held = viewer
                    .settings()
                    .is_some_and(|settings| settings.locks[axis.axis as usize].is_some());
                controls.extend(lock(ui, axis.axis, &shares, held, live));
                ui.end_row();
            }
        });
        ui.small(
            "Bins go from everyday (blue) to extreme (orange); the upright line is the frontier, \
             how far samples reach. A held axis is drawn as it is held; its statistics go on.",
        );
        hardest(ui, viewer);
        if !viewer.run.rejections.is_empty() {
            let mut reasons: Vec<(&String, &u64)> = viewer.run.rejections.iter().collect();
            reasons.sort_by(|a, b| b.1.cmp(a.1));
            let texts: Vec<String> =
                reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            ui.small(format!("Rejected draws: {}", texts.join(", ")));
        }
    });
    for control in controls {
        viewer.control(control);
    }
}

/// What the network finds hardest, in a line.
fn hardest(ui: &mut Ui, viewer: &Viewer) {
    let Some(hardest) = &viewer.run.hardest else { return };
    let Some(words) = hardest.words() else { return };
    let each = hardest.combinations.iter().map(|found| {
        let pose = found.pose.replace('_', " ");
        let (side, rank) = (found.side.words(), found.rank);
        format!("\n{rank:.2}  \"{pose}\" seen {side}, {} samples", found.samples)
    });
    ui.label(format!("What the network finds hardest: {words}")).on_hover_text(format!(
        "Ranks of the score by a linear model of pose, side and axes, from 0 to 1; it explains \
         {:.0} % of their variance.{}",
        hardest.explained * 100.0,
        each.collect::<String>()
    ));
}

/// Shares of the streams: the wanted ones, and those of the newest batch.
fn streams(ui: &mut Ui, viewer: &Viewer) {
    let newest = viewer.run.newest.as_ref();
    let mix = newest.map_or(viewer.subject.config.curriculum.mix, |newest| newest.policy.mix);
    let focused = newest.and_then(|newest| newest.policy.focus.as_ref()).map(|focus| focus.share);
    let uniform = mix.uniform.min(1.0 - focused.unwrap_or(0.0));
    let found = |stream: SampleStream| {
        newest.map(|newest| {
            let tiles = &newest.batch.tiles;
            tiles.iter().filter(|tile| tile.scene.stream == stream).count() as f32
                / tiles.len().max(1) as f32
        })
    };
    let steered = 1.0 - uniform - focused.unwrap_or(0.0);
    let wanted = [(SampleStream::Uniform, uniform), (SampleStream::Steered, steered)];
    let wanted = wanted.into_iter().chain(focused.map(|share| (SampleStream::Focused, share)));
    let shares: Vec<_> = wanted.map(|(stream, share)| (stream, share, found(stream))).collect();
    ui.horizontal(|ui| {
        ui.label("Streams:");
        let (response, painter) = ui.allocate_painter(vec2(240.0, 14.0), Sense::hover());
        let mut left = response.rect.left();
        for (i, (_, wanted, found)) in shares.iter().enumerate() {
            let width = response.rect.width() * found.unwrap_or(*wanted);
            let part = Rect::from_min_size(pos2(left, response.rect.top()), vec2(width, 14.0));
            painter.rect_filled(part, 0.0, theme::SERIES[i]);
            left += width;
        }
        for (i, (stream, wanted, found)) in shares.into_iter().enumerate() {
            let now = found.map_or(String::new(), |found| format!(", {:.0} % now", found * 100.0));
            ui.label(RichText::new("■").color(theme::SERIES[i]));
            ui.label(format!("{} {:.0} %{now}", stream.words(), wanted * 100.0));
        }
        if let Some(summary) = &viewer.run.curriculum {
            ui.separator();
            ui.label(format!("each axis is free with probability {:.2}", summary.free));
        }
    });
    ui.separator();
}

/// A column of small charts.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Share,
    Error,
    Difficulty,
    Rejected,
}

impl Column {
    fn value(self, bin: &BinSummary) -> Option<f64> {
        match self {
            Column::Share | Column::Rejected => None,
            Column::Error => bin.mean_error,
            Column::Difficulty => bin.mean_difficulty,
        }
    }
}

/// A small chart with one bar per bin. The hover text lists all values.
fn bins(ui: &mut Ui, axis: &AxisSummary, column: Column, given: &[f32]) {
    let count = axis.bins.len().max(1);
    let values: Vec<f32> = match column {
        Column::Share | Column::Rejected => given.to_vec(),
        _ => axis
            .bins
            .iter()
            .map(|bin| column.value(bin).map_or(f32::NAN, |value| value as f32))
            .collect(),
    };
    let most = values.iter().copied().filter(|v| v.is_finite()).map(f32::abs).fold(1e-6, f32::max);
    let top = match column {
        Column::Share => (3.0 / count as f32).min(1.0).max(most),
        Column::Difficulty => 1.0,
        _ => most,
    };
    let (response, painter) = ui.allocate_painter(vec2(116.0, ROW), Sense::hover());
    let area = response.rect;
    painter.rect_filled(area, 0.0, ui.visuals().extreme_bg_color);
    let heights: Vec<f32> = values.iter().map(|value| value / top).collect();
    let hue = |i: usize| theme::difficulty(i as f32 / (count - 1).max(1) as f32);
    overlays::bars(&painter, area, &heights, hue);
    if column == Column::Share {
        // The share of each bin in an even distribution.
        let even = area.bottom() - area.height() / count as f32 / top;
        painter.hline(area.x_range(), even, (1.0, ui.visuals().weak_text_color()));
        if axis.reach < 1.0 {
            let frontier = area.left() + area.width() * axis.reach as f32;
            painter.vline(frontier, area.y_range(), (1.5, ui.visuals().text_color()));
        }
    }
    let text: Vec<String> = (0..count)
        .map(|i| {
            let range =
                format!("{:.2} to {:.2}", i as f32 / count as f32, (i + 1) as f32 / count as f32);
            let value = match (column, values.get(i).copied().filter(|v| v.is_finite())) {
                (_, None) => "not known yet".to_owned(),
                (Column::Share, Some(v)) => format!("{:.1} %", v * 100.0),
                (Column::Rejected, Some(v)) => format!("{v:.0} draws"),
                (Column::Error, Some(v)) => format!("{v:.3} torsos"),
                (_, Some(v)) => format!("{v:.3}"),
            };
            let seen = axis.bins.get(i).map_or(0, |bin| bin.count);
            format!("{range}: {value} ({seen} samples)")
        })
        .collect();
    response.on_hover_text(text.join("\n"));
}

/// The distribution over time: steps to the right, bins upwards, brighter for a higher share.
fn heat(ui: &mut Ui, run: &RunData, map: Option<&TextureHandle>, axis: HardnessAxis, width: f32) {
    let (response, painter) = ui.allocate_painter(vec2(width, ROW), Sense::hover());
    let area = response.rect;
    painter.rect_filled(area, 0.0, ui.visuals().extreme_bg_color);
    if run.distributions.is_empty() {
        return mean_over_time(ui, run, axis, area);
    }
    if let Some(texture) = map {
        overlays::picture(&painter, texture, area);
    }
    let columns = run.distributions.len();
    let wide = area.width() / columns as f32;
    if let Some(at) = response.hover_pos() {
        let column = (((at.x - area.left()) / wide) as usize).min(columns - 1);
        let (step, shares) = &run.distributions[column];
        let shares: Vec<String> =
            shares[axis as usize].iter().map(|share| format!("{:.0}", share * 100.0)).collect();
        response.on_hover_text(format!(
            "step {step}, percent from everyday to extreme: {}",
            shares.join(" ")
        ));
    }
}

/// The mean hardness over time. A finished run has kept no more of its distributions.
fn mean_over_time(ui: &Ui, run: &RunData, axis: HardnessAxis, area: Rect) {
    let Some(points) = run.curves.get(&format!("axis_mean.{axis}")) else { return };
    let (first, last) = (points.first().map_or(0.0, |p| p[0]), points.last().map_or(1.0, |p| p[0]));
    let at = |[x, y]: &[f64; 2]| {
        let across = (x - first) / (last - first).max(1.0);
        pos2(area.left() + area.width() * across as f32, area.bottom() - area.height() * *y as f32)
    };
    let line: Vec<_> = points.iter().step_by(points.len().div_ceil(300).max(1)).map(at).collect();
    let painter = ui.painter_at(area);
    painter.hline(area.x_range(), area.center().y, (1.0, ui.visuals().weak_text_color()));
    painter.line(line, (1.6, theme::SERIES[1]));
    painter.text(
        area.left_top(),
        bevy_egui::egui::Align2::LEFT_TOP,
        "mean hardness",
        bevy_egui::egui::FontId::proportional(10.0),
        Color32::GRAY,
    );
}

/// Buttons that hold an axis: as it is, even, or mostly in one bin.
fn lock(
    ui: &mut Ui,
    axis: HardnessAxis,
    shares: &[f32],
    held: bool,
    live: bool,
) -> Option<Control> {
    let mut control = None;
    let count = shares.len().max(1);
    let mostly = |bin: usize| -> Vec<f32> {
        (0..count).map(|i| if i == bin { 0.8 } else { 0.2 / (count - 1).max(1) as f32 }).collect()
    };
    ui.add_enabled_ui(live, |ui| {
        ui.vertical(|ui| {
            ui.horizontal(|ui| {
                if held {
                    if ui.button("let go").clicked() {
                        control = Some(Control::Lock(axis, None));
                    }
                    ui.label(
                        RichText::new("held")
                            .color(theme::text(ui.visuals().dark_mode, theme::NOTE)),
                    );
                } else if ui.button("hold").on_hover_text("Hold the axis as it is now").clicked() {
                    control = Some(Control::Lock(axis, Some(shares.to_vec())));
                }
            });
            ui.horizontal(|ui| {
                ui.spacing_mut().button_padding = vec2(2.0, 0.0);
                for (name, shares) in [
                    ("even", vec![1.0 / count as f32; count]),
                    ("easy", mostly(0)),
                    ("hard", mostly(count - 1)),
                ] {
                    if ui.small_button(name).on_hover_text("Hold the axis there").clicked() {
                        control = Some(Control::Lock(axis, Some(shares)));
                    }
                }
            });
        });
    });
    control
}
