//! Whole runs in memory.

use super::execute;
use ndarray::Array3;
use simexm_gpu::config::Config;
use simexm_gpu::internals::base::volume::VoxelBox;
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::io::read::{ArraySource, CellSource, VolumeSource};
use simexm_gpu::internals::model::Model;
use simexm_gpu::internals::model::cells::Selection;
use simexm_gpu::internals::run::ground_truth::LoadedVolume;
use simexm_gpu::internals::run::pipeline::{
    Input, NoCounts, Pipeline, Sink, SinkError, TruthSlices,
};
use simexm_gpu::internals::run::plan::{Contents, RunPlan};
use simexm_gpu::internals::run::simulation::Silent;
use simexm_gpu::internals::run::store::SpillPolicy;

/// The results of a run in memory, intermediate ones too. Volumes are (z, x, y).
pub struct Run {
    pub model: Model,
    pub selection: Selection,
    /// Ids of the volume, 0 first: what the indices in `truth` stand for.
    pub ids: Vec<u64>,
    /// Indices of cells in the ground truth of each fluorophore.
    pub truth: Vec<Vec<u32>>,
    /// Grey values of each channel.
    pub grey: Vec<Vec<u8>>,
    /// Proteins of each fluorophore.
    pub counts: Vec<Vec<u32>>,
    /// Emission of the last fluorophore in the last channel.
    pub emission: Vec<f32>,
    /// Photons on the camera's pixels in each channel.
    pub images: Vec<Vec<u32>>,
}

impl Run {
    /// Ids of the cells that a fluorophore labels.
    pub fn labelled(&self, fluorophore: usize) -> Vec<u64> {
        let cells = self.selection.labelled_with(fluorophore);
        cells.into_iter().map(|cell| self.ids[cell]).collect()
    }
}

/// Runs a configuration over a part of a volume in memory, as one slab.
pub fn simulate(
    config: &Config,
    labels: &Array3<u32>,
    region: VoxelBox,
    seed: u64,
    backend: &mut dyn Backend,
) -> Run {
    let source = ArraySource::new(labels.view());
    simulate_source(config, &source, region, seed, backend)
}

/// As [`simulate`], from any source.
pub fn simulate_source(
    config: &Config,
    source: &dyn VolumeSource,
    region: VoxelBox,
    seed: u64,
    backend: &mut dyn Backend,
) -> Run {
    let mut nobody = Silent;
    let folder = std::env::temp_dir();
    let source = CellSource::Merged(Box::new(source));
    let volume =
        LoadedVolume::load(&source, &[], region, SpillPolicy::new(&folder), &mut nobody).unwrap();
    let model = Model::new(config, region, seed).unwrap();
    let depth = region.shape[0];
    let limits = backend.limits().clone();
    let plan = RunPlan::new(&model, Contents::of(&volume), &limits, depth, [1; 2]).unwrap();
    let one_step = !plan.is_tiled() && plan.first().plan.is_one_step();
    assert!(one_step, "the test's volume is too large");
    let mut sink = Collect {
        truth: vec![Vec::new(); model.fluorophores.len()],
        grey: vec![Vec::new(); model.channels.len()],
    };
    let input = Input {
        volume: &volume,
        counts: &NoCounts,
        aside: SpillPolicy::new(&folder),
        journal: None,
    };
    let pipeline = Pipeline::new(&model, &plan, input, backend, &mut nobody, true);
    let outcome = pipeline.unwrap().run(&mut sink).unwrap();
    // In a run of one step the buffers still hold everything.
    let b = &plan.first().plan.buffers;
    let (voxels, pixels) = (region.voxels(), model.image_shape().iter().product());
    let mut recording = Recording::default();
    for &counts in &b.counts {
        recording.read(counts, 0..voxels);
    }
    recording.read(b.emission, 0..voxels);
    for &image in &b.images {
        recording.read(image, 0..pixels);
    }
    let mut counts = execute(backend, recording);
    let mut images = counts.split_off(b.counts.len());
    let emission = bytemuck::cast_vec(images.remove(0));
    let ids = volume.cells.ids().to_vec();
    Run {
        selection: outcome.selection,
        ids,
        truth: sink.truth,
        grey: sink.grey,
        counts,
        emission,
        images,
        model,
    }
}

/// Keeps what a run hands over.
struct Collect {
    truth: Vec<Vec<u32>>,
    grey: Vec<Vec<u8>>,
}

impl Sink for Collect {
    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        self.truth[slices.fluorophore].extend(slices.cells);
        Ok(())
    }

    fn images(&mut self, _: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        for (all, grey) in self.grey.iter_mut().zip(channels) {
            all.extend_from_slice(grey);
        }
        Ok(())
    }
}
