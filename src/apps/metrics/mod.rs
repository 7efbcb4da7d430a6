//! Metrics of a run's images against its truth: the application behind `simexm-gpu metrics`, and
//! what `simexm-gpu sweep` compares its runs by. docs/metrics.md defines each, with its source.
//!
//! All are functions of volumes (z, x, y) alone: [`light`], [`correlation`], [`profiles`] and
//! [`tracing`] over the [`regions`] of the truth. [`Volumes::measure`] brings them together.

mod budget;
pub mod correlation;
mod facts;
mod finished;
pub mod light;
pub mod profiles;
pub mod regions;
mod report;
#[cfg(test)]
mod tests;
pub mod tracing;
pub mod watershed;

pub use crate::config::Metric;
pub(crate) use budget::Sizes;
pub(crate) use facts::{Facts, jitter_warning};
pub use finished::{MetricsError, of_run};
pub use report::MetricsReport;
pub(crate) use report::number;

use ndarray::{Array3, Zip};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Images of a channel.
#[derive(Clone, Debug)]
pub struct ChannelVolume {
    /// Name of the channel.
    pub name: String,
    /// Grey values.
    pub grey: Array3<f32>,
    /// Another exposure of the same labels, which differs in noise alone.
    pub second: Option<Array3<f32>>,
    /// Index of the truth of the dye that the channel sees best.
    pub truth: Option<usize>,
    /// Whether it sees stains of all proteins alone, which have no structure: it is not measured.
    pub stains: bool,
    /// Photons that a fluorophore of that dye in focus absorbs for an image.
    pub dose: Option<f64>,
    /// Full width at half maximum of a point of that dye, in nm of tissue.
    pub point_nm: Option<f64>,
}

/// Images and truth of a run, all of one size.
#[derive(Clone, Debug)]
pub struct Volumes {
    /// Channels, in the order of their names.
    pub channels: Vec<ChannelVolume>,
    /// Ids of the whole labelled cells, for each dye in the order of their names.
    pub truths: Vec<Array3<u64>>,
    /// Size of a voxel in tissue, (z, x, y), in nm.
    pub voxel_nm: [f64; 3],
    /// Whether membranes are labelled; otherwise the inside of cells is bright.
    pub membranes: bool,
    /// Grey value of a pixel that no electron has reached.
    pub zero: f64,
}

/// Values of the metrics that were asked for; `None` where the images and the truth do not tell.
pub type Values = BTreeMap<Metric, Option<f64>>;

/// What was measured of a channel or of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelValues {
    /// Name of the channel.
    pub channel: String,
    /// Its metrics.
    pub values: Values,
}

/// What was measured of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Of several channels the worst counts.
    pub values: Values,
    /// Metrics of single channels.
    pub channels: Vec<ChannelValues>,
}

/// Distance from labels from which on it is background, in nm of tissue.
const AWAY_NM: f64 = 200.0;

/// How far profiles reach into cells that are bright themselves, in nm of tissue.
const INSIDE_NM: f64 = 100.0;

impl Volumes {
    /// Measures these metrics.
    #[must_use]
    pub fn measure(&self, metrics: &[Metric]) -> Measured {
        let cells = self.all_cells();
        let [_, row_nm, column_nm] = self.voxel_nm;
        let away = (AWAY_NM / row_nm.min(column_nm)).ceil() as u32;
        let background = regions::background(cells.view(), away);
        let structures: Vec<Array3<bool>> = self
            .truths
            .iter()
            .map(|truth| self.structure(truth))
            .collect();
        let of_channel = |channel: &ChannelVolume| ChannelValues {
            channel: channel.name.clone(),
            values: self.of_channel(channel, metrics, &structures, &background),
        };
        let (channels, score) = rayon::join(
            || self.channels.par_iter().map(of_channel).collect::<Vec<_>>(),
            || match metrics.iter().any(|metric| metric.is_of_all()) {
                true => self.traced(&cells),
                false => None,
            },
        );
        let mut values = Values::new();
        for metric in metrics {
            let of_channels = || channels.iter().filter_map(|c| *c.values.get(metric)?);
            let worst = of_channels().reduce(match metric.more_is_better() {
                true => f64::min,
                false => f64::max,
            });
            // What shows nothing is not better than what shows something.
            let mut silent =
                std::iter::zip(&self.channels, &channels).filter(|(channel, values)| {
                    values.values.get(metric).is_some_and(Option::is_none)
                        && self.is_worse_than_any(channel, *metric, &structures, &background)
                });
            let worst = worst.filter(|_| silent.next().is_none());
            let value = match metric {
                Metric::RandError => score.map(|score| score.rand_error),
                Metric::VoiSplit => score.map(|score| score.split_bits),
                Metric::VoiMerge => score.map(|score| score.merge_bits),
                _ => worst,
            };
            values.insert(*metric, value);
        }
        Measured { values, channels }
    }

