use super::*;
use crate::base::volume::VoxelBox;
use crate::config::Config;
use crate::engine::compute::MemoryKind;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn model(config: &Config, shape: [usize; 3]) -> Model {
    let region = VoxelBox {
        offset: [0; 3],
        shape,
    };
    Model::new(config, region, 7).expect("a configuration that can be simulated")
}

/// A discrete adapter with so much memory, and what current drivers allow beside it.
fn adapter(device_bytes: u64) -> Limits {
    Limits {
        binding_bytes: (1 << 31) - 4,
        buffer_bytes: 1 << 31,
        wanted_bytes: device_bytes,
        total_bytes: device_bytes,
        workgroup_bytes: 32 << 10,
        residence: MemoryKind::Discrete,
        host_bytes: 64_000_000_000,
    }
}

/// One channel that sees one dye, every slice imaged, pixels like voxels.
fn one_dye(voxel_nm: f64) -> Config {
    let text = format!(
        "groundtruth.voxel_dim=[{0}, {0}, {0}]\nexpansion.factor=1\noptics.focal_plane_depth={0}\n\
         optics.objective_factor=1\noptics.pixel_size={0}",
        voxel_nm
    );
    let overrides: Vec<_> = text.lines().map(|line| line.parse().unwrap()).collect();
    let example = Config::default().to_toml();
    let mut config = Config::from_toml_str(&example, "test", "/".as_ref(), &overrides).unwrap();
    while config.optics.channels.len() > 1 {
        config.optics.channels.pop_last();
    }
    while config.labeling.layers.len() > 1 {
        config.labeling.layers.pop_last();
    }
    for layer in config.labeling.layers.values_mut() {
        layer.protein_noise = 0.5;
    }
    config
}

const CONTENTS: Contents = Contents {
    cells: 1 << 16,
    sheets: 1,
};

