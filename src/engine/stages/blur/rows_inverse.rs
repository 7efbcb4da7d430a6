//! Complex-to-real transform back along y, cropped: what all ends of the blur have in common. What
//! becomes of a value belongs to the model, which chooses an [`Epilogue`].

use super::zeros;
use crate::engine::compute::{Extent, Kernel, KernelParams, Traffic};
use crate::engine::fft::{BLOCK, real_plans};
use crate::engine::stages::for_rows_init;
use rustfft::num_complex::Complex32;

/// Where the rows of a block are, in their spectra and in the blurred slices.
#[derive(Clone, Copy, Debug)]
pub struct BlockRows {
    /// Rows of the block.
    pub size_x: u32,
    /// Columns of the block.
    pub size_y: u32,
    /// Rows of a blurred slice.
    pub blurred_x: u32,
    /// Columns of a blurred slice.
    pub blurred_y: u32,
    /// First row of the block there.
    pub at_x: u32,
    /// First column of the block there.
    pub at_y: u32,
    /// Blocks of frequencies of y.
    pub blocks: u32,
    /// Where the roots that put a packed row together start in the tables.
    pub split_at: u32,
    /// Where the order of the outputs starts in the tables.
    pub order_at: u32,
}

impl BlockRows {
    /// Frequencies of y; the length of the transform is in the generated code of the shader.
    fn frequencies(&self) -> usize {
        (self.order_at - self.split_at) as usize
    }

    /// Bytes that are moved for so many slices.
    fn traffic(&self, slices: u32) -> Traffic {
        let rows = u64::from(slices) * u64::from(self.size_x);
        Traffic::words(
            2 * rows * self.frequencies() as u64,
            rows * u64::from(self.size_y),
        )
    }

    /// The twin of `shaders/shared/rows_inverse.wgsl`: `store(scratch, values, out, [slice, x])`
    /// takes the values of a block's row to its place in the blurred slices, with something of its
    /// own for each thread.
    pub(super) fn inverse<T: Send, S: Default>(
        &self,
        rows: &[Complex32],
        blurred: &mut [T],
        slices: u32,
        store: impl Fn(&mut S, &[f32], &mut [T], [u32; 2]) + Sync + Send,
    ) {
        let (size_x, size_y) = (self.size_x as usize, self.size_y as usize);
        let (at_x, at_y) = (self.at_x as usize, self.at_y as usize);
        let (blocks, frequencies) = (self.blocks as usize, self.frequencies());
        let length = 2 * (frequencies - 1);
        let (_, plan) = real_plans(length);
        let scratch = || {
            let transform = zeros(plan.get_scratch_len());
            let line = vec![0.0f32; length];
            (zeros(frequencies), line, transform, S::default())
        };
        for_rows_init(
            blurred,
            self.blurred_x as usize,
            self.blurred_y as usize,
            slices,
            scratch,
            |(spectrum, line, scratch, of_store), slice, row, out: &mut [T]| {
                let Some(x) = row.checked_sub(at_x).filter(|&x| x < size_x) else {
                    return;
                };
                for (block, values) in spectrum.chunks_mut(BLOCK).enumerate() {
                    let at = ((slice as usize * blocks + block) * size_x + x) * BLOCK;
                    values.copy_from_slice(&rows[at..at + values.len()]);
                }
                // Real by symmetry, but for rounding, which the plan would refuse.
                spectrum[0].im = 0.0;
                spectrum[frequencies - 1].im = 0.0;
                let _ = plan.process_with_scratch(spectrum, line, scratch);
                let out = &mut out[at_y..at_y + size_y];
                store(of_store, &line[..size_y], out, [slice, row as u32]);
            },
        );
    }
}

/// The end of the blur: the parameters of a kernel that takes spectra of rows back, and says what
/// becomes of the values. Its first bindings are the spectra of rows and the tables of the
/// transforms.
pub trait Epilogue: KernelParams {
    /// The kernel.
    const KERNEL: &'static Kernel;

    /// For the rows of a block.
    #[must_use]
    fn of_block(self, rows: BlockRows) -> Self;

    /// The rows of its block.
    fn rows(&self) -> BlockRows;

    /// The number of slices.
    fn slices(&self) -> u32;
}

/// The bytes that an epilogue must move, but for what it reads of its own.
pub(super) fn traffic<E: Epilogue>(extent: Extent<'_>) -> Traffic {
    let params: E = extent.params();
    params.rows().traffic(params.slices())
}

/// Declares the parameters of an epilogue: those of the rows of a block and the number of slices,
/// and then its own.
macro_rules! epilogue_params {
    (
        $(#[$meta:meta])*
        $name:ident of $kernel:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)? }
    ) => {
        $crate::engine::compute::kernel_params! {
            $(#[$meta])*
            $name {
                /// Rows of the block.
                size_x: u32,
                /// Columns of the block.
                size_y: u32,
                /// Rows of a blurred slice.
                blurred_x: u32,
                /// Columns of a blurred slice.
                blurred_y: u32,
                /// First row of the block there.
                at_x: u32,
                /// First column of the block there.
                at_y: u32,
                /// Blocks of frequencies of y.
                blocks: u32,
                /// Number of slices.
                slices: u32,
                /// Where the roots that put a packed row together start in the tables.
                split_at: u32,
                /// Where the order of the outputs starts in the tables.
                order_at: u32,
                $($(#[$field_meta])* $field: $kind),*
            }
        }

        impl $crate::engine::stages::blur::Epilogue for $name {
            const KERNEL: &'static $crate::engine::compute::Kernel = &$kernel;

            fn of_block(mut self, rows: $crate::engine::stages::blur::rows_inverse::BlockRows) -> Self {
                (self.size_x, self.size_y) = (rows.size_x, rows.size_y);
                (self.blurred_x, self.blurred_y) = (rows.blurred_x, rows.blurred_y);
                (self.at_x, self.at_y) = (rows.at_x, rows.at_y);
                self.blocks = rows.blocks;
                (self.split_at, self.order_at) = (rows.split_at, rows.order_at);
                self
            }

            fn rows(&self) -> $crate::engine::stages::blur::rows_inverse::BlockRows {
                $crate::engine::stages::blur::rows_inverse::BlockRows {
                    size_x: self.size_x,
                    size_y: self.size_y,
                    blurred_x: self.blurred_x,
                    blurred_y: self.blurred_y,
                    at_x: self.at_x,
                    at_y: self.at_y,
                    blocks: self.blocks,
                    split_at: self.split_at,
                    order_at: self.order_at,
                }
            }

            fn slices(&self) -> u32 {
                self.slices
            }
        }
    };
}
pub(super) use epilogue_params;
