//! The sweep from labels to images.

use super::finished::PendingSlices;
use super::record::Recorder;
use super::{ExpectedSlices, Pipeline, RunError, Sink, TruthSlices, check_interrupt};
use crate::engine::compute::drive;
use crate::engine::schedule::Step;
use crate::engine::stages::status;
use crate::model::Model;
use crate::model::cells::Selection;
use crate::run::journal::Checkpoint;
use crate::run::plan::{Quantisation, TilePlan};
use rayon::prelude::*;

impl<'a> Pipeline<'a> {
    /// From labels to grey values; returns the brightest pixel of each channel, in counts.
    pub(super) fn image(
        &mut self,
        selection: &Selection,
        sink: &mut dyn Sink,
    ) -> Result<Vec<u32>, RunError> {
        let (model, plan) = (self.model, self.plan);
        let sheets = model.output.truth_volumes(self.input.volume.sheets());
        let first = &plan.first().plan;
        let one_step = first.is_one_step() && !plan.is_tiled();
        let tiles = plan.tiles.iter().map(|tile| tile.tile.clone()).collect();
        let mut input = self.input;
        input.journal = input.journal.filter(|_| !one_step);
        let finished = PendingSlices::new(
            model,
            sheets,
            input.journal,
            input.aside,
            (tiles, &plan.part),
            first.quantisation,
        );
        let mut mark = finished.mark();
        let (images, batch) = (plan.part.images.clone(), first.batch);
        let slices = plan.part.extent(model, 0).images.len();
        self.observer
            .begin("labelling and imaging", slices * plan.tiles.len());
        if !plan.is_tiled() {
            let first = images.start;
            finished.replay_truth(first..mark.truths, batch, sink)?;
            finished.replay_grey(first..mark.images, batch, sink)?;
            finished.replay_expected(first..mark.images, batch, sink)?;
        }
        for (number, tile) in plan.tiles.iter().enumerate() {
            mark = self.image_tile((number, tile), selection, &finished, mark, sink)?;
        }
        if plan.is_tiled() {
            finished.replay_truth(images.clone(), batch, sink)?;
            finished.replay_expected(images, batch, sink)?;
        }
        self.observer.end();
        let of_all = self.brightest.unwrap_or(&mark.maxima);
        self.finish(of_all, &finished, sink)?;
        Ok(mark.maxima)
    }

    /// The images of a tile, from where an earlier run has come to; returns how far the run is
    /// then.
    fn image_tile(
        &mut self,
        (number, tile): (usize, &'a TilePlan),
        selection: &Selection,
        finished: &PendingSlices<'_>,
        mark: Checkpoint,
        sink: &mut dyn Sink,
    ) -> Result<Checkpoint, RunError> {
        let model = self.model;
        let before = number * model.image_shape()[0];
        let done = mark.images.saturating_sub(before);
        let part = &self.plan.part;
        // Steps end between slices: no image that is there is focused on the first one that is
        // left.
        let extent = part.extent(model, done);
        let whole = part.extent(model, 0).images;
        self.observer.advance(whole.len() - extent.images.len());
        if extent.images.is_empty() {
            return Ok(mark);
        }
        self.enter(tile)?;
        let input = self.input;
        let tiled = self.plan.is_tiled();
        // Those of tiles are found on the host: a device sees pixels outside the core.
        let maxima: &[u32] = if tiled { &[] } else { &mark.maxima };
        let mut start = Recorder::new(model, tile, input).start(selection, maxima);
        let mut collector = Collector {
            model,
            tile,
            quantisation: tile.plan.quantisation,
            tiled,
            number,
            before,
            sheets: model.output.truth_volumes(input.volume.sheets()),
            finished,
            sink,
            mark,
        };
        let observer = &mut *self.observer;
        drive(
            self.backend,
            &tile.plan.schedule.window(&extent),
            |step| {
                let mut recorder = Recorder::new(model, tile, input);
                recorder.step(step, selection)?;
                let mut recording = std::mem::take(&mut start);
                recording.commands.extend(recorder.finish().commands);
                Ok(recording)
            },
            |step, reads| collector.take(reads, step),
            |step| {
                observer.advance(step.map_or(0, |step| step.images.len()));
                check_interrupt(observer)
            },
        )?;
        Ok(collector.mark)
    }
}

/// Takes what the steps of a tile read back.
struct Collector<'a> {
    model: &'a Model,
    tile: &'a TilePlan,
    quantisation: Quantisation,
    /// One of several tiles: nothing of it is complete before all of them are.
    tiled: bool,
    /// Which tile.
    number: usize,
    /// Images of a channel in the tiles before it.
    before: usize,
    /// Volumes of ground truth per fluorophore.
    sheets: usize,
    /// The slices that are kept.
    finished: &'a PendingSlices<'a>,
    sink: &'a mut dyn Sink,
    /// How far the run is, tile after tile.
    mark: Checkpoint,
}

