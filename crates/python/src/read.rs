//! Reading label volumes.

use crate::arrays::AnyArray;
use crate::watched::watched;
use crate::{errors, pools};
use numpy::ndarray::Array3;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::prelude::*;
use simexm_gpu::config::InputFormat;
use simexm_gpu::error::{ReadError, SimulationError};
use simexm_gpu::read::{IdsMut, ReadOptions, VolumeSource, VoxelBox, open_as};
use simexm_gpu::simulation::Observer;
use std::path::PathBuf;

/// Slices that are unpacked at once, where they are packed together.
const TOGETHER: usize = 16;

/// Reads a volume, or a box of it; the dictionary has what `Volume` has.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // what the user may say of a file
pub(crate) fn read<'py>(
    py: Python<'py>,
    path: PathBuf,
    format: Option<&str>,
    ids: Option<&str>,
    background: Vec<i128>,
    series: Option<usize>,
    channel: Option<usize>,
    time: Option<usize>,
    dataset: Option<String>,
    level: Option<usize>,
    offset: [usize; 3],
    bounds: Option<[usize; 3]>,
    events: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let format = format.map(str::parse::<InputFormat>).transpose();
    let ids = ids.map(str::parse).transpose().map_err(errors::wrong)?;
    let options = ReadOptions {
        format: format.map_err(errors::wrong)?,
        ids: ids.unwrap_or_default(),
        background,
        series,
        channel,
        time,
        dataset,
        level,
    };
    let pool = pools::lease(None)?;
    let done = watched(py, events, |watcher| {
        pool.install(|| {
            let source = open_as(&path, &options)?;
            let region = VoxelBox::within(&source.describe(), source.shape(), offset, bounds)?;
            let ids = whole(source.as_ref(), &region, watcher)?;
            source.unchanged()?;
            Ok((ids, source.facts(), source.describe()))
        })
    })?;
    let (ids, facts, description) = done.map_err(errors::of_run)?;
    let result = PyDict::new(py);
    result.set_item("labels", ids.into_python(py))?;
    result.set_item("voxel_nm", facts.voxel_nm.to_vec())?;
    result.set_item("notes", facts.notes)?;
    result.set_item("description", description)?;
    Ok(result)
}

/// Reads a box in the narrowest type that holds every id which its file may have.
fn whole(
    source: &dyn VolumeSource,
    region: &VoxelBox,
    observer: &mut dyn Observer,
) -> Result<AnyArray, SimulationError> {
    Ok(match source.bits() {
        0..=8 => AnyArray::U8(slices(source, region, observer, |out| IdsMut::U8(out))?),
        9..=16 => AnyArray::U16(slices(source, region, observer, |out| IdsMut::U16(out))?),
        17..=32 => AnyArray::U32(slices(source, region, observer, |out| IdsMut::U32(out))?),
        _ => AnyArray::U64(slices(source, region, observer, |out| IdsMut::U64(out))?),
    })
}

fn slices<T: Clone + Default + Send>(
    source: &dyn VolumeSource,
    region: &VoxelBox,
    observer: &mut dyn Observer,
    room: impl for<'a> Fn(&'a mut [T]) -> IdsMut<'a> + Sync,
) -> Result<Array3<T>, SimulationError> {
    let mut ids = vec![T::default(); region.voxels()];
    let wave = TOGETHER.next_multiple_of(source.slices_together().max(1));
    observer.begin("read", region.shape[0]);
    for (number, part) in ids.chunks_mut(wave * region.slice_voxels()).enumerate() {
        if observer.interrupted() {
            return Err(SimulationError::Interrupted);
        }
        let first = number * wave;
        let [_, x, y] = region.offset;
        let count = part.len() / region.slice_voxels();
        source.gather(&VoxelBox {
            offset: [region.offset[0] + first, x, y],
            shape: [count, region.shape[1], region.shape[2]],
        })?;
        let parts = part.par_chunks_mut(region.slice_voxels()).enumerate();
        parts.try_for_each_init(
            || source.slices(),
            |reader, (slice, out)| -> Result<(), ReadError> {
                let (z, x, y) = region.slice(first + slice);
                match reader {
                    Ok(reader) => reader.read_ids(z, x, y, room(out)),
                    // Each thread tells its own.
                    Err(_) => source.slices().map(|_| ()),
                }
            },
        )?;
        observer.advance(count);
    }
    observer.end();
    let shape = region.shape;
    Ok(Array3::from_shape_vec(shape, ids).unwrap_or_default())
}
