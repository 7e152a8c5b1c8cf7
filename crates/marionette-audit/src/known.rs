//! What an earlier audit found, on the pictures of this one.

use crate::{
    AuditError,
    facts::FactList,
    folder::read_report,
    plan::Plan,
    report::Report,
    row::Row,
    table::{missed, table, worse},
};
use marionette_figure::KeypointScheme;
use marionette_findings::{Estimate, FindingsError, Rule, Table, check};
use marionette_run::other_scene;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A finding of an earlier audit, judged again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its rule.
    pub rule: Rule,
    /// PCK@0.2 torso where it holds, of the model in which it was found.
    pub before: Estimate,
    /// PCK of this model there.
    pub now: Estimate,
    /// PCK of this model elsewhere; `None` if the rule holds everywhere.
    pub elsewhere: Option<Estimate>,
    /// This model's PCK less that of the model which it is compared with, on the same keypoints:
    /// where the rule holds, and elsewhere.
    pub beside: Option<[Estimate; 2]>,
}

/// The report of the audit in the folder at `path`, whose findings are to be judged again. It must
/// be one of the scene of `plan`.
///
/// # Errors
/// If there is none, or it is of another scene.
pub fn earlier(path: &Path, plan: &Plan) -> Result<Report, AuditError> {
    let report = read_report(path)?;
    let scenes = [&report.plan, plan].map(|plan| [plan.scene.as_str(), &plan.scene_sha256]);
    match other_scene(scenes[0], scenes[1]) {
        None => Ok(report),
        Some(found) => Err(AuditError::Damaged {
            path: path.to_owned(),
            found,
            remedy: "give one of the same scene".to_owned(),
        }),
    }
}

/// What the `earlier` audit found, as it is in `rows`. Findings that hold for nothing there are
/// left out.
///
/// # Errors
/// If nothing was judged, or a rule names what this scene does not have.
pub fn known(
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
    earlier: &Report,
) -> Result<Vec<Known>, AuditError> {
    let ours = table(rows, facts, scheme, false, &missed)?;
    let paired = rows.iter().any(|row| !row.rival.is_empty());
    let paired = paired.then(|| table(rows, facts, scheme, false, &worse)).transpose()?;
    let mut known = Vec::new();
    for finding in earlier.findings.iter().map(|explained| &explained.finding) {
        let now = match check(&ours, &finding.rule) {
            Err(FindingsError::Nowhere { .. }) => continue,
            now => now?,
        };
        let difference = |table: &Table| {
            // The models may have no keypoint in common there.
            let judged = check(table, &finding.rule).ok()?;
            Some([judged.inside.negated(), judged.contrast?.outside.negated()])
        };
        known.push(Known {
            rule: finding.rule.clone(),
            before: finding.inside.complement(),
            now: now.inside.complement(),
            elsewhere: now.contrast.map(|contrast| contrast.outside.complement()),
            beside: paired.as_ref().and_then(difference),
        });
    }
    Ok(known)
}
