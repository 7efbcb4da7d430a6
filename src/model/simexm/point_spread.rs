//! Point spread functions of a run, whole and with their sizes, for deconvolution and for checking.

use ndarray::Array3;

use crate::base::choice::Choice;
use crate::base::volume::Region;
use crate::config::Config;
use crate::model::{Model, ModelError};
use crate::optics::psf::{Microscope, RADIUS};

/// Image that a channel makes of a point of a fluorophore.
#[derive(Clone, Debug, PartialEq)]
pub struct PsfVolume {
    /// Name of the channel.
    pub channel: String,
    /// Name of the fluorophore.
    pub fluorophore: String,
    /// Type of microscope.
    pub microscope: Microscope,
    /// Wavelength of the laser in nm.
    pub excitation_nm: f64,
    /// Emission peak of the fluorophore in nm.
    pub emission_nm: f64,
    /// Values at (z, x, y), 31 along each axis, 1 at the centre.
    pub values: Array3<f32>,
    /// Size of a voxel (z, x, y) in the tissue, before expansion, in nm.
    pub voxel_nm: [f64; 3],
    /// Linear expansion of the gel.
    pub expansion_factor: f64,
}

impl PsfVolume {
    /// Returns the size of a voxel (z, x, y) in the gel, as the microscope sees it, in nm.
    pub fn gel_voxel_nm(&self) -> [f64; 3] {
        self.voxel_nm.map(|nm| nm * self.expansion_factor)
    }

    /// Measures the full width at half maximum along (z, x, y) in the gel, in nm, by straight lines
    /// between voxels; `None` where the values stay above one half.
    pub fn full_width_nm(&self) -> [Option<f64>; 3] {
        let voxel_nm = self.gel_voxel_nm();
        std::array::from_fn(|axis| {
            let value = |steps: usize| {
                let mut place = [RADIUS; 3];
                place[axis] += steps;
                f64::from(self.values[place])
            };
            let below = (1..=RADIUS).find(|&steps| value(steps) <= 0.5)?;
            let (inner, outer) = (value(below - 1), value(below));
            let half = (below - 1) as f64 + (inner - 0.5) / (inner - outer);
            Some(2.0 * half * voxel_nm[axis])
        })
    }

    /// Writes the full widths, in the gel and in the tissue.
    pub fn widths(&self) -> String {
        let factor = self.expansion_factor;
        let [z, x, y] = self.full_width_nm();
        let list = |divisor: f64| {
            let part = |axis: &str, width: Option<f64>| match width {
                Some(nm) => format!("{axis} {:.0}", nm / divisor),
                None => format!("{axis} beyond the cube"),
            };
            [part("x", x), part("y", y), part("z", z)].join(", ")
        };
        format!(
            "{} nm in the gel; {} nm in the tissue",
            list(1.0),
            list(factor)
        )
    }

    /// Returns the name of the microscope's type, as an adjective.
    pub fn microscope(&self) -> String {
        self.microscope.as_str().replace(' ', "-")
    }
}

/// Computes exactly the point spread functions that a run of this configuration uses: one for each
/// channel and each fluorophore that sends photons to it, in the order of their names. The ground
/// truth is not read.
///
/// # Errors
/// The configuration cannot be simulated.
pub fn point_spread_functions(config: &Config) -> Result<Vec<PsfVolume>, ModelError> {
    // They depend neither on the volume nor on the seed.
    let volume = Region {
        offset: [0; 3],
        shape: [1; 3],
    };
    let model = Model::new(config, volume, 0)?;
    let mut functions = Vec::new();
    for channel in &model.imaging.channels {
        for source in &channel.sources {
            let fluorophore = &model.fluorophores[source.fluorophore];
            functions.push(PsfVolume {
                channel: channel.name.clone(),
                fluorophore: fluorophore.name.clone(),
                microscope: config.optics.microscope,
                excitation_nm: config.optics.channels[&channel.name].laser_wavelength_nm,
                emission_nm: fluorophore.emission_peak_nm(),
                values: source.psf.whole(),
                voxel_nm: config.groundtruth.voxel_or_nan(),
                expansion_factor: config.expansion.factor,
            });
        }
    }
    Ok(functions)
}