/// 4096^3 voxels of 8 nm on adapters of 2, 8, 24 and 80 GB.
///
/// Around a slice the stages look 63 slices far for proteins displaced by up to 5 x 100 nm, and 15
/// for the blur. So a ring of counts has 126 + S slices for slabs of S, and a ring of spectra 30 +
/// S; within a slice they look 1 + 63 + 15 = 79 voxels far. Slices are eight by eight blocks of 512
/// voxels, with lines of 576 points.
///
/// *Cut.* Drivers bind 2 GiB at most, however much memory there is. Even for slabs of one slice 127
/// of counts allow 4.2 million voxels a slice: two rows of blocks, 1182 x 4096, are too much, and
/// one, 670 x 4096, is not. So every adapter needs 8 tiles. 195 slices of these fit 2 GiB, which
/// leaves slabs of 69.
///
/// *Memory*, in slices of a tile, 11 MB. A block's spectrum is 0.124 of one, and there are eight:
/// 126 + S of counts, 0.99 (30 + S) of spectra, 0.5 of the point spread function, 3 S of labels,
/// regions and emission, 0.24 S for the transforms of a block, 2.3 S of blurred slices, images and
/// ground truth; and on the way, twice, S of labels and 1.5 S of images and ground truth. That is
/// 156 + 12.6 S: 181 for slabs of 2, which 2 GB hold, and 1025 for slabs of 69, 11.3 GB.
#[test]
fn a_volume_of_4096_cubed_is_planned_in_no_time() {
    let config = one_dye(8.0);
    let model = model(&config, [4096; 3]);
    let start = Instant::now();
    // What the stages look at.
    assert_eq!(model.reach.displacement, 63);
    assert_eq!(model.reach_in_slice.map(|axis| axis.around), [1 + 63; 2]);
    for (gigabytes, slab) in [(2, 2), (8, 45), (24, 69), (80, 69)] {
        let limits = adapter(gigabytes * 1_000_000_000);
        let run = RunPlan::new(&model, CONTENTS, &limits, usize::MAX, [1; 2]).unwrap();
        let TilePlan { tile, plan, .. } = run.widest();
        let schedule = &plan.schedule;

        // What the derivation says.
        assert_eq!((run.cut, plan.slab), ([8, 1], slab), "{gigabytes} GB");
        assert_eq!(tile.size(), [670, 4096]);
        assert_eq!(schedule.counts_ring, 126 + slab);
        assert_eq!(schedule.spectra_ring, 30 + slab);
        assert_eq!(schedule.steps.last().unwrap().images.end, 4096);
        let transform = plan.blur.transform();
        assert_eq!([transform.length_x, transform.length_y], [576; 2]);
        let slice = 4 * 670 * 4096;
        let largest = plan.largest().unwrap();
        assert_eq!(largest.bytes(), (126 + slab as u64) * slice);
        assert_close(
            plan.device_bytes(),
            156 * slice + 126 * slab as u64 * slice / 10,
        );

        // Within the limits, and no deeper slab would be, nor fewer tiles of one slice at a time.
        assert!(run.device_bytes() <= limits.total_bytes, "{gigabytes} GB");
        assert!(largest.bytes() <= limits.binding_bytes, "{largest:?}");
        let planner = Planner::new(&model, CONTENTS, tile, run.tiles.len(), &limits).unwrap();
        let even = |slab: usize| 4096usize.div_ceil(4096usize.div_ceil(slab));
        assert_eq!(slab, even(slab), "slabs are even");
        let deeper = (slab + 1..).find(|&deeper| even(deeper) != slab).unwrap();
        let fits = |plan: &Plan| planner.fits(plan, limits.total_bytes);
        assert!(!fits(&planner.with_slab(deeper)), "{gigabytes} GB");
        let wider = Tile::split(&model, [7, 1]);
        let wider = wider.iter().max_by_key(|tile| tile.size()[0]).unwrap();
        let planner = Planner::new(&model, CONTENTS, wider, 7, &limits).unwrap();
        assert!(!planner.fits(&planner.with_slab(1), u64::MAX));
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

/// 2048 x 2048 voxels of 8 nm: 127 slices of counts just fit 2 GiB, so that slabs would have one
/// slice on any adapter. Two tiles leave room for deep ones, where there is memory for them.
#[test]
fn rings_that_fill_a_binding_are_split_into_tiles() {
    let model = model(&one_dye(8.0), [2127, 2048, 2048]);
    let planned = |bytes: u64| {
        let run = RunPlan::new(&model, CONTENTS, &adapter(bytes), usize::MAX, [1; 2]).unwrap();
        (run.cut, run.widest().plan.slab)
    };
    assert_eq!(planned(4_000_000_000), ([1, 1], 1));
    let (cut, slab) = planned(24_000_000_000);
    assert_eq!(cut, [2, 1]);
    assert!(slab > 50, "{slab}");
}

/// Boxes of images that make up the whole share out the tissue: each voxel is one box's own, and is
/// among those that the box loads and works on.
#[test]
fn each_voxel_is_one_boxs_own() {
    for (pixel, planes, shape) in [
        (1, 1, [20, 600, 40]),
        (3, 2, [21, 1100, 70]),
        (16, 5, [33, 1100, 530]),
    ] {
        let mut config = one_dye(100.0);
        config.optics.pixel_size_nm *= f64::from(pixel);
        config.optics.focal_plane_depth_nm *= f64::from(planes);
        let model = model(&config, shape);
        let images = model.image_shape();
        let whole = ImageBox::whole(&model);
        for (axis, core) in [(0, 3), (1, 7), (1, 64), (2, 5)] {
            let mut end = 0;
            for start in (0..images[axis]).step_by(core) {
                let mut part = whole.clone();
                let own = start..(start + core).min(images[axis]);
                match axis {
                    0 => part.images = own,
                    axis => part.pixels[axis - 1] = own,
                }
                let own = &part.own_voxels(&model)[axis];
                assert_eq!(own.start, end, "{pixel} {planes} {axis} {core}");
                end = own.end;
                let loaded = part.voxels(&model);
                let loaded = loaded.offset[axis]..loaded.offset[axis] + loaded.shape[axis];
                if axis > 0 {
                    assert!(
                        loaded.start <= own.start && own.end <= loaded.end,
                        "{own:?} {loaded:?}"
                    );
                    let [x, y] = {
                        let Tile { x, y } = part.split(&model, [1; 2]).remove(0);
                        [x, y]
                    };
                    let tile = [x, y][axis - 1].core.clone();
                    assert!(
                        tile.start <= own.start && own.end <= tile.end,
                        "{own:?} {tile:?}"
                    );
                }
            }
            assert_eq!(end, shape[axis]);
        }
    }
}

/// Within 3 per cent.
fn assert_close(bytes: u64, derived: u64) {
    assert!(
        bytes.abs_diff(derived) * 100 <= 3 * derived,
        "{bytes} bytes, {derived} by hand"
    );
}

#[test]
fn a_run_that_fits_is_left_whole() {
    let model = model(&one_dye(100.0), [20, 64, 48]);
    let run = RunPlan::new(&model, CONTENTS, &adapter(1 << 30), usize::MAX, [1; 2]).unwrap();
    assert!(!run.is_tiled());
    assert_eq!(run.first().plan.slab, 20);
    assert!(run.first().plan.is_one_step());
}

#[test]
fn refusals_name_what_is_short() {
    let model = model(&one_dye(100.0), [20, 64, 48]);
    let refused = |limits: &Limits| {
        let refused = RunPlan::new(&model, CONTENTS, limits, usize::MAX, [1; 2]);
        refused.expect_err("nothing fits").to_string()
    };
    let told = refused(&adapter(100_000));
    assert!(told.contains("100 kB"), "{told}");
    assert!(told.contains("of the device's memory"), "{told}");
    let told = refused(&Limits {
        host_bytes: 10_000,
        ..adapter(1 << 30)
    });
    assert!(told.contains("--memory"), "{told}");
    let told = refused(&Limits {
        workgroup_bytes: 256,
        ..adapter(1 << 30)
    });
    assert!(told.contains("workgroup memory"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is planned keeps to the budgets, and is all of the volume.
    #[test]
    fn plans_keep_to_their_budgets(
        depth in 1usize..60, size_x in 1usize..2500, size_y in 1usize..200,
        device_mb in 1u64..300, host_mb in 3u64..300, binding_mb in 1u64..100, voxel_nm in 20f64..200.0,
    ) {
        let model = model(&one_dye(voxel_nm), [depth, size_x, size_y]);
        let limits = Limits {
            binding_bytes: binding_mb << 20,
            host_bytes: host_mb << 20,
            ..adapter(device_mb << 20)
        };
        let contents = Contents { cells: 100, sheets: 1 };
        let Ok(run) = RunPlan::new(&model, contents, &limits, usize::MAX, [1; 2]) else {
            return Ok(());
        };
        prop_assert!(run.device_bytes() <= limits.total_bytes);
        prop_assert!(run.host().peak_bytes() <= limits.host_bytes);
        let (mut voxels, mut slab) = (0, None);
        for TilePlan { tile, plan, .. } in &run.tiles {
            prop_assert!(plan.specs.iter().all(|spec| spec.bytes() <= limits.binding_bytes));
            voxels += tile.x.core.len() * tile.y.core.len();
            prop_assert_eq!(plan.schedule.steps.last().map(|step| step.images.end), Some(depth));
            prop_assert_eq!(*slab.get_or_insert(plan.slab), plan.slab);
        }
        prop_assert_eq!(voxels, size_x * size_y);
    }
}
