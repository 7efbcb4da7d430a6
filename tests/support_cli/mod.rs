//! What the tests through the binary share: a folder with a small volume and a configuration for it, runs of
//! the binary in that folder, and looks at what they leave behind. Every test is a crate of its own and uses
//! a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;
use tempfile::TempDir;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::encoder::{Compression, TiffEncoder, colortype};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_simexm-gpu");

/// Shape (z, x, y) of the volume in [`Workplace::new`].
pub const SHAPE: [usize; 3] = [14, 48, 36];

/// Shape (z, x, y) of the images that [`CONFIG`] makes of it: every second slice, bins of 3 x 3 voxels.
pub const IMAGE_SHAPE: [usize; 3] = [7, 16, 12];

/// A configuration of two layers with a dye each and two channels, each of which sees one of the dyes only:
/// a run without a warning.
pub const CONFIG: &str = r#"[groundtruth]
image_path = "cells.tif"
isotropic = true
voxel_dim = [40, 16, 16]

[labeling.bodies]
fluorophore = "ATTO390"
region = "cytosol"
labeling_density = 0.6
protein_density = 1e-4
protein_noise = 0.3

[labeling.membranes]
fluorophore = "ATTO647N"
region = "membrane"
labeling_density = 0.6
protein_density = 1e-4

[expansion]
factor = 4

[optics]
type = "confocal"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 320
objective_back_aperture = 1.0
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 6500
pinhole_radius = 50
baseline_noise = 0

[optics.channels.blue]
laser_wavelength = 390
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 500]

[optics.channels.red]
laser_wavelength = 640
laser_power = 50
laser_percentage = 0.25
laser_filter = [650, 720]

[output]
name = "tissue"
path = "out"

[compute]
seed = 7
backend = "cpu"
"#;

/// [`CONFIG`] with parts replaced, each of which must be there once.
pub fn config(replacements: &[(&str, &str)]) -> String {
    let mut text = CONFIG.to_owned();
    for (from, to) in replacements {
        assert_eq!(
            text.matches(from).count(),
            1,
            "{from:?} in the configuration"
        );
        text = text.replace(from, to);
    }
    text
}

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

/// Writes a TIFF stack.
pub fn write_stack<C: colortype::ColorType>(
    path: &Path,
    [depth, rows, columns]: [usize; 3],
    pixels: &[C::Inner],
    compression: Compression,
) where
    [C::Inner]: tiff::encoder::TiffValue,
{
    assert_eq!(pixels.len() % depth, 0);
    let file = File::create(path).unwrap();
    let mut encoder = TiffEncoder::new(file)
        .unwrap()
        .with_compression(compression);
    for page in pixels.chunks_exact(pixels.len() / depth) {
        let (width, height) = (columns as u32, rows as u32);
        encoder.write_image::<C>(width, height, page).unwrap();
    }
}

/// A TIFF stack as it was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Stack {
    /// Shape (z, x, y).
    pub shape: [usize; 3],
    /// What a pixel is.
    pub color: ColorType,
    /// All samples.
    pub values: Vec<u64>,
}

/// Reads a TIFF stack.
pub fn read_stack(path: &Path) -> Stack {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(file).unwrap();
    let color = decoder.colortype().unwrap();
    let (columns, rows) = decoder.dimensions().unwrap();
    let (mut depth, mut values) = (0, Vec::new());
    loop {
        match decoder.read_image().unwrap() {
            DecodingResult::U8(page) => values.extend(page.into_iter().map(u64::from)),
            DecodingResult::U16(page) => values.extend(page.into_iter().map(u64::from)),
            DecodingResult::U32(page) => values.extend(page.into_iter().map(u64::from)),
            DecodingResult::U64(page) => values.extend(page),
            _ => panic!("{}: {color:?}", path.display()),
        }
        depth += 1;
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().unwrap();
    }
    let shape = [depth, rows as usize, columns as usize];
    Stack {
        shape,
        color,
        values,
    }
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
        for sign in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
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
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiff");
        fs::copy(data.join(name), self.path("cells.tif")).unwrap();
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

    /// Runs a command that must end with this exit code and a line on standard error with all these words,
    /// and must leave everything in the folder as it was.
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

/// Something in a folder.
#[derive(PartialEq, Eq)]
pub enum Entry {
    Folder,
    Link(PathBuf),
    File {
        content: Vec<u8>,
        modified: SystemTime,
    },
}

/// Everything below a folder, links not followed.
pub type Snapshot = BTreeMap<PathBuf, Entry>;

/// Looks at everything below a folder.
pub fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let entry = if metadata.is_dir() {
                folders.push(path.clone());
                Entry::Folder
            } else if metadata.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap())
            } else {
                Entry::File {
                    content: fs::read(&path).unwrap(),
                    modified: metadata.modified().unwrap(),
                }
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), entry);
        }
    }
    found
}

/// Asserts that nothing was added, taken away, or written, and names what was.
pub fn assert_same(before: &Snapshot, after: &Snapshot) {
    let mut differences = Vec::new();
    for (path, entry) in before {
        match after.get(path) {
            None => differences.push(format!("{} is gone", path.display())),
            Some(now) if now != entry => {
                differences.push(format!("{} was written", path.display()))
            }
            Some(_) => {}
        }
    }
    let new = after.keys().filter(|path| !before.contains_key(*path));
    differences.extend(new.map(|path| format!("{} is new", path.display())));
    assert!(differences.is_empty(), "{differences:?}");
}

/// The contents of all files below a folder but for `simulation.toml`, which tells times.
pub fn images(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = snapshot(root)
        .into_iter()
        .filter_map(|(path, entry)| match entry {
            Entry::File { content, .. } if !path.ends_with("simulation.toml") => {
                Some((path, content))
            }
            _ => None,
        });
    files.collect()
}

/// The files below a folder, with `/` between the parts of their paths.
pub fn files(root: &Path) -> Vec<String> {
    let is_file = |(path, entry): (PathBuf, Entry)| match entry {
        Entry::Folder => None,
        _ => Some(path.to_str().unwrap().replace('\\', "/")),
    };
    snapshot(root).into_iter().filter_map(is_file).collect()
}
