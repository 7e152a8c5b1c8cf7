//! Two models beside each other, on the same pictures.

use crate::{
    AuditError,
    facts::FactList,
    row::Row,
    table::{KEYPOINT, missed, table, worse},
};
use marionette_figure::KeypointScheme;
use marionette_findings::{Estimate, Finding, Rule, Search, check, find};
use serde::{Deserialize, Serialize};

/// A model beside another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// The other model, as it was named.
    pub model: String,
    /// Its PCK@0.2 torso on the keypoints that both were judged by.
    pub theirs: Estimate,
    /// Ours on these.
    pub ours: Estimate,
    /// Ours less theirs, paired.
    pub difference: Estimate,
    /// Where they differ in another way than elsewhere.
    pub findings: Vec<Differs>,
}

/// A rule under which the two models differ in another way than elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Differs {
    /// What was found; its losses are what the model missed less what the other one did.
    pub finding: Finding,
    /// PCK of the model inside, and of the other one, on all pictures.
    pub pck: [Estimate; 2],
}

/// The models of `rows`, the other one called `model`; `None` if there is no other.
///
/// # Errors
/// If they share no keypoint.
pub fn beside(
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
    model: &str,
) -> Result<Option<Beside>, AuditError> {
    if model.is_empty() {
        return Ok(None);
    }
    let both = |row: &Row, k: usize| worse(row, k);
    let ours = |row: &Row, k: usize| both(row, k).and(missed(row, k));
    let theirs = |row: &Row, k: usize| Some(missed(row, k)? - both(row, k)?);
    let tables = [
        table(rows, facts, scheme, false, &both)?,
        table(rows, facts, scheme, false, &ours)?,
        table(rows, facts, scheme, false, &theirs)?,
    ];
    let loss = |table: usize, rule: &Rule| Ok::<_, AuditError>(check(&tables[table], rule)?.inside);
    let everything = Rule::default();
    let search = Search { given: vec![KEYPOINT.to_owned()], both_ways: true, ..Search::default() };
    let findings = find(&tables[0], &search)?.list.into_iter().map(|finding| {
        let pck = [loss(1, &finding.rule)?.complement(), loss(2, &finding.rule)?.complement()];
        Ok(Differs { finding, pck })
    });
    Ok(Some(Beside {
        model: model.to_owned(),
        theirs: loss(2, &everything)?.complement(),
        ours: loss(1, &everything)?.complement(),
        difference: loss(0, &everything)?.negated(),
        findings: findings.collect::<Result<_, AuditError>>()?,
    }))
}
