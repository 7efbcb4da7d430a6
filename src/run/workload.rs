//! Benchmark workloads: whole runs in memory, over synthetic tissue.

use crate::base::progress::Observer;
use crate::base::progress::Silent;
use crate::base::volume::VoxelBox;
use crate::config::{
    BitDepth, CellPart, Channel, Config, Distortion, Labeling, Layer, Normalization, Optics,
};
use crate::engine::compute::{Backend, Limits};
use crate::io::read::{ArraySource, CellSource};
use crate::model::Model;
use crate::phantom::Phantom;
use crate::run::error::SimulationError;
use crate::run::ground_truth::LoadedVolume;
use crate::run::pipeline::{Input, NoCounts, Outcome, Pipeline, Sink, SinkError, TruthSlices};
use crate::run::plan::{Contents, RunPlan};
use crate::run::store::SpillPolicy;
use ndarray::Array3;
use std::error::Error;

/// Seed of tissue and draws.
pub const SEED: u64 = 7;

/// Share of the tissue that belongs to cells.
const DENSITY: f64 = 0.85;

/// Cells in memory, for jobs to run over.
pub struct BenchTissue {
    volume: LoadedVolume,
    region: VoxelBox,
}

impl BenchTissue {
    /// Makes neurites and somata, the same for the same shape (z, x, y), in voxels of the default
    /// configuration.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn phantom(shape: [usize; 3]) -> Result<Self, SimulationError> {
        let phantom = Phantom {
            size: shape,
            voxel_nm: Config::default().groundtruth.voxel_or_nan(),
            seed: SEED,
            density: DENSITY,
        };
        let unsupported = |error: &dyn Error| SimulationError::Unsupported(error.to_string());
        let labels = phantom.generate().map_err(|error| unsupported(&error))?;
        let labels = Array3::from_shape_vec(shape, labels);
        Self::new(&labels.map_err(|error| unsupported(&error))?)
    }

    /// Takes these cells: an id per voxel (z, x, y), 0 is the background.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn new(labels: &Array3<u32>) -> Result<Self, SimulationError> {
        let region = VoxelBox {
            offset: [0; 3],
            shape: labels.dim().into(),
        };
        let source = CellSource::Merged(Box::new(ArraySource::new(labels.view())));
        let folder = std::env::temp_dir();
        let aside = SpillPolicy::new(&folder);
        Ok(Self {
            volume: LoadedVolume::load(&source, &[], region, aside, &mut Silent)?,
            region,
        })
    }

    /// Returns the shape (z, x, y).
    pub fn shape(&self) -> [usize; 3] {
        self.region.shape
    }

    /// Returns the number of voxels.
    pub fn voxels(&self) -> usize {
        self.region.voxels()
    }

    /// Returns the number of cells, without the background.
    pub fn cells(&self) -> usize {
        self.volume.cells.len() - 1
    }
}

/// Job: a configuration over tissue.
pub struct Job<'a> {
    tissue: &'a BenchTissue,
    model: Model,
}

impl<'a> Job<'a> {
    /// Makes a job of this configuration.
    ///
    /// # Errors
    /// The configuration cannot be simulated.
    pub fn new(tissue: &'a BenchTissue, config: &Config) -> Result<Self, SimulationError> {
        let model = Model::new(config, tissue.region, SEED)?;
        Ok(Self { tissue, model })
    }

    /// The same job with photons as grey values, so that these are made in each step.
    #[must_use]
    pub fn in_photons(&self) -> Self {
        let mut model = self.model.clone();
        model.output.normalize = Normalization::None;
        Self {
            tissue: self.tissue,
            model,
        }
    }

    /// The tissue.
    pub fn tissue(&self) -> &BenchTissue {
        self.tissue
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the tissue holds.
    pub fn contents(&self) -> Contents {
        Contents::of(&self.tissue.volume)
    }

    /// A plan within these limits.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn plan(&self, limits: &Limits, deepest: usize) -> Result<RunPlan, SimulationError> {
        Ok(RunPlan::new(
            &self.model,
            self.contents(),
            limits,
            deepest,
            [1; 2],
        )?)
    }

