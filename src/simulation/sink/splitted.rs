//! Ground truth with a volume for each cell. Cells are too many to keep a file open for each, so the
//! slices are kept aside and the cells written in batches.

use super::Ids;
use super::layout::Layouts;
use crate::cells::Selection;
use crate::io::write::{OutputFolder, PageEncoder, VolumeSink, WriteError};
use crate::pipeline::TruthSlices;
use crate::simulation::SimulationError;
use crate::store::{SliceStore, StoreError};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Cells whose files are open at a time.
const BATCH: usize = 64;

/// Compressed slices that are kept in memory before they go to a file.
const MEMORY_BYTES: usize = 128 << 20;

/// The ground truths on their way.
pub(super) struct SplittedTruth<'a> {
    layouts: Layouts<'a>,
    ids: Ids<'a>,
    output: &'a mut OutputFolder,
    /// Indices of cells for each fluorophore and sheet.
    stores: Vec<Vec<SliceStore>>,
    /// Labelled cells of each fluorophore.
    labelled: Vec<Vec<usize>>,
}

impl<'a> SplittedTruth<'a> {
    pub(super) fn new(
        layouts: Layouts<'a>,
        ids: Ids<'a>,
        output: &'a mut OutputFolder,
        sheets: usize,
        spill_folder: &Path,
    ) -> Self {
        let model = layouts.model();
        let (slices, dyes) = (model.image_shape()[0], model.fluorophores.len());
        let memory = MEMORY_BYTES / (dyes * sheets).max(1);
        let store = |_| SliceStore::new(slices, memory, spill_folder);
        Self {
            layouts,
            ids,
            output,
            stores: (0..dyes)
                .map(|_| (0..sheets).map(store).collect())
                .collect(),
            labelled: vec![Vec::new(); dyes],
        }
    }

    /// Learns the labelled cells, and makes sure of the places of their files.
    pub(super) fn begin(&mut self, selection: &Selection) -> Result<(), WriteError> {
        for (dye, labelled) in self.labelled.iter_mut().enumerate() {
            *labelled = selection.labelled_with(dye);
            let files: Vec<PathBuf> = labelled
                .iter()
                .map(|&cell| self.layouts.truth_of(dye, self.ids.cells.ids()[cell]).0)
                .flat_map(|stem| self.layouts.files(&stem))
                .collect();
            self.output.claim(&files)?;
            self.output.supersede(&self.layouts.truth_folder(dye));
        }
        Ok(())
    }

    /// Keeps some slices.
    pub(super) fn keep(&mut self, slices: TruthSlices<'_>) -> Result<(), StoreError> {
        let [_, x, y] = self.layouts.model().image_shape();
        let store = &self.stores[slices.fluorophore][slices.sheet];
        slices
            .cells
            .par_chunks_exact(x * y)
            .enumerate()
            .try_for_each(|(offset, cells)| store.put(slices.first + offset, cells))
    }

    /// Writes a volume for each labelled cell.
    pub(super) fn write(mut self) -> Result<(), SimulationError> {
        for dye in 0..self.labelled.len() {
            let labelled = std::mem::take(&mut self.labelled[dye]);
            for batch in labelled.chunks(BATCH) {
                self.write_batch(dye, batch)?;
            }
        }
        Ok(())
    }

    fn write_batch(&mut self, dye: usize, batch: &[usize]) -> Result<(), SimulationError> {
        let mut sinks = batch
            .iter()
            .map(|&cell| {
                let (stem, layout) = self.layouts.truth_of(dye, self.ids.cells.ids()[cell]);
                self.layouts.create(self.output, &stem, layout)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let encoders: Vec<_> = sinks.iter().map(|sink| sink.encoder()).collect();
        let [slices, x, y] = self.layouts.model().image_shape();
        let (ids, stores) = (self.ids, &self.stores[dye]);
        let Some(encoder) = encoders.first() else {
            return Ok(());
        };
        // Most cells are absent from most slices.
        let blank = encoder.encode(&ids.page(std::iter::repeat_n(0, x * y)))?;
        let mut sheets = vec![vec![0u32; x * y]; stores.len()];
        for slice in 0..slices {
            stores
                .par_iter()
                .zip(&mut sheets)
                .try_for_each(|(store, cells)| store.get(slice, cells))
                .map_err(|error| SimulationError::Run(error.into()))?;
            let page = |(&cell, encoder): (&usize, &Arc<dyn PageEncoder>)| {
                let cell = cell as u32;
                let Some(cells) = sheets.iter().find(|cells| cells.contains(&cell)) else {
                    return Ok(blank.clone());
                };
                let alone = cells.iter().map(|&c| if c == cell { cell } else { 0 });
                encoder.encode(&ids.page(alone))
            };
            let pages = batch.par_iter().zip(&encoders).map(page);
            let pages = pages.collect::<Result<Vec<_>, WriteError>>()?;
            for (sink, page) in sinks.iter_mut().zip(pages) {
                sink.append(page)?;
            }
        }
        sinks.into_iter().try_for_each(VolumeSink::finish)?;
        Ok(())
    }
}
