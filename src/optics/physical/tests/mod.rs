//! Tests against figures of an independent program in NumPy and SciPy, and against laws.

mod depth;
mod golden_photons;
mod golden_psf;
mod kept;
mod kernels;
mod laws;

use super::*;

/// Lines of a table without its head, cut at commas.
fn table(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().skip(1);
    lines.map(|line| line.split(',').collect()).collect()
}

fn number(word: &str) -> f64 {
    word.parse().unwrap()
}

/// An objective for water in a gel of water's index.
fn water(numerical_aperture: f64) -> Objective {
    Objective {
        numerical_aperture,
        media: Media::new(1.333, 1.333),
    }
}

/// An oil objective of 1.4 before a gel.
fn oil_on_gel() -> Objective {
    Objective {
        numerical_aperture: 1.4,
        media: Media::new(1.333, 1.515),
    }
}

fn light(objective: Objective, field: FieldModel, wavelength_um: f64) -> Light {
    Light {
        objective,
        field,
        wavelength_um,
        beam_fill: None,
    }
}

/// A fluorophore that absorbs, per second, as many photons as the fluence rate in W/m^2 says.
fn plain_emitter(wavelength_um: f64) -> Emitter {
    Emitter {
        cross_section_m2: photons::photon_energy_j(wavelength_um),
        two_photon_gm: 50.0,
        quantum_yield: 1.0,
        lifetime_s: 0.0,
    }
}

/// A green dye under a blue laser whose kernel is the bare function of the optics: every factor of
/// brightness is 1.
fn plain(objective: Objective, microscope: Microscope) -> Imaging {
    Imaging {
        objective,
        field: FieldModel::Vectorial,
        microscope,
        emitter: plain_emitter(0.488),
        excitation_um: 0.488,
        emission_um: 0.525,
        exposure_s: 1.0,
        detected_share: 1.0,
    }
}

fn widefield(objective: Objective) -> Imaging {
    plain(
        objective,
        Microscope::Widefield {
            irradiance_w_m2: 1.0,
        },
    )
}

/// A confocal microscope with a pinhole in Airy units, and a kernel of h_ex D.
fn confocal(objective: Objective, units: f64) -> Imaging {
    let pinhole = microscopes::airy_pinhole_um(units, 0.525, objective.numerical_aperture);
    plain(
        objective,
        Microscope::Confocal {
            power_w: 1e-12 / objective.fluence_factor(Some(1.0)),
            beam_fill: 1.0,
            pinhole_radius_um: pinhole,
            pixel_area_um2: 1.0,
        },
    )
}

/// Two photons of 900 nm at NA 1.0, too few of them to saturate.
fn two_photon() -> Imaging {
    Imaging {
        emitter: plain_emitter(0.9),
        excitation_um: 0.9,
        ..plain(
            water(1.0),
            Microscope::TwoPhoton {
                power_w: 1e-6,
                beam_fill: 1.0,
                pulses: Pulses::default(),
                pixel_area_um2: 1.0,
            },
        )
    }
}

/// A disc of pinholes of 25 um and 250 um apart behind 40x.
fn spinning_disk(objective: Objective) -> Imaging {
    plain(
        objective,
        Microscope::SpinningDisk {
            irradiance_w_m2: 1.0 / objective.fluence_factor(None),
            pinhole_radius_um: 0.625,
            pinhole_spacing_um: 6.25,
        },
    )
}
