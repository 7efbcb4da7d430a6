//! Where the images of a run wait for their channels' maxima, and what is kept so that it can go on after
//! it was stopped.

use super::{RunError, Sink, TruthSlices};
use crate::journal::{Item, Journal, Mark};
use crate::model::Model;
use crate::store::{Aside, SliceStore, StoreError, sparse};
use rayon::prelude::*;

/// The finished slices of a run: in its journal, else set aside as long as it lasts.
pub(super) struct Finished<'a> {
    journal: Option<&'a Journal>,
    /// Without a journal: for each channel its images.
    stores: Vec<SliceStore>,
    pixels: usize,
    /// Volumes of ground truth per fluorophore.
    sheets: usize,
    fluorophores: usize,
}

impl<'a> Finished<'a> {
    pub(super) fn new(
        model: &Model,
        sheets: usize,
        journal: Option<&'a Journal>,
        aside: Aside<'_>,
    ) -> Self {
        let [slices, x, y] = model.image_shape();
        let channels = model.channels.len();
        let share = aside.share(2 * channels);
        let stores = match journal {
            Some(_) => 0,
            None => channels,
        };
        Self {
            journal,
            stores: (0..stores)
                .map(|_| SliceStore::new(slices, share))
                .collect(),
            pixels: x * y,
            sheets,
            fluorophores: model.fluorophores.len(),
        }
    }

    /// How far an earlier run has come.
    pub(super) fn mark(&self) -> Mark {
        self.journal.map(Journal::mark).unwrap_or_default()
    }

    /// Keeps images of a channel, from slice `first` on.
    pub(super) fn put_images(
        &self,
        channel: usize,
        first: usize,
        images: &[u32],
    ) -> Result<(), RunError> {
        let images = images.par_chunks_exact(self.pixels).enumerate();
        images.try_for_each(|(offset, image)| match self.journal {
            None => Ok(self.stores[channel].put_sparse(first + offset, image)?),
            Some(journal) => {
                let item = image_item(channel, first + offset);
                Ok(journal.put(item, &sparse::pack(image))?)
            }
        })
    }

    /// Images of a channel, from slice `first` on.
    pub(super) fn images(
        &self,
        channel: usize,
        first: usize,
        count: usize,
    ) -> Result<Vec<u32>, RunError> {
        let mut images = vec![0; count * self.pixels];
        images
            .par_chunks_exact_mut(self.pixels)
            .enumerate()
            .try_for_each(|(offset, image)| {
                let slice = first + offset;
                match self.journal {
                    None => Ok::<_, RunError>(self.stores[channel].get_sparse(slice, image)?),
                    Some(journal) => {
                        let packed = journal.get(image_item(channel, slice))?;
                        let damaged = StoreError::Damaged { slice };
                        Ok(sparse::unpack(&packed, image).ok_or(damaged)?)
                    }
                }
            })?;
        Ok(images)
    }

    /// Keeps slices of ground truth, if there is to be something to go on with.
    pub(super) fn put_truth(&self, slices: &TruthSlices<'_>) -> Result<(), RunError> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let volume = slices.fluorophore * self.sheets + slices.sheet;
        let cells = slices.cells.par_chunks_exact(self.pixels).enumerate();
        cells.try_for_each(|(offset, cells)| {
            let item = truth_item(volume, slices.first + offset);
            let packed = lz4_flex::block::compress(bytemuck::cast_slice(cells));
            Ok(journal.put(item, &packed)?)
        })
    }

    /// Notes that all slices up to these are there.
    pub(super) fn set_mark(&self, mark: Mark) -> Result<(), RunError> {
        match self.journal {
            Some(journal) => Ok(journal.set_mark(mark)?),
            None => Ok(()),
        }
    }

    /// Hands the ground truth that an earlier run has made to the sink, `batch` slices at a time.
    pub(super) fn replay_truth(&self, batch: usize, sink: &mut dyn Sink) -> Result<(), RunError> {
        let (Some(journal), truths) = (self.journal, self.mark().truths) else {
            return Ok(());
        };
        for first in (0..truths).step_by(batch.max(1)) {
            let count = batch.min(truths - first);
            for volume in 0..self.fluorophores * self.sheets {
                let mut cells = vec![0u32; count * self.pixels];
                cells
                    .par_chunks_exact_mut(self.pixels)
                    .enumerate()
                    .try_for_each(|(offset, cells)| {
                        let slice = first + offset;
                        let packed = journal.get(truth_item(volume, slice))?;
                        let bytes = bytemuck::cast_slice_mut(cells);
                        match lz4_flex::block::decompress_into(&packed, bytes) {
                            Ok(length) if length == bytes.len() => Ok(()),
                            _ => Err(RunError::from(StoreError::Damaged { slice })),
                        }
                    })?;
                let slices = TruthSlices {
                    fluorophore: volume / self.sheets,
                    sheet: volume % self.sheets,
                    first,
                    cells: &cells,
                };
                sink.truth(slices).map_err(RunError::Sink)?;
            }
        }
        Ok(())
    }
}

fn image_item(channel: usize, slice: usize) -> Item {
    Item::Image {
        channel: channel as u32,
        slice: slice as u32,
    }
}

fn truth_item(volume: usize, slice: usize) -> Item {
    Item::Truth {
        volume: volume as u32,
        slice: slice as u32,
    }
}
