//! The Fourier transform of a slice: lengths, factors, tables and the code generated for them.
//!
//! A slice is transformed real to complex along y, the contiguous axis, and then complex to complex
//! along x. Its spectrum is kept in blocks of [`BLOCK`] neighbouring frequencies of y: within a block
//! the frequencies of x follow one another, so that a column transform reads and writes whole cache
//! lines and a block is contiguous.

mod codelet;
mod cpu;
mod recipe;
mod shader;

pub use crate::engine::compute::Layout;
pub(crate) use cpu::{complex_plan, real_plans};
pub use recipe::{Recipe, good_length};
pub use shader::LineVariant;

/// Frequencies of y in a block of a spectrum.
pub const BLOCK: usize = 8;

/// The lengths of the in-slice transform of a volume with slices of `size_x` by `size_y` voxels that
/// is convolved with a kernel of this radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceTransform {
    /// Rows of a slice.
    pub size_x: usize,
    /// Columns of a slice.
    pub size_y: usize,
    /// Radius of the kernel in voxels.
    pub radius: usize,
    /// Length of the transform along x.
    pub length_x: usize,
    /// Length of the transform along y; even.
    pub length_y: usize,
}

impl SliceTransform {
    /// Lengths a little above what reflection by the radius on both sides needs. What wraps around
    /// falls on the padding.
    pub fn new(size_x: usize, size_y: usize, radius: usize) -> Self {
        Self {
            size_x,
            size_y,
            radius,
            length_x: good_length(size_x + 2 * radius),
            length_y: 2 * good_length((size_y + 2 * radius).div_ceil(2)),
        }
    }

    /// Frequencies of y: half of the spectrum of a real row, and one.
    pub fn frequencies(&self) -> usize {
        self.length_y / 2 + 1
    }

    /// Blocks of a spectrum; the last may have columns to spare, which are 0.
    pub fn blocks(&self) -> usize {
        self.frequencies().div_ceil(BLOCK)
    }

    /// Complex numbers in the spectrum of a slice.
    pub fn spectrum(&self) -> usize {
        self.blocks() * self.length_x * BLOCK
    }

    /// The two parts of a row's length, where a workgroup with so much memory cannot hold the row.
    fn row_parts(&self, workgroup_bytes: u32) -> Option<(usize, usize)> {
        let fits = self.length_y / 2 * 8 <= workgroup_bytes as usize;
        (!fits).then(|| two_parts(self.length_y))
    }

    /// The longest line that a workgroup must hold, in bytes, if it has so many: columns are transformed in
    /// one pass, rows in one or two.
    pub fn line_bytes(&self, workgroup_bytes: u32) -> usize {
        let row = self.row_parts(workgroup_bytes);
        let row = row.map_or(self.length_y / 2, |(_, second)| second);
        self.length_x.max(row) * 8
    }

    /// The tables that the transforms read where a workgroup holds any row.
    pub fn tables(&self) -> FourierTables {
        self.tables_within(u32::MAX)
    }

