//! Cells that have a volume each: the same picture as from one volume when they do not overlap, and
//! each labelled whole when they do.

use crate::support::{SHAPE, Workplace, blocks, images, read_stack, write_stack};
use std::collections::BTreeSet;
use std::fs;
use tiff::encoder::{Compression, colortype};

const VOXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

/// Writes the voxels that `is` picks as a stack of one id.
fn write_cell(workplace: &Workplace, name: &str, id: u16, is: impl Fn(usize) -> bool) {
    let ids: Vec<u16> = (0..VOXELS).map(|i| if is(i) { id } else { 0 }).collect();
    let path = workplace.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_stack::<colortype::Gray16>(&path, SHAPE, &ids, Compression::Lzw);
}

#[test]
fn splitted_and_merged_cells_give_the_same_files() {
    let workplace = Workplace::new();
    let ids = blocks(SHAPE);
    let cells: BTreeSet<u16> = ids.iter().copied().filter(|&id| id != 0).collect();
    assert!(cells.len() > 20);
    for (number, &id) in cells.iter().enumerate() {
        // The name tells nothing; the cell of id 1 is in two halves.
        let name = format!("cells/{}.tif", 900 - number);
        write_cell(&workplace, &name, id, |i| {
            ids[i] == id && (id != 1 || i % 2 == 0)
        });
    }
    write_cell(&workplace, "cells/half.tif", 1, |i| {
        ids[i] == 1 && i % 2 == 1
    });
    let notes: Vec<u16> = (0..VOXELS).map(|i| (i % 5 == 0).into()).collect();
    let path = workplace.path("notes.tif");
    write_stack::<colortype::Gray16>(&path, SHAPE, &notes, Compression::Uncompressed);
    let region = "[groundtruth.regions.notes]\nregion_path = \"notes.tif\"\n\n[expansion]";
    let common = [("[expansion]", region), ("\"cytosol\"", "\"notes\"")];
    workplace.configure(&common);
    workplace.simulate(&[]);
    let merged = images(&workplace.path("out"));
    let splitted = ("\"cells.tif\"", "\"cells\"\ngt_cells = \"splitted\"");
    workplace.configure(&[common[0], common[1], splitted]);
    let outcome = workplace.simulate(&["--output", "out2"]);
    assert!(outcome.tells(&["cells", "voxels each"]), "{outcome:?}");
    assert_eq!(outcome.warnings(), Vec::<&str>::new());
    let splitted = images(&workplace.path("out2"));
    assert!(
        merged.len() == 5 && merged == splitted,
        "{:?}",
        splitted.keys()
    );
}

/// A camera whose pixels are the voxels and which keeps every slice, every cell labelled.
fn one_to_one(workplace: &Workplace, path: &str, layers: &str) {
    workplace.configure(&[
        ("\"cells.tif\"", path),
        ("[expansion]\nfactor = 4", "[expansion]\nfactor = 1"),
        ("focal_plane_depth = 320", "focal_plane_depth = 40"),
        ("pixel_size = 6500", "pixel_size = 640"),
        ("\"cytosol\"\nlabeling_density = 0.6", layers),
        ("\"membrane\"\nlabeling_density = 0.6", "\"membrane\""),
    ]);
}

