//! What a run's configuration says of its images and truth.

use super::ChannelVolume;
use super::profiles::point_width_nm;
use crate::config::{CellPart, Config, ModelKind, Stain};
use crate::model::Model;
use crate::model::physical::light_budgets;
use crate::optics::microscope::Microscope;
use ndarray::Array3;

/// What is to be known of metrics of a run whose images are moved against its truth.
pub(crate) fn jitter_warning(config: &Config, voxel_nm: [f64; 3]) -> Option<&'static str> {
    let of_truth = config.groundtruth.voxel_or_nan();
    let spread = [1, 2]
        .iter()
        .any(|axis| voxel_nm[*axis] < 0.999 * of_truth[*axis]);
    let jitters = config.model == ModelKind::Simexm && !config.optics.magnify_evenly;
    (jitters && spread).then_some(
        "[optics] magnify = \"jitter\" moves images against the ground truth by up to a voxel, and metrics hold them against it; \
         magnify = \"area\" does not",
    )
}

/// What the images and the truth do not tell themselves.
pub(crate) struct Facts {
    /// Size of a voxel of the images in tissue, (z, x, y), in nm.
    pub voxel_nm: [f64; 3],
    /// Whether membranes are labelled.
    pub membranes: bool,
    /// Grey value of a pixel that no electron has reached; the mean of those of a map.
    pub zero: f64,
    channels: Vec<OfChannel>,
    /// Whether a dye marks cells or parts of them: stains of all proteins do not.
    marks: Vec<bool>,
}

/// What is known of a channel.
struct OfChannel {
    name: String,
    /// The index of the dye that it sees best, of those that mark cells.
    dye: Option<usize>,
    /// Whether it sees nothing but stains of all proteins.
    stains: bool,
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
        let of_config = config.layers();
        let all: Vec<_> = std::iter::zip(of_config.values(), &model.labelling.layers).collect();
        let mut marking = all.clone();
        marking.retain(|(layer, _)| layer.extras.stain != Stain::Protein);
        // A run of such stains alone is of the cells that they fill.
        if marking.is_empty() {
            marking = all;
        }
        let marks = |dye: usize| {
            let mut layers = marking.iter();
            layers.any(|(_, layer)| layer.fluorophore == dye)
        };
        let channels = model.channels.iter().map(|channel| {
            let light = |dye: usize| channel.photons[dye].mean_photons;
            let dyes = (0..channel.photons.len()).filter(|&dye| light(dye) > 0.0);
            let seen = dyes.clone().count();
            let best = dyes
                .filter(|dye| marks(*dye))
                .max_by(|&a, &b| light(a).total_cmp(&light(b)));
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
                stains: best.is_none() && seen > 0,
                dose: of_pair,
                point_nm: source.and_then(|source| point_width_nm(source.psf(), [rows, columns])),
            }
        });
        let zero = model.physical().map_or(0.0, |imaging| {
            // Gains, noise and offsets of all pixels, one after the other.
            let offsets = &imaging.maps[imaging.maps.len() / 3 * 2..];
            let steps = match offsets.is_empty() {
                true => f64::from(imaging.detector.detection().pixel.offset),
                false => {
                    let sum: f64 = offsets.iter().map(|&word| f64::from(word as i32)).sum();
                    sum / offsets.len() as f64
                }
            };
            steps / 256.0
        });
        let mut parts = marking.iter().map(|(layer, _)| &layer.region);
        Self {
            voxel_nm: model
                .camera
                .pixel_in_tissue_nm(config.groundtruth.voxel_or_nan()),
            membranes: parts.any(|part| *part == CellPart::Membrane),
            zero,
            channels: channels.collect(),
            marks: (0..model.fluorophores.len()).map(marks).collect(),
        }
    }

    /// The truths of all dyes, without the cells of those that mark none.
    pub(crate) fn truths(&self, truths: impl Iterator<Item = Array3<u64>>) -> Vec<Array3<u64>> {
        let truths = truths.zip(&self.marks);
        let marked = truths.map(|(truth, marks)| match marks {
            true => truth,
            false => Array3::zeros(truth.dim()),
        });
        marked.collect()
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
            stains: of.stains,
            dose: of.dose,
            point_nm: of.point_nm,
        }
    }
}
