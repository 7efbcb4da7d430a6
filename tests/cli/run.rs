//! Runs that succeed: the files they write and what these hold, and how a run is repeated.

use crate::support::{
    IMAGE_SHAPE, SHAPE, Workplace, blocks, files, images, read_stack, write_stack,
};
use std::collections::BTreeMap;
use std::fs;
use tiff::ColorType;
use tiff::encoder::{Compression, colortype};

/// Three more channels; in the order of code points `channel_10` comes before `channel_2`.
const MORE_CHANNELS: &str = r#"[optics.channels.channel_10]
laser_wavelength = 640
laser_power = 20
laser_percentage = 0.25
laser_filter = [650, 720]

[optics.channels.channel_2]
laser_wavelength = 390
laser_power = 20
laser_percentage = 0.25
laser_filter = [440, 500]

[output]"#;

#[test]
fn splitted_channels_and_ground_truth() {
    let workplace = Workplace::new();
    let outcome = workplace.simulate(&[]);
    assert_eq!(
        files(&workplace.path("out")),
        [
            "tissue/groundtruth/ATTO390/all_cells.tiff",
            "tissue/groundtruth/ATTO647N/all_cells.tiff",
            "tissue/quicklook.png",
            "tissue/simulation/channel_0.tiff",
            "tissue/simulation/channel_1.tiff",
            "tissue/simulation.toml",
        ]
    );
    let known = blocks(SHAPE);
    for dye in ["ATTO390", "ATTO647N"] {
        let path = format!("out/tissue/groundtruth/{dye}/all_cells.tiff");
        let truth = read_stack(&workplace.path(path));
        assert_eq!(
            (truth.shape, truth.color),
            (IMAGE_SHAPE, ColorType::Gray(16))
        );
        assert!(truth.values.iter().any(|&id| id != 0));
        assert!(truth.values.iter().all(|&id| known.contains(&(id as u16))));
    }
    for channel in 0..2 {
        let path = format!("out/tissue/simulation/channel_{channel}.tiff");
        let image = read_stack(&workplace.path(path));
        assert_eq!(
            (image.shape, image.color),
            (IMAGE_SHAPE, ColorType::Gray(8))
        );
        assert_eq!(image.values.iter().max(), Some(&255));
    }
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
    for line in [
        "output  ",
        "seed    7",
        "device  CPU",
        "time    ",
        "7 slices of 16 x 12 pixels",
    ] {
        assert!(
            outcome.stdout.contains(line),
            "{line} in {}",
            outcome.stdout
        );
    }
    let folder = workplace.path("out/tissue");
    assert!(outcome.stdout.contains(folder.to_str().unwrap()));
    // Not a terminal: plain lines, no bar that is drawn over.
    assert!(outcome.tells(&["labelling and imaging: "]));
    assert!(!outcome.stderr.contains(['\r', '\u{1b}']), "{outcome:?}");
}

#[test]
fn merged_channels_are_rgb_with_missing_ones_black() {
    let workplace = Workplace::new();
    workplace.configure(&[("[output]", MORE_CHANNELS)]);
    workplace.simulate(&["--output", "splitted"]);
    workplace.simulate(&["--output", "merged", "--set", "output.sim_channels=merged"]);
    let simulation = workplace.path("merged/tissue/simulation");
    assert_eq!(
        files(&simulation),
        ["channels_012.tiff", "channels_345.tiff"]
    );
    let mut greys: Vec<Vec<u64>> = (0..4)
        .map(|channel| {
            let path = format!("splitted/tissue/simulation/channel_{channel}.tiff");
            read_stack(&workplace.path(path)).values
        })
        .collect();
    greys.resize(6, vec![0; greys[0].len()]);
    for (name, greys) in std::iter::zip(["channels_012.tiff", "channels_345.tiff"], greys.chunks(3))
    {
        let merged = read_stack(&simulation.join(name));
        assert_eq!(
            (merged.shape, merged.color),
            (IMAGE_SHAPE, ColorType::RGB(8))
        );
        let pixels = 0..greys[0].len();
        let expected: Vec<u64> = pixels
            .flat_map(|i| greys.iter().map(move |grey| grey[i]))
            .collect();
        assert_eq!(merged.values, expected, "{name}");
    }
    // Named in their order, which is that of the files.
    let run = &workplace.record("splitted")["run"];
    let names: Vec<&String> = run["brightest_pixel_photons"]
        .as_table()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["blue", "channel_10", "channel_2", "red"]);
    let reference = |set| {
        workplace.simulate(&["--output", "alone", "--set", set, "--force"]);
        read_stack(&workplace.path("alone/tissue/simulation/channel_2.tiff")).values
    };
    // Channel 2 of four is "channel_2": it alone goes dark when its laser does.
    let dark = reference("optics.channels.channel_2.laser_percentage=0");
    assert!(dark.iter().all(|&grey| grey == 0));
    assert_eq!(
        reference("optics.channels.channel_10.laser_percentage=0"),
        greys[2]
    );
}

