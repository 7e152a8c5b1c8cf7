//! What an audit came to.

use crate::{
    AuditError,
    beside::{Beside, beside},
    facts::FactList,
    fresh::Checked,
    known::Known,
    mistakes::Outcome,
    plan::Plan,
    row::Row,
    table::{KEYPOINT, missed, table},
};
use marionette_figure::KeypointScheme;
use marionette_findings::{
    Estimate, Finding, Findings, Rule, Search, Sensitivity, Verdict, check, find, sensitivity,
};
use serde::{Deserialize, Serialize};

/// The range of PCK over a factor's levels that matters.
const MATTERS: f64 = 0.05;

/// What an audit came to: `report.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What it is of.
    pub plan: Plan,
    /// Names of the keypoints that the model knows.
    pub keypoints: Vec<String>,
    /// What was assumed of the model.
    pub notes: Vec<String>,
    /// PCK@0.2 torso of the uniform population, from all pictures by their weights.
    pub pck: Estimate,
    /// The same from the pictures alone that were drawn without regard to failures.
    pub pck_plain: Estimate,
    /// Pictures in which nothing was found.
    pub failures: Failures,
    /// How keypoints of the uniform population came out: the share of each outcome.
    pub outcomes: Vec<(Outcome, f64)>,
    /// Keypoint by keypoint.
    pub by_keypoint: Vec<KeypointReport>,
    /// How the share that is missed depends on each factor, alone.
    pub factors: Vec<Sensitivity>,
    /// What explains the errors, what explains most of them first.
    pub findings: Vec<Explained>,
    /// The model beside another one, where it was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// What an earlier audit found, where one was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Known>,
    /// Pictures in which rules were searched, and others on which they were judged.
    pub halves: [usize; 2],
}

/// Pictures in which nothing was found, of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// Of all that the search drew.
    pub searched: Estimate,
    /// Of those that were drawn without regard to failures.
    pub uniform: Estimate,
}

/// A keypoint of the uniform population.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeypointReport {
    /// Its name.
    pub name: String,
    /// How often it was judged.
    pub judged: usize,
    /// PCK@0.2 torso.
    pub pck: f64,
    /// The share of each outcome, in [`Outcome::ALL`] order.
    pub outcomes: [f64; 6],
}

/// A finding, checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// What was found.
    pub finding: Finding,
    /// How it does on fresh pictures.
    pub checked: Checked,
}

/// What explains the errors of `rows`, on halves of them.
///
/// # Errors
/// If nothing was judged.
pub fn findings(
    rows: &[Row],
    facts: &FactList,
    scheme: &KeypointScheme,
) -> Result<Findings, AuditError> {
    let table = table(rows, facts, scheme, false, &missed)?;
    let search = Search { given: vec![KEYPOINT.to_owned()], ..Search::default() };
    Ok(find(&table, &search)?)
}

impl Report {
    /// The report of `rows` and what explains them.
    ///
    /// # Errors
    /// If nothing was judged.
    pub fn new(
        plan: Plan,
        rows: &[Row],
        facts: &FactList,
        scheme: &KeypointScheme,
        notes: Vec<String>,
        found: Findings,
        checked: Vec<Checked>,
    ) -> Result<Self, AuditError> {
        let all = table(rows, facts, scheme, false, &missed)?;
        let uniform: Vec<Row> = rows.iter().filter(|row| row.uniform).cloned().collect();
        let plain = table(&uniform, facts, scheme, true, &missed)?;
        let everything = Rule::default();
        let by_keypoint = by_keypoint(rows, scheme);
        let known: Vec<String> = by_keypoint.iter().map(|keypoint| keypoint.name.clone()).collect();
        Ok(Report {
            beside: beside(rows, facts, scheme, &plan.against)?,
            plan,
            keypoints: known,
            notes,
            pck: check(&all, &everything)?.inside.complement(),
            pck_plain: check(&plain, &everything)?.inside.complement(),
            failures: Failures {
                searched: per_thousand(rows.iter()),
                uniform: per_thousand(uniform.iter()),
            },
            outcomes: outcomes(rows),
            by_keypoint,
            factors: sensitivity(&all, MATTERS),
            known: Vec::new(),
            halves: [found.searched, found.judged],
            findings: found
                .list
                .into_iter()
                .zip(checked)
                .map(|(finding, checked)| Explained { finding, checked })
                .collect(),
        })
    }

