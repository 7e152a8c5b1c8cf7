//! How many threads a run uses and whether the memory is there that it needs.

use super::{
    ConfigError, RunConfig,
    limits::{address_space, most_threads},
};
use marionette_nn::HeatmapNetwork;
use marionette_train::trainer::Flips;
use std::{fs, thread};

/// Threads to use: as many as `wanted`, where that is 0 one per core, but no more than the system
/// allows ([`check_limits`](super::check_limits)).
pub fn threads(wanted: usize) -> usize {
    let threads = if wanted > 0 { wanted } else { cores() };
    threads.min(most_threads())
}

pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Sizes the one pool of all that computes: kernels, physics, labels. With 0 it is rayon's own,
/// which RAYON_NUM_THREADS sizes. The renderer's pool takes the same number
/// ([`marionette_render::generator::PoolConfig::threads`]); the two take turns, since neither
/// waits for the other while it has work.
pub fn size_pool(wanted: usize) {
    let limited = most_threads() < usize::MAX;
    if wanted > 0 || limited {
        // An error means that a pool exists already; it computes the same, if not with as many
        // threads.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads(wanted)).build_global();
    }
}

/// Checks that a step of `network` fits into `available` bytes. It checks nothing where a GPU
/// trains or the system does not say how much is free.
///
/// # Errors
/// With the batch size that was found, what it needs, and the largest that would fit.
pub(super) fn check_memory(
    config: &RunConfig,
    network: &HeatmapNetwork,
    available: Option<u64>,
) -> Result<(), ConfigError> {
    let Some(available) = available.filter(|_| network.parameters().device().is_cpu()) else {
        return Ok(());
    };
    let rows = if config.flips == Flips::Both { 2 } else { 1 };
    let needed = |batch: usize| network.training_bytes(rows * batch);
    if needed(config.batch) <= available {
        return Ok(());
    }
    let fitting = (1..config.batch).rev().find(|batch| needed(*batch) <= available);
    let gibibytes = |bytes: u64| bytes as f64 / f64::from(1u32 << 30);
    Err(ConfigError::one(
        "batch",
        format!(
            "found {}, for which {} needs about {:.1} GiB of memory where {:.1} are free; \
             expected {}",
            config.batch,
            config.model,
            gibibytes(needed(config.batch)),
            gibibytes(available),
            fitting.map_or("a machine with more memory".to_owned(), |batch| format!(
                "at most {batch}"
            ))
        ),
    ))
}

/// Memory that this process can still get, if the system says so: the least of the free memory,
/// what the process' control group has left, and what its limits leave. Copies of files count as
/// free: the system drops them where memory is asked for.
pub fn available_bytes() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10;
    let group = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok();
    let number = |file: &str| group(file)?.trim().parse::<u64>().ok();
    let copies = group("memory.stat").map_or(0, |stat| copied(&stat));
    let left = number("memory.max")
        .zip(number("memory.current"))
        .map(|(most, used)| most.saturating_sub(used.saturating_sub(copies)));
    let free = left.map_or(free, |left| left.min(free));
    let addresses =
        address_space().map(|most| most.saturating_sub(status_kib("VmSize").unwrap_or(0) << 10));
    Some(addresses.map_or(free, |addresses| addresses.min(free)))
}

/// Bytes of files that a control group whose `memory.stat` this is holds copies of.
fn copied(stat: &str) -> u64 {
    let names = ["active_file ", "inactive_file "];
    let count = |name| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    names.into_iter().map(|name| count(name).unwrap_or(0u64)).sum()
}

/// What the system says of this process' memory under a name such as `VmRSS`, KiB; `None` where it says
/// nothing, as all but Linux.
pub fn status_kib(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use marionette_nn::build;

    #[test]
    fn a_batch_too_large_for_the_memory_is_named_with_one_that_fits() {
        let config = RunConfig { batch: 64, ..RunConfig::default() };
        let network = build("nano", 17, 1, &Device::Cpu).unwrap();
        let check = |available| {
            check_memory(&config, &network, available).map_err(|error| error.to_string())
        };
        let enough = network.training_bytes(64);
        assert_eq!(check(Some(enough)), Ok(()));
        assert_eq!(check(None), Ok(()));
        let message = check(Some(network.training_bytes(40))).unwrap_err();
        let parts = [
            "batch: found 64, for which nano needs about 0.",
            " GiB of memory where 0.",
            "expected at most 40",
        ];
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        assert!(check(Some(1 << 20)).unwrap_err().contains("a machine with more memory"));

        let both = RunConfig { flips: Flips::Both, ..config };
        let message = check_memory(&both, &network, Some(enough)).unwrap_err().to_string();
        assert!(message.contains("expected at most 32"), "{message}");
    }

    #[test]
    fn copies_of_files_are_told_from_other_memory() {
        let stat =
            "anon 7\nfile 300\ninactive_file 100\nactive_file 20\nworkingset_refault_file 9\n";
        assert_eq!([copied(stat), copied("")], [120, 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_system_tells_its_memory() {
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
