//! Text for the user. `println!` panics when its reader has gone (`marionette train | head -1`), and
//! a run should not end for that.

use std::io::Write;

/// Writes a line to standard output, if anybody reads it.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes a line to standard error, if anybody reads it.
pub fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
