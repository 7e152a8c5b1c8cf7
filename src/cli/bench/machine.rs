//! What the figures were measured on.

use super::context::Bench;
use marionette::render::{AdapterReport, find_adapter};
use marionette::run::{device_name, open_device, threads};
use serde::Serialize;
use std::fmt::{self, Display};

/// The machine and the program.
#[derive(Serialize)]
pub struct Machine {
    /// Version of the program.
    version: &'static str,
    /// Processors that the program may use.
    cpus: usize,
    /// Threads of each pool.
    threads: usize,
    /// What draws, if anything is to be drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter: Option<AdapterReport>,
    /// What trains.
    device: String,
}

impl Machine {
    /// This machine; its graphics adapter only where `draws`.
    ///
    /// # Errors
    /// Where there is nothing to draw or train with.
    pub fn find(bench: &Bench, draws: bool) -> anyhow::Result<Self> {
        Ok(Machine {
            version: env!("CARGO_PKG_VERSION"),
            cpus: threads(0),
            threads: bench.threads,
            adapter: draws.then(find_adapter).transpose()?,
            device: device_name(&open_device(&bench.config.device)?),
        })
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Machine { version, cpus, threads, adapter, device } = self;
        write!(f, "marionette {version}; CPUs {cpus}; threads {threads}; ")?;
        if let Some(AdapterReport { name, driver, backend, software }) = adapter {
            let software = if *software { ", software" } else { "" };
            write!(f, "drawing on {name} ({backend}, {driver}{software}); ")?;
        }
        write!(f, "training on {device}")
    }
}
