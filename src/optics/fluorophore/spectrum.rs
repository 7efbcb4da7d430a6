//! Measured spectra: samples over wavelength, linear in between, zero outside.

use thiserror::Error;

/// Error of samples that make no [`Spectrum`].
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SpectrumError {
    /// The two columns differ in length.
    #[error(
        "{wavelengths} wavelengths but {values} values; there should be one value per wavelength"
    )]
    LengthMismatch {
        /// Number of wavelengths.
        wavelengths: usize,
        /// Number of values.
        values: usize,
    },
    /// Too few samples to integrate over.
    #[error("a spectrum of {0} sample(s); at least 2 are needed")]
    TooShort(usize),
    /// A wavelength that is not a positive number.
    #[error("sample {index}: wavelength {wavelength_nm} nm is not a positive number")]
    BadWavelength {
        /// Position of the sample, from 0.
        index: usize,
        /// The wavelength in nm.
        wavelength_nm: f64,
    },
    /// A wavelength that does not exceed the one before it.
    #[error(
        "sample {index}: wavelength {wavelength_nm} nm follows {previous_nm} nm; wavelengths should ascend"
    )]
    NotAscending {
        /// Position of the sample, from 0.
        index: usize,
        /// The wavelength in nm.
        wavelength_nm: f64,
        /// The wavelength before it in nm.
        previous_nm: f64,
    },
    /// A value that is negative or not finite.
    #[error("value {value} at {wavelength_nm} nm; it should be 0 or more")]
    BadValue {
        /// Wavelength of the sample in nm.
        wavelength_nm: f64,
        /// The value.
        value: f64,
    },
    /// Every value is 0.
    #[error("every value is 0; at least one should be larger")]
    AllZero,
}

/// A spectrum: values at ascending wavelengths, joined by straight lines, and 0 outside.
///
/// There are at least two samples, no negative value, and at least one positive value.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    wavelengths_nm: Vec<f64>,
    values: Vec<f64>,
}

impl Spectrum {
    /// Makes a spectrum of `values` at `wavelengths_nm`, whose steps need not be equal.
    ///
    /// # Errors
    /// The lengths differ, there are fewer than two samples, the wavelengths are not positive and
    /// strictly ascending, a value is negative or not finite, or all are 0.
    pub fn new(wavelengths_nm: Vec<f64>, values: Vec<f64>) -> Result<Self, SpectrumError> {
        if wavelengths_nm.len() != values.len() {
            return Err(SpectrumError::LengthMismatch {
                wavelengths: wavelengths_nm.len(),
                values: values.len(),
            });
        }
        if values.len() < 2 {
            return Err(SpectrumError::TooShort(values.len()));
        }
        for (index, (&wavelength_nm, &value)) in wavelengths_nm.iter().zip(&values).enumerate() {
            if !(wavelength_nm.is_finite() && wavelength_nm > 0.0) {
                return Err(SpectrumError::BadWavelength {
                    index,
                    wavelength_nm,
                });
            }
            if index > 0 && wavelength_nm <= wavelengths_nm[index - 1] {
                let previous_nm = wavelengths_nm[index - 1];
                return Err(SpectrumError::NotAscending {
                    index,
                    wavelength_nm,
                    previous_nm,
                });
            }
            if !(value.is_finite() && value >= 0.0) {
                return Err(SpectrumError::BadValue {
                    wavelength_nm,
                    value,
                });
            }
        }
        if values.iter().all(|&value| value == 0.0) {
            return Err(SpectrumError::AllZero);
        }
        Ok(Self {
            wavelengths_nm,
            values,
        })
    }

    /// Returns the wavelengths of the samples in nm, strictly ascending.
    pub fn wavelengths_nm(&self) -> &[f64] {
        &self.wavelengths_nm
    }

    /// Returns the values of the samples, one per wavelength.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Returns the first and last wavelength of the samples, in nm.
    pub fn range_nm(&self) -> [f64; 2] {
        [
            self.wavelengths_nm[0],
            self.wavelengths_nm[self.wavelengths_nm.len() - 1],
        ]
    }

    /// Interpolates the value at a wavelength: linear between samples, 0 outside them.
    pub fn at(&self, wavelength_nm: f64) -> f64 {
        let [first, last] = self.range_nm();
        if !(first..=last).contains(&wavelength_nm) {
            return 0.0;
        }
        let right = self.wavelengths_nm.partition_point(|&w| w < wavelength_nm);
        if self.wavelengths_nm[right] == wavelength_nm {
            return self.values[right];
        }
        let (w0, w1) = (self.wavelengths_nm[right - 1], self.wavelengths_nm[right]);
        let (v0, v1) = (self.values[right - 1], self.values[right]);
        v0 + (v1 - v0) * (wavelength_nm - w0) / (w1 - w0)
    }

    /// Returns the part of the spectrum's area in the band from `low` to `high` nm, 0 to 1.
    ///
    /// The area follows the trapezoid rule, with interpolated values at the band's edges: the parts
    /// of bands that meet at their edges and cover the table add up to 1. A band without width has
    /// no part.
    pub fn fraction_within(&self, [low, high]: [f64; 2]) -> f64 {
        self.area(low, high) / self.area(f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Returns the wavelength of the largest value (the first of equals), in nm.
    pub fn peak_nm(&self) -> f64 {
        self.peak_above(0.0).0
    }

    /// Finds the largest value at or above a wavelength, or of all where every value there is 0;
    /// the first of equals. Returns its wavelength in nm and the value.
    pub(super) fn peak_above(&self, low_nm: f64) -> (f64, f64) {
        let mut peak = (0.0, 0.0);
        for (&wavelength_nm, &value) in self.wavelengths_nm.iter().zip(&self.values) {
            if wavelength_nm >= low_nm && value > peak.1 {
                peak = (wavelength_nm, value);
            }
        }
        if peak.1 > 0.0 {
            peak
        } else {
            self.peak_above(0.0)
        }
    }

    /// Scales the spectrum so that its largest value at or above a wavelength is 1.
    pub(super) fn normalised_above(mut self, low_nm: f64) -> Self {
        let (_, maximum) = self.peak_above(low_nm);
        self.values.iter_mut().for_each(|value| *value /= maximum);
        self
    }

    /// Integrates from `low` to `high` nm by the trapezoid rule.
    fn area(&self, low: f64, high: f64) -> f64 {
        let mut area = 0.0;
        for (w, v) in self.wavelengths_nm.windows(2).zip(self.values.windows(2)) {
            let (from, to) = (low.max(w[0]), high.min(w[1]));
            if from < to {
                let slope = (v[1] - v[0]) / (w[1] - w[0]);
                let value = |wavelength_nm: f64| v[0] + slope * (wavelength_nm - w[0]);
                area += 0.5 * (value(from) + value(to)) * (to - from);
            }
        }
        area
    }
}
