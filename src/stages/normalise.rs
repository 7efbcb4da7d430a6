//! Pixels as 8-bit grey values (docs/model.md section 7).

use crate::compute::{Access, Agreement, CpuCall, Kernel, KernelParams, kernel_params};
use rayon::prelude::*;

kernel_params! {
    /// The first `pixels` pixels, four to a word of the result (little-endian).
    NormaliseParams {
        /// Number of pixels.
        pixels: u32,
        /// First of the channel's 255 thresholds.
        thresholds_at: u32,
    }
}

/// Images and thresholds to grey values.
pub static NORMALISE: Kernel = Kernel {
    name: "normalise",
    source: include_str!("../../shaders/normalise.wgsl"),
    params: NormaliseParams::LAYOUT,
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    cpu: normalise_cpu,
};

/// Number of thresholds of a channel.
pub const THRESHOLDS: usize = 255;

/// The smallest pixel value of each grey value from 1 to 255, so that a value v becomes
/// round(255 v / maximum), half to even, by comparisons alone. An empty channel stays 0.
pub fn thresholds(maximum: u32) -> Vec<u32> {
    if maximum == 0 {
        return vec![u32::MAX; THRESHOLDS];
    }
    // 255 v / maximum >= grey - 1/2, and on the tie the even grey value wins.
    let smallest = |grey: u64| {
        let bound = (2 * grey - 1) * u64::from(maximum);
        let tie_goes_down = grey % 2 == 1 && bound.is_multiple_of(510);
        bound.div_ceil(510) + u64::from(tie_goes_down)
    };
    (1..=THRESHOLDS as u64)
        .map(|grey| smallest(grey) as u32)
        .collect()
}

fn normalise_cpu(call: &mut CpuCall<'_>) {
    let p: NormaliseParams = call.params();
    let [image, thresholds, mut grey] = call.buffers();
    let image = &image.read::<u32>()[..p.pixels as usize];
    let thresholds = &thresholds.read::<u32>()[p.thresholds_at as usize..][..THRESHOLDS];
    let brightest = thresholds[THRESHOLDS - 1];
    let grey_of = |value: u32| {
        // Most pixels of most images are dark.
        if value < thresholds[0] {
            0
        } else if value >= brightest {
            THRESHOLDS as u32
        } else {
            thresholds.partition_point(|&threshold| threshold <= value) as u32
        }
    };
    grey.write::<u32>()
        .par_chunks_mut(1 << 12)
        .zip(image.par_chunks(1 << 14))
        .for_each(|(words, pixels)| {
            for (word, pixels) in words.iter_mut().zip(pixels.chunks(4)) {
                let bytes = pixels.iter().enumerate();
                *word = bytes.fold(0, |word, (i, &value)| word | grey_of(value) << (8 * i));
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy's round(v * 255 / max): both in f64, half to even.
    #[test]
    fn thresholds_are_rounding_in_f64() {
        for maximum in [
            1,
            2,
            3,
            100,
            254,
            255,
            256,
            510,
            511,
            65_535,
            1_000_003,
            u32::MAX,
        ] {
            let thresholds = thresholds(maximum);
            let near = thresholds
                .iter()
                .flat_map(|&t| t.saturating_sub(2)..=t.saturating_add(2));
            for value in near
                .chain([0, 1, maximum / 2, maximum])
                .filter(|v| *v <= maximum)
            {
                let expected = (f64::from(value) * 255.0 / f64::from(maximum)).round_ties_even();
                let grey = thresholds.partition_point(|&t| t <= value);
                assert_eq!(grey as f64, expected, "{value} of {maximum}");
            }
        }
    }
}
