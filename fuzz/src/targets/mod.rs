//! What is fuzzed: a row for each reader and parser. An input must end in a result or in an error;
//! a panic, an oracle that is wrong, and memory beyond [`MOST`] are findings. The tests of the
//! project replay the corpus and the inputs to start from.

mod containers;
mod files;
mod images;
mod texts;
mod volumes;

use crate::allocator::peak_of;
use std::fs;
use std::path::{Path, PathBuf};

/// A reader or parser.
pub struct Target {
    /// Its name, which is that of its folder in `corpus/`, too.
    pub name: &'static str,
    /// Folders and files of the project to start from.
    starts: &'static [&'static str],
    /// More inputs to start from, made for it.
    made: fn() -> Vec<Vec<u8>>,
    /// Reads an input. The folder is its own; files are left there.
    run: fn(&[u8], &Path),
}

/// Bytes that an input may take, and so many for each of its own.
const MOST: (usize, usize) = (64 << 20, 20);

const NONE: fn() -> Vec<Vec<u8>> = Vec::new;

/// All of them.
#[rustfmt::skip]
pub static TARGETS: &[Target] = &[
    Target { name: "tiff", starts: &["tests/data/tiff"], made: NONE, run: volumes::tiff },
    Target { name: "npy", starts: &["tests/data/npy"], made: NONE, run: volumes::npy },
    Target { name: "png", starts: &[], made: images::pngs, run: |data, at| volumes::image("0.png", data, at) },
    Target { name: "bmp", starts: &[], made: images::bmps, run: |data, at| volumes::image("0.bmp", data, at) },
    Target { name: "pgm", starts: &[], made: images::pgms, run: |data, at| volumes::image("0.pgm", data, at) },
    Target { name: "webp", starts: &[], made: images::webps, run: |data, at| volumes::image("0.webp", data, at) },
    Target { name: "folder", starts: &[], made: volumes::folders, run: volumes::folder },
    Target { name: "cells", starts: &[], made: volumes::cell_folders, run: volumes::cells },
    Target { name: "zarr", starts: &[], made: containers::zarrs, run: containers::zarr },
    Target { name: "hdf5", starts: &["tests/data/hdf5"], made: NONE, run: containers::hdf5 },
    Target { name: "precomputed", starts: &[], made: containers::precomputeds, run: containers::precomputed },
    Target { name: "n5", starts: &[], made: containers::n5s, run: containers::n5 },
    Target { name: "toml", starts: &["examples", "examples/microscopes", "examples/simexm"], made: NONE, run: texts::toml },
    Target { name: "ini", starts: &["examples/simexm"], made: NONE, run: texts::ini },
    Target { name: "override", starts: &[], made: texts::overrides, run: texts::an_override },
    Target { name: "record", starts: &[], made: files::records, run: files::record },
    Target { name: "journal", starts: &[], made: files::journals, run: files::journal },
    Target { name: "spectra", starts: &[], made: texts::spectra_tables, run: texts::spectra },
    Target { name: "curve", starts: &[], made: texts::curve_tables, run: texts::curve },
    Target { name: "bench", starts: &[], made: files::benches, run: files::bench },
];

/// Longest file that is started from, in bytes.
const LONGEST: u64 = 1 << 16;

/// The project's folder.
fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    match here.join("src/targets").is_dir() {
        true => here.join(".."),
        false => here.to_owned(),
    }
}

impl Target {
    /// Inputs to start from.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = (self.made)();
        for folder in self.starts {
            let entries = fs::read_dir(project().join(folder)).expect("a part of the project");
            let mut paths: Vec<_> = entries
                .map(|entry| entry.expect("readable").path())
                .collect();
            paths.sort();
            let short = |path: &&PathBuf| {
                path.metadata()
                    .is_ok_and(|file| file.is_file() && file.len() <= LONGEST)
            };
            seeds.extend(
                paths
                    .iter()
                    .filter(short)
                    .map(|path| fs::read(path).expect("readable")),
            );
        }
        seeds
    }

    /// The inputs of its corpus.
    #[allow(dead_code)] // libFuzzer reads them itself.
    pub fn corpus(&self) -> Vec<Vec<u8>> {
        let folder = project().join("fuzz/corpus").join(self.name);
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("readable").path())
            .collect();
        paths.sort();
        let inputs = paths.iter().map(|path| fs::read(path).expect("readable"));
        inputs.collect()
    }

    /// Reads an input, which must not take more memory than it is worth.
    pub fn bounded(&self, data: &[u8], folder: &Path) {
        let ((), peak) = peak_of(|| (self.run)(data, folder));
        let most = MOST.0 + MOST.1 * data.len();
        assert!(
            peak <= most,
            "{}: an input of {} bytes took {peak} bytes, of at most {most}",
            self.name,
            data.len()
        );
    }
}

/// Writes an input as the files of a folder: each behind its length (two bytes, little endian) and
/// a byte whose lowest bit says that it is not there. The first always is.
fn unpack(data: &[u8], folder: &Path, names: &[&str]) {
    let mut rest = data;
    for (number, name) in names.iter().enumerate() {
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        let &[low, high, flags, ref content @ ..] = rest else {
            continue;
        };
        let length = usize::from(u16::from_le_bytes([low, high])).min(content.len());
        if flags & 1 == 0 || number == 0 {
            let parent = path.parent().expect("it lies in the folder");
            fs::create_dir_all(parent).expect("room");
            fs::write(&path, images::mended(&content[..length])).expect("room");
        }
        rest = &content[length..];
    }
}

/// The input of which [`unpack`] makes these files, in the order of the names.
fn packed<'f>(files: impl IntoIterator<Item = &'f [u8]>) -> Vec<u8> {
    packed_some(files.into_iter().map(Some))
}

/// The same where some files are not there.
fn packed_some<'f>(files: impl IntoIterator<Item = Option<&'f [u8]>>) -> Vec<u8> {
    let mut input = Vec::new();
    for file in files {
        let content = file.unwrap_or_default();
        let length = u16::try_from(content.len()).expect("a small file");
        input.extend(length.to_le_bytes());
        input.push(u8::from(file.is_none()));
        input.extend(content);
    }
    input
}
