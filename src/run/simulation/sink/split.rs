//! Ground truth with a volume for each cell. Cells are too many to keep a file open for each: the
//! slices are spilled, and the cells written in batches.

use super::Ids;
use super::layout::Layouts;
use crate::base::progress::Observer;
use crate::io::write::{
    EncodedPiece, OutputFolder, PieceEncoder, Target, VolumeSink, WriteError, pieces,
};
use crate::model::cells::Selection;
use crate::run::pipeline::{Interrupted, SinkError, TruthSlices};
use crate::run::store::{SliceStore, SpillPolicy, StoreError};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
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
        aside: SpillPolicy<'_>,
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
            let format = self.layouts.format();
            let targets: Vec<Target> = labelled
                .iter()
                .map(|&cell| self.layouts.truth_of(dye, self.ids.number(cell)).0)
                .map(|stem| format.target(&stem))
                .collect();
            self.output.claim(&targets)?;
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
        if batch.is_empty() {
            return Ok(());
        }
        let (layouts, ids, stores) = (&self.layouts, self.ids, &self.stores[dye]);
        let volume = |cell: usize| layouts.truth_of(dye, ids.number(cell));
        let slices_per_piece = layouts.format().format().piece_slices;
        let mut sinks = batch
            .iter()
            .map(|&cell| layouts.create(self.output, volume(cell)))
            .collect::<Result<Vec<_>, _>>()?;
        let encoders: Vec<_> = sinks.iter().map(|sink| sink.encoder()).collect();
        let [slices, x, y] = layouts.model().image_shape();
        let mut blank = Blank::default();
        let mut sheets = vec![vec![0u32; x * y * slices_per_piece]; stores.len()];
        for piece in pieces(slices, slices_per_piece) {
            if observer.interrupted() {
                return Err(Box::new(Interrupted));
            }
            let present = &self.present[dye][piece.clone()];
            for (slice, present) in present.iter().enumerate() {
                let used: BTreeSet<usize> = batch
                    .iter()
                    .filter_map(|cell| present.get(cell).copied())
                    .collect();
                for sheet in used {
                    let to = &mut sheets[sheet][slice * x * y..][..x * y];
                    stores[sheet].get(piece.start + slice, to)?;
                }
            }
            let blank = blank.piece(piece.len(), || {
                encoders[0].encode(&ids.pixels(&vec![0; piece.len() * x * y]))
            })?;
            let encode = |(&cell, encoder): (&usize, &Arc<dyn PieceEncoder>)| {
                if present.iter().all(|present| !present.contains_key(&cell)) {
                    return Ok(blank.clone());
                }
                let mut alone = vec![0; piece.len() * x * y];
                let slices = present
                    .iter()
                    .zip(alone.chunks_exact_mut(x * y))
                    .enumerate();
                for (slice, (present, alone)) in slices {
                    let Some(&sheet) = present.get(&cell) else {
                        continue;
                    };
                    let all = &sheets[sheet][slice * x * y..][..x * y];
                    for (to, &from) in alone.iter_mut().zip(all) {
                        if from == cell as u32 {
                            *to = from;
                        }
                    }
                }
                encoder.encode(&ids.pixels(&alone))
            };
            let encoded = batch.par_iter().zip(&encoders).map(encode);
            let encoded = encoded.collect::<Result<Vec<_>, WriteError>>()?;
            for (sink, piece) in sinks.iter_mut().zip(encoded) {
                sink.append(piece)?;
            }
        }
        // Bringing a file to the disk is waiting: do it for all at a time.
        sinks.into_par_iter().try_for_each(VolumeSink::finish)?;
        Ok(())
    }
}

/// A piece without any cell, encoded once: most cells are absent from most pieces.
#[derive(Default)]
struct Blank {
    /// Its slices, and what became of them; the last piece of a volume may have fewer.
    known: Option<(usize, EncodedPiece)>,
}

impl Blank {
    fn piece(
        &mut self,
        slices: usize,
        encode: impl FnOnce() -> Result<EncodedPiece, WriteError>,
    ) -> Result<&EncodedPiece, WriteError> {
        let piece = match self.known.take() {
            Some((known, piece)) if known == slices => piece,
            _ => encode()?,
        };
        Ok(&self.known.insert((slices, piece)).1)
    }
}
