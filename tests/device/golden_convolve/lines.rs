//! Transforms of single lines, by the kernels of a run, against f64.

use super::volumes::relative_error;
use crate::support::{allocate, execute};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;
use simexm_gpu::internals::engine::blocks::{BlockAxis, BlockGrid};
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::engine::fft::{
    BLOCK, FourierTables, Layout, LineVariant, SliceTransform,
};
use simexm_gpu::internals::engine::rng::philox4x32_10;
use simexm_gpu::internals::engine::stages::blur::columns_forward::{
    COLUMNS_FORWARD, ColumnsForwardParams,
};
use simexm_gpu::internals::engine::stages::blur::rows_forward::{ROWS_FORWARD, RowsForwardParams};

/// The longest line of a block and a kernel of up to 64 voxels' radius.
const LONGEST: usize = 1152;

/// Lengths 2^a 3^b 5^c 7^d up to the longest.
fn lengths() -> Vec<usize> {
    let smooth = |length: &usize| {
        let mut rest = *length;
        for prime in [2, 3, 5, 7] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        rest == 1
    };
    (1..=LONGEST).filter(smooth).collect()
}

/// Numbers between -1 and 1.
fn noise(count: usize, salt: usize) -> Vec<f32> {
    let word = |at: usize| philox4x32_10([at as u32, salt as u32, 0, 0], [5, 8])[0];
    (0..count)
        .map(|at| word(at) as i32 as f32 / 2.0f32.powi(31))
        .collect()
}

/// The transform as its definition has it.
fn naive(line: &[Complex<f64>]) -> Vec<Complex<f64>> {
    let length = line.len();
    let turn = |k: usize, n: usize| {
        let angle = -2.0 * std::f64::consts::PI * (k * n % length) as f64 / length as f64;
        Complex::from_polar(1.0, angle)
    };
    (0..length)
        .map(|k| {
            line.iter()
                .enumerate()
                .map(|(n, value)| value * turn(k, n))
                .sum()
        })
        .collect()
}

/// The judge: the definition for short lines; for long ones f64, which agrees with it.
fn transform(mut line: Vec<Complex<f64>>, planner: &mut FftPlanner<f64>) -> Vec<Complex<f64>> {
    if line.len() <= 128 {
        return naive(&line);
    }
    planner.plan_fft_forward(line.len()).process(&mut line);
    line
}

/// An axis that is one block, without a kernel.
fn axis(size: usize) -> BlockAxis {
    BlockAxis {
        size,
        core: size,
        radius: 0,
        dark: false,
    }
}

/// The tables of these transforms.
fn tables(transform: &SliceTransform) -> FourierTables {
    let BlockGrid { x, y } = transform.grid;
    transform.tables(&[0..1, 0..1], [0..x.size, 0..y.size])
}

/// Lines of two lengths: complex ones along x, and real ones of twice the other length along y.
fn slice(length_x: usize, half_y: usize) -> SliceTransform {
    SliceTransform {
        grid: BlockGrid {
            x: axis(length_x),
            y: axis(2 * half_y),
        },
        length_x,
        length_y: 2 * half_y,
    }
}

fn complex_lines(backend: &mut dyn Backend, length: usize, lines: &[f32]) -> Vec<f32> {
    let transform = slice(length, 4);
    let tables = tables(&transform);
    let at = tables.columns_twiddle_at;
    let workgroup = backend.limits().workgroup_bytes;
    let made = LineVariant::new(&tables.columns, Layout::Columns, at, workgroup);
    let words = [lines.len(), tables.words.len(), lines.len()];
    let [rows, fourier, spectra] = allocate(backend, words);
    let params = ColumnsForwardParams {
        size_x: length as u32,
        frequencies: BLOCK as u32,
        blocks: 1,
        first_z: 0,
        slices: 1,
        spectra_ring: 1,
        source_at: tables.columns_source_at[0],
    };
    let mut recording = Recording::default();
    recording.write(rows, 0, bytemuck::cast_slice(lines).to_vec());
    recording.write(fourier, 0, tables.words);
    let (variant, workgroups) = (Some(made.variant), BLOCK.div_ceil(made.lines));
    let buffers = [rows, fourier, spectra];
    recording.dispatch_variant(&COLUMNS_FORWARD, variant, params, &buffers, workgroups);
    recording.read(spectra, 0..lines.len());
    bytemuck::cast_vec(execute(backend, recording).concat())
}