    /// The tables that the transforms read; with those of two passes along y where a row exceeds the memory
    /// of a workgroup.
    pub fn tables_within(&self, workgroup_bytes: u32) -> FourierTables {
        let half = self.length_y / 2;
        let rows = Recipe::new(half);
        let columns = Recipe::new(self.length_x);
        let mut words: Vec<[f32; 2]> = Vec::new();
        let mut push = |part: &mut dyn Iterator<Item = [f32; 2]>| {
            let at = words.len() as u32;
            words.extend(part);
            at
        };
        let roots = |count: usize, length: usize| (0..count).map(move |k| root(k, length));
        let order = |recipe: &Recipe| recipe.order().into_iter().map(|at| [at as f32, 0.0]);
        let source = |length: usize, size: usize| {
            (0..length).map(move |n| {
                let source = padded_source(n, length, size, self.radius);
                [source.map_or(-1.0, |at| at as f32), 0.0]
            })
        };
        let rows_twiddle_at = push(&mut roots(half, half));
        let split_at = push(&mut roots(half + 1, self.length_y));
        let rows_order_at = push(&mut order(&rows));
        let columns_twiddle_at = push(&mut roots(self.length_x, self.length_x));
        let rows_source_at = push(&mut source(self.length_y, self.size_y));
        let columns_source_at = push(&mut source(self.length_x, self.size_x));
        let long_rows = self.row_parts(workgroup_bytes).map(|(first, second)| {
            let (first, second) = (Recipe::new(first), Recipe::new(second));
            LongRows {
                roots_at: push(&mut roots(self.length_y, self.length_y)),
                first_twiddle_at: push(&mut roots(first.length, first.length)),
                second_twiddle_at: push(&mut roots(second.length, second.length)),
                second_order_at: push(&mut order(&second)),
                first,
                second,
            }
        });
        FourierTables {
            long_rows,
            rows_source_at,
            columns_source_at,
            rows,
            columns,
            rows_twiddle_at,
            split_at,
            rows_order_at,
            columns_twiddle_at,
            words: bytemuck::cast_slice(&words).to_vec(),
        }
    }
}

/// Position in the volume of point n of a line of `length` points that holds `size` voxels, then
/// their reflection, and at the end the reflection before the first voxel; none for padding that
/// no voxel sees.
pub(crate) fn padded_source(n: usize, length: usize, size: usize, radius: usize) -> Option<usize> {
    let position = if n >= size + radius {
        n as i32 - length as i32
    } else {
        n as i32
    };
    (position >= -(radius as i32))
        .then(|| crate::base::volume::fold(position, size as u32) as usize)
}

/// exp(-2 pi i k / length).
fn root(k: usize, length: usize) -> [f32; 2] {
    let angle = -2.0 * std::f64::consts::PI * k as f64 / length as f64;
    [libm::cos(angle) as f32, libm::sin(angle) as f32]
}

/// The two factors of a length that are nearest to each other, the smaller one first.
fn two_parts(length: usize) -> (usize, usize) {
    let divides = |&first: &usize| length.is_multiple_of(first);
    let first = (1..=length.isqrt()).rev().find(divides).unwrap_or(1);
    (first, length / first)
}

/// A transform along y in two passes: over points that are as far apart as the second length, then over
/// neighbouring ones. Where their tables start is told in pairs.
#[derive(Clone, Debug)]
pub struct LongRows {
    /// Factors of the first pass's length.
    pub first: Recipe,
    /// Factors of the second pass's length.
    pub second: Recipe,
    /// Roots of the whole length.
    pub roots_at: u32,
    /// Twiddle factors of the first pass.
    pub first_twiddle_at: u32,
    /// Twiddle factors of the second pass.
    pub second_twiddle_at: u32,
    /// Order of the second pass's outputs.
    pub second_order_at: u32,
}

/// Roots of unity and orders of the outputs, as the shaders read them (pairs of f32), and where each
/// part starts (in pairs).
#[derive(Clone, Debug)]
pub struct FourierTables {
    /// Factors of half the length along y.
    pub rows: Recipe,
    /// Factors of the length along x.
    pub columns: Recipe,
    /// Twiddle factors of the rows.
    pub rows_twiddle_at: u32,
    /// Roots that take a packed real row apart.
    pub split_at: u32,
    /// Where each frequency of a row is left by the transform in place.
    pub rows_order_at: u32,
    /// Twiddle factors of the columns.
    pub columns_twiddle_at: u32,
    /// Which voxel each point of a padded row is, or -1.
    pub rows_source_at: u32,
    /// As `rows_source_at`, for the columns.
    pub columns_source_at: u32,
    /// Two passes along y, where a row exceeds the memory of a workgroup.
    pub long_rows: Option<LongRows>,
    /// The table itself, in words.
    pub words: Vec<u32>,
}
