//! Ground truth with a volume for each cell. Cells are too many to keep a file open for each: the
//! slices are spilled, and the cells written in batches.

use super::Ids;
use super::layout::Layouts;
use crate::base::progress::Observer;
use crate::io::write::{OutputFolder, PageEncoder, VolumeSink, WriteError};
use crate::model::cells::Selection;
use crate::run::pipeline::{Interrupted, SinkError, TruthSlices};
use crate::run::store::{Aside, SliceStore, StoreError};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Most cells whose files are open at a time.
const BATCH: usize = 64;

/// Ground truths on their way to files.
pub(super) struct SplitTruth<'a> {
    layouts: Layouts<'a>,
    ids: Ids<'a>,
    output: &'a mut OutputFolder,
    /// Indices of cells for each fluorophore and sheet.
    stores: Vec<Vec<SliceStore>>,
    /// Cells of each fluorophore and slice, with their sheet.
    present: Vec<Vec<BTreeMap<usize, usize>>>,
    /// Labelled cells of each fluorophore.
    labelled: Vec<Vec<usize>>,
}

impl<'a> SplitTruth<'a> {
    pub(super) fn new(
        layouts: Layouts<'a>,
        ids: Ids<'a>,
        output: &'a mut OutputFolder,
        sheets: usize,
        aside: Aside<'_>,
    ) -> Self {
        let model = layouts.model();
        let (slices, dyes) = (model.image_shape()[0], model.fluorophores.len());
        let share = aside.share(2 * dyes * sheets);
        let store = |_| SliceStore::new(slices, share);
        Self {
            layouts,
            ids,
            output,
            stores: (0..dyes)
                .map(|_| (0..sheets).map(store).collect())
                .collect(),
            present: vec![vec![BTreeMap::new(); slices]; dyes],
            labelled: vec![Vec::new(); dyes],
        }
    }

    /// Takes the labelled cells, and makes sure that their files can be written.
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
        let present = &mut self.present[slices.fluorophore][slices.first..];
        slices
            .cells
            .par_chunks_exact(x * y)
            .zip(present)
            .enumerate()
            .try_for_each(|(offset, (cells, present))| {
                let mut last = 0;
                for &cell in cells {
                    // Cells come in runs.
                    if cell != last && cell != 0 {
                        present.insert(cell as usize, slices.sheet);
                    }
                    last = cell;
                }
                store.put(slices.first + offset, cells)
            })
    }

    /// Writes a volume for each labelled cell.
    pub(super) fn write(&mut self, observer: &mut dyn Observer) -> Result<(), SinkError> {
        let cells = self.labelled.iter().map(Vec::len).sum();
        observer.begin("writing a ground truth for each cell", cells);
        for dye in 0..self.labelled.len() {
            let labelled = std::mem::take(&mut self.labelled[dye]);
            for batch in labelled.chunks(BATCH) {
                self.write_batch(dye, batch, observer)?;
                observer.advance(batch.len());
            }
        }
        observer.end();
        Ok(())
    }

    fn write_batch(
        &mut self,
        dye: usize,
        batch: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<(), SinkError> {
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
        let blank = ids.encode(&**encoder, &vec![0; x * y])?;
        let mut sheets = vec![vec![0u32; x * y]; stores.len()];
        for slice in 0..slices {
            if observer.interrupted() {
                return Err(Box::new(Interrupted));
            }
            let present = &self.present[dye][slice];
            let used: BTreeSet<usize> = batch
                .iter()
                .filter_map(|cell| present.get(cell).copied())
                .collect();
            for sheet in used {
                stores[sheet].get(slice, &mut sheets[sheet])?;
            }
            let page = |(&cell, encoder): (&usize, &Arc<dyn PageEncoder>)| {
                let Some(&sheet) = present.get(&cell) else {
                    return Ok(blank.clone());
                };
                let cell = cell as u32;
                let alone = sheets[sheet]
                    .iter()
                    .map(|&c| if c == cell { cell } else { 0 });
                ids.encode(&**encoder, &alone.collect::<Vec<u32>>())
            };
            let pages = batch.par_iter().zip(&encoders).map(page);
            let pages = pages.collect::<Result<Vec<_>, WriteError>>()?;
            for (sink, page) in sinks.iter_mut().zip(pages) {
                sink.append(page)?;
            }
        }
        // Bringing a file to the disk is waiting: do it for all at a time.
        sinks.into_par_iter().try_for_each(VolumeSink::finish)?;
        Ok(())
    }
}
