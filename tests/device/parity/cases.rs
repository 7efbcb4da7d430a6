//! A case for every kernel.

use super::dice::{CELLS, Dice};
use Contents::{Poison, Words};
use simexm_gpu::engine::compute::{Grid, Kernel, KernelParams, Variant};
use simexm_gpu::engine::fft::{
    BLOCK, FourierTables, Layout, LineVariant, LongRows, SliceTransform,
};
use simexm_gpu::engine::rng::{DiscreteTable, StreamKey, TableRef};
use simexm_gpu::engine::stages::blur::TAPS;
use simexm_gpu::engine::stages::blur::columns_forward::ColumnsForwardParams;
use simexm_gpu::engine::stages::blur::columns_inverse::ColumnsInverseParams;
use simexm_gpu::engine::stages::blur::filter::FilterParams;
use simexm_gpu::engine::stages::blur::long_rows::forward::{
    LongRowsForwardParams, LongRowsLoadParams,
};
use simexm_gpu::engine::stages::blur::long_rows::inverse::{
    LongRowsInverseParams, LongRowsStoreParams,
};
use simexm_gpu::engine::stages::blur::photons::baseline_profile;
use simexm_gpu::engine::stages::blur::psf_spectra::{self, OCTANT, PsfSpectraParams};
use simexm_gpu::engine::stages::blur::rows_forward::RowsForwardParams;
use simexm_gpu::engine::stages::blur::rows_inverse::RowsInverseParams;
use simexm_gpu::engine::stages::normalise::{NormaliseParams, thresholds};
use simexm_gpu::engine::stages::{bin, emit, magnify, maximum, regions, scatter, survey, truth};

/// One dispatch: what each binding holds before it; nothing means poison of that many words.
#[derive(Clone)]
pub struct Case {
    pub variant: Option<Variant>,
    pub params: Vec<u8>,
    pub bindings: Vec<Contents>,
    pub workgroups: [u32; 3],
}

#[derive(Clone)]
pub enum Contents {
    Words(Vec<u32>),
    Poison(usize),
}

impl Contents {
    pub fn len(&self) -> usize {
        match self {
            Words(words) => words.len(),
            Poison(words) => *words,
        }
    }
}

fn one_per_thread(threads: usize) -> [u32; 3] {
    Grid::linear(threads.div_ceil(256) as u32)
}

/// Tables one after another, and the place of each.
fn tables(list: &[DiscreteTable]) -> (Vec<u32>, Vec<TableRef>) {
    let mut words = Vec::new();
    let places = list.iter().map(|table| {
        let at = words.len() as u32;
        words.extend(table.words());
        let len = table.len();
        TableRef { at, len }
    });
    let places = places.collect();
    (words, places)
}

fn case<P: KernelParams>(params: P, bindings: Vec<Contents>, workgroups: [u32; 3]) -> Case {
    Case {
        variant: None,
        params: bytemuck::bytes_of(&params).to_vec(),
        bindings,
        workgroups,
    }
}

/// Volumes in rings that start in the middle, so that slices wrap around.
const FIRST_Z: u32 = 5;

fn poisson(mean: f64) -> DiscreteTable {
    DiscreteTable::poisson(mean).expect("a small mean")
}

