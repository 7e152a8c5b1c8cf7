//! `marionette doctor`: what this machine has to draw and train with, what is missing, and how to
//! get it.

mod batches;

use super::{
    CommandError, output,
    process::{asked_threads, limit},
};
use anyhow::{Context, anyhow};
use batches::Batches;
use clap::Args;
use marionette::base::json_file::json_text;
use marionette::render::generator::batches_at_once;
use marionette::render::{AdapterReport, RendererConfig, find_adapter, headless_app};
use marionette::run::{RunConfig, Work, available_bytes, device_name, open_device, threads};
use marionette::scene::pictures::PictureBank;
use serde::Serialize;
use std::{
    fmt::{self, Display},
    fs,
};

/// Find out what this machine draws and trains with, what is missing, and how to get it.
///
/// Exits 0 where everything that is needed is there, 1 where something is missing.
///
/// Example: marionette doctor --json
#[derive(Args)]
pub struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The versions that this program is built with; a test holds them to `Cargo.lock`.
const VERSIONS: [(&str, &str); 5] = [
    ("marionette", env!("CARGO_PKG_VERSION")),
    ("bevy", "0.19.1"),
    ("candle-core", "0.11.1"),
    ("rapier3d", "0.35.0-glamx0.2"),
    ("wgpu", "29.0.4"),
];

/// Everything that was found.
#[derive(Serialize)]
struct Findings {
    versions: Vec<(&'static str, &'static str)>,
    /// `None` where there is none.
    adapter: Option<AdapterReport>,
    /// Whether a test tile came out as it must; `None` where there is nothing to draw it with.
    draws: Option<bool>,
    devices: Vec<Device>,
    cpus: usize,
    /// What `lag = "auto"` comes to with batches of the default's size.
    lag: usize,
    /// What RAYON_NUM_THREADS is set to.
    rayon_num_threads: Option<String>,
    cpu_features: Vec<CpuFeature>,
    /// Memory that can still be used, bytes; `None` where the system does not say.
    available_memory_bytes: Option<u64>,
    /// What has to be done before anything works.
    missing: Vec<String>,
}

/// A device to train on.
#[derive(Serialize)]
struct Device {
    name: &'static str,
    usable: bool,
    /// What it is called, or why it cannot be used.
    detail: String,
    /// How fast it learns batches of several sizes; absent where something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    batches: Option<Batches>,
}

/// Something that the processor has or has not.
#[derive(Serialize)]
struct CpuFeature {
    name: &'static str,
    found: bool,
}

/// Runs `marionette doctor`.
pub fn doctor(args: DoctorArgs) -> Result<(), CommandError> {
    let findings = find();
    let text = if args.json {
        json_text(&findings).context("the findings").map_err(CommandError::Failed)?
    } else {
        findings.to_string()
    };
    output::say(text.trim_end());
    if findings.missing.is_empty() {
        Ok(())
    } else {
        Err(CommandError::Failed(anyhow!("{}", findings.missing.join("; "))))
    }
}

fn find() -> Findings {
    let mut missing = Vec::new();
    // Where the system allows too little, looking for a driver says something else, or crashes.
    let limited = limit(Work::Render, 0).map_err(|error| missing.push(error.to_string()));
    let adapter = limited.ok().and_then(|()| {
        let found = find_adapter().map_err(|_| {
            missing.push(format!("no Vulkan, Metal or DX12 driver was found: {}", driver_remedy()))
        });
        found.ok()
    });
    let draws = adapter.as_ref().map(|_| {
        let drawn = headless_app(
            RendererConfig { tiles: 1, width: 64, height: 64, threads: threads(0) },
            &PictureBank::empty(),
        );
        drawn.map_err(|error| missing.push(format!("a test tile cannot be drawn: {error}"))).is_ok()
    });
    let devices =
        ["cpu", "cuda:0", "metal"].into_iter().map(|name| device(name, missing.is_empty()));
    Findings {
        versions: VERSIONS.to_vec(),
        adapter,
        draws,
        devices: devices.collect(),
        cpus: threads(0),
        lag: batches_at_once(threads(0), RunConfig::default().batch),
        rayon_num_threads: asked_threads(),
        cpu_features: cpu_features(),
        available_memory_bytes: available_bytes(),
        missing,
    }
}

fn device(name: &'static str, timed: bool) -> Device {
    match open_device(name) {
        Ok(device) => {
            let batches = timed.then(|| Batches::try_out(&device)).flatten();
            Device { name, usable: true, detail: device_name(&device), batches }
        }
        Err(error) => {
            Device { name, usable: false, detail: error.reason().to_owned(), batches: None }
        }
    }
}

