//! Containers that are folders: small texts and chunks below one root, and none beyond it.

use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::de::DeserializeOwned;

use super::super::ReadError;
use super::super::error::ImageError;
use super::super::unchanged::Opened;
use crate::base::files::{limited, open_regular};

/// Folders that a search for arrays looks into, and how deep it goes.
const MOST_FOLDERS: usize = 10_000;
const DEEPEST: usize = 6;

/// A folder, files of which are opened; its links lead to nowhere beyond it.
#[derive(Debug)]
pub(in super::super) struct Root {
    /// As the user calls it.
    path: PathBuf,
    /// Links resolved.
    real: PathBuf,
    /// Texts that were read.
    texts: Mutex<Vec<Opened>>,
}

/// A folder below a root, by its path there with `/` between its parts; empty for the root.
pub(in super::super) type Node = String;

impl Root {
    /// # Errors
    /// When the folder cannot be looked at.
    pub fn new(path: &Path) -> Result<Self, ReadError> {
        let real = fs::canonicalize(path).map_err(|error| ReadError::io(path, None, error))?;
        Ok(Self {
            path: path.to_owned(),
            real,
            texts: Mutex::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of what is called so.
    pub fn join(&self, name: &str) -> PathBuf {
        match name {
            "" => self.path.clone(),
            name => self.path.join(name),
        }
    }

    /// Where a name leads to, which must be below the root; `None` where there is nothing.
    fn find(&self, name: &str) -> Result<Option<PathBuf>, ReadError> {
        let path = self.join(name);
        match fs::canonicalize(&path) {
            Ok(real) if real.starts_with(&self.real) => Ok(Some(path)),
            Ok(real) => Err(ReadError::Corrupt {
                slice: None,
                reason: format!(
                    "is a link to {}, which is not in {}; what belongs to a volume lies in its folder",
                    real.display(),
                    self.path.display()
                ),
                path,
            }),
            // Part of the path may be a file.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(ReadError::io(&path, None, error)),
        }
    }

    /// The JSON of this name; `None` where there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or is not what it should be.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ReadError> {
        let Some(path) = self.find(name)? else {
            return Ok(None);
        };
        let read = Opened::open(&path).and_then(|(opened, file, _)| {
            let text = limited(file).map_err(|error| match error.kind() {
                ErrorKind::FileTooLarge => {
                    ImageError::Corrupt("is too long for a description of a volume".to_owned())
                }
                _ => ImageError::Io(error),
            })?;
            let value = serde_json::from_slice(&text).map_err(|error| {
                ImageError::Corrupt(format!("is no valid description: {error}"))
            })?;
            Ok((opened, value))
        });
        let (opened, value) = read.map_err(|error| error.at(&path, None))?;
        if let Ok(mut texts) = self.texts.lock() {
            texts.push(opened);
        }
        Ok(Some(value))
    }

    /// The bytes of the chunk that is called so; `None` where there is no such file.
    ///
    /// # Errors
    /// When it has more than `most` bytes, or cannot be read.
    pub fn chunk(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(path) = self.find(name)? else {
            return Ok(None);
        };
        let read = || {
            let file = open_regular(&path)?;
            let length = file.metadata()?.len();
            let mut bytes = Vec::with_capacity(length.min(most) as usize);
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| ReadError::io(&path, None, error))?;
        if bytes.len() as u64 > most {
            let reason = format!("has more than {most} bytes, which no chunk of this size has");
            let slice = None;
            return Err(ReadError::Corrupt {
                path,
                slice,
                reason,
            });
        }
        Ok(Some(bytes))
    }

    /// Bytes of a file from one of its places on; `None` where there is no such file. A place that
    /// is counted from the end has `from_end`.
    ///
    /// # Errors
    /// When it ends before, or cannot be read.
    pub fn part(
        &self,
        name: &str,
        start: u64,
        bytes: u64,
        from_end: bool,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(path) = self.find(name)? else {
            return Ok(None);
        };
        let read = || -> io::Result<Vec<u8>> {
            let mut file = open_regular(&path)?;
            let length = file.metadata()?.len();
            let start = match from_end {
                true => length.checked_sub(start),
                false => Some(start),
            };
            let inside =
                start.filter(|start| start.checked_add(bytes).is_some_and(|end| end <= length));
            let start = inside.ok_or(io::Error::from(ErrorKind::UnexpectedEof))?;
            file.seek(SeekFrom::Start(start))?;
            // What is allocated lies within the file.
            let mut out = vec![0; bytes as usize];
            file.read_exact(&mut out)?;
            Ok(out)
        };
        match read() {
            Ok(out) => Ok(Some(out)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ReadError::Corrupt {
                path,
                slice: None,
                reason: format!(
                    "ends before the {bytes} bytes that its index places at {start}; it is cut short or damaged"
                ),
            }),
            Err(error) => Err(ReadError::io(&path, None, error)),
        }
    }

    /// Folders in a folder, in the order of their names.
    pub fn folders(&self, node: &str) -> Vec<Node> {
        let entries = fs::read_dir(self.join(node))
            .into_iter()
            .flatten()
            .flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_folder = fs::metadata(entry.path()).is_ok_and(|found| found.is_dir());
            (is_folder && !name.starts_with('.')).then_some(name)
        });
        let mut names: Vec<String> = names.take(MOST_FOLDERS).collect();
        names.sort_by(|a, b| super::super::natural_order(a, b));
        names.into_iter().map(|name| below(node, &name)).collect()
    }

    /// Whether something lies there.
    pub fn has(&self, name: &str) -> bool {
        self.join(name).exists()
    }

    /// Checks that no text was written to.
    ///
    /// # Errors
    /// [`ReadError::Changed`].
    pub fn unchanged(&self) -> Result<(), ReadError> {
        let texts = self.texts.lock();
        texts.map_or(Ok(()), |texts| texts.iter().try_for_each(Opened::check))
    }

    /// Looks at folder after folder, and shows what `look` takes for a volume. It says `false` for
    /// what need not be looked into.
    ///
    /// # Errors
    /// As `look`.
    pub fn search<T>(
        &self,
        start: &str,
        mut look: impl FnMut(&Node) -> Result<Found<T>, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut found = Vec::new();
        let mut waiting = vec![(start.to_owned(), 0)];
        let mut looked = 0;
        while let Some((node, depth)) = waiting.pop() {
            looked += 1;
            match look(&node)? {
                Found::Volumes(volumes) => found.extend(volumes),
                Found::Inside if depth < DEEPEST && looked < MOST_FOLDERS => {
                    let inside = self.folders(&node).into_iter().rev();
                    waiting.extend(inside.map(|node| (node, depth + 1)));
                }
                Found::Inside | Found::Nothing => {}
            }
        }
        Ok(found)
    }
}

/// What a search finds in a folder.
pub(in super::super) enum Found<T> {
    /// These, and nothing below.
    Volumes(Vec<T>),
    /// Perhaps something below.
    Inside,
    /// Nothing, nor below.
    Nothing,
}

/// The path of something in a folder.
pub(in super::super) fn below(node: &str, name: &str) -> Node {
    match node {
        "" => name.to_owned(),
        node => format!("{node}/{name}"),
    }
}

/// A path in a container as users write it, without what does nothing; `None` where it leads out.
pub(in super::super) fn plain(dataset: &str) -> Option<Node> {
    let parts = dataset.split(['/', '\\']);
    let parts: Vec<&str> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}
