//! What would mend a model: samples of what it was found to fail on.

use crate::{
    AuditError,
    facts::FactList,
    report::Report,
    row::Row,
    table::{COVER, KEYPOINT, missed, table},
};
use marionette_figure::KeypointScheme;
use marionette_findings::{Finding, Table};
use marionette_run::FocusFile;
use marionette_stream::{AXES, AxisDistribution, Circumstance, Wanted};

/// Equal parts of an axis over which hardness is counted. Rules cut axes at their edges.
const BINS: usize = 20;

/// What samples for the findings of an audit are to show: for each finding what its rule says of a
/// sample, and along the axes the hardness of the pictures that it holds for. So what only pixels
/// tell is drawn for as well, by the axes that go with it. A finding weighs as much as it carries of
/// all that is missed; those of keypoints alone are in any picture.
///
/// # Errors
/// If nothing was judged.
pub fn cure(
    report: &Report,
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
) -> Result<FocusFile, AuditError> {
    let table = table(rows, facts, scheme, false, &missed)?;
    let mut wanted = Vec::new();
    for (finding, number) in report.findings.iter().map(|explained| &explained.finding).zip(1..) {
        let of_pictures = finding.rule.part(|factor| factor != KEYPOINT);
        if of_pictures.conditions.is_empty() || finding.carried.value <= 0.0 {
            continue;
        }
        wanted.push(Wanted {
            finding: number,
            words: of_pictures.words(),
            weight: finding.carried.value as f32,
            axes: hardness(finding, &table, rows)?,
            circumstances: circumstances(finding, facts),
        });
    }
    Ok(FocusFile {
        model: report.plan.model.clone(),
        scene: report.plan.scene.clone(),
        scene_sha256: report.plan.scene_sha256.clone(),
        wanted,
    })
}

/// The share of pictures of the scene as it is that show what samples are drawn by for a finding.
///
/// # Errors
/// If nothing was judged.
pub fn share(
    finding: &Finding,
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
) -> Result<f64, AuditError> {
    let table = table(rows, facts, scheme, false, &missed)?;
    let drawn = finding.rule.part(|factor| factor != KEYPOINT && factor != COVER);
    let mut shows = vec![false; rows.len()];
    for (keypoint, holds) in table.keypoints().iter().zip(table.holding(&drawn)?) {
        shows[keypoint.picture as usize] |= holds;
    }
    let sum = |rows: &mut dyn Iterator<Item = &Row>| rows.map(Row::weight).sum::<f64>();
    let showing =
        sum(&mut rows.iter().zip(&shows).filter(|(_, shows)| **shows).map(|(row, _)| row));
    Ok(showing / sum(&mut rows.iter()))
}

/// What a finding's rule says of a sample. What covers keypoints is known of pictures alone.
fn circumstances(finding: &Finding, facts: &FactList) -> Vec<Circumstance> {
    let conditions = finding.rule.conditions.iter().filter(|c| c.factor != COVER);
    conditions.filter_map(|condition| facts.circumstance(condition)).collect()
}

/// How hard the pictures of the uniform population are in which the finding's rule holds; each
/// counts as often as it holds there.
fn hardness(
    finding: &Finding,
    table: &Table,
    rows: &[Row],
) -> Result<[AxisDistribution; AXES], AuditError> {
    let mut sums = [[0.0; BINS]; AXES];
    for (keypoint, holds) in table.keypoints().iter().zip(table.holding(&finding.rule)?) {
        let row = &rows[keypoint.picture as usize];
        for (sums, hardness) in sums.iter_mut().zip(row.hardness).filter(|_| holds) {
            sums[((hardness * BINS as f32) as usize).min(BINS - 1)] += row.weight();
        }
    }
    Ok(sums.map(|sums| {
        let all: f64 = sums.iter().sum();
        AxisDistribution { probabilities: sums.map(|sum| (sum / all) as f32).into() }
    }))
}
