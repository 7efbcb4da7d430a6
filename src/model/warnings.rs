//! Warnings that the configuration alone gives reason for.

use super::advice;
use crate::config::{Config, Layer, Stain};
use crate::optics::camera::Camera;
use crate::optics::fluorophore::{Fluorophore, Photons};
use crate::optics::psf::Microscope;

/// Explains why no fluorophore of the labelling reaches a channel (docs/model.md D10, and the end
/// of section 9).
pub(super) fn dark_channel(
    config: &Config,
    channel: &str,
    fluorophores: &[Fluorophore],
    photons: &[Photons],
) -> String {
    let optics = &config.optics.channels[channel];
    let laser = optics.laser_wavelength_nm;
    let [low, high] = optics.laser_filter_nm;
    let reasons: Vec<String> = std::iter::zip(fluorophores, photons)
        .map(|(fluorophore, photons)| {
            let name = &fluorophore.name;
            if photons.excitation <= 0.0 {
                let [first, last] = fluorophore.excitation.range_nm();
                format!(
                    "the laser at {laser} nm does not excite {name} (measured from {first} to {last} nm, peak at {} nm)",
                    fluorophore.excitation_peak_nm()
                )
            } else if photons.emission <= 0.0 {
                let [first, last] = fluorophore.emission.range_nm();
                let better = advice::best_band(fluorophore, [low, high], laser);
                let better = better.map_or_else(String::new, |band| format!("; {}", advice::proposal(band)));
                format!(
                    "the filter {low}-{high} nm misses the emission of {name} ({first} to {last} nm, peak at {} nm{better})",
                    fluorophore.emission_peak_nm()
                )
            } else {
                format!(
                    "{name} sends {:.1e} photons per protein (check exposure_time, laser_power, laser_percentage and the efficiencies)",
                    photons.mean_photons
                )
            }
        })
        .collect();
    let mut warning = format!("channel {channel} will be dark: {}", reasons.join("; "));
    if config.optics.microscope == Microscope::TwoPhoton && laser >= 700.0 {
        warning.push_str(
            "; the spectra were measured with one photon, and the model simexm reads them at the laser's \
             own wavelength",
        );
    }
    warning
}

/// More proteins per nm^3 than anything but a stain of all protein finds.
const DENSE_PER_NM3: f64 = 0.005;

/// Warns of layers with more proteins than antibodies find.
pub(super) fn dense_layers(config: &Config) -> impl Iterator<Item = String> {
    let dense = |layer: &Layer| {
        layer.extras.stain == Stain::Cells && layer.protein_density_per_nm3 > DENSE_PER_NM3
    };
    let layers = config.labeling.layers.iter();
    layers.filter(move |(_, layer)| dense(layer)).map(|(name, layer)| {
        format!(
            "layer {name} has {} proteins per nm^3, of all protein of a cell there are some 0.003: antibodies find 1e-5 to \
             1e-3 (protein_density); a stain of all protein is stain = \"protein\"",
            layer.protein_density_per_nm3
        )
    })
}

/// Warns that hardly a photon of the labelling reaches a channel.
pub(super) fn dim_channel(
    channel: &str,
    fluorophores: &[Fluorophore],
    photons: &[Photons],
) -> String {
    let sent: Vec<String> = std::iter::zip(fluorophores, photons)
        .map(|(f, photons)| {
            format!(
                "{} sends {:.1e} photons per protein",
                f.name, photons.mean_photons
            )
        })
        .collect();
    format!(
        "channel {channel} will be very dim: {} (check exposure_time, laser_power, laser_percentage, the \
         efficiencies, and the layers' protein_density)",
        sent.join("; ")
    )
}

/// Warns that the image moves against the ground truth.
pub(super) fn magnification(camera: &Camera) -> String {
    let part = |axis: &str, factor: u32| match factor {
        1 => None,
        _ => Some(format!("{factor} pixels per voxel along {axis}")),
    };
    let parts: Vec<String> = [
        part("x", camera.x.magnification()),
        part("y", camera.y.magnification()),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "the ground truth is too coarse for the camera's pixels ({}): voxels are spread at random over \
         pixels, which moves the image by one voxel on average against the ground truth",
        parts.join(", ")
    )
}
