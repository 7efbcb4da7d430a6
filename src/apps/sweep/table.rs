//! The figures of a sweep: `sweep.json` and `sweep.csv`.

use super::cell::Run;
use super::{Answer, Piece, in_words};
use crate::apps::metrics::{ChannelValues, Metric, Values, number};
use crate::base::choice::Choice;
use crate::config::{Axis, Config};
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of `sweep.json`.
pub const SCHEMA: u32 = 1;

/// All figures of a sweep (docs/sweep.schema.json). Nothing of it depends on when it ran;
/// configurations name their files by where these lie.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the program.
    pub version: String,
    /// Name of the configuration's file.
    pub name: String,
    /// The piece of tissue.
    pub piece: Piece,
    /// What varies.
    pub axes: Vec<Axis>,
    /// Runs of each cell.
    pub seeds: u64,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// Cells of the grid; those of the last axis change fastest.
    pub cells: Vec<SweepCell>,
    /// What was asked for, and the answer.
    pub answer: Option<Answer>,
}

/// Cell of the grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepCell {
    /// Values of the axes, in their order.
    pub settings: Vec<String>,
    /// Mean linear expansion.
    pub expansion: f64,
    /// Light of the lasers over all channels times the exposure time: in J for a pixel of a scanned
    /// focus, in J/cm^2 for an image of a camera.
    pub light: f64,
    /// Mean and spread of each metric over the seeds.
    pub summary: BTreeMap<Metric, Summary>,
    /// The runs.
    pub runs: Vec<SweepRun>,
}

/// Mean and spread over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Seeds of which the metric is known.
    pub seeds: usize,
    /// Mean over them; `None` where there are none.
    pub mean: Option<f64>,
    /// Standard deviation of a seed (n - 1); `None` for fewer than two.
    pub deviation: Option<f64>,
}

impl Summary {
    /// Sums up these values.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            seeds: values.len(),
            mean: (!values.is_empty()).then_some(mean),
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        }
    }
}

/// Run of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepRun {
    /// Its seed.
    pub seed: u64,
    /// Name of its file below `runs`, and of its folder below `volumes`.
    pub name: String,
    /// Shape of its images (z, x, y).
    pub image_shape_pixels: [usize; 3],
    /// Size of a voxel of the images in tissue, (z, x, y), in nm.
    pub pixel_in_tissue_nm: [f64; 3],
    /// Metrics; of several channels the worst counts.
    pub values: Values,
    /// Metrics of single channels.
    pub channels: Vec<ChannelValues>,
    /// The configuration that repeats it.
    pub configuration: String,
}

impl SweepCell {
    pub(super) fn new(
        settings: Vec<String>,
        config: &Config,
        runs: Vec<(u64, Run)>,
        metrics: &[Metric],
    ) -> Self {
        let runs = runs.into_iter().map(|(seed, run)| SweepRun {
            seed,
            name: run.identity.name(),
            image_shape_pixels: run.image_shape_pixels,
            pixel_in_tissue_nm: run.pixel_in_tissue_nm,
            values: run.measured.values,
            channels: run.measured.channels,
            configuration: run.identity.configuration,
        });
        let runs: Vec<SweepRun> = runs.collect();
        let summed = metrics.iter().map(|metric| {
            let values = runs.iter().filter_map(|run| *run.values.get(metric)?);
            (*metric, Summary::of(&values.collect::<Vec<f64>>()))
        });
        let optics = &config.optics;
        let power = optics.channels.values().map(|channel| {
            let watts = channel.laser_power_w.or(channel.irradiance_w_cm2);
            watts.unwrap_or(0.0) * channel.laser_share.unwrap_or(1.0)
        });
        let power: f64 = power.sum();
        Self {
            settings,
            expansion: config.expansion.factors().iter().product::<f64>().cbrt(),
            light: power * optics.exposure_time_s,
            summary: summed.collect(),
            runs,
        }
    }

    /// Mean of a metric over the seeds.
    #[must_use]
    pub fn mean(&self, metric: Metric) -> Option<f64> {
        self.summary.get(&metric)?.mean
    }

    /// A metric in words: mean and spread.
    #[must_use]
    pub fn value_in_words(&self, metric: Metric) -> String {
        let summary = self.summary.get(&metric);
        let mean = number(summary.and_then(|summary| summary.mean));
        let words = match summary.and_then(|summary| summary.deviation) {
            Some(deviation) => format!("{mean} ± {}", number(Some(deviation))),
            None => mean,
        };
        match summary {
            Some(summary) if (1..self.runs.len()).contains(&summary.seeds) => {
                format!("{words} ({} of {} seeds)", summary.seeds, self.runs.len())
            }
            _ => words,
        }
    }

    /// Whether a metric is known of all seeds.
    #[must_use]
    pub fn is_known(&self, metric: Metric) -> bool {
        let summary = self.summary.get(&metric);
        summary.is_some_and(|summary| summary.seeds > 0 && summary.seeds >= self.runs.len())
    }

    /// Settings and metrics in a line.
    #[must_use]
    pub fn in_words(&self, axes: &[Axis]) -> String {
        let values = self.summary.keys();
        let values = values.map(|metric| format!("{metric} {}", self.value_in_words(*metric)));
        let values: Vec<String> = values.collect();
        format!("{}: {}", in_words(axes, &self.settings), values.join(", "))
    }
}

/// `sweep.csv`: a line for each cell, with mean and spread of each metric.
#[must_use]
pub fn csv(file: &SweepFile) -> Vec<u8> {
    let mut header: Vec<String> = file.axes.iter().map(|axis| axis.key.clone()).collect();
    for metric in &file.metrics {
        header.push(metric.as_str().to_owned());
        header.push(format!("{metric}_deviation"));
        header.push(format!("{metric}_seeds"));
    }
    let mut lines = vec![header];
    let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for of_grid in &file.cells {
        let mut line = of_grid.settings.clone();
        for metric in &file.metrics {
            let summary = of_grid.summary.get(metric).copied();
            let summary = summary.unwrap_or_else(|| Summary::of(&[]));
            line.extend([
                cell(summary.mean),
                cell(summary.deviation),
                summary.seeds.to_string(),
            ]);
        }
        lines.push(line);
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        // Into memory, and all lines are of one length.
        if writer.write_record(&line).is_err() {
            break;
        }
    }
    writer.into_inner().unwrap_or_default()
}
