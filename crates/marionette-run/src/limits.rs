//! Limits that the system sets a process (`ulimit`), found out before they are run into: past them
//! drivers and thread pools fail in ways that do not say why.

use super::resources::cores;
use std::{sync::OnceLock, thread};

/// What a command is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It looks at pictures.
    Look,
    /// It renders, and may train.
    Render,
    /// It renders, trains, and has a window.
    Window,
}

/// A limit that is too low.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{found}, and {needed}; {remedy}")]
pub struct LimitError {
    found: String,
    needed: String,
    remedy: &'static str,
}

/// Threads of each pool that the system lets this process have, where that is fewer than it wants.
static MOST_THREADS: OnceLock<usize> = OnceLock::new();

/// The most threads that a pool may have; `usize::MAX` where nothing is known against any number.
pub(super) fn most_threads() -> usize {
    MOST_THREADS.get().copied().unwrap_or(usize::MAX)
}

/// Address space that rendering needs whatever the number of threads, bytes. Without it Vulkan has
/// no adapter. (Measured on Linux with lavapipe: 1.5 GB are too little, 2.5 GB do for two threads.)
const RENDERING: u64 = 2 << 30;
/// The same for looking at pictures.
const LOOKING: u64 = 1 << 29;
/// Address space for each thread: its stack and its part of the heap, bytes.
const PER_THREAD: u64 = 128 << 20;
/// Files that a driver and a run have open at once.
const OPEN_FILES: u64 = 64;

/// Finds out whether the system lets this process do `work` on `wanted` threads a pool (0 for one
/// per core). Where it allows fewer threads, pools become smaller; returns how many threads each
/// has then.
///
/// # Errors
/// If a limit is too low for any number of threads: which, and how it is raised.
pub fn check_limits(work: Work, wanted: usize) -> Result<Option<usize>, LimitError> {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let wanted = if wanted > 0 { wanted } else { asked.unwrap_or(0).max(cores()) };
    check_files()?;
    let (pools, others) = match work {
        Work::Look => (1, 1),
        // Kernels, samplers, the renderer's systems and a software driver; the run's own threads,
        // the driver's and the renderer's.
        Work::Render => (4, 12),
        Work::Window => (4, 24),
    };
    let got = startable(pools * wanted + others);
    let threads = (got.saturating_sub(others) / pools).min(wanted);
    if threads == 0 {
        return Err(LimitError {
            found: format!("the system lets this process start only {got} more threads"),
            needed: format!("at least {} are needed", pools + others),
            remedy: "raise the limit (ulimit -u) or end other programs",
        });
    }
    check_address_space(work, threads)?;
    if threads == wanted {
        return Ok(None);
    }
    Ok(Some(*MOST_THREADS.get_or_init(|| threads)))
}

/// How many of `most` threads can be started at once.
fn startable(most: usize) -> usize {
    const STACK: usize = 64 << 10;
    let (hold, held) = crossbeam_channel::bounded::<()>(0);
    let started: Vec<_> = (0..most)
        .map_while(|_| {
            let held = held.clone();
            // Each waits until all have been tried.
            let wait = move || {
                let _ = held.recv();
            };
            thread::Builder::new().stack_size(STACK).spawn(wait).ok()
        })
        .collect();
    let count = started.len();
    drop(hold);
    started.into_iter().for_each(|thread| drop(thread.join()));
    count
}

fn check_files() -> Result<(), LimitError> {
    match limit(Limit::Files) {
        Some(most) if most < OPEN_FILES => Err(LimitError {
            found: format!("the system lets this process open only {most} files at once"),
            needed: format!("at least {OPEN_FILES} are needed"),
            remedy: "raise the limit (ulimit -n)",
        }),
        _ => Ok(()),
    }
}

fn check_address_space(work: Work, threads: usize) -> Result<(), LimitError> {
    let base = if work == Work::Look { LOOKING } else { RENDERING };
    let needed = base + threads as u64 * PER_THREAD;
    match address_space() {
        Some(most) if most < needed => {
            let gibibytes = |bytes: u64| bytes as f64 / f64::from(1u32 << 30);
            Err(LimitError {
                found: format!(
                    "the system lets this process use only {:.1} GiB of address space",
                    gibibytes(most)
                ),
                needed: format!(
                    "at least {:.1} GiB are needed for {threads} threads a pool",
                    gibibytes(needed)
                ),
                remedy: "raise the limit (ulimit -v or -d)",
            })
        }
        _ => Ok(()),
    }
}

/// Address space that this process may use, bytes; `None` where there is no limit.
pub(super) fn address_space() -> Option<u64> {
    [limit(Limit::AddressSpace), limit(Limit::Data)].into_iter().flatten().min()
}

#[derive(Clone, Copy)]
enum Limit {
    Files,
    AddressSpace,
    Data,
}

/// The limit in force; `None` where there is none.
fn limit(limit: Limit) -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let resource = match limit {
            Limit::Files => Resource::Nofile,
            Limit::AddressSpace => Resource::As,
            Limit::Data => Resource::Data,
        };
        getrlimit(resource).current
    }
    #[cfg(not(unix))]
    {
        let _ = limit;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_runs_tests_has_room() {
        assert_eq!(startable(40), 40);
        assert_eq!(check_limits(Work::Render, 2), Ok(None));
        assert_eq!(most_threads(), usize::MAX);
    }
}
