use std::fs;
use std::path::Path;

use super::super::{natural_order, open};
use super::{
    I16, SHAPE, U8, U16, U32, U64, assert_says, data, error, expected, format, read_error, slice,
};

fn write_png(
    path: &Path,
    colour: png::ColorType,
    depth: png::BitDepth,
    size: [u32; 2],
    raw: &[u8],
) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, size[1], size[0]);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(raw).unwrap();
}

#[test]
fn a_folder_is_read_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    // A Cell Tracking Challenge folder: slices 1, 2, 10 hold t = 1, 2, 10 mod 3 = 1.
    for name in ["man_seg001", "man_seg002", "man_seg010"] {
        fs::copy(data(name), folder.path().join(format!("{name}.tif"))).unwrap();
    }
    fs::write(folder.path().join(".man_seg000.tif"), "hidden").unwrap();
    fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    fs::create_dir(folder.path().join("man_seg000.tif")).unwrap();
    let source = open(folder.path(), None).unwrap();
    assert_eq!(source.shape(), SHAPE);
    let mut reader = source.slices().unwrap();
    let mut out = vec![0; 2 * 2];
    for (slice, t) in [(0, 1), (1, 2), (2, 1)] {
        reader.read(slice, 18..20, 15..17, &mut out).unwrap();
        assert_eq!(out, vec![expected(t, 19, 16, U16); 4], "slice {slice}");
    }

    // PNG of 8 and 16 bits beside it, upper case, without leading zeros.
    let ids8: Vec<u8> = (0..340).map(|i| (i % 256) as u8).collect();
    let ids16: Vec<u8> = (0..340u16).flat_map(|i| (i * 190).to_be_bytes()).collect();
    let (gray, size) = (png::ColorType::Grayscale, [20, 17]);
    let at = |name| folder.path().join(name);
    write_png(&at("man_seg9.PNG"), gray, png::BitDepth::Eight, size, &ids8);
    write_png(
        &at("man_seg11.png"),
        gray,
        png::BitDepth::Sixteen,
        size,
        &ids16,
    );
    let source = open(folder.path(), Some(format("image sequence"))).unwrap();
    assert_eq!(source.shape(), [5, 20, 17]);
    let mut reader = source.slices().unwrap();
    let mut out = vec![0; 2];
    reader.read(2, 19..20, 15..17, &mut out).unwrap();
    assert_eq!(out, [338 % 256, 339 % 256]);
    reader.read(4, 19..20, 15..17, &mut out).unwrap();
    assert_eq!(out, [338 * 190, 339 * 190]);
}

/// The files of tests/data/mixed, by make_tiffs.py: compressions, byte orders and types of all
/// kinds.
#[test]
fn images_of_a_folder_may_differ_in_all_but_size() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mixed");
    let source = open(&folder, None).unwrap();
    assert_eq!(source.shape(), [5, 20, 17]);
    for (z, factor) in [U8, U16, U32, I16, U64].into_iter().enumerate() {
        let wanted: Vec<u64> = (0..20)
            .flat_map(|x| (0..17).map(move |y| expected(z % 3, x, y, factor)))
            .collect();
        assert_eq!(slice(&*source, z), wanted, "slice {z}");
        let path = source.slice_path(z).unwrap();
        assert!(path.ends_with(["s8.tif", "s9.tif", "s10.tif", "s11.tif", "s100.tif"][z]));
    }
}

/// ImageJ's large stacks have one directory: that does not make them one image.
#[test]
fn a_stack_of_one_directory_is_no_image() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(data("imagej_contiguous_u16"), folder.path().join("s1.tif")).unwrap();
    assert_says(
        &error(folder.path(), None),
        &["s1.tif", "several pages", "splitted"],
    );
}

