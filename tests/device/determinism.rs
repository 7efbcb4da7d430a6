//! How a run is cut into slabs, what its buffers held before, and how many threads share the work
//! change no byte of what it writes.

use crate::support::{Workplace, blocks, config, images, write_stack};
use rayon::ThreadPoolBuilder;
use simexm_gpu::config::Config;
use simexm_gpu::internals::run::simulation::{Options, Report, Silent, simulate};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tiff::encoder::{Compression, colortype};

/// The files of a run, by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Runs a configuration and takes its files.
fn run(workplace: &Workplace, text: &str, options: Options) -> (Report, Files) {
    let config = Config::from_toml_str(text, "test", workplace.folder(), &[]);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let report = simulate(&config, options, &mut Silent).unwrap_or_else(|error| panic!("{error}"));
    let files = images(&workplace.path("out"));
    std::fs::remove_dir_all(workplace.path("out")).unwrap();
    (report, files)
}

/// Runs the configuration over volumes of several shapes, cut into slabs of several depths.
fn is_cut_alike(replacements: &[(&str, &str)]) {
    let workplace = Workplace::new();
    let text = config(replacements);
    for shape in [
        [1, 40, 33],
        [2, 20, 90],
        [6, 31, 17],
        [14, 48, 36],
        [35, 19, 26],
    ] {
        workplace.volume(shape, &blocks(shape));
        let axons: Vec<u8> = blocks(shape)
            .into_iter()
            .map(|id| (id % 3 == 1).into())
            .collect();
        let path = workplace.path("axons.tif");
        write_stack::<colortype::Gray8>(&path, shape, &axons, Compression::Uncompressed);
        let (report, whole) = run(&workplace, &text, Options::default());
        assert_eq!(whole.len(), 5);
        assert!(
            report.maxima.iter().any(|&maximum| maximum > 0),
            "{shape:?} is dark"
        );
        let cut = |deepest_slab, poison| {
            let options = Options {
                deepest_slab,
                poison,
                ..Options::default()
            };
            let (other, files) = run(&workplace, &text, options);
            let told = format!("{shape:?}, slabs of {deepest_slab:?}, poison: {poison}");
            assert_eq!(other.maxima, report.maxima, "{told}");
            for (path, content) in &whole {
                assert!(
                    files.get(path) == Some(content),
                    "{}: {told}",
                    path.display()
                );
            }
        };
        for slices in [1, 2, 3, 7] {
            cut(Some(slices), false);
        }
        cut(None, true);
        cut(Some(1), true);
        cut(Some(5), true);
    }
}

#[test]
fn isotropic_with_displacement() {
    is_cut_alike(&[]);
}

#[test]
fn anisotropic_without_displacement() {
    is_cut_alike(&[
        ("isotropic = true", "isotropic = false"),
        ("protein_noise = 0.3", ""),
    ]);
}

#[test]
fn far_displacement_along_z() {
    let near = "voxel_dim = [40, 16, 16]";
    is_cut_alike(&[
        (near, "voxel_dim = [9, 16, 16]"),
        ("protein_noise = 0.3", "protein_noise = 1"),
    ]);
}

#[test]
fn every_slice_and_magnified() {
    is_cut_alike(&[
        ("focal_plane_depth = 320", "focal_plane_depth = 160"),
        ("pixel_size = 6500", "pixel_size = 1300"),
        ("baseline_noise = 0", "baseline_noise = 20"),
    ]);
}

#[test]
fn few_slices_of_many() {
    is_cut_alike(&[("focal_plane_depth = 320", "focal_plane_depth = 800")]);
}

/// The choice of the largest cell needs the survey; regions of their own, two dyes in a channel,
/// and one dye in two layers the rest.
#[test]
fn regions_of_their_own_and_dyes_that_meet() {
    let layers = "[groundtruth.regions.axons]\nregion_path = \"axons.tif\"\n\n\
                  [labeling.more]\nfluorophore = \"ATTO390\"\nregion = \"full\"\n\
                  single_neuron = \"largest\"\nprotein_density = 1e-4\n\n[expansion]";
    is_cut_alike(&[
        ("[expansion]", layers),
        ("\"cytosol\"", "\"axons\""),
        ("\"ATTO647N\"", "\"ATTO425\""),
        ("path = \"out\"", "path = \"out\"\ngt_region = \"axons\""),
    ]);
}

#[test]
fn merged_channels() {
    let workplace = Workplace::new();
    let text = config(&[("name = ", "sim_channels = \"merged\"\nname = ")]);
    let (_, whole) = run(&workplace, &text, Options::default());
    let deepest_slab = Some(3);
    let (_, cut) = run(
        &workplace,
        &text,
        Options {
            deepest_slab,
            ..Options::default()
        },
    );
    assert!(whole == cut);
    assert_eq!(whole.len(), 4);
}

#[test]
fn any_number_of_threads() {
    let workplace = Workplace::new();
    let text = config(&[]);
    let (_, reference) = run(&workplace, &text, Options::default());
    for threads in [1, 2, 3, 8] {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        for deepest_slab in [None, Some(1), Some(4)] {
            let options = Options {
                deepest_slab,
                ..Options::default()
            };
            let (_, files) = pool.install(|| run(&workplace, &text, options));
            assert!(
                files == reference,
                "{threads} threads, slabs of {deepest_slab:?}"
            );
        }
    }
}

/// Were the comparison blind, all of the above would hold of different runs too.
#[test]
fn another_seed_is_another_run() {
    let workplace = Workplace::new();
    let (_, seven) = run(&workplace, &config(&[]), Options::default());
    let (_, eight) = run(
        &workplace,
        &config(&[("seed = 7", "seed = 8")]),
        Options::default(),
    );
    assert!(seven.keys().eq(eight.keys()));
    assert!(seven.values().zip(eight.values()).all(|(a, b)| a != b));
}
