//! The profile of a light sheet along the axis (docs/physical.md section 3).

use super::error::{OpticsError, positive, within};

/// A Gaussian part of a light sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lobe {
    /// Place of its middle from the focal plane, in um.
    pub z_um: f64,
    /// Height relative to the other lobes.
    pub weight: f64,
    /// Full width at half its height, in um.
    pub fwhm_um: f64,
}

/// A light sheet: a sum of Gaussian lobes whose greatest value is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    lobes: Vec<Lobe>,
}

impl Sheet {
    /// A single Gaussian in the focal plane, of this full width at half its height in um.
    ///
    /// # Errors
    /// The width is not positive.
    pub fn gaussian(fwhm_um: f64) -> Result<Self, OpticsError> {
        Self::of_lobes(vec![Lobe {
            z_um: 0.0,
            weight: 1.0,
            fwhm_um,
        }])
    }

    /// A sum of lobes (a lattice's main and side lobes, say), scaled to a greatest value of 1.
    ///
    /// # Errors
    /// A width is not positive, a weight is negative, or there is no light.
    pub fn of_lobes(lobes: Vec<Lobe>) -> Result<Self, OpticsError> {
        for lobe in &lobes {
            positive("sheet_thickness or the width of a lobe (um)", lobe.fwhm_um)?;
            within("the weight of a lobe of the sheet", lobe.weight, [0.0, 1e6])?;
            within(
                "the place of a lobe of the sheet (um)",
                lobe.z_um,
                [-1e4, 1e4],
            )?;
        }
        let mut sheet = Self { lobes };
        let greatest = sheet.greatest();
        if greatest <= 0.0 {
            return Err(OpticsError::NoSheet);
        }
        for lobe in &mut sheet.lobes {
            lobe.weight /= greatest;
        }
        Ok(sheet)
    }

    /// The light at a distance from the focal plane, of 1 at most.
    pub fn at(&self, z_um: f64) -> f64 {
        let lobe = |lobe: &Lobe| {
            let widths = (z_um - lobe.z_um) / lobe.fwhm_um;
            lobe.weight * libm::exp(-4.0 * std::f64::consts::LN_2 * widths * widths)
        };
        self.lobes.iter().map(lobe).sum()
    }

    /// Returns true where the sheet is its mirror image.
    pub fn symmetric(&self) -> bool {
        self.lobes.iter().all(|lobe| {
            let mirrored = Lobe {
                z_um: -lobe.z_um,
                ..*lobe
            };
            let count = |wanted: &Lobe| self.lobes.iter().filter(|other| *other == wanted).count();
            count(lobe) == count(&mirrored)
        })
    }

    /// Distance from the focal plane beyond which the sheet is below 1e-12.
    pub(super) fn extent_um(&self) -> f64 {
        let extent = |lobe: &Lobe| lobe.z_um.abs() + 3.2 * lobe.fwhm_um;
        self.lobes.iter().map(extent).fold(0.0, f64::max)
    }

    /// Width of the thinnest lobe in um.
    pub(super) fn thinnest_um(&self) -> f64 {
        let widths = self.lobes.iter().map(|lobe| lobe.fwhm_um);
        widths.fold(f64::INFINITY, f64::min)
    }

    /// The greatest value: among neighbouring lobes it may lie between their middles.
    fn greatest(&self) -> f64 {
        let near = |lobe: &Lobe| {
            let (middle, width) = (lobe.z_um, lobe.fwhm_um);
            (-64..=64).map(move |step| middle + width * f64::from(step) / 64.0)
        };
        let places = self.lobes.iter().flat_map(near);
        places.map(|z_um| self.at(z_um)).fold(0.0, f64::max)
    }
}
