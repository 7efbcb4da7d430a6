//! Plots of spectra and of point spread functions, as SVG, as PNG, and as text for a terminal.
//!
//! Colours are those of Okabe and Ito (2008), or of the map viridis, which people tell apart
//! however they see colours.

mod render;
mod sections;
mod spectra;
mod terminal;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::Config;

pub(crate) use render::{FONT, font_is_there};
pub use sections::sections;
pub use spectra::spectra;
pub use terminal::{TerminalStyle, terminal};

/// Format of a plot's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// Pixels, twice as many along each axis as the drawing has units.
    Png,
    /// Lines and text.
    Svg,
}

impl ImageFormat {
    /// Returns the format that the ending of a file's name asks for, in capitals or not.
    ///
    /// # Errors
    /// The name ends in neither `.png` nor `.svg`.
    pub fn of(path: &Path) -> Result<Self, PlotError> {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        match ending.as_deref().and_then(|ending| ending.to_str()) {
            Some("png") => Ok(Self::Png),
            Some("svg") => Ok(Self::Svg),
            _ => Err(PlotError::UnknownFormat {
                path: path.to_owned(),
            }),
        }
    }
}

/// Error of drawing a plot.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The ending of the file's name is no format.
    #[error("{}: a plot's name must end in .svg or .png", path.display())]
    UnknownFormat {
        /// Name of the file.
        path: PathBuf,
    },
    /// The plot could not be drawn.
    #[error("the plot cannot be drawn: {0}")]
    Drawing(String),
}

/// Laser and filter of a channel, as plots of spectra show them.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelBand {
    /// Name of the channel.
    pub channel: String,
    /// Wavelength of the laser in nm.
    pub laser_nm: f64,
    /// First and last wavelength that the filter passes, in nm.
    pub filter_nm: [f64; 2],
}

impl ChannelBand {
    /// Returns the bands of a configuration's channels, in the order of their names.
    pub fn of(config: &Config) -> Vec<Self> {
        let channels = config.optics.channels.iter();
        channels
            .map(|(name, channel)| Self {
                channel: name.clone(),
                laser_nm: channel.laser_wavelength_nm,
                filter_nm: channel.laser_filter_nm,
            })
            .collect()
    }

    /// Returns the label of the band in a plot.
    fn label(&self) -> String {
        let [low, high] = self.filter_nm;
        format!(
            "{}: laser {} nm, filter {low}-{high} nm",
            self.channel, self.laser_nm
        )
    }
}

/// Limits of the axis in nm: filters that are open to one side are cut there.
const AXIS_NM: [f64; 2] = [200.0, 1100.0];

/// Returns the range of wavelengths to show, in nm: all of spectra and lasers, and filters within
/// limits.
fn wavelengths_nm(
    dye: &crate::optics::fluorophore::Fluorophore,
    bands: &[ChannelBand],
) -> [f64; 2] {
    const MARGIN_NM: f64 = 10.0;
    let (ex, em) = (dye.excitation.range_nm(), dye.emission.range_nm());
    let filters = bands
        .iter()
        .flat_map(|band| band.filter_nm.map(|nm| nm.clamp(AXIS_NM[0], AXIS_NM[1])));
    let lasers = bands.iter().map(|band| band.laser_nm);
    let all: Vec<f64> = ex
        .into_iter()
        .chain(em)
        .chain(filters)
        .chain(lasers)
        .collect();
    let low = all.iter().copied().fold(f64::INFINITY, f64::min);
    let high = all.iter().copied().fold(0.0, f64::max);
    [low - MARGIN_NM, high + MARGIN_NM]
}

/// Returns a round step, 1, 2 or 5 times a power of ten, that divides `range` into `parts` at most.
fn round_step(range: f64, parts: f64) -> f64 {
    let least = range / parts;
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Returns the multiples of a round step from `low` to `high`, `parts` steps at most.
fn ticks([low, high]: [f64; 2], parts: f64) -> Vec<f64> {
    let step = round_step(high - low, parts);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}
