//! The passes of the convolution over the blocks of a part of a slice, as they are recorded.

use super::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use super::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use super::filter::{FILTER, FilterParams, FilteredSlice};
use super::psf_spectra::{self, PSF_SPECTRA, PsfSpectraParams};
use super::rows_forward::{ROWS_FORWARD, RowsForwardParams};
use super::rows_inverse::{BlockRows, Epilogue};
use super::{taps, wide};
use crate::engine::blocks::BlockGrid;
use crate::engine::compute::{Buffer, Grid, Recording, Variant};
use crate::engine::fft::{BLOCK, FourierTables, Layout, LineVariant, SliceTransform};
use crate::engine::psf::{Psf, PsfShape};
use std::ops::Range;

/// A part of the slices of a tissue, as far as the convolution is concerned. Voxels are counted in
/// the tissue.
#[derive(Clone, Debug)]
pub struct BlurPart {
    /// The blocks of the tissue.
    pub grid: BlockGrid,
    /// Those of the part, along x and along y.
    pub blocks: [Range<usize>; 2],
    /// The voxels of the part, rows and columns: at least those that its blocks read.
    pub voxels: [Range<usize>; 2],
}

impl BlurPart {
    /// Whole slices.
    pub fn whole(grid: BlockGrid) -> Self {
        Self {
            grid,
            blocks: [0..grid.x.count(), 0..grid.y.count()],
            voxels: [0..grid.x.size, 0..grid.y.size],
        }
    }
}

/// A block of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The rows that it reads, in the part.
    rows: Range<usize>,
    /// Rows and columns that it gives.
    size: [usize; 2],
    /// Where these start in the blurred voxels of the part.
    at: [usize; 2],
    /// Where the voxels of the points start in the tables: along the rows, and along the columns.
    source_at: [u32; 2],
}

/// Records the convolution of a part of a tissue's slices: forward to spectra, the filter along z,
/// and back.
#[derive(Clone, Debug)]
pub struct Blur {
    transform: SliceTransform,
    tables: FourierTables,
    row_lines: LineVariant,
    column_lines: LineVariant,
    psf: PsfShape,
    planes: Variant,
    taps: Variant,
    /// Rows and columns of the part.
    size: [usize; 2],
    /// Rows and columns of its blurred voxels.
    blurred: [usize; 2],
    blocks: Vec<Block>,
}

/// Slices in a ring: the first, how many, and the slots of the ring.
#[derive(Clone, Copy, Debug)]
pub struct RingSlices {
    /// The first slice.
    pub first_z: usize,
    /// The number of slices.
    pub slices: usize,
    /// Slots of the ring of spectra.
    pub ring: usize,
}

/// Slices that are filtered by one function.
#[derive(Clone, Copy, Debug)]
pub struct Filtering<'a> {
    /// The slices, by ascending focus.
    pub slices: &'a [FilteredSlice],
    /// Where they lie in the device's list of slices.
    pub at: usize,
    /// Slices of the filtered spectra.
    pub filtered: usize,
    /// Slots of the ring of spectra.
    pub ring: usize,
    /// Slices of the volume.
    pub depth: usize,
    /// True where it is dark before the first slice of the volume and behind its last one, and not
    /// its reflection.
    pub dark: bool,
}

impl Blur {
    /// Prepares the passes over a part for point spread functions of this shape, on a device with
    /// so much workgroup memory. The grid's blocks reach as far as the functions do.
    pub fn new(part: &BlurPart, psf: PsfShape, workgroup_bytes: u32) -> Self {
        let transform = SliceTransform::new(part.grid);
        let tables = transform.tables(&part.blocks, part.voxels.clone());
        let lines = |recipe, layout, at| LineVariant::new(recipe, layout, at, workgroup_bytes);
        let (BlockGrid { x, y }, [rows, _]) = (part.grid, &part.voxels);
        let [blocks_x, blocks_y] = &part.blocks;
        let (imaged_x, imaged_y) = (x.voxels(blocks_x.clone()), y.voxels(blocks_y.clone()));
        let across = blocks_x.clone().zip(&tables.columns_source_at);
        let blocks = across.flat_map(|(block_x, &columns_source_at)| {
            let (window, own_x) = (x.window(block_x), x.block(block_x));
            let window = window.start - rows.start..window.end - rows.start;
            let (imaged_x, imaged_y) = (imaged_x.start, imaged_y.start);
            let along = blocks_y.clone().zip(&tables.rows_source_at);
            along.map(move |(block_y, &rows_source_at)| {
                let own_y = y.block(block_y);
                Block {
                    rows: window.clone(),
                    size: [own_x.len(), own_y.len()],
                    at: [own_x.start - imaged_x, own_y.start - imaged_y],
                    source_at: [rows_source_at, columns_source_at],
                }
            })
        });
        Self {
            blocks: blocks.collect(),
            row_lines: lines(&tables.rows, Layout::Rows, tables.rows_twiddle_at),
            column_lines: lines(&tables.columns, Layout::Columns, tables.columns_twiddle_at),
            size: part.voxels.clone().map(|voxels| voxels.len()),
            blurred: [imaged_x.len(), imaged_y.len()],
            transform,
            tables,
            psf,
            planes: psf_spectra::variant(&psf),
            taps: taps::variant(&psf),
        }
    }

