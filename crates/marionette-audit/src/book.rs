//! The picture book: an audit as one HTML page that needs nothing else.

use crate::{
    AuditError,
    beside::{Beside, Differs},
    fresh::Shown,
    known::Known,
    mistakes::Outcome,
    report::{Explained, KeypointReport, Report},
    row::Judged,
};
use base64::Engine;
use image::codecs::jpeg::JpegEncoder;
use marionette_base::atomic_file::PathError;
use marionette_figure::Figure;
use marionette_findings::{Estimate, Level, Sensitivity, Verdict};
use marionette_run::{
    FocusConfig,
    page::{
        chart::{Chart, Series, grid},
        document, escaped, number, paragraph, section,
        table::{Cell, Table},
        whole,
    },
    sheet::{Overlay, Panel, contact_sheet},
};
use marionette_stream::HardnessAxis;
use std::{io, path::Path};

/// Width to which a picture is enlarged at least, pixels.
const WIDE: usize = 192;
/// Quality of the sheets' JPEG.
const QUALITY: u8 = 88;
/// Pictures in a row.
const COLUMNS: usize = 6;

/// What the page says to do next.
pub struct Commands {
    /// The audit once more.
    pub again: String,
    /// What draws pictures for the findings, or trains on them; empty where there is nothing to.
    pub mend: Vec<String>,
    /// The same for the first finding alone that pictures can be drawn for.
    pub mend_first: Vec<String>,
}

/// The page of `report`; `shown` are the pictures of each finding.
///
/// # Errors
/// If pictures cannot be encoded.
pub fn book(
    report: &Report,
    figure: &Figure,
    shown: &[Vec<Shown>],
    commands: &Commands,
) -> Result<String, AuditError> {
    let plan = &report.plan;
    let title = format!("What {} does not see", plan.model);
    let verdict: String = report.verdict().iter().map(|line| paragraph(line)).collect();
    let notes: String = report.notes.iter().map(|note| paragraph(note)).collect();
    let mut findings = String::new();
    for (place, (explained, pictures)) in report.findings.iter().zip(shown).enumerate() {
        findings += &finding(place, explained, figure, pictures, &commands.again)?;
    }
    if report.findings.is_empty() {
        findings = paragraph("None: no rule holds on pictures that it was not found in.");
    }
    let body = format!(
        "<header>\n<h1>{}</h1>\n{}</header>\n<main>\n{}{}{}{}{}{}{}{}{}</main>\n",
        escaped(&title),
        paragraph(&format!(
            "{} rendered pictures of {}, {}x{} pixels, seed {}. Figures are of pictures as the scene \
             has them; intervals are 95 %.",
            whole(plan.images),
            plan.scene,
            plan.size[0],
            plan.size[1],
            plan.seed
        )),
        section("verdict", "Verdict", &(verdict + &notes)),
        section("findings", "Findings", &(intro(report) + &findings)),
        mend(commands),
        known(&report.known),
        report.beside.as_ref().map_or_else(String::new, beside),
        section("axes", "Along each axis", &axes(&report.factors)),
        section("keypoints", "Keypoint by keypoint", &keypoints(&report.by_keypoint)),
        section("factors", "Everything that was looked at", &factors(&report.factors)),
        section("errors", "Kinds of errors", &kinds(report)),
    );
    Ok(document(&title, &body))
}

/// How to go on.
fn mend(commands: &Commands) -> String {
    if commands.mend.is_empty() {
        return String::new();
    }
    let code = |line: &String| format!("<p><code>{}</code></p>\n", escaped(line));
    let lines = |commands: &[String]| commands.iter().map(code).collect::<String>();
    let all = paragraph(&format!(
        "{:.0} % of the samples are drawn for the findings, each by what it carries of all that is \
         missed, the others evenly:",
        100.0 * FocusConfig::default().share
    ));
    let first = paragraph(
        "Or for one finding alone, as many samples as show it anyway, so that it is seen twice as \
         often; this costs least of what is not in the finding:",
    );
    let [all_lines, first_lines] = [&commands.mend, &commands.mend_first].map(|c| lines(c));
    section("cure", "What would mend it", &(all + &all_lines + &first + &first_lines))
}

/// What an earlier audit found.
fn known(known: &[Known]) -> String {
    if known.is_empty() {
        return String::new();
    }
    let paired = known.iter().any(|known| known.beside.is_some());
    let row = |known: &Known| {
        let pck = |estimate: &Estimate| number(Some(estimate.value), 2);
        let elsewhere = known.elsewhere.as_ref().map(pck).unwrap_or_default();
        let mut cells = vec![pck(&known.before), interval(&known.now, 2), elsewhere];
        if paired {
            let points = |estimate: Estimate| interval(&hundredfold(&estimate), 1);
            cells.extend(known.beside.map(|beside| beside.map(points)).unwrap_or_default());
        }
        (escaped(&known.rule.words()), cells.iter().map(|text| Cell::plain(text)).collect())
    };
    let head =
        ["where", "PCK then", "PCK now", "elsewhere", "points between the models", "elsewhere"];
    let table = Table {
        label: "Found before",
        head: head.iter().take(if paired { 6 } else { 4 }).map(|word| (*word).to_owned()).collect(),
        rows: known.iter().map(row).collect(),
        heat: false,
    };
    section("known", "What an earlier audit found", &table.html())
}

