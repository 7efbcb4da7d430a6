//! Grey values of a TIFF stack as they are measured: numbers, not ids.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ndarray::{Array3, Array4, Axis};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::{ColorType, TiffError};

use super::zarr;
use crate::base::files::open_regular;

/// Reads a TIFF stack (page, row, column) of one sample per pixel, whole or floating-point, of at
/// most so many voxels.
///
/// # Errors
/// What is wrong, with the file, in a clause.
pub fn grey_stack(path: &Path, most_voxels: usize) -> Result<Array3<f32>, String> {
    // The decoder panics on some damaged files.
    let read = catch_unwind(AssertUnwindSafe(|| read(path, most_voxels)));
    let read = read.unwrap_or_else(|_| Err("is damaged, or no valid TIFF file".to_owned()));
    read.map_err(|problem| format!("{} {problem}", path.display()))
}

/// Reads so many channels (channel, z, x, y) of floating-point numbers, of at most so many voxels
/// together: of a Zarr folder, or of a TIFF stack whose pages take turns.
///
/// # Errors
/// As [`grey_stack`].
pub fn float_channels(
    path: &Path,
    channels: usize,
    most_voxels: usize,
) -> Result<Array4<f32>, String> {
    if path.is_dir() {
        let of = |channel| {
            let found = zarr::floats(path, channel, most_voxels / channels.max(1));
            found.map_err(|error| error.to_string())
        };
        let found = (0..channels).map(of).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<_> = found.iter().map(|channel| channel.view()).collect();
        return ndarray::stack(Axis(0), &views)
            .map_err(|_| format!("{} has channels of several sizes", path.display()));
    }
    let stack = grey_stack(path, most_voxels)?;
    let (planes, rows, columns) = stack.dim();
    if planes % channels != 0 {
        return Err(format!(
            "{} has {planes} planes; {channels} are needed for each slice",
            path.display()
        ));
    }
    let by_slice = stack.into_shape_with_order((planes / channels, channels, rows, columns));
    by_slice
        .map(|by_slice| by_slice.permuted_axes([1, 0, 2, 3]))
        .map_err(|_| format!("{} holds too few values", path.display()))
}

fn read(path: &Path, most_voxels: usize) -> Result<Array3<f32>, String> {
    let unreadable = |error: &dyn std::error::Error| format!("cannot be read: {error}");
    let file = open_regular(path).map_err(|error| unreadable(&error))?;
    let damaged = |error: TiffError| format!("cannot be read as TIFF: {error}");
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(damaged)?;
    let mut limits = Limits::default();
    limits.decoding_buffer_size = most_voxels.saturating_mul(8);
    limits.intermediate_buffer_size = most_voxels.saturating_mul(8);
    decoder = decoder.with_limits(limits);
    let (columns, rows) = decoder.dimensions().map_err(damaged)?;
    let (columns, rows) = (columns as usize, rows as usize);
    let plane = rows.saturating_mul(columns);
    let (mut values, mut pages) = (Vec::new(), 0);
    loop {
        let size = decoder.dimensions().map_err(damaged)?;
        if (size.0 as usize, size.1 as usize) != (columns, rows) {
            return Err(format!(
                "has pages of {} x {} and of {rows} x {columns} pixels; they must have one size",
                size.1, size.0
            ));
        }
        pages += 1;
        if plane.saturating_mul(pages) > most_voxels {
            return Err(format!(
                "has pages of {rows} x {columns} pixels, {pages} or more; at most {most_voxels} voxels are taken"
            ));
        }
        values.extend(page(&mut decoder, damaged)?);
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(damaged)?;
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (page, within) = (at / plane, at % plane);
        return Err(format!(
            "has a value that is no number, on page {page} at row {}, column {}",
            within / columns,
            within % columns
        ));
    }
    Array3::from_shape_vec((pages, rows, columns), values)
        .map_err(|_| "holds fewer values than its pages have pixels".to_owned())
}

fn page(
    decoder: &mut Decoder<BufReader<File>>,
    damaged: impl Fn(TiffError) -> String + Copy,
) -> Result<Vec<f32>, String> {
    let colour = decoder.colortype().map_err(damaged)?;
    if !matches!(colour, ColorType::Gray(_)) {
        return Err("has colours; grey values are wanted, one sample a pixel".to_owned());
    }
    let image = decoder.read_image().map_err(damaged)?;
    Ok(match image {
        DecodingResult::U8(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::U16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::U32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::U64(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::I8(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::I32(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::I64(values) => values.into_iter().map(|value| value as f32).collect(),
        DecodingResult::F16(values) => values.into_iter().map(f32::from).collect(),
        DecodingResult::F32(values) => values,
        DecodingResult::F64(values) => values.into_iter().map(|value| value as f32).collect(),
    })
}
