//! A run on arrays is the run on files; given counts are imaged; regions and errors of arrays.

use crate::support::{SHAPE, Workplace, blocks, config, read_stack};
use ndarray::{Array3, ArrayView3};
use simexm_gpu::config::{BackendChoice, BitDepth, CellPart, Config, Layer, Normalization};
use simexm_gpu::simulation::{Images, Options, Silent, SimulationError, Tissue, simulate_arrays};
use std::path::Path;

fn cells() -> Array3<u16> {
    Array3::from_shape_vec(SHAPE, blocks(SHAPE)).unwrap()
}

fn parsed(text: &str) -> Config {
    Config::from_toml_str(text, "test", Path::new("/"), &[]).unwrap_or_else(|e| panic!("{e}"))
}

fn image(config: &Config, tissue: &Tissue) -> Images {
    simulate_arrays(config, tissue, Options::default(), &mut Silent)
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn arrays_and_files_give_the_same() {
    let workplace = Workplace::new();
    for replacements in [
        vec![],
        vec![("path = \"out\"", "path = \"out\"\nbit_depth = 16")],
        vec![(
            "voxel_dim = [40, 16, 16]",
            "voxel_dim = [40, 16, 16]\noffset = [2, 5, 3]\nbounds = [9, 40, 30]",
        )],
    ] {
        workplace.configure(&replacements);
        workplace.simulate(&["--force"]).succeeded();
        let cells = cells();
        let images = image(&parsed(&config(&replacements)), &Tissue::new(cells.view()));
        assert_eq!(images.channels.len(), 2);
        for (number, channel) in images.channels.iter().enumerate() {
            let stack =
                read_stack(&workplace.path(format!("out/tissue/simulation/channel_{number}.tiff")));
            assert_eq!(stack.shape, <[usize; 3]>::from(channel.grey.dim()));
            let grey = stack.values;
            assert!(grey.iter().any(|&value| value > 0));
            assert!(
                grey.into_iter()
                    .eq(channel.grey.iter().map(|&v| u64::from(v))),
                "{}, {replacements:?}",
                channel.name
            );
        }
        for truth in &images.ground_truth {
            let path = format!(
                "out/tissue/groundtruth/{}/all_cells.tiff",
                truth.fluorophore
            );
            let ids = read_stack(&workplace.path(path)).values;
            assert!(ids.iter().eq(&truth.cells), "{}", truth.fluorophore);
            assert!(ids.iter().all(|id| *id == 0 || truth.labelled.contains(id)));
        }
    }
}

/// A configuration whose pixels are voxels, and whose layer labels nothing.
fn bare() -> Config {
    let mut config = Config::default();
    let voxel_nm = config.groundtruth.voxel_or_nan();
    let [factor, ..] = config.expansion.factors();
    config.optics.pixel_size_nm = voxel_nm[1] * factor * config.optics.objective_factor;
    config.optics.focal_plane_depth_nm = voxel_nm[0] * factor;
    config.optics.baseline_noise = Some(0.0);
    for layer in config.labeling.layers.values_mut() {
        layer.labeling_density = 0.0;
    }
    config.compute.seed = Some(3);
    config.compute.backend = BackendChoice::Cpu;
    config
}

fn brightest(grey: ArrayView3<u16>) -> (usize, usize, usize) {
    grey.indexed_iter()
        .max_by_key(|(_, value)| **value)
        .unwrap()
        .0
}

#[test]
fn given_counts_shine_where_they_are() {
    let shape = [9, 40, 36];
    let cells = Array3::<u8>::ones(shape);
    let at = (6, 11, 29);
    let mut counts = Array3::<u32>::zeros(shape);
    counts[at] = 100_000;
    let config = bare();
    let alone = image(&config, &Tissue::new(cells.view()));
    assert!(
        alone
            .channels
            .iter()
            .all(|channel| channel.brightest_pixel_photons == 0)
    );
    let images = image(
        &config,
        &Tissue::new(cells.view()).with_counts("ATTO550", counts.view()),
    );
    let seen: Vec<_> = images
        .channels
        .iter()
        .filter(|c| c.brightest_pixel_photons > 100)
        .collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(brightest(seen[0].grey.view()), at);
    // The same in slabs, and cropped: counts are cropped as cells are.
    let options = Options {
        deepest_slab: Some(2),
        poison: true,
        ..Options::default()
    };
    let tissue = Tissue::new(cells.view()).with_counts("ATTO550", counts.view());
    assert_eq!(
        simulate_arrays(&config, &tissue, options, &mut Silent).unwrap(),
        images
    );
    let mut cropped = config.clone();
    cropped.groundtruth.offset_voxels = [2, 5, 7];
    let images = image(&cropped, &tissue);
    let seen = images
        .channels
        .iter()
        .find(|c| c.brightest_pixel_photons > 100)
        .unwrap();
    assert_eq!(brightest(seen.grey.view()), (4, 6, 22));
}

#[test]
fn given_counts_join_those_of_the_layers() {
    // All cells carry the dye; twice as many are given.
    let cells = cells();
    let mut config = bare();
    let layer = Layer {
        labeling_density: 1.0,
        protein_density_per_nm3: 1e-3,
        ..Layer::default()
    };
    config.labeling.layers = [("layer".to_owned(), layer)].into();
    config.labeling.global_density = 1.0;
    config.output.normalize = Normalization::None;
    config.output.bit_depth = BitDepth::Sixteen;
    config.optics.exposure_time_s *= 0.01;
    let per_voxel = config.groundtruth.voxel_or_nan().iter().product::<f64>() * 1e-3 * 5.0;
    let more = cells.mapv(|id| {
        if id == 0 {
            0
        } else {
            (2.0 * per_voxel).round() as u32
        }
    });
    let sum = |tissue: &Tissue| {
        let images = image(&config, tissue);
        images
            .channels
            .iter()
            .flat_map(|c| &c.grey)
            .map(|&v| f64::from(v))
            .sum::<f64>()
    };
    let layers = sum(&Tissue::new(cells.view()));
    let both = sum(&Tissue::new(cells.view()).with_counts("ATTO425", more.view()));
    assert!(layers > 1e5, "{layers}");
    assert!((both / layers - 3.0).abs() < 0.1, "{both} of {layers}");
}

#[test]
fn grey_values_are_shares_of_the_brightest_pixel_or_photons() {
    let cells = cells();
    let mut config = parsed(&config(&[]));
    // So that 16 bits hold all photons, and 8 bits do not.
    config.optics.exposure_time_s *= 0.3;
    config.output.bit_depth = BitDepth::Sixteen;
    config.output.normalize = Normalization::None;
    let photons = image(&config, &Tissue::new(cells.view()));
    for (bit_depth, normalize) in [
        (BitDepth::Eight, Normalization::Channel),
        (BitDepth::Sixteen, Normalization::Channel),
        (BitDepth::Eight, Normalization::None),
    ] {
        config.output.bit_depth = bit_depth;
        config.output.normalize = normalize;
        let images = image(&config, &Tissue::new(cells.view()));
        for (channel, photons) in images.channels.iter().zip(&photons.channels) {
            let brightest = f64::from(photons.brightest_pixel_photons);
            assert!((256.0..65_536.0).contains(&brightest), "{brightest}");
            let largest = f64::from(bit_depth.largest());
            let expected = photons.grey.mapv(|value| match normalize {
                Normalization::Channel => {
                    (f64::from(value) * largest / brightest).round_ties_even()
                }
                Normalization::None => f64::from(value).min(largest),
            });
            assert_eq!(
                channel.grey.mapv(f64::from),
                expected,
                "{bit_depth:?} {normalize}"
            );
        }
    }
}

#[test]
fn regions_are_those_of_the_tissue() {
    let cells = cells();
    let left = Array3::from_shape_fn(SHAPE, |(_, _, y)| y < 18);
    let mut config = parsed(&config(&[]));
    for layer in config.labeling.layers.values_mut() {
        layer.region = CellPart::Named("left".to_owned());
        layer.labeling_density = 1.0;
        layer.protein_noise = 0.0;
    }
    config.output.gt_region = CellPart::Named("left".to_owned());
    let tissue = Tissue::new(cells.view()).with_region("left", left.view());
    let images = image(&config, &tissue);
    for truth in &images.ground_truth {
        let columns = truth.cells.dim().2;
        for ((_, _, y), &id) in truth.cells.indexed_iter() {
            assert!(id == 0 || y < columns / 2, "cell {id} in column {y}");
        }
        assert!(truth.cells.iter().any(|&id| id != 0));
    }
    let error = simulate_arrays(
        &config,
        &Tissue::new(cells.view()),
        Options::default(),
        &mut Silent,
    );
    let error = error.unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("left"),
        "{error}"
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let cells = cells();
    let config = bare();
    let refused = |tissue: &Tissue| {
        simulate_arrays(&config, tissue, Options::default(), &mut Silent).unwrap_err()
    };
    let small = Array3::<u32>::zeros([14, 48, 35]);
    let error = refused(&Tissue::new(cells.view()).with_counts("ATTO550", small.view()));
    assert!(
        matches!(error, SimulationError::CountsShape { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("[14, 48, 35]"), "{error}");
    let error = refused(&Tissue::new(cells.view()).with_region("r", small.view()));
    assert!(
        error.to_string().contains("[groundtruth.regions.r]"),
        "{error}"
    );
    let counts = Array3::<u32>::zeros(SHAPE);
    let error = refused(&Tissue::new(cells.view()).with_counts("GFP", counts.view()));
    assert!(error.to_string().contains("GFP"), "{error}");
    let empty = Array3::<u8>::zeros([0, 4, 4]);
    assert!(matches!(
        refused(&Tissue::new(empty.view())),
        SimulationError::OutOfBounds(_)
    ));
}

/// Voxels of arrays are cut up as those of files are: what comes is that of finer arrays.
#[test]
fn upsampled_arrays_are_finer_arrays() {
    let cells = cells();
    let region = cells.mapv(|id| id % 3 == 0);
    let parts = [2, 3, 1];
    let finer: [usize; 3] = std::array::from_fn(|axis| SHAPE[axis] * parts[axis]);
    let place = |(z, x, y)| [z / parts[0], x / parts[1], y / parts[2]];
    let fine = Array3::from_shape_fn(finer, |at| cells[place(at)]);
    let fine_region = Array3::from_shape_fn(finer, |at| region[place(at)]);
    let sets = |voxel: &str, offset: &str, more: &str| {
        let voxel = format!("voxel_dim = {voxel}\noffset = {offset}\n{more}");
        let text = config(&[("voxel_dim = [40, 16, 16]", voxel.as_str())]);
        parsed(&text)
    };
    let coarse = sets("[40, 16, 16]", "[1, 2, 3]", "upsample = [2, 3, 1]");
    let tissue = Tissue::new(cells.view()).with_region("thirds", region.view());
    let found = image(&coarse, &tissue);
    let config = sets("[20, 5.333333333333333, 16]", "[2, 6, 3]", "");
    let tissue = Tissue::new(fine.view()).with_region("thirds", fine_region.view());
    let expected = image(&config, &tissue);
    assert_eq!(found.channels, expected.channels);
    assert_eq!(found.ground_truth, expected.ground_truth);
    assert!(
        found
            .channels
            .iter()
            .any(|channel| channel.brightest_pixel_photons > 0)
    );
    // Counts of proteins are of voxels, not of parts.
    let counts = cells.mapv(u32::from);
    let counted = Tissue::new(cells.view()).with_counts("ATTO390", counts.view());
    let error = simulate_arrays(&coarse, &counted, Options::default(), &mut Silent).unwrap_err();
    assert!(
        error.to_string().contains("arrays of finer voxels"),
        "{error}"
    );
}
