//! How the rows of slices are transformed on a device.

use super::long_rows::forward::{
    LONG_ROWS_FORWARD, LONG_ROWS_LOAD, LongRowsForwardParams, LongRowsLoadParams,
};
use super::long_rows::inverse::{
    LONG_ROWS_INVERSE, LONG_ROWS_STORE, LongRowsInverseParams, LongRowsStoreParams,
};
use super::rows_forward::{ROWS_FORWARD, RowsForwardParams};
use super::rows_inverse::{ROWS_INVERSE, RowsInverseParams};
use crate::engine::compute::{Buffer, Recording};
use crate::engine::fft::{FourierTables, Layout, LineVariant, LongRows, SliceTransform};

/// The passes along y: one forward and one back where a workgroup holds a row, else two each.
#[derive(Clone, Debug)]
pub struct RowLines {
    transform: SliceTransform,
    forward: RowsForwardParams,
    passes: Passes,
}

#[derive(Clone, Debug)]
enum Passes {
    One(LineVariant),
    Two {
        first: LineVariant,
        second: LineVariant,
        tables: LongRows,
    },
}

impl RowLines {
    /// For this transform and its tables, on a device with so much workgroup memory.
    pub fn new(transform: &SliceTransform, tables: &FourierTables, workgroup_bytes: u32) -> Self {
        let lines = |recipe, layout, at| LineVariant::new(recipe, layout, at, workgroup_bytes);
        let passes = match &tables.long_rows {
            None => Passes::One(lines(&tables.rows, Layout::Rows, tables.rows_twiddle_at)),
            Some(long) => Passes::Two {
                first: lines(&long.first, Layout::Columns, long.first_twiddle_at),
                second: lines(&long.second, Layout::Rows, long.second_twiddle_at),
                tables: long.clone(),
            },
        };
        let forward = RowsForwardParams {
            size_y: transform.size_y as u32,
            rows: 0,
            radius: transform.radius as u32,
            split_at: tables.split_at,
            order_at: tables.rows_order_at,
            source_at: tables.rows_source_at,
        };
        Self {
            transform: *transform,
            forward,
            passes,
        }
    }

    /// Words of the buffer between two passes, for so many slices; 1 where there is one pass.
    pub fn lines_words(&self, slices: usize) -> usize {
        match self.passes {
            Passes::One(_) => 1,
            Passes::Two { .. } => 2 * slices * self.transform.size_x * self.transform.length_y,
        }
    }

    /// Records the transform of `rows` rows of emission; buffers are the emission, the tables, the spectra of
    /// rows and the lines between two passes.
    pub fn forward(
        &self,
        recording: &mut Recording<'_>,
        rows: usize,
        [emission, fourier, spectra, between]: [Buffer; 4],
    ) {
        let params = RowsForwardParams {
            rows: rows as u32,
            ..self.forward
        };
        match &self.passes {
            Passes::One(lines) => {
                let buffers = [emission, fourier, spectra];
                lines.dispatch(recording, &ROWS_FORWARD, params, &buffers, rows);
            }
            Passes::Two {
                first,
                second,
                tables,
            } => {
                let (length, across) = (self.transform.length_y, tables.second.length);
                let load = LongRowsLoadParams {
                    size_y: params.size_y,
                    rows: params.rows,
                    length: length as u32,
                    second: across as u32,
                    source_at: params.source_at,
                    roots_at: tables.roots_at,
                };
                let lines = rows * across.next_multiple_of(first.lines);
                let buffers = [emission, fourier, between];
                first.dispatch(recording, &LONG_ROWS_LOAD, load, &buffers, lines);
                let forward = LongRowsForwardParams {
                    rows: params.rows,
                    length: length as u32,
                    second: across as u32,
                    frequencies: self.transform.frequencies() as u32,
                };
                let buffers = [between, fourier, spectra];
                let lines = rows * tables.first.length;
                second.dispatch(recording, &LONG_ROWS_FORWARD, forward, &buffers, lines);
            }
        }
    }

    /// Records the transform back; buffers are the spectra of rows, the tables, the tables of distributions, the
    /// baseline's profile, the blurred slices, the status and the lines between two passes.
    pub fn inverse(
        &self,
        recording: &mut Recording<'_>,
        params: RowsInverseParams,
        [
            spectra,
            fourier,
            distributions,
            profile,
            blurred,
            status,
            between,
        ]: [Buffer; 7],
    ) {
        let rows = params.slices as usize * params.size_x as usize;
        match &self.passes {
            Passes::One(lines) => {
                let buffers = [spectra, fourier, distributions, profile, blurred, status];
                lines.dispatch(recording, &ROWS_INVERSE, params, &buffers, rows);
            }
            Passes::Two {
                first,
                second,
                tables,
            } => {
                let (length, across) = (self.transform.length_y, tables.second.length);
                let inverse = LongRowsInverseParams {
                    size_x: params.size_x,
                    blocks: params.blocks,
                    slices: params.slices,
                    length: length as u32,
                    second: across as u32,
                    roots_at: tables.roots_at,
                };
                let lines = rows * across.next_multiple_of(first.lines);
                let buffers = [spectra, fourier, between];
                first.dispatch(recording, &LONG_ROWS_INVERSE, inverse, &buffers, lines);
                let store = LongRowsStoreParams {
                    size_x: params.size_x,
                    size_y: params.size_y,
                    slices: params.slices,
                    length: length as u32,
                    second: across as u32,
                    order_at: tables.second_order_at,
                    origin_z: params.origin_z,
                    origin_x: params.origin_x,
                    origin_y: params.origin_y,
                    first_z: params.first_z,
                    step_z: params.step_z,
                    baseline: params.baseline,
                    baseline_key: params.baseline_key,
                    baseline_photons: params.baseline_photons,
                };
                let buffers = [between, fourier, distributions, profile, blurred, status];
                let lines = rows * tables.first.length;
                second.dispatch(recording, &LONG_ROWS_STORE, store, &buffers, lines);
            }
        }
    }
}
