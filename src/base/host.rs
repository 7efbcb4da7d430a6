//! Facts of the host: memory, disk, and the process's own use of them.

use super::job;
use std::num::NonZero;
use std::path::Path;

/// Most threads that are started: thousands would take longer to start than a run takes.
pub const MOST_THREADS: usize = 512;

/// The number of threads for the CPU's work: as many as were asked for, or else as many as
/// RAYON_NUM_THREADS says or there are cores, within [`MOST_THREADS`].
pub fn threads(asked: Option<usize>) -> usize {
    let from_environment = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok();
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let wanted = asked.or_else(from_environment).filter(|&count| count > 0);
    wanted.unwrap_or_else(cores).min(MOST_THREADS)
}

/// Returns the bytes of memory that the system calls available to new work, within what it lets the
/// job take; on systems that do not tell (others than Linux) an amount that most machines have.
pub fn available_memory() -> u64 {
    const ASSUMED: u64 = 4 << 30;
    let free = kilobytes_of("/proc/meminfo", "MemAvailable:").map_or(ASSUMED, |kb| kb * 1024);
    free.min(job::memory_left().unwrap_or(u64::MAX))
}

/// Writes bytes with a unit that reads well.
pub fn amount(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut number, mut unit) = (bytes as f64, 0);
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} bytes"),
        _ if number < 99.95 => format!("{number:.1} {}", UNITS[unit]),
        _ => format!("{number:.0} {}", UNITS[unit]),
    }
}

/// Returns the process's peak resident memory in bytes, where the system tells it.
pub fn peak_memory() -> Option<u64> {
    if let Some(kb) = kilobytes_of("/proc/self/status", "VmHWM:") {
        return Some(kb * 1024);
    }
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
        // The unit is the system's choice: bytes on Apple's, kilobytes elsewhere.
        let unit = if cfg!(target_vendor = "apple") {
            1
        } else {
            1024
        };
        u64::try_from(peak).ok().map(|peak| peak * unit)
    }
    #[cfg(not(unix))]
    None
}

/// Returns the longest part of a path that exists; the working directory for a relative path of
/// which nothing exists.
pub fn existing_part(path: &Path) -> &Path {
    path.ancestors()
        .find(|part| !part.as_os_str().is_empty() && part.exists())
        .unwrap_or(Path::new("."))
}

/// Returns the bytes that the file system of a path's existing part has left for the user; `None`
/// where the system does not tell (others than Unix).
pub fn free_disk(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let space = nix::sys::statvfs::statvfs(existing_part(path)).ok()?;
        // The types of these fields are the system's choice.
        #[allow(clippy::unnecessary_cast)]
        let (blocks, block_bytes) = (
            space.blocks_available() as u64,
            space.fragment_size() as u64,
        );
        blocks.checked_mul(block_bytes)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Returns whether the process may write to a folder, as far as the system tells beforehand.
pub fn is_writable(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use nix::unistd::{AccessFlags, access};
        access(folder, AccessFlags::W_OK).is_ok()
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        true
    }
}

fn kilobytes_of(path: &str, key: &str) -> Option<u64> {
    kilobytes(&std::fs::read_to_string(path).ok()?, key)
}

/// The number behind a key in one of the system's tables.
pub(super) fn kilobytes(table: &str, key: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// Host memory that a run may take by default: three quarters of what is available, for
/// others come and go while it runs.
pub fn default_host_bytes() -> u64 {
    available_memory() / 4 * 3
}
