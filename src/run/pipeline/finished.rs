//! Where the images of a run wait for their channels' maxima, and what is kept so that it can go on
//! after it was stopped.
//!
//! A run in tiles makes the images of one tile after the other. Slice z of tile t is kept as slice
//! t * slices + z, and put together with those of the other tiles when it is asked for.

use super::{ExpectedSlices, RunError, Sink, TruthSlices};
use crate::engine::stages::normalise;
use crate::model::Model;
use crate::run::journal::{Checkpoint, Item, Journal};
use crate::run::plan::{ImageBox, Quantisation, Tile};
use crate::run::store::{SliceStore, SpillPolicy, StoreError, sparse};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// The finished slices of a run: in its journal, else set aside as long as it lasts.
pub(super) struct PendingSlices<'a> {
    journal: Option<&'a Journal>,
    /// Without a journal: for each channel its images, where they wait.
    images: Vec<SliceStore>,
    /// Without a journal, in tiles: for each volume its ground truth, and for each channel its
    /// expected electrons.
    truths: Vec<SliceStore>,
    tiles: Vec<Tile>,
    /// Images of a channel.
    slices: usize,
    /// The first row and column that are made.
    origin: [usize; 2],
    /// Columns of what is made of an image.
    columns: usize,
    /// Pixels of what is made of an image.
    pixels: usize,
    channels: usize,
    /// Channels whose expected electrons are output: all or none.
    expected: usize,
    /// Bytes of a grey value.
    grey_bytes: usize,
    quantisation: Quantisation,
    /// Volumes of ground truth per fluorophore.
    sheets: usize,
    fluorophores: usize,
}

impl<'a> PendingSlices<'a> {
    pub(super) fn new(
        model: &Model,
        sheets: usize,
        journal: Option<&'a Journal>,
        aside: SpillPolicy<'_>,
        (tiles, part): (Vec<Tile>, &ImageBox),
        quantisation: Quantisation,
    ) -> Self {
        let [slices, ..] = model.image_shape();
        let [rows, columns] = part.size();
        let origin = [part.pixels[0].start, part.pixels[1].start];
        let tiled = tiles.len() > 1
            || tiles
                .first()
                .is_some_and(|tile| tile.image_size() != [rows, columns]);
        let (channels, volumes) = (model.channels.len(), model.fluorophores.len() * sheets);
        let expected = channels * model.output.expected_volumes();
        let truths = if tiled { volumes + expected } else { 0 };
        let waiting = if quantisation.is_on_host() {
            channels
        } else {
            0
        };
        let share = aside.share(2 * (waiting + truths));
        let stores = |count: usize| match journal {
            Some(_) => Vec::new(),
            None => (0..count)
                .map(|_| SliceStore::new(tiles.len() * slices, share))
                .collect(),
        };
        Self {
            journal,
            images: stores(waiting),
            truths: stores(truths),
            slices,
            origin,
            columns,
            pixels: rows * columns,
            channels,
            expected,
            grey_bytes: model.output.grey_bytes(),
            quantisation,
            sheets,
            fluorophores: model.fluorophores.len(),
            tiles,
        }
    }

    /// How far an earlier run has come.
    pub(super) fn mark(&self) -> Checkpoint {
        self.journal.map(Journal::mark).unwrap_or_default()
    }

