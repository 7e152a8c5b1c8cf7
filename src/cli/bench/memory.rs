//! The most memory that was in use at once, where the system keeps count.

use marionette::run::status_kib;
use std::fs;

/// Peak memory since some moment.
pub struct Peak {
    counting: bool,
}

impl Peak {
    /// Starts counting anew.
    pub fn since_now() -> Self {
        // "5" makes Linux forget the peak so far. Elsewhere, and where it is not permitted, there
        // is nothing to report.
        Peak {
            counting: cfg!(target_os = "linux") && fs::write("/proc/self/clear_refs", "5").is_ok(),
        }
    }

    /// Bytes of resident memory at the highest.
    pub fn bytes(&self) -> Option<u64> {
        if self.counting { bytes("VmHWM") } else { None }
    }
}

/// Bytes of resident memory now.
pub fn resident_bytes() -> Option<u64> {
    bytes("VmRSS")
}

fn bytes(name: &str) -> Option<u64> {
    status_kib(name).map(|kib| kib << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_counts() {
        let peak = Peak::since_now();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        // A system that does not permit the reset reports nothing.
        assert!(peak.bytes().is_none_or(|bytes| bytes > block.len() as u64));
    }
}
