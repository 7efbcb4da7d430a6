//! The slices of a TIFF file are the planes that it says they are.

use std::path::PathBuf;

use super::super::{ReadOptions, open_as};
use super::build::{Change, LONG, SHORT, TEXT, Tiff, but, plain, stack, text};
use super::*;

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("planes.tif")
    }

    /// The first pixel of each slice, and the notes; or the error.
    fn read(&self, options: &ReadOptions) -> Result<(Vec<u64>, String), String> {
        let source = open_as(&self.path(), options).map_err(|error| error.to_string())?;
        let firsts = (0..source.shape()[0]).map(|z| {
            let ids = slice(&*source, z);
            ids[0]
        });
        Ok((firsts.collect(), source.facts().notes.join("; ")))
    }

    fn slices(&self) -> Vec<u64> {
        self.read(&ReadOptions::default()).unwrap().0
    }

    fn refusal(&self, options: &ReadOptions) -> String {
        self.read(options).unwrap_err()
    }
}

fn channel(channel: usize) -> ReadOptions {
    ReadOptions {
        channel: Some(channel),
        ..ReadOptions::default()
    }
}

fn time(time: usize) -> ReadOptions {
    ReadOptions {
        time: Some(time),
        ..ReadOptions::default()
    }
}

fn series(series: usize) -> ReadOptions {
    ReadOptions {
        series: Some(series),
        ..ReadOptions::default()
    }
}

fn ome(pixels: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
         <Image ID=\"Image:0\" Name=\"cells\">{pixels}</Image></OME>"
    )
}

fn pixels(sizes: &str, inside: &str) -> String {
    format!(
        "<Pixels ID=\"Pixels:0\" SizeX=\"3\" SizeY=\"2\" Type=\"uint8\" {sizes}>{inside}</Pixels>"
    )
}

#[test]
fn pages_follow_tiff_data() {
    let scratch = Scratch::new();
    let zct = "DimensionOrder=\"XYZCT\" SizeZ=\"4\" SizeC=\"1\" SizeT=\"1\"";
    let upside_down: String = (0..4)
        .map(|page| {
            format!(
                "<TiffData FirstZ=\"{}\" IFD=\"{page}\" PlaneCount=\"1\"/>",
                3 - page
            )
        })
        .collect();
    let shuffled = "<TiffData IFD=\"2\" FirstZ=\"0\"/><TiffData IFD=\"0\" FirstZ=\"1\" PlaneCount=\"2\"/>\
                    <TiffData IFD=\"3\" FirstZ=\"3\"/>";
    for (inside, wanted) in [
        (upside_down.as_str(), [4, 3, 2, 1]),
        (shuffled, [3, 1, 2, 4]),
        ("", [1, 2, 3, 4]),
        ("<TiffData/>", [1, 2, 3, 4]),
        ("<TiffData IFD=\"0\" PlaneCount=\"4\"/>", [1, 2, 3, 4]),
    ] {
        stack(&scratch.path(), &[1, 2, 3, 4], &ome(&pixels(zct, inside)));
        let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
        assert_eq!((found, notes), (wanted.to_vec(), String::new()), "{inside}");
    }
    // Single quotes, a prefix, and planes that lie in another file.
    let prefixed = "<ome:OME xmlns:ome='x' UUID='urn:a'><ome:Image><ome:Pixels SizeZ='2' SizeC='1' SizeT='1' \
                    DimensionOrder='XYZTC'><ome:TiffData IFD='1' FirstZ='0'/><ome:TiffData IFD='0' FirstZ='1'/>\
                    </ome:Pixels></ome:Image></ome:OME>";
    stack(&scratch.path(), &[1, 2], prefixed);
    assert_eq!(scratch.slices(), [2, 1]);
    let elsewhere = prefixed.replace(
        "FirstZ='1'/>",
        "FirstZ='1'><ome:UUID>urn:b</ome:UUID></ome:TiffData>",
    );
    stack(&scratch.path(), &[1, 2], &elsewhere);
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &[
            "planes.tif",
            "announces 2 planes, but this file holds 1",
            "one file",
        ],
    );
    // What cannot be read is told, and the pages stay as they are.
    stack(&scratch.path(), &[1, 2], "<OME><Image>");
    let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
    assert_eq!(found, [1, 2]);
    assert_says(&notes, &["OME-XML cannot be read", "order of the file"]);
    stack(
        &scratch.path(),
        &[1, 2, 3],
        &ome(&pixels("SizeZ=\"2\" SizeC=\"1\" SizeT=\"1\"", "")),
    );
    let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
    assert_eq!(found, [1, 2]);
    assert_says(&notes, &["names 2 of the 3 pages"]);
}

