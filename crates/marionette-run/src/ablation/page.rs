//! A comparison as one HTML page that needs nothing else: tables and plots.

use super::compare::{Comparison, Difference, Measure, Standing};
use crate::page::{
    chart::{Chart, Series, grid, legend},
    document, escaped, number, paragraph,
    rows::{Interval, intervals},
    section,
    table::{Cell, Table},
    whole,
};

/// The page of `comparison`, headed by `title`.
pub fn page(title: &str, comparison: &Comparison) -> String {
    let body = format!(
        "<header>\n<h1>{}</h1>\n{}</header>\n<main>\n{}{}{}{}</main>\n",
        escaped(title),
        paragraph(&format!(
            "PCK@0.2 torso of the last step. Differences are from {}, in points, paired by seed. \
             Intervals hold 95 % of 2,000 draws of seeds and images; p is two-sided and corrected \
             for the number of arms (Holm). Of one seed alone the noise between trainings is not in \
             them.",
            comparison.baseline
        )),
        section("arms", "Arms", &table(comparison)),
        section("differences", "Differences", &differences(comparison)),
        section("standard", "Standard on the way", &curves(&comparison.standings)),
        section("scores", "Mean score of fixed images", &probes(&comparison.standings)),
    );
    document(title, &body)
}

fn table(comparison: &Comparison) -> String {
    let measures = Measure::ALL.map(Measure::name);
    let more = ["worst tenth", "score, error", "images", "images to reach", "rejected", "minutes"];
    let row = |standing: &Standing| {
        let seeds = match standing.diverged {
            0 => standing.seeds.to_string(),
            diverged => format!("{} ({diverged} diverged)", standing.seeds),
        };
        let reached = comparison.images_to_reach(&standing.arm);
        let texts =
            [seeds].into_iter().chain(standing.scores.map(|score| number(score, 3))).chain([
                number(standing.worst_tenth, 2),
                number(standing.score_error, 2),
                whole(standing.images),
                reached.map_or("never".to_owned(), |share| format!("{:.0} %", share * 100.0)),
                whole(standing.rejected),
                number(Some(standing.minutes), 1),
            ]);
        (escaped(&standing.arm), texts.map(|text| Cell::plain(&text)).collect())
    };
    Table {
        label: "Arms",
        head: ["arm", "seeds"].into_iter().chain(measures).chain(more).map(str::to_owned).collect(),
        rows: comparison.standings.iter().map(row).collect(),
        heat: false,
    }
    .html()
}

/// A plot for each measure, a row for each arm: its mean difference and the interval.
fn differences(comparison: &Comparison) -> String {
    let row = |difference: &Difference| Interval {
        name: difference.arm.clone(),
        mean: difference.mean,
        ends: difference.interval,
        note: format!("p {:.3}", difference.p),
    };
    let plot = |measure: Measure| {
        let of_measure = comparison.differences.iter().filter(|d| d.measure == measure);
        let rows: Vec<Interval> = of_measure.map(row).collect();
        let name = measure.name();
        let plot = intervals(&format!("Differences in {name}, points"), &rows);
        format!("<figure><figcaption><b>{name}</b></figcaption>{plot}</figure>\n")
    };
    format!("<div class=\"grid wide\">\n{}</div>\n", Measure::ALL.map(plot).concat())
}

/// A line over the images learned from.
fn line(name: &str, style: usize, points: impl Iterator<Item = (u64, f64)>) -> Series {
    let points = points.map(|(images, value)| [images as f64, value]).collect();
    Series { name: name.to_owned(), style, points }
}

fn curves(standings: &[Standing]) -> String {
    let of_arm = |(style, s): (usize, &Standing)| line(&s.arm, style, s.curve.iter().copied());
    let series: Vec<Series> = standings.iter().enumerate().map(of_arm).collect();
    let chart = Chart {
        title: "PCK@0.2 torso in the exam standard",
        about: "The mean over the seeds.",
        along: "images",
        range: Some([0.0, 0.0]),
        digits: 3,
        small: false,
        series: &series,
        band: &[],
    };
    legend(standings.iter().map(|standing| standing.arm.as_str())) + &grid([chart.html()])
}

/// What the critic says of fixed images on the way, a chart for each arm.
fn probes(standings: &[Standing]) -> String {
    const EXAMS: [&str; 3] = ["easy", "standard", "hard"];
    let chart = |standing: &Standing| {
        let of_exam = |(exam, name): (usize, &str)| {
            let points = standing.probed.iter();
            line(name, exam, points.filter_map(|(at, scores)| Some((*at, scores[exam]?))))
        };
        let series: Vec<Series> = EXAMS.into_iter().enumerate().map(of_exam).collect();
        Chart {
            title: &standing.arm,
            about: "",
            along: "images",
            range: Some([0.0, 1.0]),
            digits: 2,
            small: false,
            series: &series,
            band: &[],
        }
        .html()
    };
    format!(
        "{}{}{}",
        paragraph(
            "What the critic says of the same images throughout training (figure 3 of Liu et al. \
             2022)."
        ),
        legend(EXAMS),
        grid(standings.iter().map(chart))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablation::compare;

    #[test]
    fn a_page_of_nothing_is_a_page_and_names_are_escaped() {
        let text = page("a < b", &compare(&[], "uniform"));
        assert!(text.starts_with("<!DOCTYPE html>") && text.contains("a &lt; b"), "{text}");
        assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
    }
}
