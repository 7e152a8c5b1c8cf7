//! Plots with a row for each name, as inline SVG: bars with marks, intervals, and histograms.

use super::{chart::fill, escaped, number, scale::Scale, signed};
use std::fmt::Write;

/// Width of these plots, of the space for names to the left and for numbers to the right; SVG
/// units.
const WIDTH: f64 = 400.0;
const NAMES: f64 = 112.0;
const NUMBERS: f64 = 40.0;

/// Bars of one name, and a mark across them.
pub struct BarRow {
    /// The name.
    pub name: String,
    /// A value in [0, 1] for each style.
    pub values: Vec<Option<f64>>,
    /// Where the mark is, in [0, 1].
    pub mark: Option<f64>,
}

/// Rows of bars from 0 to 1, each with its number; `label` and `mark` say what bars and marks are.
pub fn bars(label: &str, mark: &str, rows: &[BarRow]) -> String {
    let thickness = |row: &BarRow| if row.values.len() > 1 { 11.0 } else { 15.0 };
    let height_of = |row: &BarRow| row.values.len().max(1) as f64 * thickness(row) + 8.0;
    let height: f64 = rows.iter().map(height_of).sum::<f64>() + 16.0;
    let x = Scale { values: [0.0, 1.0], places: [NAMES, WIDTH - NUMBERS] };
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            let values: Vec<String> = row.values.iter().map(|v| number(*v, 3)).collect();
            format!("{}: {} ({mark} {})", row.name, values.join(", "), number(row.mark, 3))
        })
        .collect();
    let mut out = begin(&format!("{label}. {}", said.join("; ")), height);
    let mut top = 0.0;
    // Writing to a string cannot fail.
    for row in rows {
        let (thick, high) = (thickness(row), height_of(row) - 8.0);
        let _ = write!(
            out,
            "<text class=\"strong\" x=\"0\" y=\"{:.1}\">{}</text><rect class=\"back\" \
             x=\"{NAMES}\" y=\"{top}\" width=\"{:.1}\" height=\"{high}\"/>",
            top + high / 2.0 + 4.0,
            escaped(&row.name),
            WIDTH - NUMBERS - NAMES,
        );
        for (style, value) in row.values.iter().enumerate() {
            let y = top + style as f64 * thick;
            let _ = write!(
                out,
                "<rect class=\"{}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <text class=\"strong\" x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                fill(style),
                value.unwrap_or(0.0).clamp(0.0, 1.0) * (WIDTH - NUMBERS - NAMES),
                thick - 1.0,
                y + thick / 2.0 + 3.5,
                number(*value, 3),
            );
        }
        if let Some(mark) = row.mark {
            let _ = write!(
                out,
                "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                top - 2.0,
                top + high + 2.0,
                at = x.at(mark.clamp(0.0, 1.0)),
            );
        }
        top += height_of(row);
    }
    for (value, text) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            x.at(value),
            height - 2.0
        );
    }
    out + "</svg>\n"
}

/// A value with an interval around it.
pub struct Interval {
    /// The name.
    pub name: String,
    /// The value.
    pub mean: f64,
    /// The interval's ends.
    pub ends: [f64; 2],
    /// What stands beside it.
    pub note: String,
}