fn real_lines(backend: &mut dyn Backend, half: usize, lines: &[f32]) -> Vec<f32> {
    let tables = tables(&slice(1, half));
    let at = tables.rows_twiddle_at;
    let workgroup = backend.limits().workgroup_bytes;
    let made = LineVariant::new(&tables.rows, Layout::Rows, at, workgroup);
    let count = lines.len() / (2 * half);
    let spectrum = 2 * (half + 1) * count;
    let words = [lines.len(), tables.words.len(), spectrum];
    let [emission, fourier, rows] = allocate(backend, words);
    let params = RowsForwardParams {
        size_x: count as u32,
        size_y: 2 * half as u32,
        first_x: 0,
        rows: count as u32,
        slices: 1,
        split_at: tables.split_at,
        order_at: tables.rows_order_at,
        source_at: tables.rows_source_at[0],
    };
    let mut recording = Recording::default();
    recording.write(emission, 0, bytemuck::cast_slice(lines).to_vec());
    recording.write(fourier, 0, tables.words);
    let (variant, workgroups) = (Some(made.variant), count.div_ceil(made.lines));
    let buffers = [emission, fourier, rows];
    recording.dispatch_variant(&ROWS_FORWARD, variant, params, &buffers, workgroups);
    recording.read(rows, 0..spectrum);
    bytemuck::cast_vec(execute(backend, recording).concat())
}

fn as_complex(numbers: &[f32]) -> Vec<Complex<f64>> {
    let pairs = numbers.chunks_exact(2);
    pairs
        .map(|pair| Complex::new(pair[0].into(), pair[1].into()))
        .collect()
}

/// The worst relative error of a line at a length.
fn worst_line(backend: &mut dyn Backend, length: usize, planner: &mut FftPlanner<f64>) -> f64 {
    let mut worst = 0.0f64;
    // Complex lines lie side by side.
    let lines = noise(2 * BLOCK * length, length);
    let found = as_complex(&complex_lines(backend, length, &lines));
    let lines = as_complex(&lines);
    for column in 0..BLOCK {
        let line = |all: &[Complex<f64>]| all.iter().skip(column).step_by(BLOCK).copied().collect();
        let expected = transform(line(&lines), planner);
        let found: Vec<_> = line(&found);
        worst = worst.max(relative_error(&found, &expected));
    }
    let count = 3;
    let lines = noise(count * 2 * length, length + 1);
    let found = as_complex(&real_lines(backend, length, &lines));
    for (found, line) in found
        .chunks_exact(length + 1)
        .zip(lines.chunks_exact(2 * length))
    {
        let line = line
            .iter()
            .map(|&value| Complex::new(value.into(), 0.0))
            .collect();
        let expected = transform(line, planner);
        worst = worst.max(relative_error(found, &expected[..=length]));
    }
    worst
}

pub fn check(backend: &mut dyn Backend) {
    let mut planner = FftPlanner::new();
    let mut worst = (0.0f64, 0);
    for length in lengths() {
        let error = worst_line(backend, length, &mut planner);
        if error > worst.0 {
            worst = (error, length);
        }
        assert!(
            error <= 1e-6,
            "length {length}, {}: {error:.2e}",
            backend.name()
        );
    }
    println!(
        "{}: at most {:.2e}, at length {}",
        backend.name(),
        worst.0,
        worst.1
    );
}
