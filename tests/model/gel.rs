//! Labels and expansion as they are in a gel (docs/model.md sections 1.1 and 2.1).

use crate::support::{backends, cpu, cuts, in_the_dark, simulate, whole};
use ndarray::Array3;
use simexm_gpu::config::{Config, Factor};
use simexm_gpu::internals::model::Model;
use simexm_gpu::internals::model::cells::{CellIndex, Selection};
use simexm_gpu::internals::run::simulation::{Options, Silent, Tissue};

fn total(counts: &[u32]) -> f64 {
    counts.iter().map(|&count| f64::from(count)).sum()
}

/// A layer `a` of all cells with voxels of 4 nm, and entries.
fn fine(entries: &[&str]) -> Config {
    let of_layer = [
        "groundtruth.voxel_dim=[4, 4, 4]",
        "groundtruth.isotropic=true",
        "expansion.factor=4",
        "labeling.a.labeling_density=1",
        "labeling.a.antibody_amp=1",
    ];
    in_the_dark(&[&of_layer, entries].concat())
}

#[test]
fn fluorophores_lie_as_far_from_their_proteins_as_linkage_says() {
    const SHAPE: [usize; 3] = [41, 41, 41];
    let mut labels = Array3::zeros(SHAPE);
    labels[[20, 20, 20]] = 7;
    // Attached after an expansion of 4 they lie 4 times closer in the tissue; between rounds of 4
    // and 4 as well.
    let rounds: &[&str] = &["labeling.a.labelled=between"];
    for (entries, swollen) in [
        (&["labeling.a.labelled=before"][..], [1.0; 3]),
        (&["labeling.a.labelled=after"], [4.0; 3]),
        (
            &["labeling.a.labelled=after", "expansion.factor=[2, 3, 4]"],
            [2.0, 3.0, 4.0],
        ),
        (rounds, [2.5_f64; 3]),
    ] {
        let density = [
            "labeling.a.linkage=17.5",
            "labeling.a.protein_density=0.3",
            "labeling.a.antibody_amp=3",
        ];
        let (mut squares, mut count) = ([0.0; 3], 0.0);
        for seed in 0..100 {
            let mut config = fine(&[entries, &density].concat());
            if entries == rounds {
                config.expansion.factor = Factor::Rounds(vec![2.5, 4.0]);
            }
            let run = simulate(&config, &labels, whole(SHAPE), seed, &mut cpu());
            let counts = Array3::from_shape_vec(SHAPE, run.counts[0].clone()).unwrap();
            for ((z, x, y), &found) in counts.indexed_iter() {
                assert_eq!(found % 3, 0, "the fluorophores of a protein stay together");
                for (square, place) in squares.iter_mut().zip([z, x, y]) {
                    *square += f64::from(found) * (place as f64 - 20.0).powi(2);
                }
                count += f64::from(found) / 3.0;
            }
        }
        for axis in 0..3 {
            // Rounding to whole voxels adds 1/12.
            let voxels: f64 = 17.5 / swollen[axis] / 4.0;
            let expected = voxels.powi(2) / 3.0 + 1.0 / 12.0;
            let found = squares[axis] / 3.0 / count;
            let error = expected * (2.0 / count).sqrt();
            assert!(
                (found - expected).abs() < 4.0 * error,
                "{entries:?}: {found}, not {expected}"
            );
        }
    }
}

/// A gel holds the molecules of the tissue: that they thin out as it swells lies in larger voxels.
#[test]
fn molecules_are_as_many_whatever_the_expansion() {
    let labels = Array3::from_elem([6, 20, 20], 1u32);
    let counts = |entries: &[&str]| {
        let config = fine(entries);
        simulate(&config, &labels, whole([6, 20, 20]), 5, &mut cpu()).counts
    };
    let few = counts(&["expansion.factor=1"]);
    assert_eq!(few, counts(&["expansion.factor=10"]));
    assert_eq!(few, counts(&["expansion.factor=[4, 5, 6]"]));
    let mean = total(&few[0]) / (0.2 * 64.0 * 2400.0);
    assert!((mean - 1.0).abs() < 0.03, "{mean}");
    // What is not retained is gone.
    let kept = total(&counts(&["labeling.a.retention=0.25"])[0]) / (0.2 * 64.0 * 2400.0);
    assert!((kept - 0.25).abs() < 0.01, "{kept}");
}

