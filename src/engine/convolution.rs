//! The convolution by itself: a volume and a point spread function in, the blurred volume out, by the
//! passes of a run. Benchmarks and comparisons with other libraries go through it.

use crate::engine::compute::{Backend, Buffer, BufferSpec, ComputeError, Limits, Recording};
use crate::engine::fft::{BLOCK, FourierTables, Layout, LineVariant, SliceTransform};
use crate::engine::rng::{StreamKey, TableRef};
use crate::engine::schedule::{Reach, Schedule, Step};
use crate::engine::stages::blur::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use crate::engine::stages::blur::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use crate::engine::stages::blur::filter::{FILTER, FilterParams};
use crate::engine::stages::blur::psf_spectra::{OCTANT, record_psf_spectra};
use crate::engine::stages::blur::rows_inverse::RowsInverseParams;
use crate::engine::stages::blur::{RowLines, TAPS};
use crate::optics::psf::RADIUS;
use rayon::prelude::*;
use std::collections::VecDeque;

/// Words that a thread copies at a time.
const PIECE: usize = 1 << 16;

/// Why a volume cannot be convolved on a device.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConvolutionError {
    /// The volume has no voxels, or the kernel has not 16 values along each axis.
    #[error(
        "a volume of {shape:?} (z, x, y) and {values} values of a kernel, where at least 1 voxel along each axis \
         and 16 x 16 x 16 values are wanted"
    )]
    Shape {
        /// Shape of the volume.
        shape: [usize; 3],
        /// Values of the kernel.
        values: usize,
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
const SPECTRA: Buffer = Buffer(3);
const PSF: Buffer = Buffer(4);
const FILTERED: Buffer = Buffer(5);
const BLURRED: Buffer = Buffer(6);
const STATUS: Buffer = Buffer(7);
const TABLES: Buffer = Buffer(8);
const PROFILE: Buffer = Buffer(9);
const KERNEL: Buffer = Buffer(10);
const BETWEEN: Buffer = Buffer(11);

/// A convolution of volumes of one shape with one kernel of 31 x 31 x 31, mirror-symmetric along each
/// axis; the volume goes on beyond its borders as its reflection. It owns the buffers of its backend.
pub struct Convolution<'a> {
    backend: &'a mut dyn Backend,
    shape: [usize; 3],
    schedule: Schedule,
    transform: SliceTransform,
    tables: FourierTables,
    row_lines: RowLines,
    column_lines: LineVariant,
}

impl<'a> Convolution<'a> {
    /// Prepares volumes of `shape` (z, x, y) and a kernel given by its values from the centre outwards
    /// (z, x, y), 16 along each axis: allocates, and brings the kernel's spectra to the device.
    ///
    /// # Errors
    /// See [`ConvolutionError`].
    pub fn new(
        backend: &'a mut dyn Backend,
        octant: &[f64],
        shape: [usize; 3],
    ) -> Result<Self, ConvolutionError> {
        if shape.contains(&0) || octant.len() != OCTANT {
            let values = octant.len();
            return Err(ConvolutionError::Shape { shape, values });
        }
        let [depth, size_x, size_y] = shape;
        let transform = SliceTransform::new(size_x, size_y, RADIUS);
        let limits = backend.limits().clone();
        let workgroup = limits.workgroup_bytes;
        let tables = transform.tables_within(workgroup);
        let row_lines = RowLines::new(&transform, &tables, workgroup);
        let (columns, at) = (&tables.columns, tables.columns_twiddle_at);
        let column_lines = LineVariant::new(columns, Layout::Columns, at, workgroup);
        let deepest = depth.min(backend.deepest_slab());
        let planned = |slab: usize| {
            let reach = Reach {
                membrane: 0,
                displacement: 0,
                blur: RADIUS,
            };
            let schedule = Schedule::new(depth, slab, reach);
            let specs = specs(&schedule, &transform, &tables, &row_lines, slab);
            (schedule, specs)
        };
        let fitting = (1..=deepest).rev().map(planned);
        let fitting = fitting.into_iter().find(|(_, specs)| fits(specs, &limits));
        let fitting = fitting.filter(|_| transform.line_bytes(workgroup) <= workgroup as usize);
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
        recording.write(FOURIER, 0, tables.words.clone());
        let buffers = [KERNEL, FOURIER, PSF];
        record_psf_spectra(&mut recording, octant, &transform, &tables, buffers);
        recording.clear(STATUS, 0..1);
        let ticket = backend.submit(recording)?;
        backend.wait(ticket)?;
        Ok(Self {
            backend,
            shape,
            schedule,
            transform,
            tables,
            row_lines,
            column_lines,
        })
    }