#[test]
fn the_record_tells_of_the_run() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    let record = workplace.record("out");
    let image_path = workplace.path("cells.tif");
    assert_eq!(
        record["groundtruth"]["image_path"].as_str(),
        image_path.to_str()
    );
    // What was left out is there with its default.
    assert_eq!(record["labeling"]["global_density"].as_float(), Some(1.0));
    assert_eq!(
        record["labeling"]["bodies"]["antibody_amp"].as_float(),
        Some(5.0)
    );
    assert_eq!(record["output"]["gt_region"].as_str(), Some("full"));
    assert_eq!(record["compute"]["seed"].as_integer(), Some(7));
    let run = record["run"].as_table().unwrap();
    assert_eq!(run["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(run["backend"].as_str(), Some("cpu"));
    assert!(run["adapter"].as_str().unwrap().starts_with("CPU"));
    let seconds = run["seconds"].as_table().unwrap();
    assert!(seconds.contains_key("labelling and imaging"), "{seconds:?}");
    assert!(seconds.values().all(|time| time.as_float().unwrap() >= 0.0));
    for photons in run["photons"].as_array().unwrap() {
        let pair = [&photons["channel"], &photons["fluorophore"]].map(|v| v.as_str().unwrap());
        let bright = [["blue", "ATTO390"], ["red", "ATTO647N"]].contains(&pair);
        assert_eq!(
            photons["mean_photons"].as_float().unwrap() > 0.0,
            bright,
            "{photons}"
        );
    }
    assert_eq!(run["photons"].as_array().unwrap().len(), 4);
    let listed: BTreeMap<_, _> = run["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let number = |key: &str| file[key].as_integer().unwrap();
            (
                file["path"].as_str().unwrap().to_owned(),
                (number("bytes"), number("crc32")),
            )
        })
        .collect();
    let written = images(&workplace.path("out/tissue"));
    let written = written.into_iter().map(|(path, content)| {
        let facts = (content.len() as i64, i64::from(crc32fast::hash(&content)));
        (path.to_str().unwrap().replace('\\', "/"), facts)
    });
    assert_eq!(listed, written.collect());
}

#[test]
fn the_record_repeats_the_run() {
    let workplace = Workplace::new();
    let set = "optics.exposure_time=0.25";
    workplace.simulate(&[
        "--seed",
        "12",
        "--set",
        set,
        "--set",
        "groundtruth.offset=[1, 2, 3]",
    ]);
    workplace
        .run(["out/tissue/simulation.toml", "--output", "again"])
        .succeeded();
    let first = images(&workplace.path("out"));
    assert_eq!(images(&workplace.path("again")), first);
    // It may lie anywhere.
    workplace.write(
        "elsewhere/run.toml",
        fs::read(workplace.path("again/tissue/simulation.toml")).unwrap(),
    );
    workplace
        .run(["elsewhere/run.toml", "--output", "third"])
        .succeeded();
    assert_eq!(images(&workplace.path("third")), first);
    // Without --output it replaces what it tells of.
    workplace.run(["out/tissue/simulation.toml"]).succeeded();
    assert_eq!(images(&workplace.path("out")), first);
    assert_ne!(first, {
        workplace.simulate(&["--output", "other"]);
        images(&workplace.path("other"))
    });
}

#[test]
fn threads_and_repetition_change_no_byte() {
    let workplace = Workplace::new();
    let of = |threads: &str, output: &str| {
        workplace.simulate(&["--threads", threads, "--output", output]);
        images(&workplace.path(output))
    };
    let first = of("1", "a");
    assert_eq!(first.len(), 5);
    for (threads, output) in [("1", "b"), ("2", "c"), ("4", "d"), ("7", "e")] {
        assert_eq!(of(threads, output), first, "{threads} threads");
    }
}

#[test]
fn a_seed_is_drawn_told_and_repeats_the_run() {
    let workplace = Workplace::new();
    workplace.configure(&[("seed = 7\n", "")]);
    let drawn = |output: &str| -> u64 {
        let outcome = workplace.simulate(&["--output", output]);
        let line = outcome
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("seed "));
        line.unwrap().trim().parse().unwrap()
    };
    let (first, second) = (drawn("a"), drawn("b"));
    assert_ne!(first, second);
    assert_ne!(images(&workplace.path("a")), images(&workplace.path("b")));
    workplace.simulate(&["--seed", &first.to_string(), "--output", "c"]);
    assert_eq!(images(&workplace.path("a")), images(&workplace.path("c")));
    // Also where nothing is printed; seeds beyond 63 bits, which TOML has no integer for, too.
    workplace
        .run(["a/tissue/simulation.toml", "-q", "--output", "d"])
        .succeeded();
    assert_eq!(images(&workplace.path("a")), images(&workplace.path("d")));
    workplace.simulate(&["--seed", "18446744073709551615", "--output", "e"]);
    workplace
        .run(["e/tissue/simulation.toml", "--output", "f"])
        .succeeded();
    assert_eq!(images(&workplace.path("e")), images(&workplace.path("f")));
}

