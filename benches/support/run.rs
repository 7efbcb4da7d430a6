//! Whole runs in memory, without files.

use super::Subject;
use simexm_gpu::internals::engine::compute::Backend;
use simexm_gpu::internals::run::simulation::Silent;
use simexm_gpu::internals::run::workload::{JobRunner, NullSink};

impl Subject for JobRunner<'_> {
    fn run(&mut self) {
        self.once(&mut NullSink, &mut Silent)
            .expect("the device works");
    }

    fn backend(&mut self) -> &mut dyn Backend {
        self.backend()
    }
}