    /// Lengths of a block's transform.
    pub fn transform(&self) -> &SliceTransform {
        &self.transform
    }

    /// The tables that the transforms read.
    pub fn tables(&self) -> &FourierTables {
        &self.tables
    }

    /// The blocks, each with a ring of spectra of its own.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Rows and columns of the blurred voxels.
    pub fn blurred_size(&self) -> [usize; 2] {
        self.blurred
    }

    /// Words of the spectrum of a block in a slice.
    pub fn spectrum_words(&self) -> usize {
        2 * self.transform.spectrum()
    }

    /// Words of the spectra of a point spread function's planes.
    pub fn psf_words(&self) -> usize {
        let half_x = self.transform.length_x / 2 + 1;
        self.transform.blocks() * half_x * self.psf.planes() * BLOCK
    }

    /// Words of a point spread function's values on the device, whose spectra are made of them
    /// there; none where the host makes them.
    pub fn psf_value_words(&self) -> usize {
        if wide::is_wide(&self.psf) {
            0
        } else {
            self.psf.values()
        }
    }

    /// Words that the host brings for a point spread function: its values, or its spectra.
    pub fn psf_host_words(&self) -> usize {
        if wide::is_wide(&self.psf) {
            self.psf_words()
        } else {
            self.psf.values()
        }
    }

    /// The spectra of a point spread function's planes. The buffers are for its values, the tables,
    /// and the spectra.
    ///
    /// # Panics
    /// When the function has another shape than this was made for.
    pub fn psf_spectra(
        &self,
        recording: &mut Recording<'_>,
        psf: &Psf,
        [values, fourier, spectra]: [Buffer; 3],
    ) {
        assert_eq!(psf.shape(), self.psf, "shape of a point spread function");
        if wide::is_wide(&self.psf) {
            let words = bytemuck::cast_vec(wide::spectra(psf, &self.transform));
            recording.write(spectra, 0, words);
            return;
        }
        let words: Vec<u32> = psf.values().iter().map(|value| value.to_bits()).collect();
        recording.write(values, 0, words);
        let params = PsfSpectraParams::new(&self.transform, &self.tables, &self.psf);
        recording.dispatch_variant(
            &PSF_SPECTRA,
            Some(self.planes.clone()),
            params,
            &[values, fourier, spectra],
            psf_spectra::workgroups(&self.transform, &self.psf),
        );
    }

    /// Words of the spectra of rows, of a block in so many slices that emit or are blurred.
    pub fn rows_words(&self, emission: usize, images: usize) -> usize {
        let read = self.blocks.iter().map(|block| block.rows.len()).max();
        let given = self.blocks.iter().map(|block| block.size[0]).max();
        let forward = emission * read.unwrap_or(0) * self.transform.frequencies();
        let inverse = images * given.unwrap_or(0) * self.transform.blocks() * BLOCK;
        2 * forward.max(inverse)
    }

