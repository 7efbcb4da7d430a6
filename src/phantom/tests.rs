use super::*;

fn phantom(size: [usize; 3], voxel_nm: [f64; 3], seed: u64, density: f64) -> Phantom {
    Phantom {
        size,
        voxel_nm,
        seed,
        density,
    }
}

const VOXEL_NM: [f64; 3] = [40.0, 32.0, 32.0];

/// Returns FNV-1a of the labels as little-endian bytes.
fn checksum(labels: &[u32]) -> u64 {
    labels
        .iter()
        .flat_map(|id| id.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
}

fn filled_share(labels: &[u32]) -> f64 {
    labels.iter().filter(|&&id| id != 0).count() as f64 / labels.len() as f64
}

/// Checks that the ids are 1..=n with none missing and every cell is one piece across faces;
/// returns n.
fn assert_sound(phantom: &Phantom, labels: &[u32]) -> u32 {
    assert_eq!(
        labels.len(),
        phantom.size.iter().product::<usize>(),
        "{phantom:?}"
    );
    let grid = VoxelGrid {
        size: phantom.size,
        voxel_nm: phantom.voxel_nm,
    };
    let cells = labels.iter().copied().max().unwrap_or(0);
    let mut pieces = vec![0_u32; cells as usize + 1];
    let mut seen = vec![false; labels.len()];
    for start in 0..labels.len() {
        let id = labels[start];
        if id == 0 || seen[start] {
            continue;
        }
        pieces[id as usize] += 1;
        seen[start] = true;
        let mut todo = vec![start];
        while let Some(index) = todo.pop() {
            grid.for_each_neighbour(grid.coordinates(index), |neighbour, _| {
                if labels[neighbour] == id && !seen[neighbour] {
                    seen[neighbour] = true;
                    todo.push(neighbour);
                }
            });
        }
    }
    for (id, count) in pieces.iter().enumerate().skip(1) {
        assert_eq!(*count, 1, "pieces of cell {id} of {phantom:?}");
    }
    cells
}

#[test]
fn the_same_parameters_give_the_same_bytes() {
    let p = phantom([20, 64, 48], VOXEL_NM, 7, 0.85);
    let labels = p.generate().unwrap();
    assert_eq!(labels, p.generate().unwrap());
    // The value on every platform. It changes with the algorithm only.
    assert_eq!(
        checksum(&labels),
        0xc2ed_e121_f408_d291,
        "{:#x}",
        checksum(&labels)
    );
    let other = Phantom {
        seed: 8,
        ..p.clone()
    }
    .generate()
    .unwrap();
    assert_ne!(labels, other);
    // The upper half of the seed counts too.
    let other = Phantom {
        seed: 7 + (1 << 32),
        ..p
    }
    .generate()
    .unwrap();
    assert_ne!(labels, other);
}

#[test]
fn density_is_met_and_cells_are_whole() {
    for (density, seed) in [
        (0.01, 1),
        (0.05, 2),
        (0.3, 3),
        (0.6, 4),
        (0.7, 5),
        (0.85, 6),
        (0.95, 7),
        (1.0, 8),
    ] {
        let p = phantom([24, 80, 72], VOXEL_NM, seed, density);
        let labels = p.generate().unwrap();
        let share = filled_share(&labels);
        assert!((share - density).abs() < 0.01, "{share} for {density}");
        assert_sound(&p, &labels);
    }
}

#[test]
fn fine_coarse_and_uneven_voxels_give_whole_cells_too() {
    for voxel_nm in [
        [8.0; 3],
        [4.0, 4.0, 50.0],
        [200.0, 100.0, 100.0],
        [30.0, 10.0, 300.0],
        [1_000.0; 3],
    ] {
        for density in [0.1, 0.85] {
            let p = phantom([20, 40, 36], voxel_nm, 3, density);
            let labels = p.generate().unwrap();
            let share = filled_share(&labels);
            assert!((share - density).abs() < 0.03, "{share} for {p:?}");
            assert_sound(&p, &labels);
        }
    }
}

#[test]
fn a_volume_of_cortex_has_about_as_many_cells_as_cortex() {
    // 1.9 x 4.1 x 4.1 um: cortex segmented at this voxel size has a few cells per cubic um.
    let dense = phantom([48, 128, 128], VOXEL_NM, 1, 0.85);
    let labels = dense.generate().unwrap();
    let cells = assert_sound(&dense, &labels);
    assert!((50..250).contains(&cells), "{cells} cells");
    let mut sizes = vec![0_usize; cells as usize];
    for id in labels.into_iter().filter(|&id| id != 0) {
        sizes[id as usize - 1] += 1;
    }
    sizes.sort_unstable();
    assert!(
        sizes[sizes.len() / 2] > 500,
        "median {}",
        sizes[sizes.len() / 2]
    );
    assert!(
        sizes[sizes.len() - 1] < 48 * 128 * 128 / 4,
        "largest {}",
        sizes[sizes.len() - 1]
    );
    // Sparse tissue has fewer cells, not thinner ones only.
    let sparse = Phantom {
        density: 0.05,
        ..dense
    };
    let few = assert_sound(&sparse, &sparse.generate().unwrap());
    assert!((1..cells / 4).contains(&few), "{few} cells");
}

#[test]
fn a_soma_takes_the_volume_it_should() {
    // A soma has part in about every other cube of 12 um.
    let largest: Vec<usize> = (0..6)
        .map(|seed| {
            let p = phantom([60, 60, 60], [200.0; 3], seed, 0.85);
            let labels = p.generate().unwrap();
            let mut sizes = vec![0_usize; assert_sound(&p, &labels) as usize + 1];
            labels
                .iter()
                .for_each(|&id| sizes[id as usize] += usize::from(id != 0));
            sizes.into_iter().max().unwrap()
        })
        .collect();
    // A sphere of 2 um is 4189 voxels; four tenths of the cells' share is the most somata may take.
    assert!(largest.iter().any(|&n| n > 4_000), "{largest:?}");
    assert!(largest.iter().all(|&n| n < 216_000 / 2), "{largest:?}");
}

#[test]
fn edge_sizes() {
    let sizes = [
        [1, 1, 1],
        [2, 1, 1],
        [1, 3, 1],
        [1, 1, 50],
        [1, 64, 64],
        [40, 1, 64],
        [40, 64, 1],
        [2, 2, 2],
        [3, 17, 5],
    ];
    for size in sizes {
        for density in [0.0, 0.05, 0.5, 0.85, 1.0] {
            for seed in [0, u64::MAX] {
                let p = phantom(size, VOXEL_NM, seed, density);
                let labels = p.generate().unwrap();
                let cells = assert_sound(&p, &labels);
                let filled = labels.iter().filter(|&&id| id != 0).count();
                let wanted = (density * labels.len() as f64).round() as usize;
                // Thin cells may keep a little more than asked for.
                let slack = (labels.len() as f64 * 0.03) as usize;
                assert!(
                    (wanted..=wanted + slack).contains(&filled),
                    "{filled} not {wanted} in {p:?}"
                );
                assert_eq!(cells == 0, wanted == 0, "{p:?}");
            }
        }
    }
}

#[test]
fn wrong_parameters_are_errors() {
    let good = phantom([2, 2, 2], VOXEL_NM, 0, 0.5);
    for size in [[0, 2, 2], [2, 0, 2], [2, 2, 0]] {
        let bad = Phantom {
            size,
            ..good.clone()
        };
        assert_eq!(bad.generate(), Err(PhantomError::EmptySize { size }));
    }
    for size in [[usize::MAX, 2, 2], [65_536, 65_536, 1], [usize::MAX; 3]] {
        let bad = Phantom {
            size,
            ..good.clone()
        };
        assert_eq!(bad.generate(), Err(PhantomError::TooLarge { size }));
    }
    for edge in [0.0, -1.0, 0.9, 1_001.0, f64::INFINITY, f64::NAN] {
        let bad = Phantom {
            voxel_nm: [40.0, edge, 32.0],
            ..good.clone()
        };
        assert!(
            matches!(bad.generate(), Err(PhantomError::VoxelSize { .. })),
            "{edge}"
        );
    }
    for density in [-0.1, 1.1, f64::INFINITY, f64::NAN] {
        let bad = Phantom {
            density,
            ..good.clone()
        };
        assert!(
            matches!(bad.generate(), Err(PhantomError::Density { .. })),
            "{density}"
        );
    }
    let message = Phantom {
        density: 1.5,
        ..good
    }
    .generate()
    .unwrap_err()
    .to_string();
    assert_eq!(message, "density 1.5: must be between 0 and 1");
}
