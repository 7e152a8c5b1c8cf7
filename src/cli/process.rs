//! What is set for the whole process, and what the system lets it do.

use super::output;
use marionette::run::{LimitError, Work, check_limits, size_pool, threads};
use std::sync::OnceLock;

/// Sets it all. Must be called before any thread is started.
pub fn set_up() {
    keep_freed_memory();
    say_how_many_cores_there_are();
    keep_layers_silent();
    hear_of_files_that_are_too_long();
}

/// Tells the C library to keep freed memory for the next allocation.
///
/// A software driver and the read-back allocate the same megabytes for every frame. glibc gives
/// them back to the system in between, and to get their pages anew costs up to a third of the time
/// that a small tile takes.
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The largest value that glibc accepts. It always maps larger blocks one by one.
        const LARGEST_IN_HEAP: libc::c_int = 32 << 20;
        const GROWS_BY_AT_LEAST: libc::c_int = 16 << 20;
        for (parameter, bytes) in [
            (libc::M_TRIM_THRESHOLD, libc::c_int::MAX),
            (libc::M_MMAP_THRESHOLD, LARGEST_IN_HEAP),
            (libc::M_TOP_PAD, GROWS_BY_AT_LEAST),
        ] {
            // SAFETY: `mallopt` changes thresholds of the allocator and no memory, and there is no
            // other thread yet. What it refuses stays as it was.
            #[allow(unsafe_code)]
            unsafe {
                libc::mallopt(parameter, bytes);
            }
        }
    }
}

const RAYON_NUM_THREADS: &str = "RAYON_NUM_THREADS";

/// What the environment said before [`set_up`].
static ASKED_THREADS: OnceLock<Option<String>> = OnceLock::new();

/// What RAYON_NUM_THREADS was set to when the process began.
pub fn asked_threads() -> Option<String> {
    ASKED_THREADS.get().cloned().flatten()
}

/// candle asks how many cores there are before every product of matrices. On Linux, where the
/// environment does not say it, it reads a file that has a page for each of them.
fn say_how_many_cores_there_are() {
    let asked = ASKED_THREADS.get_or_init(|| std::env::var(RAYON_NUM_THREADS).ok());
    if cfg!(target_os = "linux") && asked.is_none() {
        // SAFETY: there is no other thread yet that could read the environment.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(RAYON_NUM_THREADS, threads(0).to_string());
        }
    }
}

/// Without XDG_RUNTIME_DIR, Mesa's layer that chooses a device says so for each instance, as if it
/// mattered. The layer is left out then.
fn keep_layers_silent() {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    if cfg!(target_os = "linux") && unset("XDG_RUNTIME_DIR") && unset("MESA_VK_DEVICE_SELECT") {
        // SAFETY: there is no other thread yet that could read the environment.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("NODEVICE_SELECT", "1");
        }
    }
}

/// A file that grows beyond a limit (`ulimit -f`) is an error where it is written, as a full disk
/// is, and not the end of the process.
fn hear_of_files_that_are_too_long() {
    #[cfg(unix)]
    // SAFETY: ignoring a signal runs no code.
    #[allow(unsafe_code)]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Sizes the pools of a command that does `work` on `wanted` threads, 0 for one per core; fewer,
/// with a note, where the system allows no more. Must come before anything is computed.
///
/// # Errors
/// If a limit of the system is too low.
pub fn limit(work: Work, wanted: usize) -> Result<(), LimitError> {
    if let Some(threads) = check_limits(work, wanted)? {
        output::warn(&format!(
            "note: the system lets this process start few threads (ulimit -u): each pool has \
             {threads}"
        ));
    }
    size_pool(wanted);
    Ok(())
}
