//! The sweeps of a run over its slabs; the only code that loops over slabs.
//!
//! *Survey* counts the voxels of cells in the layers' regions, where the choice of cells depends on
//! them. *Image* goes from labels to the camera. *Finish* normalises by each channel's maximum: on
//! the device where the run was one step, else from the images that were kept aside.

mod finished;
mod record;

use crate::cells::Selection;
use crate::compute::{Backend, ComputeError, Recording, Ticket};
use crate::config::Normalization;
use crate::ground_truth::LoadedVolume;
use crate::journal::{Journal, JournalError, Mark};
use crate::model::Model;
use crate::observer::Observer;
use crate::plan::{IN_FLIGHT, Plan};
use crate::schedule::{Step, kept};
use crate::stages::{normalise, status};
use crate::store::{Aside, StoreError};
use finished::Finished;
use record::Recorder;
use std::collections::VecDeque;

/// Where a run's results go. Slices come in order.
pub trait Sink: Send {
    /// The labelled cells, known before any slice comes.
    ///
    /// # Errors
    /// When there is no room for what is to come.
    fn begin(&mut self, _selection: &Selection) -> Result<(), SinkError> {
        Ok(())
    }

    /// Slices of a fluorophore's ground truth: indices of cells, (z, x, y).
    ///
    /// # Errors
    /// When they cannot be written.
    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError>;

    /// Slices of all channels from `first` on: the bytes of grey values of the model's bit depth in the
    /// machine's order, (z, x, y), a volume for each channel.
    ///
    /// # Errors
    /// When they cannot be written.
    fn images(&mut self, first: usize, channels: &[&[u8]]) -> Result<(), SinkError>;

    /// All has come. What takes long is shown to the observer; [`Interrupted`] where it asks to stop.
    ///
    /// # Errors
    /// When the results cannot be completed.
    fn finish(&mut self, _observer: &mut dyn Observer) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A sink was asked to stop.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Some slices of a ground truth.
#[derive(Clone, Copy, Debug)]
pub struct TruthSlices<'a> {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// The sheet of cells that is shown; 0 where the ground truth is merged from all of them.
    pub sheet: usize,
    /// The first of the slices.
    pub first: usize,
    /// Indices of cells, (z, x, y).
    pub cells: &'a [u32],
}

/// Why a result could not be written.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// Intermediate data could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is finished could not be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Results could not be written.
    #[error(transparent)]
    Sink(SinkError),
    /// Integers overflowed.
    #[error("{0}")]
    Overflow(&'static str),
    /// Someone asked it to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The labelled cells.
    pub selection: Selection,
    /// The brightest pixel of each channel, in photons.
    pub maxima: Vec<u32>,
}

/// Proteins that are not drawn but given.
pub trait GivenCounts: Sync {
    /// The counts (x, y) of a fluorophore, by its index, in a slice of the volume, if there are any.
    fn slice(&self, fluorophore: usize, z: usize) -> Option<Vec<u32>>;
}

/// No protein is given.
#[derive(Clone, Copy, Debug)]
pub struct NoCounts;

impl GivenCounts for NoCounts {
    fn slice(&self, _: usize, _: usize) -> Option<Vec<u32>> {
        None
    }
}

/// What a run is made of.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The cells.
    pub volume: &'a LoadedVolume,
    /// Proteins that are there besides those of the layers.
    pub counts: &'a dyn GivenCounts,
    /// Where intermediate data go.
    pub aside: Aside<'a>,
    /// Holds what an earlier run has finished, and keeps what this one finishes. A run of one step has
    /// nothing to keep and starts from the beginning.
    pub journal: Option<&'a Journal>,
}

/// A run of a model over a volume on a device.
pub struct Pipeline<'a> {
    model: &'a Model,
    plan: &'a Plan,
    input: Input<'a>,
    backend: &'a mut dyn Backend,
    observer: &'a mut dyn Observer,
}

