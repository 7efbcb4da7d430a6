//! What the system lets a job take of the memory: control groups, of batch systems, of systemd and
//! of containers, and the limit of the address space.

use std::path::{Path, PathBuf};

/// Reads a file of the system; `None` where it is not there.
type ReadFile<'r> = &'r dyn Fn(&Path) -> Option<String>;

/// The bytes of memory that the limits of this process leave it, where there is any limit.
pub(super) fn memory_left() -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let groups = left_by_groups(&read);
    groups.into_iter().chain(left_of_address_space(&read)).min()
}

/// The bytes that the control groups of the process leave it: the one that it is in and all above
/// it, of either version.
fn left_by_groups(read: ReadFile<'_>) -> Option<u64> {
    let text = |path: &str| read(Path::new(path)).unwrap_or_default();
    let (groups, mounts) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
    let left = |version: &Version| {
        let group = groups.lines().find_map(|line| version.group(line))?;
        let hierarchies = version.hierarchies(&mounts).into_iter();
        let folders = hierarchies.flat_map(|hierarchy| hierarchy.folders(group));
        folders
            .filter_map(|folder| version.left(&folder, read))
            .min()
    };
    [VERSION_1, VERSION_2].iter().filter_map(left).min()
}

/// How a version of control groups shows itself.
struct Version {
    /// Type of its file system.
    file_system: &'static str,
    /// The controller that counts memory, where each has a hierarchy of its own.
    controller: Option<&'static str>,
    /// Where it is mounted, whatever the list of mounts says, in which one may hide another.
    usual: &'static str,
    /// Files that hold a limit.
    limits: &'static [&'static str],
    /// File that holds what is used.
    used: &'static str,
    /// What of that the system takes back when it wants to, in memory.stat: files that were read.
    spare: &'static str,
}

const VERSION_1: Version = Version {
    file_system: "cgroup",
    controller: Some("memory"),
    usual: "/sys/fs/cgroup/memory",
    limits: &["memory.limit_in_bytes"],
    used: "memory.usage_in_bytes",
    spare: "total_inactive_file",
};

const VERSION_2: Version = Version {
    file_system: "cgroup2",
    controller: None,
    usual: "/sys/fs/cgroup",
    limits: &["memory.max", "memory.high"],
    used: "memory.current",
    spare: "inactive_file",
};

impl Version {
    /// The group in a line of /proc/self/cgroup, `4:memory:/job` or `0::/job`.
    fn group<'l>(&self, line: &'l str) -> Option<&'l str> {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let is_its = match self.controller {
            Some(name) => controllers.split(',').any(|controller| controller == name),
            None => controllers.is_empty(),
        };
        is_its.then_some(group)
    }

    /// Where the hierarchy may be mounted: as /proc/self/mountinfo has it, and in the usual place.
    fn hierarchies(&self, mounts: &str) -> Vec<Hierarchy> {
        // `31 23 0:28 ROOT POINT options ... - TYPE source options`
        let told = mounts.lines().filter_map(|line| {
            let (mount, kind) = line.split_once(" - ")?;
            let mut kind = kind.split(' ');
            let is_type = kind.next() == Some(self.file_system);
            let mut options = kind.nth(1).unwrap_or_default().split(',');
            let is_its = self
                .controller
                .is_none_or(|name| options.any(|option| option == name));
            let mut mount = mount.split(' ').skip(3);
            let (root, point) = (mount.next()?, mount.next()?);
            (is_type && is_its).then(|| Hierarchy {
                root: root.into(),
                point: point.into(),
            })
        });
        let usual = Hierarchy {
            root: "/".into(),
            point: self.usual.into(),
        };
        told.chain([usual]).collect()
    }

    /// What the limit of one group leaves, where it has one.
    fn left(&self, folder: &Path, read: ReadFile<'_>) -> Option<u64> {
        // "max" is no number, and no limit.
        let number = |name: &str| read(&folder.join(name))?.trim().parse::<u64>().ok();
        let limits = self.limits.iter().filter_map(|name| number(name));
        // Without a limit version 1 holds the largest number of pages.
        let limit = limits.filter(|&limit| limit < 1 << 62).min()?;
        let used = number(self.used).unwrap_or(0);
        let statistics = read(&folder.join("memory.stat")).unwrap_or_default();
        let spare = statistics.lines().find_map(|line| {
            let (name, bytes) = line.split_once(' ')?;
            (name == self.spare).then(|| bytes.trim().parse::<u64>().ok())?
        });
        let used = used.saturating_sub(spare.unwrap_or(0));
        Some(limit.saturating_sub(used))
    }
}

/// A hierarchy of control groups as far as it can be seen.
struct Hierarchy {
    /// Its group that is mounted.
    root: PathBuf,
    /// Where that is mounted.
    point: PathBuf,
}

impl Hierarchy {
    /// The folders of a group and of all above it that can be seen.
    fn folders(&self, group: &str) -> Vec<PathBuf> {
        let group = Path::new(group);
        // Of a group beside what is mounted only that itself is seen, as in some containers.
        let below = group.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let above = below.ancestors();
        above.map(|group| self.point.join(group)).collect()
    }
}

/// The bytes that the limit of the address space (`ulimit -v`) leaves.
#[cfg(unix)]
fn left_of_address_space(read: ReadFile<'_>) -> Option<u64> {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    let (limit, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    if limit == RLIM_INFINITY {
        return None;
    }
    let status = read(Path::new("/proc/self/status")).unwrap_or_default();
    let used = super::host::kilobytes(&status, "VmSize:").unwrap_or(0) * 1024;
    Some(limit.saturating_sub(used))
}

