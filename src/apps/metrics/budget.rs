//! Memory that metrics take: whole volumes, asked for before any is made.

use super::Metric;
use crate::base::host::{amount, default_host_bytes};
use crate::base::volume::triple;
use crate::config::Config;

/// Bytes of a voxel of what is made of all channels: cells, background and the steps to it.
const OF_ALL: u64 = 8 + 1 + 4;

/// Of a segmentation: sum, smoothed sum, heights, depths, seeds, basins and what waits.
const OF_TRACING: u64 = 8 + 8 + 2 + 2 + 4 + 8 + 4 + 4 + 8;

/// Of a channel: grey values as they come and as they are measured, of each exposure.
const OF_EXPOSURE: u64 = 4 + 2;

/// Of a channel that is exposed twice: its expected electrons.
const OF_EXPECTED: u64 = 4;

/// Of a dye: truth and structure.
const OF_DYE: u64 = 8 + 1;

/// Images that are to be measured.
pub(crate) struct Sizes {
    /// Shape of the images (z, x, y).
    pub shape: [usize; 3],
    pub channels: usize,
    pub dyes: usize,
    /// Exposures of each channel: 1 or 2.
    pub exposures: u64,
}

impl Sizes {
    fn voxels(&self) -> u64 {
        let lengths = self.shape.iter().map(|length| *length as u64);
        lengths.fold(1, u64::saturating_mul)
    }

    /// Most bytes that measuring takes.
    fn bytes(&self, metrics: &[Metric]) -> u64 {
        let of_channel = OF_EXPOSURE * self.exposures + OF_EXPECTED * (self.exposures - 1);
        let traced = metrics.iter().any(|metric| metric.is_of_all());
        let of_voxel = OF_ALL
            + of_channel * self.channels as u64
            + OF_DYE * self.dyes as u64
            + if traced { OF_TRACING } else { 0 };
        self.voxels().saturating_mul(of_voxel)
    }

    /// Refuses what takes more memory than a configuration gives, or more voxels than a
    /// segmentation can number; in words, without what would be right.
    pub(crate) fn fit(&self, metrics: &[Metric], config: &Config) -> Result<(), String> {
        let shape = triple(self.shape, " x ");
        let traced = metrics.iter().find(|metric| metric.is_of_all());
        // With a border of one voxel.
        let bordered = Self {
            shape: self.shape.map(|length| length.saturating_add(2)),
            ..*self
        };
        if let Some(metric) = traced
            && bordered.voxels() >= u64::from(u32::MAX)
        {
            return Err(format!(
                "images of {shape} voxels are too many for {metric}, which takes fewer than 2^32; leave out rand_error, voi_split and \
                 voi_merge (--metrics)"
            ));
        }
        let least = self.bytes(metrics);
        let most = config.compute.memory.unwrap_or_else(default_host_bytes);
        if least > most {
            return Err(format!(
                "metrics of images of {shape} voxels take {} of memory, and {} may be taken; raise [compute] memory",
                amount(least),
                amount(most)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::choice::Choice;

    #[test]
    fn too_much_is_refused_with_what_would_do() {
        let mut config = Config::default();
        config.compute.memory = Some(1 << 20);
        let of = |side: usize| Sizes {
            shape: [side; 3],
            channels: 2,
            dyes: 2,
            exposures: 2,
        };
        let all = Metric::all();
        assert_eq!(of(8).fit(&all, &config), Ok(()));
        let error = of(64).fit(&all, &config).expect_err("28 MB");
        assert!(
            error.contains("[compute] memory") && error.contains("64 x 64 x 64"),
            "{error}"
        );
        config.compute.memory = Some(u64::MAX);
        let error = of(1624).fit(&all, &config).expect_err("2^32 voxels");
        assert!(
            error.contains("2^32") && error.contains("--metrics"),
            "{error}"
        );
        assert_eq!(of(1624).fit(&[Metric::Snr], &config), Ok(()));
        assert_eq!(of(1623).fit(&all, &config), Ok(()));
    }
}