/// The cases of a kernel for a volume of this shape.
pub fn cases(kernel: &Kernel, shape: [usize; 3], seed: u32) -> Vec<Case> {
    let mut dice = Dice::new(seed);
    let [slices, x, y] = shape;
    let (plane, voxels) = (x * y, slices * x * y);
    let (size_x, size_y) = (x as u32, y as u32);
    let ring = slices + 3;
    let transform = SliceTransform::new(x, y, 15);
    // Too little for a row in one pass.
    let fourier = if kernel.name.starts_with("long_rows") {
        transform.tables_within((transform.length_y as u32 / 2 - 1) * 8)
    } else {
        transform.tables()
    };
    let origin = dice.words(3, 1000);
    let [origin_z, origin_x, origin_y] = [origin[0], origin[1], origin[2]];
    let key = [dice.word(), dice.word()];
    match kernel.name {
        "regions" => [(0, 0), (1, 0), (0, 1), (1, 1)]
            .into_iter()
            .map(|(isotropic, annotated)| {
                let params = regions::RegionsParams {
                    size_x,
                    size_y,
                    // Isotropic regions never look beyond the volume's slices.
                    depth: FIRST_Z + slices as u32 + 1,
                    isotropic,
                    first_z: FIRST_Z,
                    slices: slices as u32,
                    ring: ring as u32,
                    annotated,
                };
                let labels = dice.labels(ring * plane);
                let notes = dice
                    .words(ring * plane, 4)
                    .iter()
                    .map(|bits| bits << 3)
                    .collect();
                case(
                    params,
                    vec![Words(labels), Words(notes), Poison(voxels + 3)],
                    kernel.grid.voxels([slices, x, y]),
                )
            })
            .collect(),
        "survey" => {
            let params = survey::SurveyParams {
                plane: plane as u32,
                first_z: FIRST_Z,
                slices: slices as u32,
                ring: ring as u32,
                region: 1 << (seed % 4),
                voxels_at: 7,
            };
            let bindings = vec![
                Words(dice.labels(ring * plane)),
                Words(dice.regions(voxels)),
                Words(dice.words(7 + CELLS as usize, 9)),
            ];
            vec![case(params, bindings, one_per_thread(voxels))]
        }
        "scatter" => {
            let displacement = |sd| DiscreteTable::displacement(sd);
            let count = DiscreteTable::scaled_poisson(0.8, 2.5).expect("small");
            let noise = DiscreteTable::bernoulli(0.4);
            let list = [
                count,
                noise,
                displacement(0.8),
                displacement(3.0),
                displacement(12.5),
            ];
            let (words, at) = tables(&list);
            let depth = FIRST_Z + slices as u32;
            let params = scatter::ScatterParams {
                size_x,
                size_y,
                depth,
                origin_z,
                origin_x,
                origin_y,
                first_z: FIRST_Z,
                slices: slices as u32,
                labels_ring: ring as u32,
                counts_ring: depth,
                region: 2,
                selection_at: 1,
                proteins: StreamKey(key),
                displacement: StreamKey([key[1], key[0]]),
                count: at[0],
                displaced: at[1],
                moved_z: at[2],
                moved_x: at[3],
                moved_y: at[4],
            };
            // Some voxels are about to overflow, which the status must tell.
            let counts = (0..depth as usize * plane)
                .map(|_| {
                    if dice.word().is_multiple_of(50) {
                        u32::MAX - 1
                    } else {
                        0
                    }
                })
                .collect();
            let bindings = vec![
                Words(dice.labels(ring * plane)),
                Words(dice.regions(voxels)),
                Words(dice.words(CELLS as usize, u32::MAX)),
                Words(dice.words(3, u32::MAX)),
                Words(words),
                Words(counts),
                Words(vec![0]),
            ];
            vec![case(params, bindings, kernel.grid.voxels([slices, x, y]))]
        }
        "emit" => [0.3, 40.0, 1e6]
            .into_iter()
            .map(|mean| {
                let (words, at) = tables(&[poisson(1.0), poisson(mean)]);
                let params = emit::EmitParams {
                    size_x,
                    size_y,
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    slices: slices as u32,
                    counts_ring: ring as u32,
                    photons: at[1],
                    key: StreamKey(key),
                };
                // Empty voxels, small counts, and counts beyond the 24 bits of f32.
                let counts = (0..ring * plane)
                    .map(|_| match dice.word() % 3 {
                        0 => 0,
                        1 => dice.word() % 100,
                        _ => dice.word(),
                    })
                    .collect();
                let bindings = vec![Words(counts), Words(words), Poison(voxels + 5)];
                case(params, bindings, kernel.grid.voxels([slices, x, y]))
            })
            .collect(),
        "rows_forward" => {
            let params = RowsForwardParams {
                size_y,
                rows: (slices * x) as u32,
                radius: 15,
                split_at: fourier.split_at,
                order_at: fourier.rows_order_at,
                source_at: fourier.rows_source_at,
            };
            let bindings = vec![
                Words(dice.floats(voxels, 1e4)),
                Words(fourier.words.clone()),
                Poison(2 * slices * x * transform.frequencies() + 2),
            ];
            vec![line_case(
                &fourier,
                Layout::Rows,
                params,
                bindings,
                slices * x,
            )]
        }
        "long_rows_load" => {
            let (long, second) = long_rows(&fourier);
            let params = LongRowsLoadParams {
                size_y,
                rows: (slices * x) as u32,
                length: transform.length_y as u32,
                second: second as u32,
                source_at: fourier.rows_source_at,
                roots_at: long.roots_at,
            };
            let bindings = vec![
                Words(dice.floats(voxels, 1e4)),
                Words(fourier.words.clone()),
                Poison(2 * slices * x * transform.length_y + 2),
            ];
            vec![first_pass(long, params, bindings, slices * x)]
        }
        "long_rows_forward" => {
            let (long, second) = long_rows(&fourier);
            let params = LongRowsForwardParams {
                rows: (slices * x) as u32,
                length: transform.length_y as u32,
                second: second as u32,
                frequencies: transform.frequencies() as u32,
            };
            let bindings = vec![
                Words(dice.floats(2 * slices * x * transform.length_y, 1e4)),
                Words(fourier.words.clone()),
                Poison(2 * slices * x * transform.frequencies() + 2),
            ];
            vec![second_pass(long, params, bindings, slices * x)]
        }
        "long_rows_inverse" => {
            let (long, second) = long_rows(&fourier);
            let params = LongRowsInverseParams {
                size_x,
                blocks: transform.blocks() as u32,
                slices: slices as u32,
                length: transform.length_y as u32,
                second: second as u32,
                roots_at: long.roots_at,
            };
            let bindings = vec![
                Words(dice.floats(2 * slices * transform.blocks() * BLOCK * x, 1e3)),
                Words(fourier.words.clone()),
                Poison(2 * slices * x * transform.length_y + 2),
            ];
            vec![first_pass(long, params, bindings, slices * x)]
        }
        "long_rows_store" => [0, 1]
            .into_iter()
            .map(|baseline| {
                let (long, second) = long_rows(&fourier);
                let (words, at) = tables(&[poisson(3.0), poisson(200.0)]);
                let params = LongRowsStoreParams {
                    size_x,
                    size_y,
                    slices: slices as u32,
                    length: transform.length_y as u32,
                    second: second as u32,
                    order_at: long.second_order_at,
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    step_z: 2,
                    baseline,
                    baseline_key: StreamKey(key),
                    baseline_photons: at[1],
                };
                let bindings = vec![
                    Words(dice.floats(2 * slices * x * transform.length_y, 1e3)),
                    Words(fourier.words.clone()),
                    Words(words),
                    Words(bytemuck::cast_vec(baseline_profile(x, y))),
                    Poison(voxels + 1),
                    Words(vec![0]),
                ];
                second_pass(long, params, bindings, slices * x)
            })
            .collect(),
        "columns_forward" => {
            let params = ColumnsForwardParams {
                size_x,
                frequencies: transform.frequencies() as u32,
                blocks: transform.blocks() as u32,
                first_z: FIRST_Z,
                slices: slices as u32,
                spectra_ring: ring as u32,
                radius: 15,
                source_at: fourier.columns_source_at,
            };
            let bindings = vec![
                Words(dice.floats(2 * slices * x * transform.frequencies(), 1e4)),
                Words(fourier.words.clone()),
                Poison(2 * ring * transform.spectrum()),
            ];
            let columns = slices * transform.blocks() * BLOCK;
            vec![line_case(
                &fourier,
                Layout::Columns,
                params,
                bindings,
                columns,
            )]
        }
        "psf_spectra" => {
            let frequencies = transform.blocks() * (transform.length_x / 2 + 1) * BLOCK;
            let bindings = vec![
                Words(dice.floats(OCTANT, 1.0)),
                Words(fourier.words.clone()),
                Poison(frequencies * TAPS),
            ];
            let params = PsfSpectraParams::new(&transform, &fourier);
            let workgroups = psf_spectra::workgroups(&transform);
            vec![case(params, bindings, Grid::linear(workgroups as u32))]
        }
        "filter" => [(1, 0), (2, 1), (3, 0)]
            .into_iter()
            .map(|(step_z, accumulate)| {
                let kept = slices.div_ceil(step_z as usize);
                let params = FilterParams {
                    length_x: transform.length_x as u32,
                    blocks: transform.blocks() as u32,
                    depth: slices as u32,
                    spectra_ring: slices as u32,
                    first_z: 0,
                    step_z,
                    slices: kept as u32,
                    accumulate,
                };
                let frequencies = transform.blocks() * (transform.length_x / 2 + 1) * BLOCK;
                let bindings = vec![
                    Words(dice.floats(2 * slices * transform.spectrum(), 1e3)),
                    Words(dice.floats(frequencies * TAPS, 1e-3)),
                    Words(dice.floats(2 * kept * transform.spectrum(), 1e-1)),
                ];
                case(params, bindings, one_per_thread(transform.spectrum()))
            })
            .collect(),
        "columns_inverse" => {
            let params = ColumnsInverseParams {
                size_x,
                length_x: transform.length_x as u32,
                blocks: transform.blocks() as u32,
                slices: slices as u32,
            };
            let columns = slices * transform.blocks() * BLOCK;
            let bindings = vec![
                Words(dice.floats(2 * slices * transform.spectrum(), 1e2)),
                Words(fourier.words.clone()),
                Poison(2 * columns * x + 6),
            ];
            vec![line_case(
                &fourier,
                Layout::Columns,
                params,
                bindings,
                columns,
            )]
        }
        "rows_inverse" => [0, 1]
            .into_iter()
            .map(|baseline| {
                let (words, at) = tables(&[poisson(3.0), poisson(200.0)]);
                let params = RowsInverseParams {
                    size_x,
                    size_y,
                    blocks: transform.blocks() as u32,
                    slices: slices as u32,
                    split_at: fourier.split_at,
                    order_at: fourier.rows_order_at,
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    step_z: 2,
                    baseline,
                    baseline_key: StreamKey(key),
                    baseline_photons: at[1],
                };
                let mut rows = dice.floats(2 * slices * transform.blocks() * BLOCK * x, 1e3);
                for slice in 0..slices {
                    for row in 0..x {
                        // The spectrum of a real row is real at both ends.
                        for k in [0, transform.frequencies() - 1] {
                            let block = slice * transform.blocks() + k / BLOCK;
                            rows[2 * ((block * x + row) * BLOCK + k % BLOCK) + 1] = 0;
                        }
                    }
                }
                let bindings = vec![
                    Words(rows),
                    Words(fourier.words.clone()),
                    Words(words),
                    Words(bytemuck::cast_vec(baseline_profile(x, y))),
                    Poison(voxels + 1),
                    Words(vec![0]),
                ];
                line_case(&fourier, Layout::Rows, params, bindings, slices * x)
            })
            .collect(),
        "bin" => [(1, 1), (2, 3), (1000, 1)]
            .into_iter()
            .map(|(bin_x, bin_y)| {
                let image = [x.div_ceil(bin_x), y.div_ceil(bin_y)];
                let params = bin::BinParams {
                    size_x,
                    size_y,
                    image_x: image[0] as u32,
                    image_y: image[1] as u32,
                    bin_x: bin_x as u32,
                    bin_y: bin_y as u32,
                    slices: slices as u32,
                };
                let pixels = slices * image[0] * image[1];
                let blurred = dice.words(voxels, if seed == 0 { u32::MAX } else { 1000 });
                let bindings = vec![Words(blurred), Poison(pixels + 2), Words(vec![0])];
                case(
                    params,
                    bindings,
                    kernel.grid.voxels([slices, image[0], image[1]]),
                )
            })
            .collect(),
        "magnify" => [(2, 3), (4, 1)]
            .into_iter()
            .map(|(magnify_x, magnify_y)| {
                let (words, at) =
                    tables(&[poisson(f64::from(magnify_x)), poisson(f64::from(magnify_y))]);
                let bin_y = if magnify_y == 1 { 2 } else { 1 };
                let image = [
                    x * magnify_x as usize,
                    (y * magnify_y as usize).div_ceil(bin_y),
                ];
                let params = magnify::MagnifyParams {
                    size_x,
                    size_y,
                    image_x: image[0] as u32,
                    image_y: image[1] as u32,
                    bin_x: 1,
                    bin_y: bin_y as u32,
                    magnify_x,
                    magnify_y,
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    step_z: 2,
                    slices: slices as u32,
                    key: StreamKey(key),
                    jitter_x: at[0],
                    jitter_y: at[1],
                };
                let pixels = slices * image[0] * image[1];
                let blurred = dice.words(voxels, if seed == 0 { u32::MAX } else { 1000 });
                let bindings = vec![
                    Words(blurred),
                    Words(words),
                    Words(vec![0; pixels]),
                    Words(vec![0]),
                ];
                case(params, bindings, kernel.grid.voxels([slices, x, y]))
            })
            .collect(),
        "maximum" => {
            let params = maximum::MaximumParams {
                pixels: voxels as u32,
                maximum_at: 1,
            };
            let image = dice.words(voxels + 9, u32::MAX);
            let bindings = vec![Words(image), Words(vec![5, 6, 7])];
            vec![case(params, bindings, one_per_thread(voxels))]
        }
        "normalise" => [0, 1, 254, 255, 65_536, 1_000_003, u32::MAX]
            .into_iter()
            .flat_map(|brightest| [(brightest, 8), (brightest, 16)])
            .map(|(brightest, bits)| {
                let params = NormaliseParams {
                    pixels: voxels as u32,
                    thresholds_at: 2,
                    largest: (1 << bits) - 1,
                    per_word: 32 / bits,
                };
                let image = (0..voxels)
                    .map(|_| ((u64::from(dice.word()) * (u64::from(brightest) + 1)) >> 32) as u32)
                    .collect();
                let table = [1, 2]
                    .into_iter()
                    .chain(thresholds(brightest, params.largest))
                    .collect();
                let words = voxels.div_ceil(32 / bits as usize);
                let bindings = vec![Words(image), Words(table), Poison(words)];
                case(params, bindings, one_per_thread(words))
            })
            .collect(),
        "truth" => [(1, 1, 0), (3, 1, 1), (1, 2, 0)]
            .into_iter()
            .map(|(bin, magnification, combine)| {
                let step_z = 2;
                let kept = slices.div_ceil(step_z);
                let pixels = |size: usize| size.div_ceil(bin) * magnification;
                let image = [pixels(x), pixels(y)];
                let params = truth::TruthParams {
                    size_x,
                    size_y,
                    image_x: image[0] as u32,
                    image_y: image[1] as u32,
                    bin_x: bin as u32,
                    bin_y: bin as u32,
                    magnify_x: magnification as u32,
                    magnify_y: magnification as u32,
                    slab_z: FIRST_Z,
                    first_z: FIRST_Z,
                    step_z: step_z as u32,
                    slices: kept as u32,
                    labels_ring: ring as u32,
                    region: 4,
                    selection_at: 1,
                    combine,
                };
                let words = kept * image[0] * image[1];
                let out = match combine {
                    0 => Poison(words + 1),
                    _ => Words(dice.words(words, CELLS)),
                };
                let bindings = vec![
                    Words(dice.labels(ring * plane)),
                    Words(dice.regions(voxels)),
                    Words(dice.words(3, u32::MAX)),
                    out,
                ];
                case(
                    params,
                    bindings,
                    kernel.grid.voxels([kept, image[0], image[1]]),
                )
            })
            .collect(),
        other => panic!("kernel {other} has no case: add one"),
    }
}

