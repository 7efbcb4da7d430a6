//! Whole runs in memory, without files.

use super::Subject;
use simexm_gpu::engine::compute::Backend;
use simexm_gpu::run::simulation::Silent;
use simexm_gpu::run::workload::{Nowhere, Run};

impl Subject for Run<'_> {
    fn run(&mut self) {
        self.once(&mut Nowhere, &mut Silent)
            .expect("the device works");
    }

    fn backend(&mut self) -> &mut dyn Backend {
        self.backend()
    }
}
