//! A run in tiles along x is the run as a whole: everything integer is equal, and images are but for the
//! rounding of transforms of other lengths (docs/model.md section 6).

use crate::support::cuts::{agree, configuration, simulators, tissue};
use proptest::prelude::*;
use simexm_gpu::run::simulation::{Options, Silent, Tissue};

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn tiles_are_the_whole(
        depth in 1usize..24, size_x in 20usize..160, size_y in 4usize..40, tiles in 2usize..6,
        slab in prop::option::of(1usize..9), isotropic: bool,
        pixel_size in prop::sample::select(vec![3000, 9600, 20_000, 70_000]),
        noise in prop::sample::select(vec!["0", "0.3", "1"]), offset in 0usize..5,
    ) {
        let config = configuration(&[
            format!("groundtruth.isotropic={isotropic}"),
            format!("optics.pixel_size={pixel_size}"),
            format!("labeling.bodies.protein_noise={noise}"),
            format!("groundtruth.offset=[0, {offset}, 0]"),
        ]);
        let cells = tissue([depth, size_x, size_y]);
        for mut simulator in simulators() {
            let mut run = |tiles, deepest_slab| {
                let options = Options { tiles, deepest_slab, poison: true, ..Options::default() };
                let tissue = Tissue::new(cells.view());
                simulator.simulate(&config, &tissue, options, &mut Silent).unwrap()
            };
            let whole = run(None, None);
            agree(&whole, &run(Some(tiles), slab))?;
        }
    }
}

/// Were the comparison blind, the above would hold of different runs too.
#[test]
fn another_offset_is_another_run() {
    let cells = tissue([6, 60, 30]);
    let mut simulator = simulators().remove(0);
    let mut run = |seed: u64| {
        let config = configuration(&[format!("compute.seed={seed}")]);
        let tissue = Tissue::new(cells.view());
        let options = Options::default();
        simulator
            .simulate(&config, &tissue, options, &mut Silent)
            .unwrap()
    };
    assert!(agree(&run(1), &run(2)).is_err());
}
