//! The blur against SimExm's and against a convolution written out in f64, and what the camera makes of it.

mod common;

use common::{allocate, backends, data, execute, read_counts, read_tiff};
use rayon::prelude::*;
use simexm_gpu::camera::Camera;
use simexm_gpu::compute::{Backend, Kernel, KernelParams, Recording};
use simexm_gpu::fft::{BLOCK, Layout, LineVariant, SliceTransform};
use simexm_gpu::psf::{Microscope, PointSpreadFunction, PsfParameters, RADIUS};
use simexm_gpu::rng::philox4x32_10;
use simexm_gpu::schedule::{Reach, Schedule, kept};
use simexm_gpu::stages::bin::{BIN, BinParams};
use simexm_gpu::stages::blur::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use simexm_gpu::stages::blur::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use simexm_gpu::stages::blur::filter::{FILTER, FilterParams};
use simexm_gpu::stages::blur::rows_forward::{ROWS_FORWARD, RowsForwardParams};
use simexm_gpu::stages::blur::rows_inverse::{ROWS_INVERSE, RowsInverseParams};
use simexm_gpu::stages::blur::{TAPS, kernel_spectra};
use simexm_gpu::stages::maximum::{MAXIMUM, MaximumParams};
use simexm_gpu::stages::normalise::{NORMALISE, NormaliseParams, thresholds};
use simexm_gpu::volume::fold;

/// Photons that leave the voxels of a fluorophore, (z, x, y), and its point spread function's octant.
struct Source {
    emission: Vec<f32>,
    octant: Vec<f64>,
}

fn dispatch_lines<P: KernelParams>(
    recording: &mut Recording,
    kernel: &'static Kernel,
    lines: &LineVariant,
    params: P,
    buffers: &[simexm_gpu::compute::Buffer],
    count: usize,
) {
    let variant = Some(lines.variant.clone());
    let workgroups = count.div_ceil(lines.lines);
    recording.dispatch_variant(kernel, variant, params, buffers, workgroups);
}