    /// The labelled cells of all dyes. A cell of several has the same id in each.
    #[must_use]
    pub fn all_cells(&self) -> Array3<u64> {
        let shape = self.channels.first().map_or((0, 0, 0), |c| c.grey.dim());
        let mut cells = Array3::<u64>::zeros(shape);
        for truth in &self.truths {
            cells.zip_mut_with(truth, |all, one| *all = (*all).max(*one));
        }
        cells
    }

    fn structure(&self, truth: &Array3<u64>) -> Array3<bool> {
        match self.membranes {
            true => regions::membranes(truth.view()),
            false => {
                let edges = regions::membranes(truth.view());
                Zip::from(truth)
                    .and(&edges)
                    .map_collect(|id, edge| *id != 0 && !edge)
            }
        }
    }

    /// Whether a metric that a channel does not tell is one that it should: the channel sees no
    /// dye, or nothing of the structure that the truth has.
    fn is_worse_than_any(
        &self,
        channel: &ChannelVolume,
        metric: Metric,
        structures: &[Array3<bool>],
        background: &Array3<bool>,
    ) -> bool {
        let Some(own) = channel.truth.and_then(|number| structures.get(number)) else {
            return !channel.stains;
        };
        let shown = || {
            let of = |mask: &Array3<bool>| light::mean(channel.grey.view(), mask.view());
            of(own).zip(of(background))
        };
        match metric {
            Metric::Frc => own.iter().any(|inside| *inside),
            Metric::Crosstalk => shown().is_some_and(|(own, dark)| own <= dark),
            Metric::Dose | Metric::Point => true,
            // The truth has nothing to measure there, or there is no background at all.
            _ => false,
        }
    }

    fn of_channel(
        &self,
        channel: &ChannelVolume,
        metrics: &[Metric],
        structures: &[Array3<bool>],
        background: &Array3<bool>,
    ) -> Values {
        let grey = channel.grey.view();
        let second = channel.second.as_ref().map(|second| second.view());
        let [_, rows, columns] = self.voxel_nm;
        let own = channel.truth.and_then(|number| structures.get(number));
        let truth = channel.truth.and_then(|number| self.truths.get(number));
        let background = background.view();
        let value = |metric: Metric| -> Option<f64> {
            let own = match (own, metric) {
                (Some(own), _) => own.view(),
                (None, _) if channel.stains => return None,
                // A channel that sees no dye shows nothing.
                (None, Metric::Snr | Metric::Separability | Metric::Coverage) => return Some(0.0),
                (None, _) => return None,
            };
            match metric {
                Metric::Snr => light::signal_to_noise(grey, second, own, background),
                Metric::Sbr => light::signal_to_background(grey, self.zero, own, background),
                Metric::Frc => {
                    let rings = correlation::rings(grey, second?, [rows, columns]);
                    correlation::resolution_nm(&rings)
                }
                Metric::Width if self.membranes => {
                    profiles::membrane_width_nm(grey, truth?.view(), [rows, columns])
                }
                Metric::Coverage => light::coverage(grey, second, own, background),
                Metric::Crosstalk => {
                    let others = (structures.iter().enumerate())
                        .filter(|(number, _)| Some(*number) != channel.truth)
                        .map(|(_, other)| other.view());
                    others
                        .filter_map(|other| light::crosstalk(grey, own, other, background))
                        .reduce(f64::max)
                }
                Metric::Separability => {
                    let noise = light::noise(grey, second, own)?;
                    let inside = if self.membranes { 0.0 } else { INSIDE_NM };
                    let cells = truth?.view();
                    profiles::separability(grey, cells, [rows, columns], inside, noise).share()
                }
                Metric::Point => channel.point_nm,
                Metric::Dose => channel.dose,
                _ => None,
            }
        };
        let metrics = metrics.iter().filter(|metric| !metric.is_of_all());
        metrics.map(|metric| (*metric, value(*metric))).collect()
    }

    /// How well cells are traced in the sum of all channels.
    fn traced(&self, cells: &Array3<u64>) -> Option<tracing::Score> {
        let mut sum = Array3::<f64>::zeros(cells.dim());
        for channel in &self.channels {
            sum.zip_mut_with(&channel.grey, |sum, grey| *sum += f64::from(*grey));
        }
        tracing::traceability(sum.view(), cells.view(), !self.membranes)
    }
}

impl Metric {
    /// Whether it is measured of all channels together.
    fn is_of_all(self) -> bool {
        matches!(self, Self::RandError | Self::VoiSplit | Self::VoiMerge)
    }
}
