//! Cases of the kernels of the model `physical`.

use super::cases::Contents::{self, Poison, Words};
use super::cases::{Case, case, one_per_thread};
use super::dice::Dice;
use simexm_gpu::internals::engine::compute::Kernel;
use simexm_gpu::internals::engine::rng::StreamKey;
use simexm_gpu::internals::engine::stages::area::{AreaAxis, AreaParams};
use simexm_gpu::internals::engine::stages::expose::{ExposeParams, ExposedPart};
use simexm_gpu::internals::optics::detector::{Detector, DetectorKeys, DetectorKind, PixelMaps};
use std::sync::LazyLock;

/// Pixels smaller and larger than voxels and than the volume, whole and not.
pub fn area(kernel: &Kernel, [slices, x, y]: [usize; 3], dice: &mut Dice) -> Vec<Case> {
    [(1.0, 1.0), (3.0093, 0.4), (1.7, 2.0), (0.31, 1000.5)]
        .into_iter()
        .map(|(step_x, step_y)| {
            let axes = [AreaAxis::new(step_x, x), AreaAxis::new(step_y, y)];
            let mut pixels = axes.map(|axis| 0..axis.pixels());
            // Where there is room, a part that starts at a later pixel.
            if pixels[0].len() > 4 {
                pixels[0].start = 2;
            }
            let voxels = [0, 1].map(|axis| axes[axis].voxels(pixels[axis].clone()));
            let tables =
                [0, 1].map(|axis| axes[axis].table(pixels[axis].clone(), voxels[axis].start));
            let size = voxels.map(|voxels| voxels.len());
            let image = pixels.map(|pixels| pixels.len());
            let params = AreaParams {
                size_x: size[0] as u32,
                size_y: size[1] as u32,
                image_x: image[0] as u32,
                image_y: image[1] as u32,
                stride_x: axes[0].stride() as u32,
                stride_y: axes[1].stride() as u32,
                columns_at: tables[0].len() as u32,
                slices: slices as u32,
            };
            let bindings = vec![
                Words(dice.floats(slices * size[0] * size[1], 1e3)),
                Words(tables.concat()),
                Poison(slices * image[0] * image[1] + 2),
            ];
            let shape = [slices, image[0], image[1]];
            case(params, bindings, kernel.grid.voxels(shape))
        })
        .collect()
}

/// A detector, its tables, and whether its pixels differ.
type Exposed = (Detector, Vec<u32>, bool);

/// One of every kind, with 8 bits and 16; cameras with maps and without.
static DETECTORS: LazyLock<Vec<Exposed>> = LazyLock::new(|| {
    let keys = |kind, bits| DetectorKeys {
        bits,
        background: 3.3,
        ..DetectorKeys::new(kind, 0.1)
    };
    let ccd = DetectorKeys {
        gain: Some(0.5),
        read_noise: Some(6.0),
        full_well: Some(18_000.0),
        ..keys(DetectorKind::Ccd, 14)
    };
    let emccd = DetectorKeys {
        gain: Some(0.1),
        register_full_well: Some(400_000.0),
        ..keys(DetectorKind::Emccd, 16)
    };
    let pmt = |excess_noise, bits| DetectorKeys {
        gain: Some(2.0),
        read_noise: Some(0.3),
        excess_noise: Some(excess_noise),
        ..keys(DetectorKind::Pmt, bits)
    };
    let hybrid = DetectorKeys {
        dead_time: Some(1e-4),
        ..keys(DetectorKind::Hybrid, 8)
    };
    let all = [
        (keys(DetectorKind::Scmos, 16), false),
        (keys(DetectorKind::Scmos, 12), true),
        (ccd, true),
        (emccd, false),
        (pmt(1.2, 8), false),
        (pmt(1.05, 16), false),
        (hybrid, false),
        (keys(DetectorKind::Ideal, 16), false),
    ];
    let made = all.map(|(keys, maps)| {
        let detector = Detector::new(&keys).expect("a detector");
        let tables = detector.tables();
        (detector, tables, maps)
    });
    made.into()
});

/// Expected electrons from none to more than any detector takes, many of them around 32, where
/// draws change.
fn means(dice: &mut Dice, count: usize) -> Vec<u32> {
    let mean = |_| {
        let share = f64::from(dice.word()) / 2f64.powi(32);
        let mean = match dice.word() % 8 {
            0 => 0.0,
            1 => -share,
            2 => share,
            3 | 4 => 30.0 * share,
            5 => 31.5 + share,
            6 => 3e5 * share,
            _ => 3000.0 * share,
        };
        (mean as f32).to_bits()
    };
    (0..count).map(mean).collect()
}

pub fn expose([slices, x, y]: [usize; 3], dice: &mut Dice) -> Vec<Case> {
    let (plane, voxels) = (x * y, slices * x * y);
    let one = |(detector, tables, maps): &Exposed| {
        let at = dice.words(3, 1000);
        let part = ExposedPart {
            first_slice: at[0],
            first: [at[1], at[2]],
            slices: slices as u32,
            size: [x as u32, y as u32],
        };
        let key = StreamKey([dice.word(), dice.word()]);
        let mut params = ExposeParams::new(detector.detection(), part, *maps, key);
        let mut tables = tables.clone();
        if at[1].is_multiple_of(2) {
            // Each image has a constant of its own.
            params = params.with_constants_at(tables.len() as u32);
            tables.extend(dice.words(1000 + slices, 1 << 17));
        }
        let mut map = |low: f32, range: u32| -> Vec<f32> {
            let values = dice.words(plane, range);
            values
                .iter()
                .map(|&value| low + value as f32 / 64.0)
                .collect()
        };
        let (gain, read_noise, offset) = (map(0.1, 300), map(0.0, 500), map(-3.0, 9999));
        let of_pixels = PixelMaps {
            gain: Some(&gain),
            read_noise: Some(&read_noise),
            offset: Some(&offset),
        };
        let maps = match maps {
            true => detector.pixel_maps(plane, &of_pixels).expect("maps"),
            false => vec![0],
        };
        let bindings: Vec<Contents> = vec![
            Words(means(dice, voxels)),
            Words(tables),
            Words(maps),
            Poison(params.words() + 1),
        ];
        case(params, bindings, one_per_thread(params.words()))
    };
    DETECTORS.iter().map(one).collect()
}