#[test]
fn paths_of_the_file_start_at_its_folder_those_of_flags_at_the_working_directory() {
    let workplace = Workplace::new();
    let text = crate::support::config(&[("cells.tif", "../cells.tif"), ("\"out\"", "\"results\"")]);
    workplace.write("study/run.toml", text);
    workplace.run(["study/run.toml"]).succeeded();
    assert_eq!(files(&workplace.path("study/results")).len(), 6);
    workplace
        .run(["study/run.toml", "--output", "here"])
        .succeeded();
    assert_eq!(
        images(&workplace.path("here")),
        images(&workplace.path("study/results"))
    );
    fs::rename(workplace.path("cells.tif"), workplace.path("moved.tif")).unwrap();
    let set = "groundtruth.image_path=moved.tif";
    workplace
        .run(["study/run.toml", "--output", "deep/er/there", "--set", set])
        .succeeded();
    assert_eq!(
        images(&workplace.path("here")),
        images(&workplace.path("deep/er/there"))
    );
}

#[test]
fn names_with_spaces_quotes_and_other_scripts() {
    let workplace = Workplace::new();
    workplace.write(
        "gewebe \u{e4} \u{2192}/cells 1.tif",
        fs::read(workplace.path("cells.tif")).unwrap(),
    );
    let text = crate::support::config(&[
        ("cells.tif", "cells 1.tif"),
        ("\"tissue\"", "\"\u{7d44}\u{7e54} 1\""),
        (
            "[optics.channels.blue]",
            "[optics.channels.\"gr\u{fc}n \\\"405\\\" = a b\"]",
        ),
        ("[labeling.bodies]", "[labeling.\"a.b c\"]"),
    ]);
    workplace.write("gewebe \u{e4} \u{2192}/run.toml", text);
    let config = "gewebe \u{e4} \u{2192}/run.toml";
    workplace.run([config, "--output", "my out"]).succeeded();
    assert_eq!(files(&workplace.path("my out/\u{7d44}\u{7e54} 1")).len(), 6);
    let record = "my out/\u{7d44}\u{7e54} 1/simulation.toml";
    workplace.run([record, "--output", "again"]).succeeded();
    assert_eq!(
        images(&workplace.path("my out")),
        images(&workplace.path("again"))
    );
}

#[test]
fn ids_keep_their_value() {
    let workplace = Workplace::new();
    let shape = [4, 24, 24];
    let place = |ids: [u64; 2]| -> Vec<u64> {
        let id = |block: u16| {
            if block == 0 {
                0
            } else {
                ids[usize::from(block) % 2]
            }
        };
        blocks(shape).into_iter().map(id).collect()
    };
    let path = workplace.path("cells.tif");
    let truth = |ids: [u64; 2]| {
        let all =
            ["bodies", "membranes"].map(|layer| format!("labeling.{layer}.labeling_density=1"));
        workplace.simulate(&["--set", &all[0], "--set", &all[1]]);
        let stack = read_stack(&workplace.path("out/tissue/groundtruth/ATTO390/all_cells.tiff"));
        assert!(ids.iter().all(|id| stack.values.contains(id)), "{ids:?}");
        assert!(
            stack.values.iter().all(|id| *id == 0 || ids.contains(id)),
            "{ids:?}"
        );
        stack.color
    };
    let ids = [u64::from(u32::MAX) - 1, u64::from(u32::MAX)];
    let narrow: Vec<u32> = place(ids).into_iter().map(|id| id as u32).collect();
    write_stack::<colortype::Gray32>(&path, shape, &narrow, Compression::Uncompressed);
    assert_eq!(truth(ids), ColorType::Gray(32));
    let ids = [1 << 40, u64::MAX];
    write_stack::<colortype::Gray64>(&path, shape, &place(ids), Compression::Uncompressed);
    assert_eq!(truth(ids), ColorType::Gray(64));
}

