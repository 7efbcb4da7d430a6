//! Files that a run reads beside its tissue: what they hold is part of what a run is.

use super::SweepError;
use crate::config::Config;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files that the runs of a sweep read, each summed up once.
#[derive(Default)]
pub(super) struct Inputs {
    known: BTreeMap<PathBuf, u32>,
}

impl Inputs {
    /// CRC-32 of what the files of a configuration hold: spectra, curves, point spread functions,
    /// maps and fields. Cells and regions are summed up by their ids.
    pub(super) fn crc32(&mut self, config: &Config) -> Result<u32, SweepError> {
        let mut all = crc32fast::Hasher::new();
        for (key, path) in config.inputs() {
            if key.first() == Some(&"groundtruth") {
                continue;
            }
            let known = match self.known.get(path) {
                Some(known) => *known,
                None => {
                    let found = of_path(path).map_err(|source| SweepError::Input {
                        path: path.to_owned(),
                        source,
                    })?;
                    self.known.insert(path.to_owned(), found);
                    found
                }
            };
            all.update(key.join(".").as_bytes());
            all.update(&known.to_le_bytes());
        }
        Ok(all.finalize())
    }
}

/// CRC-32 of a file, or of all files of a folder with their names.
fn of_path(path: &Path) -> io::Result<u32> {
    let mut sum = crc32fast::Hasher::new();
    add(&mut sum, path)?;
    Ok(sum.finalize())
}

fn add(sum: &mut crc32fast::Hasher, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default();
            sum.update(name.as_encoded_bytes());
            add(sum, &entry)?;
        }
        return Ok(());
    }
    let mut file = File::open(path)?;
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(()),
            count => sum.update(&bytes[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_hold_is_told_and_not_where_they_lie() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/brainbow.toml");
        let mut config = Config::from_file(&example, &[]).expect("an example");
        let folder = tempfile::tempdir().expect("a folder");
        let mut of = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("a file");
            let channel = config.optics.channels.values_mut().next().expect("one");
            channel.filter_curve = Some(path);
            Inputs::default().crc32(&config).expect("a sum")
        };
        let first = of("a.csv", "500,1\n600,0\n");
        assert_eq!(first, of("b.csv", "500,1\n600,0\n"));
        assert_ne!(first, of("a.csv", "500,1\n600,1\n"));
        let missing = folder.path().join("none.csv");
        let channel = config.optics.channels.values_mut().next().expect("one");
        channel.filter_curve = Some(missing);
        let error = Inputs::default().crc32(&config).expect_err("no file");
        assert!(error.to_string().contains("none.csv"), "{error}");
    }
}
