//! Point spread functions of a run, whole and with their sizes, for deconvolution and for checking.

use ndarray::{Array3, Axis};

use crate::base::choice::Choice;
use crate::base::volume::VoxelBox;
use crate::config::{Config, Detector, ModelKind};
use crate::model::{Model, ModelError};
use crate::optics::microscope::Microscope;

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
    /// Values at (z, x, y). In the model `simexm` there are 31 along each axis, 1 at the centre; in
    /// `physical` they are the electrons that a fluorophore in the centre gives to the voxels.
    pub values: Array3<f32>,
    /// The centre's place (z, x, y); a larger z lies deeper in the sample than the point.
    pub centre: [usize; 3],
    /// Model of the microscope.
    pub model: ModelKind,
    /// Size of a voxel (z, x, y) in the tissue, before expansion, in nm.
    pub voxel_nm: [f64; 3],
    /// Linear expansion of the gel along (z, x, y).
    pub expansion_factors: [f64; 3],
}

impl PsfVolume {
    /// Returns the size of a voxel (z, x, y) in the gel, as the microscope sees it, in nm.
    pub fn gel_voxel_nm(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.voxel_nm[axis] * self.expansion_factors[axis])
    }

    /// Measures the full width at half maximum along (z, x, y) in the gel, in nm, by straight lines
    /// between voxels; `None` where the values stay above half of the centre's.
    pub fn full_width_nm(&self) -> [Option<f64>; 3] {
        let voxel_nm = self.gel_voxel_nm();
        let peak = f64::from(self.values[self.centre]);
        std::array::from_fn(|axis| {
            let half = |forward: bool| {
                let value = |steps: usize| {
                    let mut place = self.centre;
                    place[axis] = if forward {
                        place[axis] + steps
                    } else {
                        place[axis].checked_sub(steps)?
                    };
                    Some(f64::from(*self.values.get(place)?) / peak)
                };
                let mut steps = 1;
                while value(steps)? > 0.5 {
                    steps += 1;
                }
                let (inner, outer) = (value(steps - 1)?, value(steps)?);
                Some((steps - 1) as f64 + (inner - 0.5) / (inner - outer))
            };
            Some((half(false)? + half(true)?) * voxel_nm[axis])
        })
    }

    /// Sums all values.
    pub fn sum(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value)).sum()
    }

    /// Writes what the values are.
    pub fn unit(&self) -> String {
        match self.model {
            ModelKind::Simexm => "1 at the centre".to_owned(),
            ModelKind::Physical => format!(
                "electrons of one fluorophore, {:.4e} at the centre, {:.4e} in sum",
                self.values[self.centre],
                self.sum()
            ),
        }
    }

    /// Writes the full widths, in the tissue and in the gel.
    pub fn widths(&self) -> String {
        format!(
            "{} in the tissue; {} in the gel",
            self.tissue_widths(),
            self.list([1.0; 3])
        )
    }

    /// Writes the full widths in the tissue.
    pub fn tissue_widths(&self) -> String {
        self.list(self.expansion_factors)
    }

    fn list(&self, [of_z, of_x, of_y]: [f64; 3]) -> String {
        let [z, x, y] = self.full_width_nm();
        let part = |axis: &str, width: Option<f64>, divisor: f64| match width {
            Some(nm) => format!("{axis} {:.0}", nm / divisor),
            None => format!("{axis} beyond the cube"),
        };
        let parts = [part("x", x, of_x), part("y", y, of_y), part("z", z, of_z)];
        format!("{} nm", parts.join(", "))
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
/// In the model `physical` the functions of a run end where its volume does; these are for one of
/// 61 x 513 x 513 voxels.
///
/// # Errors
/// The configuration cannot be simulated.
pub fn point_spread_functions(config: &Config) -> Result<Vec<PsfVolume>, ModelError> {
    with_other_fluorophores(config, &[])
}

/// Computes the functions of [`point_spread_functions`], and those of fluorophores that no layer
/// has.
///
/// # Errors
/// The configuration cannot be simulated.
pub fn with_other_fluorophores(
    config: &Config,
    others: &[&str],
) -> Result<Vec<PsfVolume>, ModelError> {
    // They do not depend on the seed, and those of `simexm` not on the volume.
    let volume = VoxelBox {
        offset: [0; 3],
        shape: match config.model {
            ModelKind::Simexm => [1; 3],
            ModelKind::Physical => [61, 513, 513],
        },
    };
    // Maps of the detector's pixels are as large as the run's images.
    let mut config = config.clone();
    if let Some(detector) = &mut config.detector {
        *detector = Detector::new(detector.keys);
    }
    let model = Model::of_part(&config, volume.shape, volume, 0, others)?;
    Ok(PsfVolume::of_model(&config, &model))
}

impl PsfVolume {
    /// The functions of a model of this configuration.
    pub(crate) fn of_model(config: &Config, model: &Model) -> Vec<Self> {
        let mut functions = Vec::new();
        for channel in &model.channels[..model.channels_of_a_round()] {
            for source in &channel.sources {
                let fluorophore = &model.fluorophores[source.fluorophore];
                let (psf, shape) = (source.psf(), source.psf().shape());
                // A function's planes are those of the light's sources, as the focus sees them; the
                // image of a point is its mirror image.
                let mut values = psf.whole();
                values.invert_axis(Axis(0));
                functions.push(Self {
                    channel: channel.configured.clone(),
                    fluorophore: fluorophore.name.clone(),
                    microscope: config.optics.microscope,
                    excitation_nm: config.optics.channels[&channel.configured].laser_wavelength_nm,
                    emission_nm: fluorophore.emission_peak_nm(),
                    values: values.as_standard_layout().into_owned(),
                    centre: [shape.after, shape.radius[0], shape.radius[1]],
                    model: config.model,
                    voxel_nm: config.groundtruth.voxel_or_nan(),
                    expansion_factors: config.expansion.factors(),
                });
            }
        }
        functions
    }
}
