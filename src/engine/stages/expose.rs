//! Expected electrons to grey values: one draw for each pixel, then the detector (docs/physical.md
//! section 6). The arithmetic is that of [`detector`](crate::engine::detector).

use crate::engine::compute::{
    Access, Agreement, CpuCall, Extent, Grid, Kernel, KernelParams, Stage, Traffic, constants,
    kernel_params,
};
use crate::engine::detector::{
    CELLS, Detection, MEAN_BITS, MOST_ELECTRONS, MOST_MEAN, NODES, PixelResponse, REGISTER_AT,
    REST_BITS, SHAPED, STARTS_AT, STEPS, TABULATED,
};
use crate::engine::rng::{RowDraws, StreamKey};
use rayon::prelude::*;

/// Words that a thread fills at a time.
const WORDS: usize = 1 << 9;

/// Flag: gain, noise and offset are those of the maps.
pub const OF_MAPS: u32 = 1;

/// Flag: each image has a constant of its own.
pub const OF_IMAGES: u32 = 2;

kernel_params! {
    /// Images of one channel, packed into words as those of `normalise` (little-endian).
    ExposeParams {
        /// Number of images.
        slices: u32,
        /// Rows of an image.
        image_x: u32,
        /// Columns of an image.
        image_y: u32,
        /// Number of the first image, for the draws.
        first_slice: u32,
        /// Row of the whole image where these start, for the draws.
        first_x: u32,
        /// As `first_x`, column.
        first_y: u32,
        /// Grey values in a word: 4 of 8 bits or 2 of 16.
        per_word: u32,
        /// [`OF_MAPS`], [`OF_IMAGES`] or both, or 0.
        flags: u32,
        /// See [`Detection::constant`]; with [`OF_IMAGES`] the place in the tables of that of image
        /// 0, which those of the others follow.
        constant: u32,
        /// See [`Detection::most`].
        most: u32,
        /// See [`Detection::shape`].
        shape: u32,
        /// See [`Detection::register_most`].
        register_most: u32,
        /// See [`PixelResponse::gain`].
        gain: u32,
        /// See [`PixelResponse::noise`].
        noise: u32,
        /// See [`PixelResponse::offset`]; in the bits of an `i32`.
        offset: u32,
        /// The largest grey value.
        largest: u32,
        /// Stream of the channel's exposures.
        key: StreamKey,
    }
}

/// The images of a dispatch: a part of the whole ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExposedPart {
    /// Number of the first image.
    pub first_slice: u32,
    /// Row and column of the whole image where the part starts.
    pub first: [u32; 2],
    /// Number of images.
    pub slices: u32,
    /// Rows and columns of the part.
    pub size: [u32; 2],
}

impl ExposeParams {
    /// Of a part of the images of a channel, whose draws are those of `key`
    /// ([`Exposure`](crate::engine::rng::Purpose::Exposure), and the channel's name).
    pub fn new(detection: &Detection, part: ExposedPart, maps: bool, key: StreamKey) -> Self {
        Self {
            slices: part.slices,
            image_x: part.size[0],
            image_y: part.size[1],
            first_slice: part.first_slice,
            first_x: part.first[0],
            first_y: part.first[1],
            per_word: if detection.largest > 255 { 2 } else { 4 },
            flags: if maps { OF_MAPS } else { 0 },
            constant: detection.constant,
            most: detection.most,
            shape: detection.shape,
            register_most: detection.register_most,
            gain: detection.pixel.gain,
            noise: detection.pixel.noise,
            offset: detection.pixel.offset as u32,
            largest: detection.largest,
            key,
        }
    }

    /// The same, with the constants of images in the tables from this place on.
    pub fn with_constants_at(mut self, at: u32) -> Self {
        self.flags |= OF_IMAGES;
        self.constant = at;
        self
    }

    /// The words that the grey values fill, each the work of a thread.
    pub fn words(&self) -> usize {
        self.pixels().div_ceil(self.per_word as usize)
    }

    fn plane(&self) -> usize {
        self.image_x as usize * self.image_y as usize
    }

    /// The pixels of all images.
    pub fn pixels(&self) -> usize {
        self.slices as usize * self.plane()
    }

