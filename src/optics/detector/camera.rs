//! Cameras and other detectors by name, with the figures of their data sheets.
//!
//! A gain that a sheet does not give is the one with which the largest grey value is a full pixel,
//! as makers choose it. Read noise is the root mean square over all pixels, not the median.
//! docs/detectors.md tells which figures were compared, and with what.

use super::{DetectorKeys, DetectorKind};
use crate::base::choice::choice;

choice! {
    /// A detector that laboratories have.
    pub enum CameraModel {
        /// Hamamatsu C13440-20CU.
        OrcaFlash4V3 = "ORCA-Flash4.0 V3",
        /// Hamamatsu C15440-20UP.
        OrcaFusionBt = "ORCA-Fusion BT",
        /// Teledyne Photometrics.
        Prime95b = "Prime 95B",
        /// Teledyne Photometrics.
        PrimeBsiExpress = "Prime BSI Express",
        /// Andor (Oxford Instruments), an EMCCD.
        IxonUltra888 = "iXon Ultra 888",
        /// Excelitas PCO.
        PcoEdge42 = "pco.edge 4.2",
        /// Andor (Oxford Instruments).
        Zyla42Plus = "Zyla 4.2 PLUS",
        /// A photomultiplier with a cathode of GaAsP.
        GenericPmt = "generic PMT",
        /// A hybrid detector with a cathode of GaAsP.
        GenericHybrid = "generic hybrid",
    }
}

/// What a data sheet says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataSheet {
    /// The keys of the detector.
    pub keys: DetectorKeys,
    /// Size of a pixel in nm; `None` where there are no pixels.
    pub pixel_nm: Option<f64>,
    /// Electrons per photon at the best wavelength.
    pub quantum_efficiency: f64,
    /// The mode in which the figures hold.
    pub mode: &'static str,
    /// The maker's page; for a generic detector what it stands for.
    pub source: &'static str,
}

/// Grey values of 16 bits over an offset of 100.
const GREY_VALUES: f64 = 65_435.0;

impl CameraModel {
    /// Its data sheet.
    pub(crate) fn data_sheet(self) -> DataSheet {
        let camera = |kind, full_well, read_noise, dark_current| DetectorKeys {
            camera: Some(self),
            full_well: Some(full_well),
            read_noise: Some(read_noise),
            dark_current: Some(dark_current),
            offset: Some(100.0),
            gain: Some(GREY_VALUES / full_well),
            ..DetectorKeys::new(kind, 0.0)
        };
        let counter = |kind| DetectorKeys {
            camera: Some(self),
            dark_current: Some(500.0),
            offset: Some(0.0),
            ..DetectorKeys::new(kind, 0.0)
        };
        let scmos = DetectorKind::Scmos;
        match self {
            Self::OrcaFlash4V3 => DataSheet {
                keys: DetectorKeys {
                    gain: Some(1.0 / 0.46),
                    ..camera(scmos, 30_000.0, 1.6, 0.06)
                },
                pixel_nm: Some(6500.0),
                quantum_efficiency: 0.82,
                mode: "standard scan, air-cooled to -10 C",
                source: "https://www.hamamatsu.com/us/en/product/cameras/cmos-cameras/C13440-20CU.html",
            },
            Self::OrcaFusionBt => DataSheet {
                keys: DetectorKeys {
                    gain: Some(1.0 / 0.24),
                    ..camera(scmos, 15_000.0, 0.7, 1.0)
                },
                pixel_nm: Some(6500.0),
                quantum_efficiency: 0.95,
                mode: "ultra quiet scan, air-cooled to -8 C",
                source: "https://www.hamamatsu.com/us/en/product/cameras/cmos-cameras/C15440-20UP.html",
            },
            Self::Prime95b => DataSheet {
                keys: camera(scmos, 80_000.0, 1.8, 0.55),
                pixel_nm: Some(11_000.0),
                quantum_efficiency: 0.95,
                mode: "16 bit, air-cooled to -20 C",
                source: "https://www.photometrics.com/products/prime-family/prime95b",
            },
            Self::PrimeBsiExpress => DataSheet {
                keys: camera(scmos, 45_000.0, 1.1, 0.5),
                pixel_nm: Some(6500.0),
                quantum_efficiency: 0.95,
                mode: "16 bit, air-cooled",
                source: "https://www.photometrics.com/products/prime-family/prime-bsi-express",
            },
            Self::IxonUltra888 => DataSheet {
                keys: DetectorKeys {
                    em_gain: Some(300.0),
                    register_full_well: Some(730_000.0),
                    gain: Some(GREY_VALUES / 730_000.0),
                    clock_induced: 0.005,
                    ..camera(DetectorKind::Emccd, 80_000.0, 130.0, 0.00025)
                },
                pixel_nm: Some(13_000.0),
                quantum_efficiency: 0.95,
                mode: "multiplying at 30 MHz, -80 C",
                source: "https://andor.oxinst.com/products/ixon-emccd-camera-series/ixon-ultra-888",
            },
            Self::PcoEdge42 => DataSheet {
                keys: DetectorKeys {
                    gain: Some(1.0 / 0.46),
                    ..camera(scmos, 30_000.0, 1.4, 0.3)
                },
                pixel_nm: Some(6500.0),
                quantum_efficiency: 0.82,
                mode: "rolling shutter, air-cooled to 5 C",
                source: "https://www.excelitas.com/product/pcoedge-42-scmos-camera",
            },
            Self::Zyla42Plus => DataSheet {
                keys: DetectorKeys {
                    gain: Some(1.0 / 0.45),
                    ..camera(scmos, 30_000.0, 1.3, 0.1)
                },
                pixel_nm: Some(6500.0),
                quantum_efficiency: 0.82,
                mode: "16 bit, fast read-out, air-cooled to 0 C",
                source: "https://andor.oxinst.com/products/scmos-camera-series/zyla-4-2-scmos",
            },
            Self::GenericPmt => DataSheet {
                keys: DetectorKeys {
                    gain: Some(40.0),
                    read_noise: Some(0.0),
                    excess_noise: Some(1.2),
                    ..counter(DetectorKind::Pmt)
                },
                pixel_nm: None,
                quantum_efficiency: 0.4,
                mode: "a gain of one's choice",
                source: "a photomultiplier with a GaAsP cathode, at room temperature",
            },
            Self::GenericHybrid => DataSheet {
                keys: DetectorKeys {
                    gain: Some(1.0),
                    dead_time: Some(2e-9),
                    ..counter(DetectorKind::Hybrid)
                },
                pixel_nm: None,
                quantum_efficiency: 0.45,
                mode: "counting",
                source: "a hybrid detector with a GaAsP cathode, cooled",
            },
        }
    }
}

impl DetectorKeys {
    /// The same, with the figures of the camera in the place of what is `None`.
    pub fn filled(self) -> Self {
        let Some(camera) = self.camera else {
            return self;
        };
        let sheet = camera.data_sheet().keys;
        Self {
            gain: self.gain.or(sheet.gain),
            read_noise: self.read_noise.or(sheet.read_noise),
            offset: self.offset.or(sheet.offset),
            full_well: self.full_well.or(sheet.full_well),
            em_gain: self.em_gain.or(sheet.em_gain),
            register_full_well: self.register_full_well.or(sheet.register_full_well),
            excess_noise: self.excess_noise.or(sheet.excess_noise),
            dead_time: self.dead_time.or(sheet.dead_time),
            dark_current: self.dark_current.or(sheet.dark_current),
            ..self
        }
    }
}