/// Where another model is better, and where worse.
fn beside(beside: &Beside) -> String {
    let row = |differs: &Differs| {
        let [ours, theirs] = &differs.pck;
        let finding = &differs.finding;
        let cells = [
            interval(&hundredfold(&finding.support), 0),
            interval(ours, 2),
            interval(theirs, 2),
            interval(&hundredfold(&finding.inside.negated()), 1),
        ];
        (escaped(&finding.rule.words()), cells.map(|text| Cell::plain(&text)).into())
    };
    let head = ["where", "%", "PCK", "PCK of the other", "difference, points"];
    let table = Table {
        label: "Two models",
        head: head.map(str::to_owned).into(),
        rows: beside.findings.iter().map(row).collect(),
        heat: false,
    };
    let said = paragraph(&format!(
        "PCK {} against {} of {}, on the same pictures. The rules are those under which the \
         difference is another than elsewhere.",
        interval(&beside.ours, 3),
        interval(&beside.theirs, 3),
        beside.model
    ));
    section("beside", "Beside another model", &(said + &table.html()))
}

fn intro(report: &Report) -> String {
    let [searched, judged] = report.halves.map(|count| whole(count as u64));
    paragraph(&format!(
        "Rules were searched in {searched} pictures and judged on {judged} others, in the order of \
         what they explain of the errors beyond the rules before them. Truth has discs and \
         rings, the model lime crosses. Below each picture is its number, and how many of its \
         keypoints were found; its hardness and its seed are in report.json."
    ))
}

fn interval(estimate: &Estimate, digits: usize) -> String {
    let [value, low, high] =
        [estimate.value, estimate.low, estimate.high].map(|value| number(Some(value), digits));
    format!("{value} ({low} to {high})")
}

fn finding(
    place: usize,
    explained: &Explained,
    figure: &Figure,
    pictures: &[Shown],
    command: &str,
) -> Result<String, AuditError> {
    let (finding, checked) = (&explained.finding, &explained.checked);
    let mut said = vec![format!(
        "PCK {} against {} elsewhere; {} % of the keypoints, {} % of what is missed.",
        interval(&finding.inside.complement(), 2),
        number(Some(1.0 - finding.outside.value), 2),
        interval(&hundredfold(&finding.support), 0),
        interval(&hundredfold(&finding.carried), 0),
    )];
    said.push(match &checked.fresh {
        Some(fresh) => format!(
            "On {} pictures drawn anew: PCK {}.",
            fresh.pictures,
            interval(&fresh.inside.complement(), 2)
        ),
        None => "Among the pictures drawn anew none fits.".to_owned(),
    });
    if let Some(easy) = &checked.easy {
        let axes: Vec<&str> = easy.axes.iter().map(|axis| axis.name()).collect();
        said.push(format!(
            "The same pictures with {} made easy: PCK {}.",
            axes.join(" and "),
            interval(&easy.loss.complement(), 2)
        ));
    }
    if !finding.also.is_empty() {
        let also: Vec<String> = finding.also.iter().map(|rule| rule.words()).collect();
        said.push(format!("Much the same pictures: {}.", also.join("; ")));
    }
    let mut body: String = said.iter().map(|line| paragraph(line)).collect();
    if !pictures.is_empty() {
        body += &sheet(figure, pictures, &finding.rule.words())?;
        body += &format!(
            "<p><code>{} --show {}</code> draws them again, larger.</p>\n",
            escaped(command),
            place + 1
        );
    }
    let title = format!("{}. {}", place + 1, finding.rule.words());
    Ok(format!("<article>\n<h3>{}</h3>\n{body}</article>\n", escaped(&title)))
}

fn hundredfold(estimate: &Estimate) -> Estimate {
    Estimate {
        value: 100.0 * estimate.value,
        low: 100.0 * estimate.low,
        high: 100.0 * estimate.high,
    }
}

/// Pictures with truth and prediction over them, as an element of the page.
fn sheet(figure: &Figure, pictures: &[Shown], about: &str) -> Result<String, AuditError> {
    let drawn = draw_sheet(figure, pictures, WIDE);
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    drawn
        .write_with_encoder(encoder)
        .map_err(|error| PathError::at(Path::new("a sheet"), "encoded")(io::Error::other(error)))?;
    Ok(format!(
        "<div><img alt=\"{}\" style=\"max-width: 100%\" src=\"data:image/jpeg;base64,{}\"/></div>\n",
        escaped(about),
        base64::engine::general_purpose::STANDARD.encode(&bytes)
    ))
}

