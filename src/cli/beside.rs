//! `train --beside`: what a run was worth, against an earlier one.

use super::CommandError;
use anyhow::{Context, anyhow};
use marionette::run::{ExamLine, exam::Exam};
use serde::Deserialize;
use std::{fs, path::Path};

/// What is read of an earlier run's `summary.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Beside {
    steps: u64,
    exams: Vec<Line>,
    #[serde(skip)]
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Line {
    exam: Exam,
    /// PCK@0.2 torso after the last step.
    after: Option<f64>,
}

impl Beside {
    /// The summary at `path`, or that of the run in this folder.
    pub fn load(path: &Path) -> Result<Self, CommandError> {
        let file = if path.is_dir() { path.join("summary.json") } else { path.to_owned() };
        let read = || -> anyhow::Result<Beside> {
            let bytes = fs::read(&file).with_context(|| {
                format!(
                    "--beside {}: cannot be read; give a finished run or its summary.json",
                    file.display()
                )
            })?;
            let summary: Beside = serde_json::from_slice(&bytes).map_err(|error| {
                anyhow!("--beside {}: not a run's summary: {error}", file.display())
            })?;
            if summary.exams.iter().all(|line| line.after.is_none()) {
                return Err(anyhow!(
                    "--beside {}: that run took no exams, so there is nothing to compare",
                    file.display()
                ));
            }
            Ok(Beside { name: path.display().to_string(), ..summary })
        };
        read().map_err(CommandError::Input)
    }

    /// A line on how the `exams` of a run of `steps` steps came out beside this one's, in points
    /// (hundredths); none where no exam was taken by both.
    pub fn words(&self, steps: u64, exams: &[ExamLine]) -> Option<String> {
        let gain = |line: &Line| {
            let ours = exams.iter().find(|ours| ours.exam == line.exam)?;
            Some((line.exam, 100.0 * (ours.after? - line.after?)))
        };
        let gains: Vec<(Exam, f64)> = self.exams.iter().filter_map(gain).collect();
        let mean = gains.iter().map(|(_, gain)| gain).sum::<f64>() / gains.len() as f64;
        let (worst, least) = gains.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (best, most) = gains.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let steps = if self.steps == steps {
            String::new()
        } else {
            format!(", which took {} steps", self.steps)
        };
        Some(format!(
            "What it was worth: {mean:+.1} points in the mean of {} exams (from {least:+.1} in {} to \
             {most:+.1} in {}) beside {}{steps}",
            gains.len(),
            worst.name(),
            best.name(),
            self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_summary_with_exams_is_refused_with_what_would_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary.json");
        let refused = |path: &Path| match Beside::load(path) {
            Err(CommandError::Input(error)) => format!("{error:#}"),
            Ok(_) | Err(_) => panic!("{} was not refused as input", path.display()),
        };
        assert!(refused(folder.path()).contains("give a finished run"));
        for (text, message) in [
            ("{\"steps\": 3}", "not a run's summary: missing field `exams`"),
            ("{\"steps\": 3, \"exams\": []}", "took no exams"),
            ("{\"steps\": 3, \"exams\": [{\"exam\": \"hard\", \"after\": null}]}", "took no exams"),
        ] {
            fs::write(&file, text).unwrap();
            let found = refused(&file);
            assert!(found.contains("summary.json") && found.contains(message), "{found}");
        }
        fs::write(&file, "{\"steps\": 3, \"exams\": [{\"exam\": \"hard\", \"after\": 0.5}]}")
            .unwrap();
        assert!(Beside::load(folder.path()).is_ok_and(|beside| beside.steps == 3));
    }

    #[test]
    fn exams_that_both_took_are_compared_in_points() {
        let line = |exam, after| ExamLine {
            exam,
            before: None,
            after,
            mean_pose: None,
            box_01: None,
            auc: None,
            oks_ap: None,
        };
        let theirs = [(Exam::Easy, Some(0.8)), (Exam::Hard, Some(0.25)), (Exam::Natural, None)];
        let beside = Beside {
            steps: 9,
            exams: theirs.map(|(exam, after)| Line { exam, after }).into(),
            name: "runs/even".to_owned(),
        };
        let ours = [
            line(Exam::Easy, Some(0.9)),
            line(Exam::Hard, Some(0.24)),
            line(Exam::Natural, Some(0.5)),
            line(Exam::Standard, Some(0.5)),
        ];
        assert_eq!(
            beside.words(9, &ours).unwrap(),
            "What it was worth: +4.5 points in the mean of 2 exams (from -1.0 in hard to +10.0 in \
             easy) beside runs/even"
        );
        assert!(beside.words(8, &ours).unwrap().ends_with("runs/even, which took 9 steps"));
        assert_eq!(beside.words(9, &ours[2..]), None);
    }
}
