//! One run and its tasks.

use super::{assert_alike, configure, facts, output, plan, task, whole, workplace};
use crate::support::{Workplace, gpu};

/// Does all tasks of a box in an order of its own, some of them twice, one process for each or for
/// several; finishes, and compares.
fn compare(workplace: &Workplace, core: &str, backend: &str, tasks: u64) {
    let run = format!("run-{backend}-{}", core.replace(',', "-"));
    let [_, of_images] = plan(workplace, &run, core);
    assert_eq!(of_images, tasks, "{core}");
    facts(workplace, &run, backend);
    // Every number once: the step has no divisor in common with the count.
    let step = (1..)
        .map(|n| 2 * n + 3)
        .find(|step| gcd(*step, tasks) == 1)
        .unwrap();
    let order: Vec<u64> = (0..tasks).map(|n| (n * step + tasks / 2) % tasks).collect();
    for some in order.chunks(3) {
        let words: Vec<String> = some.iter().map(u64::to_string).collect();
        task(workplace, &run, "image", &words.join(","), backend).succeeded();
    }
    let again = [
        "task",
        &run,
        "image",
        "0",
        "--again",
        "-q",
        "--backend",
        backend,
    ];
    workplace.run(again).succeeded();
    let missing = workplace
        .run(["status", &run, "--missing", "image"])
        .succeeded();
    assert_eq!(missing.stdout, "");
    workplace.run(["finish", &run, "-q"]).succeeded();
    let whole = whole(workplace, backend);
    assert_alike(
        &whole,
        &output(workplace, &run),
        &format!("{core} on {backend}"),
    );
    let left = workplace.path(&run).join(".simexm-tmp");
    assert!(!left.exists(), "{}", left.display());
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn backends() -> Vec<&'static str> {
    let gpu = gpu().map(|_| "gpu");
    std::iter::once("cpu").chain(gpu).collect()
}

/// Regions, whose cells are chosen by a survey of all tasks.
#[test]
fn one_two_and_seven_tasks_along_z() {
    let workplace = workplace([112, 70, 66], &[]);
    for backend in backends() {
        compare(&workplace, "112", backend, 1);
        compare(&workplace, "64", backend, 2);
        compare(&workplace, "16", backend, 7);
    }
}

#[test]
fn boxes_along_all_axes() {
    let workplace = workplace([48, 130, 70], &["labeling.bodies.region=full"]);
    for backend in backends() {
        compare(&workplace, "32,64,64", backend, 12);
    }
}

#[test]
fn twenty_four_tasks() {
    let workplace = workplace([64, 130, 100], &["labeling.bodies.region=full"]);
    compare(&workplace, "16,64,64", "cpu", 24);
}

/// Every protein lies away from its site, as far as any may: the halo counts to its last slice.
#[test]
fn proteins_as_far_away_as_they_come() {
    let entries = [
        "labeling.bodies.region=full",
        "labeling.bodies.labeling_density=1",
        "labeling.bodies.antibody_amp=20",
        "labeling.bodies.linkage=60",
        "labeling.bodies.protein_density=1e-2",
    ];
    let workplace = workplace([96, 80, 80], &entries);
    compare(&workplace, "16,64,64", "cpu", 24);
}

/// Levels that no task holds whole are made at the end.
#[test]
fn levels_are_made_of_several_tasks() {
    let entries = [
        "groundtruth.voxel_dim=[40, 40, 40]",
        "labeling.bodies.region=full",
    ];
    let workplace = workplace([72, 140, 40], &entries);
    compare(&workplace, "16", "cpu", 5);
    let level = workplace.path("run-cpu-16/out/simulation/channels.ome.zarr/1/c/0/0/0/0");
    assert!(level.is_file(), "{}", level.display());
}

/// A winner of all cells, bins, every second slice, background light in 8 bits.
#[test]
fn facts_of_the_whole_tissue_reach_all_tasks() {
    let workplace = workplace([64, 70, 66], &[]);
    for (entries, tasks) in [
        (
            &[
                "labeling.bodies.single_neuron=largest",
                "labeling.membranes.single_neuron=random",
                "optics.baseline_noise=60",
                "output.bit_depth=8",
            ][..],
            4,
        ),
        (
            &[
                "labeling.bodies.region=full",
                "labeling.membranes.region=full",
                "labeling.membranes.single_neuron=random",
                "optics.focal_plane_depth=320",
                "optics.objective_factor=40",
            ][..],
            2,
        ),
    ] {
        let all = [&super::IN_SHARDS[..], &super::ONE_TO_ONE[..], entries].concat();
        // The later entry counts.
        configure(&workplace, &all);
        let _ = std::fs::remove_dir_all(workplace.path("run-cpu-16"));
        let _ = std::fs::remove_dir_all(workplace.path("whole-cpu"));
        compare(&workplace, "16", "cpu", tasks);
    }
}

