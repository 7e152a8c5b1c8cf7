//! When an audit fails: `--fail-if "PCK@0.2<0.6"`.

use crate::report::Report;
use std::{fmt, str::FromStr};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    /// PCK@0.2 torso of the uniform population.
    Pck,
    /// PCK@0.2 torso of the worst finding.
    Worst,
    /// PCK@0.2 torso of the worst finding of an earlier audit.
    Known,
    /// Pictures of a thousand in which nothing is found.
    Failures,
    /// Findings.
    Findings,
}

/// A figure and a bound that it must not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailIf {
    figure: Figure,
    below: bool,
    bound: f64,
}

const NAMES: [(&str, Figure); 5] = [
    ("PCK@0.2", Figure::Pck),
    ("worst", Figure::Worst),
    ("known", Figure::Known),
    ("failures", Figure::Failures),
    ("findings", Figure::Findings),
];

impl FailIf {
    /// Whether it looks at what an earlier audit found.
    pub fn is_of_known(&self) -> bool {
        self.figure == Figure::Known
    }

    /// What the figure is, if that fails the audit.
    pub fn fails(&self, report: &Report) -> Option<f64> {
        let value = match self.figure {
            Figure::Pck => report.pck.value,
            Figure::Worst => {
                let all = report.findings.iter().map(|found| 1.0 - found.finding.inside.value);
                all.fold(report.pck.value, f64::min)
            }
            Figure::Known => report.known.iter().map(|known| known.now.value).fold(1.0, f64::min),
            Figure::Failures => report.failures.uniform.value,
            Figure::Findings => report.findings.len() as f64,
        };
        let fails = if self.below { value < self.bound } else { value > self.bound };
        fails.then_some(value)
    }
}

impl FromStr for FailIf {
    type Err = String;

    /// Reads `FIGURE<NUMBER` or `FIGURE>NUMBER`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || {
            let names = NAMES.map(|(name, _)| name).join(", ");
            format!("give FIGURE<NUMBER or FIGURE>NUMBER, as in PCK@0.2<0.6; figures are {names}")
        };
        let at = text.find(['<', '>']).ok_or_else(wanted)?;
        let (name, bound) = (text[..at].trim(), text[at + 1..].trim());
        let (_, figure) = NAMES.into_iter().find(|(known, _)| *known == name).ok_or_else(wanted)?;
        let bound: f64 = bound.parse().ok().filter(|b: &f64| b.is_finite()).ok_or_else(wanted)?;
        Ok(FailIf { figure, below: text[at..].starts_with('<'), bound })
    }
}

impl fmt::Display for FailIf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, figure)| *figure == self.figure).map_or("", |n| n.0);
        write!(f, "{name}{}{}", if self.below { '<' } else { '>' }, self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_others_refused() {
        for text in ["PCK@0.2<0.6", "failures>100", "worst<0.25", "findings>3"] {
            assert_eq!(text.parse::<FailIf>().unwrap().to_string(), text);
        }
        assert_eq!(" PCK@0.2 < 0.6 ".parse::<FailIf>(), "PCK@0.2<0.6".parse());
        for text in ["PCK@0.2", "PCK<0.5", "worst<", "worst<nan", "<1", "worst=0.3", ""] {
            let said = text.parse::<FailIf>().unwrap_err();
            assert!(said.starts_with("give FIGURE<NUMBER"), "{said}");
        }
    }
}
