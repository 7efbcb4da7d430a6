//! What a run's configuration says of its images and truth.

use super::ChannelVolume;
use super::profiles::point_width_nm;
use crate::config::{CellPart, Config};
use crate::model::Model;
use crate::model::physical::light_budgets;
use crate::optics::microscope::Microscope;
use ndarray::Array3;

/// What the images and the truth do not tell themselves.
pub(crate) struct Facts {
    /// Size of a voxel of the images in tissue, (z, x, y), in nm.
    pub voxel_nm: [f64; 3],
    /// Whether membranes are labelled.
    pub membranes: bool,
    /// Grey value of a pixel that no electron has reached.
    pub zero: f64,
    channels: Vec<OfChannel>,
}

/// What is known of a channel.
struct OfChannel {
    name: String,
    /// The index of the dye that it sees best.
    dye: Option<usize>,
    /// Photons that a molecule of it in focus absorbs for an image.
    dose: Option<f64>,
    /// Full width at half maximum of a point of it, in nm of tissue.
    point_nm: Option<f64>,
}

impl Facts {
    /// Those of a run. The dose is not known in the model `simexm`.
    pub(crate) fn new(config: &Config, model: &Model) -> Self {
        let budgets = light_budgets(config, model);
        let budgets = match model.physical() {
            Some(_) => budgets.unwrap_or_default(),
            None => Vec::new(),
        };
        let photons = match config.optics.microscope {
            Microscope::TwoPhoton => 2.0,
            _ => 1.0,
        };
        let channels = model.channels.iter().map(|channel| {
            let light = |dye: usize| channel.photons[dye].mean_photons;
            let dyes = (0..channel.photons.len()).filter(|&dye| light(dye) > 0.0);
            let best = dyes.max_by(|&a, &b| light(a).total_cmp(&light(b)));
            let dye = best.map(|dye| &model.fluorophores[dye]);
            let of_pair = dye.and_then(|dye| {
                let mut budgets = budgets.iter();
                let budget = budgets
                    .find(|b| b.channel == channel.configured && b.fluorophore == dye.name)?;
                let absorbed = photons * budget.emitted / dye.quantum_yield;
                absorbed.is_finite().then_some(absorbed)
            });
            let mut sources = channel.sources.iter();
            let source = best.and_then(|dye| sources.find(|source| source.fluorophore == dye));
            let [_, rows, columns] = config.groundtruth.voxel_or_nan();
            OfChannel {
                name: channel.name.clone(),
                dye: best,
                dose: of_pair,
                point_nm: source.and_then(|source| point_width_nm(source.psf(), [rows, columns])),
            }
        });
        let zero = model.physical().map_or(0.0, |imaging| {
            f64::from(imaging.detector.detection().pixel.offset) / 256.0
        });
        let mut layers = config.labeling.layers.values();
        Self {
            voxel_nm: model
                .camera
                .pixel_in_tissue_nm(config.groundtruth.voxel_or_nan()),
            membranes: layers.any(|layer| layer.region == CellPart::Membrane),
            zero,
            channels: channels.collect(),
        }
    }

    /// The index of the dye that a channel sees best.
    pub(crate) fn best_dye(&self, channel: &str) -> Option<usize> {
        let mut channels = self.channels.iter();
        channels.find(|of| of.name == channel)?.dye
    }

    /// The number of channels.
    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    /// The images of a channel.
    pub(crate) fn channel(
        &self,
        number: usize,
        grey: Array3<f32>,
        second: Option<Array3<f32>>,
    ) -> ChannelVolume {
        let of = &self.channels[number];
        ChannelVolume {
            name: of.name.clone(),
            grey,
            second,
            truth: of.dye,
            dose: of.dose,
            point_nm: of.point_nm,
        }
    }
}
