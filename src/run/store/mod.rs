//! Slices kept aside: compressed, in memory while they are few, else in an unnamed file.

pub(crate) mod sparse;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a slice of intermediate data cannot be kept or found again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file that slices spill to failed.
    #[error("cannot keep intermediate data in {}: {source}", folder.display())]
    Spill {
        /// Folder of the file.
        folder: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// Data came back other than it went.
    #[error("intermediate data of slice {slice} cannot be read back")]
    Damaged {
        /// Number of the slice, from 0.
        slice: usize,
    },
}

/// Where intermediate data go, and how much memory may hold of them and of what they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpillPolicy<'a> {
    /// What memory does not hold goes to files in this folder.
    pub folder: &'a Path,
    /// Compressed data that are kept in memory, in bytes.
    pub memory_bytes: usize,
    /// What the readers of volumes may hold together, in bytes.
    pub reading_bytes: u64,
}

impl<'a> SpillPolicy<'a> {
    /// Little beside the buffers of a slab, so that memory does not grow with the depth of a
    /// volume.
    pub const MEMORY_BYTES: usize = 16 << 20;

    /// As much in memory as suits most runs.
    pub const fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            memory_bytes: Self::MEMORY_BYTES,
            reading_bytes: u64::MAX,
        }
    }

    /// The same, with so many bytes for readers of volumes.
    #[must_use]
    pub const fn reading_within(self, reading_bytes: u64) -> Self {
        Self {
            reading_bytes,
            ..self
        }
    }

    /// For one of `parts` stores that are there together.
    #[must_use]
    pub const fn share(self, parts: usize) -> Self {
        let parts = if parts == 0 { 1 } else { parts };
        Self {
            memory_bytes: self.memory_bytes / parts,
            ..self
        }
    }
}

/// Slices by number, written once each, from any thread.
#[derive(Debug)]
pub struct SliceStore {
    folder: PathBuf,
    memory_bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    slices: Vec<Place>,
    in_memory: usize,
    file: Option<File>,
    file_end: u64,
}

#[derive(Clone, Debug)]
enum Place {
    Absent,
    Memory(Arc<[u8]>),
    File { at: u64, bytes: usize },
}

/// The bytes of a slice: those in memory, or those read from the file.
enum Compressed {
    Shared(Arc<[u8]>),
    Own(Vec<u8>),
}

impl Deref for Compressed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

