//! The place of the output: what lies there already, places that cannot be written, disks that fill
//! up at the very end. Files appear whole or not at all, and what is not the project's own stays as
//! it is.

use crate::support::{BINARY, Outcome, Workplace, assert_same, files, images, snapshot};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Exit code of a run that failed.
const FAILED: i32 = 1;

/// A fluorophore's ground truth: the first file that a run would write.
const TRUTH: &str = "out/tissue/groundtruth/ATTO390/all_cells.tiff";
/// A channel: one of the last.
const CHANNEL: &str = "out/tissue/simulation/channel_1.tiff";
const RECORD: &str = "out/tissue/simulation.toml";

#[test]
fn a_file_where_a_folder_belongs() {
    for name in [
        "out",
        "out/tissue",
        "out/tissue/simulation",
        "out/tissue/groundtruth/ATTO390",
    ] {
        let workplace = Workplace::new();
        workplace.write(name, "mine");
        let words = [name, "is a file, but a folder is needed"];
        workplace.refuses(FAILED, &["config.toml"], &words);
        workplace.refuses(FAILED, &["config.toml", "--force"], &words);
    }
}

#[test]
fn a_folder_where_a_file_belongs() {
    let workplace = Workplace::new();
    workplace.write(&format!("{CHANNEL}/note.txt"), "mine");
    let words = [CHANNEL, "is a folder"];
    workplace.refuses(FAILED, &["config.toml"], &words);
    workplace.refuses(FAILED, &["config.toml", "--force"], &words);
}

#[test]
fn what_others_put_there_needs_force() {
    for name in [TRUTH, CHANNEL, RECORD] {
        let workplace = Workplace::new();
        workplace.write(name, "mine");
        workplace.write("out/tissue/notes.txt", "mine too");
        workplace.refuses(FAILED, &["config.toml"], &[name, "exists", "--force"]);
        workplace.simulate(&["--force"]);
        assert_ne!(fs::read(workplace.path(name)).unwrap(), b"mine", "{name}");
        let notes = workplace.path("out/tissue/notes.txt");
        assert_eq!(fs::read(notes).unwrap(), b"mine too");
    }
}

/// A run of the workplace that reads another volume.
fn reads(workplace: &Workplace, volume: &str) {
    let text = fs::read_to_string(workplace.path("config.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with("image_path"));
    let text = text.replace(line.unwrap(), &format!("image_path = \"{volume}\""));
    fs::write(workplace.path("second.toml"), text).unwrap();
}

#[test]
fn a_run_does_not_replace_what_it_reads() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let before = fs::read(workplace.path(TRUTH)).unwrap();
    // The truth of a run is the unchanged output of an earlier run, and the input of this one.
    let mut names = vec![TRUTH.to_owned(), format!("./out/../{TRUTH}")];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(TRUTH, workplace.path("link.tiff")).unwrap();
        fs::hard_link(workplace.path(TRUTH), workplace.path("same.tiff")).unwrap();
        names.extend(["link.tiff".to_owned(), "same.tiff".to_owned()]);
    }
    for name in names {
        reads(&workplace, &name);
        for args in [&["second.toml"][..], &["second.toml", "--force"]] {
            workplace.refuses(FAILED, args, &[TRUTH, "is read by this run", "--output"]);
            assert_eq!(fs::read(workplace.path(TRUTH)).unwrap(), before, "{name}");
        }
        let told = workplace.run(["check", "second.toml"]);
        let obstacle = told
            .stdout
            .lines()
            .find(|line| line.contains("would not start"));
        assert!(obstacle.is_some_and(|line| line.contains("is read by this run")));
        // Elsewhere it may go.
        workplace
            .run(["second.toml", "--output", "elsewhere"])
            .succeeded();
    }
}

