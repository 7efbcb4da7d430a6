//! HDF5 files, by the crate hdf5-reader, unless this is built without the feature `hdf5`.

#[cfg(feature = "hdf5")]
mod dataset;
#[cfg(feature = "hdf5")]
mod filters;
#[cfg(all(test, feature = "hdf5"))]
mod tests;

use std::path::Path;

use super::options::ReadOptions;
use super::{Found, InputFormat, ReadError, ReadFormat, VolumeSource};

/// A file with datasets.
pub(super) struct Hdf5Format;

pub(super) static FORMAT: Hdf5Format = Hdf5Format;

/// How a file starts; before may lie a user's own bytes, of which these numbers are looked behind.
const MAGIC: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
const STARTS: [usize; 4] = [0, 512, 1024, 2048];

impl ReadFormat for Hdf5Format {
    fn format(&self) -> InputFormat {
        InputFormat {
            name: "hdf5",
            noun: "file of HDF5 datasets",
            extensions: &["h5", "hdf5", "hdf"],
            is_folder: false,
        }
    }

    fn recognises(&self, found: &Found<'_>) -> bool {
        let Found::File(head) = found else {
            return false;
        };
        let at = |&start: &usize| {
            head.get(start..)
                .is_some_and(|rest| rest.starts_with(MAGIC))
        };
        STARTS.iter().any(at)
    }

    #[cfg(feature = "hdf5")]
    fn open(&self, path: &Path, options: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        dataset::open(path, options)
    }

    #[cfg(not(feature = "hdf5"))]
    fn open(&self, path: &Path, _: &ReadOptions) -> Result<Box<dyn VolumeSource>, ReadError> {
        Err(ReadError::LeftOut {
            path: path.to_owned(),
            name: "an HDF5 file",
            feature: "hdf5",
        })
    }
}
