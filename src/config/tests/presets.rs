//! Microscopes and objectives by name.

use super::{full_physical, problems, read};
use crate::base::choice::Choice;
use crate::config::presets::MicroscopePreset;
use crate::config::{CameraModel, Config, DetectorKind};
use crate::optics::microscope::Microscope;

/// A physical configuration with these lines in `[optics]`, beside the gel's index, and `detector`
/// in the place of a table of the detector.
fn with(optics: &str, scans: bool, detector: &str) -> String {
    let text = full_physical(scans);
    let (before, rest) = text.split_once("[optics]\n").unwrap();
    let (_, channels) = rest.split_once("[optics.channels").unwrap();
    let (channels, _) = channels.split_once("\n[detector]\n").unwrap();
    format!(
        "{before}[optics]\nrefractive_index = 1.333\n{optics}\n\n[optics.channels{channels}\n{detector}\n"
    )
}

#[test]
fn a_microscope_gives_what_is_left_out() {
    for preset in MicroscopePreset::all() {
        let figures = preset.figures();
        let scans = figures.microscope.scans_a_focus();
        let config = read(&with(&format!("microscope = \"{preset}\""), scans, "")).unwrap();
        config.validate().unwrap();
        let optics = &config.optics;
        assert_eq!(optics.microscope, figures.microscope);
        assert_eq!(optics.pixel_size_nm, figures.pixel_nm);
        let camera = figures.detector.data_sheet();
        assert_eq!(config.detector.as_ref().unwrap().keys, camera.keys);
        assert_eq!(optics.detector_efficiency, camera.quantum_efficiency);
        assert_eq!(
            camera.pixel_nm.unwrap_or(figures.pixel_nm),
            figures.pixel_nm
        );
        // The record has the keys alone, and reads back.
        let record = config.to_toml();
        assert!(!record.contains("objective ="), "{record}");
        assert_eq!(read(&record).unwrap(), config, "{preset}");
        // What `init` writes is the same microscope.
        let plain = Config::physical_at(Some(preset), None).unwrap();
        plain.validate().unwrap();
        assert_eq!(plain.detector, config.detector);
        let of_instrument = |config: &Config| crate::config::Optics {
            channels: Default::default(),
            ..config.optics.clone()
        };
        assert_eq!(of_instrument(&plain), of_instrument(&config));
        let channel = &plain.optics.channels["channel_1"];
        assert_eq!(channel.irradiance_w_cm2.is_some(), !scans, "{preset}");
    }
}

#[test]
fn keys_override_the_objective_and_the_objective_the_microscope() {
    let optics = |lines: &str, detector: &str| read(&with(lines, false, detector)).unwrap().optics;
    let disk = "microscope = \"spinning disk\"\n";
    let of = |lines: &str| optics(&format!("{disk}{lines}"), "");
    assert_eq!(of("").numerical_aperture, 1.2);
    let oil = of("objective = \"100x/1.3 oil\"");
    assert_eq!((oil.objective_factor, oil.numerical_aperture), (100.0, 1.3));
    assert_eq!(oil.physical.unwrap().immersion_index, Some(1.518));
    let own = of(
        "objective = \"100x/1.3O\"\nobjective_factor = 150\ntype = \"widefield\"\npixel_size = \"13 um\"",
    );
    assert_eq!((own.objective_factor, own.numerical_aperture), (150.0, 1.3));
    assert_eq!(own.microscope, Microscope::Widefield);
    assert_eq!(own.pixel_size_nm, 13_000.0);
    // The immersion is that of the objective that is named, not of one that is not.
    let stopped = of("objective = \"20x/0.8\"\nnumerical_aperture = 0.75");
    assert_eq!(stopped.physical.unwrap().immersion_index, Some(1.0));
    let other = of("numerical_aperture = 0.75").physical.unwrap();
    assert_eq!(other.immersion_index, None);
    // A pinhole in Airy units stands in the place of one in um.
    let pinhole = of("pinhole_airy = 2");
    assert_eq!(pinhole.pinhole_radius_um, None);
    // Another camera has other pixels; a detector of one's own has its efficiency.
    let camera = format!("[detector]\ncamera = \"{}\"", CameraModel::IxonUltra888);
    assert_eq!(optics(disk, &camera).pixel_size_nm, 13_000.0);
    let kind = "[detector]\nkind = \"ideal\"\nbits = 12";
    assert_eq!(optics(disk, kind).detector_efficiency, 0.95);
    let text = with(&format!("{disk}detector_efficiency = 0.7"), false, kind);
    let config = read(&text).unwrap();
    assert_eq!(config.optics.detector_efficiency, 0.7);
    assert_eq!(config.detector.unwrap().keys.kind, DetectorKind::Ideal);
}

#[test]
fn an_objective_alone_will_do() {
    let keys = "type = \"widefield\"\nobjective = \"20x/0.8\"\nfocal_plane_depth = 500\nexposure_time = 0.1\n\
                objective_efficiency = 0.8\ndetector_efficiency = 0.8\npixel_size = 6500";
    let optics = read(&with(keys, false, "")).unwrap().optics;
    assert_eq!(optics.numerical_aperture, 0.8);
    assert_eq!(optics.physical.unwrap().immersion_index, Some(1.0));
}

#[test]
fn wrong_names_are_all_that_is_reported() {
    let found = problems(&with("microscope = \"spinnig disk\"", false, ""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("did you mean \"spinning disk\"?"),
        "{found:?}"
    );
    for wrong in ["\"60x\"", "60", "\"60x/1.2\""] {
        let lines = format!("microscope = \"widefield\"\nobjective = {wrong}");
        let found = problems(&with(&lines, false, ""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("like 60x/1.2W"), "{found:?}");
    }
    // What contradicts a preset is told at its line.
    let text = with("microscope = \"spinning disk\"", false, "");
    let found = problems(&text.replace("index = 1.333", "index = 0.9"));
    assert!(found[0].contains("refractive_index"), "{found:?}");
    let found = problems(&text.replace("kind = \"physical\"", "kind = \"simexm\""));
    let told = |word: &str| found.iter().any(|problem| problem.contains(word));
    assert!(
        told("[optics] microscope means nothing with [model] kind = \"simexm\""),
        "{found:?}"
    );
}

#[test]
fn the_documentation_has_the_microscopes() {
    let page = include_str!("../../../docs/microscopes.md");
    let (_, after) = page
        .split_once("<!-- microscopes -->\n")
        .expect("the mark before the table");
    let mut table = "| microscope | type | objective | pixel in the gel (nm) | images apart (nm) | exposure | detector | its own | stands for |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for preset in MicroscopePreset::all() {
        let figures = preset.figures();
        let objective: crate::optics::objective::Engraving = figures.objective.parse().unwrap();
        let exposure = match figures.microscope.scans_a_focus() {
            true => format!("{} us a pixel", figures.exposure_s * 1e6),
            false => format!("{} ms", figures.exposure_s * 1e3),
        };
        let own = figures
            .own
            .iter()
            .map(|(key, value)| format!("`{key} = {value}`"));
        table += &format!(
            "| `{preset}` | {} | {} | {:.0} | {} | {exposure} | {} | {} | {} |\n",
            figures.microscope,
            figures.objective,
            figures.pixel_nm / objective.magnification,
            figures.step_nm,
            figures.detector,
            own.collect::<Vec<_>>().join(", "),
            figures.meaning
        );
    }
    assert!(
        after.trim_start().starts_with(table.trim_end()),
        "the table of microscopes in docs/microscopes.md must be:\n{table}"
    );
}