/// The fluorophores on the membrane of a ball, over those that its area should carry.
#[test]
fn a_sheet_is_as_bright_whatever_the_voxels() {
    const RADIUS_NM: f64 = 150.0;
    for isotropic in ["true", "false"] {
        let of = [4.0, 8.0, 16.0].map(|voxel_nm: f64| {
            let size = (2.0 * RADIUS_NM / voxel_nm) as usize + 6;
            let middle = size as f64 / 2.0;
            let labels = Array3::from_shape_fn([size; 3], |(z, x, y)| {
                let square: f64 = [z, x, y]
                    .iter()
                    .map(|&place| (place as f64 + 0.5 - middle).powi(2))
                    .sum();
                u32::from(square.sqrt() * voxel_nm < RADIUS_NM)
            });
            let config = fine(&[
                &format!("groundtruth.voxel_dim=[{voxel_nm}, {voxel_nm}, {voxel_nm}]"),
                &format!("groundtruth.isotropic={isotropic}"),
                "labeling.a.membrane_density=0.1",
            ]);
            let run = simulate(&config, &labels, whole([size; 3]), 3, &mut cpu());
            let area_nm2 = 4.0 * std::f64::consts::PI * RADIUS_NM * RADIUS_NM;
            total(&run.counts[0]) / (0.1 * area_nm2)
        });
        for share in of {
            assert!((share - 1.0).abs() < 0.05, "{of:?}");
            assert!((share / of[0] - 1.0).abs() < 0.05, "{of:?}");
        }
    }
}

#[test]
fn stains_label_all_protein() {
    // A cell in the upper half of each slice.
    let labels = Array3::from_shape_fn([6, 40, 40], |(_, x, _)| u32::from(x >= 20));
    let config = fine(&[
        "labeling.a.stain=protein",
        "labeling.a.density_of.cytosol=1",
        "labeling.a.density_of.membrane=0.5",
        "labeling.a.density_of.outside=0.15",
        "labeling.a.protein_density=0.02",
        "labeling.global_density=0",
    ]);
    for mut backend in backends() {
        let run = simulate(&config, &labels, whole([6, 40, 40]), 1, backend.as_mut());
        let counts = Array3::from_shape_vec([6, 40, 40], run.counts[0].clone()).unwrap();
        let mean = |from: usize, to: usize| {
            let part = counts.slice(ndarray::s![1..5, from..to, 1..39]);
            f64::from(part.sum()) / part.len() as f64 / (0.02 * 64.0)
        };
        for (from, to, share) in [(0, 20, 0.15), (20, 21, 0.5), (21, 39, 1.0)] {
            let found = mean(from, to);
            assert!(
                (found - share).abs() < 0.1 * share + 0.03,
                "{from}: {found}"
            );
        }
        // The ground truth shows all cells.
        assert_eq!(run.selection.labelled_with(0), [1]);
    }
}

#[test]
fn clusters_hold_as_many_proteins_as_they_should() {
    let labels = Array3::from_elem([20, 60, 60], 1u32);
    let config = fine(&[
        "labeling.a.protein_density=1e-3",
        "labeling.a.puncta_proteins=40",
        "labeling.a.puncta_spread=0",
    ]);
    let run = simulate(&config, &labels, whole([20, 60, 60]), 1, &mut cpu());
    let lit: Vec<f64> = run.counts[0]
        .iter()
        .filter(|c| **c > 0)
        .map(|&c| f64::from(c))
        .collect();
    let (clusters, proteins) = (lit.len() as f64, lit.iter().sum::<f64>());
    // 115 clusters of 40, of which hardly two share a voxel.
    assert!((proteins / 4608.0 - 1.0).abs() < 0.4, "{proteins}");
    assert!(
        (proteins / clusters / 40.0 - 1.0).abs() < 0.05,
        "{proteins} in {clusters}"
    );
}

