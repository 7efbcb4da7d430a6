//! A run in tiles along x and y is the run as a whole, byte for byte.

use crate::support::cuts::{configuration, physical_configuration, simulators, tissue};
use proptest::prelude::*;
use simexm_gpu::config::Config;
use simexm_gpu::internals::run::simulation::{Images, Options, Silent, Tissue};

/// Voxels of five blocks along an axis.
const LONG: usize = 2560;

fn options(tiles: [usize; 2], deepest_slab: Option<usize>) -> Options {
    Options {
        tiles: Some(tiles),
        deepest_slab,
        poison: true,
        ..Options::default()
    }
}

/// One, two and five tiles along either axis of a tissue so many voxels thin, in slabs of these
/// depths, give what the whole gives, which `look` sees.
fn all_cuts_agree(config: &Config, thin: usize, slabs: &[usize], look: impl Fn(&Images)) {
    for [size_x, size_y] in [[LONG, thin], [thin, LONG]] {
        let cells = tissue([7, size_x, size_y]);
        for mut simulator in simulators() {
            let mut run = |tiles, slab| {
                let tissue = Tissue::new(cells.view());
                let options = options(tiles, slab);
                let images = simulator.simulate(config, &tissue, options, &mut Silent);
                images.expect("it runs")
            };
            let whole = run([1; 2], None);
            look(&whole);
            for count in [1, 2, 5] {
                let tiles = [count.min(size_x / 12), count.min(size_y / 12)];
                for &slab in slabs {
                    let images = run(tiles, Some(slab));
                    assert!(images == whole, "{tiles:?} tiles, slabs of {slab}");
                }
            }
        }
    }
}

#[test]
fn tiles_and_slabs_give_the_same_bytes() {
    let config = configuration(&["labeling.a.protein_noise=1".into()]);
    all_cuts_agree(&config, 12, &[7, 4, 1], |_| {});
}

/// Every voxel's label comes from elsewhere, and proteins lie apart.
#[test]
fn tiles_and_slabs_of_an_uneven_expansion_give_the_same_bytes() {
    let config = configuration(&[
        "expansion.distortion=[[0.3, 0.04], [3, 0.15]]".into(),
        // Few enough that each can move on its own.
        "labeling.a.protein_density=1e-5".into(),
        "labeling.a.linkage=200".into(),
        "labeling.a.cell_variation=0.4".into(),
        "labeling.b.membrane_density=1e-3".into(),
        "labeling.c.protein_density=1e-5".into(),
        "labeling.c.puncta_proteins=5".into(),
        "labeling.c.puncta_spread=150".into(),
    ]);
    all_cuts_agree(&config, 12, &[7, 4, 1], |_| {});
}

/// Rounds of imaging look as far beyond a tile as their fields reach.
#[test]
fn tiles_and_slabs_of_rounds_give_the_same_bytes() {
    let rounds = [
        "rounds.number=3".to_owned(),
        "rounds.shift=[0.3, 1, 1]".to_owned(),
        "rounds.rotation=0.3".to_owned(),
        "rounds.warp=[[20, 0.5]]".to_owned(),
    ];
    let distorted = [
        "expansion.distortion=[[0.3, 0.04]]".to_owned(),
        "labeling.bodies.protein_noise=0.3".to_owned(),
    ];
    let config = configuration(&[&rounds[..], &distorted].concat());
    all_cuts_agree(&config, 12, &[7, 3, 1], |_| {});
    let scanned = [
        "optics.pixel_size=20011".to_owned(),
        "optics.psf_depth_truncation=0.3".to_owned(),
        "output.expected=true".to_owned(),
    ];
    let config = physical_configuration(&[&rounds[..], &scanned].concat());
    all_cuts_agree(&config, 14, &[7, 3], |_| {});
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..Default::default() })]

    #[test]
    fn tiles_are_the_whole(
        depth in 1usize..9, long in 1025usize..2200, short in 4usize..20, along_x: bool,
        tiles in 2usize..5, slab in prop::option::of(1usize..9), isotropic: bool,
        pixel_size in prop::sample::select(vec![3000, 9600, 20_000, 70_000]),
        noise in prop::sample::select(vec!["0", "0.3", "1"]), offset in 0usize..5,
        normalize in prop::sample::select(vec!["channel", "none"]),
    ) {
        let config = configuration(&[
            format!("groundtruth.isotropic={isotropic}"),
            format!("optics.pixel_size={pixel_size}"),
            format!("labeling.a.protein_noise={noise}"),
            format!("groundtruth.offset=[0, {offset}, 0]"),
            format!("output.normalize={normalize}"),
        ]);
        let (size, tiles) = if along_x { ([long, short + offset], [tiles, 1]) } else { ([short + offset, long], [1, tiles]) };
        let cells = tissue([depth, size[0], size[1]]);
        for mut simulator in simulators() {
            let mut run = |options| {
                let tissue = Tissue::new(cells.view());
                simulator.simulate(&config, &tissue, options, &mut Silent).unwrap()
            };
            let whole = run(Options::default());
            prop_assert!(run(options(tiles, slab)) == whole);
        }
    }
}

/// The same of the model `physical`, whose pixels may end in the block behind theirs, by a scanned
/// focus and by a camera that sees all depths.
#[test]
fn tiles_and_slabs_of_the_physical_model_give_the_same_bytes() {
    let scanned = ["optics.pixel_size=20011", "optics.psf_depth_truncation=0.3"];
    let seen = [
        "optics.type=widefield",
        "optics.channels.channel_1.irradiance=20",
        "optics.exposure_time=0.02",
        "optics.pixel_size=9711",
        "optics.psf_reach=30",
    ];
    // Images between slices, which fade.
    let between = [
        "optics.pixel_size=20011",
        "optics.psf_depth_truncation=0.3",
        "optics.focal_plane_depth=170",
        "optics.bleaching=true",
        "output.expected=true",
    ];
    for entries in [&scanned[..], &seen, &between] {
        let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
        let config = physical_configuration(&entries);
        all_cuts_agree(&config, 14, &[7, 3], |whole| {
            let grey = &whole.channels[0].grey;
            assert!(grey.iter().any(|&grey| grey > 200), "a picture");
        });
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
    assert!(run(1) != run(2));
}
