//! Spectra of the planes of a point spread function, made once for each channel and fluorophore.

use crate::engine::compute::{
    Access, Agreement, Constant, CpuCall, Extent, Generated, Grid, Kernel, KernelParams, Stage,
    Traffic, Variant, constants, kernel_params,
};
use crate::engine::fft::{BLOCK, FourierTables, SliceTransform};
use crate::engine::psf::PsfShape;
use rayon::prelude::*;

kernel_params! {
    /// Lengths of the transform of a slice, where its roots of unity are, and the shape of the
    /// function.
    PsfSpectraParams {
        /// Length of the transform along x.
        length_x: u32,
        /// Frequencies of y.
        frequencies: u32,
        /// Blocks of frequencies of y.
        blocks: u32,
        /// Where the roots of the length along x start in the tables.
        columns_at: u32,
        /// Where the roots of the length along y, up to half of it, start in the tables.
        split_at: u32,
        /// One over the number of points of a transform back and forth.
        scale: f32,
        /// Planes of the function.
        planes: u32,
        /// Values of a plane along x, from the centre outwards.
        rows: u32,
        /// As `rows`, along y.
        columns: u32,
    }
}

/// The values of a point spread function, (plane, x, y), to the two-dimensional spectra of its
/// planes, divided by the number of points of a transform back and forth.
///
/// Since the planes are even along x and y, their spectra are real cosine sums, even themselves:
/// `length_x / 2 + 1` frequencies of x suffice. The result is laid out as (block, frequency of x,
/// plane, frequency within the block); frequencies that the last block has to spare are 0.
pub static PSF_SPECTRA: Kernel = Kernel {
    name: "psf_spectra",
    stage: Stage::Blur,
    grid: Grid::Linear,
    source: include_str!("../../../../shaders/psf_spectra.wgsl"),
    params: PsfSpectraParams::LAYOUT,
    constants: constants![BLOCK: u32, RUN: u32],
    generated: &[Generated::Planes],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: psf_spectra_cpu,
    traffic: psf_spectra_traffic,
};

/// Frequencies of x of one workgroup.
const RUN: usize = 128;

/// The sizes of a plane, which the shader sets memory of the workgroup aside for: 32 bytes for each
/// value along x and along y.
pub fn variant(shape: &PsfShape) -> Variant {
    let [rows, columns] = shape.plane_size();
    let constants = [
        Constant::u32("PLANES", shape.planes() as u32),
        Constant::u32("ROWS", rows as u32),
        Constant::u32("COLUMNS", columns as u32),
    ];
    Variant::new(&constants, "")
}

/// Workgroups of [`PSF_SPECTRA`]: one for each block of frequencies of y, plane and run of
/// frequencies of x.
pub(super) fn workgroups(transform: &SliceTransform, shape: &PsfShape) -> usize {
    transform.blocks() * shape.planes() * (transform.length_x / 2 + 1).div_ceil(RUN)
}

impl PsfSpectraParams {
    /// For these lengths and tables.
    pub(super) fn new(
        transform: &SliceTransform,
        tables: &FourierTables,
        shape: &PsfShape,
    ) -> Self {
        let points = transform.length_x as f64 * transform.length_y as f64;
        let [rows, columns] = shape.plane_size();
        Self {
            length_x: transform.length_x as u32,
            frequencies: transform.frequencies() as u32,
            blocks: transform.blocks() as u32,
            columns_at: tables.columns_twiddle_at,
            split_at: tables.split_at,
            scale: (1.0 / points) as f32,
            planes: shape.planes() as u32,
            rows: rows as u32,
            columns: columns as u32,
        }
    }
}

fn psf_spectra_traffic(extent: Extent<'_>) -> Traffic {
    let p: PsfSpectraParams = extent.params();
    let block = u64::from(p.blocks) * BLOCK as u64;
    let roots = 2 * (u64::from(p.length_x) + u64::from(p.frequencies));
    let planes = u64::from(p.planes);
    Traffic::words(
        planes * u64::from(p.rows) * u64::from(p.columns) + roots,
        block * u64::from(p.length_x / 2 + 1) * planes,
    )
}

fn psf_spectra_cpu(call: &mut CpuCall<'_>) {
    let p: PsfSpectraParams = call.params();
    let [values, _, mut psf] = call.buffers();
    let values = values.read::<f32>();
    let (planes, rows, columns) = (p.planes as usize, p.rows as usize, p.columns as usize);
    let (length_x, frequencies) = (p.length_x as usize, p.frequencies as usize);
    let length_y = 2 * (frequencies - 1);
    let half = length_x / 2 + 1;
    let scale = 1.0 / (length_x as f64 * length_y as f64);
    let cosines = |length: usize| -> Vec<f64> {
        let angle = 2.0 * std::f64::consts::PI / length as f64;
        (0..length).map(|k| libm::cos(angle * k as f64)).collect()
    };
    let (cosines_x, cosines_y) = (cosines(length_x), cosines(length_y));
    // A value off the axis stands for itself and its mirror image.
    let weight = |distance: usize| if distance == 0 { 1.0 } else { 2.0 };
    psf.write::<f32>()[..p.blocks as usize * half * planes * BLOCK]
        .par_chunks_exact_mut(half * planes * BLOCK)
        .enumerate()
        .for_each(|(block, out)| {
            // Along y first: one column of cosine sums for each plane and distance along x.
            let mut partial = vec![[0.0f64; BLOCK]; planes * rows];
            let lines = values.chunks_exact(columns);
            for (sums, values) in partial.iter_mut().zip(lines) {
                for (c, sum) in sums.iter_mut().enumerate() {
                    let ky = block * BLOCK + c;
                    if ky < frequencies {
                        let terms = values.iter().enumerate().map(|(y, &value)| {
                            weight(y) * f64::from(value) * cosines_y[ky * y % length_y]
                        });
                        *sum = terms.sum();
                    }
                }
            }
            for (kx, out) in out.chunks_exact_mut(planes * BLOCK).enumerate() {
                let partial = partial.chunks_exact(rows);
                for (plane, out) in partial.zip(out.chunks_exact_mut(BLOCK)) {
                    let mut sums = [0.0; BLOCK];
                    for (x, values) in plane.iter().enumerate() {
                        let factor = scale * weight(x) * cosines_x[kx * x % length_x];
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += factor * value;
                        }
                    }
                    for (out, sum) in out.iter_mut().zip(sums) {
                        *out = sum as f32;
                    }
                }
            }
        });
}
