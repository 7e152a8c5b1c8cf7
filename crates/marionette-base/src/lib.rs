//! What every part of Marionette stands on: random streams, TOML files that know their lines,
//! atomic files and statistics.

pub mod atomic_file;
pub mod random;
pub mod statistics;
pub mod toml_file;
