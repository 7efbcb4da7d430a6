//! Ground truth that cannot be read ends the binary with the documented exit code, a message that
//! names the file and the cause, and nothing written.

use crate::support::{SHAPE, Workplace, blocks, write_stack};
use std::fs;
use std::path::Path;
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, colortype};

/// Exit code of a run that failed.
const FAILED: i32 = 1;
/// Exit code of bad usage or configuration.
const USAGE: i32 = 2;

#[test]
fn ground_truth_that_is_not_there() {
    let workplace = Workplace::new();
    let refused = |words: &[&str]| workplace.refuses(FAILED, &["config.toml"], words);
    fs::remove_file(workplace.path("cells.tif")).unwrap();
    refused(&["cells.tif", "no such file"]);
    workplace.write("cells.tif", "");
    refused(&["cells.tif", "empty"]);
    workplace.write("cells.tif", "A note, not an image.");
    refused(&["cells.tif", "is not a TIFF stack"]);
    fs::remove_file(workplace.path("cells.tif")).unwrap();
    fs::create_dir(workplace.path("cells.tif")).unwrap();
    refused(&["cells.tif", "holds no .tif, .tiff, .png"]);
    workplace.write("cells.tif/notes.txt", "no image");
    refused(&["cells.tif", "holds no .tif, .tiff, .png"]);
}

#[test]
fn damaged_tiff() {
    let workplace = Workplace::new();
    let path = workplace.path("cells.tif");
    let refused = |words: &[&str]| {
        workplace.refuses(FAILED, &["config.toml"], &[&["cells.tif"], words].concat());
    };
    // The directory of a page lies behind its pixels: this cuts it off.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refused(&["damaged"]);
    // Behind a header alone there is no page.
    fs::write(&path, &whole[..8]).unwrap();
    refused(&[]);
    let deflated = Compression::Deflate(DeflateLevel::Balanced);
    write_stack::<colortype::Gray16>(&path, SHAPE, &blocks(SHAPE), deflated);
    let mut bytes = fs::read(&path).unwrap();
    // Within the compressed pixels of slice 0, behind the header.
    bytes[30..60].fill(0x55);
    fs::write(&path, &bytes).unwrap();
    refused(&["slice 0", "damaged"]);
}

#[test]
fn pixels_that_are_no_ids() {
    let workplace = Workplace::new();
    for (sample, words) in [
        ("rgb.tif", ["RGB", "cell ids are needed"]),
        ("negative_i16.tif", ["-", "cell ids cannot be negative"]),
        (
            "sizes_differ.tif",
            ["page", "all slices must have one size"],
        ),
        (
            "types_differ.tif",
            ["page", "all slices must have one size"],
        ),
    ] {
        workplace.sample(sample);
        let words = ["cells.tif", words[0], words[1]];
        workplace.refuses(FAILED, &["config.toml"], &words);
    }
}

#[test]
fn numpy_arrays() {
    let workplace = Workplace::new();
    let npys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy");
    for (sample, words) in [
        ("one_axis.npy", ["1 axes", "(z, x, y)"]),
        ("negative_i4.npy", ["slice 0", "cannot be negative"]),
    ] {
        fs::copy(npys.join(sample), workplace.path(sample)).unwrap();
        workplace.configure(&[("cells.tif", sample)]);
        let words = [sample, words[0], words[1]];
        workplace.refuses(FAILED, &["config.toml"], &words);
    }
    // As a region: of another size, then of floats.
    for (sample, code, word) in [
        ("u1.npy", USAGE, "3 x 20 x 17"),
        ("complex.npy", FAILED, "complex"),
    ] {
        fs::copy(npys.join(sample), workplace.path(sample)).unwrap();
        let table =
            format!("[groundtruth.regions.axons]\nregion_path = \"{sample}\"\n\n[expansion]");
        workplace.configure(&[("[expansion]", &table), ("\"cytosol\"", "\"axons\"")]);
        workplace.refuses(code, &["config.toml"], &[sample, word]);
    }
    fs::copy(npys.join("fortran_u2.npy"), workplace.path("cells.npy")).unwrap();
    workplace.configure(&[("\"cells.tif\"", "\"cells.npy\"\nformat = \"npy\"")]);
    let outcome = workplace.simulate(&[]);
    assert!(
        outcome.tells(&["NumPy array of 3 x 20 x 17", "Fortran"]),
        "{outcome:?}"
    );
    workplace.configure(&[("\"cells.tif\"", "\"cells.npy\"\nformat = \"tiff\"")]);
    workplace.refuses(
        FAILED,
        &["config.toml"],
        &["cells.npy", "a NumPy array", "\"npy\""],
    );
}

