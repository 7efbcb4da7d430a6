//! Outputs that open as one expects in other programs: composites, small ids, files that are called
//! after what they hold.

use crate::support::{IMAGE_SHAPE, SHAPE, Workplace, blocks, files, read_stack, write_stack};
use simexm_gpu::internals::apps::view;
use std::fs;
use tiff::ColorType;
use tiff::encoder::{Compression, colortype};

/// Exit code of bad usage or configuration.
const USAGE: i32 = 2;

#[test]
fn a_composite_holds_all_channels_of_a_slice_together() {
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "split"]);
    let of_channel = |channel: usize| {
        let path = format!("split/tissue/simulation/channel_{channel}.tiff");
        read_stack(&workplace.path(path)).values
    };
    let channels = [of_channel(0), of_channel(1)];
    let [slices, rows, columns] = IMAGE_SHAPE;
    let composite = ["--set", "output.sim_channels=composite"];
    for compression in ["none", "deflate"] {
        let compression = format!("output.compression={compression}");
        let more = ["--output", "out", "--set", &compression];
        workplace.simulate(&[&composite[..], &more].concat());
        let simulation = workplace.path("out/tissue/simulation");
        assert_eq!(files(&simulation), ["channels.tiff"]);
        let stack = read_stack(&simulation.join("channels.tiff"));
        assert_eq!(stack.shape, [2 * slices, rows, columns]);
        let pages = |z: usize| z * rows * columns..(z + 1) * rows * columns;
        for z in 0..slices {
            for (channel, alone) in channels.iter().enumerate() {
                let page = &stack.values[pages(2 * z + channel)];
                assert_eq!(page, &alone[pages(z)], "slice {z} of channel {channel}");
            }
        }
    }
    // The viewer shows each channel of it, by the output, with its dye, and by the file.
    for (path, called) in [
        ("out/tissue", ["blue (ATTO390)", "red (ATTO647N)"]),
        ("out/tissue/simulation/channels.tiff", ["blue", "red"]),
    ] {
        let scenes = view::open(&[workplace.path(path)], &[]).unwrap();
        assert_eq!(scenes.len(), 1, "{path}");
        assert_eq!(scenes[0].shape, IMAGE_SHAPE);
        let layers = scenes[0].layers.iter();
        let names: Vec<&str> = layers.map(|layer| layer.name.as_str()).collect();
        assert_eq!(names[..2], called, "{path}");
    }
    // A check tells of the file, and of what other formats do not hold.
    let check = workplace.run([&["check", "config.toml"], &composite[..]].concat());
    assert!(
        check.stdout.contains("simulation/channels.tiff"),
        "{check:?}"
    );
    let gif = [
        &["config.toml", "--set", "output.format=gif"],
        &composite[..],
    ]
    .concat();
    workplace.refuses(
        USAGE,
        &gif,
        &[
            "sim_channels",
            "\"tiff\" or \"ome-zarr\" takes \"composite\"",
        ],
    );
}

#[test]
fn files_are_called_after_their_channels() {
    let workplace = Workplace::new();
    let names = |folder: &str, arguments: &[&str]| {
        workplace.simulate(&[&["--output", folder], arguments].concat());
        files(&workplace.path(folder).join("tissue/simulation"))
    };
    workplace.configure(&[("channel_files = \"numbers\"\n", "")]);
    assert_eq!(names("names", &[]), ["blue.tiff", "red.tiff"]);
    let numbers = ["--set", "output.channel_files=numbers"];
    assert_eq!(
        names("numbers", &numbers),
        ["channel_0.tiff", "channel_1.tiff"]
    );
    workplace.configure(&[
        (
            "channel_files = \"numbers\"\n",
            "format = \"image sequence\"\n",
        ),
        ("[optics.channels.blue]", "[optics.channels.\"GFP/405.a\"]"),
    ]);
    workplace.simulate(&["--output", "png"]);
    let folders = fs::read_dir(workplace.path("png/tissue/simulation")).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    assert_eq!(folders, ["GFP_405.a", "red"]);
    let scenes = view::open(&[workplace.path("png/tissue")], &[]).unwrap();
    let name = &scenes[0].layers[0].name;
    assert!(name.starts_with("GFP/405.a"), "{name}");
    // The record keeps what it was.
    workplace
        .run(["png/tissue/simulation.toml", "-o", "again"])
        .succeeded();
    assert!(workplace.path("again/tissue/simulation/GFP_405.a").is_dir());
}