impl<'a> Pipeline<'a> {
    /// Allocates the plan's buffers on the device. With `poison` they start out filled with a
    /// pattern, so that a test sees whoever relies on their contents.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn new(
        model: &'a Model,
        plan: &'a Plan,
        input: Input<'a>,
        backend: &'a mut dyn Backend,
        observer: &'a mut dyn Observer,
        poison: bool,
    ) -> Result<Self, ComputeError> {
        backend.allocate(&plan.specs, poison)?;
        Ok(Self {
            model,
            plan,
            input,
            backend,
            observer,
        })
    }

    /// Runs all sweeps.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run(mut self, sink: &mut dyn Sink) -> Result<Outcome, RunError> {
        let voxels = if self.needs_survey() {
            Some(self.survey()?)
        } else {
            None
        };
        let selection = Selection::draw(self.model, &self.input.volume.cells, voxels.as_deref());
        sink.begin(&selection).map_err(RunError::Sink)?;
        let maxima = self.image(&selection, sink)?;
        sink.finish(self.observer).map_err(|error| {
            if error.is::<Interrupted>() {
                RunError::Interrupted
            } else {
                RunError::Sink(error)
            }
        })?;
        Ok(Outcome { selection, maxima })
    }

    /// Whether the choice of cells, or what is told about it, depends on their voxels: not where all
    /// layers label whole cells.
    fn needs_survey(&self) -> bool {
        use crate::config::SingleNeuron;
        use crate::stages::regions::FULL;
        let depends = |layer: &crate::model::LayerModel| {
            layer.region_bit != FULL || layer.single_neuron == SingleNeuron::Largest
        };
        self.model.layers.iter().any(depends)
    }

    fn check_interrupt(&self) -> Result<(), RunError> {
        if self.observer.interrupted() {
            Err(RunError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Voxels of each cell, by index, in each of [`Model::layer_regions`]. [`Pipeline::run`] does this by
    /// itself where it needs to.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn survey(&mut self) -> Result<Vec<Vec<u64>>, RunError> {
        let regions = self.model.layer_regions().len();
        let cells = self.input.volume.cells.len();
        let mut totals = vec![vec![0u64; cells]; regions];
        let mut add = |counts: &[u32]| {
            for (totals, counts) in totals.iter_mut().zip(counts.chunks_exact(cells)) {
                for (total, &count) in totals.iter_mut().zip(counts) {
                    *total += u64::from(count);
                }
            }
        };
        self.observer
            .begin("survey of the cells", self.model.volume.shape[0]);
        let mut pending: VecDeque<Ticket> = VecDeque::new();
        for step in &self.plan.schedule.steps {
            self.check_interrupt()?;
            let recording = Recorder::new(self.model, self.plan, self.input).survey(step)?;
            pending.push_back(self.backend.submit(recording)?);
            if pending.len() >= IN_FLIGHT
                && let Some(ticket) = pending.pop_front()
            {
                self.backend
                    .wait(ticket)?
                    .iter()
                    .for_each(|counts| add(counts));
            }
            self.observer.advance(step.regions.len());
        }
        for ticket in pending {
            self.backend
                .wait(ticket)?
                .iter()
                .for_each(|counts| add(counts));
        }
        self.observer.end();
        Ok(totals)
    }

    /// From labels to grey values; returns the channels' maxima.
    fn image(&mut self, selection: &Selection, sink: &mut dyn Sink) -> Result<Vec<u32>, RunError> {
        let sheets = self.model.truth_volumes(self.input.volume.sheets());
        let journal = self.input.journal.filter(|_| !self.plan.is_one_step());
        let finished = Finished::new(self.model, sheets, journal, self.input.aside);
        let mark = finished.mark();
        let first = mark.images * self.model.camera.step_z;
        let steps = self.plan.schedule.remaining(first, self.model.reach);
        self.observer
            .begin("labelling and imaging", self.model.volume.shape[0]);
        finished.replay_truth(self.plan.images_per_step, sink)?;
        self.observer.advance(first.min(self.model.volume.shape[0]));
        let mut start =
            Recorder::new(self.model, self.plan, self.input).start(selection, &mark.maxima);
        let mut collector = Collector {
            model: self.model,
            one_step: self.plan.is_one_step(),
            sheets,
            finished: &finished,
            sink: &mut *sink,
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
            let (worked, written) = rayon::join(
                || -> Result<_, RunError> {
                    if let Some(step) = next {
                        let mut recorder = Recorder::new(self.model, self.plan, self.input);
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
                || collected.map_or(Ok(()), |(reads, step)| collector.take(reads, step)),
            );
            written?;
            done = worked?;
            self.observer.advance(images);
        }
        let maxima = collector.mark.maxima;
        self.observer.end();
        self.finish(&maxima, &finished, sink)?;
        Ok(maxima)
    }

    /// The thresholds of a channel's grey values.
    fn thresholds(&self, maximum: u32) -> Vec<u32> {
        let largest = self.model.bit_depth.largest();
        match self.model.normalize {
            Normalization::Channel => normalise::thresholds(maximum, largest),
            Normalization::None => normalise::photon_thresholds(largest),
        }
    }

    /// Normalises by the channels' maxima and hands the images over.
    fn finish(
        &mut self,
        maxima: &[u32],
        finished: &Finished<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let [slices, x, y] = self.model.image_shape();
        let pixels = x * y;
        let batch = self.plan.images_per_step;
        let grey_bytes = self.model.bit_depth.bits() as usize / 8;
        let thresholds: Vec<u32> = maxima
            .iter()
            .flat_map(|&maximum| self.thresholds(maximum))
            .collect();
        let mut recording = Recording::default();
        recording.write(self.plan.buffers.thresholds, 0, thresholds);
        self.observer.begin("normalising and writing", slices);
        let one_step = self.plan.is_one_step();
        let mut grey: Option<(usize, Vec<Vec<u32>>)> = None;
        let mut batches = (0..slices).step_by(batch);
        loop {
            self.check_interrupt()?;
            let next = batches.next();
            if next.is_none() && grey.is_none() {
                break;
            }
            // As in the sweep before: one batch is written while the next is made.
            let ready = grey.take();
            let written = ready
                .as_ref()
                .map_or(0, |(first, _)| batch.min(slices - first));
            let (made, wrote) = rayon::join(
                || -> Result<_, RunError> {
                    let Some(first) = next else { return Ok(None) };
                    let count = batch.min(slices - first);
                    let mut recorder = Recorder::new(self.model, self.plan, self.input);
                    for channel in 0..self.model.channels.len() {
                        let images = if one_step {
                            None
                        } else {
                            Some(finished.images(channel, first, count)?)
                        };
                        recorder.normalise(channel, images, count * pixels);
                    }
                    let mut recording = std::mem::take(&mut recording);
                    recording.commands.extend(recorder.finish().commands);
                    let ticket = self.backend.submit(recording)?;
                    Ok(Some((first, self.backend.wait(ticket)?)))
                },
                || -> Result<(), RunError> {
                    let Some((first, grey)) = ready else {
                        return Ok(());
                    };
                    let bytes = batch.min(slices - first) * pixels * grey_bytes;
                    let channels: Vec<&[u8]> = grey
                        .iter()
                        .map(|words| &bytemuck::cast_slice(words)[..bytes])
                        .collect();
                    sink.images(first, &channels).map_err(RunError::Sink)
                },
            );
            wrote?;
            grey = made?;
            self.observer.advance(written);
        }
        self.observer.end();
        Ok(())
    }
}

/// Takes what the steps read back.
struct Collector<'a> {
    model: &'a Model,
    one_step: bool,
    /// Volumes of ground truth per fluorophore.
    sheets: usize,
    /// The images that wait for their channels' maxima.
    finished: &'a Finished<'a>,
    sink: &'a mut dyn Sink,
    /// How far the run is.
    mark: Mark,
}

impl Collector<'_> {
    /// Takes what a step read back, in the order in which `Recorder::step` recorded it.
    fn take(&mut self, reads: Vec<Vec<u32>>, step: &Step) -> Result<(), RunError> {
        let step_z = self.model.camera.step_z;
        let mut reads = reads.into_iter();
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
        let again = self.mark.truths.saturating_sub(first_truth).min(truths);
        let new_truth = |number: usize| {
            let volume: &[u32] = &cells[number];
            TruthSlices {
                fluorophore: number / self.sheets,
                sheet: number % self.sheets,
                first: first_truth + again,
                cells: &volume[volume.len() / truths * again..],
            }
        };
        for number in 0..volumes {
            self.finished.put_truth(&new_truth(number))?;
        }
        for (channel, images) in spilled.iter().enumerate() {
            self.finished.put_images(channel, first_image, images)?;
        }
        self.mark.maxima = reads.next().unwrap_or_default();
        if truths > 0 {
            self.mark.truths = self.mark.truths.max(first_truth + truths);
        }
        if images > 0 {
            self.mark.images = first_image + images;
        }
        // Steps before the first image would be done again.
        if self.mark.images > 0 {
            self.finished.set_mark(self.mark.clone())?;
        }
        if again < truths {
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
