//! Running a command with a time limit.

use super::CommandOptions;
use crate::error::ModelError;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

/// How much of what a command said is shown: bytes from the end, and lines of them.
const SHOWN: (u64, usize) = (2000, 10);

/// How often a command is looked after.
const WAIT: Duration = Duration::from_millis(5);

/// Runs `line` by the shell, both of its outputs going to the file `log`, and gives the last of what
/// it said. `command` and the number of `pictures` are for messages.
///
/// # Errors
/// If it cannot be run, fails, takes too long, or is to stop.
pub fn run(
    command: &str,
    line: &str,
    log: &Path,
    pictures: usize,
    options: &CommandOptions,
) -> Result<String, ModelError> {
    let start = |error: io::Error| ModelError::Start { command: command.to_owned(), error };
    let output = File::create(log).map_err(start)?;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdin(Stdio::null());
    shell.stdout(output.try_clone().map_err(start)?).stderr(output);
    // A group of its own, so that all that it starts can be killed with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().map_err(start)?;
    let ended = wait(&mut child, options);
    kill_group(&child);
    let _ = child.wait();
    let log = tail(log).unwrap_or_default();
    let command = command.to_owned();
    match ended.map_err(start)? {
        Ended::Itself(status) if status.success() => Ok(log),
        Ended::Itself(status) => Err(ModelError::Failed { command, status: named(status), log }),
        Ended::Late => {
            let limit = options.limit;
            Err(ModelError::TimedOut { command, limit, pictures, log })
        }
        Ended::Stopped => Err(ModelError::Stopped { command }),
    }
}

enum Ended {
    Itself(ExitStatus),
    Late,
    Stopped,
}

fn wait(child: &mut Child, options: &CommandOptions) -> io::Result<Ended> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(status));
        }
        if began.elapsed() >= options.limit {
            return Ok(Ended::Late);
        }
        if options.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Ok(Ended::Stopped);
        }
        thread::sleep(WAIT);
    }
}

/// Kills what is left of the child's process group.
fn kill_group(child: &Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may be gone.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

fn named(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("the exit code {code}"),
        None => status.to_string(),
    }
}

/// The last lines of a file.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SHOWN.0)))?;
    let mut bytes = Vec::new();
    file.take(SHOWN.0).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> =
        text.lines().rev().filter(|line| !line.trim().is_empty()).take(SHOWN.1).collect();
    lines.reverse();
    Ok(lines.join(" | "))
}