#[test]
fn cells_that_overlap_are_each_labelled_whole() {
    let workplace = Workplace::new();
    let place = |i: usize| [i / (48 * 36), i / 36 % 48, i % 36];
    let inside = |i: usize, from: usize, to: usize| (from..to).contains(&place(i)[1]);
    // A chain: 7 over 5, 5 over 300.
    let ranges = [(7u16, 2usize, 20usize), (5, 12, 34), (300, 30, 44)];
    for (id, from, to) in ranges {
        write_cell(&workplace, &format!("cells/c{id}.tif"), id, |i| {
            inside(i, from, to)
        });
    }
    write_cell(&workplace, "cells/blank.tif", 9, |_| false);
    let path = "\"cells\"\ngt_cells = \"splitted\"";
    one_to_one(&workplace, path, "\"full\"\nlabeling_density = 1");
    let outcome = workplace.simulate(&[]);
    assert!(
        outcome.tells(&["warning: ", "blank.tif", "every voxel there is 0"]),
        "{outcome:?}"
    );
    assert_eq!(outcome.warnings().len(), 1, "{outcome:?}");
    let truth = read_stack(&workplace.path("out/tissue/groundtruth/ATTO390/all_cells.tiff"));
    assert_eq!(truth.shape, SHAPE);
    // Where cells overlap the larger id shows.
    for (i, &id) in truth.values.iter().enumerate() {
        let top = ranges.iter().filter(|(_, from, to)| inside(i, *from, *to));
        let top = top.map(|&(id, ..)| u64::from(id)).max().unwrap_or(0);
        assert_eq!(id, top, "voxel {:?}", place(i));
    }

    // Each cell alone gives the truth of all of it, so what is hidden above was labelled as well.
    for (id, from, to) in ranges {
        let alone = format!("alone/{id}/c.tif");
        write_cell(&workplace, &alone, id, |i| inside(i, from, to));
        let path = format!("\"alone/{id}\"\ngt_cells = \"splitted\"");
        one_to_one(&workplace, &path, "\"full\"\nlabeling_density = 1");
        workplace.simulate(&["--force"]);
        let truth = read_stack(&workplace.path("out/tissue/groundtruth/ATTO390/all_cells.tiff"));
        let whole = (0..VOXELS).map(|i| {
            if inside(i, from, to) {
                u64::from(id)
            } else {
                0
            }
        });
        assert!(whole.eq(truth.values.iter().copied()));
    }
}

#[test]
fn mistakes_are_named() {
    let workplace = Workplace::new();
    let splitted = |path: &str| format!("\"{path}\"\ngt_cells = \"splitted\"");
    workplace.configure(&[("\"cells.tif\"", &splitted("cells.tif"))]);
    workplace.refuses(1, &["config.toml"], &["cells.tif", "is a file", "merged"]);
    // All cells in one stack of the folder.
    fs::create_dir(workplace.path("cells")).unwrap();
    fs::copy(workplace.path("cells.tif"), workplace.path("cells/all.tif")).unwrap();
    workplace.configure(&[("\"cells.tif\"", &splitted("cells"))]);
    let refused = |words: &[&str]| {
        // The folder of the output is made before the cells are read, and taken back.
        workplace.refuses(1, &["config.toml"], words);
    };
    refused(&["all.tif, slice 0", "the id 2 beside 1"]);
    fs::remove_file(workplace.path("cells/all.tif")).unwrap();
    refused(&["cells", "no cells", "is expected per cell"]);
}

#[test]
fn cells_of_another_format_are_not_left_out_in_silence() {
    let workplace = Workplace::new();
    for (name, id) in [("cells/a.tif", 3), ("cells/b/c.tif", 4)] {
        write_cell(&workplace, name, id, |i| i % 7 == id as usize);
    }
    // A folder with one image, so that it is a volume too.
    fs::remove_file(workplace.path("cells/b/c.tif")).unwrap();
    for slice in 0..SHAPE[0] {
        let page = vec![4u8; SHAPE[1] * SHAPE[2]];
        let path = workplace.path(format!("cells/b/s{slice}.tif"));
        let shape = [1, SHAPE[1], SHAPE[2]];
        write_stack::<colortype::Gray8>(&path, shape, &page, Compression::Uncompressed);
    }
    let cells = |format: &str| {
        let keys = format!("\"cells\"\ngt_cells = \"splitted\"{format}");
        workplace.configure(&[("\"cells.tif\"", &keys)]);
    };
    cells("\nformat = \"tiff\"");
    workplace.refuses(
        1,
        &["config.toml"],
        &["cells", "not \"tiff\"", "leave out format"],
    );
    cells("\nformat = \"image sequence\"");
    workplace.refuses(1, &["config.toml"], &["a.tif", "not \"image sequence\""]);
    cells("");
    workplace.simulate(&[]);
}

#[test]
fn masks_that_all_have_one_value_are_told() {
    let workplace = Workplace::new();
    for cell in 0..3 {
        write_cell(&workplace, &format!("cells/{cell}.tif"), 255, |i| {
            i % 5 == cell
        });
    }
    workplace.configure(&[("\"cells.tif\"", "\"cells\"\ngt_cells = \"splitted\"")]);
    let outcome = workplace.simulate(&[]);
    assert!(
        outcome.tells(&["warning", "all 3 volumes", "id 255", "count as one cell"]),
        "{outcome:?}"
    );
}