    /// Spectra of a block of emission. The buffers are the emission of the slices, the tables, the
    /// spectra of rows and the block's ring of spectra.
    pub fn forward(
        &self,
        recording: &mut Recording<'_>,
        block: &Block,
        z: RingSlices,
        [emission, fourier, rows, spectra]: [Buffer; 4],
    ) {
        let lines = z.slices * block.rows.len();
        let params = RowsForwardParams {
            size_x: self.size[0] as u32,
            size_y: self.size[1] as u32,
            first_x: block.rows.start as u32,
            rows: block.rows.len() as u32,
            slices: z.slices as u32,
            split_at: self.tables.split_at,
            order_at: self.tables.rows_order_at,
            source_at: block.source_at[0],
        };
        let buffers = [emission, fourier, rows];
        self.row_lines
            .dispatch(recording, &ROWS_FORWARD, params, &buffers, lines);
        let blocks = self.transform.blocks();
        let params = ColumnsForwardParams {
            size_x: block.rows.len() as u32,
            frequencies: self.transform.frequencies() as u32,
            blocks: blocks as u32,
            first_z: z.first_z as u32,
            slices: z.slices as u32,
            spectra_ring: z.ring as u32,
            source_at: block.source_at[1],
        };
        let buffers = [rows, fourier, spectra];
        let columns = z.slices * blocks * BLOCK;
        self.column_lines
            .dispatch(recording, &COLUMNS_FORWARD, params, &buffers, columns);
    }

    /// The filter along z, from a ring of spectra. The buffers are the ring, the spectra of the point
    /// spread function, the list of slices and the filtered spectra.
    pub fn filter(
        &self,
        recording: &mut Recording<'_>,
        filtering: Filtering<'_>,
        buffers: [Buffer; 4],
    ) {
        let Filtering { slices, .. } = filtering;
        let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
            return;
        };
        let params = FilterParams {
            length_x: self.transform.length_x as u32,
            blocks: self.transform.blocks() as u32,
            depth: filtering.depth as u32,
            spectra_ring: filtering.ring as u32,
            first_z: first.z,
            last_z: last.z,
            slices_at: filtering.at as u32,
            slices: slices.len() as u32,
            out_slices: filtering.filtered as u32,
            accumulate: slices.iter().any(|slice| slice.adds != 0).into(),
            before: self.psf.before as u32,
            after: self.psf.after as u32,
            symmetric: self.psf.symmetric.into(),
            dark: filtering.dark.into(),
        };
        let workgroups = self.transform.spectrum().div_ceil(Grid::THREADS);
        let taps = Some(self.taps.clone());
        recording.dispatch_variant(&FILTER, taps, params, &buffers, workgroups);
    }

    /// Spectra of rows from filtered spectra of so many slices. The buffers are the filtered
    /// spectra, the tables and the spectra of rows.
    pub fn columns_inverse(
        &self,
        recording: &mut Recording<'_>,
        block: &Block,
        slices: usize,
        buffers: [Buffer; 3],
    ) {
        let blocks = self.transform.blocks();
        let params = ColumnsInverseParams {
            size_x: block.size[0] as u32,
            length_x: self.transform.length_x as u32,
            blocks: blocks as u32,
            slices: slices as u32,
        };
        let columns = slices * blocks * BLOCK;
        self.column_lines
            .dispatch(recording, &COLUMNS_INVERSE, params, &buffers, columns);
    }

    /// Words of the spectra of rows of a block in so many slices.
    pub fn rows_inverse_words(&self, block: &Block, slices: usize) -> usize {
        2 * slices * self.transform.blocks() * BLOCK * block.size[0]
    }

    /// Blurred voxels of a block from spectra of rows; the epilogue says what becomes of the
    /// values. The buffers are the spectra of rows, the tables of the transforms, and what else the
    /// epilogue binds.
    pub fn rows_inverse<E: Epilogue>(
        &self,
        recording: &mut Recording<'_>,
        block: &Block,
        epilogue: E,
        buffers: &[Buffer],
    ) {
        let rows = BlockRows {
            size_x: block.size[0] as u32,
            size_y: block.size[1] as u32,
            blurred_x: self.blurred[0] as u32,
            blurred_y: self.blurred[1] as u32,
            at_x: block.at[0] as u32,
            at_y: block.at[1] as u32,
            blocks: self.transform.blocks() as u32,
            split_at: self.tables.split_at,
            order_at: self.tables.rows_order_at,
        };
        let lines = epilogue.slices() as usize * block.size[0];
        let params = epilogue.of_block(rows);
        self.row_lines
            .dispatch(recording, E::KERNEL, params, buffers, lines);
    }
}
