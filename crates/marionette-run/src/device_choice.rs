//! Which device trains fastest, where there are several and none was named.

use super::{
    RunConfig, TRAINER_STACK,
    device::{allow_tf32, first_line, open_device},
};
use candle_core::Device;
use marionette_nn::ModelError;
use marionette_train::rehearsal::Rehearsal;
use std::{
    fmt::{self, Display},
    thread,
    time::{Duration, Instant},
};

/// Steps before the clock starts: the first ones load kernels and take memory.
const WARM_UP: usize = 3;
/// For how long a device is timed.
const TRIAL: Duration = Duration::from_millis(500);

/// A device that was tried.
#[derive(Debug)]
pub struct TriedDevice {
    /// Its name, as `--device` takes it.
    pub name: &'static str,
    /// Samples of noise that it learns per second, or why it fails.
    pub rate: Result<f64, String>,
}

impl Display for TriedDevice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.rate {
            Ok(rate) => write!(f, "{} learns {rate:.0} samples/s", self.name),
            Err(reason) => write!(f, "{} fails ({reason})", self.name),
        }
    }
}

/// Which of several devices is taken, and why; the first of `tried`, which must not be empty.
pub fn describe_choice(tried: &[TriedDevice]) -> String {
    let all: Vec<String> = tried.iter().map(ToString::to_string).collect();
    format!("device {}: {}; `--device` names another", tried[0].name, all.join(", "))
}

/// Where `config` leaves the device to "auto", and build and machine have others than the CPU: puts
/// the one in its place that learns `config`'s network and batch fastest. Gives what was tried, the
/// fastest first; nothing where there was nothing to choose.
pub fn choose_device(config: &mut RunConfig, keypoints: usize) -> Vec<TriedDevice> {
    if config.device != "auto" {
        return Vec::new();
    }
    let opened = ["cuda:0", "metal", "cpu"]
        .into_iter()
        .filter_map(|name| Some((name, open_device(name).ok()?)))
        .collect();
    choose_of(opened, config, keypoints)
}

fn choose_of(
    opened: Vec<(&'static str, Device)>,
    config: &mut RunConfig,
    keypoints: usize,
) -> Vec<TriedDevice> {
    if opened.len() < 2 {
        return Vec::new();
    }
    let try_out = |(name, device): (&'static str, Device)| {
        let rate = allow_tf32(config.tf32 && device.is_cuda(), &device)
            .map_err(|error| first_line(&error))
            .and_then(|()| step_rate(config, keypoints, &device));
        TriedDevice { name, rate }
    };
    let mut tried: Vec<TriedDevice> = opened.into_iter().map(try_out).collect();
    let rate = |tried: &TriedDevice| tried.rate.as_ref().copied().unwrap_or(-1.0);
    tried.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    // Where all of them fail, the run says why.
    if tried[0].rate.is_ok() {
        tried[0].name.clone_into(&mut config.device);
    }
    tried
}

/// Samples of noise that `device` learns in a second, of `config`'s network and batch.
///
/// # Errors
/// Where it fails, in one line; most often it has too little memory.
pub fn step_rate(config: &RunConfig, keypoints: usize, device: &Device) -> Result<f64, String> {
    let (config, device) = (config.clone(), device.clone());
    let timed = move || -> Result<f64, ModelError> {
        let RunConfig { model, batch, optimizer, seed, .. } = &config;
        let mut rehearsal = Rehearsal::new(model, [keypoints, *batch], optimizer, *seed, &device)?;
        for _ in 0..WARM_UP {
            rehearsal.learn()?;
        }
        let (began, mut steps) = (Instant::now(), 0);
        while steps == 0 || began.elapsed() < TRIAL {
            rehearsal.learn()?;
            steps += 1;
        }
        Ok((steps * batch) as f64 / began.elapsed().as_secs_f64())
    };
    // Candle's backward pass recurses, as in a run.
    let trial = thread::Builder::new().name("trial".into()).stack_size(TRAINER_STACK).spawn(timed);
    let joined = trial.map_err(|error| first_line(&error))?.join();
    joined.map_err(|_| "it failed unexpectedly".to_owned())?.map_err(|error| first_line(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[&str]) -> RunConfig {
        RunConfig::with_overrides(&settings.iter().copied().map(str::to_owned).collect::<Vec<_>>())
            .unwrap()
    }

    #[test]
    fn what_fails_comes_last_and_what_is_named_stays() {
        let mut auto = config(&["batch=2"]);
        let both = vec![("metal", Device::Cpu), ("cpu", Device::Cpu)];
        let tried = choose_of(both.clone(), &mut auto, 3);
        let rates: Vec<f64> = tried.iter().map(|tried| *tried.rate.as_ref().unwrap()).collect();
        assert!(rates[0] >= rates[1] && rates[1] > 0.0, "{rates:?}");
        assert_eq!(auto.device, tried[0].name);
        let words = describe_choice(&tried);
        assert!(words.starts_with(&format!("device {}: {}", auto.device, tried[0])), "{words}");

        let mut auto = config(&["batch=2"]);
        assert!(choose_of(both[1..].to_vec(), &mut auto, 3).is_empty(), "nothing to choose");
        assert_eq!(auto.device, "auto");
        let failing = choose_of(both, &mut auto, 0);
        assert_eq!(auto.device, "auto", "a network of no keypoints");
        assert!(failing[0].to_string().contains("metal fails"), "{}", failing[0]);

        let mut named = config(&["device=cpu", "batch=2"]);
        assert!(choose_device(&mut named, 3).is_empty());
        assert_eq!(named.device, "cpu");
    }
}