    /// The backend, for its name and the times of its kernels.
    pub fn backend(&mut self) -> &mut dyn Backend {
        self.backend
    }

    /// The blurred volume in whole photons, of photons (z, x, y) that are sent slab by slab while the
    /// device works.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When the volume is shorter than the convolution's shape says.
    pub fn run(&mut self, photons: &[f32]) -> Result<Vec<u32>, ComputeError> {
        let plane = self.shape[1] * self.shape[2];
        let mut blurred = vec![0; self.shape[0] * plane];
        let mut rest = &mut blurred[..];
        let mut pending = VecDeque::new();
        let mut steps = self.schedule.steps.iter();
        let mut done: Vec<Vec<u32>> = Vec::new();
        loop {
            let next = steps.next();
            if next.is_none() && pending.is_empty() && done.is_empty() {
                break;
            }
            let recording = next.map(|step| {
                let emission = step.emission.start * plane..step.emission.end * plane;
                self.step(step, &photons[emission])
            });
            // The results of a step are copied while the device works on the next.
            let finished = std::mem::take(&mut done);
            let backend = &mut *self.backend;
            let (worked, ()) = rayon::join(
                || -> Result<Vec<Vec<u32>>, ComputeError> {
                    if let Some(recording) = recording {
                        pending.push_back(backend.submit(recording)?);
                        if pending.len() < backend.in_flight() {
                            return Ok(Vec::new());
                        }
                    }
                    match pending.pop_front() {
                        Some(ticket) => backend.wait(ticket),
                        None => Ok(Vec::new()),
                    }
                },
                || {
                    for read in &finished {
                        let (to, after) = std::mem::take(&mut rest).split_at_mut(read.len());
                        rest = after;
                        let pieces = to.par_chunks_mut(PIECE).zip(read.par_chunks(PIECE));
                        pieces.for_each(|(to, read)| to.copy_from_slice(read));
                    }
                },
            );
            self.backend.recycle(finished);
            done = worked?;
        }
        Ok(blurred)
    }

    /// The passes of a step; one read, its blurred slices, if it has any.
    fn step<'p>(&self, step: &Step, photons: &'p [f32]) -> Recording<'p> {
        let mut recording = Recording::default();
        let [depth, size_x, size_y] = self.shape;
        let (transform, tables) = (&self.transform, &self.tables);
        let (blocks, ring) = (transform.blocks(), self.schedule.spectra_ring as u32);
        if !step.emission.is_empty() {
            let words: &[u32] = bytemuck::cast_slice(photons);
            recording.write(EMISSION, 0, words);
            let rows = step.emission.len() * size_x;
            let buffers = [EMISSION, FOURIER, ROWS, BETWEEN];
            self.row_lines.forward(&mut recording, rows, buffers);
            let params = ColumnsForwardParams {
                size_x: size_x as u32,
                frequencies: transform.frequencies() as u32,
                blocks: blocks as u32,
                first_z: step.emission.start as u32,
                slices: step.emission.len() as u32,
                spectra_ring: ring,
                radius: RADIUS as u32,
                source_at: tables.columns_source_at,
            };
            let buffers = [ROWS, FOURIER, SPECTRA];
            let columns = step.emission.len() * blocks * BLOCK;
            let lines = &self.column_lines;
            lines.dispatch(&mut recording, &COLUMNS_FORWARD, params, &buffers, columns);
        }
        if step.images.is_empty() {
            return recording;
        }
        let (first_z, slices) = (step.images.start as u32, step.images.len());
        let params = FilterParams {
            length_x: transform.length_x as u32,
            blocks: blocks as u32,
            depth: depth as u32,
            spectra_ring: ring,
            first_z,
            step_z: 1,
            slices: slices as u32,
            accumulate: 0,
        };
        let buffers = [SPECTRA, PSF, FILTERED];
        recording.dispatch(&FILTER, params, &buffers, transform.spectrum());
        let params = ColumnsInverseParams {
            size_x: size_x as u32,
            length_x: transform.length_x as u32,
            blocks: blocks as u32,
            slices: slices as u32,
        };
        let buffers = [FILTERED, FOURIER, ROWS];
        let columns = slices * blocks * BLOCK;
        let lines = &self.column_lines;
        lines.dispatch(&mut recording, &COLUMNS_INVERSE, params, &buffers, columns);
        let params = RowsInverseParams {
            size_x: size_x as u32,
            size_y: size_y as u32,
            blocks: blocks as u32,
            slices: slices as u32,
            split_at: tables.split_at,
            order_at: tables.rows_order_at,
            origin_z: 0,
            origin_x: 0,
            origin_y: 0,
            first_z,
            step_z: 1,
            baseline: 0,
            baseline_key: StreamKey::default(),
            baseline_photons: TableRef::default(),
        };
        let buffers = [ROWS, FOURIER, TABLES, PROFILE, BLURRED, STATUS, BETWEEN];
        self.row_lines.inverse(&mut recording, params, buffers);
        recording.read(BLURRED, 0..slices * size_x * size_y);
        recording
    }
}

