//! The run's curves over time.

use crate::{
    state::{RunData, Viewer},
    widgets::{placeholder, theme},
};
use bevy_egui::egui::{TextStyle, Ui, Vec2b, vec2};
use egui_plot::{
    Bar, BarChart, Corner, GridInput, GridMark, HoverPosition, Legend, Line, LineStyle, Plot,
    PlotPoints, uniform_grid_spacer,
};
use marionette_run::exam::ExamResult;

/// The most points that a curve is drawn with.
const MOST_POINTS: usize = 300;

/// A plot of curves.
struct Chart {
    title: &'static str,
    /// Its values are positive, so that a logarithmic scale can show them.
    positive: bool,
    /// Names in the legend, and keys of the run's curves.
    curves: &'static [(&'static str, &'static str)],
}

const CHARTS: [Chart; 9] = [
    Chart {
        title: "Loss",
        positive: true,
        curves: &[("all", "loss"), ("uniform", "loss_uniform"), ("steered", "loss_steered")],
    },
    Chart { title: "Learning rate", positive: true, curves: &[("learning rate", "learning_rate")] },
    Chart {
        title: "Critic",
        positive: false,
        curves: &[("loss", "critic_loss"), ("gap", "critic_gap"), ("penalty", "critic_penalty")],
    },
    Chart {
        title: "Weights and scores, shares",
        positive: false,
        curves: &[
            ("effective samples", "effective_sample_share"),
            ("raw scores unsaturated", "raw_scores_unsaturated"),
            ("rank correlation of score and error", "spearman_score_error"),
        ],
    },
    Chart {
        title: "Samples a second",
        positive: true,
        curves: &[
            ("run", "samples_per_second"),
            ("trainer alone", "trainer_samples_per_second"),
            ("renderer alone", "renderer_samples_per_second"),
        ],
    },
    Chart {
        title: "Batches",
        positive: false,
        curves: &[
            ("in flight", "in_flight_now"),
            ("waiting", "queued_now"),
            ("most in flight", "batches_in_flight"),
        ],
    },
    Chart { title: "Memory, MiB", positive: true, curves: &[("resident", "resident_mib")] },
    Chart {
        title: "Curriculum: how far each axis reaches",
        positive: false,
        curves: &[
            ("pose", "axis_reach.pose"),
            ("view", "axis_reach.view"),
            ("occlusion", "axis_reach.occlusion"),
            ("truncation", "axis_reach.truncation"),
            ("lighting", "axis_reach.lighting"),
            ("camouflage", "axis_reach.camouflage"),
            ("crowd", "axis_reach.crowd"),
            ("degradation", "axis_reach.degradation"),
        ],
    },
    Chart {
        title: "Norm of the gradient",
        positive: true,
        curves: &[("before clipping", "gradient_norm")],
    },
];

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    ui.horizontal(|ui| {
        ui.checkbox(&mut viewer.layout.logarithmic, "logarithmic");
        ui.add(
            bevy_egui::egui::Slider::new(&mut viewer.layout.smoothing, 0.0..=0.99)
                .text("smoothing"),
        );
        ui.label("drag to move, scroll to zoom, double click for all of it");
    });
    if viewer.run.curves.is_empty() && viewer.run.exam_reports.is_empty() {
        let every = viewer.subject.config.log.every;
        placeholder(
            ui,
            "No curves yet",
            &format!("The first values come after step {every}, exams before the first step."),
        );
        return;
    }
    let size =
        vec2((ui.available_width() - 24.0) / 4.0, (ui.available_height() - 12.0) / 3.0 - 22.0);
    let (run, smoothing, logarithmic) =
        (&viewer.run, viewer.layout.smoothing, viewer.layout.logarithmic);
    let chart = |ui: &mut Ui, chart: &Chart| {
        let curves = chart
            .curves
            .iter()
            .filter_map(|(name, key)| Some(((*name).to_owned(), run.curves.get(*key)?.clone())));
        plot(ui, chart.title, size, curves.collect(), smoothing, logarithmic && chart.positive);
    };
    ui.horizontal(|ui| {
        ui.vertical(|ui| chart(ui, &CHARTS[0]));
        ui.vertical(|ui| plot(ui, "PCK@0.2 torso", size, pck(run), smoothing, false));
        ui.vertical(|ui| {
            plot(ui, "OKS AP, by exam", size, exams(run, |result| result.oks.ap), 0.0, false)
        });
        ui.vertical(|ui| scores(ui, size, run));
    });
    for row in CHARTS[1..].chunks(4) {
        ui.horizontal(|ui| {
            for one in row {
                ui.vertical(|ui| chart(ui, one));
            }
        });
    }
}

/// The distance of grid lines: round, and about four to a plot.
fn grid_steps(input: GridInput) -> [f64; 3] {
    let rough = ((input.bounds.1 - input.bounds.0) / 4.0).max(1e-12);
    let power = 10f64.powf(rough.log10().floor());
    let step = power
        * [1.0, 2.0, 5.0].into_iter().find(|round| round * power >= rough * 0.999).unwrap_or(10.0);
    [step; 3]
}

type Curve = (String, Vec<[f64; 2]>);

fn pck(run: &RunData) -> Vec<Curve> {
    let trained = run.curves.get("pck").map(|points| ("while training".to_owned(), points.clone()));
    trained.into_iter().chain(exams(run, |result| result.pck.torso_02)).collect()
}

/// A curve for each exam that is taken during the run.
fn exams(run: &RunData, value: impl Fn(&ExamResult) -> Option<f64>) -> Vec<Curve> {
    let curve = |name: &str| {
        let found = run.exam_reports.values().filter_map(|report| {
            let result = report.exams.iter().find(|result| result.exam.name() == name)?;
            Some([report.step as f64, value(result)?])
        });
        let points: Vec<[f64; 2]> = found.collect();
        (!points.is_empty()).then(|| (name.to_owned(), points))
    };
    ["standard", "easy", "hard"].into_iter().filter_map(curve).collect()
}

