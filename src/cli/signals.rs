//! Signals that ask a run to stop.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Whether the run was asked to stop, and by which signal.
#[derive(Clone, Default)]
pub struct StopSignal {
    stop: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
}

impl StopSignal {
    /// Listens for the signals that end a program: SIGINT (Ctrl-C), SIGTERM and SIGHUP, but none
    /// that the process was started to ignore, as under nohup. A second one ends the process at
    /// once, whatever its threads wait for: checkpoints are complete or absent, so nothing is lost
    /// by it.
    ///
    /// # Errors
    /// If the system refuses.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use signal_hook::{consts, flag};
        let signal = StopSignal::default();
        for number in [consts::SIGINT, consts::SIGTERM, consts::SIGHUP] {
            if is_ignored(number) {
                continue;
            }
            // In this order: the first signal finds the flag unset.
            flag::register_conditional_shutdown(number, 128 + number, signal.stop.clone())?;
            flag::register_usize(number, signal.number.clone(), number as usize)?;
            flag::register(number, signal.stop.clone())?;
        }
        Ok(signal)
    }

    /// Listens for Ctrl-C. A second one ends the process at once: checkpoints are complete or
    /// absent, so nothing is lost by it.
    ///
    /// # Errors
    /// If the system refuses.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        const SIGINT: usize = 2;
        let signal = StopSignal::default();
        let heard = signal.clone();
        ctrlc::set_handler(move || {
            heard.number.store(SIGINT, Ordering::SeqCst);
            if heard.stop.swap(true, Ordering::SeqCst) {
                std::process::exit(128 + SIGINT as i32);
            }
        })
        .map_err(io::Error::other)?;
        Ok(signal)
    }

    /// What is set once the run is asked to stop.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// How a program exits that was stopped: 128 and the signal's number. `None` while none has
    /// come.
    pub fn exit_code(&self) -> Option<u8> {
        let number = self.number.load(Ordering::SeqCst);
        (number > 0).then(|| 128 + number as u8)
    }
}

/// Whether the process was started to ignore this signal.
#[cfg(unix)]
fn is_ignored(number: libc::c_int) -> bool {
    // SAFETY: all zeros are a value of this plain struct, and with no new action `sigaction` only
    // writes the present one into it.
    #[allow(unsafe_code)]
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(number, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
