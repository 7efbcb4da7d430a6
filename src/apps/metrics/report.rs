//! Metrics of a run, as `simexm-gpu metrics` prints them.

use super::{Measured, Metric};
use crate::base::choice::Choice;
use crate::base::volume::triple;
use serde::Serialize;
use std::fmt;

/// What was measured of a finished run (docs/metrics.md).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricsReport {
    /// Version of the program.
    pub version: &'static str,
    /// Folder of the run.
    pub run: String,
    /// Shape of the images (z, x, y).
    pub image_shape_pixels: [usize; 3],
    /// Size of a voxel of the images in tissue, (z, x, y), in nm.
    pub pixel_in_tissue_nm: [f64; 3],
    /// What is labelled: "membrane", or the "inside" of cells.
    pub structure: &'static str,
    /// What is to be known of them.
    #[serde(skip)]
    pub warning: Option<&'static str>,
    /// The metrics.
    #[serde(flatten)]
    pub measured: Measured,
}

/// Writes a value as people read it.
pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) => {
            let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
            format!("{value:.digits$}")
        }
    }
}

impl fmt::Display for MetricsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} pixels, {:.1} x {:.1} x {:.1} nm of tissue each; labelled: {}",
            self.run,
            triple(self.image_shape_pixels, " x "),
            self.pixel_in_tissue_nm[0],
            self.pixel_in_tissue_nm[1],
            self.pixel_in_tissue_nm[2],
            self.structure
        )?;
        let row = |f: &mut fmt::Formatter<'_>, metric: &Metric, value: Option<f64>, of: &str| {
            writeln!(f, "  {:<13} {:>10}  {}", metric.as_str(), number(value), of)
        };
        for (metric, value) in &self.measured.values {
            let of_channels: Vec<String> = self
                .measured
                .channels
                .iter()
                .filter_map(|channel| {
                    let value = channel.values.get(metric)?;
                    Some(format!("{} {}", channel.channel, number(*value)))
                })
                .collect();
            let mut words = metric.title().to_owned();
            if of_channels.len() > 1 {
                words = format!("{words} ({})", of_channels.join(", "));
            }
            row(f, metric, *value, &words)?;
        }
        let missing = self.measured.values.values().any(Option::is_none);
        if missing {
            writeln!(
                f,
                "-: images and ground truth do not tell; docs/metrics.md says what each metric needs"
            )?;
        }
        Ok(())
    }
}
