//! Kernels that are kept are those that are made.

use super::super::kept::{Kept, kept_in};
use super::*;
use std::sync::Mutex;

#[test]
fn kernels_that_are_kept_are_those_that_are_made() {
    let accuracy = Accuracy::default();
    let grid = VoxelGrid {
        voxel_um: [0.2, 0.1, 0.1],
        slices: 4,
        reach: [20, 20],
    };
    let one = confocal(water(1.1), 1.0);
    let brighter = Imaging {
        detected_share: 2.0 * one.detected_share,
        ..one.clone()
    };
    let make = |imaging: &Imaging, phase| voxels::kernel(imaging, &grid, &accuracy, 0.0, phase);
    let size = |phase| size_of_val(make(&one, phase).unwrap().psf.values());
    // Room for two of three.
    let most_bytes = size(0) + size(1).max(size(2));
    let kept = Mutex::new(Kept::new(most_bytes));
    for imaging in [&one, &brighter, &one] {
        for phase in [0, 1, 0, 2, 0, 0, 1] {
            let found = kept_in(&kept, imaging, &grid, &accuracy, 0.0, phase);
            assert_eq!(found, make(imaging, phase));
            let bytes = kept.lock().unwrap().bytes();
            assert!(bytes > 0 && bytes <= most_bytes);
        }
    }
    let none = Mutex::new(Kept::new(0));
    assert_eq!(
        kept_in(&none, &one, &grid, &accuracy, 0.0, 0),
        make(&one, 0)
    );
    assert_eq!(none.lock().unwrap().bytes(), 0);
}
