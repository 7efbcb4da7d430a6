//! What an experimenter asks before the experiment: where the light goes, and how bright a labelled
//! structure will be (docs/physical.md sections 2, 3 and 6).

use super::optics::Sight;
use crate::base::region_bits;
use crate::config::Config;
use crate::model::{EmissionSource, LayerModel, Model, ModelError};
use serde::Serialize;

/// Where the light of a dye in a channel goes: `emitted` times the shares is `electrons`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LightBudget {
    /// Name of the channel.
    pub channel: String,
    /// Name of the dye.
    pub fluorophore: String,
    /// Photons that a molecule in the focal plane emits for an image of its slice.
    pub emitted: f64,
    /// Share of them that the aperture takes in.
    pub aperture: f64,
    /// Share that the glass of the objective passes (`objective_efficiency`).
    pub objective: f64,
    /// Share that filter and mirror pass.
    pub filter: f64,
    /// Electrons per photon of the detector.
    pub detector: f64,
    /// Share that passes the pinhole; 1 where there is none, and for the pinholes of a disk, whose
    /// loss is part of `emitted`.
    pub pinhole: f64,
    /// Electrons that the pixels of the slice get together.
    pub electrons: f64,
    /// Share of the excitations that saturation costs in the middle of the focus.
    pub saturation: f64,
}

/// Returns the light budget of every channel and dye that has light, in the order of their names.
///
/// # Errors
/// The optics make no sense.
pub fn light_budgets(config: &Config, model: &Model) -> Result<Vec<LightBudget>, ModelError> {
    let sight = Sight::new(config, model.volume.shape, model.camera.planes)?;
    let mut budgets = Vec::new();
    for channel in &model.channels[..model.channels_of_a_round()] {
        for source in &channel.sources {
            let dye = &model.fluorophores[source.fluorophore];
            let electrons = channel.photons[source.fluorophore].mean_photons;
            let slice = source.psfs[source.middle].slice;
            budgets.extend(sight.budget(&channel.configured, dye, (electrons, slice))?);
        }
    }
    Ok(budgets)
}

/// A pixel in the middle of a labelled structure, as expected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectedPixel {
    /// Name of the channel.
    pub channel: String,
    /// Name of the layer.
    pub layer: String,
    /// What the pixel lies on: "sheet" (a membrane one voxel thick, across the image) or "block".
    pub structure: &'static str,
    /// Mean electrons of the structure's light.
    pub electrons: f64,
    /// Mean electrons without the structure: dark current, stray light, clocks.
    pub background: f64,
    /// Signal over the standard deviation of an exposure, read noise and a register's noise
    /// included.
    pub signal_to_noise: f64,
    /// Share of the detector's full well, or of the most that it counts.
    pub full_well: f64,
}

/// Returns what is expected of a pixel on the structures of each layer, in every channel that sees
/// its dye; empty in the model `simexm`.
pub fn expected_pixels(config: &Config, model: &Model) -> Vec<ExpectedPixel> {
    let Some(imaging) = model.physical() else {
        return Vec::new();
    };
    let voxel_nm = config.groundtruth.voxel_or_nan();
    let step = [model.camera.x.step(), model.camera.y.step()];
    let of_config = config.layers();
    let mut pixels = Vec::new();
    for channel in &model.channels[..model.channels_of_a_round()] {
        let layers = of_config.values().zip(&model.labelling.layers);
        for (layer, of_model) in layers {
            let of_layer = |source: &&EmissionSource| source.fluorophore == of_model.fluorophore;
            let Some(source) = channel.sources.iter().find(of_layer) else {
                continue;
            };
            let per_voxel = layer.fluorophores_per_voxel(voxel_nm);
            let depth = imaging.dark_along_z.then_some(model.volume.shape[0]);
            let (structure, light) = structure(of_model, source, step, depth);
            let electrons = per_voxel * light;
            let detector = &imaging.detector;
            pixels.push(ExpectedPixel {
                channel: channel.configured.clone(),
                layer: of_model.name.clone(),
                structure,
                electrons,
                background: detector.background(),
                signal_to_noise: detector.signal_to_noise(electrons),
                full_well: (electrons + detector.background()) / detector.most_electrons(),
            });
        }
    }
    pixels
}

/// What a layer labels, and the electrons of a pixel on it where each of its voxels has one
/// fluorophore, in the middle slice. `depth` is that of a volume beyond which it is dark.
fn structure(
    layer: &LayerModel,
    source: &EmissionSource,
    step: [f64; 2],
    depth: Option<usize>,
) -> (&'static str, f64) {
    let psf = source.psf();
    let [radius_x, radius_y] = psf.shape().radius;
    let both = |at: usize| if at == 0 { 1.0 } else { 2.0 };
    let focus = psf.shape().before;
    let taps = match depth {
        None => 0..psf.shape().taps(),
        Some(depth) => {
            let first = focus.saturating_sub((depth - 1) / 2);
            first..(first + depth).min(psf.shape().taps())
        }
    };
    let row = |tap: usize, x: usize| -> f64 {
        let columns = 0..=radius_y;
        columns
            .map(|y| both(y) * f64::from(psf.at(tap, x, y)))
            .sum()
    };
    let rows = |tap: usize| {
        (0..=radius_x)
            .map(move |x| both(x) * row(tap, x))
            .sum::<f64>()
    };
    if layer.region_bit == region_bits::MEMBRANE {
        // A pixel that is wider than a voxel sees what of the sheet's light falls beside it, too.
        let beside = (0.5 * (step[0] - 1.0)).max(0.0);
        let share = |x: usize| match x {
            0 => step[0].min(1.0),
            _ => (beside - (x - 1) as f64).clamp(0.0, 1.0),
        };
        let sheet = |tap: usize| {
            (0..=radius_x)
                .map(|x| both(x) * share(x) * row(tap, x))
                .sum::<f64>()
        };
        ("sheet", step[1] * taps.map(sheet).sum::<f64>())
    } else {
        ("block", step[0] * step[1] * taps.map(rows).sum::<f64>())
    }
}
