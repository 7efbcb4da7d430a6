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

#[test]
fn a_volume_of_4096_cubed_is_planned_in_no_time() {
    let config = one_dye(8.0);
    let model = model(&config, [4096; 3]);
    for gigabytes in [2, 8, 24, 80] {
        let limits = adapter(gigabytes * 1_000_000_000);
        let run = RunPlan::new(&model, CONTENTS, &limits, usize::MAX, [1; 2]).unwrap();
        let w = run.widest();
        println!(
            "{gigabytes} {:?} slab {} bytes {} tile {:?} {:?}",
            run.cut,
            w.plan.slab,
            w.plan.device_bytes(),
            w.tile.size(),
            w.plan.largest()
        );
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
        for TilePlan { tile, plan } in &run.tiles {
            prop_assert!(plan.specs.iter().all(|spec| spec.bytes() <= limits.binding_bytes));
            voxels += tile.x.core.len() * tile.y.core.len();
            prop_assert_eq!(plan.schedule.steps.last().map(|step| step.images.end), Some(depth));
            prop_assert_eq!(*slab.get_or_insert(plan.slab), plan.slab);
        }
        prop_assert_eq!(voxels, size_x * size_y);
    }
}