#[test]
fn a_folder_of_slices_is_not_replaced_by_the_run_that_reads_it() {
    let workplace = Workplace::new();
    let images = ["--set", "output.format=image sequence"];
    workplace.simulate(&images);
    let folder = "out/tissue/groundtruth/ATTO390/all_cells";
    let before = snapshot(&workplace.path(folder));
    assert!(before.len() > 1);
    reads(&workplace, folder);
    for force in [&[][..], &["--force"]] {
        let args = [&["second.toml"], &images[..], force].concat();
        workplace.refuses(FAILED, &args, &[folder, "is read by this run"]);
        assert_same(&before, &snapshot(&workplace.path(folder)));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    for name in [RECORD, "out/tissue/.simulation.journal", TRUTH] {
        let workplace = Workplace::new();
        let pipe = workplace.path(name);
        fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for args in [&["config.toml"][..], &["config.toml", "--resume"]] {
            let outcome = workplace.run(args);
            assert_eq!(outcome.code, Some(FAILED), "{name}: {outcome:?}");
            assert!(outcome.tells(&[name]), "{name}: {outcome:?}");
        }
        workplace.run(["check", "config.toml"]).succeeded();
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_not_followed() {
    let workplace = Workplace::new();
    workplace.write("precious.tiff", "mine");
    fs::create_dir_all(workplace.path("out/tissue/simulation")).unwrap();
    let (precious, link) = (workplace.path("precious.tiff"), workplace.path(CHANNEL));
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    workplace.refuses(FAILED, &["config.toml"], &[CHANNEL, "--force"]);
    workplace.simulate(&["--force"]);
    assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&precious).unwrap(), b"mine");
}

/// Nor is one that has the name of a file which a run uses while it works.
#[cfg(unix)]
#[test]
fn links_under_the_names_of_temporary_files_are_not_followed() {
    let workplace = Workplace::new();
    workplace.write("precious.tiff", "mine");
    fs::create_dir_all(workplace.path("out/tissue/simulation")).unwrap();
    for name in [".simexm-gpu.lock", ".simulation.part"] {
        let link = workplace.path("out/tissue").join(name);
        std::os::unix::fs::symlink(workplace.path("precious.tiff"), link).unwrap();
    }
    // Whether the run refuses or clears them away is its own affair.
    workplace.run(["config.toml"]);
    assert_eq!(fs::read(workplace.path("precious.tiff")).unwrap(), b"mine");
}

#[test]
fn a_second_run_replaces_the_files_of_the_first() {
    let workplace = Workplace::new();
    let out = workplace.path("out");
    workplace.simulate(&[]);
    let first = images(&out);
    workplace.simulate(&["--seed", "8"]);
    let second = images(&out);
    assert!(first.keys().eq(second.keys()));
    assert_ne!(first, second);
    workplace.simulate(&[]);
    assert_eq!(images(&out), first);
}

#[test]
fn files_that_a_run_does_not_write_again_stay_and_stay_its_own() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let channel = fs::read(workplace.path(CHANNEL)).unwrap();
    workplace.simulate(&["--set", "output.sim_channels=merged", "--seed", "8"]);
    assert_eq!(fs::read(workplace.path(CHANNEL)).unwrap(), channel);
    assert!(files(&workplace.path("out/tissue/simulation")).contains(&"channels_012.tiff".into()));
    workplace.simulate(&["--seed", "8"]);
    assert_ne!(fs::read(workplace.path(CHANNEL)).unwrap(), channel);
}

#[test]
fn a_result_that_was_changed_since_is_not_replaced() {
    for name in [TRUTH, CHANNEL] {
        let workplace = Workplace::new();
        workplace.simulate(&[]);
        let mut bytes = fs::read(workplace.path(name)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(workplace.path(name), bytes).unwrap();
        workplace.refuses(
            FAILED,
            &["config.toml"],
            &[name, "not the unchanged output", "--force"],
        );
        workplace.simulate(&["--force"]);
        workplace.simulate(&[]);
    }
}

#[test]
fn an_edited_record_is_not_replaced() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let record = fs::read_to_string(workplace.path(RECORD)).unwrap();
    let edits = [
        record.replace("seed = 7", "seed = 9"),
        format!("# What I tried on Monday.\n{record}"),
        "not even TOML = = =".to_owned(),
        String::new(),
    ];
    for edited in edits {
        assert_ne!(edited, record);
        workplace.write(RECORD, &edited);
        workplace.refuses(FAILED, &["config.toml"], &["exists", "--force"]);
    }
    workplace.write(RECORD, &record);
    workplace.simulate(&[]);
}

