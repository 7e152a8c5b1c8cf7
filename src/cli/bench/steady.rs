//! `bench memory`: resident memory while the generator draws a great many tiles.

use super::{context::Bench, feed::feed, memory::resident_bytes};
use marionette::stream::{Policy, StreamMix};
use serde::Serialize;
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// What was measured.
#[derive(Serialize)]
pub struct MemoryReport {
    /// Side lengths of a tile, pixels.
    size: [u32; 2],
    /// Tiles drawn and bytes of resident memory after each tenth of them; no bytes where the system
    /// does not say.
    tenths: Vec<(u64, Option<u64>)>,
    /// Resident memory at the end over that after the first tenth.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<f64>,
}

/// Draws `draws` tiles of the network's size and lets them go.
///
/// # Errors
/// Where drawing fails.
pub fn measure(bench: &Bench, draws: u64) -> anyhow::Result<MemoryReport> {
    let policy = Arc::new(Policy::initial(StreamMix::default(), bench.config.curriculum.bins));
    let (mut seen, mut tenths) = (0, Vec::new());
    feed(bench, &bench.scene, bench.tiles, &policy, |batch| {
        seen += batch.tiles.len() as u64;
        drop(batch);
        if seen * 10 >= draws * (tenths.len() as u64 + 1) {
            tenths.push((seen, resident_bytes()));
            bench.doing(format_args!("memory, {seen} of {draws} tiles"));
        }
        Ok((seen >= draws).then_some(()))
    })?;
    let of = |entry: Option<&(u64, Option<u64>)>| {
        entry.and_then(|(_, bytes)| *bytes).map(|bytes| bytes as f64)
    };
    let growth = of(tenths.last()).zip(of(tenths.first())).map(|(end, start)| end / start);
    let image = bench.scene.image;
    Ok(MemoryReport { size: [image.width, image.height], tenths, growth })
}

impl Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [width, height] = self.size;
        write!(f, "\nResident memory while tiles of {width}x{height} are drawn")?;
        for (tiles, bytes) in &self.tenths {
            match bytes {
                Some(bytes) => write!(
                    f,
                    "\n    {tiles:>9} tiles  {:>6.1} MiB",
                    *bytes as f64 / f64::from(1 << 20)
                )?,
                None => write!(f, "\n    {tiles:>9} tiles  this system does not say (Linux does)")?,
            }
        }
        match self.growth {
            Some(growth) => {
                write!(f, "\n    the end over the first tenth: {:+.1} %", 100.0 * (growth - 1.0))
            }
            None => Ok(()),
        }
    }
}
