//! What may be wrong with the quantities of the optics.

use thiserror::Error;

/// Error of quantities without a point spread function or without light.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OpticsError {
    /// A quantity is not a positive number.
    #[error("{quantity} is {value}; it should be a number above 0")]
    NotPositive {
        /// Name of the quantity, with its unit.
        quantity: &'static str,
        /// Value of the quantity.
        value: f64,
    },
    /// A quantity lies outside the numbers that make sense.
    #[error("{quantity} is {value}; it should lie between {low} and {high}")]
    OutOfRange {
        /// Name of the quantity, with its unit.
        quantity: &'static str,
        /// Value of the quantity.
        value: f64,
        /// Least value that makes sense.
        low: f64,
        /// Greatest value that makes sense.
        high: f64,
    },
    /// Light of the aperture's edge does not pass a medium.
    #[error(
        "{medium} is {index}, which light of numerical_aperture {aperture} does not pass; choose a \
         smaller aperture, or an index above it"
    )]
    ApertureTooWide {
        /// Name of the medium's index.
        medium: &'static str,
        /// Refractive index of the medium.
        index: f64,
        /// The aperture that is to pass: numerical aperture, or the sample's index where smaller.
        aperture: f64,
    },
    /// Point spread functions of so many depths that they fill a memory.
    #[error(
        "between {} and {} um of depth the point spread function changes so fast that {count} are needed, of {megabytes} MB \
         each: choose an objective whose immersion is nearer to the gel's index, or a greater depth_error, or a \
         smaller psf_reach",
        range_um[0], range_um[1]
    )]
    TooManyDepths {
        /// The depths of the first and of the last slice in um.
        range_um: [f64; 2],
        /// Functions that are needed.
        count: usize,
        /// Megabytes of the largest of them.
        megabytes: usize,
    },
    /// A filter band that no emission passes.
    #[error(
        "none of the emission passes the band from {low_nm} to {high_nm} nm to the detector; \
         choose a laser_filter where the dye emits"
    )]
    NoEmission {
        /// First wavelength of the band in nm.
        low_nm: f64,
        /// Last wavelength of the band in nm.
        high_nm: f64,
    },
    /// A measured point spread function without light.
    #[error("no value of psf_file is above psf_background ({background}): there is no light in it")]
    NoMeasuredLight {
        /// The background.
        background: f64,
    },
    /// The light oscillates too often over the pupil.
    #[error(
        "light of {wavelength_um} um, {distance_um} um out of focus or off the axis, is out of \
         reach of the diffraction integral; choose smaller voxels or a smaller psf_reach"
    )]
    TooFar {
        /// Wavelength in um.
        wavelength_um: f64,
        /// Largest distance from the focus in um.
        distance_um: f64,
    },
    /// The light falls off too slowly for the voxels.
    #[error(
        "more than {planes} planes of {voxel_um} um hold the light demanded; choose a larger \
         psf_depth_truncation than {truncation}"
    )]
    TooDeep {
        /// Planes on one side of the focus.
        planes: usize,
        /// Distance between planes in um.
        voxel_um: f64,
        /// Share of the light that may be left out.
        truncation: f64,
    },
    /// A light sheet without light.
    #[error("sheet_lobes is empty or nowhere above 0; it needs a lobe with a weight above 0")]
    NoSheet,
}

/// Demands a positive number.
pub(super) fn positive(quantity: &'static str, value: f64) -> Result<(), OpticsError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(OpticsError::NotPositive { quantity, value })
    }
}

/// Demands a number from `low` to `high`.
pub(super) fn within(
    quantity: &'static str,
    value: f64,
    [low, high]: [f64; 2],
) -> Result<(), OpticsError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(OpticsError::OutOfRange {
            quantity,
            value,
            low,
            high,
        })
    }
}
