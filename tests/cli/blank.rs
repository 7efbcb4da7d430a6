//! A blank channel says why: the warning names the channel or the layer, and the cause. Such a run
//! is no failure.

use crate::support::{Outcome, SHAPE, Workplace, blocks, read_stack, write_stack};
use tiff::encoder::{Compression, colortype};

/// Brightest pixel of the blue and the red channel.
fn brightest(workplace: &Workplace) -> [u64; 2] {
    [0, 1].map(|channel| {
        let path = format!("out/tissue/simulation/channel_{channel}.tiff");
        let image = read_stack(&workplace.path(path));
        image.values.into_iter().max().unwrap()
    })
}

/// Runs with these keys set.
fn simulate(workplace: &Workplace, sets: &[&str]) -> Outcome {
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    workplace.simulate(&args)
}

/// Asserts a warning with all these words.
fn warns(outcome: &Outcome, words: &[&str]) {
    let words = [&["warning: "], words].concat();
    assert!(outcome.tells(&words), "{words:?} in {outcome:?}");
}

/// Sets keys that make the blue channel blank and leave the red one; a warning must hold these
/// words.
fn makes_blue_blank(sets: &[&str], words: &[&str]) -> Outcome {
    let workplace = Workplace::new();
    let outcome = simulate(&workplace, sets);
    warns(&outcome, words);
    assert_eq!(brightest(&workplace), [0, 255]);
    assert!(!outcome.tells(&["channel red"]), "{outcome:?}");
    outcome
}

#[test]
fn nothing_is_blank_and_nothing_warned_of_by_itself() {
    let workplace = Workplace::new();
    let outcome = simulate(&workplace, &[]);
    assert_eq!(brightest(&workplace), [255, 255]);
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
}

#[test]
fn the_filter_misses_the_emission() {
    let set = "optics.channels.blue.laser_filter=[200, 300]";
    makes_blue_blank(
        &[set],
        &["channel blue", "filter 200-300 nm misses", "ATTO390"],
    );
}

#[test]
fn the_laser_misses_the_excitation() {
    let set = "optics.channels.blue.laser_wavelength=900";
    makes_blue_blank(&[set], &["channel blue", "900 nm does not excite ATTO390"]);
}

#[test]
fn a_two_photon_laser_lies_outside_the_spectra() {
    let workplace = Workplace::new();
    let sets = [
        "optics.type=\"two photon\"",
        "optics.channels.blue.laser_wavelength=800",
        "optics.channels.red.laser_wavelength=800",
    ];
    let outcome = simulate(&workplace, &sets);
    for channel in ["channel blue", "channel red"] {
        warns(&outcome, &[channel, "800 nm", "one photon"]);
    }
    assert_eq!(brightest(&workplace), [0, 0]);
}

#[test]
fn too_little_light() {
    for (set, key) in [
        ("optics.exposure_time=0", "exposure_time"),
        ("optics.detector_efficiency=0", "efficiencies"),
        ("optics.objective_efficiency=1e-30", "efficiencies"),
    ] {
        let workplace = Workplace::new();
        let outcome = simulate(&workplace, &[set]);
        for channel in ["channel blue", "channel red"] {
            warns(&outcome, &[channel, "photons per protein", key]);
        }
        assert_eq!(brightest(&workplace), [0, 0]);
    }
    let set = "optics.channels.blue.laser_percentage=0";
    makes_blue_blank(&[set], &["channel blue", "laser_percentage"]);
    // Not nothing, but none arrives.
    let set = "optics.channels.blue.laser_power=1e-7";
    makes_blue_blank(
        &[set],
        &["channel blue", "ATTO390", "photons per protein, too few"],
    );
}

#[test]
fn no_cell_is_labelled() {
    let outcome = makes_blue_blank(
        &["labeling.bodies.labeling_density=0"],
        &[
            "layer bodies labels nothing",
            "labeling_density (0)",
            "60 eligible cells",
        ],
    );
    warns(
        &outcome,
        &["channel blue is blank", "no cell carries ATTO390"],
    );
    let workplace = Workplace::new();
    let outcome = simulate(&workplace, &["labeling.global_density=0"]);
    for layer in ["layer bodies", "layer membranes"] {
        warns(&outcome, &[layer, "labels nothing", "global_density"]);
    }
    assert_eq!(brightest(&workplace), [0, 0]);
    let single = "labeling.bodies.single_neuron=true";
    makes_blue_blank(
        &[single, "labeling.bodies.labeling_density=0"],
        &[
            "layer bodies labels nothing",
            "single_neuron has nothing to choose from",
        ],
    );
}

