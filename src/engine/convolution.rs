//! The convolution by itself: a volume and a point spread function in, the blurred volume out, by
//! the passes of a run. Benchmarks and comparisons with other libraries go through it.

use crate::engine::blocks::BlockGrid;
use crate::engine::compute::{Backend, Buffer, BufferSpec, ComputeError, Limits, Recording, drive};
use crate::engine::psf::Psf;
use crate::engine::schedule::{Reach, Schedule, Step};
use crate::engine::stages::blur::rows_to_photons::RowsToPhotonsParams;
use crate::engine::stages::blur::{
    Blur, BlurPart, FilteredSlice, Filtering, RingSlices, SLICE_WORDS,
};
use bytemuck::Zeroable;
use rayon::prelude::*;
use std::ops::Range;

/// Words that a thread copies at a time.
const PIECE: usize = 1 << 16;

/// Why a volume cannot be convolved on a device.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConvolutionError {
    /// The volume has no voxels.
    #[error("a volume of {shape:?} (z, x, y), where at least 1 voxel along each axis is wanted")]
    Shape {
        /// Shape of the volume.
        shape: [usize; 3],
    },
    /// Even one slice at a time needs more than the device has.
    #[error(
        "a slice of {size_x} x {size_y} voxels at a time needs {needed_bytes} bytes on {device}"
    )]
    TooLarge {
        /// Rows of a slice.
        size_x: usize,
        /// Columns of a slice.
        size_y: usize,
        /// Bytes of all buffers.
        needed_bytes: u64,
        /// The device.
        device: String,
    },
    /// The device failed.
    #[error(transparent)]
    Compute(#[from] ComputeError),
}

/// Buffers by use, in the order of their numbers.
const EMISSION: Buffer = Buffer(0);
const FOURIER: Buffer = Buffer(1);
const ROWS: Buffer = Buffer(2);
const PSF: Buffer = Buffer(3);
const FILTERED: Buffer = Buffer(4);
const BLURRED: Buffer = Buffer(5);
const STATUS: Buffer = Buffer(6);
const TABLES: Buffer = Buffer(7);
const PROFILE: Buffer = Buffer(8);
const KERNEL: Buffer = Buffer(9);
const SLICES: Buffer = Buffer(10);

/// The ring of spectra of a block.
fn spectra(block: usize) -> Buffer {
    Buffer(11 + block)
}

/// A convolution of volumes of one shape with one point spread function; the volume goes on beyond
/// its borders as its reflection. It owns the buffers of its backend.
pub struct Convolution<'a> {
    backend: &'a mut dyn Backend,
    shape: [usize; 3],
    schedule: Schedule,
    blur: Blur,
}

impl<'a> Convolution<'a> {
    /// Prepares volumes of `shape` (z, x, y): allocates, and brings the function's spectra to the
    /// device.
    ///
    /// # Errors
    /// See [`ConvolutionError`].
    pub fn new(
        backend: &'a mut dyn Backend,
        psf: &Psf,
        shape: [usize; 3],
    ) -> Result<Self, ConvolutionError> {
        if shape.contains(&0) {
            return Err(ConvolutionError::Shape { shape });
        }
        let kernel = psf.shape();
        let [depth, size_x, size_y] = shape;
        let limits = backend.limits().clone();
        let workgroup = limits.workgroup_bytes;
        let grid = BlockGrid::new([size_x, size_y], kernel.radius, [1; 2]);
        let blur = Blur::new(&BlurPart::whole(grid), kernel, workgroup);
        let deepest = depth.min(backend.deepest_slab());
        let planned = |slab: usize| {
            let reach = Reach {
                rounds: 0,
                distortion: 0,
                membrane: 0,
                displacement: 0,
                blur_before: kernel.before,
                blur_after: kernel.after,
            };
            let schedule = Schedule::new(depth, slab, reach);
            let specs = specs(&schedule, &blur, slab);
            (schedule, specs)
        };
        let fitting = (1..=deepest).rev().map(planned);
        let fitting = fitting.into_iter().find(|(_, specs)| fits(specs, &limits));
        let fitting = fitting.filter(|_| blur.transform().line_bytes() <= workgroup as usize);
        let Some((schedule, specs)) = fitting else {
            return Err(ConvolutionError::TooLarge {
                size_x,
                size_y,
                needed_bytes: planned(1).1.iter().map(BufferSpec::bytes).sum(),
                device: backend.name().to_owned(),
            });
        };
        backend.allocate(&specs, false)?;
        let mut recording = Recording::default();
        recording.write(FOURIER, 0, blur.tables().words.clone());
        blur.psf_spectra(&mut recording, psf, [KERNEL, FOURIER, PSF]);
        recording.clear(STATUS, 0..1);
        let ticket = backend.submit(recording)?;
        backend.wait(ticket)?;
        Ok(Self {
            backend,
            shape,
            schedule,
            blur,
        })
    }