#[cfg(not(unix))]
fn left_of_address_space(_: ReadFile<'_>) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const MOUNTS_2: &str = "\
        24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
        31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

    /// What is left where the system has these files.
    fn left(files: &[(&str, &str)]) -> Option<u64> {
        let files: BTreeMap<&Path, &str> = files
            .iter()
            .map(|&(path, text)| (Path::new(path), text))
            .collect();
        left_by_groups(&|path| files.get(path).map(|text| (*text).to_owned()))
    }

    #[test]
    fn a_job_of_slurm_on_version_2() {
        let job = "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_1";
        let of_job = |name: &str| format!("{job}/{name}");
        let of_task = |name: &str| format!("{job}/step_0/user/task_0/{name}");
        let group = "0::/system.slice/slurmstepd.scope/job_1/step_0/user/task_0\n";
        let (maximum, current) = (of_job("memory.max"), of_job("memory.current"));
        let (task_maximum, task_current) = (of_task("memory.max"), of_task("memory.current"));
        let mut files = vec![
            ("/proc/self/cgroup", group),
            ("/proc/self/mountinfo", MOUNTS_2),
            (maximum.as_str(), "2147483648\n"),
            (current.as_str(), "1000000\n"),
            (task_maximum.as_str(), "max\n"),
            (task_current.as_str(), "900000\n"),
        ];
        assert_eq!(left(&files), Some(2_146_483_648));
        // The smallest counts, whichever it is.
        files[4].1 = "1000000";
        assert_eq!(left(&files), Some(100_000));
        files[4].1 = "4000000000";
        assert_eq!(left(&files), Some(2_146_483_648));
        // What is mounted in the usual place counts, be another one told.
        files[1].1 = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(left(&files), Some(2_146_483_648));
    }

    #[test]
    fn a_service_of_systemd_with_files_in_memory() {
        let group = "/sys/fs/cgroup/system.slice/run-r1.scope";
        let names = ["memory.max", "memory.high", "memory.current", "memory.stat"];
        let paths = names.map(|name| format!("{group}/{name}"));
        let statistics = "anon 100\nfile 700\nactive_file 100\ninactive_file 600\n";
        let texts = ["1000\n", "900\n", "800\n", statistics];
        let mut files = vec![
            ("/proc/self/cgroup", "0::/system.slice/run-r1.scope\n"),
            ("/proc/self/mountinfo", MOUNTS_2),
        ];
        let of_group = paths.iter().map(String::as_str).zip(texts);
        files.extend(of_group);
        assert_eq!(left(&files), Some(700));
        files[3].1 = "max\n";
        assert_eq!(left(&files), Some(800));
        files[2].1 = "max\n";
        assert_eq!(left(&files), None);
    }

    #[test]
    fn a_container_with_a_namespace_of_its_own() {
        let files = [
            ("/proc/self/cgroup", "0::/\n"),
            ("/proc/self/mountinfo", MOUNTS_2),
            ("/sys/fs/cgroup/memory.max", "536870912\n"),
            ("/sys/fs/cgroup/memory.current", "36870912\n"),
        ];
        assert_eq!(left(&files), Some(500_000_000));
        // And a container within, whose own group cannot be seen.
        let mut files = files;
        files[0].1 = "0::/../other\n";
        assert_eq!(left(&files), Some(500_000_000));
    }

    #[test]
    fn version_1_as_a_job_and_in_a_container() {
        let groups =
            "12:pids:/docker/abc\n4:cpuset,memory:/slurm/uid_7/job_2\n1:name=systemd:/\n0::/\n";
        let mounts = "\
            35 31 0:32 / /sys/fs/cgroup/cpuset,memory rw - cgroup cgroup rw,cpuset,memory\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let folder = "/sys/fs/cgroup/cpuset,memory";
        let job = format!("{folder}/slurm/uid_7/job_2");
        let (limit, used) = (
            format!("{job}/memory.limit_in_bytes"),
            format!("{job}/memory.usage_in_bytes"),
        );
        let root = format!("{folder}/memory.limit_in_bytes");
        let mut files = vec![
            ("/proc/self/cgroup", groups),
            ("/proc/self/mountinfo", mounts),
            (limit.as_str(), "3000\n"),
            (used.as_str(), "1000\n"),
            (root.as_str(), "9223372036854771712\n"),
        ];
        assert_eq!(left(&files), Some(2000));
        files[2].1 = "9223372036854771712\n";
        assert_eq!(left(&files), None);

        // A container sees its own group as the root of what is mounted.
        let files = [
            ("/proc/self/cgroup", "4:memory:/docker/abc/inner\n"),
            (
                "/proc/self/mountinfo",
                "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro master:17 - cgroup cgroup rw,memory\n",
            ),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "5000"),
            ("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "4000"),
            ("/sys/fs/cgroup/memory/inner/memory.usage_in_bytes", "1000"),
            (
                "/sys/fs/cgroup/memory/inner/memory.stat",
                "total_inactive_file 400\n",
            ),
        ];
        assert_eq!(left(&files), Some(3400));
    }

    #[test]
    fn systems_without_control_groups_have_no_limit() {
        assert_eq!(left(&[]), None);
        assert_eq!(left(&[("/proc/self/cgroup", "nonsense\n0:\n::\n")]), None);
    }
}