#[test]
fn axes_that_are_not_z_are_told_or_chosen() {
    let scratch = Scratch::new();
    let path = scratch.path();
    for (planes, description, word) in [
        (
            2,
            "ImageJ=1.53\nimages=2\nchannels=2\n",
            "channels by its ImageJ",
        ),
        (
            3,
            "ImageJ=1.53\nimages=3\nframes=3\n",
            "time points by its ImageJ",
        ),
        (
            3,
            &ome(&pixels("SizeZ=\"1\" SizeC=\"1\" SizeT=\"3\"", "")),
            "time points by its OME",
        ),
        (
            2,
            "{\"shape\": [2, 2, 3], \"axes\": \"CYX\"}",
            "channels by its description by tifffile",
        ),
    ] {
        let ids: Vec<u8> = (1..=planes).collect();
        stack(&path, &ids, description);
        let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
        assert_eq!(found.len(), usize::from(planes), "{description}");
        assert_says(&notes, &[word, &format!("the {planes} slices")]);
        let chosen = if word.starts_with("channels") {
            channel(1)
        } else {
            time(1)
        };
        assert_eq!(scratch.read(&chosen).unwrap().0, [2], "{description}");
        let beyond = if word.starts_with("channels") {
            channel(7)
        } else {
            time(7)
        };
        assert_says(&scratch.refusal(&beyond), &["= 7", "from 0 to"]);
    }
    // One directory, and z as it should be: nothing to be told.
    for description in [
        "ImageJ=1\nimages=3\nslices=3\n",
        "{\"shape\": [3, 2, 3]}",
        "",
        "ImageJ=1\nimages=3\n",
    ] {
        stack(&path, &[1, 2, 3], description);
        let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
        assert_eq!(
            (found, notes.as_str()),
            (vec![1, 2, 3], ""),
            "{description}"
        );
    }
    assert_says(
        &scratch.refusal(&channel(1)),
        &["channel = 1", "1 channels", "from 0 to 0"],
    );

    // Channels vary fastest in ImageJ's hyperstacks; the order of OME is its own.
    let hyper = "ImageJ=1\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n";
    let xyczt = ome(&pixels(
        "DimensionOrder=\"XYCZT\" SizeC=\"2\" SizeZ=\"3\" SizeT=\"2\"",
        "",
    ));
    let shaped = "{\"shape\": [2, 3, 2, 2, 3], \"axes\": \"TZCYX\"}";
    for description in [hyper, &xyczt, shaped] {
        let ids: Vec<u8> = (1..=12).collect();
        stack(&path, &ids, description);
        let refused = scratch.refusal(&ReadOptions::default());
        assert_says(
            &refused,
            &[
                "2 channels",
                "3 slices",
                "2 time points",
                "channel = 0 to 1",
                "time = 0 to 1",
            ],
        );
        assert_says(&scratch.refusal(&channel(1)), &["choose by time = 0 to 1"]);
        let both = ReadOptions {
            time: Some(1),
            ..channel(1)
        };
        assert_eq!(
            scratch.read(&both).unwrap(),
            (vec![8, 10, 12], String::new()),
            "{description}"
        );
    }
    let xyzct = xyczt.replace("XYCZT", "XYZCT");
    stack(&path, &(1..=12).collect::<Vec<u8>>(), &xyzct);
    let both = ReadOptions {
        time: Some(0),
        ..channel(1)
    };
    assert_eq!(scratch.read(&both).unwrap().0, [4, 5, 6]);
}

