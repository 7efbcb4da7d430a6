//! The Fourier transform of a slice: lengths, factors, tables and the code generated for them.
//!
//! A slice is transformed real to complex along y, the contiguous axis, and then complex to complex
//! along x. Its spectrum is kept in blocks of [`BLOCK`] neighbouring frequencies of y: within a
//! block the frequencies of x follow one another, so that a column transform reads and writes whole
//! cache lines and a block is contiguous.

mod codelet;
mod cpu;
mod recipe;
mod shader;

pub use crate::engine::compute::Layout;
pub(crate) use cpu::{complex_plan, real_plans};
pub use recipe::{Recipe, good_length};
pub use shader::LineVariant;

use super::blocks::{BlockAxis, BlockGrid};
use std::ops::Range;

/// Frequencies of y in a block of a spectrum.
pub const BLOCK: usize = 8;

/// The lengths of the in-slice transform: those of the blocks in which slices are convolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceTransform {
    /// The blocks of a slice.
    pub grid: BlockGrid,
    /// Length of the transform along x.
    pub length_x: usize,
    /// Length of the transform along y; even.
    pub length_y: usize,
}

impl SliceTransform {
    /// Lengths a little above what a block and the kernel's radius on both sides need. What wraps
    /// around falls on the padding.
    pub fn new(grid: BlockGrid) -> Self {
        let needed = |axis: BlockAxis| axis.core + 2 * axis.radius;
        Self {
            grid,
            length_x: good_length(needed(grid.x)),
            length_y: 2 * good_length(needed(grid.y).div_ceil(2)),
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

    /// Complex numbers in the spectrum of a slice's block.
    pub fn spectrum(&self) -> usize {
        self.blocks() * self.length_x * BLOCK
    }

    /// The longest line that a workgroup must hold, in bytes.
    pub fn line_bytes(&self) -> usize {
        self.length_x.max(self.length_y / 2) * 8
    }

    /// The tables that the transforms of these blocks (along x and along y) read, for a part of the
    /// slices with these rows and columns of the tissue.
    pub fn tables(
        &self,
        [blocks_x, blocks_y]: &[Range<usize>; 2],
        [_, columns]: [Range<usize>; 2],
    ) -> FourierTables {
        let half = self.length_y / 2;
        let rows_recipe = Recipe::new(half);
        let columns_recipe = Recipe::new(self.length_x);
        let mut words: Vec<[f32; 2]> = Vec::new();
        let mut push = |part: &mut dyn Iterator<Item = [f32; 2]>| {
            let at = words.len() as u32;
            words.extend(part);
            at
        };
        let roots = |count: usize, length: usize| (0..count).map(move |k| root(k, length));
        let order = |recipe: &Recipe| recipe.order().into_iter().map(|at| [at as f32, 0.0]);
        let source = |axis: BlockAxis, block: usize, length: usize, from: usize| {
            let place = move |n| axis.source(block, n, length);
            let place = move |n| place(n).map_or(-1.0, |voxel| (voxel - from) as f32);
            (0..length).map(move |n| [place(n), 0.0])
        };
        let BlockGrid { x, y } = self.grid;
        FourierTables {
            rows_twiddle_at: push(&mut roots(half, half)),
            split_at: push(&mut roots(half + 1, self.length_y)),
            rows_order_at: push(&mut order(&rows_recipe)),
            columns_twiddle_at: push(&mut roots(self.length_x, self.length_x)),
            rows_source_at: blocks_y
                .clone()
                .map(|block| push(&mut source(y, block, self.length_y, columns.start)))
                .collect(),
            columns_source_at: blocks_x
                .clone()
                .map(|block| push(&mut source(x, block, self.length_x, x.window(block).start)))
                .collect(),
            rows: rows_recipe,
            columns: columns_recipe,
            words: bytemuck::cast_slice(&words).to_vec(),
        }
    }
}

/// exp(-2 pi i k / length).
fn root(k: usize, length: usize) -> [f32; 2] {
    let angle = -2.0 * std::f64::consts::PI * k as f64 / length as f64;
    [libm::cos(angle) as f32, libm::sin(angle) as f32]
}

/// Roots of unity and orders of the outputs, as the shaders read them (pairs of f32), and where
/// each part starts (in pairs).
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
    /// For each block along y: which column of the part each point of a row is, or -1.
    pub rows_source_at: Vec<u32>,
    /// For each block along x: which of the rows that it reads each point of a column is, or -1.
    pub columns_source_at: Vec<u32>,
    /// The table itself, in words.
    pub words: Vec<u32>,
}
