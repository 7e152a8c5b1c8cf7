//! Paths in commands that people copy into a shell.

use std::path::Path;

/// The path as a word of a command line: in quotes where it has characters that a shell takes
/// apart.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    if cfg!(windows) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_takes_a_path_as_it_is() {
        for path in ["runs/a-001", "my runs/it's \"new\" $HOME [1]", "a\\b;c", "", "M\u{fc}ller/*"]
        {
            let command = format!("printf %s {}", quoted(Path::new(path)));
            let said = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), path);
        }
        assert_eq!(quoted(Path::new("runs/a-001")), "runs/a-001");
    }
}
