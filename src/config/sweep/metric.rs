//! What is measured of a run, by name (docs/metrics.md).

use crate::base::choice::choice;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

choice! {
    /// A metric.
    #[derive(PartialOrd, Ord)]
    pub enum Metric {
        /// Signal to noise of the labelled structure.
        Snr = "snr",
        /// Signal to background of the labelled structure.
        Sbr = "sbr",
        /// Resolution by Fourier ring correlation, in nm of tissue.
        Frc = "frc_nm",
        /// Width of an isolated membrane, in nm of tissue.
        Width = "width_nm",
        /// Width of an isolated point of dye, in nm of tissue.
        Point = "point_nm",
        /// Share of the common boundaries of touching cells at which they are told apart.
        Separability = "separability",
        /// Adapted Rand error of a simple segmentation.
        RandError = "rand_error",
        /// Variation of information of it that is due to splits, in bits.
        VoiSplit = "voi_split",
        /// Variation of information of it that is due to merges, in bits.
        VoiMerge = "voi_merge",
        /// Share of the structure that is seen to carry dye.
        Coverage = "coverage",
        /// Light of other dyes' structures in a channel over that of its own.
        Crosstalk = "crosstalk",
        /// Photons that a fluorophore in focus absorbs for an image.
        Dose = "dose",
    }
}

impl Metric {
    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        matches!(
            self,
            Self::Snr | Self::Sbr | Self::Separability | Self::Coverage
        )
    }

    /// What it is, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Snr => "signal to noise",
            Self::Sbr => "signal to background",
            Self::Frc => "resolution (Fourier ring correlation), nm of tissue",
            Self::Width => "width of an isolated membrane, nm of tissue",
            Self::Point => "width of an isolated point of dye, nm of tissue",
            Self::Separability => "separability: share of common boundaries that dip",
            Self::RandError => "adapted Rand error of the watershed",
            Self::VoiSplit => "variation of information by splits, bits",
            Self::VoiMerge => "variation of information by merges, bits",
            Self::Coverage => "coverage: share of the structure that is seen",
            Self::Crosstalk => "crosstalk: light of other dyes over the own",
            Self::Dose => "dose: photons absorbed by a fluorophore for an image",
        }
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(D::Error::custom)
    }
}
