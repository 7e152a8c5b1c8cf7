//! Curves over steps, as inline SVG.

use super::{
    escaped, number,
    scale::{Scale, tick_text, ticks},
};
use std::fmt::Write;

/// Colours, and patterns of dashes: with no common divisor, so that they tell 28 lines apart.
const COLORS: usize = 7;
const DASHES: usize = 4;
/// The most points of a line, and of one in a small chart; more are averaged, because no screen
/// shows them.
const MOST_POINTS: usize = 240;
const MOST_IN_SMALL: usize = 80;
/// Lines of at most so many points have a dot at each.
const WITH_DOTS: usize = 24;

/// A line of a chart.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is of.
    pub name: String,
    /// Which of the styles it is drawn in; see [`legend`].
    pub style: usize,
    /// Places along the chart and values, in the order of the places. What is not finite is left
    /// out.
    pub points: Vec<[f64; 2]>,
}

/// A chart of lines over one quantity, with a caption.
pub struct Chart<'a> {
    /// What is shown, in a few words.
    pub title: &'a str,
    /// What it means, in a sentence; may be empty.
    pub about: &'a str,
    /// What the lines go along: `steps`.
    pub along: &'a str,
    /// Values that the chart holds at least; none where it holds the lines alone.
    pub range: Option<[f64; 2]>,
    /// Digits of the values that are written out.
    pub digits: usize,
    /// Whether it is one of many.
    pub small: bool,
    /// The lines.
    pub series: &'a [Series],
    /// The interval around the first line: place, low and high end, in the order of the places. May
    /// be empty.
    pub band: &'a [[f64; 3]],
}

impl Chart<'_> {
    /// The chart as a `figure`; a sentence where no line has a point.
    pub fn html(&self) -> String {
        let most = if self.small { MOST_IN_SMALL } else { MOST_POINTS };
        let series: Vec<Series> = self.series.iter().map(|line| thinned(line, most)).collect();
        let lines: Vec<&Series> = series.iter().filter(|line| !line.points.is_empty()).collect();
        let last = |line: &Series| line.points.last().map(|[_, value]| *value);
        let now = match self.series {
            [only] => format!("<span class=\"now\">{}</span>", number(last(only), self.digits)),
            _ => String::new(),
        };
        let about = match self.about {
            "" => String::new(),
            about => format!("<small>{}</small>", escaped(about)),
        };
        let caption =
            format!("<figcaption>{now}<b>{}</b>{about}</figcaption>", escaped(self.title));
        if lines.is_empty() {
            return format!("<figure>{caption}<p class=\"soft\">Not measured.</p></figure>\n");
        }
        format!("<figure>{caption}{}</figure>\n", self.svg(&lines))
    }

    fn svg(&self, lines: &[&Series]) -> String {
        let [width, height] = if self.small { [180.0, 96.0] } else { [360.0, 190.0] };
        let points = || lines.iter().flat_map(|line| &line.points);
        let end = points().map(|point| point[0]).fold(f64::NEG_INFINITY, f64::max);
        let [low, high] = points()
            .map(|point| point[1])
            .chain(self.band.iter().flat_map(|[_, low, high]| [*low, *high]))
            .chain(self.range.into_iter().flatten())
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
        let upward = ticks(low, high, if self.small { 2.0 } else { 4.0 });
        let along = ticks(0.0, end.max(1.0), if self.small { 2.0 } else { 4.0 });
        let x = Scale {
            values: [0.0, end.max(1.0)],
            places: [if self.small { 26.0 } else { 40.0 }, width - 10.0],
        };
        let y =
            Scale { values: [upward[0], upward[upward.len() - 1]], places: [height - 20.0, 8.0] };
        let said: Vec<String> = lines.iter().map(|line| self.in_words(line)).collect();
        let label = format!("{} over {}. {}", self.title, self.along, said.join("; "));
        let mut out = format!(
            "<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width} {height}\">",
            escaped(&label)
        );
        // Writing to a string cannot fail.
        for tick in &upward {
            let _ = write!(
                out,
                "<line class=\"rule\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x.places[0],
                x.places[1],
                x.places[0] - 5.0,
                y.at(*tick) + 4.0,
                tick_text(*tick, upward[1] - upward[0]),
                at = y.at(*tick),
            );
        }
        let last = along.iter().rev().find(|tick| **tick <= x.values[1]).copied().unwrap_or(0.0);
        for tick in along.iter().filter(|tick| **tick <= x.values[1]) {
            let text = tick_text(*tick, along[1] - along[0]);
            // The quantity stands once, where there is room for it.
            let unit = if *tick == last && !self.small { self.along } else { "" };
            let anchor = if x.at(*tick) + 30.0 > width { "end" } else { "middle" };
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}{}{unit}</text>",
                if anchor == "end" { width } else { x.at(*tick) },
                height - 4.0,
                if unit.is_empty() { "" } else { " " },
            );
        }
        if let (false, Some(first)) = (self.band.is_empty(), lines.first()) {
            let lower = self.band.iter().map(|[at, low, _]| [*at, *low]);
            let upper = self.band.iter().rev().map(|[at, _, high]| [*at, *high]);
            let corners = places(lower.chain(upper), &x, &y);
            let _ =
                write!(out, "<polygon class=\"band {}\" points=\"{corners}\"/>", fill(first.style));
        }
        for line in lines {
            draw(&mut out, line, &x, &y, !self.small);
        }
        out.push_str("</svg>");
        out
    }

    /// A line for those who do not see it.
    fn in_words(&self, line: &Series) -> String {
        let ends = [line.points.first(), line.points.last()]
            .map(|point| number(point.map(|[_, value]| *value), self.digits));
        format!("{}: from {} to {}", line.name, ends[0], ends[1])
    }
}

