//! A run, or several side by side, as one HTML page that needs nothing else.
//!
//! ```text
//! run directory ─► RunFiles ─► sections, one file each ─► page
//! ```
//!
//! A section says in a sentence what a run lacks. The style of a line, its colour and its dashes,
//! stands for a run throughout; differences are from the first run.

mod curriculum;
mod curves;
mod exams;
mod figures;
mod files;
mod machine;
mod overview;
mod pictures;
mod score;
mod settings;

pub use files::RunFiles;

use crate::{
    RunDirectory, RunError,
    page::{chart::legend, document, escaped, section},
};
use marionette_base::atomic_file::write_atomic;

/// The page of these runs, of which there is at least one.
pub fn page(runs: &[RunFiles]) -> String {
    let sections = [
        ("settings", "Settings", settings::html(runs)),
        ("curves", "Curves", with_legend(runs, curves::html(runs))),
        ("exams", "Exams", with_legend(runs, exams::html(runs))),
        ("curriculum", "Curriculum", with_legend(runs, curriculum::html(runs))),
        ("score", "Difficulty score", with_legend(runs, score::html(runs))),
        ("pictures", "Easiest and hardest", pictures::html(runs)),
        ("machine", "Speed and machine", with_legend(runs, machine::html(runs))),
    ];
    let links: String = sections
        .iter()
        .map(|(id, title, _)| format!("<li><a href=\"#{id}\">{}</a></li>", escaped(title)))
        .collect();
    let title = match runs {
        [only] => only.name.clone(),
        several => format!("{} runs", several.len()),
    };
    let body: String = sections.iter().map(|(id, title, body)| section(id, title, body)).collect();
    document(
        &format!("{title} \u{b7} Marionette"),
        &format!(
            "<header>\n<h1>{}</h1>\n<nav aria-label=\"Sections\"><ul>{links}</ul></nav>\n{}\
             </header>\n<main>\n{body}</main>\n<footer><p class=\"soft\">Written by Marionette {}. \
             The figures of this page are in it as JSON, in the element \
             <code>marionette-report</code>.</p></footer>\n{}",
            escaped(&title),
            overview::html(runs),
            env!("CARGO_PKG_VERSION"),
            figures::html(runs),
        ),
    )
}

/// Several runs are told apart by their lines.
fn with_legend(runs: &[RunFiles], body: String) -> String {
    match runs {
        [_] => body,
        several => format!("{}{body}", legend(several.iter().map(|run| run.name.as_str()))),
    }
}

impl RunDirectory {
    /// Writes `report.html`: what the run has come to.
    ///
    /// # Errors
    /// If one of the run's files is damaged or the report cannot be written.
    pub(super) fn write_report(&self) -> Result<(), RunError> {
        let page = page(&[RunFiles::read(self.path())?]);
        Ok(write_atomic(&self.path().join("report.html"), page.as_bytes())?)
    }
}