impl SliceStore {
    /// A store for this many slices that spills beyond the memory it may take to an unnamed file,
    /// which goes with the process.
    pub fn new(slices: usize, aside: SpillPolicy<'_>) -> Self {
        Self {
            folder: aside.folder.to_owned(),
            memory_bytes: aside.memory_bytes,
            inner: Mutex::new(Inner {
                slices: vec![Place::Absent; slices],
                in_memory: 0,
                file: None,
                file_end: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spill_error(&self, source: std::io::Error) -> StoreError {
        StoreError::Spill {
            folder: self.folder.clone(),
            source,
        }
    }

    /// Keeps a slice.
    ///
    /// # Errors
    /// [`StoreError::Spill`].
    pub fn put<T: bytemuck::Pod>(&self, slice: usize, data: &[T]) -> Result<(), StoreError> {
        self.place(slice, lz4_flex::block::compress(bytemuck::cast_slice(data)))
    }

    /// Keeps a slice of numbers, many of which are 0 and most of which are small, for
    /// [`SliceStore::get_sparse`].
    ///
    /// # Errors
    /// [`StoreError::Spill`].
    pub fn put_sparse(&self, slice: usize, numbers: &[u32]) -> Result<(), StoreError> {
        self.place(slice, sparse::pack(numbers))
    }

    /// Keeps a list of any length in the place of a slice, for [`SliceStore::get_list`].
    ///
    /// # Errors
    /// [`StoreError::Spill`].
    pub fn put_list<T: bytemuck::Pod>(&self, slice: usize, data: &[T]) -> Result<(), StoreError> {
        let bytes = bytemuck::cast_slice(data);
        self.place(slice, lz4_flex::block::compress_prepend_size(bytes))
    }

    fn place(&self, slice: usize, compressed: Vec<u8>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.slices[slice] = self.keep(&mut inner, compressed)?;
        Ok(())
    }

    /// Keeps a list of any length as one more slice, and returns its number.
    ///
    /// # Errors
    /// [`StoreError::Spill`].
    pub fn push_list<T: bytemuck::Pod>(&self, data: &[T]) -> Result<usize, StoreError> {
        let compressed = lz4_flex::block::compress_prepend_size(bytemuck::cast_slice(data));
        let mut inner = self.lock();
        let place = self.keep(&mut inner, compressed)?;
        inner.slices.push(place);
        Ok(inner.slices.len() - 1)
    }

    fn keep(&self, inner: &mut Inner, compressed: Vec<u8>) -> Result<Place, StoreError> {
        if inner.in_memory + compressed.len() <= self.memory_bytes {
            inner.in_memory += compressed.len();
            return Ok(Place::Memory(compressed.into()));
        }
        let mut write = || -> std::io::Result<()> {
            let file = match &mut inner.file {
                Some(file) => file,
                empty => empty.insert(tempfile::tempfile_in(&self.folder)?),
            };
            file.seek(SeekFrom::Start(inner.file_end))?;
            file.write_all(&compressed)
        };
        write().map_err(|source| self.spill_error(source))?;
        let at = inner.file_end;
        inner.file_end += compressed.len() as u64;
        Ok(Place::File {
            at,
            bytes: compressed.len(),
        })
    }

    /// Fetches a slice into a buffer of the length it was kept with.
    ///
    /// # Errors
    /// [`StoreError::Spill`], and [`StoreError::Damaged`] for a slice that was not kept.
    pub fn get<T: bytemuck::Pod>(&self, slice: usize, data: &mut [T]) -> Result<(), StoreError> {
        let bytes = bytemuck::cast_slice_mut(data);
        match lz4_flex::block::decompress_into(&self.fetch(slice)?, bytes) {
            Ok(length) if length == bytes.len() => Ok(()),
            _ => Err(StoreError::Damaged { slice }),
        }
    }

    /// Fetches what [`SliceStore::put_sparse`] kept into a buffer of the same length.
    ///
    /// # Errors
    /// As [`SliceStore::get`].
    pub fn get_sparse(&self, slice: usize, numbers: &mut [u32]) -> Result<(), StoreError> {
        let packed = self.fetch(slice)?;
        sparse::unpack(&packed, numbers).ok_or(StoreError::Damaged { slice })
    }

    /// Fetches a list that was kept by [`SliceStore::push_list`] or [`SliceStore::put_list`].
    ///
    /// # Errors
    /// As [`SliceStore::get`].
    pub fn get_list<T: bytemuck::Pod>(&self, slice: usize) -> Result<Vec<T>, StoreError> {
        let bytes = lz4_flex::block::decompress_size_prepended(&self.fetch(slice)?)
            .map_err(|_| StoreError::Damaged { slice })?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    fn fetch(&self, slice: usize) -> Result<Compressed, StoreError> {
        let damaged = StoreError::Damaged { slice };
        let mut inner = self.lock();
        match inner.slices.get(slice).cloned() {
            None | Some(Place::Absent) => Err(damaged),
            Some(Place::Memory(compressed)) => Ok(Compressed::Shared(compressed)),
            Some(Place::File { at, bytes }) => {
                let mut compressed = vec![0; bytes];
                let file = inner.file.as_mut().ok_or(damaged)?;
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| file.read_exact(&mut compressed))
                    .map_err(|source| self.spill_error(source))?;
                Ok(Compressed::Own(compressed))
            }
        }
    }

    /// Bytes that were spilled to the file.
    pub fn spilled_bytes(&self) -> u64 {
        self.lock().file_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(memory_bytes: usize, folder: &Path) -> SpillPolicy<'_> {
        SpillPolicy {
            memory_bytes,
            ..SpillPolicy::new(folder)
        }
    }

    #[test]
    fn slices_come_back_from_memory_and_from_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for budget in [0, 2000, usize::MAX] {
            let store = SliceStore::new(4, within(budget, folder.path()));
            let slices: Vec<Vec<u32>> = (0..4)
                .map(|s| {
                    (0..1000)
                        .map(|i: u32| i.wrapping_mul(2_654_435_761) ^ s)
                        .collect()
                })
                .collect();
            for (index, slice) in slices.iter().enumerate().rev() {
                store.put(index, slice).expect("kept");
            }
            let mut back = vec![0u32; 1000];
            for (index, slice) in slices.iter().enumerate() {
                store.get(index, &mut back).expect("fetched");
                assert_eq!(&back, slice);
            }
            for (index, slice) in slices.iter().enumerate() {
                store.put_sparse(index, slice).expect("kept");
                store.get_sparse(index, &mut back).expect("fetched");
                assert_eq!(&back, slice);
                assert!(store.get_sparse(index, &mut [0; 999]).is_err());
                store.put_list(index, slice).expect("kept");
                assert_eq!(&store.get_list::<u32>(index).expect("fetched"), slice);
            }
            assert_eq!(store.spilled_bytes() > 0, budget < 16_000);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
    }

    #[test]
    fn lists_of_any_length_come_back() {
        let folder = tempfile::tempdir().expect("a folder");
        for budget in [0, usize::MAX] {
            let store = SliceStore::new(0, within(budget, folder.path()));
            for length in [3, 0, 1000, 1] {
                let list: Vec<[u32; 2]> = (0..length).map(|i| [i, i * i]).collect();
                let number = store.push_list(&list).expect("kept");
                assert_eq!(store.get_list::<[u32; 2]>(number).expect("fetched"), list);
            }
            assert_eq!(store.get_list::<[u32; 2]>(0).expect("fetched").len(), 3);
            assert!(store.get_list::<[u32; 2]>(4).is_err());
        }
    }

    #[test]
    fn errors_name_the_cause() {
        let store = SliceStore::new(1, within(0, Path::new("/nowhere/at/all")));
        let error = store.put(0, &[1u32; 100]).expect_err("no such folder");
        assert!(error.to_string().contains("/nowhere/at/all"));
        assert!(matches!(
            store.get(0, &mut [0u32; 100]),
            Err(StoreError::Damaged { slice: 0 })
        ));
    }
}
