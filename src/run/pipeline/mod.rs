//! The sweeps of a run over its slabs.
//!
//! *Survey* counts the voxels of cells in the layers' regions, where the choice of cells depends on
//! them. *Image* goes from labels to the camera, and to grey values where these are photons.
//! *Finish* normalises by each channel's maximum: on the device where the images of a run in one
//! slab lie, else the images that were kept aside.

mod finish;
mod finished;
mod image;
mod puncta;
mod record;

use crate::base::progress::Observer;
use crate::engine::compute::{Backend, ComputeError, drive};
use crate::engine::stages::normalise;
use crate::model::Model;
use crate::model::cells::Selection;
use crate::run::ground_truth::LoadedVolume;
use crate::run::journal::{Journal, JournalError};
use crate::run::plan::{RunPlan, TilePlan};
use crate::run::store::{SpillPolicy, StoreError};
pub use puncta::Punctum;
use record::Recorder;
use std::ops::Range;

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

    /// Slices of all channels from `first` on: the bytes of grey values of the model's bit depth in
    /// the machine's order, (z, x, y), a volume for each channel.
    ///
    /// # Errors
    /// When they cannot be written.
    fn images(&mut self, first: usize, channels: &[&[u8]]) -> Result<(), SinkError>;

    /// Slices of a channel's expected electrons, where the model has them.
    ///
    /// # Errors
    /// When they cannot be written.
    fn expected(&mut self, _slices: ExpectedSlices<'_>) -> Result<(), SinkError> {
        Ok(())
    }

    /// All has come. What takes long is shown to the observer; [`Interrupted`] where it asks to
    /// stop.
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

/// Some slices of the expected electrons of a channel's pixels.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedSlices<'a> {
    /// Index of the channel.
    pub channel: usize,
    /// The first of the slices.
    pub first: usize,
    /// Electrons, (z, x, y).
    pub electrons: &'a [f32],
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
    /// The brightest pixel of each channel, in photons, rounded as grey values are; in the model
    /// `physical` its grey value.
    pub maxima: Vec<u32>,
    /// The brightest pixel of each channel, in the counts that images have on the device.
    pub brightest: Vec<u32>,
    /// Whether no pixel of a channel has any light, be it a part of a photon.
    pub dark: Vec<bool>,
    /// The clusters of proteins, in the order of layers and voxels.
    pub puncta: Vec<Punctum>,
}

/// Proteins that are not drawn but given.
pub trait GivenCounts: Sync {
    /// The counts (x, y) of a fluorophore, by its index, in a slice of the volume, if there are
    /// any.
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
    pub aside: SpillPolicy<'a>,
    /// Holds what an earlier run has finished, and keeps what this one finishes. A run of one step
    /// has nothing to keep and starts from the beginning.
    pub journal: Option<&'a Journal>,
}

/// A run of a model over a volume on a device.
pub struct Pipeline<'a> {
    model: &'a Model,
    plan: &'a RunPlan,
    /// The tile whose buffers are on the device.
    current: &'a TilePlan,
    input: Input<'a>,
    backend: &'a mut dyn Backend,
    observer: &'a mut dyn Observer,
    poison: bool,
    /// Voxels of the cells in the layers' regions, where they were counted before.
    surveyed: Option<&'a [Vec<u64>]>,
    /// The brightest pixel of each channel in the whole of the images, where it is known.
    brightest: Option<&'a [u32]>,
}