/// Rows of values with intervals around 0: blue above it, orange below, black where 0 is inside.
/// Values are written in points (hundredths).
pub fn intervals(label: &str, rows: &[Interval]) -> String {
    const ROW: f64 = 34.0;
    let most = rows.iter().flat_map(|row| row.ends).map(f64::abs).fold(0.01, f64::max) * 1.05;
    let x = Scale { values: [-most, most], places: [8.0, WIDTH - 8.0] };
    let points = |value: f64| signed(Some(value * 100.0), 1);
    let words = |row: &Interval| {
        let [low, high] = row.ends.map(points);
        format!("{} [{low}, {high}] {}", points(row.mean), row.note)
    };
    let said: Vec<String> =
        rows.iter().map(|row| format!("{}: {}", row.name, words(row))).collect();
    let height = ROW * rows.len() as f64 + 4.0;
    let mut out = begin(&format!("{label}. {}", said.join("; ")), height);
    let _ = write!(
        out,
        "<line class=\"base\" x1=\"{at}\" x2=\"{at}\" y1=\"0\" y2=\"{height}\"/>",
        at = x.at(0.0)
    );
    for (index, row) in rows.iter().enumerate() {
        let y = ROW * index as f64;
        let style = match row.ends {
            [low, _] if low > 0.0 => 0,
            [_, high] if high < 0.0 => 1,
            _ => 6,
        };
        let [low, high] = row.ends.map(|end| x.at(end));
        let _ = write!(
            out,
            "<text class=\"strong\" x=\"0\" y=\"{:.1}\">{}</text>\
             <text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <line class=\"line c{style}\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{at}\" \
             y2=\"{at}\"/><circle class=\"f{style}\" cx=\"{:.1}\" cy=\"{at}\" r=\"4\"/>",
            y + 13.0,
            escaped(&row.name),
            y + 13.0,
            escaped(&words(row)),
            x.at(row.mean),
            at = y + 22.0,
        );
    }
    out + "</svg>\n"
}

/// Upright bars over equal bins of [0, 1], in a style.
pub fn histogram(label: &str, counts: &[u32], style: usize) -> String {
    const HEIGHT: f64 = 120.0;
    let (most, all) = (counts.iter().max().copied().unwrap_or(0), counts.iter().sum::<u32>());
    let width = WIDTH / counts.len().max(1) as f64;
    let said: Vec<String> = counts.iter().map(u32::to_string).collect();
    let mut out =
        begin(&format!("{label}: {} in bins from 0 to 1", said.join(", ")), HEIGHT + 18.0);
    let _ = write!(out, "<rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>");
    for (bin, count) in counts.iter().enumerate() {
        let high = HEIGHT * f64::from(*count) / f64::from(most.max(1));
        let _ = write!(
            out,
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"/>",
            fill(style),
            bin as f64 * width + 0.5,
            HEIGHT - high,
            width - 1.0,
        );
    }
    let highest = 100.0 * f64::from(most) / f64::from(all.max(1));
    let _ = write!(
        out,
        "<text x=\"4\" y=\"13\">{highest:.0} %</text><text x=\"0\" y=\"{y}\">0</text><text \
         x=\"{:.1}\" y=\"{y}\" text-anchor=\"middle\">0.5</text><text x=\"{WIDTH}\" y=\"{y}\" \
         text-anchor=\"end\">1</text>",
        WIDTH / 2.0,
        y = HEIGHT + 14.0,
    );
    out + "</svg>\n"
}

fn begin(label: &str, height: f64) -> String {
    format!("<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\">", escaped(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_hold_their_numbers_and_what_is_missing_is_a_dash() {
        let row =
            BarRow { name: "<easy>".to_owned(), values: vec![Some(0.5), None], mark: Some(0.25) };
        let html = bars("PCK", "mean pose", &[row]);
        let half = (WIDTH - NUMBERS - NAMES) / 2.0;
        assert!(html.contains(&format!("width=\"{half:.1}\"")), "{html}");
        assert!(html.contains("&lt;easy&gt;: 0.500, \u{2013} (mean pose 0.250)"), "{html}");
        assert_eq!(html.matches("class=\"mark\"").count(), 1);
    }

    #[test]
    fn an_interval_is_coloured_by_the_side_of_zero_that_it_is_on() {
        let row = |ends| Interval { name: "a".into(), mean: 0.0, ends, note: String::new() };
        let html = intervals("d", &[row([0.01, 0.02]), row([-0.02, -0.01]), row([-0.01, 0.01])]);
        for color in ["line c0", "line c1", "line c6"] {
            assert_eq!(html.matches(color).count(), 1, "{color}");
        }
        assert!(intervals("d", &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn the_highest_bar_of_a_histogram_is_as_high_as_the_plot() {
        let html = histogram("scores", &[1, 3, 0, 0], 0);
        assert!(html.contains("height=\"120.0\"") && html.contains("75 %"), "{html}");
        assert!(!histogram("scores", &[], 0).contains("NaN"));
    }
}
