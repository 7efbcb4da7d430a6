//! What a run may take of the memory there is.

use crate::base::host::default_host_bytes;
use crate::config::Compute;
use crate::engine::compute::{Limits, MemoryKind};

/// What a user, or a plan that failed, lets a run take; none: what the device and the host have to
/// spare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// Memory of the GPU in bytes.
    pub device_bytes: Option<u64>,
    /// Memory of the host in bytes.
    pub host_bytes: Option<u64>,
}

impl Budgets {
    /// Those of a configuration.
    pub fn of(compute: &Compute) -> Self {
        Self {
            device_bytes: compute.gpu_memory,
            host_bytes: compute.memory,
        }
    }

    /// Memory of the host that a run may take, in bytes.
    pub fn host_memory(&self) -> u64 {
        self.host_bytes.unwrap_or_else(default_host_bytes)
    }

    /// A device's limits within these.
    #[must_use]
    pub fn within(&self, limits: &Limits) -> Limits {
        let mut limits = limits.clone();
        if let Some(bytes) = self.host_bytes {
            limits.host_bytes = bytes;
        }
        match (limits.residence, self.device_bytes) {
            // What the host may spare is all that counts.
            (MemoryKind::Host, _) => {
                limits.total_bytes = limits.host_bytes;
                limits.wanted_bytes = limits.wanted_bytes.min(limits.host_bytes);
            }
            (_, Some(bytes)) => {
                limits.total_bytes = bytes;
                limits.wanted_bytes = bytes;
            }
            (_, None) => {}
        }
        limits
    }
}
