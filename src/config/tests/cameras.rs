//! Cameras by name.

use super::{full_physical, problems, read};
use crate::base::choice::Choice;
use crate::config::{CameraModel, Config, DetectorKeys, DetectorKind};
use crate::optics::detector::Detector;

/// A physical configuration with these lines in `[detector]`.
fn with(detector: &str) -> String {
    let text = full_physical(false).replace("pinhole_radius = 50\n", "");
    let (before, _) = text.split_once("[detector]\n").unwrap();
    format!("{before}[detector]\n{detector}\n")
}

fn keys(detector: &str) -> DetectorKeys {
    read(&with(detector)).unwrap().detector.unwrap().keys
}

#[test]
fn a_camera_gives_what_is_left_out() {
    for camera in CameraModel::all() {
        let sheet = camera.data_sheet();
        let read = keys(&format!("camera = \"{camera}\""));
        assert_eq!(read, sheet.keys, "{camera}");
        assert_eq!(read.camera, Some(camera));
        // It can be built, and a full pixel fits its grey values.
        let exposed = DetectorKeys {
            exposure_time: 0.01,
            ..read
        };
        let detector = Detector::new(&exposed).unwrap();
        assert!(detector.full_grey() > 3000, "{camera}");
        assert!((0.1..=1.0).contains(&sheet.quantum_efficiency));
        assert_eq!(
            sheet.pixel_nm.is_some(),
            sheet.keys.kind.has_pixels(),
            "{camera}"
        );
        // Nothing but the camera: the detector itself takes what is missing from it.
        let bare = DetectorKeys {
            camera: Some(camera),
            exposure_time: 0.01,
            clock_induced: sheet.keys.clock_induced,
            ..DetectorKeys::new(sheet.keys.kind, 0.01)
        };
        assert_eq!(Detector::new(&bare).unwrap(), detector);
    }
}

#[test]
fn keys_override_the_camera() {
    let read = keys("camera = \"Prime 95B\"\ngain = 0.5\nfull_well = 70000\nbits = 12");
    let sheet = CameraModel::Prime95b.data_sheet().keys;
    assert_eq!(
        read,
        DetectorKeys {
            gain: Some(0.5),
            full_well: Some(70_000.0),
            bits: 12,
            ..sheet
        }
    );
    assert_eq!(read.read_noise, Some(1.8));
}

#[test]
fn records_have_every_figure_and_read_back() {
    let config = read(&with("camera = \"iXon Ultra 888\"")).unwrap();
    let text = config.to_toml();
    for line in [
        "camera = \"iXon Ultra 888\"",
        "kind = \"emccd\"",
        "read_noise = 130.0",
        "register_full_well = 730000.0",
        "clock_induced = 0.005",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(read(&text).unwrap(), config);
    config.validate().unwrap();
    // In code a camera's name is enough.
    let named = Config {
        detector: Some(crate::config::Detector::new(DetectorKeys {
            camera: Some(CameraModel::OrcaFlash4V3),
            ..DetectorKeys::default()
        })),
        ..config
    };
    named.validate().unwrap();
}

#[test]
fn the_efficiency_may_be_the_cameras() {
    let text = with("camera = \"ORCA-Fusion BT\"");
    let line = "detector_efficiency = 0.6\n";
    assert!(text.contains(line));
    assert_eq!(read(&text).unwrap().optics.detector_efficiency, 0.6);
    let config = read(&text.replace(line, "")).unwrap();
    assert_eq!(config.optics.detector_efficiency, 0.95);
    let without = problems(&with("kind = \"scmos\"").replace(line, ""));
    assert!(
        without[0].contains("detector_efficiency is missing"),
        "{without:?}"
    );
}

#[test]
fn unknown_cameras_get_the_nearest() {
    let found = problems(&with("camera = \"orca flash 4.0 v3\""));
    assert!(
        found[0].contains("did you mean \"ORCA-Flash4.0 V3\"?")
            && found[0].contains("\"Prime 95B\""),
        "{found:?}"
    );
    let found = problems(&with("camera = \"Prime 95B\"\nkind = \"ccd\""));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("[detector] kind = \"ccd\" must be \"scmos\", as that camera is"),
        "{found:?}"
    );
    let same = keys("camera = \"Prime 95B\"\nkind = \"scmos\"");
    assert_eq!(same.kind, DetectorKind::Scmos);
}

#[test]
fn the_documentation_has_the_cameras() {
    let page = include_str!("../../../docs/detectors.md");
    let (_, after) = page
        .split_once("<!-- cameras -->\n")
        .expect("the mark before the table");
    let number = |value: Option<f64>| value.map_or("".to_owned(), |value| format!("{value:.5}"));
    let short = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    let mut table = "| camera | kind | pixel (um) | full well (e-) | read noise (e- rms) | dark current (e-/s) | grey values per e- | offset | efficiency | figures of |\n\
                     | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for camera in CameraModel::all() {
        let sheet = camera.data_sheet();
        let keys = sheet.keys;
        let um = sheet.pixel_nm.map(|nm| nm / 1e3);
        let figures = [
            um,
            keys.full_well,
            keys.read_noise,
            keys.dark_current,
            keys.gain,
            keys.offset,
        ];
        let figures: Vec<String> = figures.map(|value| short(number(value))).to_vec();
        let source = match sheet.source.strip_prefix("https://") {
            Some(_) => format!("[{}]({})", sheet.mode, sheet.source),
            None => format!("{}; {}", sheet.source, sheet.mode),
        };
        table += &format!(
            "| `{camera}` | {} | {} | {} | {source} |\n",
            keys.kind,
            figures.join(" | "),
            sheet.quantum_efficiency
        );
    }
    assert!(
        after.trim_start().starts_with(table.trim_end()),
        "the table of cameras in docs/detectors.md must be:\n{table}"
    );
}
