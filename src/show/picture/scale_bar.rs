//! Scale bars of a round length.

/// Size of pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelSize {
    /// Size in the expanded gel, (z, x, y), in nm.
    pub gel_nm: [f64; 3],
    /// Linear expansion of the gel along (z, x, y), where it is known.
    pub expansion: Option<[f64; 3]>,
}

impl PixelSize {
    /// Returns the size in tissue, (z, x, y), in nm; in the gel where the expansion is not known.
    #[must_use]
    pub fn tissue_nm(&self) -> [f64; 3] {
        let factors = self.expansion.unwrap_or([1.0; 3]);
        std::array::from_fn(|axis| self.gel_nm[axis] / factors[axis])
    }
}

/// Bar of a known length.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleBar {
    /// Length on the picture, in pixels.
    pub pixels: f64,
    /// Length that it stands for, in words: before expansion and, in brackets, in the gel.
    pub label: String,
}

impl ScaleBar {
    /// Chooses a bar of at most `longest` pixels for a picture whose pixels are `size` wide along
    /// y; `None` where there is no such bar.
    #[must_use]
    pub fn new(size: &PixelSize, pixels_per_voxel: f64, longest: f64) -> Option<Self> {
        let nm_per_pixel = size.tissue_nm()[2] / pixels_per_voxel;
        let most = nm_per_pixel * longest;
        if !(most.is_finite() && most > 0.0 && nm_per_pixel > 0.0) {
            return None;
        }
        let power = 10f64.powf(most.log10().floor());
        let nm = [5.0, 2.0, 1.0]
            .map(|step| step * power)
            .into_iter()
            .find(|nm| *nm <= most * (1.0 + 1e-9))?;
        let label = match size.expansion {
            Some([.., y]) => format!("{} ({} in gel)", length(nm), length(nm * y)),
            None => length(nm),
        };
        Some(Self {
            pixels: nm / nm_per_pixel,
            label,
        })
    }
}

/// Writes a length in nm, µm or mm.
#[must_use]
pub fn length(nm: f64) -> String {
    let (number, unit) = match nm {
        nm if nm < 999.5 => (nm, "nm"),
        nm if nm < 999_500.0 => (nm / 1e3, "µm"),
        nm => (nm / 1e6, "mm"),
    };
    // Three digits, without zeros at the end.
    let digits = (2 - number.abs().max(1e-9).log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{number:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text} {unit}")
}
