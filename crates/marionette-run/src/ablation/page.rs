//! A comparison as one HTML page that needs nothing else: tables and plots.

use super::compare::{Comparison, Difference, Measure, Standing};
use std::fmt::{self, Write};

/// Size of a plot, of the space for names to its left, and of a row; SVG units.
const WIDTH: f64 = 760.0;
const NAMES: f64 = 190.0;
const ROW: f64 = 20.0;
const CURVES: f64 = 320.0;

const COLORS: [&str; 10] = [
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#994f00",
    "#44bb99", "#000000",
];

/// The page of `comparison`, headed by `title`.
pub fn page(title: &str, comparison: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut out, title, comparison);
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn write_page(out: &mut String, title: &str, comparison: &Comparison) -> fmt::Result {
    let title = escaped(title);
    writeln!(
        out,
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:14px/1.5 sans-serif;margin:2em auto;max-width:1000px;color:#222}}\
         table{{border-collapse:collapse;margin:1em 0}}td,th{{padding:2px 10px;text-align:right;\
         border-bottom:1px solid #ddd}}td:first-child,th:first-child{{text-align:left}}\
         text{{font:12px sans-serif;fill:#222}}</style><h1>{title}</h1>"
    )?;
    writeln!(
        out,
        "<p>PCK@0.2 torso of the last step. Differences are from <b>{}</b>, in points, paired by \
         seed. Intervals hold 95 % of 2,000 draws of seeds and images; p is two-sided and corrected \
         for the number of arms (Holm). Of one seed alone the noise between trainings is not in \
         them.</p>",
        escaped(&comparison.baseline)
    )?;
    write_table(out, comparison)?;
    for measure in Measure::ALL {
        write_differences(out, comparison, measure)?;
    }
    write_curves(out, &comparison.standings)
}

fn write_table(out: &mut String, comparison: &Comparison) -> fmt::Result {
    write!(out, "<table><tr><th>arm<th>seeds")?;
    for measure in Measure::ALL {
        write!(out, "<th>{}", measure.name())?;
    }
    writeln!(
        out,
        "<th>worst tenth<th>score, error<th>images<th>images to reach<th>rejected<th>minutes</tr>"
    )?;
    for standing in &comparison.standings {
        write!(out, "<tr><td>{}<td>{}", escaped(&standing.arm), standing.seeds)?;
        if standing.diverged > 0 {
            write!(out, " ({} diverged)", standing.diverged)?;
        }
        for score in standing.scores {
            write!(out, "<td>{}", number(score, 3))?;
        }
        let reached = comparison.images_to_reach(&standing.arm);
        writeln!(
            out,
            "<td>{}<td>{}<td>{}<td>{}<td>{}<td>{:.1}</tr>",
            number(standing.worst_tenth, 2),
            number(standing.score_error, 2),
            standing.images,
            reached.map_or("never".to_owned(), |share| format!("{:.0} %", share * 100.0)),
            standing.rejected,
            standing.minutes,
        )?;
    }
    writeln!(out, "</table>")
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A row per arm: its mean difference and the interval.
fn write_differences(out: &mut String, comparison: &Comparison, measure: Measure) -> fmt::Result {
    let rows: Vec<&Difference> =
        comparison.differences.iter().filter(|d| d.measure == measure).collect();
    let ends = rows.iter().flat_map(|d| d.interval).map(f64::abs);
    let most = ends.fold(0.01, f64::max) * 1.05;
    let middle = NAMES + (WIDTH - NAMES - 150.0) / 2.0;
    let x = |value: f64| middle + value / most * (WIDTH - NAMES - 150.0) / 2.0;
    let height = ROW * (rows.len() as f64 + 0.5);
    writeln!(
        out,
        "<h2>{}</h2><svg width=\"{WIDTH}\" height=\"{height}\"><line x1=\"{middle}\" \
         x2=\"{middle}\" y1=\"0\" y2=\"{height}\" stroke=\"#999\"/>",
        measure.name()
    )?;
    for (row, Difference { arm, mean, interval: [low, high], p, .. }) in rows.iter().enumerate() {
        let y = ROW * (row as f64 + 0.5);
        let color = if *low > 0.0 {
            COLORS[2]
        } else if *high < 0.0 {
            COLORS[1]
        } else {
            COLORS[6]
        };
        writeln!(
            out,
            "<text x=\"0\" y=\"{:.1}\">{}</text><line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" \
             y2=\"{y}\" stroke=\"{color}\" stroke-width=\"2\"/><circle cx=\"{:.1}\" cy=\"{y}\" \
             r=\"4\" fill=\"{color}\"/><text x=\"{:.1}\" y=\"{:.1}\">{:+.1} [{:+.1}, {:+.1}] \
             p {p:.3}</text>",
            y + 4.0,
            escaped(arm),
            x(*low),
            x(*high),
            x(*mean),
            WIDTH - 145.0,
            y + 4.0,
            mean * 100.0,
            low * 100.0,
            high * 100.0,
        )?;
    }
    writeln!(out, "</svg>")
}

/// `standard` over the images learned from, a line an arm; then what the critic says of fixed
/// images.
fn write_curves(out: &mut String, standings: &[Standing]) -> fmt::Result {
    let best =
        standings.iter().flat_map(|s| &s.curve).map(|(_, score)| *score).fold(0.01, f64::max);
    let lines: Vec<Line> = standings.iter().map(|s| (s.arm.as_str(), s.curve.clone())).collect();
    writeln!(out, "<h2>standard on the way (highest {best:.3})</h2>")?;
    write_lines(out, &lines, best)?;
    writeln!(
        out,
        "<h2>Mean score of fixed images throughout training (figure 3 of Liu et al. 2022)</h2>"
    )?;
    for standing in standings {
        let line = |(i, name): (usize, &'static str)| {
            let points = standing.probed.iter();
            (name, points.filter_map(|(at, scores)| Some((*at, scores[i]?))).collect())
        };
        let lines: Vec<Line> =
            ["easy", "standard", "hard"].into_iter().enumerate().map(line).collect();
        writeln!(out, "<h3>{}</h3>", escaped(&standing.arm))?;
        write_lines(out, &lines, 1.0)?;
    }
    writeln!(out, "</html>")
}

/// A name, and points: images learned from, value.
type Line<'a> = (&'a str, Vec<(u64, f64)>);

/// Lines over the images learned from, values from 0 to `most`.
fn write_lines(out: &mut String, lines: &[Line], most: f64) -> fmt::Result {
    let points = lines.iter().flat_map(|(_, points)| points);
    let images = points.map(|(images, _)| *images).max().unwrap_or(1).max(1) as f64;
    let x = |at: u64| at as f64 / images * (WIDTH - NAMES);
    let y = |value: f64| (CURVES - 20.0) * (1.0 - value / most) + 5.0;
    writeln!(out, "<svg width=\"{WIDTH}\" height=\"{CURVES}\">")?;
    for (i, (name, points)) in lines.iter().enumerate() {
        let color = COLORS[i % COLORS.len()];
        let line: Vec<String> =
            points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/><text \
             x=\"{:.1}\" y=\"{:.1}\" style=\"fill:{color}\">{}</text>",
            line.join(" "),
            WIDTH - NAMES + 8.0,
            16.0 * (i as f64 + 1.0),
            escaped(name)
        )?;
    }
    writeln!(out, "<text x=\"0\" y=\"{CURVES}\">0 to {images:.0} images</text></svg>")
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
