//! The lowest layer of Marionette, used by the other crates.
//!
//! [`random`] gives random streams that are keyed by their purpose, so that threads and the order
//! of calls change nothing. [`toml_file`] reads TOML files, and its errors name the file and the
//! line. [`atomic_file`] writes files that exist whole or not at all, [`folder_lock`] keeps others
//! out of a folder, [`new_folder`] writes whole ones. [`json_file`] writes JSON with a version.
//! [`picture_file`] reads PNG and JPEG pictures. [`text_file`] tells text from other encodings.
//! [`statistics`] has ranks, rank correlation and moments that forget. [`boxes`] says what two
//! boxes have in common. [`matching`] finds out which of the things that cannot be told apart is
//! which.
//!
//! ```
//! use marionette_base::random::stream;
//! use rand::Rng;
//!
//! // Sample 7 of the run with seed 1: its pose and its light have streams of their own.
//! let pose = stream(1, 7, 0, "pose").random::<u64>();
//! assert_eq!(pose, stream(1, 7, 0, "pose").random::<u64>());
//! assert_ne!(pose, stream(1, 7, 0, "light").random::<u64>());
//! ```

pub mod atomic_file;
pub mod boxes;
pub mod folder_lock;
pub mod json_file;
pub mod matching;
pub mod new_folder;
pub mod picture_file;
pub mod random;
pub mod shell;
pub mod statistics;
pub mod text_file;
pub mod toml_file;
