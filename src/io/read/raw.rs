//! Samples that lie one after the other in a file, without compression: ImageJ's large stacks and
//! NumPy's arrays in C order.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::error::ImageError;
use super::ids::IdsMut;
use super::options::Background;
use super::samples::{SampleType, swap_bytes};
use super::{ReadError, SliceReader, check_request};
use crate::base::files::open_regular;
use crate::base::volume::VoxelBox;

/// Bytes that are read together.
const READ_BYTES: usize = 1 << 20;

/// Where the samples of a volume lie, z slowest, y fastest. Whoever makes one has checked that the
/// file is long enough, so that no position overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawLayout {
    /// Position of the first sample in the file.
    pub offset: u64,
    /// Size in voxels, (z, x, y).
    pub shape: [usize; 3],
    /// Whole bytes: 8 bits or more.
    pub samples: SampleType,
    /// Whether the file's byte order is not that of the machine.
    pub swapped: bool,
}

impl RawLayout {
    /// Bytes of one sample.
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.samples.bits / 8)
    }

    /// Bytes of all samples; `None` beyond the range of the type.
    pub fn bytes(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(self.sample_bytes() as u64, |bytes, &size| {
                bytes.checked_mul(size as u64)
            })
    }

    /// Rows of so many columns that are read together, at least one.
    fn rows_per_read(&self, rows: usize, columns: usize) -> usize {
        let row = columns.saturating_mul(self.sample_bytes()).max(1);
        (READ_BYTES / row).clamp(1, rows.max(1))
    }

    /// Most bytes that reading a part of it holds, beside ids.
    pub fn working_bytes(&self, part: &VoxelBox) -> u64 {
        let [_, rows, columns] = part.shape;
        let rows = self.rows_per_read(rows, columns);
        let row = columns.saturating_mul(self.sample_bytes());
        rows.saturating_mul(row) as u64
    }

    /// Brings samples into the machine's byte order.
    pub fn to_native(self, samples: &mut [u8]) {
        if self.swapped {
            swap_bytes(samples, self.sample_bytes());
        }
    }
}

/// Reads rows by their position.
pub(super) struct RawReader<'a> {
    path: &'a Path,
    layout: RawLayout,
    background: &'a Background,
    file: File,
    scratch: Vec<u8>,
}

impl<'a> RawReader<'a> {
    pub fn open(
        path: &'a Path,
        layout: RawLayout,
        background: &'a Background,
    ) -> Result<Self, ReadError> {
        let file = open_regular(path).map_err(|error| ReadError::io(path, None, error))?;
        Ok(Self {
            path,
            layout,
            background,
            file,
            scratch: Vec::new(),
        })
    }

    fn read_rows(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        mut out: IdsMut<'_>,
    ) -> Result<(), ImageError> {
        if out.is_empty() {
            return Ok(());
        }
        let [_, rows, columns] = self.layout.shape;
        let sample = self.layout.sample_bytes();
        // Whole rows adjoin: one read for several.
        let rows_per_read = match y.len() == columns {
            true => self.layout.rows_per_read(x.len(), columns),
            false => 1,
        };
        let first_row = x.start;
        let together = rows_per_read * y.len();
        for (step, start) in (0..out.len()).step_by(together).enumerate() {
            let to = out.part(start..out.len().min(start + together));
            let row = first_row + step * rows_per_read;
            let voxel = ((z * rows + row) * columns + y.start) as u64;
            let at = self.layout.offset + voxel * sample as u64;
            self.scratch.resize(to.len() * sample, 0);
            self.file
                .seek(SeekFrom::Start(at))
                .map_err(ImageError::Io)?;
            self.file
                .read_exact(&mut self.scratch)
                .map_err(ImageError::from_decoder_io)?;
            self.layout.to_native(&mut self.scratch);
            let samples = self.layout.samples;
            let at = (row, y.start);
            samples.ids(&self.scratch, 0, to, at, y.len(), self.background)?;
        }
        Ok(())
    }
}

impl SliceReader for RawReader<'_> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        self.read_ids(z, x, y, out.into())
    }

    fn read_ids(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: IdsMut<'_>,
    ) -> Result<(), ReadError> {
        check_request(self.layout.shape, z, &x, &y, out.len())?;
        self.read_rows(z, x, y, out)
            .map_err(|error| error.at(self.path, Some(z)))
    }
}