impl Collector<'_> {
    /// Takes what a step read back, in the order in which `Recorder::step` recorded it.
    fn take(&mut self, reads: &[Vec<u32>], step: &Step) -> Result<(), RunError> {
        let mut reads = reads.iter().map(Vec::as_slice);
        let shown = self.tile.truths_of(self.model, step);
        let (first_truth, truths) = (shown.start, shown.len());
        let volumes = if truths == 0 {
            0
        } else {
            self.model.fluorophores.len() * self.sheets
        };
        let cells: Vec<_> = reads.by_ref().take(volumes).collect();
        let imaged = self.tile.images_of(self.model, step);
        let (first_image, images) = (imaged.start, imaged.len());
        let channels = if images == 0 || self.quantisation == Quantisation::AtTheEnd {
            0
        } else {
            self.model.channels.len()
        };
        let volumes_each = 1 + self.model.output.expected_volumes();
        let reads_of_channels: Vec<_> = reads.by_ref().take(channels * volumes_each).collect();
        let of_channels = reads_of_channels.chunks_exact(volumes_each);
        let channels: Vec<_> = of_channels.clone().map(|reads| reads[0]).collect();
        let flags = reads.next().unwrap_or_default();
        check_status(flags.first().copied().unwrap_or(0))?;

        // What a run that goes on has made again, to come back to where it was, is there already.
        let known = self.mark.truths.saturating_sub(self.before);
        let again = known.saturating_sub(first_truth).min(truths);
        let new_truth = |number: usize| {
            let volume = cells[number];
            TruthSlices {
                fluorophore: number / self.sheets,
                sheet: number % self.sheets,
                first: first_truth + again,
                cells: &volume[volume.len() / truths * again..],
            }
        };
        for number in 0..volumes {
            self.finished.put_truth(self.number, &new_truth(number))?;
        }
        for (channel, reads) in of_channels.enumerate() {
            let Some(words) = reads.get(1) else { continue };
            let slices = ExpectedSlices {
                channel,
                first: first_image,
                electrons: bytemuck::cast_slice(words),
            };
            self.finished.put_expected(self.number, &slices)?;
            if !self.tiled {
                self.sink.expected(slices).map_err(RunError::Sink)?;
            }
        }
        match self.quantisation {
            Quantisation::AtTheEnd => {}
            Quantisation::InSteps => {
                let [x, y] = self.tile.tile.image_size();
                let bytes = images * x * y * self.model.output.grey_bytes();
                let grey: Vec<&[u8]> = channels
                    .iter()
                    .map(|words| &bytemuck::cast_slice(words)[..bytes])
                    .collect();
                if images > 0 {
                    self.finished.put_grey(first_image, &grey)?;
                    self.sink
                        .images(first_image, &grey)
                        .map_err(RunError::Sink)?;
                }
            }
            Quantisation::OnHost => {
                for (channel, counts) in channels.iter().enumerate() {
                    let place = (self.number, first_image);
                    self.finished.put_images(channel, place, counts)?;
                }
            }
        }
        let maxima = reads.next().unwrap_or_default();
        let exposed = self.model.physical().is_some();
        if exposed && !self.tiled {
            // The detector's grey values say it: no kernel looks for them.
            self.mark.maxima.resize(self.model.channels.len(), 0);
            let bytes = self.model.output.grey_bytes();
            for (maximum, words) in self.mark.maxima.iter_mut().zip(&channels) {
                *maximum = (*maximum).max(brightest(words, bytes));
            }
        } else if self.tiled {
            self.mark.maxima.resize(self.model.channels.len(), 0);
            for (maximum, images) in self.mark.maxima.iter_mut().zip(&channels) {
                *maximum = (*maximum).max(self.finished.maximum(self.number, images));
            }
        } else {
            self.mark.maxima = maxima.to_vec();
        }
        if truths > 0 {
            let known = self.before + first_truth + truths;
            self.mark.truths = self.mark.truths.max(known);
        }
        if images > 0 {
            self.mark.images = self.before + first_image + images;
        }
        // Steps before the first image would be done again.
        if self.mark.images > 0 {
            self.finished.set_mark(self.mark.clone())?;
        }
        if again < truths && !self.tiled {
            for number in 0..volumes {
                self.sink.truth(new_truth(number)).map_err(RunError::Sink)?;
            }
        }
        Ok(())
    }
}

/// The largest of packed grey values of so many bytes; padding is 0.
fn brightest(words: &[u32], bytes: usize) -> u32 {
    if bytes == 1 {
        let greys: &[u8] = bytemuck::cast_slice(words);
        greys.par_iter().copied().max().unwrap_or(0).into()
    } else {
        let greys: &[u16] = bytemuck::cast_slice(words);
        greys.par_iter().copied().max().unwrap_or(0).into()
    }
}

fn check_status(flags: u32) -> Result<(), RunError> {
    let message = if flags & status::COUNTS_OVERFLOW != 0 {
        "a voxel would hold 2^32 proteins or more: lower protein_density or antibody_amp of the layers"
    } else if flags & status::BLUR_OVERFLOW != 0 {
        "a voxel would hold 2^32 photons or more after the blur: lower laser_power, exposure_time, \
         baseline_noise or the layers' protein_density"
    } else if flags & status::IMAGE_OVERFLOW != 0 {
        "a pixel would hold 2^32 photons or more: lower laser_power, exposure_time, \
         baseline_noise, the layers' protein_density or pixel_size"
    } else {
        return Ok(());
    };
    Err(RunError::Overflow(message))
}
