//! Membranes against those that SimExm finds by an FFT convolution of the ids.
//!
//! SimExm's mask marks background beside cells too. Regions belong to cells here, so that the two
//! are compared where there is a cell, and the background must be in no region.

use crate::support::{allocate, backends, execute, read_counts};
use simexm_gpu::internals::base::region_bits::{CYTOSOL, FULL, MEMBRANE};
use simexm_gpu::internals::engine::compute::{Backend, Recording};
use simexm_gpu::internals::engine::schedule::{Reach, Schedule};
use simexm_gpu::internals::engine::stages::regions::{REGIONS, RegionsParams};

/// Classifies a volume in slabs, with its labels in a ring as in a run.
fn regions(
    backend: &mut dyn Backend,
    labels: &[u32],
    [depth, size_x, size_y]: [usize; 3],
    isotropic: bool,
    slab: usize,
) -> Vec<u32> {
    let plane = size_x * size_y;
    let reach = Reach {
        rounds: 0,
        distortion: 0,
        membrane: isotropic.into(),
        displacement: 0,
        blur_before: 0,
        blur_after: 0,
    };
    let schedule = Schedule::new(depth, slab, reach);
    let ring = schedule.labels_ring;
    let words = [ring * plane, 1, schedule.regions * plane];
    let buffers = allocate(backend, words);
    let mut recording = Recording::default();
    for step in &schedule.steps {
        for z in step.load.clone() {
            let slice = labels[z * plane..][..plane].to_vec();
            recording.write(buffers[0], z % ring * plane, slice);
        }
        let params = RegionsParams {
            size_x: size_x as u32,
            size_y: size_y as u32,
            depth: depth as u32,
            isotropic: isotropic.into(),
            first_z: step.regions.start as u32,
            slices: step.regions.len() as u32,
            ring: ring as u32,
            annotated: 0,
        };
        let voxels = step.regions.len() * plane;
        recording.dispatch_voxels(
            &REGIONS,
            params,
            &buffers,
            [step.regions.len(), size_x, size_y],
        );
        recording.read(buffers[2], 0..voxels);
    }
    execute(backend, recording).concat()
}

#[test]
fn membranes_are_those_of_simexm() {
    let (shape, labels) = read_counts("edges/labels.tif");
    for mut backend in backends() {
        for (isotropic, name) in [(true, "isotropic"), (false, "anisotropic")] {
            let (mask_shape, mask) = read_counts(&format!("edges/membrane_{name}.tif"));
            assert_eq!(mask_shape, shape);
            let expected: Vec<u32> = std::iter::zip(&labels, &mask)
                .map(|(&label, &edge)| match (label, edge) {
                    (0, _) => 0,
                    (_, 0) => FULL | CYTOSOL,
                    _ => FULL | MEMBRANE,
                })
                .collect();
            for slab in [shape[0], 5] {
                let found = regions(backend.as_mut(), &labels, shape, isotropic, slab);
                let differ = std::iter::zip(&found, &expected).filter(|(a, b)| a != b);
                let device = backend.name();
                assert_eq!(differ.count(), 0, "{name}, slabs of {slab}, {device}");
                assert_eq!(found.len(), expected.len());
            }
        }
    }
}