/// One directory, and planes behind its pixels.
fn one_directory(path: &Path, planes: &[u8], others: &[Change<'_>], description: &str) {
    let mut tiff = Tiff::new();
    let bytes: Vec<u8> = planes.iter().flat_map(|&plane| [plane; 6]).collect();
    let at = tiff.data(&bytes);
    let mut page = but(plain(2, 3, 8, at), others);
    if !description.is_empty() {
        page.push(text(description));
    }
    tiff.page(&page);
    tiff.write(path);
}

#[test]
fn planes_adjoin_behind_one_directory() {
    let scratch = Scratch::new();
    let path = scratch.path();
    // MetaMorph: the number of planes is the count of a tag.
    let uic: Vec<u32> = vec![0; 8];
    let stk: &[Change<'_>] = &[(33_628, LONG, &[8]), (33_629, build::RATIO, &uic)];
    one_directory(&path, &[1, 2, 3, 4], stk, "");
    assert_eq!(scratch.slices(), [1, 2, 3, 4]);
    let strips: &[Change<'_>] = &[
        stk[0],
        stk[1],
        (278, LONG, &[1]),
        (273, LONG, &[8, 11]),
        (279, LONG, &[3, 3]),
    ];
    one_directory(&path, &[1, 2, 3, 4], strips, "");
    assert_eq!(scratch.slices(), [1, 2, 3, 4]);
    let no_sizes: &[Change<'_>] = &[stk[0], stk[1], (279, LONG, &[])];
    one_directory(&path, &[1, 2, 3, 4], no_sizes, "");
    assert_eq!(scratch.slices(), [1, 2, 3, 4]);
    one_directory(&path, &[1, 2], &[(33_629, SHORT, &[0; 60])], "");
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &["UIC2", "60 slices", "cut short"],
    );
    one_directory(
        &path,
        &[1, 2, 3, 4],
        &[stk[0], stk[1], (259, SHORT, &[5])],
        "",
    );
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &["UIC2", "without compression"],
    );

    // ImageJ beyond 4 GB, with a channel to be chosen.
    let hyper = "ImageJ=1\nimages=4\nchannels=2\nslices=2\nhyperstack=true\n";
    one_directory(&path, &[1, 2, 3, 4], &[], hyper);
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &["2 channels", "2 slices"],
    );
    assert_eq!(scratch.read(&channel(0)).unwrap().0, [1, 3]);
    assert_eq!(scratch.read(&channel(1)).unwrap().0, [2, 4]);
    one_directory(
        &path,
        &[1, 2, 3],
        &[],
        "ImageJ=1\nimages=400\nchannels=2\nslices=200\n",
    );
    assert_says(
        &scratch.refusal(&channel(0)),
        &["announces 400 slices", "cut short"],
    );
    let many = "ImageJ=1\nimages=99999999999\nslices=99999999999\n";
    one_directory(&path, &[1, 2, 3], &[], many);
    assert_says(&scratch.refusal(&ReadOptions::default()), &["cut short"]);

    // SGI's volumes: in one strip, in a strip for each slice, in tiles.
    one_directory(&path, &[1, 2, 3], &[(32_997, LONG, &[3])], "");
    assert_eq!(scratch.slices(), [1, 2, 3]);
    let own: &[Change<'_>] = &[
        (32_997, LONG, &[3]),
        (273, LONG, &[20, 8, 14]),
        (279, LONG, &[6, 6, 6]),
    ];
    one_directory(&path, &[1, 2, 3], own, "");
    assert_eq!(scratch.slices(), [3, 1, 2]);
    one_directory(&path, &[1], &[(32_997, LONG, &[4_000_000_000])], "");
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &["ImageDepth", "damaged"],
    );
}