    /// The verdict, a few sentences.
    pub fn verdict(&self) -> Vec<String> {
        let pck = |estimate: &Estimate| {
            format!("{:.3} ({:.3} to {:.3})", estimate.value, estimate.low, estimate.high)
        };
        let mut said = vec![format!(
            "PCK@0.2 is {} in pictures of {} as the scene has them.",
            pck(&self.pck),
            self.plan.scene
        )];
        if let Some(beside) = &self.beside {
            let Estimate { value, low, high } = beside.difference;
            said.push(format!(
                "That of {} is {}; {:+.1} points ({:+.1} to {:+.1}) lie between them.",
                beside.model,
                pck(&beside.theirs),
                100.0 * value,
                100.0 * low,
                100.0 * high
            ));
        }
        match self.findings.first() {
            Some(first) => said.push(format!(
                "{}{}. There PCK is {:.2}, elsewhere {:.2}; that is {:.0} % of \
                 the keypoints and carries {:.0} % of what is missed.",
                match self.findings.len() {
                    1 => "One finding: ".to_owned(),
                    count => format!("{count} findings. The first: "),
                },
                first.finding.rule.words(),
                1.0 - first.finding.inside.value,
                1.0 - first.finding.outside.value,
                100.0 * first.finding.support.value,
                100.0 * first.finding.carried.value,
            )),
            None => said.push(
                "Nothing that was looked at explains its errors: they are spread evenly."
                    .to_owned(),
            ),
        }
        let wrong = self.outcomes.iter().filter(|(outcome, _)| *outcome != Outcome::Good);
        if let Some((outcome, share)) = wrong.max_by(|a, b| a.1.total_cmp(&b.1)) {
            said.push(format!(
                "The most frequent error: {} ({:.0} % of the keypoints).",
                outcome.words(),
                100.0 * share
            ));
        }
        let of = |verdict: Verdict| {
            let names = self.factors.iter().filter(|factor| factor.verdict == verdict);
            names.map(|factor| factor.factor.as_str()).collect::<Vec<_>>()
        };
        let indifferent = of(Verdict::Insensitive);
        if !indifferent.is_empty() {
            said.push(format!(
                "By themselves these move PCK by less than 5 points: {}.",
                indifferent.join(", ")
            ));
        }
        let Failures { searched, uniform } = self.failures;
        said.push(format!(
            "In {:.0} of 1,000 pictures ({:.0} to {:.0}) it finds nothing; in {:.0} ({:.0} to {:.0}) \
             of those that the search drew.",
            uniform.value, uniform.low, uniform.high, searched.value, searched.low, searched.high
        ));
        said
    }
}

/// How many of a thousand failed, with Wilson's interval (1927).
fn per_thousand<'r>(rows: impl Iterator<Item = &'r Row>) -> Estimate {
    let (mut pictures, mut failed) = (0.0, 0.0);
    for row in rows.filter(|row| row.counts()[0] > 0) {
        pictures += 1.0;
        failed += f64::from(u8::from(row.failed()));
    }
    if pictures == 0.0 {
        return Estimate { value: 0.0, low: 0.0, high: 1000.0 };
    }
    let z = 1.96f64;
    let share: f64 = failed / pictures;
    let middle = share + z * z / (2.0 * pictures);
    let half = z * (share * (1.0 - share) / pictures + z * z / (4.0 * pictures * pictures)).sqrt();
    let end = |sign: f64| 1000.0 * (middle + sign * half) / (1.0 + z * z / pictures);
    Estimate { value: 1000.0 * share, low: end(-1.0).max(0.0), high: end(1.0).min(1000.0) }
}

/// The share of each outcome in the uniform population.
fn outcomes(rows: &[Row]) -> Vec<(Outcome, f64)> {
    let mut shares = [0.0; 6];
    for row in rows {
        for result in row.keypoints.iter().filter_map(|keypoint| keypoint.result) {
            shares[result.outcome as usize] += row.weight();
        }
    }
    let all: f64 = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    Outcome::ALL.into_iter().zip(shares.map(|share| share / all)).collect()
}

/// The keypoints that were judged at all.
fn by_keypoint(rows: &[Row], scheme: &KeypointScheme) -> Vec<KeypointReport> {
    let of_keypoint = |(k, name): (usize, &String)| {
        let (mut judged, mut weight, mut found, mut outcomes) = (0, 0.0, 0.0, [0.0; 6]);
        for row in rows {
            let Some(result) = row.keypoints[k].result else { continue };
            judged += 1;
            weight += row.weight();
            found += if result.found() { row.weight() } else { 0.0 };
            outcomes[result.outcome as usize] += row.weight();
        }
        (judged > 0).then(|| KeypointReport {
            name: name.clone(),
            judged,
            pck: found / weight,
            outcomes: outcomes.map(|share| share / weight),
        })
    };
    scheme.names.iter().enumerate().filter_map(of_keypoint).collect()
}