/// Cells whose ids are too large for floating point numbers of 32 bits.
fn large_ids(workplace: &Workplace) {
    let ids: Vec<u32> = blocks(SHAPE)
        .into_iter()
        .map(|id| match id {
            0 => 0,
            id => (1 << 25) + u32::from(id),
        })
        .collect();
    let path = workplace.path("cells.tif");
    write_stack::<colortype::Gray32>(&path, SHAPE, &ids, Compression::Uncompressed);
}

#[test]
fn compact_ids_fit_16_bits_and_a_table_tells_whose_they_are() {
    let workplace = Workplace::new();
    large_ids(&workplace);
    let compact = ["--output", "compact", "--set", "output.ids=compact"];
    let told = workplace.simulate(&["--output", "kept"]);
    assert_eq!(told.warnings().len(), 1, "{told:?}");
    assert!(told.tells(&["warning: ImageJ reads ids", "ids = \"compact\""]));
    let check = workplace.run(["check", "config.toml"]);
    assert!(check.stdout.contains("ImageJ reads ids"), "{check:?}");
    assert_eq!(workplace.simulate(&compact).warnings(), Vec::<&str>::new());
    let table = fs::read_to_string(workplace.path("compact/tissue/groundtruth/ids.csv")).unwrap();
    let mut rows = table.lines();
    assert_eq!(rows.next(), Some("number,id"));
    let mut ids = vec![0];
    for (row, number) in rows.zip(1..) {
        let (found, id) = row.split_once(',').unwrap();
        assert_eq!(found, number.to_string());
        ids.push(id.parse::<u64>().unwrap());
    }
    let all = "tissue/groundtruth/ATTO390/all_cells.tiff";
    let kept = read_stack(&workplace.path("kept").join(all));
    let compact = read_stack(&workplace.path("compact").join(all));
    assert_eq!(compact.color, ColorType::Gray(16));
    assert!(compact.values.iter().any(|&number| number != 0));
    let meant: Vec<u64> = compact.values.iter().map(|&n| ids[n as usize]).collect();
    assert_eq!(meant, kept.values);
    // A volume for each cell is called by the number that it holds.
    let alone = ["--output", "alone", "--set", "output.ids=compact"];
    workplace.simulate(&[&alone[..], &["--set", "output.gt_cells=split"]].concat());
    let folder = workplace.path("alone/tissue/groundtruth/ATTO390");
    for name in files(&folder) {
        let number: u64 = name.trim_end_matches(".tiff").parse().unwrap();
        let values = read_stack(&folder.join(&name)).values;
        assert!(
            values.iter().all(|&value| value == 0 || value == number),
            "{name}"
        );
        assert!(ids.get(number as usize).is_some(), "{name}");
    }
}

#[test]
fn new_configurations_open_well_and_old_ones_stay() {
    let workplace = Workplace::new();
    workplace.run(["init", "new.toml"]).succeeded();
    workplace.run(["new.toml", "--backend", "cpu"]).succeeded();
    let written = files(&workplace.path("output/new"));
    for name in ["simulation/channels.tiff", "groundtruth/ids.csv"] {
        assert!(written.contains(&name.to_owned()), "{written:?}");
    }
    workplace.simulate(&[]);
    assert_eq!(files(&workplace.path("out")).len(), 6);
}