#[test]
fn tiles_of_several_slices_are_taken_apart() {
    // 3 slices of 20 x 17 in tiles of 16 x 16 x 16 voxels, as tifffile writes them: two by two of
    // them.
    let scratch = Scratch::new();
    for deep in [2usize, 3, 4] {
        let mut tiff = Tiff::new();
        let (mut offsets, mut sizes) = (Vec::new(), Vec::new());
        for first in (0..3).step_by(deep) {
            for (top, left) in [(0, 0), (0, 16), (16, 0), (16, 16)] {
                let mut tile = Vec::new();
                for z in first..first + deep {
                    for x in top..top + 16 {
                        for y in left..left + 16 {
                            let inside = z < 3 && x < 20 && y < 17;
                            tile.push(if inside {
                                expected(z, x, y, 1) as u8
                            } else {
                                0
                            });
                        }
                    }
                }
                offsets.push(tiff.data(&tile));
                sizes.push(tile.len() as u32);
            }
        }
        let mut page = but(
            plain(20, 17, 8, 0),
            &[(273, LONG, &[]), (278, LONG, &[]), (279, LONG, &[])],
        );
        page.extend([
            (322, LONG, vec![16]),
            (323, LONG, vec![16]),
            (324, LONG, offsets),
            (325, LONG, sizes),
            (32_997, LONG, vec![3]),
            (32_998, LONG, vec![deep as u32]),
        ]);
        tiff.page(&page);
        tiff.write(&scratch.path());
        assert_volume(&*open(&scratch.path(), None).unwrap(), U8);
    }
    // tifffile's own, 16 slices of which 13 are padding.
    let source = open(&data("volumetric"), None).unwrap();
    assert_eq!(source.shape(), [16, 20, 17]);
    for z in [0, 2, 5] {
        let wanted = |i: usize| {
            if z < 3 {
                expected(z, i / 17, i % 17, U8)
            } else {
                0
            }
        };
        assert!(
            slice(&*source, z)
                .into_iter()
                .enumerate()
                .all(|(i, id)| id == wanted(i)),
            "{z}"
        );
    }
}

#[test]
fn of_several_series_the_first_is_read_unless_another_is_chosen() {
    let scratch = Scratch::new();
    let path = scratch.path();
    let two = "<OME xmlns=\"x\"><Image ID=\"Image:0\" Name=\"cells\"><Pixels SizeX=\"3\" SizeY=\"2\" SizeZ=\"2\" SizeC=\"1\" \
               SizeT=\"1\" DimensionOrder=\"XYZCT\"><TiffData IFD=\"0\" PlaneCount=\"2\"/></Pixels></Image><Image \
               ID=\"Image:1\" Name=\"nuclei\"><Pixels SizeX=\"3\" SizeY=\"2\" SizeZ=\"1\" SizeC=\"1\" SizeT=\"1\" \
               DimensionOrder=\"XYZCT\"><TiffData IFD=\"2\"/></Pixels></Image></OME>";
    stack(&path, &[1, 2, 9], two);
    let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
    assert_eq!(found, [1, 2]);
    assert_says(
        &notes,
        &["2 series", "\"cells\"", "series = 1", "\"nuclei\""],
    );
    assert_eq!(scratch.read(&series(1)).unwrap(), (vec![9], String::new()));
    assert_says(&scratch.refusal(&series(2)), &["series = 2", "from 0 to 1"]);
    // Without TiffData the pages of one follow those of the other.
    let following = two
        .replace("<TiffData IFD=\"0\" PlaneCount=\"2\"/>", "")
        .replace("<TiffData IFD=\"2\"/>", "");
    stack(&path, &[1, 2, 9], &following);
    assert_eq!(scratch.slices(), [1, 2]);
    assert_eq!(scratch.read(&series(1)).unwrap().0, [9]);

    // Arrays that tifffile writes one after the other; planes that it appends stay one stack.
    let shaped = |notes: &[(u8, &str)]| {
        let mut tiff = Tiff::new();
        for &(plane, note) in notes {
            let at = tiff.data(&[plane; 6]);
            let mut page = plain(2, 3, 8, at);
            if !note.is_empty() {
                page.push(text(note));
            }
            tiff.page(&page);
        }
        tiff.write(&path);
    };
    let (of_two, of_one) = ("{\"shape\": [2, 2, 3]}", "{\"shape\": [2, 3]}");
    shaped(&[(1, of_two), (2, ""), (3, of_two), (4, "")]);
    let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
    assert_eq!(found, [1, 2]);
    assert_says(&notes, &["2 series", "2 x 2 x 3"]);
    assert_eq!(scratch.read(&series(1)).unwrap().0, [3, 4]);
    shaped(&[(1, of_one), (2, of_one), (3, of_one)]);
    assert_eq!(
        scratch.read(&ReadOptions::default()).unwrap(),
        (vec![1, 2, 3], String::new())
    );
    assert_says(&scratch.refusal(&series(1)), &["series = 1", "one"]);

    // Pages of two sizes that nobody explains.
    let mut tiff = Tiff::new();
    for (plane, rows) in [(1, 2), (2, 2), (3, 1)] {
        let at = tiff.data(&[plane; 6]);
        tiff.page(&plain(rows, 3, 8, at));
    }
    tiff.write(&path);
    assert_says(
        &scratch.refusal(&ReadOptions::default()),
        &["page 2 is 1 x 3", "series = 0"],
    );
    assert_eq!(scratch.read(&series(0)).unwrap().0, [1, 2]);
    assert_eq!(scratch.read(&series(1)).unwrap().0, [3]);
}

