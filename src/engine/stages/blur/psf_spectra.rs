//! Spectra of the planes of a point spread function, made once for each channel and fluorophore.

use super::TAPS;
use crate::engine::compute::{
    Access, Agreement, Buffer, CpuCall, Extent, Grid, Kernel, KernelParams, Recording, Stage,
    Traffic, constants, kernel_params,
};
use crate::engine::fft::{BLOCK, FourierTables, SliceTransform};
use rayon::prelude::*;

kernel_params! {
    /// Lengths of the transform of a slice, and where its roots of unity are.
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
    }
}

/// Words of a kernel's values from the centre outwards, [`TAPS`] along each axis.
pub const OCTANT: usize = TAPS * TAPS * TAPS;

/// The kernel's values at (z, x, y) from the centre outwards to the two-dimensional spectra of its planes,
/// divided by the number of points of a transform back and forth.
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
    constants: constants![BLOCK: u32, TAPS: u32, RUN: u32],
    generated: &[],
    bindings: &[Access::Read, Access::Read, Access::ReadWrite],
    agreement: Agreement::Rounding,
    fills: true,
    cpu: psf_spectra_cpu,
    traffic: psf_spectra_traffic,
};

/// Records how a kernel, given by its values from the centre outwards, comes to `psf` as spectra: `octant` holds
/// [`OCTANT`] words, `fourier` the tables of the transform.
///
/// # Panics
/// When there are not [`OCTANT`] values.
pub fn record_psf_spectra(
    recording: &mut Recording<'_>,
    values: &[f64],
    transform: &SliceTransform,
    tables: &FourierTables,
    [octant, fourier, psf]: [Buffer; 3],
) {
    assert_eq!(values.len(), OCTANT, "values of a point spread function");
    let words: Vec<u32> = values.iter().map(|&v| (v as f32).to_bits()).collect();
    recording.write(octant, 0, words);
    let params = PsfSpectraParams::new(transform, tables);
    let workgroups = workgroups(transform);
    recording.dispatch_variant(
        &PSF_SPECTRA,
        None,
        params,
        &[octant, fourier, psf],
        workgroups,
    );
}

/// Frequencies of x of one workgroup.
const RUN: usize = 64;

/// Workgroups of [`PSF_SPECTRA`]: one for each block of frequencies of y and run of frequencies of x.
pub fn workgroups(transform: &SliceTransform) -> usize {
    transform.blocks() * (transform.length_x / 2 + 1).div_ceil(RUN)
}

impl PsfSpectraParams {
    /// For these lengths and tables.
    pub fn new(transform: &SliceTransform, tables: &FourierTables) -> Self {
        let points = transform.length_x as f64 * transform.length_y as f64;
        Self {
            length_x: transform.length_x as u32,
            frequencies: transform.frequencies() as u32,
            blocks: transform.blocks() as u32,
            columns_at: tables.columns_twiddle_at,
            split_at: tables.split_at,
            scale: (1.0 / points) as f32,
        }
    }
}

fn psf_spectra_traffic(extent: Extent<'_>) -> Traffic {
    let p: PsfSpectraParams = extent.params();
    let block = u64::from(p.blocks) * BLOCK as u64;
    let roots = 2 * (u64::from(p.length_x) + u64::from(p.frequencies));
    Traffic::words(
        OCTANT as u64 + roots,
        block * u64::from(p.length_x / 2 + 1) * TAPS as u64,
    )
}

fn psf_spectra_cpu(call: &mut CpuCall<'_>) {
    let p: PsfSpectraParams = call.params();
    let [octant, _, mut psf] = call.buffers();
    let octant = octant.read::<f32>();
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
    psf.write::<f32>()[..p.blocks as usize * half * TAPS * BLOCK]
        .par_chunks_exact_mut(half * TAPS * BLOCK)
        .enumerate()
        .for_each(|(block, out)| {
            // Along y first: one column of cosine sums for each plane and distance along x.
            let mut partial = [[[0.0f64; BLOCK]; TAPS]; TAPS];
            for (z, plane) in partial.iter_mut().enumerate() {
                for (x, sums) in plane.iter_mut().enumerate() {
                    let values = &octant[(z * TAPS + x) * TAPS..][..TAPS];
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
            }
            for (kx, out) in out.chunks_exact_mut(TAPS * BLOCK).enumerate() {
                for (plane, out) in partial.iter().zip(out.chunks_exact_mut(BLOCK)) {
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
