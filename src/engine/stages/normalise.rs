//! Pixels as grey values of 8 or 16 bits (docs/model.md section 7).

use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, kernel_params,
};
use rayon::prelude::*;

kernel_params! {
    /// The first `pixels` pixels, packed into words of the result (little-endian).
    NormaliseParams {
        /// Number of pixels.
        pixels: u32,
        /// First of the channel's thresholds.
        thresholds_at: u32,
        /// Number of the channel's thresholds: the largest grey value.
        largest: u32,
        /// Grey values in a word: 4 of 8 bits or 2 of 16.
        per_word: u32,
    }
}

/// Images and thresholds to grey values.
pub static NORMALISE: Kernel = Kernel {
    name: "normalise",
    stage: Stage::Camera,
    grid: Grid::Linear,
    source: include_str!("../../../shaders/normalise.wgsl"),
    params: NormaliseParams::LAYOUT,
    constants: &[],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: normalise_cpu,
    traffic: normalise_traffic,
};

fn normalise_traffic(extent: Extent<'_>) -> Traffic {
    let p: NormaliseParams = extent.params();
    Traffic::words(p.pixels.into(), p.pixels.div_ceil(p.per_word).into())
}

/// The smallest pixel value of each grey value from 1 to `largest`, so that a value v becomes
/// round(largest v / maximum), half to even, by comparisons alone. An empty channel stays 0.
pub fn thresholds(maximum: u32, largest: u32) -> Vec<u32> {
    if maximum == 0 {
        return vec![u32::MAX; largest as usize];
    }
    let twice = 2 * u64::from(largest);
    // largest v / maximum >= grey - 1/2, and on the tie the even grey value wins.
    let smallest = |grey: u64| {
        let bound = (2 * grey - 1) * u64::from(maximum);
        let tie_goes_down = grey % 2 == 1 && bound.is_multiple_of(twice);
        bound.div_ceil(twice) + u64::from(tie_goes_down)
    };
    (1..=u64::from(largest))
        .map(|grey| smallest(grey) as u32)
        .collect()
}

/// The thresholds by which grey values are photons, cut at `largest`, where each counts so many in
/// a pixel; parts of photons are rounded, a half up. Counts end below `u32::MAX`, which stands for
/// what none reaches.
pub fn photon_thresholds(largest: u32, counts_per_photon: u32) -> Vec<u32> {
    let smallest = |grey: u64| ((2 * grey - 1) * u64::from(counts_per_photon)).div_ceil(2);
    (1..=u64::from(largest))
        .map(|grey| u32::try_from(smallest(grey)).unwrap_or(u32::MAX))
        .collect()
}

/// The photons of a pixel, of which each counts so many: parts are rounded as grey values are.
pub fn whole_photons(counts: u32, counts_per_photon: u32) -> u32 {
    let part = counts % counts_per_photon;
    counts / counts_per_photon + u32::from(part >= counts_per_photon.div_ceil(2))
}

/// Words that are 0 together where their pixels are dark.
const BLOCK: usize = 16;

/// The grey values of a channel's pixels.
struct Scale<'a> {
    thresholds: &'a [u32],
    darkest: u32,
    brightest: u32,
}

impl<'a> Scale<'a> {
    fn new(thresholds: &'a [u32]) -> Self {
        Self {
            thresholds,
            darkest: thresholds.first().copied().unwrap_or(u32::MAX),
            brightest: thresholds.last().copied().unwrap_or(u32::MAX),
        }
    }

    /// True where all pixels become 0, as most of most images do.
    fn all_dark(&self, pixels: &[u32]) -> bool {
        pixels.iter().copied().fold(0, u32::max) < self.darkest
    }

    fn grey(&self, value: u32) -> u32 {
        if value < self.darkest {
            0
        } else if value >= self.brightest {
            self.thresholds.len() as u32
        } else {
            let below = |&threshold: &u32| threshold <= value;
            self.thresholds.partition_point(below) as u32
        }
    }
}

