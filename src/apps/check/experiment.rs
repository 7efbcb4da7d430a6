//! What an experimenter wants to know of the light, in the model `physical`.

use super::report::Resolution;
use super::sampling::digits;
use crate::config::Config;
use crate::model::physical::{ExpectedPixel, LightBudget, expected_pixels, light_budgets};
use crate::model::{Model, ModelError, PsfVolume};
use crate::run::simulation::Watcher;

/// Least signal over noise that shows a structure: Rose's criterion is 5, and neighbouring pixels
/// help.
const LEAST_SIGNAL_TO_NOISE: f64 = 3.0;

/// Share of the full well from which noise reaches the end.
const NEARLY_FULL: f64 = 0.9;

/// Loss by saturation that is told.
const SATURATED: f64 = 0.2;

/// How far a pixel may be off the camera's, as a share of it.
const SAME_PIXEL: f64 = 0.01;

/// Tells where the pixels are not those of the camera that is named.
pub(super) fn warn_of_camera(config: &Config, watcher: &mut dyn Watcher) {
    let camera = config
        .detector
        .as_ref()
        .and_then(|detector| detector.keys.camera);
    let Some(camera) = camera else { return };
    let given_nm = config.optics.pixel_size_nm;
    if let Some(pixel_nm) = camera.data_sheet().pixel_nm
        && (given_nm / pixel_nm - 1.0).abs() > SAME_PIXEL
    {
        watcher.warn(&format!(
            "[optics] pixel_size is {given_nm} nm, and a pixel of the {camera} has {pixel_nm} nm: where pixels are binned or \
             a lens stands before the camera, its full well and noise are not those of one pixel"
        ));
    }
}

/// Light of a configuration; empty in the model `simexm`.
pub(super) struct Light {
    pub budget: Vec<LightBudget>,
    pub pixels: Vec<ExpectedPixel>,
    pub resolution: Vec<Resolution>,
}

impl Light {
    pub(super) fn new(config: &Config, model: &Model) -> Result<Self, ModelError> {
        if model.physical().is_none() {
            return Ok(Self {
                budget: Vec::new(),
                pixels: Vec::new(),
                resolution: Vec::new(),
            });
        }
        let functions = PsfVolume::of_model(config, model);
        let factors = config.expansion.factors();
        let in_tissue = |width_nm: [Option<f64>; 3]| {
            std::array::from_fn(|axis| Some(width_nm[axis]? / factors[axis]))
        };
        let resolution = functions.into_iter().map(|psf| Resolution {
            width_tissue_nm: in_tissue(psf.full_width_nm()),
            channel: psf.channel,
            fluorophore: psf.fluorophore,
        });
        Ok(Self {
            budget: light_budgets(config, model)?,
            pixels: expected_pixels(config, model),
            resolution: resolution.collect(),
        })
    }

    /// Tells what spoils the picture.
    pub(super) fn warn(&self, watcher: &mut dyn Watcher) {
        for pixel in &self.pixels {
            let ExpectedPixel { channel, layer, .. } = pixel;
            let best = self.pixels.iter().filter(|other| other.layer == *layer);
            let best = best.map(|other| other.signal_to_noise).fold(0.0, f64::max);
            // Crosstalk may be as dim as it likes.
            if pixel.signal_to_noise < LEAST_SIGNAL_TO_NOISE && pixel.signal_to_noise >= best {
                watcher.warn(&format!(
                    "layer {layer} is dim: {} electrons a pixel in {channel}, {} times the noise; more light, a longer \
                     exposure_time or a higher protein_density would show it",
                    digits(pixel.electrons),
                    digits(pixel.signal_to_noise)
                ));
            }
            if pixel.full_well > NEARLY_FULL {
                watcher.warn(&format!(
                    "layer {layer} fills the detector in {channel}: {} electrons a pixel are {:.0} per cent of what it \
                     holds; less light or a shorter exposure_time spares it",
                    digits(pixel.electrons),
                    100.0 * pixel.full_well
                ));
            }
        }
        for budget in &self.budget {
            if budget.saturation > SATURATED {
                watcher.warn(&format!(
                    "channel {} saturates {}: in the middle of the focus {:.0} per cent of the excitations are lost; \
                     less power and a longer exposure_time give more light for the same bleaching",
                    budget.channel,
                    budget.fluorophore,
                    100.0 * budget.saturation
                ));
            }
        }
    }
}
