//! Types of microscopes, as both models name them.

use crate::base::choice::{Choice, alternatives, choice};

choice! {
    /// Type of microscope.
    pub enum Microscope {
        /// A scanned focus seen through a pinhole.
        Confocal = "confocal",
        /// In the model `physical` a camera, and light everywhere; in `simexm` a scanned focus
        /// seen without a pinhole, which is SimExm's meaning of the word.
        Widefield = "widefield",
        /// A scanned focus that excites with two photons at once.
        TwoPhoton = "two photon",
        /// A camera, and light in a sheet about the focal plane; only in the model `physical`.
        LightSheet = "light sheet",
        /// A camera behind a disk of pinholes; only in the model `physical`.
        SpinningDisk = "spinning disk",
    }
}

impl Microscope {
    /// Returns true for the types that SimExm has.
    pub fn is_simexm(self) -> bool {
        matches!(self, Self::Confocal | Self::Widefield | Self::TwoPhoton)
    }

    /// The words of the types that SimExm has, as messages list them.
    pub(crate) fn words_of_simexm() -> String {
        let types = Self::all().into_iter().filter(|t| t.is_simexm());
        let words: Vec<_> = types.map(Choice::as_str).collect();
        alternatives(&words)
    }

    /// Returns true where planes give light however far they are from the focus: no reach along z
    /// holds most of it, and beyond the loaded box the sample is dark. In the model `physical`.
    pub fn never_fades(self) -> bool {
        matches!(self, Self::Widefield | Self::SpinningDisk)
    }

    /// Returns true where a laser's focus is scanned, pixel after pixel.
    pub fn scans_a_focus(self) -> bool {
        matches!(self, Self::Confocal | Self::TwoPhoton)
    }
}