    /// The slices of a tile's own images, each the core of one.
    fn cores<'s>(
        &self,
        tile: usize,
        images: &'s [u32],
    ) -> impl IndexedParallelIterator<Item = Cow<'s, [u32]>> + use<'s> {
        let Tile { x, y } = self.tiles[tile].clone();
        let rows = x.skipped_pixels..x.skipped_pixels + x.pixels.len();
        let columns = y.skipped_pixels..y.skipped_pixels + y.pixels.len();
        let (own_x, own_y) = (x.own_pixels, y.own_pixels);
        images.par_chunks_exact(own_x * own_y).map(move |image| {
            let rows = &image[rows.start * own_y..rows.end * own_y];
            if columns.len() == own_y {
                return Cow::Borrowed(rows);
            }
            let rows = rows.chunks_exact(own_y);
            Cow::Owned(
                rows.flat_map(|row| &row[columns.clone()])
                    .copied()
                    .collect(),
            )
        })
    }

    /// The brightest pixel of a tile's images, its core alone.
    pub(super) fn maximum(&self, tile: usize, images: &[u32]) -> u32 {
        let brightest = |image: Cow<'_, [u32]>| image.iter().copied().max().unwrap_or(0);
        self.cores(tile, images).map(brightest).max().unwrap_or(0)
    }

    /// Keeps a tile's images of a channel, from slice `first` on.
    pub(super) fn put_images(
        &self,
        channel: usize,
        (tile, first): (usize, usize),
        images: &[u32],
    ) -> Result<(), RunError> {
        let first = tile * self.slices + first;
        let images = self.cores(tile, images).enumerate();
        images.try_for_each(|(offset, image)| match self.journal {
            None => Ok(self.images[channel].put_sparse(first + offset, &image)?),
            Some(journal) => {
                let item = image_item(channel, first + offset);
                Ok(journal.put(item, &sparse::pack(&image))?)
            }
        })
    }

    /// Puts a slice together from the tiles; `fetch` fills the pixels of slice t * slices + z.
    fn put_together(
        &self,
        slice: usize,
        image: &mut [u32],
        fetch: impl Fn(usize, &mut [u32]) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let mut core = Vec::new();
        for (number, Tile { x, y }) in self.tiles.iter().enumerate() {
            let kept = number * self.slices + slice;
            let [first_x, first_y] = self.origin;
            let own = x.pixels.start - first_x..x.pixels.end - first_x;
            let rows = &mut image[own.start * self.columns..own.end * self.columns];
            let columns = y.pixels.start - first_y..y.pixels.end - first_y;
            let width = y.pixels.len();
            if width == self.columns {
                fetch(kept, rows)?;
                continue;
            }
            core.resize(x.pixels.len() * width, 0);
            fetch(kept, &mut core)?;
            let rows = rows.chunks_exact_mut(self.columns);
            for (row, core) in rows.zip(core.chunks_exact(width)) {
                row[columns.clone()].copy_from_slice(core);
            }
        }
        Ok(())
    }

    /// Grey values of a channel's images by these thresholds, from slice `first` on.
    pub(super) fn grey(
        &self,
        channel: usize,
        first: usize,
        count: usize,
        thresholds: &[u32],
        grey: &mut Vec<u8>,
    ) -> Result<(), RunError> {
        let page = self.pixels * self.grey_bytes;
        grey.resize(count * page, 0);
        let slices = grey.par_chunks_exact_mut(page).enumerate();
        slices.try_for_each_init(
            || vec![0; self.pixels],
            |counts, (offset, grey)| {
                let fetch = |slice: usize, core: &mut [u32]| self.counts(channel, slice, core);
                self.put_together(first + offset, counts, fetch)?;
                normalise::grey_values(counts, thresholds, grey);
                Ok(())
            },
        )
    }

    /// Counts of a slice of a tile.
    fn counts(&self, channel: usize, slice: usize, counts: &mut [u32]) -> Result<(), RunError> {
        let Some(journal) = self.journal else {
            return Ok(self.images[channel].get_sparse(slice, counts)?);
        };
        let packed = journal.get(image_item(channel, slice))?;
        let damaged = StoreError::Damaged { slice };
        Ok(sparse::unpack(&packed, counts).ok_or(damaged)?)
    }

    /// Keeps the grey values of all channels, from slice `first` on, if a run may go on with them.
    pub(super) fn put_grey(&self, first: usize, channels: &[&[u8]]) -> Result<(), RunError> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let page = self.pixels * self.grey_bytes;
        for (channel, grey) in channels.iter().enumerate() {
            let slices = grey.par_chunks_exact(page).enumerate();
            slices.try_for_each(|(offset, grey)| {
                let packed = lz4_flex::block::compress(grey);
                journal.put(image_item(channel, first + offset), &packed)
            })?;
        }
        Ok(())
    }

    /// Hands images that were kept as grey values to the sink, `batch` at a time.
    pub(super) fn replay_grey(
        &self,
        images: Range<usize>,
        batch: usize,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        if self.quantisation != Quantisation::InSteps {
            return Ok(());
        }
        let page = self.pixels * self.grey_bytes;
        for first in images.clone().step_by(batch.max(1)) {
            let count = batch.min(images.end - first);
            let mut channels = vec![vec![0; count * page]; self.channels];
            for (channel, grey) in channels.iter_mut().enumerate() {
                let slices = grey.par_chunks_exact_mut(page).enumerate();
                slices.try_for_each(|(offset, grey)| {
                    unpacked(journal, image_item(channel, first + offset), grey)
                })?;
            }
            let channels: Vec<&[u8]> = channels.iter().map(Vec::as_slice).collect();
            sink.images(first, &channels).map_err(RunError::Sink)?;
        }
        Ok(())
    }

    /// Keeps a tile's slices of ground truth, if they are needed again: by a run that goes on, or
    /// with those of the other tiles.
    pub(super) fn put_truth(&self, tile: usize, slices: &TruthSlices<'_>) -> Result<(), RunError> {
        if self.journal.is_none() && self.truths.is_empty() {
            return Ok(());
        }
        let volume = slices.fluorophore * self.sheets + slices.sheet;
        self.put_words(volume, (tile, slices.first), slices.cells)
    }

    /// As [`Self::put_truth`], of the expected electrons of a channel.
    pub(super) fn put_expected(
        &self,
        tile: usize,
        slices: &ExpectedSlices<'_>,
    ) -> Result<(), RunError> {
        if self.journal.is_none() && self.truths.is_empty() {
            return Ok(());
        }
        let words = bytemuck::cast_slice(slices.electrons);
        self.put_words(
            self.expected_volume(slices.channel),
            (tile, slices.first),
            words,
        )
    }

    /// Where the expected electrons of a channel are kept: behind the ground truths.
    fn expected_volume(&self, channel: usize) -> usize {
        self.fluorophores * self.sheets + channel
    }

    /// Keeps a tile's slices of a volume of words.
    fn put_words(
        &self,
        volume: usize,
        (tile, first): (usize, usize),
        words: &[u32],
    ) -> Result<(), RunError> {
        let first = tile * self.slices + first;
        let slices = self.cores(tile, words).enumerate();
        slices.try_for_each(|(offset, words)| match self.journal {
            None => Ok(self.truths[volume].put(first + offset, &words)?),
            Some(journal) => {
                let item = truth_item(volume, first + offset);
                let packed = lz4_flex::block::compress(bytemuck::cast_slice(&words));
                Ok(journal.put(item, &packed)?)
            }
        })
    }

    /// So many slices of a volume of words that was kept, from `first` on.
    fn words(&self, volume: usize, first: usize, count: usize) -> Result<Vec<u32>, RunError> {
        let mut words = vec![0; count * self.pixels];
        let pages = words.par_chunks_exact_mut(self.pixels).enumerate();
        pages.try_for_each(|(offset, page)| {
            self.put_together(first + offset, page, |slice, core| match self.journal {
                None => Ok(self.truths[volume].get(slice, core)?),
                Some(journal) => {
                    let item = truth_item(volume, slice);
                    unpacked(journal, item, bytemuck::cast_slice_mut(core))
                }
            })
        })?;
        Ok(words)
    }

    /// Notes that all slices up to these are there.
    pub(super) fn set_mark(&self, mark: Checkpoint) -> Result<(), RunError> {
        match self.journal {
            Some(journal) => Ok(journal.set_mark(mark)?),
            None => Ok(()),
        }
    }

    /// Hands slices of ground truth that were kept to the sink, `batch` at a time.
    pub(super) fn replay_truth(
        &self,
        images: Range<usize>,
        batch: usize,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        for first in images.clone().step_by(batch.max(1)) {
            let count = batch.min(images.end - first);
            for volume in 0..self.fluorophores * self.sheets {
                let cells = self.words(volume, first, count)?;
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

    /// Hands slices of expected electrons that were kept to the sink, `batch` at a time.
    pub(super) fn replay_expected(
        &self,
        images: Range<usize>,
        batch: usize,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        if self.journal.is_none() && self.truths.is_empty() {
            return Ok(());
        }
        for channel in 0..self.expected {
            for first in images.clone().step_by(batch.max(1)) {
                let count = batch.min(images.end - first);
                let words = self.words(self.expected_volume(channel), first, count)?;
                let slices = ExpectedSlices {
                    channel,
                    first,
                    electrons: bytemuck::cast_slice(&words),
                };
                sink.expected(slices).map_err(RunError::Sink)?;
            }
        }
        Ok(())
    }
}

/// Fills the bytes of a slice that is kept under LZ4.
fn unpacked(journal: &Journal, item: Item, bytes: &mut [u8]) -> Result<(), RunError> {
    let packed = journal.get(item)?;
    match lz4_flex::block::decompress_into(&packed, bytes) {
        Ok(length) if length == bytes.len() => Ok(()),
        _ => {
            let (Item::Image { slice, .. } | Item::Truth { slice, .. }) = item;
            let slice = slice as usize;
            Err(StoreError::Damaged { slice }.into())
        }
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
