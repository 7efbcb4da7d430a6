//! A volume that is in memory already.

use std::ops::Range;

use ndarray::{ArrayView3, s};

use super::{ReadError, SliceReader, VolumeSource, check_request};
use crate::base::volume::triple;

/// Ids in an array (z, x, y) of any unsigned type, for callers of the library and for tests.
#[derive(Clone, Copy, Debug)]
pub struct ArraySource<'a, T> {
    ids: ArrayView3<'a, T>,
}

impl<'a, T> ArraySource<'a, T> {
    /// Borrows the ids, (z, x, y).
    #[must_use]
    pub fn new(ids: ArrayView3<'a, T>) -> Self {
        Self { ids }
    }
}

impl<T: Copy + Into<u64> + Send + Sync> VolumeSource for ArraySource<'_, T> {
    fn shape(&self) -> [usize; 3] {
        self.ids.dim().into()
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        Ok(Box::new(ArrayReader { ids: self.ids }))
    }

    fn describe(&self) -> String {
        format!("array of {} voxels", triple(self.shape(), " x "))
    }
}

struct ArrayReader<'a, T> {
    ids: ArrayView3<'a, T>,
}

impl<T: Copy + Into<u64> + Send + Sync> SliceReader for ArrayReader<'_, T> {
    fn read(
        &mut self,
        z: usize,
        x: Range<usize>,
        y: Range<usize>,
        out: &mut [u64],
    ) -> Result<(), ReadError> {
        check_request(self.ids.dim().into(), z, &x, &y, out.len())?;
        let crop = self.ids.slice(s![z, x, y]);
        for (to, from) in out.iter_mut().zip(crop) {
            *to = (*from).into();
        }
        Ok(())
    }
}