    /// The backend, for its name and the times of its kernels.
    pub fn backend(&mut self) -> &mut dyn Backend {
        self.backend
    }

    /// The blurred volume in whole photons, of photons (z, x, y) that are sent slab by slab while
    /// the device works.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When the volume is shorter than the convolution's shape says.
    pub fn run(&mut self, photons: &[f32]) -> Result<Vec<u32>, ComputeError> {
        let Self {
            backend,
            shape,
            schedule,
            blur,
        } = self;
        let [depth, size_x, size_y] = *shape;
        let plane = size_x * size_y;
        let mut blurred = vec![0; depth * plane];
        let mut rest = &mut blurred[..];
        drive(
            *backend,
            &schedule.steps,
            |step| {
                let emission = step.emission.start * plane..step.emission.end * plane;
                Ok(record(blur, step, schedule, depth, &photons[emission]))
            },
            |_, reads| {
                for read in reads {
                    let (to, after) = std::mem::take(&mut rest).split_at_mut(read.len());
                    rest = after;
                    let pieces = to.par_chunks_mut(PIECE).zip(read.par_chunks(PIECE));
                    pieces.for_each(|(to, read)| to.copy_from_slice(read));
                }
                Ok::<_, ComputeError>(())
            },
            |_| Ok(()),
        )?;
        Ok(blurred)
    }
}

/// The passes of a step; one read, its blurred slices, if it has any.
fn record<'p>(
    blur: &Blur,
    step: &Step,
    schedule: &Schedule,
    depth: usize,
    photons: &'p [f32],
) -> Recording<'p> {
    let mut recording = Recording::default();
    let z = |range: &Range<usize>| RingSlices {
        first_z: range.start,
        slices: range.len(),
        ring: schedule.spectra_ring,
    };
    if !step.emission.is_empty() {
        let words: &[u32] = bytemuck::cast_slice(photons);
        recording.write(EMISSION, 0, words);
        for (number, block) in blur.blocks().iter().enumerate() {
            let buffers = [EMISSION, FOURIER, ROWS, spectra(number)];
            blur.forward(&mut recording, block, z(&step.emission), buffers);
        }
    }
    if step.images.is_empty() {
        return recording;
    }
    let slices = step.images.len();
    let finish = RowsToPhotonsParams {
        first_z: step.images.start as u32,
        step_z: 1,
        slices: slices as u32,
        ..RowsToPhotonsParams::zeroed()
    };
    let all: Vec<FilteredSlice> = step
        .images
        .clone()
        .enumerate()
        .map(|(to, z)| FilteredSlice::new(z, to))
        .collect();
    recording.write(SLICES, 0, bytemuck::cast_slice(&all).to_vec());
    for (number, block) in blur.blocks().iter().enumerate() {
        let filtering = Filtering {
            slices: &all,
            at: 0,
            filtered: slices,
            ring: schedule.spectra_ring,
            depth,
            dark: false,
        };
        let buffers = [spectra(number), PSF, SLICES, FILTERED];
        blur.filter(&mut recording, filtering, buffers);
        let buffers = [FILTERED, FOURIER, ROWS];
        blur.columns_inverse(&mut recording, block, slices, buffers);
        let buffers = [ROWS, FOURIER, TABLES, PROFILE, BLURRED, STATUS];
        blur.rows_inverse(&mut recording, block, finish, &buffers);
    }
    let [size_x, size_y] = blur.blurred_size();
    recording.read(BLURRED, 0..slices * size_x * size_y);
    recording
}

