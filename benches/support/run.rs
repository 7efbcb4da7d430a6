//! Whole runs in memory, without files.

use super::Subject;
use ndarray::Array3;
use simexm_gpu::compute::Backend;
use simexm_gpu::config::Config;
use simexm_gpu::ground_truth::LoadedVolume;
use simexm_gpu::io::read::{ArraySource, CellSource};
use simexm_gpu::model::Model;
use simexm_gpu::phantom::Phantom;
use simexm_gpu::pipeline::{Input, NoCounts, Pipeline, Sink, SinkError, TruthSlices};
use simexm_gpu::plan::Plan;
use simexm_gpu::simulation::Silent;
use simexm_gpu::store::Aside;
use simexm_gpu::volume::Region;

/// Made-up tissue, loaded, with the default configuration.
pub struct Tissue {
    model: Model,
    volume: LoadedVolume,
}

impl Tissue {
    pub fn new(shape: [usize; 3]) -> Self {
        let config = Config::default();
        let phantom = Phantom {
            size: shape,
            voxel_nm: config.groundtruth.voxel_nm,
            seed: 1,
            density: 0.85,
        };
        let cells = phantom.generate().expect("tissue of this size");
        let cells = Array3::from_shape_vec(shape, cells).expect("a label for each voxel");
        let source = CellSource::Merged(Box::new(ArraySource::new(cells.view())));
        let region = Region {
            offset: [0; 3],
            shape,
        };
        let folder = std::env::temp_dir();
        Self {
            volume: LoadedVolume::load(&source, &[], region, Aside::new(&folder), &mut Silent)
                .expect("an array can be read"),
            model: Model::new(&config, region, 7).expect("the default configuration"),
        }
    }
}

/// Runs of the pipeline over tissue.
pub struct Run<'a> {
    tissue: &'a Tissue,
    plan: Plan,
    backend: &'a mut dyn Backend,
}

impl<'a> Run<'a> {
    pub fn new(tissue: &'a Tissue, backend: &'a mut dyn Backend) -> Self {
        let (cells, sheets) = (tissue.volume.cells.len(), tissue.volume.sheets());
        let (limits, deepest) = (backend.limits(), backend.deepest_slab());
        let plan = Plan::new(&tissue.model, cells, sheets, limits, deepest);
        Self {
            plan: plan.expect("the tissue fits the device"),
            tissue,
            backend,
        }
    }
}

impl Subject for Run<'_> {
    fn run(&mut self) {
        let folder = std::env::temp_dir();
        let input = Input {
            volume: &self.tissue.volume,
            counts: &NoCounts,
            aside: Aside::new(&folder),
            journal: None,
        };
        let (model, mut nobody) = (&self.tissue.model, Silent);
        Pipeline::new(model, &self.plan, input, self.backend, &mut nobody, false)
            .expect("the device has the memory")
            .run(&mut Nowhere)
            .expect("the device works");
    }

    fn backend(&mut self) -> &mut dyn Backend {
        self.backend
    }
}

/// Takes results and forgets them.
struct Nowhere;

impl Sink for Nowhere {
    fn truth(&mut self, _: TruthSlices<'_>) -> Result<(), SinkError> {
        Ok(())
    }

    fn images(&mut self, _: usize, _: &[&[u8]]) -> Result<(), SinkError> {
        Ok(())
    }
}