#[test]
fn slices_of_different_size_in_a_folder() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("slices")).unwrap();
    for (name, rows) in [("s1.tif", 20), ("s2.tif", 20), ("s10.tif", 19)] {
        let shape = [1, rows, 24];
        let path = workplace.path("slices").join(name);
        write_stack::<colortype::Gray16>(&path, shape, &blocks(shape), Compression::Uncompressed);
    }
    workplace.configure(&[("cells.tif", "slices")]);
    let words = ["s10.tif is 19 x 24", "s1.tif is 20 x 24"];
    workplace.refuses(FAILED, &["config.toml"], &words);
}

#[test]
fn format_that_the_path_does_not_have() {
    let workplace = Workplace::new();
    workplace.configure(&[("isotropic", "format = \"image sequence\"\nisotropic")]);
    let words = ["cells.tif", "a file", "image sequence"];
    workplace.refuses(FAILED, &["config.toml"], &words);
}

#[test]
fn bounds_beyond_the_data() {
    let workplace = Workplace::new();
    let refused = |sets: &[&str], words: &[&str]| {
        let mut args = vec!["config.toml"];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        let words = [&["cells.tif", "14 x 48 x 36"], words].concat();
        workplace.refuses(USAGE, &args, &words);
    };
    let bounds = "groundtruth.bounds=[15, 48, 36]";
    refused(&[bounds], &["15, 48, 36", "largest bounds", "14, 48, 36"]);
    let offset = "groundtruth.offset=[4, 0, 0]";
    refused(
        &[offset, "groundtruth.bounds=[14, 48, 36]"],
        &["4, 0, 0", "10, 48, 36"],
    );
    refused(
        &["groundtruth.offset=[0, 48, 0]"],
        &["the offset must be below the size"],
    );
    // The sum of these overflows 32 bits, not the check.
    let far = "groundtruth.bounds=[4294967295, 4294967295, 4294967295]";
    refused(&[offset, far], &["4294967295", "10, 48, 36"]);
}

#[test]
fn volumes_of_regions() {
    let workplace = Workplace::new();
    let table = "[groundtruth.regions.axons]\nregion_path = \"axons.tif\"\n\n[expansion]";
    workplace.configure(&[("[expansion]", table), ("\"cytosol\"", "\"axons\"")]);
    workplace.refuses(FAILED, &["config.toml"], &["axons.tif", "no such file"]);
    let shape = [14, 48, 35];
    let path = workplace.path("axons.tif");
    write_stack::<colortype::Gray16>(&path, shape, &blocks(shape), Compression::Uncompressed);
    let words = [
        "[groundtruth.regions.axons]",
        "axons.tif",
        "14 x 48 x 35",
        "14 x 48 x 36",
    ];
    workplace.refuses(USAGE, &["config.toml"], &words);
    let name = "[groundtruth.regions.membrane]\nregion_path = \"axons.tif\"\n\n[expansion]";
    workplace.configure(&[("[expansion]", name)]);
    let words = ["[groundtruth.regions.membrane]", "choose another"];
    workplace.refuses(USAGE, &["config.toml"], &words);
}
