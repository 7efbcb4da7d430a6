use std::fs;
use std::path::Path;

use super::super::{CellSource, ReadOptions, SplittedCells, open_cells};
use super::*;
use crate::config::Arrangement;

fn splitted(path: &Path, name: Option<&str>) -> Result<SplittedCells<'static>, String> {
    match open_cells(path, &name.map(format).into(), Arrangement::Split) {
        Ok(CellSource::Splitted(cells)) => Ok(cells),
        Ok(CellSource::Merged(_)) => panic!("splitted cells were asked for"),
        Err(error) => Err(error.to_string()),
    }
}

fn names(cells: &SplittedCells<'_>) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    cells
        .stacks()
        .iter()
        .map(|stack| name(&stack.path))
        .collect()
}

fn refusal(path: &Path, format: Option<&str>) -> String {
    match splitted(path, format) {
        Ok(cells) => panic!("{:?} were opened", names(&cells)),
        Err(message) => message,
    }
}

/// A folder with a stack, an array and a sub-folder of 3 x 20 x 17 voxels, and what does not count.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let npys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy");
    fs::copy(data("plain_u16"), at("cell2.TIF")).unwrap();
    fs::copy(npys.join("u4.npy"), at("cell10.npy")).unwrap();
    fs::create_dir(at("cell1")).unwrap();
    for slice in ["man_seg001", "man_seg002", "man_seg010"] {
        fs::copy(data(slice), at("cell1").join(format!("{slice}.tif"))).unwrap();
    }
    for hidden in [".cell3.tif", "notes.txt", "preview.png"] {
        fs::write(at(hidden), "no volume").unwrap();
    }
    for other in ["notes", ".hidden"] {
        fs::create_dir(at(other)).unwrap();
        fs::write(at(other).join("readme.txt"), "no image").unwrap();
    }
    folder
}

#[test]
fn a_folder_of_volumes_is_cells_in_natural_order() {
    let folder = folder();
    let cells = splitted(folder.path(), None).unwrap();
    assert_eq!(names(&cells), ["cell1", "cell2.TIF", "cell10.npy"]);
    assert!(
        cells
            .stacks()
            .iter()
            .all(|stack| stack.volume.shape() == SHAPE)
    );
    // None is left out in silence.
    for (format, other) in [
        ("image sequence", "cell2.TIF"),
        ("tiff", "cell1"),
        ("npy", "cell1"),
    ] {
        let words = ["2 of its volumes", format, other, "leave out format"];
        assert_says(&refusal(folder.path(), Some(format)), &words);
    }
    let source = open_cells(folder.path(), &ReadOptions::default(), Arrangement::Split).unwrap();
    assert_eq!(source.shape(), SHAPE);
    assert_says(&source.describe(), &["3 cells", "3 x 20 x 17"]);
    let source = open_cells(
        &data("plain_u16"),
        &ReadOptions::default(),
        Arrangement::Merged,
    )
    .unwrap();
    assert!(matches!(source, CellSource::Merged(_)));
}

#[test]
fn folders_that_are_no_cells_are_named() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::copy(data("sizes_differ"), at("cell9.tif")).unwrap();
    assert_says(&refusal(folder.path(), None), &["cell9.tif", "page 2"]);
    fs::copy(data("man_seg001"), at("cell9.tif")).unwrap();
    let words = [
        "cell9.tif has 1 x 20 x 17",
        "cell1 has 3 x 20 x 17",
        "one size",
    ];
    assert_says(&refusal(folder.path(), None), &words);
    fs::remove_file(at("cell9.tif")).unwrap();
    fs::copy(data("rgb"), at("cell1").join("man_seg001.tif")).unwrap();
    assert_says(
        &refusal(folder.path(), None),
        &["man_seg001.tif", "several pages"],
    );
    assert_says(&refusal(&at("missing"), None), &["missing", "no such"]);
    let words = ["is a file", "\"splitted\"", "\"merged\""];
    assert_says(&refusal(&at("cell2.TIF"), None), &words);

    let words = ["no cells", "TIFF stack", ".npy", "sub-folder"];
    assert_says(&refusal(&at("notes"), None), &words);
    fs::create_dir(at("empty")).unwrap();
    assert_says(&refusal(&at("empty"), None), &words);
    let message = refusal(&at("notes"), Some("npy"));
    assert_says(&message, &["one NumPy array (.npy) is expected per cell"]);
    let message = refusal(&at("cell1"), Some("image sequence"));
    assert_says(&message, &["3 single images", "sub-folder"]);
}

#[test]
fn an_image_sequence_is_not_taken_for_cells() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(data("man_seg001"), at("s1.tif")).unwrap();
    // One page may be a cell of one slice; a folder of them is the slices of a volume.
    assert_eq!(names(&splitted(folder.path(), None).unwrap()), ["s1.tif"]);
    fs::copy(data("man_seg002"), at("s2.tif")).unwrap();
    let words = ["2 single images", "\"merged\"", "sub-folder"];
    assert_says(&refusal(folder.path(), None), &words);
    for name in ["s1", "s2"] {
        fs::create_dir(at(name)).unwrap();
        fs::rename(at(&format!("{name}.tif")), at(name).join("0.tif")).unwrap();
    }
    assert_eq!(names(&splitted(folder.path(), None).unwrap()), ["s1", "s2"]);
    let message = error(folder.path(), None);
    assert_says(&message, &["no .tif", "\"splitted\""]);
    let pictures = at("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("0.png"), "a picture").unwrap();
    assert_says(
        &refusal(&pictures, None),
        &["1 single images", "\"merged\""],
    );
}
