//! The five kernels of the blur, recorded as a run records them.

use crate::support::{allocate, execute};
use simexm_gpu::engine::compute::{Backend, Recording};
use simexm_gpu::engine::fft::{BLOCK, Layout, LineVariant, SliceTransform};
use simexm_gpu::engine::rng::{StreamKey, TableRef};
use simexm_gpu::engine::schedule::{Reach, Schedule, kept};
use simexm_gpu::engine::stages::blur::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use simexm_gpu::engine::stages::blur::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use simexm_gpu::engine::stages::blur::filter::{FILTER, FilterParams};
use simexm_gpu::engine::stages::blur::psf_spectra::{OCTANT, record_psf_spectra};
use simexm_gpu::engine::stages::blur::rows_inverse::RowsInverseParams;
use simexm_gpu::engine::stages::blur::{RowLines, TAPS};
use simexm_gpu::optics::psf::RADIUS;

/// Photons that leave the voxels of a fluorophore, (z, x, y), and its point spread function's octant.
pub struct Source {
    pub emission: Vec<f32>,
    pub octant: Vec<f64>,
}

/// The sum of the blurred sources in slices 0, `step_z`, 2 `step_z`, ..., by the kernels of a run, in slabs of at most
/// `slab` slices with the spectra in a ring, as the schedule says.
pub fn blur(
    backend: &mut dyn Backend,
    sources: &[Source],
    shape: [usize; 3],
    slab: usize,
    step_z: usize,
) -> Vec<u32> {
    let [depth, size_x, size_y] = shape;
    let plane = size_x * size_y;
    let reach = Reach {
        membrane: 0,
        displacement: 0,
        blur: RADIUS,
    };
    let schedule = Schedule::new(depth, slab, reach);
    let ring = schedule.spectra_ring;
    let transform = SliceTransform::new(size_x, size_y, RADIUS);
    let workgroup = backend.limits().workgroup_bytes;
    let (blocks, tables) = (transform.blocks(), transform.tables_within(workgroup));
    let row_lines = RowLines::new(&transform, &tables, workgroup);
    let (columns, at) = (&tables.columns, tables.columns_twiddle_at);
    let column_lines = LineVariant::new(columns, Layout::Columns, at, workgroup);

    let rows_words = 2 * slab.max(1) * size_x * (transform.frequencies() + BLOCK);
    let spectrum = 2 * transform.spectrum();
    let psf_words = blocks * (transform.length_x / 2 + 1) * TAPS * BLOCK;
    let ring_words = if sources.len() > 1 {
        ring * spectrum
    } else {
        1
    };
    let buffers = allocate(
        backend,
        [
            slab * plane,
            tables.words.len(),
            rows_words,
            ring * spectrum,
            psf_words,
            ring_words,
            psf_words,
            slab * spectrum,
            slab * plane,
            1,
            1,
            size_x + size_y,
            OCTANT,
            row_lines.lines_words(slab.max(1)),
        ],
    );
    let [
        emission,
        fourier,
        rows,
        ring_0,
        psf_0,
        ring_1,
        psf_1,
        filtered,
        blurred,
        status,
        photons,
        profile,
        octant,
        between,
    ] = buffers;
    let per_source = [(ring_0, psf_0), (ring_1, psf_1)];

    let mut recording = Recording::default();
    recording.write(fourier, 0, tables.words.clone());
    recording.clear(status, 0..1);
    for (source, (_, psf)) in sources.iter().zip(per_source) {
        let buffers = [octant, fourier, psf];
        record_psf_spectra(&mut recording, &source.octant, &transform, &tables, buffers);
    }
    let mut reads = 0;
    for step in &schedule.steps {
        for (source, (spectra, _)) in sources.iter().zip(per_source) {
            let slices = step.emission.clone();
            let words = slices.start * plane..slices.end * plane;
            let values = source.emission[words].to_vec();
            recording.write(emission, 0, bytemuck::cast_vec(values));
            let bound = [emission, fourier, rows, between];
            row_lines.forward(&mut recording, slices.len() * size_x, bound);
            let params = ColumnsForwardParams {
                size_x: size_x as u32,
                frequencies: transform.frequencies() as u32,
                blocks: blocks as u32,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                spectra_ring: ring as u32,
                radius: RADIUS as u32,
                source_at: tables.columns_source_at,
            };
            let bound = [rows, fourier, spectra];
            let count = slices.len() * blocks * BLOCK;
            column_lines.dispatch(&mut recording, &COLUMNS_FORWARD, params, &bound, count);
        }
        let (first, count) = kept(&step.images, step_z);
        if count == 0 {
            continue;
        }
        for (number, (_, (spectra, psf))) in sources.iter().zip(per_source).enumerate() {
            let params = FilterParams {
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                depth: depth as u32,
                spectra_ring: ring as u32,
                first_z: first as u32,
                step_z: step_z as u32,
                slices: count as u32,
                accumulate: (number > 0).into(),
            };
            let threads = transform.spectrum();
            recording.dispatch(&FILTER, params, &[spectra, psf, filtered], threads);
        }
        let params = ColumnsInverseParams {
            size_x: size_x as u32,
            length_x: transform.length_x as u32,
            blocks: blocks as u32,
            slices: count as u32,
        };
        let bound = [filtered, fourier, rows];
        let columns = count * blocks * BLOCK;
        column_lines.dispatch(&mut recording, &COLUMNS_INVERSE, params, &bound, columns);
        let params = RowsInverseParams {
            size_x: size_x as u32,
            size_y: size_y as u32,
            blocks: blocks as u32,
            slices: count as u32,
            split_at: tables.split_at,
            order_at: tables.rows_order_at,
            origin_z: 0,
            origin_x: 0,
            origin_y: 0,
            first_z: first as u32,
            step_z: step_z as u32,
            baseline: 0,
            baseline_key: StreamKey::default(),
            baseline_photons: TableRef::default(),
        };
        let bound = [rows, fourier, photons, profile, blurred, status, between];
        row_lines.inverse(&mut recording, params, bound);
        recording.read(blurred, 0..count * plane);
        reads += 1;
    }
    recording.read(status, 0..1);
    let mut found = execute(backend, recording);
    assert_eq!(found.len(), reads + 1);
    assert_eq!(found.pop().unwrap(), [0], "status");
    found.concat()
}