/// The two passes along y, and the length of the second.
fn long_rows(fourier: &FourierTables) -> (&LongRows, usize) {
    let long = fourier.long_rows.as_ref().expect("rows of two passes");
    (long, long.second.length)
}

fn first_pass<P: KernelParams>(
    long: &LongRows,
    params: P,
    bindings: Vec<Contents>,
    rows: usize,
) -> Case {
    let at = long.first_twiddle_at;
    let lines = LineVariant::new(&long.first, Layout::Columns, at, 1 << 15);
    let count = rows * long.second.length.next_multiple_of(lines.lines);
    with_lines(lines, params, bindings, count)
}

fn second_pass<P: KernelParams>(
    long: &LongRows,
    params: P,
    bindings: Vec<Contents>,
    rows: usize,
) -> Case {
    let at = long.second_twiddle_at;
    let lines = LineVariant::new(&long.second, Layout::Rows, at, 1 << 15);
    with_lines(lines, params, bindings, rows * long.first.length)
}

fn with_lines<P: KernelParams>(
    lines: LineVariant,
    params: P,
    bindings: Vec<Contents>,
    count: usize,
) -> Case {
    let workgroups = Grid::linear(count.div_ceil(lines.lines) as u32);
    Case {
        variant: Some(lines.variant),
        ..case(params, bindings, workgroups)
    }
}

fn line_case<P: KernelParams>(
    fourier: &FourierTables,
    layout: Layout,
    params: P,
    bindings: Vec<Contents>,
    lines: usize,
) -> Case {
    let variant = match layout {
        Layout::Rows => LineVariant::new(&fourier.rows, layout, fourier.rows_twiddle_at, 1 << 15),
        Layout::Columns => LineVariant::new(
            &fourier.columns,
            layout,
            fourier.columns_twiddle_at,
            1 << 15,
        ),
    };
    with_lines(variant, params, bindings, lines)
}
