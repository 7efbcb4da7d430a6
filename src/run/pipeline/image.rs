//! The sweep from labels to images.

use super::finished::Finished;
use super::record::Recorder;
use super::{Part, Pipeline, RunError, Sink, TruthSlices};
use crate::engine::compute::Ticket;
use crate::engine::schedule::{Step, kept};
use crate::engine::stages::status;
use crate::model::Model;
use crate::model::cells::Selection;
use crate::run::journal::Mark;
use std::collections::VecDeque;

impl<'a> Pipeline<'a> {
    /// From labels to grey values; returns the channels' maxima.
    pub(super) fn image(
        &mut self,
        selection: &Selection,
        sink: &mut dyn Sink,
    ) -> Result<Vec<u32>, RunError> {
        let sheets = self.model.truth_volumes(self.input.volume.sheets());
        let one_step = self.current.plan.is_one_step();
        let tiles = self.parts.iter().map(|part| part.tile.clone()).collect();
        let mut input = self.input;
        input.journal = input.journal.filter(|_| !one_step);
        let finished = Finished::new(self.model, sheets, input.journal, input.aside, tiles);
        let mut mark = finished.mark();
        let (depth, batch) = (self.model.volume.shape[0], self.current.plan.batch);
        self.observer
            .begin("labelling and imaging", depth * self.parts.len());
        if !self.is_tiled() {
            finished.replay_truth(mark.truths, batch, sink)?;
        }
        for (number, part) in self.parts.clone().iter().enumerate() {
            mark = self.image_part((number, part), selection, &finished, mark, sink)?;
        }
        if self.is_tiled() {
            finished.replay_truth(self.model.image_shape()[0], batch, sink)?;
        }
        self.observer.end();
        self.finish(&mark.maxima, &finished, sink)?;
        Ok(mark.maxima)
    }

    /// The images of a tile, from where an earlier run has come to; returns how far the run is then.
    fn image_part(
        &mut self,
        (number, part): (usize, &Part<'a>),
        selection: &Selection,
        finished: &Finished<'_>,
        mark: Mark,
        sink: &mut dyn Sink,
    ) -> Result<Mark, RunError> {
        let model = part.model;
        let [depth, slices] = [model.volume.shape[0], model.image_shape()[0]];
        let before = number * slices;
        let first = mark.images.saturating_sub(before) * model.camera.step_z;
        self.observer.advance(first.min(depth));
        if mark.images >= before + slices {
            return Ok(mark);
        }
        self.enter(part)?;
        let steps = part.plan.schedule.remaining(first, model.reach);
        // Those of tiles are found on the host: a device sees pixels outside the core.
        let maxima: &[u32] = if self.is_tiled() { &[] } else { &mark.maxima };
        let mut start = Recorder::new(part, self.input).start(selection, maxima);
        let mut collector = Collector {
            model,
            one_step: part.plan.is_one_step(),
            tiled: self.is_tiled(),
            number,
            before,
            sheets: model.truth_volumes(self.input.volume.sheets()),
            finished,
            sink,
            mark,
        };
        let mut pending: VecDeque<(Ticket, &Step)> = VecDeque::new();
        let mut done: Option<(Vec<Vec<u32>>, &Step)> = None;
        let mut steps = steps.iter();
        loop {
            self.check_interrupt()?;
            let next = steps.next();
            if next.is_none() && pending.is_empty() && done.is_none() {
                break;
            }
            // The results of a step are written while the device works on those after it.
            let collected = done.take();
            let images = collected.as_ref().map_or(0, |(_, step)| step.images.len());
            let (reads, step) = collected.unzip();
            let (worked, written) = rayon::join(
                || -> Result<_, RunError> {
                    if let Some(step) = next {
                        let mut recorder = Recorder::new(part, self.input);
                        recorder.step(step, selection)?;
                        let mut recording = std::mem::take(&mut start);
                        recording.commands.extend(recorder.finish().commands);
                        pending.push_back((self.backend.submit(recording)?, step));
                    }
                    if next.is_some() && pending.len() < self.backend.in_flight() {
                        return Ok(None);
                    }
                    let Some((ticket, step)) = pending.pop_front() else {
                        return Ok(None);
                    };
                    Ok(Some((self.backend.wait(ticket)?, step)))
                },
                || match (&reads, step) {
                    (Some(reads), Some(step)) => collector.take(reads, step),
                    _ => Ok(()),
                },
            );
            written?;
            self.backend.recycle(reads.unwrap_or_default());
            done = worked?;
            self.observer.advance(images);
        }
        Ok(collector.mark)
    }
}

/// Takes what the steps of a tile read back.
struct Collector<'a> {
    model: &'a Model,
    one_step: bool,
    /// One of several tiles: nothing of it is complete before all of them are.
    tiled: bool,
    /// Which tile.
    number: usize,
    /// Images of a channel in the tiles before it.
    before: usize,
    /// Volumes of ground truth per fluorophore.
    sheets: usize,
    /// The images that wait for their channels' maxima.
    finished: &'a Finished<'a>,
    sink: &'a mut dyn Sink,
    /// How far the run is, tile after tile.
    mark: Mark,
}

impl Collector<'_> {
    /// Takes what a step read back, in the order in which `Recorder::step` recorded it.
    fn take(&mut self, reads: &[Vec<u32>], step: &Step) -> Result<(), RunError> {
        let step_z = self.model.camera.step_z;
        let mut reads = reads.iter().map(Vec::as_slice);
        let (first_truth, truths) = kept(&step.regions, step_z);
        let first_truth = first_truth / step_z;
        let volumes = if truths == 0 {
            0
        } else {
            self.model.fluorophores.len() * self.sheets
        };
        let cells: Vec<_> = reads.by_ref().take(volumes).collect();
        let (first_image, images) = kept(&step.images, step_z);
        let first_image = first_image / step_z;
        let spilled = if images == 0 || self.one_step {
            0
        } else {
            self.model.channels.len()
        };
        let spilled: Vec<_> = reads.by_ref().take(spilled).collect();
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
        for (channel, images) in spilled.iter().enumerate() {
            let place = (self.number, first_image);
            self.finished.put_images(channel, place, images)?;
        }
        let maxima = reads.next().unwrap_or_default();
        if self.tiled {
            self.mark.maxima.resize(self.model.channels.len(), 0);
            for (maximum, images) in self.mark.maxima.iter_mut().zip(&spilled) {
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
