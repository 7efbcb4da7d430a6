//! Kinds of detectors and the keys that they have.

use crate::base::choice::choice;

choice! {
    /// A kind of detector.
    pub enum DetectorKind {
        /// A camera with one amplifier.
        Ccd = "ccd",
        /// A camera with amplifiers in its pixels.
        Scmos = "scmos",
        /// A CCD with a register that multiplies electrons.
        Emccd = "emccd",
        /// A photomultiplier whose current is measured.
        Pmt = "pmt",
        /// A hybrid detector or avalanche diode that counts electrons one by one.
        Hybrid = "hybrid",
        /// Grey values are the electrons themselves.
        Ideal = "ideal",
    }
}

/// Whether a kind has a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Need {
    /// It must be given, in this unit.
    Required(&'static str),
    /// It is this if it is not given.
    Default(f64),
    /// It may not be given; this stands for it and changes nothing.
    Unused(f64),
}

impl DetectorKind {
    /// Whether electrons are multiplied before they are measured.
    pub fn multiplies(self) -> bool {
        matches!(self, Self::Emccd | Self::Pmt)
    }

    /// Whether each pixel of an image is one of the detector's own.
    pub fn has_pixels(self) -> bool {
        matches!(self, Self::Ccd | Self::Scmos | Self::Emccd)
    }

    pub(super) fn need(self, key: &str) -> Need {
        use DetectorKind::{Ccd, Emccd, Hybrid, Ideal, Pmt, Scmos};
        use Need::{Default, Required, Unused};
        match (key, self) {
            ("gain", Scmos) => Default(2.17),
            ("gain", Hybrid) => Default(1.0),
            ("gain", Ideal) => Unused(1.0),
            ("gain", _) => Required("grey values per electron"),
            ("read_noise", Scmos) => Default(1.6),
            ("read_noise", Emccd) => Default(50.0),
            ("read_noise", Pmt) => Default(0.0),
            ("read_noise", Ccd) => Required("electrons"),
            ("read_noise", _) => Unused(0.0),
            ("offset", Ccd | Scmos | Emccd) => Default(100.0),
            ("offset", Pmt | Hybrid) => Default(0.0),
            ("offset", Ideal) => Unused(0.0),
            ("full_well", Scmos) => Default(30_000.0),
            ("full_well", Emccd) => Default(80_000.0),
            ("full_well", Ccd) => Required("electrons"),
            ("em_gain", Emccd) => Default(300.0),
            ("register_full_well", Emccd) => Required("electrons"),
            ("excess_noise", Pmt) => Default(1.2),
            // The gamma law of one electron is the exponential one.
            ("excess_noise", _) => Unused(2.0),
            ("dead_time", Hybrid) => Required("seconds"),
            ("dark_current", Scmos) => Default(0.06),
            ("dark_current" | "exposure_time", _) => Default(0.0),
            (_, _) => Unused(1.0),
        }
    }
}
