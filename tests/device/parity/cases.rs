//! A case for every kernel.

use super::dice::{CELLS, Dice};
use super::labelling;
use super::physical;
use Contents::{Poison, Words};
use bytemuck::Zeroable;
use simexm_gpu::internals::engine::blocks::{BlockAxis, BlockGrid};
use simexm_gpu::internals::engine::compute::{
    Buffer, Command, Grid, Kernel, KernelParams, Recording, Variant,
};
use simexm_gpu::internals::engine::fft::BLOCK;
use simexm_gpu::internals::engine::psf::{Psf, PsfShape};
use simexm_gpu::internals::engine::rng::{DiscreteTable, StreamKey, TableRef};
use simexm_gpu::internals::engine::stages::blur::photons::baseline_profile;
use simexm_gpu::internals::engine::stages::blur::rows_to_means::RowsToMeansParams;
use simexm_gpu::internals::engine::stages::blur::rows_to_photons::RowsToPhotonsParams;
use simexm_gpu::internals::engine::stages::blur::{
    Block, Blur, BlurPart, FilteredSlice, Filtering, RingSlices, SLICE_WORDS,
};
use simexm_gpu::internals::engine::stages::normalise::{NormaliseParams, thresholds};
use simexm_gpu::internals::engine::stages::{
    bin, emit, magnify, maximum, regions, scatter, survey, truth,
};

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

pub fn one_per_thread(threads: usize) -> [u32; 3] {
    Grid::linear(threads.div_ceil(256) as u32)
}