/// The sum of the blurred sources in slices 0, `step_z`, 2 `step_z`, ..., by the kernels of a run, in slabs of at most
/// `slab` slices with the spectra in a ring, as the schedule says.
fn blur(
    backend: &mut dyn Backend,
    sources: &[Source],
    shape: [usize; 3],
    slab: usize,
    step_z: usize,
) -> Vec<u32> {
    let [depth, size_x, size_y] = shape;
    let plane = size_x * size_y;
    let reach = Reach {
        membrane: 0,
        displacement: 0,
        blur: RADIUS,
    };
    let schedule = Schedule::new(depth, slab, reach);
    let ring = schedule.spectra_ring;
    let transform = SliceTransform::new(size_x, size_y, RADIUS);
    let (blocks, tables) = (transform.blocks(), transform.tables());
    let workgroup = backend.limits().workgroup_bytes;
    let twiddles = [tables.rows_twiddle_at, tables.columns_twiddle_at];
    let row_lines = LineVariant::new(&tables.rows, Layout::Rows, twiddles[0], workgroup);
    let column_lines = LineVariant::new(&tables.columns, Layout::Columns, twiddles[1], workgroup);

    let rows_words = 2 * slab.max(1) * size_x * (transform.frequencies() + BLOCK);
    let spectrum = 2 * transform.spectrum();
    let psf_words = blocks * (transform.length_x / 2 + 1) * TAPS * BLOCK;
    let ring_words = if sources.len() > 1 {
        ring * spectrum
    } else {
        1
    };
    let buffers = allocate(
        backend,
        [
            slab * plane,
            tables.words.len(),
            rows_words,
            ring * spectrum,
            psf_words,
            ring_words,
            psf_words,
            slab * spectrum,
            slab * plane,
            1,
            1,
            size_x + size_y,
        ],
    );
    let [
        emission,
        fourier,
        rows,
        ring_0,
        psf_0,
        ring_1,
        psf_1,
        filtered,
        blurred,
        status,
        photons,
        profile,
    ] = buffers;
    let per_source = [(ring_0, psf_0), (ring_1, psf_1)];

    let mut recording = Recording::default();
    recording.write(fourier, 0, tables.words.clone());
    recording.clear(status, 0..1);
    for (source, (_, psf)) in sources.iter().zip(per_source) {
        let spectra = kernel_spectra(&source.octant, &transform);
        recording.write(psf, 0, bytemuck::cast_vec(spectra));
    }
    let mut reads = 0;
    for step in &schedule.steps {
        for (source, (spectra, _)) in sources.iter().zip(per_source) {
            let slices = step.emission.clone();
            let words = slices.start * plane..slices.end * plane;
            let values = source.emission[words].to_vec();
            recording.write(emission, 0, bytemuck::cast_vec(values));
            let params = RowsForwardParams {
                size_y: size_y as u32,
                rows: (slices.len() * size_x) as u32,
                radius: RADIUS as u32,
                split_at: tables.split_at,
                order_at: tables.rows_order_at,
            };
            let bound = [emission, fourier, rows];
            let count = slices.len() * size_x;
            dispatch_lines(
                &mut recording,
                &ROWS_FORWARD,
                &row_lines,
                params,
                &bound,
                count,
            );
            let params = ColumnsForwardParams {
                size_x: size_x as u32,
                frequencies: transform.frequencies() as u32,
                blocks: blocks as u32,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                spectra_ring: ring as u32,
                radius: RADIUS as u32,
                order_at: tables.columns_order_at,
            };
            let bound = [rows, fourier, spectra];
            let count = slices.len() * blocks * BLOCK;
            dispatch_lines(
                &mut recording,
                &COLUMNS_FORWARD,
                &column_lines,
                params,
                &bound,
                count,
            );
        }
        let (first, count) = kept(&step.images, step_z);
        if count == 0 {
            continue;
        }
        for (number, (_, (spectra, psf))) in sources.iter().zip(per_source).enumerate() {
            let params = FilterParams {
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                depth: depth as u32,
                spectra_ring: ring as u32,
                first_z: first as u32,
                step_z: step_z as u32,
                slices: count as u32,
                accumulate: (number > 0).into(),
            };
            let threads = transform.spectrum();
            recording.dispatch(&FILTER, params, &[spectra, psf, filtered], threads);
        }
        let params = ColumnsInverseParams {
            size_x: size_x as u32,
            length_x: transform.length_x as u32,
            blocks: blocks as u32,
            slices: count as u32,
            order_at: tables.columns_order_at,
        };
        let bound = [filtered, fourier, rows];
        let columns = count * blocks * BLOCK;
        dispatch_lines(
            &mut recording,
            &COLUMNS_INVERSE,
            &column_lines,
            params,
            &bound,
            columns,
        );
        let params = RowsInverseParams {
            size_x: size_x as u32,
            size_y: size_y as u32,
            blocks: blocks as u32,
            slices: count as u32,
            split_at: tables.split_at,
            order_at: tables.rows_order_at,
            origin_z: 0,
            origin_x: 0,
            origin_y: 0,
            first_z: first as u32,
            step_z: step_z as u32,
            key_0: 0,
            key_1: 0,
            baseline: 0,
            baseline_at: 0,
            baseline_len: 0,
        };
        let bound = [rows, fourier, photons, profile, blurred, status];
        let count_rows = count * size_x;
        dispatch_lines(
            &mut recording,
            &ROWS_INVERSE,
            &row_lines,
            params,
            &bound,
            count_rows,
        );
        recording.read(blurred, 0..count * plane);
        reads += 1;
    }
    recording.read(status, 0..1);
    let mut found = execute(backend, recording);
    assert_eq!(found.len(), reads + 1);
    assert_eq!(found.pop().unwrap(), [0], "status");
    found.concat()
}

