use super::*;
use crate::base::volume::Region;
use crate::config::Config;
use crate::engine::compute::Residence;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn model(config: &Config, shape: [usize; 3]) -> Model {
    let region = Region {
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
        residence: Residence::Board,
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
/// Around a slice the stages look 63 slices far for proteins displaced by up to 5 x 100 nm, and 15 for the blur. So
/// a ring of counts has 126 + S slices for slabs of S, and a ring of spectra 30 + S; along x a tile has a halo of
/// 1 + 63 + 15 = 79 rows on both sides.
///
/// *Buffers.* Drivers bind 2 GiB at most, however much memory there is. A slice of R rows takes 16 384 R bytes, so
/// that even for slabs of one slice 127 of counts allow R = 1032 rows at most: 874 without the halo, and
/// 4096 / 874 is more than 4. So every adapter needs 5 tiles, of 819 + 158 = 977 rows (the last one has 820 and
/// one halo only); 134 slices of these fit 2 GiB, which leaves slabs of 8.
///
/// *Memory*, in slices of a tile. Slabs of one slice: 127 of counts; 31 of spectra, which their padding and round
/// lengths make 34.7; 4.5 of the point spread function (16 numbers for every fourth frequency); labels, regions,
/// emission, rows, filtered, blurred, image and ground truth, a bit more than one each, and grey values, 8.4. On the
/// way, twice: a whole image that is normalised, 6.7, and what is read of a step, image and ground truth. Together 192,
/// so that 2 GB hold slices of 635 rows: 477 without the halo, which is 9 tiles. Slabs of 8: 134, 38 that become
/// 42.6, 4.5, 8 x 8.4, and twice 8 slices of labels and 16 of images and ground truth, 296 of 977 rows: 4.7 GB. So
/// from 8 GB on all adapters are cut alike.
#[test]
fn a_volume_of_4096_cubed_is_planned_in_no_time() {
    let config = one_dye(8.0);
    let model = model(&config, [4096; 3]);
    let start = Instant::now();
    for gigabytes in [2, 8, 24, 80] {
        let limits = adapter(gigabytes * 1_000_000_000);
        let run = RunPlan::new(&model, CONTENTS, &limits, usize::MAX, 1).unwrap();
        let widest = run.widest();
        let (plan, schedule) = (&widest.plan, &widest.plan.schedule);
        let tiles = run.tiles().count();

        // Within the limits, and no deeper slab would be.
        assert!(run.device_bytes() <= limits.total_bytes, "{gigabytes} GB");
        let largest = plan.largest().unwrap();
        assert!(largest.bytes() <= limits.binding_bytes, "{largest:?}");
        assert!(plan.transform.line_bytes(32 << 10) <= 32 << 10);
        let planner = Planner::new(&widest.model, CONTENTS, tiles, &limits).unwrap();
        let even = |slab: usize| 4096usize.div_ceil(4096usize.div_ceil(slab));
        assert_eq!(plan.slab, even(plan.slab), "slabs are even");
        let next = (plan.slab + 1..).find(|&slab| even(slab) != plan.slab);
        let deeper = planner.with_slab(next.unwrap());
        assert!(!planner.fits(&deeper, limits.total_bytes), "{gigabytes} GB");
        // Nor would fewer tiles, of one slice at a time.
        let fewer = Tile::split(4096, model.camera.x, model.halo_x(), tiles - 1);
        let wider = fewer.max_by_key(|tile| tile.rows.len()).unwrap();
        let wider = model.part(wider.rows);
        let fits = match Planner::new(&wider, CONTENTS, tiles - 1, &limits) {
            Ok(planner) => planner.fits(&planner.with_slab(1), limits.total_bytes),
            Err(_) => false,
        };
        assert!(!fits, "{gigabytes} GB: {} tiles are enough", tiles - 1);

        // What the stages look at: 15 slices for the blur, 63 for proteins displaced by up to 500 nm.
        assert_eq!(model.reach.displacement, 63);
        assert_eq!(model.halo_x().after, 1 + 63 + 15);
        assert_eq!(schedule.steps.last().unwrap().images.end, 4096);

        // What the derivation says.
        assert_eq!(schedule.counts_ring, 126 + plan.slab);
        assert_eq!(schedule.spectra_ring, 30 + plan.slab);
        let slice = 16_384 * widest.tile.rows.len() as u64;
        let expected = match gigabytes {
            2 => {
                assert_close(plan.device_bytes(), 192 * slice);
                (9, 1)
            }
            _ => {
                assert_eq!(widest.tile.rows.len(), 977);
                assert_eq!(largest.bytes(), 134 * slice);
                assert_close(plan.device_bytes(), 296 * slice);
                (5, 8)
            }
        };
        assert_eq!((tiles, plan.slab), expected, "{gigabytes} GB");
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
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
    let run = RunPlan::new(&model, CONTENTS, &adapter(1 << 30), usize::MAX, 1).unwrap();
    assert!(!run.is_tiled());
    assert_eq!(run.first.plan.slab, 20);
    assert!(run.first.plan.is_one_step());
}

#[test]
fn refusals_name_what_is_short() {
    let model = model(&one_dye(100.0), [20, 64, 48]);
    let refused = |limits: &Limits| {
        let refused = RunPlan::new(&model, CONTENTS, limits, usize::MAX, 1);
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
        depth in 1usize..60, size_x in 1usize..300, size_y in 1usize..200,
        device_mb in 1u64..60, host_mb in 3u64..60, binding_mb in 1u64..20, voxel_nm in 20f64..200.0,
    ) {
        let model = model(&one_dye(voxel_nm), [depth, size_x, size_y]);
        let limits = Limits {
            binding_bytes: binding_mb << 20,
            host_bytes: host_mb << 20,
            ..adapter(device_mb << 20)
        };
        let contents = Contents { cells: 100, sheets: 1 };
        let Ok(run) = RunPlan::new(&model, contents, &limits, usize::MAX, 1) else {
            return Ok(());
        };
        prop_assert!(run.device_bytes() <= limits.total_bytes);
        prop_assert!(run.host().peak_bytes() <= limits.host_bytes);
        let (mut rows, mut slab) = (0, None);
        for tile in run.tiles() {
            let plan = &tile.plan;
            prop_assert!(plan.specs.iter().all(|spec| spec.bytes() <= limits.binding_bytes));
            prop_assert_eq!(tile.tile.core.start, rows);
            rows = tile.tile.core.end;
            prop_assert_eq!(plan.schedule.steps.last().map(|step| step.images.end), Some(depth));
            prop_assert_eq!(*slab.get_or_insert(plan.slab), plan.slab);
        }
        prop_assert_eq!(rows, size_x);
    }
}