/// Tables one after another, and the place of each.
pub fn tables(list: &[DiscreteTable]) -> (Vec<u32>, Vec<TableRef>) {
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

pub fn case<P: KernelParams>(params: P, bindings: Vec<Contents>, workgroups: [u32; 3]) -> Case {
    Case {
        variant: None,
        params: bytemuck::bytes_of(&params).to_vec(),
        bindings,
        workgroups,
    }
}

/// Volumes in rings that start in the middle, so that slices wrap around.
pub const FIRST_Z: u32 = 5;

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
                size_y,
                // As in a tile whose borders others count.
                from_x: u32::from(x > 4),
                to_x: size_x - u32::from(x > 4),
                from_y: u32::from(y > 4),
                to_y: size_y - u32::from(y > 4),
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
        "emit" => [Some(0.3), Some(40.0), Some(1e6), None]
            .into_iter()
            .map(|mean| {
                let (words, at) = tables(&[poisson(1.0), poisson(mean.unwrap_or(1.0))]);
                let params = emit::EmitParams {
                    size_x,
                    size_y,
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    slices: slices as u32,
                    counts_ring: ring as u32,
                    photons: mean.map_or_else(TableRef::default, |_| at[1]),
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
        "rows_forward" | "columns_forward" => parts([x, y])
            .iter()
            .flat_map(|part| {
                let blur = Blur::new(part, SIMEXM, WORKGROUP_BYTES);
                let z = RingSlices {
                    first_z: FIRST_Z as usize,
                    slices,
                    ring,
                };
                let forward = |block: &Block| {
                    let mut recording = Recording::default();
                    blur.forward(&mut recording, block, z, [Buffer(0); 4]);
                    let rows = blur.rows_words(slices, 1);
                    let bindings = match kernel.name {
                        "rows_forward" => vec![
                            Words(dice.floats(voxels, 1e4)),
                            Words(blur.tables().words.clone()),
                            Poison(rows + 2),
                        ],
                        _ => vec![
                            Words(dice.floats(rows, 1e4)),
                            Words(blur.tables().words.clone()),
                            Poison(ring * blur.spectrum_words()),
                        ],
                    };
                    recorded(recording, kernel, bindings)
                };
                blur.blocks().iter().map(forward).collect::<Vec<_>>()
            })
            .collect(),
        "psf_spectra" => FUNCTIONS
            .into_iter()
            .map(|function| {
                let blur = whole([x, y], function);
                let floats = dice.floats(function.values(), 1.0);
                let values = floats.iter().map(|&bits| f32::from_bits(bits)).collect();
                let psf = Psf::new(function, values).expect("values of the shape");
                let mut recording = Recording::default();
                blur.psf_spectra(&mut recording, &psf, [Buffer(0); 3]);
                let bindings = vec![
                    Words(floats),
                    Words(blur.tables().words.clone()),
                    Poison(blur.psf_words() + 1),
                ];
                recorded(recording, kernel, bindings)
            })
            .collect(),
        "filter" => FUNCTIONS
            .into_iter()
            .flat_map(|function| [(1, false), (2, true), (3, false)].map(|kept| (function, kept)))
            .map(|(function, (step_z, accumulate))| {
                let blur = whole([x, y], function);
                // Slices behind others, mixed from two functions, some nearer than others.
                let behind = usize::from(accumulate);
                let list: Vec<FilteredSlice> = (0..slices)
                    .filter(|z| z % step_z == 0 || z % 7 == 3)
                    .enumerate()
                    .map(|(n, z)| FilteredSlice {
                        weight: if accumulate {
                            0.75 - 0.01 * n as f32
                        } else {
                            1.0
                        },
                        adds: u32::from(accumulate && n % 3 != 1),
                        ..FilteredSlice::new(z, n + behind)
                    })
                    .collect();
                let filtering = Filtering {
                    slices: &list,
                    at: behind,
                    filtered: list.len() + behind,
                    ring: slices,
                    depth: slices,
                    dark: step_z != 1,
                };
                let mut words = vec![0xdead_beef; behind * SLICE_WORDS];
                words.extend(bytemuck::cast_slice::<_, u32>(&list));
                let mut recording = Recording::default();
                blur.filter(&mut recording, filtering, [Buffer(0); 4]);
                let bindings = vec![
                    Words(dice.floats(slices * blur.spectrum_words(), 1e3)),
                    Words(dice.floats(blur.psf_words(), 1e-3)),
                    Words(words),
                    Words(dice.floats(filtering.filtered * blur.spectrum_words(), 1e-1)),
                ];
                recorded(recording, kernel, bindings)
            })
            .collect(),
        "columns_inverse" => parts([x, y])
            .iter()
            .flat_map(|part| {
                let blur = Blur::new(part, SIMEXM, WORKGROUP_BYTES);
                let inverse = |block: &Block| {
                    let mut recording = Recording::default();
                    blur.columns_inverse(&mut recording, block, slices, [Buffer(0); 3]);
                    let bindings = vec![
                        Words(dice.floats(slices * blur.spectrum_words(), 1e2)),
                        Words(blur.tables().words.clone()),
                        Poison(blur.rows_inverse_words(block, slices) + 6),
                    ];
                    recorded(recording, kernel, bindings)
                };
                blur.blocks().iter().map(inverse).collect::<Vec<_>>()
            })
            .collect(),
        "rows_to_photons" => parts([x, y])
            .iter()
            .flat_map(|part| [(part, 0), (part, 1)])
            .flat_map(|(part, baseline)| {
                let blur = Blur::new(part, SIMEXM, WORKGROUP_BYTES);
                let [blurred_x, blurred_y] = blur.blurred_size();
                let (words, at) = tables(&[poisson(3.0), poisson(200.0)]);
                let finish = RowsToPhotonsParams {
                    origin_z,
                    origin_x,
                    origin_y,
                    first_z: FIRST_Z,
                    step_z: 2,
                    slices: slices as u32,
                    baseline,
                    baseline_key: StreamKey(key),
                    baseline_photons: at[1],
                    ..RowsToPhotonsParams::zeroed()
                };
                let inverse = |block: &Block| {
                    let mut recording = Recording::default();
                    blur.rows_inverse(&mut recording, block, finish, &[Buffer(0); 6]);
                    let rows = real_rows(&mut dice, &blur, block, slices);
                    let profile = baseline_profile(blurred_x, blurred_y);
                    let bindings = vec![
                        Words(rows),
                        Words(blur.tables().words.clone()),
                        Words(words.clone()),
                        Words(bytemuck::cast_vec(profile)),
                        Poison(slices * blurred_x * blurred_y + 1),
                        Words(vec![0]),
                    ];
                    recorded(recording, kernel, bindings)
                };
                blur.blocks().iter().map(inverse).collect::<Vec<_>>()
            })
            .collect(),
        "rows_to_means" => parts([x, y])
            .iter()
            .flat_map(|part| {
                let blur = Blur::new(part, SIMEXM, WORKGROUP_BYTES);
                let [blurred_x, blurred_y] = blur.blurred_size();
                let finish = RowsToMeansParams::new(slices as u32);
                let inverse = |block: &Block| {
                    let mut recording = Recording::default();
                    blur.rows_inverse(&mut recording, block, finish, &[Buffer(0); 3]);
                    let bindings = vec![
                        Words(real_rows(&mut dice, &blur, block, slices)),
                        Words(blur.tables().words.clone()),
                        Poison(slices * blurred_x * blurred_y + 1),
                    ];
                    recorded(recording, kernel, bindings)
                };
                blur.blocks().iter().map(inverse).collect::<Vec<_>>()
            })
            .collect(),
        "deform" => labelling::deform(kernel, shape, &mut dice),
        "proteins" => labelling::proteins(kernel, shape, &mut dice),
        "area" => physical::area(kernel, shape, &mut dice),
        "expose" => physical::expose(shape, &mut dice),
        "bin" => [
            ([1, 1], [1, 1]),
            ([2, 3], [1, 1]),
            ([1000, 1], [1, 4]),
            ([1, 1], [3, 2]),
        ]
        .into_iter()
        .map(|([bin_x, bin_y], [repeat_x, repeat_y])| {
            let image = [x.div_ceil(bin_x) * repeat_x, y.div_ceil(bin_y) * repeat_y];
            let params = bin::BinParams {
                size_x,
                size_y,
                image_x: image[0] as u32,
                image_y: image[1] as u32,
                bin_x: bin_x as u32,
                bin_y: bin_y as u32,
                repeat_x: repeat_x as u32,
                repeat_y: repeat_y as u32,
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
                    end_x: image[0] as u32 + 2 * seed,
                    end_y: image[1] as u32 + seed,
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
        "truth" => [([x, y], 0), ([x.div_ceil(3), y + 3], 1), ([2 * x, 1], 0)]
            .into_iter()
            .map(|(image, combine)| {
                let step_z = 2;
                let kept = slices.div_ceil(step_z);
                let mut shown = |size: usize, pixels: usize| -> Vec<u32> {
                    (0..pixels).map(|_| dice.word() % size as u32).collect()
                };
                let shown = [shown(x, image[0]), shown(y, image[1])].concat();
                let params = truth::TruthParams {
                    size_x,
                    size_y,
                    image_x: image[0] as u32,
                    image_y: image[1] as u32,
                    slab_z: FIRST_Z,
                    first_z: FIRST_Z,
                    step_z: step_z as u32,
                    slices: kept as u32,
                    first_image: 0,
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
                    Words(shown),
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

/// Spectra of real rows of a block, which are real at both ends.
fn real_rows(dice: &mut Dice, blur: &Blur, block: &Block, slices: usize) -> Vec<u32> {
    let transform = blur.transform();
    let mut rows = dice.floats(blur.rows_inverse_words(block, slices), 1e3);
    let lines = rows.len() / (2 * BLOCK * transform.blocks() * slices);
    for slice in 0..slices {
        for row in 0..lines {
            for k in [0, transform.frequencies() - 1] {
                let group = slice * transform.blocks() + k / BLOCK;
                rows[2 * ((group * lines + row) * BLOCK + k % BLOCK) + 1] = 0;
            }
        }
    }
    rows
}

/// Workgroup memory that every adapter has.
const WORKGROUP_BYTES: u32 = 16 << 10;

/// Radius of SimExm's point spread functions.
const RADIUS: usize = 15;

/// Their shape.
const SIMEXM: PsfShape = PsfShape::symmetric([RADIUS; 3]);

/// That shape, planes that differ before and behind the focus, and too many for registers.
const FUNCTIONS: [PsfShape; 3] = [
    SIMEXM,
    PsfShape {
        before: 2,
        after: 6,
        radius: [3, 9],
        symmetric: false,
    },
    PsfShape {
        before: 20,
        after: 33,
        radius: [4, 0],
        symmetric: false,
    },
];

/// Slices of this size as one block, for functions of this shape.
fn whole(size: [usize; 2], function: PsfShape) -> Blur {
    let part = BlurPart::whole(BlockGrid::new(size, function.radius, [1; 2]));
    Blur::new(&part, function, WORKGROUP_BYTES)
}

/// Slices of this size as one block, and as a part of slices of four: blocks that reach beyond one
/// another, and beyond the tissue.
fn parts([x, y]: [usize; 2]) -> [BlurPart; 2] {
    let halved = |size: usize| BlockAxis {
        size,
        core: size.div_ceil(2),
        radius: RADIUS,
        dark: false,
    };
    let grid = BlockGrid {
        x: halved(x),
        y: halved(y),
    };
    [
        BlurPart::whole(BlockGrid::new([x, y], [RADIUS; 2], [1; 2])),
        BlurPart::whole(grid),
    ]
}

/// The dispatch of a kernel that was recorded.
fn recorded(recording: Recording<'_>, kernel: &Kernel, bindings: Vec<Contents>) -> Case {
    let of_kernel = |command| match command {
        Command::Dispatch {
            kernel: found,
            variant,
            params,
            workgroups,
            ..
        } if found.name == kernel.name => Some((variant, params, workgroups)),
        _ => None,
    };
    let found = recording.commands.into_iter().find_map(of_kernel);
    let (variant, params, workgroups) = found.expect("the kernel is recorded");
    Case {
        variant,
        params,
        bindings,
        workgroups,
    }
}
