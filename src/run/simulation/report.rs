//! Report of a finished run.

use crate::engine::compute::KernelTime;
use std::path::PathBuf;
use std::time::Duration;

/// Time of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: String,
    /// Wall clock time.
    pub time: Duration,
}

/// Report of a finished run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Folder of the output.
    pub folder: PathBuf,
    /// Seed that repeats the run.
    pub seed: u64,
    /// "gpu" or "cpu".
    pub backend: &'static str,
    /// Name of the device.
    pub device: String,
    /// Wall clock times of the stages, in order.
    pub stages: Vec<StageTime>,
    /// Work of each kernel on the device: calls, bytes and, where it can be measured, time.
    pub kernels: Vec<KernelTime>,
    /// Photons at the brightest pixel of each channel.
    pub maxima: Vec<u32>,
    /// Shape (z, x, y) of the images.
    pub image_shape: [usize; 3],
}

/// Kernels by stage of the model, in the model's order.
const GROUPS: &[(&str, &[&str])] = &[
    ("regions", &["regions", "survey"]),
    ("labelling", &["scatter"]),
    ("emission", &["emit"]),
    (
        "blur",
        &[
            "psf_spectra",
            "rows_forward",
            "columns_forward",
            "filter",
            "columns_inverse",
            "rows_inverse",
            "long_rows_load",
            "long_rows_forward",
            "long_rows_inverse",
            "long_rows_store",
        ],
    ),
    ("camera", &["bin", "magnify", "maximum", "normalise"]),
    ("ground truth", &["truth"]),
];

/// Lists stage and kernel of every pass, in the order in which a run meets them.
pub(crate) fn passes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_group = |(stage, kernels): &(&'static str, &'static [&'static str])| {
        let stage = *stage;
        kernels.iter().map(move |kernel| (stage, *kernel))
    };
    GROUPS.iter().flat_map(of_group)
}

impl Report {
    /// Returns the time on the device by stage of the model, in the model's order.
    pub fn device_times(&self) -> Vec<StageTime> {
        let time = |kernels: &[&str]| {
            let in_group = |time: &&KernelTime| kernels.contains(&time.kernel);
            self.kernels
                .iter()
                .filter(in_group)
                .filter_map(|time| time.time)
                .sum()
        };
        let group = |(stage, kernels): &(&str, &[&str])| StageTime {
            stage: (*stage).to_owned(),
            time: time(kernels),
        };
        GROUPS
            .iter()
            .map(group)
            .filter(|group| !group.time.is_zero())
            .collect()
    }

    /// Returns the work of each kernel, in the order in which a run meets them.
    pub fn passes(&self) -> Vec<&KernelTime> {
        passes()
            .filter_map(|(_, name)| self.kernels.iter().find(|pass| pass.kernel == name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::GROUPS;
    use crate::engine::stages::KERNELS;

    #[test]
    fn every_kernel_belongs_to_a_stage() {
        let mut named: Vec<&str> = GROUPS.iter().flat_map(|(_, k)| *k).copied().collect();
        let mut kernels: Vec<&str> = KERNELS.iter().map(|kernel| kernel.name).collect();
        named.sort_unstable();
        kernels.sort_unstable();
        assert_eq!(named, kernels);
    }
}