/// MODEL.md section 6 as it stands: pad by reflection, multiply, add, round.
fn convolve(sources: &[Source], shape: [usize; 3]) -> Vec<u32> {
    let [depth, size_x, size_y] = shape;
    let reach = RADIUS as i32;
    let padded_y = size_y + 2 * RADIUS;
    let mut sums = vec![0.0f64; depth * size_x * size_y];
    for source in sources {
        // Only along y is the padding worth its memory.
        let padded: Vec<f64> = source
            .emission
            .chunks_exact(size_y)
            .flat_map(|row| {
                (0..padded_y)
                    .map(|at| f64::from(row[fold(at as i32 - reach, size_y as u32) as usize]))
            })
            .collect();
        sums.par_chunks_exact_mut(size_y)
            .enumerate()
            .for_each(|(row, out)| {
                let (z, x) = ((row / size_x) as i32, (row % size_x) as i32);
                for dz in -reach..=reach {
                    let source_z = fold(z + dz, depth as u32) as usize;
                    for dx in -reach..=reach {
                        let source_x = fold(x + dx, size_x as u32) as usize;
                        let line = &padded[(source_z * size_x + source_x) * padded_y..][..padded_y];
                        let corner =
                            (dz.unsigned_abs() as usize * TAPS + dx.unsigned_abs() as usize) * TAPS;
                        for dy in -reach..=reach {
                            let weight = source.octant[corner + dy.unsigned_abs() as usize];
                            let start = (dy + reach) as usize;
                            let values = &line[start..start + size_y];
                            for (out, value) in out.iter_mut().zip(values) {
                                *out += weight * value;
                            }
                        }
                    }
                }
            });
    }
    let rounded = |sum: f64| sum.round_ties_even() as u32;
    sums.into_iter().map(rounded).collect()
}