fn plot(
    ui: &mut Ui,
    title: &str,
    size: bevy_egui::egui::Vec2,
    curves: Vec<Curve>,
    smoothing: f32,
    logarithmic: bool,
) {
    ui.strong(title);
    let value = move |y: f64| if logarithmic { 10f64.powf(y) } else { y };
    // So many digits that neighbouring labels differ.
    let label = move |mark: GridMark| {
        let digits = (-mark.step_size.log10()).ceil().clamp(0.0, 6.0) as usize;
        match value(mark.value) {
            y if logarithmic && y < 0.01 => format!("{y:.1e}"),
            y if logarithmic => format!("{y:.2}"),
            y if digits > 3 => format!("{y:.1e}"),
            y if y.abs() >= 10_000.0 => short(y),
            y => format!("{y:.digits$}"),
        }
    };
    Plot::new(title)
        .width(size.x)
        .height(size.y)
        .legend(
            Legend::default()
                .position(Corner::RightTop)
                .background_alpha(0.4)
                .text_style(TextStyle::Small),
        )
        .y_axis_formatter(move |mark, _| label(mark))
        .y_grid_spacer(uniform_grid_spacer(grid_steps))
        .x_axis_formatter(|mark, _| short(mark.value))
        .y_axis_min_width(38.0)
        .grid_spacing(6.0..=60.0)
        .auto_bounds(Vec2b::TRUE)
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\nstep {:.0}\n{:.4}", position.x, value(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
        .show(ui, |plot| {
            for (i, (name, points)) in curves.into_iter().enumerate() {
                let points = smoothed(&points, f64::from(smoothing), logarithmic);
                let style = if i % 2 == 0 { LineStyle::Solid } else { LineStyle::dashed_dense() };
                plot.line(
                    Line::new(name, PlotPoints::from(points))
                        .color(theme::SERIES[i % theme::SERIES.len()])
                        .width(1.6)
                        .style(style),
                );
            }
        });
}

fn short(value: f64) -> String {
    match value.abs() {
        a if a >= 10_000.0 => format!("{:.0}k", value / 1000.0),
        a if a >= 100.0 || value == value.round() => format!("{value:.0}"),
        a if a >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The points of a curve as they are drawn: smoothed, few, and as logarithms if `logarithmic`.
fn smoothed(points: &[[f64; 2]], smoothing: f64, logarithmic: bool) -> Vec<[f64; 2]> {
    let mut level: Option<f64> = None;
    let levels = points.iter().filter(|point| point[1].is_finite()).map(|[x, y]| {
        let next = level.map_or(*y, |level| smoothing * level + (1.0 - smoothing) * y);
        level = Some(next);
        [*x, next]
    });
    let scaled = levels
        .filter(|[_, y]| !logarithmic || *y > 0.0)
        .map(|[x, y]| [x, if logarithmic { y.log10() } else { y }]);
    let all: Vec<[f64; 2]> = scaled.collect();
    let chunk = all.len().div_ceil(MOST_POINTS).max(1);
    let mean = |chunk: &[[f64; 2]], i: usize| {
        chunk.iter().map(|point| point[i]).sum::<f64>() / chunk.len() as f64
    };
    all.chunks(chunk).map(|chunk| [mean(chunk, 0), mean(chunk, 1)]).collect()
}

/// A histogram of the newest batch's scores, and its effective sample size.
fn scores(ui: &mut Ui, size: bevy_egui::egui::Vec2, run: &RunData) {
    const BINS: usize = 20;
    let effective = run
        .last_value("effective_sample_share")
        .map_or(String::new(), |share| format!(", {:.0} % effective", share * 100.0));
    ui.strong(format!("Scores of the newest batch{effective}")).on_hover_text(
        "The effective sample size (Σw)²/Σw² of the weights, as a share of the batch: 100 % \
         weighs all alike.",
    );
    let mut counts = [0.0f64; BINS];
    for score in run.step_report.iter().flat_map(|step| &step.difficulty) {
        counts[((score * BINS as f32) as usize).min(BINS - 1)] += 1.0;
    }
    let bar = |(i, count): (usize, &f64)| {
        let middle = (i as f64 + 0.5) / BINS as f64;
        Bar::new(middle, *count).width(0.9 / BINS as f64).fill(theme::difficulty(middle as f32))
    };
    let bars: Vec<Bar> = counts.iter().enumerate().map(bar).collect();
    Plot::new("scores")
        .width(size.x)
        .height(size.y)
        .include_x(0.0)
        .include_x(1.0)
        .include_y(1.0)
        .y_axis_min_width(38.0)
        .show(ui, |plot| {
            plot.bar_chart(BarChart::new("samples", bars));
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_thinned_and_keep_their_level() {
        let points: Vec<[f64; 2]> = (0..10_000).map(|i| [f64::from(i), 10.0]).collect();
        let thin = smoothed(&points, 0.9, false);
        assert!(
            thin.len() <= MOST_POINTS && thin.iter().all(|point| (point[1] - 10.0).abs() < 1e-9)
        );
        assert!(smoothed(&points, 0.0, true).iter().all(|point| (point[1] - 1.0).abs() < 1e-9));
        assert_eq!(smoothed(&[[0.0, f64::NAN], [1.0, -3.0]], 0.0, true), Vec::<[f64; 2]>::new());
        assert_eq!(
            ["0.50", "12k", "350", "3", "1.5"].map(str::to_owned),
            [0.5, 12_345.0, 350.0, 3.0, 1.5].map(short)
        );
    }
}
