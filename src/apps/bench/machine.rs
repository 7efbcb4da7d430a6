//! Facts of the machine that is measured.

use super::file::{Machine, Program};
use std::time::{SystemTime, UNIX_EPOCH};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Returns the versions of this program and of wgpu.
pub(super) fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wgpu: locked_version(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")),
            "wgpu",
        )
        .unwrap_or("unknown")
        .to_owned(),
    }
}

/// Finds the version of a package in a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"')
}

/// Describes the machine, as far as the system tells.
pub(super) fn machine() -> Machine {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok();
    let cpus = system.as_ref().map(System::cpus).unwrap_or_default();
    let brand = cpus.first().map(|cpu| cpu.brand().trim());
    Machine {
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        architecture: std::env::consts::ARCH.to_owned(),
        cpu: brand
            .filter(|brand| !brand.is_empty())
            .map(ToOwned::to_owned),
        cores: System::physical_core_count().ok(),
        threads: rayon::current_num_threads(),
        memory_bytes: system.map(|system| system.total_memory()),
        load: System::load_average().ok().map(|load| {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            (load.one / threads as f64).min(1.0)
        }),
    }
}

/// The time, in UTC, as `2026-01-31T12:00:00Z`.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    utc(since.map_or(0, |since| since.as_secs()))
}

/// Seconds since 1970 as a date and a time of day.
fn utc(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60];
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_package_is_that_of_its_entry() {
        let lock = "[[package]]\nname = \"wgpu-core\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wgpu\"\nversion = \"2.3.4\"\n";
        assert_eq!(locked_version(lock, "wgpu"), Some("2.3.4"));
        assert_eq!(locked_version(lock, "naga"), None);
        assert!(program().wgpu.starts_with(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn seconds_are_dates() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }

    #[test]
    fn the_machine_has_cores_and_memory() {
        let machine = machine();
        assert!(machine.threads > 0 && machine.memory_bytes > Some(1 << 20));
        assert!(!machine.os.is_empty());
    }
}
