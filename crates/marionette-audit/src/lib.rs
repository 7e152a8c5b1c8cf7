//! Where does a keypoint detector fail? Whoever made it: a network of ours, an ONNX file, a command.
//!
//! ```text
//! Steering ─► hardness ─► samples ─► renderer ─► model ─► Row, a line of pictures.jsonl ─┐
//!     ▲                                                                                  │
//!     └──────────────────────────── what fails ◄─────────────────────────────────────────┤
//!                                       Report, book ◄─ fresh pictures ◄─ findings ◄─────┘
//! ```
//!
//! Pictures are drawn toward what fails, a share of them evenly. Each knows how much more often it
//! was drawn than it is in the uniform population, so that all figures are the population's.
//! Errors are explained by rules over what was drawn and measured, found in half of the pictures,
//! judged on the other half, and checked on fresh ones.

mod beside;
mod book;
mod condition;
mod cure;
mod error;
mod facts;
mod folder;
mod fresh;
mod known;
mod mistakes;
mod plan;
mod report;
mod row;
mod search;
mod steer;
mod table;

pub use beside::{Beside, Differs};
pub use book::{Commands, book, draw_sheet};
pub use condition::FailIf;
pub use cure::{cure, share};
pub use error::AuditError;
pub use facts::FactList;
pub use folder::{Folder, read_report};
pub use fresh::{Checked, MadeEasy, Shown, check_findings};
pub use known::{Known, earlier, known};
pub use marionette_findings as findings;
pub use mistakes::Outcome;
pub use plan::Plan;
pub use report::{Explained, Failures, KeypointReport, Report, findings as explain};
pub use row::{Judge, Judged, Result, Row, forget_never_given};
pub use search::{Studio, search};
