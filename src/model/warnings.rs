//! Warnings that the configuration alone gives reason for.

use super::{Labelling, advice};
use crate::config::{Config, Layer, MOST_PARTS, ModelKind, Stain};
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

/// Proteins of a voxel from which it takes long to move each of them.
const CROWDED: f64 = 10.0;

/// Warns of layers whose proteins are many and each have a place of their own.
pub(super) fn slow_layers(config: &Config, labelling: &Labelling) -> Vec<String> {
    let voxel_nm = config.groundtruth.voxel_or_nan();
    let layers = config.layers();
    let apart = labelling
        .layers
        .iter()
        .zip(layers.values())
        .filter(|(model, _)| {
            let own = model.own.as_ref();
            own.is_some_and(|own| own.apart)
        });
    let crowded = apart.filter_map(|(model, layer)| {
        let proteins = layer.fluorophores_per_voxel(voxel_nm) / layer.antibody_amp;
        (proteins >= CROWDED).then(|| {
            let key = match layer.extras.membrane_density_per_nm2 {
                Some(_) => "membrane_density",
                None => "protein_density",
            };
            format!(
                "layer {} has some {proteins:.0} proteins in a voxel, and draws for each where it lies (linkage, puncta_spread), \
                 which takes long: a lower {key} is faster, and with an antibody_amp as much higher as bright, but grainier",
                model.name
            )
        })
    });
    crowded.collect()
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

/// Warns that voxels are larger than the camera's pixels, and says what mends it. Axes are
/// (z, x, y); `camera` has whole numbers of pixels for a voxel.
pub(super) fn coarse_tissue(config: &Config, camera: &Camera) -> Option<String> {
    if !camera.magnifies() {
        return None;
    }
    let [step_z, ..] = camera.exact_step;
    let images_per_slice = (1.0 / step_z).round_ties_even().max(1.0) as usize;
    let pixels = [camera.x, camera.y].map(|axis| axis.magnification() as usize);
    let told: Vec<String> = std::iter::zip(["x", "y"], pixels)
        .filter(|(_, pixels)| *pixels > 1)
        .map(|(axis, pixels)| format!("{pixels} pixels per voxel along {axis}"))
        .collect();
    let effect = match config.model {
        ModelKind::Simexm if !config.optics.magnify_evenly => {
            "voxels are spread at random over pixels, which moves the image by one voxel on average against the \
             ground truth ([optics] magnify = \"area\" keeps it in place)"
        }
        _ => "edges of cells show the voxels' steps",
    };
    let times = [images_per_slice, pixels[0], pixels[1]];
    let upsample: [usize; 3] =
        std::array::from_fn(|axis| config.groundtruth.upsample[axis].saturating_mul(times[axis]));
    let mend = match upsample {
        [z, x, y] if [z, x, y].iter().any(|&parts| parts > MOST_PARTS) => String::new(),
        [z, x, y] if z == x && x == y => format!("; [groundtruth] upsample = {z} mends it"),
        parts => format!("; [groundtruth] upsample = {parts:?} mends it"),
    };
    Some(format!(
        "the ground truth is too coarse for the camera's pixels ({}): {effect}{mend}",
        told.join(", ")
    ))
}

/// A value that no experiment has: its key, what it is, its unit, and what experiments have.
struct Implausible(String, f64, &'static str, [f64; 2]);

/// Warns of values that no microscope or tissue has: mistakes of units, above all. SimExm's own are
/// none: its lasers of 50 W fill an aperture of a metre, which together is a plausible light.
pub(super) fn implausible(config: &Config) -> Vec<String> {
    let optics = &config.optics;
    let is_simexm = config.model == ModelKind::Simexm;
    let fills_a_metre = is_simexm && optics.objective_back_aperture_m == Some(1.0);
    let (most_w, most_m) = if fills_a_metre {
        (50.0, 1.0)
    } else {
        (5.0, 0.05)
    };
    let mut looked_at: Vec<Implausible> = Vec::new();
    let mut look = |key: &str, value: f64, unit, range| {
        looked_at.push(Implausible(key.to_owned(), value, unit, range));
    };
    for nm in config.groundtruth.voxel_nm.into_iter().flatten() {
        look("[groundtruth] voxel_dim", nm, "nm", [0.2, 5000.0]);
    }
    for factor in config.expansion.factors() {
        look("[expansion] factor", factor, "times", [1.0, 50.0]);
    }
    look(
        "[optics] numerical_aperture",
        optics.numerical_aperture,
        "",
        [0.02, 1.7],
    );
    look(
        "[optics] objective_factor",
        optics.objective_factor,
        "times",
        [1.0, 250.0],
    );
    look(
        "[optics] pixel_size",
        optics.pixel_size_nm,
        "nm",
        [100.0, 50_000.0],
    );
    look(
        "[optics] exposure_time",
        optics.exposure_time_s,
        "s",
        [0.0, 120.0],
    );
    if let Some(um) = optics.pinhole_radius_um {
        look("[optics] pinhole_radius", um, "um", [0.0, 2000.0]);
    }
    if let Some(m) = optics.objective_back_aperture_m {
        look("[optics] objective_back_aperture", m, "m", [1e-4, most_m]);
    }
    for (name, channel) in &optics.channels {
        let key = |key: &str| format!("[optics.channels.{name}] {key}");
        if let Some(w) = channel.laser_power_w {
            look(&key("laser_power"), w, "W", [1e-9, most_w]);
        }
        if let Some(irradiance) = channel.irradiance_w_cm2 {
            look(&key("irradiance"), irradiance, "W/cm^2", [1e-6, 1e6]);
        }
    }
    for (name, layer) in &config.labeling.layers {
        let key = format!("[labeling.{name}] antibody_amp");
        look(&key, layer.antibody_amp, "times", [1.0, 1000.0]);
    }
    let beyond =
        |Implausible(_, value, _, [least, most]): &Implausible| value < least || value > most;
    let mut told: Vec<String> = Vec::new();
    for Implausible(key, value, unit, [least, most]) in looked_at.into_iter().filter(beyond) {
        let [value, least, most] = [value, least, most].map(short);
        let warning = match unit {
            "" | "times" => format!("{key} is {value}: {least} to {most} are plausible"),
            unit => format!(
                "{key} is {value} {unit}: {least} to {most} are plausible; is the unit right? (a value may name its own, \
                 like \"5 mW\")"
            ),
        };
        if !told.contains(&warning) {
            told.push(warning);
        }
    }
    told
}

/// A number without a row of zeros.
fn short(value: f64) -> String {
    match value.abs() {
        1e-3..1e6 | 0.0 => value.to_string(),
        _ => format!("{value:e}"),
    }
}