#[test]
fn a_run_on_arrays_tells_where_clusters_are() {
    const SHAPE: [usize; 3] = [20, 30, 30];
    let labels = Array3::from_shape_fn(SHAPE, |(z, ..)| 1 + z as u32 / 10);
    let mut config = fine(&[
        "labeling.a.protein_density=1e-3",
        "labeling.a.puncta_proteins=40",
        "expansion.distortion=[[0.05, 0.01]]",
    ]);
    config.compute.seed = Some(1);
    let run = simulate(&config, &labels, whole(SHAPE), 1, &mut cpu());
    let (tissue, mut simulator) = (Tissue::new(labels.view()), cuts::simulators().remove(0));
    let images = simulator.simulate(&config, &tissue, Options::default(), &mut Silent);
    let images = images.unwrap();
    let mut counts = Array3::<u32>::zeros(SHAPE);
    for cluster in &images.puncta {
        assert_eq!(cluster.layer, "a");
        assert!([1, 2].contains(&cluster.cell));
        counts[cluster.voxel] += cluster.proteins;
    }
    assert!(images.puncta.len() > 10);
    assert_eq!(counts.into_raw_vec_and_offset().0, run.counts[0]);
    let model = Model::new(&config, whole(SHAPE), 1).unwrap();
    let field = model.distortion.as_ref().unwrap();
    let displacement = images.displacement.unwrap();
    let (slices, rows, columns) = images.channels[0].grey.dim();
    assert_eq!(displacement.dim(), (3, slices, rows, columns));
    let shown = [0, 1, 2].map(|axis| displacement[[axis, 0, 7, 9]]);
    let voxel = [0, model.camera.x.shown(7, 30), model.camera.y.shown(9, 30)];
    assert_eq!(shown, field.at(voxel));
}