/// A record names files; one that was tampered with must not lead out of its folder.
#[test]
fn a_record_speaks_for_its_own_folder_only() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let record = fs::read_to_string(workplace.path(RECORD)).unwrap();
    let cells = workplace.path("cells.tif");
    let bytes = fs::metadata(&cells).unwrap().len();
    let crc32 = crc32fast::hash(&fs::read(&cells).unwrap());
    let entry =
        format!("[[run.files]]\npath = \"../../cells.tif\"\nbytes = {bytes}\ncrc32 = {crc32}\n");
    workplace.write(RECORD, format!("{record}\n{entry}"));
    let before = fs::read(&cells).unwrap();
    workplace.simulate(&[]);
    assert_eq!(fs::read(&cells).unwrap(), before);
    let record = fs::read_to_string(workplace.path(RECORD)).unwrap();
    assert!(!record.contains("path = \"../../cells.tif\""), "{record}");
}

#[test]
fn leftovers_of_a_killed_run_are_cleared() {
    let workplace = Workplace::new();
    let left = "out/tissue/.simulation.part/new/groundtruth/ATTO390/7.tiff";
    workplace.write(left, "half");
    workplace.simulate(&[]);
    assert!(
        files(&workplace.path("out"))
            .iter()
            .all(|name| !name.contains(".part"))
    );
}

/// Two runs into one place at a time: the files under the final names are those of one of them, and
/// its record is with them.
#[test]
fn two_runs_at_a_time_do_not_mix() {
    let workplace = Workplace::new();
    let shape = [40, 200, 180];
    workplace.volume(shape, &crate::support::blocks(shape));
    for seed in ["1", "2"] {
        workplace.simulate(&["--seed", seed, "--output", seed]);
    }
    let references = ["1", "2"].map(|seed| images(&workplace.path(seed)));
    for milliseconds in [0, 50, 100, 200] {
        let runs = ["1", "2"].map(|seed| {
            let args = [
                "config.toml",
                "--seed",
                seed,
                "--output",
                "both",
                "--threads",
                "1",
            ];
            let mut command = workplace.command(args);
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            let run = command.spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            run
        });
        let ends = runs.map(|mut run| run.wait().unwrap().code());
        assert!(ends.contains(&Some(0)), "{ends:?}");
        let record = fs::read_to_string(workplace.path("both/tissue/simulation.toml")).unwrap();
        let seed = usize::from(record.contains("seed = 2"));
        let same = images(&workplace.path("both")) == references[seed];
        assert!(
            same,
            "the record tells of seed {}, the images are others",
            seed + 1
        );
        fs::remove_dir_all(workplace.path("both")).unwrap();
    }
}

/// A configuration whose record is longer than every image: what limits it comes at the very end.
#[cfg(unix)]
fn with_a_long_record(characters: usize) -> Workplace {
    let workplace = Workplace::new();
    let name = format!("[labeling.bodies_{}]", "x".repeat(characters));
    workplace.configure(&[("[labeling.bodies]", &name)]);
    workplace
}

/// The binary under a limit on the size of files, in kB.
#[cfg(unix)]
fn limited(workplace: &Workplace, kilobytes: usize) -> Command {
    let mut command = Command::new("bash");
    let script = format!("ulimit -f {kilobytes}; exec \"$0\" config.toml");
    command.args(["-c", &script, BINARY]);
    workplace.prepare(&mut command);
    command
}