    fn detection(&self) -> Detection {
        Detection {
            constant: self.constant,
            most: self.most,
            shape: self.shape,
            register_most: self.register_most,
            pixel: PixelResponse {
                gain: self.gain,
                noise: self.noise,
                offset: self.offset as i32,
            },
            largest: self.largest,
        }
    }
}

/// Expected electrons (images, f32), the detector's tables and, if there are any, the maps of its
/// pixels to grey values. Maps hold the gains of an image's pixels, then their noises, then their
/// offsets.
pub static EXPOSE: Kernel = Kernel {
    name: "expose",
    stage: Stage::Camera,
    grid: Grid::Linear,
    source: include_str!("../../../shaders/expose.wgsl"),
    params: ExposeParams::LAYOUT,
    constants: constants![
        CELLS: u32,
        MEAN_BITS: u32,
        MOST_ELECTRONS: u32,
        MOST_MEAN: u32,
        NODES: u32,
        OF_IMAGES: u32,
        OF_MAPS: u32,
        REGISTER_AT: u32,
        REST_BITS: u32,
        SHAPED: u32,
        STARTS_AT: u32,
        STEPS: u32,
        TABULATED: u32,
    ],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Exact,
    fills: true,
    cpu: expose_cpu,
    traffic: expose_traffic,
};

fn expose_traffic(extent: Extent<'_>) -> Traffic {
    let p: ExposeParams = extent.params();
    let maps = u64::from(p.flags & OF_MAPS) * 3 * p.plane() as u64;
    Traffic::words(p.pixels() as u64 + maps, p.words() as u64)
}

