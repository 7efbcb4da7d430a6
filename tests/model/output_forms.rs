//! The forms of the output: a volume per cell, formats, merged channels, bit depth. Read by other
//! decoders in .ci/read-back.py.

use crate::support::{IMAGE_SHAPE, Workplace, blocks, read_stack};
use std::collections::BTreeSet;
use std::fs;

fn values(workplace: &Workplace, path: &str) -> Vec<u64> {
    read_stack(&workplace.path(path)).values
}

#[test]
fn splitted_ground_truth_is_the_merged_one_cell_by_cell() {
    let workplace = Workplace::new();
    workplace.configure(&[]);
    workplace.simulate(&[]).succeeded();
    workplace.configure(&[(
        "path = \"out\"",
        "path = \"apart\"\ngt_cells = \"splitted\"",
    )]);
    workplace.simulate(&[]).succeeded();
    for dye in ["ATTO390", "ATTO647N"] {
        let merged = values(
            &workplace,
            &format!("out/tissue/groundtruth/{dye}/all_cells.tiff"),
        );
        let cells: BTreeSet<u64> = merged.iter().copied().filter(|&id| id != 0).collect();
        assert!(cells.len() > 3);
        let folder = workplace.path(format!("apart/tissue/groundtruth/{dye}"));
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let shown = cells
            .iter()
            .map(|id| format!("{id}.tiff"))
            .collect::<BTreeSet<_>>();
        assert!(files.is_superset(&shown), "{files:?}");
        for file in files {
            let id: u64 = file.trim_end_matches(".tiff").parse().unwrap();
            let alone = values(
                &workplace,
                &format!("apart/tissue/groundtruth/{dye}/{file}"),
            );
            let expected = merged.iter().map(|&there| if there == id { id } else { 0 });
            assert!(alone.into_iter().eq(expected), "{dye} {file}");
        }
    }
    // The images do not depend on the form of the ground truth.
    for channel in ["channel_0", "channel_1"] {
        let [a, b] = ["out", "apart"].map(|folder| {
            fs::read(workplace.path(format!("{folder}/tissue/simulation/{channel}.tiff"))).unwrap()
        });
        assert!(a == b, "{channel}");
    }
}

#[test]
fn a_second_run_replaces_its_own_cells_and_no_file_of_the_users() {
    let workplace = Workplace::new();
    workplace.configure(&[("path = \"out\"", "path = \"out\"\ngt_cells = \"splitted\"")]);
    workplace.simulate(&[]).succeeded();
    workplace.simulate(&[]).succeeded();
    let folder = workplace.path("out/tissue/groundtruth/ATTO390");
    let cell = fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&cell, "mine").unwrap();
    let name = cell.file_name().unwrap().to_str().unwrap();
    workplace.refuses(1, &["config.toml"], &[name, "--force"]);
    assert_eq!(fs::read(&cell).unwrap(), b"mine");
    workplace.simulate(&["--force"]).succeeded();
    assert_ne!(fs::read(&cell).unwrap(), b"mine");
}

#[test]
fn sequences_hold_what_stacks_hold() {
    let workplace = Workplace::new();
    for (merged, bits) in [
        ("splitted", 8),
        ("splitted", 16),
        ("merged", 8),
        ("merged", 16),
    ] {
        let form = |path: &str, format: &str| {
            let keys = format!(
                "path = \"{path}\"\nsim_channels = \"{merged}\"\nbit_depth = {bits}\nformat = \"{format}\""
            );
            workplace.configure(&[("path = \"out\"", &keys)]);
            workplace.simulate(&["--force"]).succeeded();
        };
        form("stacks", "tiff");
        form("sequences", "image sequence");
        let stems = match merged {
            "merged" => vec!["simulation/channels_012"],
            _ => vec!["simulation/channel_0", "simulation/channel_1"],
        };
        for stem in stems.into_iter().chain(["groundtruth/ATTO390/all_cells"]) {
            let stack = values(&workplace, &format!("stacks/tissue/{stem}.tiff"));
            let mut sequence = Vec::new();
            for slice in 0..IMAGE_SHAPE[0] {
                let path = format!("sequences/tissue/{stem}/image_{slice}.png");
                let image =
                    image::open(workplace.path(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
                match image {
                    image::DynamicImage::ImageLuma8(i) => {
                        sequence.extend(i.iter().map(|&v| u64::from(v)))
                    }
                    image::DynamicImage::ImageRgb8(i) => {
                        sequence.extend(i.iter().map(|&v| u64::from(v)))
                    }
                    image::DynamicImage::ImageLuma16(i) => {
                        sequence.extend(i.iter().map(|&v| u64::from(v)))
                    }
                    image::DynamicImage::ImageRgb16(i) => {
                        sequence.extend(i.iter().map(|&v| u64::from(v)))
                    }
                    other => panic!("{path}: {:?}", other.color()),
                }
            }
            assert!(stack == sequence, "{stem}, {merged}, {bits} bits");
            assert!(stack.iter().any(|&value| value > 0), "{stem}");
        }
        fs::remove_dir_all(workplace.path("stacks")).unwrap();
        fs::remove_dir_all(workplace.path("sequences")).unwrap();
    }
}

#[test]
fn ids_that_png_cannot_hold_are_refused_with_advice() {
    let workplace = Workplace::new();
    let ids: Vec<u32> = blocks(crate::support::SHAPE)
        .into_iter()
        .map(|id| u32::from(id) * 1000)
        .collect();
    crate::support::write_stack::<tiff::encoder::colortype::Gray32>(
        &workplace.path("cells.tif"),
        crate::support::SHAPE,
        &ids,
        tiff::encoder::Compression::Uncompressed,
    );
    workplace.configure(&[(
        "path = \"out\"",
        "path = \"out\"\nformat = \"image sequence\"",
    )]);
    workplace.refuses(2, &["config.toml"], &["65535", "\"tiff\""]);
}

#[test]
fn saturated_photons_are_told() {
    let workplace = Workplace::new();
    // 255 photons are exceeded, 65535 are not.
    let exposure = ("exposure_time = 0.1", "exposure_time = 0.03");
    let keys = "path = \"out\"\nnormalize = \"none\"";
    workplace.configure(&[exposure, ("path = \"out\"", keys)]);
    let outcome = workplace.simulate(&[]).succeeded();
    assert!(
        outcome.tells(&["saturated", "bit_depth = 16"]),
        "{outcome:?}"
    );
    assert!(values(&workplace, "out/tissue/simulation/channel_0.tiff").contains(&255));
    let keys = "path = \"out\"\nnormalize = \"none\"\nbit_depth = 16";
    workplace.configure(&[exposure, ("path = \"out\"", keys)]);
    let warnings = workplace.simulate(&[]).succeeded();
    assert!(warnings.warnings().is_empty(), "{warnings:?}");
}