/// Shards of several chunks: in whatever order these are packed, they lie in that of the grid.
#[test]
fn chunks_of_a_shard_lie_in_order() {
    let entries = ["output.shard=128", "labeling.bodies.region=full"];
    let workplace = workplace([32, 140, 140], &entries);
    compare(&workplace, "16,128,128", "cpu", 8);
}

/// An annotated region that lies in the boxes of a few tasks only: which cells it belongs to is a
/// fact of all.
#[test]
fn an_annotated_region() {
    let shape = [64, 130, 70];
    let workplace = workplace(shape, &[]);
    let notes: Vec<u16> = (0..shape.iter().product())
        .map(|voxel| {
            let (z, x) = (voxel / (130 * 70), voxel / 70 % 130);
            u16::from((20..29).contains(&z) && (30..50).contains(&x))
        })
        .collect();
    let cells = std::fs::read(workplace.path("cells.tif")).unwrap();
    workplace.volume(shape, &notes);
    std::fs::rename(workplace.path("cells.tif"), workplace.path("notes.tif")).unwrap();
    workplace.write("cells.tif", cells);
    let text = std::fs::read_to_string(workplace.path("config.toml")).unwrap();
    let (before, bodies) = text.split_once("[labeling.bodies]").unwrap();
    let (_, after) = bodies.split_once("region = ").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let kept = bodies.split_once("region = ").unwrap().0;
    let text = format!(
        "{before}[labeling.bodies]{kept}region = \"notes\"\n{after}\n[groundtruth.regions.notes]\n\
         region_path = \"notes.tif\"\n"
    );
    workplace.write("config.toml", text);
    for backend in backends() {
        compare(&workplace, "16,64,64", backend, 24);
    }
}

/// Clusters of proteins, whose table no task sees whole; pixels of several voxels, so that boxes and
/// blocks cut the tissue at different places, and images of every second slice.
#[test]
fn clusters_of_proteins() {
    let entries = [
        "labeling.bodies.puncta_proteins=20",
        "labeling.bodies.puncta_spread=30",
        "labeling.bodies.protein_noise=0",
        "labeling.bodies.protein_density=1e-4",
        "labeling.bodies.labeling_density=0.8",
        "optics.focal_plane_depth=320",
        "optics.objective_factor=20",
    ];
    let workplace = workplace([70, 700, 40], &entries);
    for backend in backends() {
        compare(&workplace, "16,64,8", backend, 9);
    }
    let table = workplace.path("run-cpu-16-64-8/out/groundtruth/puncta.csv");
    let table = std::fs::read_to_string(table).unwrap();
    assert!(table.lines().count() > 100, "{table}");
}

/// Cells that have a volume each, overlap, and lie in the boxes of some tasks only: sheets of a box
/// are not those of the tissue.
#[test]
fn cells_that_overlap() {
    let shape = [160, 60, 50];
    let workplace = workplace(shape, &[]);
    let [_, rows, columns] = shape;
    // Balls along a line, each of which reaches into the next.
    for (number, id) in [7u16, 3, 900, 12, 4, 65000].into_iter().enumerate() {
        let middle = [10 + 26 * number, 20 + 4 * number, 25];
        let inside = |voxel: usize| {
            let place = [
                voxel / (rows * columns),
                voxel / columns % rows,
                voxel % columns,
            ];
            let apart = place
                .iter()
                .zip(middle)
                .map(|(&at, middle)| at.abs_diff(middle).pow(2));
            apart.sum::<usize>() < 17 * 17
        };
        let ids: Vec<u16> = (0..shape.iter().product())
            .map(|voxel| if inside(voxel) { id } else { 0 })
            .collect();
        workplace.volume(shape, &ids);
        std::fs::create_dir_all(workplace.path("cells")).unwrap();
        let stack = workplace.path(format!("cells/{}.tif", 9 - number));
        std::fs::rename(workplace.path("cells.tif"), stack).unwrap();
    }
    let text = std::fs::read_to_string(workplace.path("config.toml")).unwrap();
    let text = text.replacen("cells.tif\"", "cells\"\ngt_cells = \"splitted\"", 1);
    let text = text.replacen("gt_cells = \"merged\"\n", "", 1);
    workplace.write("config.toml", text);
    for backend in backends() {
        compare(&workplace, "32", backend, 5);
    }
}

/// Grey values that are shares of the brightest pixel of all tasks, which are looked for before;
/// by tiles, and with a detector's own maximum in sight.
#[test]
fn the_brightest_pixel_of_all_tasks() {
    let entries = ["output.normalize=channel", "output.bit_depth=8"];
    let workplace = workplace([64, 130, 70], &entries);
    for backend in backends() {
        compare(&workplace, "16,64,64", backend, 24);
    }
    // Another survey makes another scale.
    let scale = workplace
        .run(["merge", "run-cpu-16-64-64", "scale"])
        .succeeded();
    assert!(
        scale.stdout.contains("the brightest pixels of 2 channels"),
        "{}",
        scale.stdout
    );
}