#[test]
fn cells_vary_in_brightness() {
    // 400 cells of 3 x 5 x 5 voxels.
    let labels = Array3::from_shape_fn([3, 100, 100], |(_, x, y)| (1 + x / 5 * 20 + y / 5) as u32);
    let config = fine(&["labeling.a.cell_variation=0.5"]);
    let run = simulate(&config, &labels, whole([3, 100, 100]), 1, &mut cpu());
    let mut of_cells = vec![0.0; 401];
    for (&cell, &count) in labels.iter().zip(&run.counts[0]) {
        of_cells[cell as usize] += f64::from(count) / (0.2 * 64.0 * 75.0);
    }
    let cells = &of_cells[1..];
    let mean = cells.iter().sum::<f64>() / 400.0;
    let deviation = (cells.iter().map(|b| (b - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
    assert!((mean - 1.0).abs() < 0.1, "{mean}");
    assert!((0.4..0.6).contains(&deviation), "{deviation}");
    assert!(cells.iter().all(|&brightness| brightness > 0.1));
}

/// The default channels of the model `physical`, whose three dyes make barcodes of two.
#[test]
fn barcodes_are_read_from_the_expected_images() {
    let mut config = Config::physical();
    config.groundtruth.voxel_nm = Some([100.0; 3]);
    config.expansion.factor = 4.0.into();
    config.optics.pixel_size_nm = 400.0 * config.optics.objective_factor;
    config.optics.focal_plane_depth_nm = 400.0;
    config.output.expected = true;
    config.compute.seed = Some(11);
    config.labeling.global_density = 0.9;
    config.labeling.barcode_layers = Some(2);
    config.labeling.barcode_levels = vec![0.5, 1.0];
    for layer in config.labeling.layers.values_mut() {
        layer.region = simexm_gpu::config::CellPart::Full;
        layer.labeling_density = 1.0;
        layer.protein_noise = 0.0;
        layer.protein_density_per_nm3 = 1e-3;
        layer.extras.barcode = true;
    }
    // 216 cells, far from each other.
    let cells = Array3::from_shape_fn([54, 48, 48], |(z, x, y)| {
        let inside = z % 9 < 5 && x % 8 < 4 && y % 8 < 4;
        if inside {
            (1 + z / 9 * 36 + x / 8 * 6 + y / 8) as u32
        } else {
            0
        }
    });
    config.validate().unwrap();
    let images = cuts::simulators()[0]
        .simulate(
            &config,
            &Tissue::new(cells.view()),
            Options::default(),
            &mut Silent,
        )
        .unwrap();
    let model = Model::new(&config, whole([54, 48, 48]), 11).unwrap();
    let index = CellIndex::new(1..=216u64);
    let codes = Selection::draw(&model, &index, None).codes;
    assert_eq!(codes.len(), 216);
    assert_eq!(images.codes.len(), 216);
    for (told, code) in images.codes.iter().zip(&codes) {
        assert_eq!(told.cell, code.cell as u64);
        assert_eq!(
            told.levels.values().copied().collect::<Vec<_>>(),
            code.levels
        );
    }
    let shown = codes
        .iter()
        .filter(|code| code.levels.iter().any(|level| *level > 0.0));
    assert!((180..210).contains(&shown.count()));
    // Layers and channels stand in the order of their dyes.
    let middle = |cell: usize, channel: usize| {
        let number = cell - 1;
        let place = [
            number / 36 * 9 + 2,
            number / 6 % 6 * 8 + 2,
            number % 6 * 8 + 2,
        ];
        f64::from(images.channels[channel].expected.as_ref().unwrap()[place])
    };
    let brightest: Vec<f64> = (0..3)
        .map(|channel| {
            let mut all: Vec<f64> = (1..=216).map(|cell| middle(cell, channel)).collect();
            all.sort_by(f64::total_cmp);
            all[200]
        })
        .collect();
    for code in &codes {
        let read: Vec<f64> = (0..3)
            .map(|channel| (2.0 * middle(code.cell, channel) / brightest[channel]).round() / 2.0)
            .collect();
        assert_eq!(read, code.levels, "cell {}", code.cell);
    }
}

/// Distortion of cells of 60 x 60 x 50 nm, in a picture with a pixel for each voxel.
fn distorted(scales: &str) -> Config {
    let entries = [
        "labeling.bodies.labeling_density=1",
        "labeling.bodies.region=full",
        "optics.focal_plane_depth=240",
        "optics.pixel_size=9600",
        "groundtruth.voxel_dim=[60, 60, 60]",
        scales,
    ];
    cuts::configuration(&entries.map(str::to_owned))
}

#[test]
fn image_and_truth_are_warped_alike() {
    let shape = [9, 70, 60];
    let cells = cuts::tissue(shape);
    let plain = distorted("expansion.distortion=none");
    let config = distorted("expansion.distortion=[[0.3, 0.05], [3, 0.2]]");
    let model = Model::new(&config, whole(shape), 7).unwrap();
    let field = model.distortion.as_ref().unwrap();
    assert!(
        field.farthest.iter().all(|&far| (2..20).contains(&far)),
        "{:?}",
        field.farthest
    );
    let warp = |volume: &Array3<u64>| {
        Array3::from_shape_fn(shape, |(z, x, y)| {
            let moved = field
                .at([z, x, y])
                .map(|voxels| (voxels + 0.5).floor() as i64);
            let place = [
                z as i64 - moved[0],
                x as i64 - moved[1],
                y as i64 - moved[2],
            ];
            let place = place.map(|place| usize::try_from(place).unwrap_or(usize::MAX));
            volume.get(place).copied().unwrap_or(0)
        })
    };
    let warped = warp(&cells.map(|&id| id.into()));
    for mut simulator in cuts::simulators() {
        let mut run = |config: &Config, cells: &Array3<u64>| {
            let tissue = Tissue::new(cells.view());
            let images = simulator.simulate(config, &tissue, Options::default(), &mut Silent);
            images.expect("it runs")
        };
        let mut found = run(&config, &cells.map(|&id| id.into()));
        assert!(found.displacement.take().is_some());
        let before = run(&plain, &cells.map(|&id| id.into()));
        // As if the tissue had been so from the start.
        let expected = run(&plain, &warped);
        assert_eq!(found, expected);
        assert_ne!(found, before);
        let truth = |images: &simexm_gpu::internals::run::simulation::Images| {
            let of = images
                .ground_truth
                .iter()
                .find(|truth| truth.labelled.len() >= 10);
            of.expect("all cells are labelled").cells.clone()
        };
        assert_eq!(truth(&found), warp(&truth(&before)));
    }
}