#[cfg(unix)]
#[test]
fn a_limit_on_file_sizes_leaves_nothing_behind() {
    // Longer than the quick-look.
    let workplace = with_a_long_record(400_000);
    if Command::new("bash").arg("-c").arg("true").output().is_err() {
        eprintln!("skipped: no bash to set a limit with");
        return;
    }
    let too_large = "the file grew beyond what the system or a limit of the process allows";
    let images_fail = limited(&workplace, 1);
    let fail = |mut command, name| workplace.fails(FAILED, &mut command, &[name, too_large]);
    fail(images_fail, "all_cells.tiff");
    fail(limited(&workplace, 300), "out/tissue/simulation.toml");
    // The same where an earlier run lies.
    workplace.simulate(&["--seed", "8"]);
    fail(limited(&workplace, 1), "all_cells.tiff");
    fail(limited(&workplace, 300), "out/tissue/simulation.toml");
    Outcome::of(&mut limited(&workplace, 4000)).succeeded();
}

/// A small disk at `out`, unmounted in the end.
#[cfg(target_os = "linux")]
struct Disk<'a>(&'a Workplace);

#[cfg(target_os = "linux")]
impl<'a> Disk<'a> {
    /// Mounts it; `None`, and a line that says so, where the system does not let the test.
    fn mount(workplace: &'a Workplace, options: &str) -> Option<Self> {
        fs::create_dir(workplace.path("out")).unwrap();
        if mount(
            &["-t", "tmpfs", "-o", options, "tmpfs"],
            &workplace.path("out"),
        ) {
            return Some(Self(workplace));
        }
        eprintln!("skipped: no disk of a test's own can be mounted");
        None
    }

    fn resize(&self, kilobytes: usize) {
        let options = format!("remount,size={kilobytes}k");
        assert!(mount(&["-o", &options], &self.0.path("out")));
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path("out")).output();
    }
}

#[cfg(target_os = "linux")]
fn mount(args: &[&str], at: &Path) -> bool {
    let output = Command::new("mount").args(args).arg(at).output();
    output.is_ok_and(|output| output.status.success())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let workplace = with_a_long_record(6000);
    let Some(disk) = Disk::mount(&workplace, "size=4k") else {
        return;
    };
    // Ever more of the files fit, until all do: with and without an earlier run's beside them.
    let mut earlier = 0;
    for _ in 0..2 {
        let mut failures = Vec::new();
        let mut kilobytes = earlier;
        loop {
            kilobytes += 4;
            disk.resize(kilobytes);
            let before = snapshot(workplace.folder());
            let outcome = workplace.run(["config.toml"]);
            if outcome.code == Some(0) {
                break;
            }
            assert_eq!(outcome.code, Some(FAILED), "{outcome:?}");
            assert!(
                outcome.tells(&["error: ", "out/tissue", "the disk is full"]),
                "{outcome:?}"
            );
            assert_same(&before, &snapshot(workplace.folder()));
            failures.push(outcome.stderr);
        }
        assert!(failures[0].contains("all_cells.tiff"), "{failures:?}");
        let last = failures.last().unwrap();
        assert!(last.contains("simulation.toml"), "{last}");
        earlier = kilobytes;
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_cannot_be_written() {
    let workplace = Workplace::new();
    let Some(_disk) = Disk::mount(&workplace, "ro") else {
        return;
    };
    let words = ["out/tissue", "cannot be written", "read-only"];
    workplace.refuses(FAILED, &["config.toml"], &words);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let workplace = Workplace::new();
    let out = workplace.path("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(out.join("probe"), "").is_ok() {
        eprintln!("skipped: permissions do not stop this user");
        return;
    }
    let words = ["out/tissue", "cannot be written", "Permission denied"];
    workplace.refuses(FAILED, &["config.toml"], &words);
}

#[cfg(unix)]
#[test]
fn a_link_into_nowhere_as_output_folder() {
    let workplace = Workplace::new();
    let nowhere = workplace.path("no/such/folder");
    std::os::unix::fs::symlink(nowhere, workplace.path("out")).unwrap();
    workplace.refuses(FAILED, &["config.toml"], &["out", "cannot be written"]);
}