/// How to get a driver on this system.
fn driver_remedy() -> String {
    if cfg!(target_os = "macos") {
        return "macOS brings Metal; a virtual machine has to be given a graphics device"
            .to_owned();
    }
    if cfg!(windows) {
        return "Windows brings DX12; install the graphics card's driver".to_owned();
    }
    let forced = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok()?)));
    if let Some((name, value)) = forced {
        return format!(
            "{name} is set to \"{value}\", and no other driver is looked for; unset it or name a \
             driver's JSON file"
        );
    }
    install_command(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// What installs a software driver on the system that `os_release` describes.
fn install_command(os_release: &str) -> String {
    // ID is the distribution itself, ID_LIKE those that it descends from.
    let ids = |key: &str| {
        let value = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value
            .unwrap_or_default()
            .trim_matches('"')
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let command = ids("ID").into_iter().chain(ids("ID_LIKE")).find_map(|id| match id.as_str() {
        "debian" | "ubuntu" => Some("apt-get install mesa-vulkan-drivers libvulkan1"),
        "fedora" | "rhel" | "centos" => Some("dnf install mesa-vulkan-drivers vulkan-loader"),
        "arch" => Some("pacman -S vulkan-swrast vulkan-icd-loader"),
        "alpine" => Some("apk add mesa-vulkan-swrast vulkan-loader"),
        "suse" | "opensuse" => Some("zypper install libvulkan_lvp libvulkan1"),
        _ => None,
    });
    match command {
        Some(command) => format!("`{command}` brings a software one"),
        None => "install the Vulkan loader and the graphics card's driver, or Mesa's software \
                 driver (lavapipe)"
            .to_owned(),
    }
}

/// What speeds up training on this kind of processor.
fn cpu_features() -> Vec<CpuFeature> {
    #[cfg(target_arch = "x86_64")]
    let found = vec![
        CpuFeature { name: "avx2", found: std::arch::is_x86_feature_detected!("avx2") },
        CpuFeature { name: "fma", found: std::arch::is_x86_feature_detected!("fma") },
        CpuFeature { name: "avx512f", found: std::arch::is_x86_feature_detected!("avx512f") },
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let found = Vec::new();
    found
}

impl Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        writeln!(f, "versions    {}", versions.join(", "))?;
        match &self.adapter {
            Some(AdapterReport { name, driver, backend, software }) => {
                let software = if *software { ", in software" } else { "" };
                writeln!(f, "drawing     {name} ({backend}, {driver}{software})")?;
            }
            None => writeln!(f, "drawing     nothing to draw with")?,
        }
        match self.draws {
            Some(true) => writeln!(f, "test tile   comes out as it must")?,
            Some(false) => writeln!(f, "test tile   fails")?,
            None => writeln!(f, "test tile   not drawn")?,
        }
        for (i, Device { name, usable, detail, .. }) in self.devices.iter().enumerate() {
            let title = if i == 0 { "training" } else { "" };
            let detail = if *usable { "usable" } else { detail };
            writeln!(f, "{title:<12}{name}: {detail}")?;
        }
        let timed =
            self.devices.iter().filter_map(|device| Some((device, device.batches.as_ref()?)));
        for (i, (Device { name, .. }, batches)) in timed.enumerate() {
            let title = if i == 0 { "batch" } else { "" };
            writeln!(f, "{title:<12}{name}: {batches}")?;
        }
        let rayon = self
            .rayon_num_threads
            .as_ref()
            .map_or(String::new(), |n| format!(" (RAYON_NUM_THREADS is {n})"));
        let has =
            |wanted| self.cpu_features.iter().filter(move |f| f.found == wanted).map(|f| f.name);
        let listed = |wanted| has(wanted).collect::<Vec<_>>().join(", ");
        write!(f, "processor   {} cores{rayon}", self.cpus)?;
        for (text, wanted) in [("has", true), ("lacks", false)] {
            if has(wanted).next().is_some() {
                write!(f, "; {text} {}", listed(wanted))?;
            }
        }
        let batch = RunConfig::default().batch;
        write!(f, "\nlag         {} batches of {batch} keep the cores busy", self.lag)?;
        if let Some(bytes) = self.available_memory_bytes {
            write!(f, "\nmemory      {} MiB available", bytes >> 20)?;
        }
        match self.missing.as_slice() {
            [] => write!(f, "\nEverything that is needed is there."),
            missing => missing.iter().try_for_each(|what| write!(f, "\nMISSING     {what}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        for (name, version) in VERSIONS {
            assert!(
                lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
                "{name} is not {version}"
            );
        }
    }

    #[test]
    fn every_distribution_has_its_own_command() {
        let cases = [
            ("ID=debian\n", "apt-get"),
            ("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get"),
            ("ID=fedora\n", "dnf"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf"),
            ("ID=arch\n", "pacman"),
            ("ID=alpine\n", "apk"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "zypper"),
            ("ID=haiku\n", "lavapipe"),
            ("", "lavapipe"),
        ];
        for (os_release, part) in cases {
            assert!(install_command(os_release).contains(part), "{os_release:?}");
        }
    }
}