impl<'a> Pipeline<'a> {
    /// Allocates the plan's buffers on the device. With `poison` they start out filled with a
    /// pattern, so that a test sees whoever relies on their contents.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn new(
        model: &'a Model,
        plan: &'a RunPlan,
        input: Input<'a>,
        backend: &'a mut dyn Backend,
        observer: &'a mut dyn Observer,
        poison: bool,
    ) -> Result<Self, ComputeError> {
        let current = plan.first();
        backend.allocate(&current.plan.specs, poison)?;
        Ok(Self {
            model,
            plan,
            current,
            input,
            backend,
            observer,
            poison,
            surveyed: None,
            brightest: None,
        })
    }

    /// With the voxels of each cell of the whole tissue in each of [`Model::layer_regions`], which
    /// are not counted again.
    #[must_use]
    pub fn with_survey(self, surveyed: Option<&'a [Vec<u64>]>) -> Self {
        Self { surveyed, ..self }
    }

    /// With the [`Outcome::brightest`] of the whole, of which a part is made: grey values are shares
    /// of these.
    #[must_use]
    pub fn with_brightest(self, brightest: Option<&'a [u32]>) -> Self {
        Self { brightest, ..self }
    }

    /// Puts the buffers of a tile on the device, in place of another's.
    fn enter(&mut self, tile: &'a TilePlan) -> Result<(), ComputeError> {
        if self.current.plan.specs != tile.plan.specs {
            self.backend.allocate(&tile.plan.specs, self.poison)?;
        }
        self.current = tile;
        Ok(())
    }

    /// Runs all sweeps.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run(mut self, sink: &mut dyn Sink) -> Result<Outcome, RunError> {
        let counted = match self.surveyed {
            None if needs_survey(self.model) => Some(self.survey()?),
            _ => None,
        };
        let voxels = counted.as_deref().or(self.surveyed);
        let selection = Selection::draw(self.model, &self.input.volume.cells, voxels);
        sink.begin(&selection).map_err(RunError::Sink)?;
        let puncta = self.puncta(&selection)?;
        let brightest = self.image(&selection, sink)?;
        let per_photon = self.model.counts_per_photon();
        let photons = |&counts: &u32| normalise::whole_photons(counts, per_photon);
        sink.finish(self.observer).map_err(|error| {
            if error.is::<Interrupted>() {
                RunError::Interrupted
            } else {
                RunError::Sink(error)
            }
        })?;
        Ok(Outcome {
            selection,
            maxima: brightest.iter().map(photons).collect(),
            dark: brightest.iter().map(|&counts| counts == 0).collect(),
            brightest,
            puncta,
        })
    }

    /// Voxels of each cell, by index, in each of [`Model::layer_regions`]. [`Pipeline::run`] does
    /// this by itself where it needs to.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn survey(&mut self) -> Result<Vec<Vec<u64>>, RunError> {
        self.survey_of(0..self.model.volume.shape[0])
    }

    /// As [`Pipeline::survey`], of some slices of the volume.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn survey_of(&mut self, slices: Range<usize>) -> Result<Vec<Vec<u64>>, RunError> {
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
        let tiles = self.plan.tiles.len();
        let steps = slices.len() * tiles;
        self.observer.begin("survey of the cells", steps);
        let extent = self
            .model
            .reach
            .surveyed(slices, self.model.volume.shape[0]);
        let (model, plan, input) = (self.model, self.plan, self.input);
        for tile in &plan.tiles {
            self.enter(tile)?;
            let observer = &mut *self.observer;
            drive(
                self.backend,
                &tile.plan.schedule.window(&extent),
                |step| Ok::<_, RunError>(Recorder::new(model, tile, input).survey(step)?),
                |_, reads| {
                    reads.iter().for_each(|counts| add(counts));
                    Ok(())
                },
                |step| {
                    observer.advance(step.map_or(0, |step| step.regions.len()));
                    check_interrupt(observer)
                },
            )?;
        }
        self.observer.end();
        Ok(totals)
    }
}

/// Whether the choice of cells, or what is told about it, depends on their voxels: not where all
/// layers label whole cells.
pub(crate) fn needs_survey(model: &Model) -> bool {
    use crate::base::region_bits::FULL;
    use crate::config::SingleNeuron;
    let depends = |layer: &crate::model::LayerModel| {
        layer.region_bit != FULL || layer.single_neuron == SingleNeuron::Largest
    };
    model.labelling.layers.iter().any(depends)
}

fn check_interrupt(observer: &dyn Observer) -> Result<(), RunError> {
    if observer.interrupted() {
        Err(RunError::Interrupted)
    } else {
        Ok(())
    }
}