#[test]
fn volumes_of_one_voxel_slice_or_row() {
    let workplace = Workplace::new();
    for shape in [[1, 1, 1], [1, 30, 20], [12, 1, 20], [12, 20, 1], [1, 1, 40]] {
        let voxels = shape.iter().product();
        workplace.volume(shape, &vec![3; voxels]);
        workplace.simulate(&["--set", "labeling.bodies.labeling_density=1"]);
        let image = read_stack(&workplace.path("out/tissue/simulation/channel_0.tiff"));
        let expected = [
            shape[0].div_ceil(2),
            shape[1].div_ceil(3),
            shape[2].div_ceil(3),
        ];
        assert_eq!(image.shape, expected);
        assert_eq!(image.values.iter().max(), Some(&255), "{shape:?}");
    }
}

#[test]
fn a_folder_of_images_is_read_in_natural_order() {
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "stack"]);
    let ids = blocks(SHAPE);
    let [_, rows, columns] = SHAPE;
    for (z, slice) in ids.chunks(rows * columns).enumerate() {
        fs::create_dir_all(workplace.path("slices")).unwrap();
        let path = workplace.path(format!("slices/slice{}.tif", z + 1));
        write_stack::<colortype::Gray16>(&path, [1, rows, columns], slice, Compression::Lzw);
    }
    workplace.write("slices/.hidden.tif", "no image");
    workplace.write("slices/notes.txt", "no image");
    workplace.configure(&[("cells.tif", "slices")]);
    workplace.simulate(&["--output", "folder"]);
    assert_eq!(
        images(&workplace.path("stack")),
        images(&workplace.path("folder"))
    );
}

/// The memory that a run aims at bounds its slabs, not what can be simulated: here even slabs of
/// one slice need more.
#[test]
fn many_dyes_in_many_channels() {
    let workplace = Workplace::new();
    let shape = [33, 270, 260];
    workplace.volume(shape, &blocks(shape));
    let mut text = crate::support::config(&[]);
    for dye in simexm_gpu::internals::optics::fluorophore::names() {
        let layer = "labeling_density = 0.1\nprotein_density = 1e-5\n";
        text += &format!("\n[labeling.{dye}]\nfluorophore = \"{dye}\"\n{layer}");
    }
    for laser in [390, 460, 490] {
        let light = "laser_power = 50\nlaser_percentage = 1\nlaser_filter = [400, 900]\n";
        text += &format!("\n[optics.channels.c{laser}]\nlaser_wavelength = {laser}\n{light}");
    }
    workplace.write("config.toml", text);
    workplace.simulate(&[]);
    for channel in 0..5 {
        let path = format!("out/tissue/simulation/channel_{channel}.tiff");
        let image = read_stack(&workplace.path(path));
        assert_eq!(image.shape, [17, 90, 87]);
        assert_eq!(image.values.iter().max(), Some(&255));
    }
}

/// Voxels that are cut up are a volume of finer voxels: the bytes are those of a file that holds
/// them.
#[test]
fn upsampled_tissue_is_finer_tissue() {
    let parts = [2, 3, 1];
    let finer: [usize; 3] = std::array::from_fn(|axis| SHAPE[axis] * parts[axis]);
    let ids = blocks(SHAPE);
    let [_, x, y] = SHAPE;
    let fine = (0..finer.iter().product::<usize>()).map(|at| {
        let (z, row, column) = (
            at / (finer[1] * finer[2]),
            at / finer[2] % finer[1],
            at % finer[2],
        );
        ids[(z / parts[0] * x + row / parts[1]) * y + column / parts[2]]
    });
    let coarse = Workplace::new();
    coarse.simulate(&[
        "--set",
        "groundtruth.upsample=2,3,1",
        "--set",
        "groundtruth.offset=1,2,3",
        "--set",
        "optics.magnify=area",
    ]);
    let workplace = Workplace::new();
    workplace.volume(finer, &fine.collect::<Vec<u16>>());
    workplace.simulate(&[
        "--set",
        "groundtruth.voxel_dim=20,5.333333333333333,16",
        "--set",
        "groundtruth.offset=2,6,3",
    ]);
    for volume in [
        "simulation/channel_0.tiff",
        "groundtruth/ATTO390/all_cells.tiff",
    ] {
        let [a, b] = [&coarse, &workplace]
            .map(|workplace| read_stack(&workplace.path("out/tissue").join(volume)).values);
        assert!(!a.is_empty() && a == b, "{volume}");
    }
    // The record says what of the volume was loaded, and not what was made of it.
    let record = coarse.path("out/tissue/simulation.toml");
    let again = ["--force", "-o", "again", "--backend", "cpu"];
    coarse
        .run([&[record.to_str().unwrap()], &again[..]].concat())
        .succeeded();
    let [a, b] = ["out/tissue", "again/tissue"]
        .map(|run| read_stack(&coarse.path(run).join("simulation/channel_0.tiff")).values);
    assert_eq!(a, b);
}
