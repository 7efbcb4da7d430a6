//! Facts of the machine that is measured.

use super::file::{Machine, Program};
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
    }
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
    fn the_machine_has_cores_and_memory() {
        let machine = machine();
        assert!(machine.threads > 0 && machine.memory_bytes > Some(1 << 20));
        assert!(!machine.os.is_empty());
    }
}