/// Pixels of an image as grey values by a channel's thresholds, on the host: bytes in the machine's
/// order, one for each pixel, or two where there are more than 255 thresholds.
pub fn grey_values(pixels: &[u32], thresholds: &[u32], grey: &mut [u8]) {
    /// Pixels that are dark together.
    const TOGETHER: usize = 64;
    let scale = Scale::new(thresholds);
    let bytes = if thresholds.len() > 255 { 2 } else { 1 };
    let blocks = grey.chunks_mut(TOGETHER * bytes);
    for (grey, pixels) in blocks.zip(pixels.chunks(TOGETHER)) {
        if scale.all_dark(pixels) {
            grey.fill(0);
        } else if bytes == 1 {
            for (grey, &value) in grey.iter_mut().zip(pixels) {
                *grey = scale.grey(value) as u8;
            }
        } else {
            for (grey, &value) in grey.chunks_exact_mut(2).zip(pixels) {
                grey.copy_from_slice(&(scale.grey(value) as u16).to_ne_bytes());
            }
        }
    }
}

fn normalise_cpu(call: &mut CpuCall<'_>) {
    let p: NormaliseParams = call.params();
    let [image, thresholds, mut grey] = call.buffers();
    let image = &image.read::<u32>()[..p.pixels as usize];
    let largest = p.largest as usize;
    let thresholds = &thresholds.read::<u32>()[p.thresholds_at as usize..][..largest];
    let scale = Scale::new(thresholds);
    let (per_word, bits) = (p.per_word as usize, 32 / p.per_word);
    grey.write::<u32>()
        .par_chunks_mut(1 << 12)
        .zip(image.par_chunks(per_word << 12))
        .for_each(|(words, pixels)| {
            let blocks = words.chunks_mut(BLOCK).zip(pixels.chunks(per_word * BLOCK));
            for (words, pixels) in blocks {
                if scale.all_dark(pixels) {
                    words.fill(0);
                    continue;
                }
                for (word, pixels) in words.iter_mut().zip(pixels.chunks(per_word)) {
                    let greys = (0..).zip(pixels);
                    *word = greys.fold(0, |word, (i, &value)| {
                        word | scale.grey(value) << (bits * i)
                    });
                }
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy's round(v * 255 / max): both in f64, half to even.
    #[test]
    fn thresholds_are_rounding_in_f64() {
        let maxima = [
            1,
            2,
            3,
            100,
            254,
            255,
            256,
            510,
            511,
            65_534,
            65_535,
            65_536,
            131_070,
            1_000_003,
            u32::MAX,
        ];
        for (maximum, largest) in maxima.into_iter().flat_map(|m| [(m, 255), (m, 65_535)]) {
            let thresholds = thresholds(maximum, largest);
            let near = thresholds
                .iter()
                .flat_map(|&t| t.saturating_sub(2)..=t.saturating_add(2));
            for value in near
                .chain([0, 1, maximum / 2, maximum])
                .filter(|v| *v <= maximum)
            {
                let scaled = f64::from(value) * f64::from(largest) / f64::from(maximum);
                let grey = thresholds.partition_point(|&t| t <= value);
                assert_eq!(
                    grey as f64,
                    scaled.round_ties_even(),
                    "{value} of {maximum}"
                );
            }
        }
    }

    #[test]
    fn photons_are_cut_at_the_largest_grey_value() {
        let thresholds = photon_thresholds(255, 1);
        for (photons, grey) in [
            (0, 0),
            (1, 1),
            (254, 254),
            (255, 255),
            (256, 255),
            (u32::MAX, 255),
        ] {
            assert_eq!(thresholds.partition_point(|&t| t <= photons), grey);
        }
        for per in [1, 2, 3, 6, 9, 1 << 20, u32::MAX] {
            let thresholds = photon_thresholds(255, per);
            for counts in [
                0,
                1,
                per / 2,
                per / 2 + 1,
                per.min(u32::MAX - 1),
                per.saturating_mul(7) / 2,
                u32::MAX - 1,
            ] {
                let grey = thresholds.partition_point(|&t| t <= counts) as u32;
                let photons = (2 * u64::from(counts) + u64::from(per)) / (2 * u64::from(per));
                assert_eq!(u64::from(grey), photons.min(255), "{counts} of {per}");
            }
        }
    }

    #[test]
    fn whole_photons_are_the_grey_values_of_photons() {
        for per_photon in [1, 2, 3, 4, 9, 400] {
            let thresholds = photon_thresholds(255, per_photon);
            for counts in (0..250 * per_photon).step_by(per_photon.div_ceil(7) as usize) {
                let grey = thresholds.partition_point(|&smallest| smallest <= counts);
                let photons = whole_photons(counts, per_photon);
                assert_eq!(photons as usize, grey, "{counts} of {per_photon}");
            }
        }
    }
}
