//! Text for the user. `println!` panics when its reader has gone (`marionette train | head -1`),
//! and a run should not end for that.

use std::io::{IsTerminal, Write};

/// Writes a line to standard output, if anybody reads it.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line to standard error, if anybody reads it.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Whether standard error shows colours: on a terminal, unless NO_COLOR asks for none.
pub fn has_colors() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
}