#[test]
fn smaller_copies_are_left_out() {
    let scratch = Scratch::new();
    let path = scratch.path();
    let pages = |kinds: &[(u8, u32, Change<'_>)]| {
        let mut tiff = Tiff::new();
        for &(plane, rows, kind) in kinds {
            let at = tiff.data(&[plane; 6]);
            tiff.page(&but(plain(rows, 3, 8, at), &[kind]));
        }
        tiff.write(&path);
    };
    let full: Change<'_> = (254, LONG, &[0]);
    let reduced: Change<'_> = (254, LONG, &[1]);
    let old: Change<'_> = (255, SHORT, &[2]);
    pages(&[(1, 2, full), (9, 1, reduced), (2, 2, full), (9, 1, reduced)]);
    let (found, notes) = scratch.read(&ReadOptions::default()).unwrap();
    assert_eq!(found, [1, 2]);
    assert_says(&notes, &["2 of the 4 pages", "thumbnails"]);
    pages(&[(9, 1, old), (1, 2, full), (2, 2, full)]);
    assert_eq!(scratch.slices(), [1, 2]);
    // A mark that cannot be meant: nothing is larger.
    pages(&[(1, 2, reduced), (2, 2, reduced)]);
    assert_eq!(scratch.slices(), [1, 2]);
    pages(&[(1, 2, full), (2, 2, reduced)]);
    assert_eq!(scratch.slices(), [1, 2]);
    // As an image of a folder.
    pages(&[(9, 1, reduced), (1, 2, full)]);
    let source = open(scratch.0.path(), None).unwrap();
    assert_eq!((source.shape(), slice(&*source, 0)[0]), ([1, 2, 3], 1));
}

#[test]
fn sizes_of_strips_are_not_needed_without_compression() {
    let scratch = Scratch::new();
    let path = scratch.path();
    for sizes in [&[][..], &[0, 0], &[3, 0], &[3]] {
        let mut tiff = Tiff::new();
        for plane in [1, 2] {
            let at = tiff.data(&[plane, plane, plane, 7, 7, 7]);
            tiff.page(&but(
                plain(2, 3, 8, at),
                &[
                    (278, LONG, &[1]),
                    (273, LONG, &[at, at + 3]),
                    (279, LONG, sizes),
                ],
            ));
        }
        tiff.write(&path);
        assert_eq!(scratch.slices(), [1, 2], "{sizes:?}");
        assert_eq!(slice(&*open(&path, None).unwrap(), 1), [2, 2, 2, 7, 7, 7]);
        let folder = scratch.0.path();
        assert_says(&error(folder, None), &["several pages"]);
    }
    // What is compressed has no size but the stored one.
    one_directory(&path, &[1], &[(259, SHORT, &[5]), (279, LONG, &[])], "");
    assert_says(&error(&path, None), &["planes.tif"]);
    // No word on what zero is: black.
    one_directory(&path, &[5], &[(262, SHORT, &[])], "");
    assert_eq!(scratch.slices(), [5]);
    // A description that is no text.
    one_directory(&path, &[5], &[(270, TEXT, &[0xff, 0xfe, 1])], "");
    assert_eq!(scratch.slices(), [5]);
}