/// An uneven expansion, several rounds of imaging, and proteins away from their cells; the tables
/// and fields of the whole tissue are there as well.
#[test]
fn an_uneven_expansion_and_rounds_of_imaging() {
    let workplace = workplace(
        [48, 70, 66],
        &[
            "expansion.distortion=[[1.0, 0.05]]",
            "rounds.number=2",
            "rounds.shift=[0.1, 0.3, 0.3]",
            "labeling.bodies.linkage=20",
        ],
    );
    compare(&workplace, "16,64,64", "cpu", 12);
    let table = workplace.path("run-cpu-16-64-64/out/groundtruth/rounds.csv");
    assert!(table.is_file(), "{}", table.display());
}

/// Diffraction, pixels of any size, images between slices, and a detector with noise.
#[test]
fn the_model_physical() {
    let workplace = workplace([64, 90, 70], &[]);
    let image = format!(
        "groundtruth.image_path={}",
        workplace.path("cells.tif").display()
    );
    let entries = [
        image.as_str(),
        "groundtruth.voxel_dim=[40, 32, 32]",
        "labeling.a.fluorophore=ATTO550",
        "labeling.a.region=membrane",
        "labeling.a.labeling_density=0.6",
        "labeling.a.protein_density=1e-3",
        "optics.focal_plane_depth=130",
        "optics.psf=scalar",
        "output.format=ome-zarr",
        "output.sim_channels=composite",
        "output.name=tissue",
        "output.shard=64",
        "compute.seed=7",
    ];
    let config = crate::support::physical(&entries);
    workplace.write("config.toml", config.to_toml());
    compare(&workplace, "32,64,64", "cpu", 12);
}

/// What there is of layers, light and cameras, in two configurations: whatever depends on the place
/// in the whole tissue is the same in a part of it.
#[test]
fn layers_and_physics_of_all_kinds() {
    let workplace = workplace([48, 90, 70], &[]);
    let image = format!(
        "groundtruth.image_path={}",
        workplace.path("cells.tif").display()
    );
    let common = [
        image.as_str(),
        "groundtruth.voxel_dim=[40, 32, 32]",
        "labeling.a.fluorophore=ATTO550",
        "labeling.a.region=membrane",
        "labeling.a.membrane_density=0.01",
        "labeling.a.cell_variation=0.4",
        "labeling.a.linkage=15",
        "labeling.b.fluorophore=ATTO550",
        "labeling.b.stain=protein",
        "labeling.b.protein_density=1e-5",
        "output.format=ome-zarr",
        "output.sim_channels=composite",
        "output.name=tissue",
        "output.shard=64",
        "optics.psf=scalar",
        "compute.seed=7",
    ];
    let wide = [
        "optics.type=widefield",
        "optics.channels.channel_1.irradiance=50",
        "optics.bleaching=true",
        "optics.stripes=0.2",
        "optics.lost_images=[3, 17]",
        "optics.boundary=dark",
        "optics.psf_reach=40",
        "tissue.autofluorescence=1e-6",
        "tissue.attenuation_length=50",
        "tissue.haze=3",
        "detector.kind=scmos",
        "rounds.number=2",
    ];
    let sheet = [
        "optics.type=light sheet",
        "optics.channels.channel_1.irradiance=50",
        "optics.depth=20",
        "optics.spectral_bins=2",
        "optics.focal_plane_depth=210",
        "groundtruth.upsample=[2, 1, 1]",
        "detector.kind=emccd",
        "detector.gain=0.1",
        "detector.register_full_well=400000",
        "labeling.c.fluorophore=ATTO550",
        "labeling.c.barcode=true",
        "labeling.c.protein_density=1e-4",
        "labeling.barcode_layers=1",
    ];
    for (entries, core, tasks) in [(&wide[..], "16,64,64", 12), (&sheet[..], "32,64,64", 8)] {
        let config = crate::support::physical(&[&common[..], entries].concat());
        workplace.write("config.toml", config.to_toml());
        let run = format!("run-cpu-{}", core.replace(',', "-"));
        let _ = std::fs::remove_dir_all(workplace.path("whole-cpu"));
        compare(&workplace, core, "cpu", tasks);
        assert!(workplace.path(run).exists());
    }
}

/// Blocks of the blur, more than one along an axis: boxes that are no blocks.
#[test]
fn boxes_of_a_slice_of_several_blocks() {
    let workplace = workplace([16, 1100, 20], &["labeling.bodies.region=full"]);
    compare(&workplace, "16,256,20", "cpu", 5);
}