/// Points as SVG lists them.
fn places(points: impl Iterator<Item = [f64; 2]>, x: &Scale, y: &Scale) -> String {
    let place = |[a, b]: [f64; 2]| format!("{:.1},{:.1}", x.at(a), y.at(b));
    points.map(place).collect::<Vec<_>>().join(" ")
}

fn draw(out: &mut String, line: &Series, x: &Scale, y: &Scale, dots: bool) {
    let path = places(line.points.iter().copied(), x, y);
    let _ = write!(out, "<polyline class=\"{}\" points=\"{path}\"/>", style(line.style));
    // A lone point has no line.
    if dots && line.points.len() <= WITH_DOTS || line.points.len() == 1 {
        for [a, b] in &line.points {
            let _ = write!(
                out,
                "<circle class=\"f{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\"/>",
                line.style % COLORS,
                x.at(*a),
                y.at(*b)
            );
        }
    }
}

/// The classes of a line in one of the styles.
fn style(style: usize) -> String {
    format!("line c{} d{}", style % COLORS, style % DASHES)
}

/// The class that fills in the colour of a style.
pub fn fill(style: usize) -> String {
    format!("f{}", style % COLORS)
}

/// Which style belongs to which name.
pub fn legend<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let items: String = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            format!(
                "<li><svg class=\"key\" viewBox=\"0 0 34 12\" role=\"img\" aria-label=\"style of \
                 {0}\"><line class=\"{1}\" x1=\"1\" x2=\"33\" y1=\"6\" y2=\"6\"/></svg>{0}</li>",
                escaped(name),
                style(index)
            )
        })
        .collect();
    format!("<ul class=\"legend\">{items}</ul>\n")
}

/// Charts beside one another, as many as there is room for.
pub fn grid(charts: impl IntoIterator<Item = String>) -> String {
    format!("<div class=\"grid\">\n{}</div>\n", charts.into_iter().collect::<String>())
}

/// The line without what is not finite, and of at most `most` points.
fn thinned(line: &Series, most: usize) -> Series {
    let finite: Vec<[f64; 2]> =
        line.points.iter().filter(|point| point.iter().all(|v| v.is_finite())).copied().collect();
    let together = finite.len().div_ceil(most).max(1);
    let mean = |points: &[[f64; 2]], i: usize| {
        points.iter().map(|point| point[i]).sum::<f64>() / points.len() as f64
    };
    let points = finite.chunks(together).map(|points| [mean(points, 0), mean(points, 1)]).collect();
    Series { points, ..line.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<[f64; 2]>) -> String {
        let series = [Series { name: "a & b".to_owned(), style: 8, points }];
        Chart {
            title: "Loss",
            about: "",
            along: "steps",
            range: None,
            digits: 2,
            small: false,
            series: &series,
            band: &[],
        }
        .html()
    }

    #[test]
    fn a_line_is_drawn_and_said_without_what_is_not_finite() {
        let html = chart(vec![[10.0, 4.0], [20.0, f64::NAN], [30.0, 2.0]]);
        assert!(html.contains("a &amp; b: from 4.00 to 2.00"), "{html}");
        assert_eq!(html.matches("<circle").count(), 2);
        assert!(html.contains("line c1 d0") && !html.contains("NaN"), "{html}");
        for nothing in [vec![], vec![[1.0, f64::NAN]]] {
            assert!(chart(nothing).contains("Not measured"));
        }
        assert!(!chart(vec![[0.0, 0.0]]).contains("NaN"));
    }

    #[test]
    fn long_lines_are_averaged() {
        let points: Vec<[f64; 2]> = (0..4800).map(|i| [f64::from(i), f64::from(i % 2)]).collect();
        let line = thinned(&Series { name: String::new(), style: 0, points }, MOST_POINTS);
        assert_eq!(line.points.len(), MOST_POINTS);
        assert!(line.points.iter().all(|point| point[1] == 0.5));
    }
}