#[test]
fn small_png_depths_are_not_stretched() {
    let folder = tempfile::tempdir().unwrap();
    let (gray, path) = (png::ColorType::Grayscale, folder.path().join("s0.png"));
    // Rows of 5 pixels: 0 1 2 3 0, 3 2 1 0 3.
    let rows = [0b00_01_10_11, 0b00_000000, 0b11_10_01_00, 0b11_000000];
    write_png(&path, gray, png::BitDepth::Two, [2, 5], &rows);
    let source = open(folder.path(), None).unwrap();
    let mut out = vec![0; 8];
    let mut reader = source.slices().unwrap();
    reader.read(0, 0..2, 1..5, &mut out).unwrap();
    assert_eq!(out, [1, 2, 3, 0, 2, 1, 0, 3]);
}

#[test]
fn images_that_do_not_fit_a_folder_are_named() {
    use png::{BitDepth, ColorType};
    let folder = tempfile::tempdir().unwrap();
    let at = |name| folder.path().join(name);
    let bad = at("s2.png");
    write_png(
        &at("s1.png"),
        ColorType::Grayscale,
        BitDepth::Eight,
        [4, 3],
        &[0; 12],
    );
    for (colour, bytes, words) in [
        (ColorType::Rgb, 36, "RGB"),
        (ColorType::Rgba, 48, "alpha"),
        (ColorType::GrayscaleAlpha, 24, "alpha"),
    ] {
        write_png(&bad, colour, BitDepth::Eight, [4, 3], &vec![0; bytes]);
        assert_says(&error(folder.path(), None), &["s2.png", words]);
    }
    write_png(
        &bad,
        ColorType::Grayscale,
        BitDepth::Eight,
        [3, 4],
        &[0; 12],
    );
    let message = error(folder.path(), None);
    assert_says(&message, &["s1.png is 4 x 3", "s2.png is 3 x 4"]);
    let whole = fs::read(at("s1.png")).unwrap();
    fs::write(&bad, &whole[..whole.len() - 20]).unwrap();
    assert_says(&read_error(folder.path()), &["s2.png", "cut short"]);
    fs::write(&bad, "no image").unwrap();
    assert_says(&error(folder.path(), None), &["s2.png", "PNG"]);
    fs::remove_file(&bad).unwrap();
    fs::copy(data("plain_u8"), at("s3.tif")).unwrap();
    assert_says(&error(folder.path(), None), &["s3.tif", "several pages"]);
    fs::copy(data("man_seg001"), at("s1.tif")).unwrap();
    assert_says(
        &error(folder.path(), None),
        &["s1.png", "s1.tif", "extension"],
    );
}

#[test]
fn names_are_ordered_as_people_number_them() {
    let sorted = [
        "a",
        "a1",
        "a01",
        "a2",
        "a10",
        "a10b2",
        "a10b10",
        "a99999999999999999999998",
        "a99999999999999999999999",
        "b0",
        "s2.tif",
        "s10.tif",
    ];
    for (i, a) in sorted.iter().enumerate() {
        for (j, b) in sorted.iter().enumerate() {
            assert_eq!(natural_order(a, b), i.cmp(&j), "{a} {b}");
        }
    }
}

#[test]
fn of_two_kinds_of_names_the_likelier_one_is_advised() {
    for (names, advised) in [
        (
            &["a1", "a2", "a1_cp_masks", "a2_cp_masks"][..],
            "a?_cp_masks.tif",
        ),
        (&["a1", "a2", "a3", "a1_Labels"], "a?_Labels.tif"),
        (&["s1", "s2", "preview"], "s?.tif"),
        (&["seg1", "seg2", "raw1", "raw2", "raw3"], "seg?.tif"),
        (&["ids_1", "ids_2", "ids_overview"], "ids_?.tif"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(format!("{name}.tif"));
            fs::copy(data("man_seg001"), path).unwrap();
        }
        let advice = format!("image_path = {:?}", folder.path().join(advised));
        assert_says(&error(folder.path(), None), &["one sequence", &advice]);
    }
}
