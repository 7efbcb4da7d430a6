//! The five kernels of the blur, recorded as a run records them.

use crate::support::{allocate_words, execute};
use bytemuck::Zeroable;
use simexm_gpu::internals::engine::blocks::BlockGrid;
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::engine::psf::{Psf, PsfShape};
use simexm_gpu::internals::engine::schedule::{Reach, Schedule};
use simexm_gpu::internals::engine::stages::blur::rows_to_photons::RowsToPhotonsParams;
use simexm_gpu::internals::engine::stages::blur::{
    Blur, BlurPart, FilteredSlice, Filtering, RingSlices, SLICE_WORDS,
};
use simexm_gpu::internals::optics::focal_planes::FocalPlanes;

/// Photons that leave the voxels of a fluorophore, (z, x, y), and its point spread function: its
/// shape, and its values as those of a [`Psf`], but in f64.
pub struct Source {
    pub emission: Vec<f32>,
    pub shape: PsfShape,
    pub values: Vec<f64>,
}

impl Source {
    /// The function at a tap and these distances from its centre.
    pub fn weight(&self, tap: usize, x: usize, y: usize) -> f64 {
        let [size_x, size_y] = self.shape.plane_size();
        self.values[(self.shape.plane(tap) * size_x + x) * size_y + y]
    }

    fn psf(&self) -> Psf {
        let values = self.values.iter().map(|&value| value as f32).collect();
        Psf::new(self.shape, values).expect("values of the shape")
    }
}

/// The sum of the blurred sources in slices 0, `step_z`, 2 `step_z`, ..., by the kernels of a run,
/// in slabs of at most `slab` slices with the spectra in a ring, as the schedule says.
pub fn blur(
    backend: &mut dyn Backend,
    sources: &[Source],
    shape: [usize; 3],
    slab: usize,
    step_z: usize,
) -> Vec<u32> {
    let grid = BlockGrid::new([shape[1], shape[2]], sources[0].shape.radius, [1; 2]);
    blur_in_blocks(backend, sources, shape, grid, slab, step_z)
}

/// As [`blur`], in blocks of this grid.
pub fn blur_in_blocks(
    backend: &mut dyn Backend,
    sources: &[Source],
    shape: [usize; 3],
    grid: BlockGrid,
    slab: usize,
    step_z: usize,
) -> Vec<u32> {
    let [depth, size_x, size_y] = shape;
    let plane = size_x * size_y;
    let psf = sources[0].shape;
    let reach = Reach {
        rounds: 0,
        distortion: 0,
        membrane: 0,
        displacement: 0,
        blur_before: psf.before,
        blur_after: psf.after,
    };
    let schedule = Schedule::new(depth, slab, reach);
    let ring = schedule.spectra_ring;
    let blur = Blur::new(
        &BlurPart::whole(grid),
        psf,
        backend.limits().workgroup_bytes,
    );
    let blocks = blur.blocks();
    let rings = sources.len() * blocks.len();
    let mut words = vec![
        slab * plane,
        blur.tables().words.len(),
        blur.rows_words(slab.max(1), slab.max(1)),
        slab * blur.spectrum_words(),
        slab * plane,
        1,
        1,
        size_x + size_y,
        blur.psf_value_words(),
        sources.len() * slab * SLICE_WORDS,
    ];
    words.extend((0..rings).map(|_| ring * blur.spectrum_words()));
    words.extend(sources.iter().map(|_| blur.psf_words()));
    let buffers = allocate_words(backend, &words);
    let (common, per_source) = buffers.split_at(10);
    let [
        emission,
        fourier,
        rows,
        filtered,
        blurred,
        status,
        photons,
        profile,
        values,
        list,
    ] = *common
    else {
        panic!("ten buffers");
    };
    let (spectra, psf) = per_source.split_at(rings);
    let spectra: Vec<&[_]> = spectra.chunks(blocks.len()).collect();

    let mut recording = Recording::default();
    recording.write(fourier, 0, blur.tables().words.clone());
    recording.clear(status, 0..1);
    for (source, &psf) in sources.iter().zip(psf) {
        let buffers = [values, fourier, psf];
        blur.psf_spectra(&mut recording, &source.psf(), buffers);
    }
    let mut reads = 0;
    for step in &schedule.steps {
        let z = |first_z, slices| RingSlices {
            first_z,
            slices,
            ring,
        };
        for (source, spectra) in sources.iter().zip(&spectra) {
            let slices = step.emission.clone();
            let words = slices.start * plane..slices.end * plane;
            let values = source.emission[words].to_vec();
            recording.write(emission, 0, bytemuck::cast_vec(values));
            for (block, &spectra) in blocks.iter().zip(*spectra) {
                let bound = [emission, fourier, rows, spectra];
                blur.forward(&mut recording, block, z(slices.start, slices.len()), bound);
            }
        }
        let images = FocalPlanes::new(step_z as f64).imaged_in(&step.images, depth);
        let (first, count) = (images.start * step_z, images.len());
        if count == 0 {
            continue;
        }
        let finish = RowsToPhotonsParams {
            first_z: first as u32,
            step_z: step_z as u32,
            slices: count as u32,
            ..RowsToPhotonsParams::zeroed()
        };
        let focus = |number: usize, to: usize| FilteredSlice {
            adds: u32::from(number > 0),
            ..FilteredSlice::new(first + to * step_z, to)
        };
        let slices: Vec<FilteredSlice> = (0..sources.len())
            .flat_map(|number| (0..count).map(move |to| focus(number, to)))
            .collect();
        recording.write(list, 0, bytemuck::cast_slice(&slices).to_vec());
        for (at, block) in blocks.iter().enumerate() {
            for (number, (spectra, &psf)) in spectra.iter().zip(psf).enumerate() {
                let filtering = Filtering {
                    slices: &slices[number * count..][..count],
                    at: number * count,
                    filtered: count,
                    ring,
                    depth,
                    dark: false,
                };
                blur.filter(
                    &mut recording,
                    filtering,
                    [spectra[at], psf, list, filtered],
                );
            }
            blur.columns_inverse(&mut recording, block, count, [filtered, fourier, rows]);
            let bound = [rows, fourier, photons, profile, blurred, status];
            blur.rows_inverse(&mut recording, block, finish, &bound);
        }
        recording.read(blurred, 0..count * plane);
        reads += 1;
    }
    recording.read(status, 0..1);
    let mut found = execute(backend, recording);
    assert_eq!(found.len(), reads + 1);
    assert_eq!(found.pop().unwrap(), [0], "status");
    found.concat()
}