fn specs(
    schedule: &Schedule,
    transform: &SliceTransform,
    tables: &FourierTables,
    row_lines: &RowLines,
    slab: usize,
) -> Vec<BufferSpec> {
    let plane = transform.size_x * transform.size_y;
    let spectrum = 2 * transform.spectrum();
    let rows = transform.frequencies().max(transform.blocks() * BLOCK);
    let half_x = transform.length_x / 2 + 1;
    let specs = [
        ("emission", slab * plane),
        ("transform tables", tables.words.len()),
        ("spectra of rows", 2 * slab * transform.size_x * rows),
        ("spectra", schedule.spectra_ring * spectrum),
        (
            "point spread function",
            transform.blocks() * half_x * TAPS * BLOCK,
        ),
        ("filtered spectra", slab * spectrum),
        ("blurred slices", slab * plane),
        ("status", 1),
        ("tables", 1),
        ("baseline profile", transform.size_x + transform.size_y),
        ("point spread function's values", OCTANT),
        ("lines between two passes", row_lines.lines_words(slab)),
    ];
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

    fn octant() -> Vec<f64> {
        let at = |i: usize| (-((i as f64) / 3.0).powi(2)).exp();
        let values = (0..TAPS.pow(3)).map(|i| at(i / 256) * at(i / 16 % 16) * at(i % 16));
        values.collect()
    }

    #[test]
    fn a_point_becomes_the_kernel_whatever_the_slabs() {
        let octant = octant();
        let shape = [40, 9, 35];
        let mut photons = vec![0.0; 40 * 9 * 35];
        photons[(20 * 9 + 4) * 35 + 17] = 1e6;
        let mut found = Vec::new();
        for memory in [64 << 20, 2 << 20] {
            let mut backend = CpuBackend::new(memory);
            let mut convolution = Convolution::new(&mut backend, &octant, shape).unwrap();
            found.push(convolution.run(&photons).unwrap());
        }
        assert!(found[0] == found[1], "slabs change the result");
        // Along z and y nothing but the point and its kernel; along x also its reflections.
        let z = |dz: usize| found[0][((20 + dz) * 9 + 4) * 35 + 17] as f64;
        for dz in 1..TAPS {
            let expected = z(0) * octant[dz * 256] / octant[0];
            assert!((z(dz) - expected).abs() <= 1.5, "{dz}: {}", z(dz));
        }
    }

    #[test]
    fn shapes_that_cannot_be_are_refused() {
        let mut backend = CpuBackend::new(1 << 20);
        let empty = Convolution::new(&mut backend, &octant(), [3, 0, 3]).err();
        assert!(matches!(empty, Some(ConvolutionError::Shape { .. })));
        let short = Convolution::new(&mut backend, &[1.0; 5], [3, 3, 3]).err();
        assert!(matches!(
            short,
            Some(ConvolutionError::Shape { values: 5, .. })
        ));
        let huge = Convolution::new(&mut backend, &octant(), [3, 2000, 2000]).err();
        assert!(matches!(huge, Some(ConvolutionError::TooLarge { .. })));
    }
}
