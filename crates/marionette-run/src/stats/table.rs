//! Statistics as text.

use super::{
    AngleStatistics, AxisStatistics, FamilyCount, KeypointStatistics, Measure, Spread, Statistics,
};
use std::fmt::Write;

/// Families that are printed in a line.
const FAMILIES: usize = 3;

/// The statistics as text, without the end of the last line. Shares are in percent.
pub fn table(statistics: &Statistics) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, statistics);
    out.truncate(out.trim_end().len());
    out
}

fn write_all(out: &mut String, statistics: &Statistics) -> std::fmt::Result {
    let [width, height] = statistics.image;
    let Statistics { samples, scene, hardness, .. } = statistics;
    writeln!(out, "{samples} samples of {scene}, {width}x{height} pixels, {hardness}")?;
    keypoints(out, statistics)?;
    measures(out, statistics)?;
    writeln!(
        out,
        "\n{:<16} {:<4} {:>13}    5 %    50 %    95 %   (degrees)",
        "joint", "axis", "limits"
    )?;
    for AngleStatistics { bone, axis, limits: [low, high], spread } in &statistics.angles {
        let Spread { p5, p50, p95, .. } = spread;
        let [p5, p50, p95] = [*p5, *p50, *p95].map(unsigned);
        writeln!(
            out,
            "{bone:<16} {axis:<4} {low:>5.0} to {high:>4.0}  {p5:>5.0}   {p50:>5.0}   {p95:>5.0}"
        )?;
    }
    writeln!(
        out,
        "\nfamilies of poses: samples, and the percentage of all draws that was rejected"
    )?;
    for line in statistics.families.chunks(FAMILIES) {
        let entry = |FamilyCount { name, samples, rejected }: &FamilyCount| match samples + rejected
        {
            0 => format!("{name:<20} {samples:>5}     -"),
            draws => {
                format!("{name:<20} {samples:>5} {:>5.0}", 100.0 * *rejected as f32 / draws as f32)
            }
        };
        writeln!(out, "{}", line.iter().map(entry).collect::<Vec<_>>().join("    "))?;
    }
    rejections(out, statistics)?;
    correlations(out, &statistics.axes)
}

/// A rank correlation with its sign, or a dash.
pub(super) fn correlation(value: Option<f32>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:+.2}", unsigned(value * 100.0) / 100.0))
}

/// A whole number without the sign that a small negative one would keep.
fn unsigned(value: f32) -> f32 {
    value.round() + 0.0
}

fn keypoints(out: &mut String, statistics: &Statistics) -> std::fmt::Result {
    writeln!(
        out,
        "\nkeypoint, percent    seen  covered: by itself  by others  by props   outside"
    )?;
    for keypoint in &statistics.keypoints {
        let KeypointStatistics {
            name,
            outside,
            covered_by_own,
            covered_by_other,
            covered_by_prop,
            seen,
            ..
        } = keypoint;
        let [seen, covered, own, other, prop, outside] = [
            *seen,
            keypoint.covered(),
            *covered_by_own,
            *covered_by_other,
            *covered_by_prop,
            *outside,
        ]
        .map(|share| share * 100.0);
        writeln!(
            out,
            "{name:<18} {seen:>6.1}   {covered:>6.1}     {own:>6.1}     {other:>6.1}    \
             {prop:>6.1}    {outside:>6.1}"
        )?;
    }
    Ok(())
}

fn measures(out: &mut String, statistics: &Statistics) -> std::fmt::Result {
    writeln!(out, "\n{:<30}   mean     5 %    50 %    95 %", "measured")?;
    let boxes = &statistics.boxes;
    let rows = [
        ("box width, image widths", boxes.width),
        ("box height, image heights", boxes.height),
        ("visible area, of the image", boxes.area),
    ];
    let rows = rows.into_iter().map(|(name, spread)| (name.to_owned(), spread));
    let measured = statistics
        .measures
        .iter()
        .map(|(measure, spread)| (measure.description().to_owned(), *spread));
    for (name, Spread { mean, p5, p50, p95 }) in rows.chain(measured) {
        if mean.is_nan() {
            writeln!(out, "{name:<30} {0:>6}  {0:>6}  {0:>6}  {0:>6}", "-")?;
            continue;
        }
        // Degrees and counts need no third digit.
        let digits = if p95.abs() < 3.0 { 3 } else { 1 };
        writeln!(
            out,
            "{name:<30} {mean:>6.digits$}  {p5:>6.digits$}  {p50:>6.digits$}  {p95:>6.digits$}"
        )?;
    }
    Ok(())
}

fn rejections(out: &mut String, statistics: &Statistics) -> std::fmt::Result {
    let attempts = &statistics.attempts;
    let again: usize = statistics.rejections.iter().map(|reason| reason.draws).sum();
    let share = 100.0 * again as f32 / attempts.draws.max(1) as f32;
    writeln!(
        out,
        "\n{} draws for {} samples: {:.2} a sample, {} at most; {share:.1} % were rejected",
        attempts.draws, statistics.samples, attempts.mean, attempts.most
    )?;
    for reason in &statistics.rejections {
        writeln!(out, "{:>7}  {:>4.1} %  {}", reason.draws, reason.share * 100.0, reason.reason)?;
    }
    let Some(first) = statistics.axes.first() else { return Ok(()) };
    let heads: String =
        first.bins.iter().map(|bin| format!("  {:.1}-{:.1}", bin.low, bin.high)).collect();
    writeln!(
        out,
        "\n{:<12} {heads}   percent of the draws that were rejected, by hardness",
        "axis"
    )?;
    for AxisStatistics { axis, bins, .. } in &statistics.axes {
        let shares: String = (bins.iter())
            .map(|bin| {
                let percent = |share: f32| format!("{:>9.1}", share * 100.0);
                bin.rejected.map_or(format!("{:>9}", "-"), percent)
            })
            .collect();
        writeln!(out, "{:<12}{shares}", axis.name())?;
    }
    Ok(())
}

fn correlations(out: &mut String, axes: &[AxisStatistics]) -> std::fmt::Result {
    writeln!(
        out,
        "\nSpearman's rank correlation of the requested hardness with what was measured"
    )?;
    let heads: String =
        Measure::ALL.iter().map(|measure| format!(" {:>9}", measure.name())).collect();
    writeln!(out, "{:<12}{heads}", "axis")?;
    for AxisStatistics { axis, correlations, .. } in axes {
        let values: String =
            correlations.values().map(|value| format!(" {:>9}", correlation(*value))).collect();
        writeln!(out, "{:<12}{values}", axis.name())?;
    }
    Ok(())
}
