//! A folder with a small volume and a configuration for it, and runs of the binary in that folder.

use super::configuration::config;
use super::snapshot::{assert_same, snapshot};
use super::stacks::{data, write_stack};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tiff::encoder::{Compression, colortype};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_simexm-gpu");

/// Shape (z, x, y) of the volume in [`Workplace::new`].
pub const SHAPE: [usize; 3] = [14, 48, 36];

/// Shape (z, x, y) of the images that [`CONFIG`](super::CONFIG) makes of it: every second slice,
/// bins of 3 x 3 voxels.
pub const IMAGE_SHAPE: [usize; 3] = [7, 16, 12];

/// Ids of block-shaped cells in a grid, with background between them.
pub fn blocks([depth, rows, columns]: [usize; 3]) -> Vec<u16> {
    let mut ids = Vec::new();
    for z in 0..depth {
        for x in 0..rows {
            for y in 0..columns {
                let inside = x % 9 > 0 && y % 8 > 0;
                let id = 1 + 100 * (z / 7) + 10 * (x / 9) + y / 8;
                ids.push(if inside { id as u16 } else { 0 });
            }
        }
    }
    ids
}

/// How the binary ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Takes the outcome of a command. It must not have panicked, whatever else it did.
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("messages are UTF-8");
        let outcome = Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        for sign in ["a defect of", "panicked", "stack backtrace"] {
            assert!(!outcome.stderr.contains(sign), "{outcome:?}");
        }
        outcome
    }

    /// Asserts success.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// The lines that warn.
    pub fn warnings(&self) -> Vec<&str> {
        let warnings = self.stderr.lines();
        warnings
            .filter(|line| line.starts_with("warning: "))
            .collect()
    }

    /// Whether one line of standard error holds all these words.
    pub fn tells(&self, words: &[&str]) -> bool {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        self.stderr.lines().any(holds)
    }
}

/// A folder for a test, with `cells.tif` and `config.toml` in it.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// A folder with the volume of [`blocks`] of [`SHAPE`] and [`CONFIG`].
    pub fn new() -> Self {
        let workplace = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        workplace.volume(SHAPE, &blocks(SHAPE));
        workplace.configure(&[]);
        workplace
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces `cells.tif`.
    pub fn volume(&self, shape: [usize; 3], ids: &[u16]) {
        let path = self.path("cells.tif");
        write_stack::<colortype::Gray16>(&path, shape, ids, Compression::Uncompressed);
    }

    /// Replaces `cells.tif` by a file of tests/data/tiff.
    pub fn sample(&self, name: &str) {
        fs::copy(data("tiff").join(name), self.path("cells.tif")).unwrap();
    }

    /// Replaces `config.toml` by [`config`].
    pub fn configure(&self, replacements: &[(&str, &str)]) {
        self.write("config.toml", config(replacements));
    }

    /// The binary, to be run in the folder, without what the caller's environment would say to it.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args);
        self.prepare(&mut command);
        command
    }

    /// Sets folder and environment of a command.
    pub fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder());
        for name in [
            "SIMEXM_BACKEND",
            "RUST_BACKTRACE",
            "WGPU_BACKEND",
            "WGPU_DEBUG",
            "CLICOLOR_FORCE",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        // What is measured of a GPU is not the user's.
        command.env(
            "XDG_CACHE_HOME",
            std::env::temp_dir().join("simexm-gpu-tests"),
        );
        // Some drivers complain on standard error where this is missing.
        command.env("XDG_RUNTIME_DIR", self.folder());
    }

    /// Runs the binary in the folder.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Outcome {
        Outcome::of(&mut self.command(args))
    }

    /// Runs `config.toml` with more arguments, and asserts success.
    pub fn simulate(&self, args: &[&str]) -> Outcome {
        self.run([&["config.toml"], args].concat()).succeeded()
    }

    /// The record of the run in an output folder.
    pub fn record(&self, output: &str) -> toml::Table {
        let path = self.path(output).join("tissue/simulation.toml");
        fs::read_to_string(path).unwrap().parse().unwrap()
    }

    /// Runs the binary with arguments that must fail; see [`Workplace::fails`].
    pub fn refuses(&self, code: i32, args: &[&str], words: &[&str]) -> Outcome {
        self.fails(code, &mut self.command(args), words)
    }

    /// Runs a command that must end with this exit code and a line on standard error with all these
    /// words, and must leave everything in the folder as it was.
    pub fn fails(&self, code: i32, command: &mut Command, words: &[&str]) -> Outcome {
        let before = snapshot(self.folder());
        let outcome = Outcome::of(command);
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        assert!(outcome.tells(words), "{words:?} in {outcome:?}");
        assert!(outcome.tells(&["error: "]), "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{outcome:?}");
        assert_same(&before, &snapshot(self.folder()));
        outcome
    }
}
