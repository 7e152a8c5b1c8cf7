//! What can go wrong in an audit.

use marionette_base::atomic_file::PathError;
use marionette_findings::FindingsError;
use marionette_models::ModelError;
use marionette_physics::Unsolvable;
use marionette_render::RenderError;
use marionette_run::RunError;
use std::path::PathBuf;

/// Why an audit came to no end.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Something on the disk.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A file of the audit.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What was judged explains nothing.
    #[error(transparent)]
    Findings(#[from] FindingsError),
    /// The renderer.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The scene asks for what cannot be.
    #[error(transparent)]
    Unsolvable(#[from] Unsolvable),
    /// Another audit was begun there.
    #[error(
        "{}: an audit was begun there with another {key}: {begun}, and now it is {now}; go on with \
         what it was begun with, or give another folder", .path.display()
    )]
    Other {
        /// The folder.
        path: PathBuf,
        /// What differs.
        key: String,
        /// With which it was begun.
        begun: String,
        /// What is asked for now.
        now: String,
    },
    /// There is something in the folder.
    #[error(
        "{}: is not empty ({first}); give an empty folder or a new one, or --resume to go on with \
         an audit that was begun there", .path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        first: String,
    },
    /// A file is not as it was written.
    #[error("{}: {found}; {remedy}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What would do.
        remedy: String,
    },
}