#[test]
fn no_protein_is_labelled() {
    for density in ["0", "1e-15"] {
        let set = format!("labeling.bodies.protein_density={density}");
        let words = ["layer bodies labels nothing", "protein_density"];
        let outcome = makes_blue_blank(&[&set], &words);
        // The light is not to blame.
        assert!(!outcome.tells(&["channel blue", "too few"]), "{outcome:?}");
    }
}

#[test]
fn the_ground_truth_is_empty() {
    let workplace = Workplace::new();
    workplace.volume(SHAPE, &vec![0; SHAPE.iter().product()]);
    let outcome = simulate(&workplace, &[]);
    warns(&outcome, &["the ground truth is empty"]);
    assert_eq!(brightest(&workplace), [0, 0]);
    // So is the corner of a volume.
    workplace.volume(SHAPE, &blocks(SHAPE));
    let corner = "groundtruth.bounds=[14, 1, 36]";
    let outcome = simulate(&workplace, &[corner]);
    warns(
        &outcome,
        &["the ground truth is empty", "offset and bounds"],
    );
    assert_eq!(brightest(&workplace), [0, 0]);
}

/// A workplace whose layer `bodies` labels a region with a volume of its own, not 0 where `inside`
/// says so of the id of a cell, 0 for the background.
fn with_a_region(inside: impl Fn(u16) -> bool) -> Workplace {
    let workplace = Workplace::new();
    let table = "[groundtruth.regions.axons]\nregion_path = \"axons.tif\"\n\n[expansion]";
    workplace.configure(&[("[expansion]", table), ("\"cytosol\"", "\"axons\"")]);
    let pixels: Vec<u8> = blocks(SHAPE)
        .into_iter()
        .map(|id| inside(id).into())
        .collect();
    let path = workplace.path("axons.tif");
    write_stack::<colortype::Gray8>(&path, SHAPE, &pixels, Compression::Uncompressed);
    workplace
}

#[test]
fn the_region_touches_no_cell() {
    let all = "labeling.bodies.labeling_density=1";
    let workplace = with_a_region(|id| id == 23);
    let outcome = simulate(&workplace, &[all]);
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
    assert_eq!(brightest(&workplace), [255, 255]);

    let no_voxel = [
        "layer bodies labels nothing",
        "no cell has a voxel in its region, axons",
    ];
    let workplace = with_a_region(|_| false);
    let outcome = simulate(&workplace, &[all]);
    warns(&outcome, &["the region axons is empty"]);
    warns(&outcome, &no_voxel);
    assert_eq!(brightest(&workplace), [0, 255]);

    let workplace = with_a_region(|id| id == 0);
    let outcome = simulate(&workplace, &[all]);
    warns(
        &outcome,
        &["the region axons touches no cell", "background"],
    );
    warns(&outcome, &no_voxel);
    assert_eq!(brightest(&workplace), [0, 255]);

    // In the volume, but not in the part of it that is simulated.
    let workplace = with_a_region(|id| id == 23);
    let outcome = simulate(&workplace, &[all, "groundtruth.offset=[0, 27, 0]"]);
    warns(&outcome, &["the region axons is empty"]);
    warns(&outcome, &no_voxel);
    assert_eq!(brightest(&workplace), [0, 255]);
}

/// The membrane of a flat volume with isotropic neighbours: every voxel's neighbourhood leaves it.
#[test]
fn no_voxel_is_membrane() {
    let workplace = Workplace::new();
    let outcome = simulate(&workplace, &["groundtruth.bounds=[2, 48, 36]"]);
    warns(
        &outcome,
        &["layer membranes labels nothing", "its region, membrane"],
    );
    warns(
        &outcome,
        &["channel red is blank", "no cell carries ATTO647N"],
    );
    assert_eq!(brightest(&workplace), [255, 0]);
    let outcome = simulate(
        &workplace,
        &[
            "groundtruth.bounds=[2, 48, 36]",
            "groundtruth.isotropic=false",
        ],
    );
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
    assert_eq!(brightest(&workplace), [255, 255]);
}

/// What is not blank because of its background alone is told of all the same.
#[test]
fn a_channel_of_nothing_but_background() {
    let noise = "optics.baseline_noise=40";
    for (set, words) in [
        (
            "labeling.bodies.labeling_density=0",
            ["bodies", "labeling_density"],
        ),
        (
            "labeling.bodies.protein_density=0",
            ["bodies", "protein_density"],
        ),
        (
            "optics.channels.blue.laser_filter=[200, 300]",
            ["channel blue", "filter"],
        ),
        (
            "optics.channels.blue.laser_percentage=0",
            ["channel blue", "laser_percentage"],
        ),
        (
            "optics.channels.blue.laser_power=1e-7",
            ["channel blue", "photons per protein"],
        ),
    ] {
        let workplace = Workplace::new();
        let outcome = simulate(&workplace, &[noise, set]);
        warns(&outcome, &words);
        assert_eq!(brightest(&workplace), [255, 255]);
    }
}
