//! Which batches keep a device busy.

use candle_core::Device;
use marionette::run::{RunConfig, step_rate};
use serde::Serialize;
use std::fmt::{self, Display};

/// Samples a batch that are tried.
const TRIED: [usize; 5] = [8, 16, 32, 64, 128];
/// Keypoints of the network that is tried; they hardly matter.
const KEYPOINTS: usize = 17;
/// How much slower than the fastest batches good ones may be.
const NEAR: f64 = 0.9;

/// How fast a device learns batches of several sizes.
#[derive(Serialize)]
pub struct Batches {
    /// The network.
    model: String,
    /// Samples of noise learned per second, by samples a batch.
    rates: Vec<(usize, f64)>,
    /// The smallest batches that are learned nearly as fast as the fastest: as many samples in
    /// small ones are more steps.
    good: usize,
}

impl Batches {
    /// Those of the default's network on `device`, up to the first size that it has no room for.
    /// `None` where it has room for none.
    pub fn try_out(device: &Device) -> Option<Self> {
        let config = RunConfig::default();
        let timed = |batch| {
            let config = RunConfig { batch, ..config.clone() };
            Some((batch, step_rate(&config, KEYPOINTS, device).ok()?))
        };
        let rates: Vec<(usize, f64)> = TRIED.into_iter().map_while(timed).collect();
        Some(Batches { model: config.model.clone(), good: good(&rates)?, rates })
    }
}

/// The smallest batches whose rate is nearly the greatest.
fn good(rates: &[(usize, f64)]) -> Option<usize> {
    let fastest = rates.iter().map(|(_, rate)| *rate).reduce(f64::max)?;
    rates.iter().find(|(_, rate)| *rate >= NEAR * fastest).map(|(batch, _)| *batch)
}

impl Display for Batches {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Batches { model, rates, good } = self;
        write!(f, "{model} learns, samples/s")?;
        for (i, (batch, rate)) in rates.iter().enumerate() {
            let (comma, of) = if i == 0 { (":", "in batches of ") } else { (",", "of ") };
            write!(f, "{comma} {rate:.0} {of}{batch}")?;
        }
        write!(f, "; batches of {good} are large enough")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_the_fast_ones_is_good() {
        assert_eq!(good(&[(8, 60.0), (16, 91.0), (32, 100.0), (64, 99.0)]), Some(16));
        assert_eq!(good(&[(8, 60.0)]), Some(8));
        assert_eq!(good(&[]), None);
    }
}
