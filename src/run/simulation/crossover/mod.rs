//! Crossover between CPU and GPU: the decision of `--backend auto`.
//!
//! A GPU costs a start (opening the driver, compiling shaders) and the transfer of labels and
//! images; after that it is faster. Start, transfer and speed of both devices are measured once for
//! each adapter and number of threads, and kept in the user's cache folder. From these and the
//! sizes of a run both times are estimated.

mod cache;
mod measure;

pub(super) use cache::Cache;
pub(super) use measure::measure;

use crate::model::Model;
use crate::run::plan::{Contents, Quantisation, Transfers};
use serde::{Deserialize, Serialize};

/// Sizes of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Work {
    /// Voxels of the tissue.
    voxels: f64,
    /// How often each of them is worked on, in blurs: one for each fluorophore that sends light to
    /// a channel, and one for all that comes before.
    passes: f64,
    /// Bytes to the device.
    upload_bytes: f64,
    /// Bytes from the device.
    download_bytes: f64,
}

impl Work {
    /// Of a run of this model over a volume of these contents, in one slab.
    pub(super) fn new(model: &Model, contents: Contents) -> Self {
        let sources = model.channels.iter().map(|channel| channel.sources.len());
        let transfers = Transfers::of_whole(model, contents, Quantisation::AtTheEnd);
        Self {
            voxels: model.volume.voxels() as f64,
            passes: 1.0 + sources.sum::<usize>() as f64,
            upload_bytes: transfers.uploaded_bytes as f64,
            download_bytes: transfers.downloaded_bytes as f64,
        }
    }

    fn voxel_passes(&self) -> f64 {
        self.voxels * self.passes
    }
}

/// Measurement of an adapter, and of the CPU beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Name and driver.
    pub(super) adapter: String,
    /// Version of simexm-gpu.
    pub(super) version: String,
    /// Threads that the CPU computes with.
    pub(super) threads: usize,
    /// Seconds from nothing to the end of a tiny run.
    start_seconds: f64,
    upload_bytes_per_second: f64,
    download_bytes_per_second: f64,
    /// Speed of a run once the GPU has started, in voxels times passes per second.
    gpu_per_second: f64,
    /// Speed of the same run on the CPU.
    cpu_per_second: f64,
}

impl Measured {
    /// Returns true where it is about a program and a number of threads like the current ones.
    fn is_current(&self) -> bool {
        self.version == env!("CARGO_PKG_VERSION") && self.threads == rayon::current_num_threads()
    }

    /// Returns true where the numbers can come from a measurement.
    fn is_sound(&self) -> bool {
        let rates = [
            self.upload_bytes_per_second,
            self.download_bytes_per_second,
            self.gpu_per_second,
            self.cpu_per_second,
        ];
        let start = self.start_seconds;
        rates.iter().all(|rate| rate.is_finite() && *rate > 0.0)
            && start.is_finite()
            && start >= 0.0
    }

    fn gpu_seconds(&self, work: &Work) -> f64 {
        self.start_seconds
            + work.upload_bytes / self.upload_bytes_per_second
            + work.download_bytes / self.download_bytes_per_second
            + work.voxel_passes() / self.gpu_per_second
    }

    fn cpu_seconds(&self, work: &Work) -> f64 {
        work.voxel_passes() / self.cpu_per_second
    }

    /// Decides for the faster device, and says why.
    pub(super) fn decide(&self, work: &Work) -> Decision {
        let (gpu, cpu) = (self.gpu_seconds(work), self.cpu_seconds(work));
        let adapter = &self.adapter;
        let voxels = work.voxels / 1e6;
        let measured = "estimated from what was measured once; --backend overrides";
        let why = if gpu < cpu {
            format!(
                "using {adapter}: {voxels:.3} million voxels take it about {gpu:.2} s, and the CPU {cpu:.2} s ({measured})"
            )
        } else {
            format!(
                "using the CPU: {voxels:.3} million voxels take it about {cpu:.2} s, and {adapter} {gpu:.2} s, \
                 {:.2} s of them to start ({measured})",
                self.start_seconds
            )
        };
        Decision {
            gpu: gpu < cpu,
            why,
        }
    }
}

/// Decision between GPU and CPU.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision {
    /// True where the GPU is taken.
    pub(super) gpu: bool,
    /// Reason, for the user.
    pub(super) why: String,
}

/// Voxels times passes that any CPU does in less time than a driver takes to open: a slow one does
/// ten million in a second, a quick driver takes a tenth of one.
const TINY: f64 = 1e6;

/// Decides for the CPU without asking a driver, where the run is that small or the adapter well
/// known.
pub(super) fn without_a_driver(work: &Work, cache: &Cache) -> Option<Decision> {
    if let Some(measured) = cache.latest() {
        return Some(measured.decide(work)).filter(|decision| !decision.gpu);
    }
    (work.voxel_passes() < TINY).then(|| Decision {
        gpu: false,
        why: format!(
            "using the CPU: {:.3} million voxels take it less time than a GPU needs to start (--backend overrides)",
            work.voxels / 1e6
        ),
    })
}

#[cfg(test)]
mod tests;