    /// Runs a plan once; with `poison` the buffers start out filled with a pattern.
    ///
    /// # Errors
    /// The device fails, or the observer asks to stop.
    pub fn run(
        &self,
        plan: &RunPlan,
        backend: &mut dyn Backend,
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
        poison: bool,
    ) -> Result<Outcome, SimulationError> {
        let folder = std::env::temp_dir();
        let input = Input {
            volume: &self.tissue.volume,
            counts: &NoCounts,
            aside: SpillPolicy::new(&folder),
            journal: None,
        };
        let pipeline = Pipeline::new(&self.model, plan, input, backend, observer, poison)?;
        Ok(pipeline.run(sink)?)
    }
}

/// Runner of a job on a device, with the plan that a run there has.
pub struct JobRunner<'a> {
    job: &'a Job<'a>,
    plan: RunPlan,
    backend: &'a mut dyn Backend,
}

impl<'a> JobRunner<'a> {
    /// Plans for the device.
    ///
    /// # Errors
    /// The job does not fit.
    pub fn new(job: &'a Job<'a>, backend: &'a mut dyn Backend) -> Result<Self, SimulationError> {
        Self::within(job, backend, u64::MAX)
    }

    /// Plans for the device and so many bytes of memory.
    ///
    /// # Errors
    /// The job does not fit.
    pub fn within(
        job: &'a Job<'a>,
        backend: &'a mut dyn Backend,
        memory_bytes: u64,
    ) -> Result<Self, SimulationError> {
        let mut limits = backend.limits().clone();
        limits.wanted_bytes = limits.wanted_bytes.min(memory_bytes);
        limits.total_bytes = limits.total_bytes.min(memory_bytes);
        let plan = job.plan(&limits, backend.deepest_slab())?;
        Ok(Self { job, plan, backend })
    }

    /// Runs the job once, from labels in memory to the sink.
    ///
    /// # Errors
    /// The device fails, or the observer asks to stop.
    pub fn once(
        &mut self,
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, SimulationError> {
        self.job
            .run(&self.plan, self.backend, sink, observer, false)
    }

    /// Returns the device.
    pub fn backend(&mut self) -> &mut dyn Backend {
        self.backend
    }
}

/// Sink that discards all results.
#[derive(Clone, Copy, Debug)]
pub struct NullSink;

impl Sink for NullSink {
    fn truth(&mut self, _: TruthSlices<'_>) -> Result<(), SinkError> {
        Ok(())
    }

    fn images(&mut self, _: usize, _: &[&[u8]]) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Returns the jobs of `simexm-gpu bench` by name: together they use every kernel but those for
/// rows that no workgroup memory holds.
pub fn configurations() -> [(&'static str, Config); 4] {
    let dye = "ATTO550";
    let layer = Layer {
        fluorophore: dye.to_owned(),
        region: CellPart::Cytosol,
        protein_density_per_nm3: 1e-4,
        ..Layer::default()
    };
    let channel = Channel {
        laser_wavelength_nm: 550.0,
        laser_filter_nm: [560.0, 650.0],
        ..Channel::default()
    };
    let fine = Config {
        labeling: Labeling {
            layers: [("cytosol".to_owned(), layer)].into(),
            ..Labeling::default()
        },
        optics: Optics {
            // Pixels half as wide as a voxel.
            pixel_size_nm: Optics::default().pixel_size_nm / 2.0,
            channels: [("channel".to_owned(), channel)].into(),
            ..Optics::default()
        },
        ..Config::default()
    };
    let mut gel = fine.clone();
    gel.optics.pixel_size_nm = Optics::default().pixel_size_nm;
    gel.expansion.distortion = Distortion::Mild;
    for layer in gel.labeling.layers.values_mut() {
        layer.protein_density_per_nm3 = 1e-5;
        layer.extras.linkage_nm = 17.5;
    }
    let mut electrons = Config::physical();
    if let Some(detector) = &mut electrons.detector {
        detector.keys.bits = 8;
    }
    electrons.output.bit_depth = BitDepth::Eight;
    [
        ("brainbow", Config::default()),
        ("fine pixels", fine),
        ("gel", gel),
        ("electrons", electrons),
    ]
}