/// The largest difference, which the bound of MODEL.md section 6 for f32 must hold; returned with the bound.
fn assert_close(found: &[u32], expected: &[u32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = f64::from(*expected.iter().max().unwrap());
    let bound = (5e-7 * largest).ceil().max(1.0) as u32;
    let difference = |(a, b): (&u32, &u32)| a.abs_diff(*b);
    let worst = std::iter::zip(found, expected).map(difference).max();
    let worst = worst.unwrap();
    let differ = std::iter::zip(found, expected)
        .filter(|(a, b)| a != b)
        .count();
    println!(
        "{what}: {differ} of {} differ, at most by {worst} (bound {bound}, maximum {largest})",
        found.len()
    );
    assert!(
        worst <= bound,
        "{what}: off by {worst}, more than {bound}, of {largest}"
    );
}

fn golden() -> ([usize; 3], Source, Vec<u32>) {
    let (shape, emission) = read_counts("convolve/emission.tif");
    let (octant_shape, octant) = read_tiff(&data("convolve/psf_octant.tif"));
    let (convolved_shape, convolved) = read_counts("convolve/convolved.tif");
    assert_eq!((octant_shape, convolved_shape), ([TAPS; 3], shape));
    let emission = emission.into_iter().map(|photons| photons as f32).collect();
    (shape, Source { emission, octant }, convolved)
}

#[test]
fn blur_is_that_of_simexm() {
    let (shape, source, convolved) = golden();
    let sources = [source];
    assert_eq!(convolve(&sources, shape), convolved, "the judge itself");
    for mut backend in backends() {
        let name = backend.name().to_owned();
        let whole = blur(backend.as_mut(), &sources, shape, shape[0], 1);
        assert_close(&whole, &convolved, &name);
        // A slice is computed alike however the volume is cut, and whichever slices are kept.
        for (slab, step_z) in [(5, 1), (1, 1), (shape[0], 3), (5, 3)] {
            let cut = blur(backend.as_mut(), &sources, shape, slab, step_z);
            let slices = whole.chunks_exact(shape[1] * shape[2]).step_by(step_z);
            let expected: Vec<u32> = slices.flatten().copied().collect();
            assert!(
                cut == expected,
                "slabs of {slab}, every {step_z}th slice, {name}"
            );
        }
    }
}

/// Sparse photons up to `most`, the same on every platform.
fn photons([depth, size_x, size_y]: [usize; 3], most: u32, salt: u32) -> Vec<f32> {
    (0..(depth * size_x * size_y) as u32)
        .map(|at| {
            let words = philox4x32_10([at, salt, 0, 0], [17, 4]);
            if words[0].is_multiple_of(4) {
                (words[1] % (most + 1)) as f32
            } else {
                0.0
            }
        })
        .collect()
}

/// Voxels that differ along all axes, so that swapped axes show.
fn uneven_octant() -> Vec<f64> {
    PointSpreadFunction::new(&PsfParameters {
        microscope: Microscope::Confocal,
        excitation_nm: 488.0,
        emission_nm: 520.0,
        numerical_aperture: 1.15,
        refractory_index: 1.33,
        pinhole_radius_um: 1.0,
        voxel_nm: [40.0, 20.0, 32.0],
        expansion_factor: 4.0,
    })
    .unwrap()
    .octant()
}

#[test]
fn odd_shapes_agree_with_a_convolution_in_f64() {
    let octants = [golden().1.octant, uneven_octant()];
    let differs = |(a, b): (&f64, &f64)| a != b;
    let swapped = |at: usize| {
        (at / TAPS / TAPS * TAPS + at % TAPS) * TAPS + at / TAPS % TAPS // (z, y, x)
    };
    assert!(
        (0..octants[1].len()).any(|at| differs((&octants[1][at], &octants[1][swapped(at)]))),
        "swapped axes would not show"
    );
    let shapes = [
        [1, 37, 23],
        [17, 1, 29],
        [9, 31, 1],
        [5, 11, 7],
        [3, 2, 301],
        [2, 259, 3],
        [7, 47, 53],
        [1, 1, 1],
        [2, 2, 2],
        [1, 1, 130],
    ];
    let cases: Vec<_> = shapes
        .into_iter()
        .zip([255, 3_000, 100_000].into_iter().cycle())
        .enumerate()
        .map(|(number, (shape, most))| {
            let source = |source: usize| Source {
                emission: photons(shape, most, (2 * number + source) as u32),
                octant: octants[(number + source) % 2].clone(),
            };
            // Every other case adds two fluorophores of one channel.
            let sources: Vec<Source> = (0..1 + number % 2).map(source).collect();
            let expected = convolve(&sources, shape);
            (shape, sources, expected)
        })
        .collect();
    for mut backend in backends() {
        for (shape, sources, expected) in &cases {
            let found = blur(backend.as_mut(), sources, *shape, shape[0], 1);
            let what = format!("{shape:?}, {}", backend.name());
            assert_close(&found, expected, &what);
        }
    }
}

#[test]
fn a_ring_of_spectra_loses_nothing() {
    let shape = [45, 9, 13];
    let sources = [Source {
        emission: photons(shape, 2_000, 99),
        octant: uneven_octant(),
    }];
    let expected = convolve(&sources, shape);
    for mut backend in backends() {
        let whole = blur(backend.as_mut(), &sources, shape, shape[0], 1);
        assert_close(&whole, &expected, backend.name());
        for (slab, step_z) in [(1, 1), (4, 1), (7, 4), (23, 2)] {
            let cut = blur(backend.as_mut(), &sources, shape, slab, step_z);
            let slices = whole.chunks_exact(shape[1] * shape[2]).step_by(step_z);
            let expected: Vec<u32> = slices.flatten().copied().collect();
            assert!(
                cut == expected,
                "slabs of {slab}, every {step_z}th slice, {}",
                backend.name()
            );
        }
    }
}

/// The camera of the golden data's README over voxels of 8 nm.
struct Sampling {
    factor: f64,
    objective: f64,
    pixel_nm: f64,
    focal_plane_nm: f64,
    file: &'static str,
}

const SAMPLINGS: [Sampling; 3] = [
    Sampling {
        factor: 20.0,
        objective: 40.0,
        pixel_nm: 6500.0,
        focal_plane_nm: 500.0,
        file: "binned_step1_z3",
    },
    Sampling {
        factor: 5.0,
        objective: 10.0,
        pixel_nm: 2000.0,
        focal_plane_nm: 130.0,
        file: "binned_step5_z3",
    },
    Sampling {
        factor: 5.0,
        objective: 20.0,
        pixel_nm: 2000.0,
        focal_plane_nm: 30.0,
        file: "binned_step2_z1",
    },
];

#[test]
fn camera_is_that_of_simexm() {
    let (shape, convolved) = read_counts("convolve/convolved.tif");
    let [_, size_x, size_y] = shape;
    for mut backend in backends() {
        for sampling in &SAMPLINGS {
            let camera = Camera::new(
                [8.0; 3],
                sampling.factor,
                sampling.objective,
                sampling.pixel_nm,
                sampling.focal_plane_nm,
            );
            let name = format!("{}, {}", sampling.file, backend.name());
            let (image_shape, expected) = read_counts(&format!("convolve/{}.tif", sampling.file));
            assert_eq!(camera.image_shape(shape), image_shape, "{name}");
            assert!(!camera.magnifies());
            let slices = convolved.chunks_exact(size_x * size_y);
            let blurred: Vec<u32> = slices.step_by(camera.step_z).flatten().copied().collect();
            let pixels = expected.len();
            let grey_words = pixels.div_ceil(4);
            let words = [blurred.len(), pixels, 1, 2, 2 * 255, grey_words];
            let [volume, image, status, maximum, limits, grey] = allocate(backend.as_mut(), words);
            let mut recording = Recording::default();
            recording.write(volume, 0, blurred);
            recording.clear(status, 0..1);
            recording.clear(maximum, 0..2);
            let params = BinParams {
                size_x: size_x as u32,
                size_y: size_y as u32,
                image_x: image_shape[1] as u32,
                image_y: image_shape[2] as u32,
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                slices: image_shape[0] as u32,
            };
            recording.dispatch(&BIN, params, &[volume, image, status], pixels);
            let params = MaximumParams {
                pixels: pixels as u32,
                maximum_at: 1,
            };
            recording.dispatch(&MAXIMUM, params, &[image, maximum], pixels);
            for (buffer, words) in [(image, pixels), (status, 1), (maximum, 2)] {
                recording.read(buffer, 0..words);
            }
            let found = execute(backend.as_mut(), recording);
            assert!(found[0] == expected, "{name}");
            let brightest = *expected.iter().max().unwrap();
            assert_eq!(
                (&found[1], &found[2]),
                (&vec![0], &vec![0, brightest]),
                "{name}"
            );

            if sampling.file != "binned_step5_z3" {
                continue;
            }
            // The second of two channels, so that its place in the thresholds counts.
            let mut both = thresholds(1);
            both.extend(thresholds(brightest));
            let mut recording = Recording::default();
            recording.write(limits, 0, both);
            let params = NormaliseParams {
                pixels: pixels as u32,
                thresholds_at: 255,
            };
            recording.dispatch(&NORMALISE, params, &[image, limits, grey], grey_words);
            recording.read(grey, 0..grey_words);
            let found = execute(backend.as_mut(), recording).concat();
            let found: Vec<u8> = bytemuck::pod_collect_to_vec(&found);
            let (norm_shape, norm) = read_counts("convolve/norm.tif");
            assert_eq!(norm_shape, image_shape);
            let found: Vec<u32> = found[..pixels].iter().map(|&v| v.into()).collect();
            assert!(found == norm, "norm, {}", backend.name());
        }
    }
}