/// A contact sheet of `pictures`, each at least `wide` pixels wide: truth, what the model found, and
/// how much of it is right.
pub fn draw_sheet(figure: &Figure, pictures: &[Shown], wide: usize) -> image::RgbImage {
    // What was not found has no place, and is not drawn.
    let places: Vec<Vec<[f32; 2]>> = pictures
        .iter()
        .map(|shown| {
            let place = |keypoint: &Judged| keypoint.place.unwrap_or([f32::NAN; 2]);
            shown.row.keypoints.iter().map(place).collect()
        })
        .collect();
    let panels: Vec<Panel> = pictures
        .iter()
        .zip(&places)
        .map(|(shown, places)| {
            let [judged, found] = shown.row.counts();
            Panel {
                tile: &shown.tile,
                prediction: Some(places),
                border: None,
                caption: Some(format!("{}: {found} of {judged}", shown.row.index)),
            }
        })
        .collect();
    let width = pictures.first().map_or(1, |shown| shown.tile.width.max(1));
    let scale = wide.div_ceil(width) as u32;
    contact_sheet(figure, &panels, &[Overlay::Keypoints], COLUMNS, scale)
}

/// A curve of PCK for each hardness axis, with its interval.
fn axes(factors: &[Sensitivity]) -> String {
    let chart = |axis: HardnessAxis| {
        let name = format!("hardness of {axis}");
        let factor = factors.iter().find(|factor| factor.factor == name)?;
        let levels = factor.levels.len() as f64;
        let pck = |(place, level): (usize, &Level)| {
            let Estimate { value, low, high } = level.loss.complement();
            [(place as f64 + 0.5) / levels, value, low, high]
        };
        let pck: Vec<[f64; 4]> = factor.levels.iter().enumerate().map(pck).collect();
        let points = pck.iter().map(|[at, value, ..]| [*at, *value]).collect();
        let band: Vec<[f64; 3]> = pck.iter().map(|[at, _, low, high]| [*at, *low, *high]).collect();
        let chart = Chart {
            title: axis.name(),
            about: "",
            along: "hardness",
            range: Some([0.0, 1.0]),
            digits: 2,
            small: true,
            series: &[Series { name: "PCK".to_owned(), style: 0, points }],
            band: &band,
        };
        Some(chart.html())
    };
    paragraph(
        "PCK@0.2 along the hardness of each axis, whatever the others are, with its interval. The \
         number is that of the hardest fifth.",
    ) + &grid(HardnessAxis::ALL.into_iter().filter_map(chart))
}

fn keypoints(all: &[KeypointReport]) -> String {
    let share = |value: f64| Cell::plain(&number(Some(100.0 * value), 0));
    let row = |keypoint: &KeypointReport| {
        let mut cells = vec![
            Cell::plain(&whole(keypoint.judged as u64)),
            Cell::plain(&number(Some(keypoint.pck), 3)),
        ];
        cells.extend(keypoint.outcomes.map(share));
        (escaped(&keypoint.name.replace('_', " ")), cells)
    };
    let head = ["keypoint", "judged", "PCK@0.2"].map(str::to_owned).into_iter();
    Table {
        label: "Keypoints",
        head: head.chain(Outcome::ALL.map(|outcome| format!("{}, %", outcome.words()))).collect(),
        rows: all.iter().map(row).collect(),
        heat: false,
    }
    .html()
}

fn factors(all: &[Sensitivity]) -> String {
    let row = |factor: &Sensitivity| {
        let missed = |level: &&Level| level.loss.value;
        let worst = factor.levels.iter().max_by(|a, b| missed(a).total_cmp(&missed(b)));
        let best = factor.levels.iter().min_by(|a, b| missed(a).total_cmp(&missed(b)));
        let level = |level: Option<&Level>| {
            let text = level.map(|level| {
                format!("{} ({})", level.name, number(Some(1.0 - level.loss.value), 2))
            });
            Cell::text(&text.unwrap_or_default())
        };
        let range = factor.range.as_ref().map(|range| interval(&hundredfold(range), 0));
        let verdict = match factor.verdict {
            Verdict::Insensitive => "no",
            Verdict::Sensitive => "yes",
            Verdict::Unknown => "not known",
        };
        let cells = vec![
            Cell::text(verdict),
            Cell::text(&range.unwrap_or_default()),
            level(worst),
            level(best),
        ];
        (escaped(&factor.factor), cells)
    };
    paragraph(
        "Does PCK depend on it by more than 5 points, by itself? The range from the worst to the best \
         level in points, and both with their PCK.",
    ) + &Table {
        label: "Factors",
        head: ["factor", "matters", "range", "worst", "best"].map(str::to_owned).into(),
        rows: all.iter().map(row).collect(),
        heat: false,
    }
    .html()
}

fn kinds(report: &Report) -> String {
    let row = |(outcome, share): &(Outcome, f64)| {
        (escaped(outcome.words()), vec![Cell::plain(&number(Some(100.0 * share), 1))])
    };
    paragraph(
        "After Ronchi and Perona 2017 (arXiv 1707.05388): a keypoint is right or near by COCO's \
         similarity of .85 and .5.",
    ) + &Table {
        label: "Kinds of errors",
        head: ["a keypoint is", "%"].map(str::to_owned).into(),
        rows: report.outcomes.iter().map(row).collect(),
        heat: false,
    }
    .html()
}