fn expose_cpu(call: &mut CpuCall<'_>) {
    let p: ExposeParams = call.params();
    let [means, tables, maps, mut grey] = call.buffers();
    let (plane, size_y) = (p.plane(), p.image_y as usize);
    let means = &means.read::<f32>()[..p.pixels()];
    let (tables, maps) = (tables.read::<u32>(), maps.read::<u32>());
    let detection = p.detection();
    let (per_word, bits) = (p.per_word as usize, 32 / p.per_word);
    let pixel = |within: usize| match p.flags & OF_MAPS {
        0 => detection.pixel,
        _ => PixelResponse {
            gain: maps[within],
            noise: maps[plane + within],
            offset: maps[2 * plane + within] as i32,
        },
    };
    // Words begin and end anywhere in a row.
    let part = WORDS * per_word;
    grey.write::<u32>()[..p.words()]
        .par_chunks_mut(WORDS)
        .enumerate()
        .for_each_init(RowDraws::default, |draws, (number, words)| {
            words.fill(0);
            let from = number * part;
            let end = (from + part).min(means.len());
            let mut at = from;
            while at < end {
                let (slice, within) = (at / plane, at % plane);
                let (x, y) = (within / size_y, within % size_y);
                let count = (size_y - y).min(end - at);
                let [slice, x, y] = [slice, x, y].map(|at| at as u32);
                let place = [p.first_slice + slice, p.first_x + x, p.first_y + y];
                let detection = match p.flags & OF_IMAGES {
                    0 => detection,
                    _ => Detection {
                        constant: tables[(p.constant + place[0]) as usize],
                        ..detection
                    },
                };
                for (i, drawn) in draws.of_row(p.key, place, count).enumerate() {
                    let grey = detection.grey(tables, pixel(within + i), means[at + i], drawn);
                    let to = at + i - from;
                    words[to / per_word] |= grey << (bits as usize * (to % per_word));
                }
                at += count;
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compute::cpu::CpuBackend;
    use crate::engine::compute::{Backend, Buffer, BufferSpec, Recording};
    use crate::engine::detector::tables;
    use crate::engine::rng::Purpose;

    fn run(params: ExposeParams, means: &[f32]) -> Vec<u32> {
        let words = params.words();
        let mut backend = CpuBackend::new(64 << 20);
        let tables = tables(None);
        let sizes = [means.len(), tables.len(), 1, words];
        let specs = sizes.map(|words| BufferSpec {
            name: "test".into(),
            words,
        });
        backend.allocate(&specs, true).unwrap();
        let mut recording = Recording::default();
        let bits: &[u32] = bytemuck::cast_slice(means);
        recording.write(Buffer(0), 0, bits);
        recording.write(Buffer(1), 0, tables);
        recording.dispatch(&EXPOSE, params, &[0, 1, 2, 3].map(Buffer), words);
        recording.read(Buffer(3), 0..words);
        let ticket = backend.submit(recording).unwrap();
        let words = backend.wait(ticket).unwrap().remove(0);
        let bits = 32 / params.per_word;
        let greys = words.into_iter().flat_map(|word| {
            (0..params.per_word).map(move |i| (word >> (bits * i)) & (u32::MAX >> (32 - bits)))
        });
        greys.take(params.pixels()).collect()
    }

    /// Grey values are electrons.
    fn counting(largest: u32) -> Detection {
        Detection {
            most: 240_000,
            pixel: PixelResponse {
                gain: 1 << 16,
                ..PixelResponse::default()
            },
            largest,
            ..Detection::default()
        }
    }

    #[test]
    fn a_part_draws_what_the_whole_draws_there() {
        let key = StreamKey::new(3, Purpose::Exposure, &["c1"]);
        let whole = ExposedPart {
            slices: 3,
            size: [9, 11],
            ..ExposedPart::default()
        };
        let mean = |slice: u32, x: u32, y: u32| (slice * 40 + x * y) as f32;
        let means = |part: ExposedPart| -> Vec<f32> {
            let places = (0..part.slices * part.size[0] * part.size[1]).map(|at| {
                let (row, y) = (at / part.size[1], at % part.size[1]);
                let (slice, x) = (row / part.size[0], row % part.size[0]);
                mean(
                    part.first_slice + slice,
                    part.first[0] + x,
                    part.first[1] + y,
                )
            });
            places.collect()
        };
        let part = ExposedPart {
            first_slice: 1,
            first: [2, 5],
            slices: 2,
            size: [7, 3],
        };
        for largest in [255, 65_535] {
            let grey = |part| {
                let params = ExposeParams::new(&counting(largest), part, false, key);
                run(params, &means(part))
            };
            let (all, few) = (grey(whole), grey(part));
            for (at, &found) in few.iter().enumerate() {
                let (row, y) = (at / 3, at % 3);
                let (slice, x) = (row / 7, row % 7);
                assert_eq!(found, all[((1 + slice) * 9 + 2 + x) * 11 + 5 + y]);
            }
            assert!(all[..11].contains(&0) && few.iter().any(|&grey| grey > 40));
        }
    }

    /// Pearson's chi-square against Poisson's law, of the draws of a million pixels, by tables and
    /// by the expansion.
    #[test]
    fn exposures_are_poisson_numbers() {
        let part = ExposedPart {
            slices: 1,
            size: [1000; 2],
            ..ExposedPart::default()
        };
        for mean in [0.05, 3.0, 31.9, 32.1, 500.0] {
            let key = StreamKey::new(11, Purpose::Exposure, &["chi-square"]);
            let params = ExposeParams::new(&counting(65_535), part, false, key);
            let mut counts = vec![0.0; 2000];
            for grey in run(params, &vec![mean; 1_000_000]) {
                counts[grey as usize] += 1.0;
            }
            // The law of the mean that the pixels had: f32, with 14 fractional bits.
            let mean = (f64::from(mean) * 16_384.0).round() / 16_384.0;
            let log_mean = libm::log(mean);
            let (mut chi_square, mut classes, mut rest) = (0.0, 0.0, [0.0; 2]);
            for (electrons, &found) in counts.iter().enumerate() {
                let k = electrons as f64;
                let probability = libm::exp(k * log_mean - mean - libm::lgamma(k + 1.0));
                rest = [rest[0] + found, rest[1] + 1e6 * probability];
                if rest[1] >= 10.0 {
                    chi_square += (rest[0] - rest[1]).powi(2) / rest[1];
                    classes += 1.0;
                    rest = [0.0; 2];
                }
            }
            let freedom = classes - 1.0;
            // Wilson and Hilferty 1931: near to normal; p > 1e-4 is below 3.72.
            let ninth = 2.0 / (9.0 * freedom);
            let deviate = ((chi_square / freedom).cbrt() - 1.0 + ninth) / ninth.sqrt();
            println!("{mean}: chi-square {chi_square:.1}, {freedom} degrees, deviate {deviate:.2}");
            assert!(deviate < 3.72, "{mean}: chi-square {chi_square}, {freedom}");
        }
    }
}