fn specs(schedule: &Schedule, blur: &Blur, slab: usize) -> Vec<BufferSpec> {
    let [size_x, size_y] = blur.blurred_size();
    let plane = size_x * size_y;
    let spectrum = blur.spectrum_words();
    let mut specs = vec![
        ("emission", slab * plane),
        ("transform tables", blur.tables().words.len()),
        ("spectra of rows", blur.rows_words(slab, slab)),
        ("point spread function", blur.psf_words()),
        ("filtered spectra", slab * spectrum),
        ("blurred slices", slab * plane),
        ("status", 1),
        ("tables", 1),
        ("baseline profile", size_x + size_y),
        ("point spread function's values", blur.psf_value_words()),
        ("filtered slices", slab * SLICE_WORDS),
    ];
    let ring = ("spectra", schedule.spectra_ring * spectrum);
    specs.extend(blur.blocks().iter().map(|_| ring));
    let spec = |(name, words): (&str, usize)| BufferSpec {
        name: name.to_owned(),
        words,
    };
    specs.into_iter().map(spec).collect()
}

fn fits(specs: &[BufferSpec], limits: &Limits) -> bool {
    let bytes: u64 = specs.iter().map(BufferSpec::bytes).sum();
    let largest = specs.iter().map(BufferSpec::bytes).max().unwrap_or(0);
    bytes <= limits.wanted_bytes && largest <= limits.binding_bytes.min(limits.buffer_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compute::cpu::CpuBackend;
    use crate::engine::psf::PsfShape;

    /// A Gaussian with 15 voxels on either side of its centre.
    fn gaussian() -> Psf {
        let at = |i: usize| (-((i as f32) / 3.0).powi(2)).exp();
        Psf::from_fn(PsfShape::symmetric([15; 3]), |z, x, y| {
            at(z) * at(x) * at(y)
        })
    }

    #[test]
    fn a_point_becomes_the_kernel_whatever_the_slabs() {
        let psf = gaussian();
        let shape = [40, 9, 35];
        let mut photons = vec![0.0; 40 * 9 * 35];
        photons[(20 * 9 + 4) * 35 + 17] = 1e6;
        let mut found = Vec::new();
        for memory in [64 << 20, 2 << 20] {
            let mut backend = CpuBackend::new(memory);
            let mut convolution = Convolution::new(&mut backend, &psf, shape).unwrap();
            found.push(convolution.run(&photons).unwrap());
        }
        assert!(found[0] == found[1], "slabs change the result");
        // Along z and y nothing but the point and its kernel; along x also its reflections.
        let z = |dz: usize| found[0][((20 + dz) * 9 + 4) * 35 + 17] as f64;
        for dz in 1..=15 {
            let expected = z(0) * f64::from(psf.at(15 + dz, 0, 0));
            assert!((z(dz) - expected).abs() <= 1.5, "{dz}: {}", z(dz));
        }
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let mut backend = CpuBackend::new(1 << 20);
        let empty = Convolution::new(&mut backend, &gaussian(), [3, 0, 3]).err();
        assert!(matches!(empty, Some(ConvolutionError::Shape { .. })));
        let huge = Convolution::new(&mut backend, &gaussian(), [3, 2000, 2000]).err();
        assert!(matches!(huge, Some(ConvolutionError::TooLarge { .. })));
    }
}
