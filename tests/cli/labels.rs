//! Labels as programs write them, through the whole program: what is read, what is told, and the
//! way out.

use crate::support::{SHAPE, Workplace, blocks, read_stack};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use tiff::encoder::{Rational, TiffEncoder};
use tiff::tags::Tag;

const FAILED: i32 = 1;
const USAGE: i32 = 2;

/// A directory of one plane of the volume.
struct Page<'a> {
    bytes: &'a [u8],
    size: [usize; 2],
    bits: Vec<u16>,
    format: u16,
    photometric: u16,
    description: &'a str,
    per_um: Option<u32>,
}

impl<'a> Page<'a> {
    fn new(bytes: &'a [u8], bits: u16) -> Self {
        Self {
            bytes,
            size: [SHAPE[1], SHAPE[2]],
            bits: vec![bits],
            format: 1,
            photometric: 1,
            description: "",
            per_um: None,
        }
    }

    fn write(&self, encoder: &mut TiffEncoder<File>) {
        let mut page = encoder.image_directory().unwrap();
        let offset = page.write_data(self.bytes).unwrap() as u32;
        let mut tag = |tag, value: &dyn Write| value.write(&mut page, tag);
        tag(Tag::ImageWidth, &(self.size[1] as u32));
        tag(Tag::ImageLength, &(self.size[0] as u32));
        tag(Tag::BitsPerSample, &self.bits.clone());
        tag(Tag::Compression, &1u16);
        tag(Tag::PhotometricInterpretation, &self.photometric);
        tag(Tag::StripOffsets, &offset);
        tag(Tag::SamplesPerPixel, &(self.bits.len() as u16));
        tag(Tag::RowsPerStrip, &(self.size[0] as u32));
        tag(Tag::StripByteCounts, &(self.bytes.len() as u32));
        tag(Tag::SampleFormat, &self.format);
        if !self.description.is_empty() {
            tag(Tag::ImageDescription, &self.description.to_owned());
        }
        if let Some(n) = self.per_um {
            tag(Tag::XResolution, &Rational { n, d: 10 });
            tag(Tag::YResolution, &Rational { n, d: 10 });
        }
        page.finish().unwrap();
    }
}

trait Write {
    fn write(
        &self,
        page: &mut tiff::encoder::DirectoryEncoder<'_, File, tiff::encoder::TiffKindStandard>,
        tag: Tag,
    );
}

macro_rules! write_as {
    ($($type:ty: $own:ident => $value:expr),+) => {
        $(impl Write for $type {
            fn write(&self, page: &mut tiff::encoder::DirectoryEncoder<'_, File, tiff::encoder::TiffKindStandard>, tag: Tag) {
                let $own = self;
                page.write_tag(tag, $value).unwrap();
            }
        })+
    };
}

write_as!(u16: own => *own, u32: own => *own, Vec<u16>: own => &own[..], String: own => own.as_str(), Rational: own => Rational { n: own.n, d: own.d });

fn file(path: &Path, pages: &[Page<'_>]) {
    let mut encoder = TiffEncoder::new(File::create(path).unwrap()).unwrap();
    pages.iter().for_each(|page| page.write(&mut encoder));
}

/// The volume's slices as bytes of any type.
fn slices<const N: usize>(bytes: impl Fn(u16) -> [u8; N]) -> Vec<Vec<u8>> {
    let ids = blocks(SHAPE);
    let slices = ids.chunks(SHAPE[1] * SHAPE[2]);
    slices
        .map(|slice| slice.iter().flat_map(|&id| bytes(id)).collect())
        .collect()
}

fn small(id: u16) -> [u8; 1] {
    [(id % 251) as u8]
}

/// The ground truth of a run.
fn truth(workplace: &Workplace, output: &str) -> Vec<Vec<u64>> {
    let path = workplace.path(output).join("tissue/groundtruth");
    let mut found: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
        .iter()
        .map(|dye| read_stack(&dye.join("all_cells.tiff")).values)
        .collect()
}

/// Asserts that a run gives the ground truth of `cells.tif`, which is written anew.
fn same_as_cells(workplace: &Workplace, args: &[&str]) {
    workplace.simulate(&[args, &["--output", "new"]].concat());
    workplace.volume(SHAPE, &blocks(SHAPE));
    workplace.configure(&[]);
    workplace.simulate(&["--output", "old"]);
    assert_eq!(truth(workplace, "new"), truth(workplace, "old"));
}

#[test]
fn planes_in_another_order() {
    let workplace = Workplace::new();
    let pages = slices(u16::to_le_bytes);
    let last = SHAPE[0] - 1;
    let data: String = (0..=last)
        .map(|page| format!("<TiffData IFD=\"{page}\" FirstZ=\"{}\"/>", last - page))
        .collect();
    let description = format!(
        "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image ID=\"Image:0\"><Pixels DimensionOrder=\"XYZCT\" \
         SizeX=\"36\" SizeY=\"48\" SizeZ=\"14\" SizeC=\"1\" SizeT=\"1\" Type=\"uint16\" PhysicalSizeX=\"0.016\" \
         PhysicalSizeY=\"16\" PhysicalSizeYUnit=\"nm\" PhysicalSizeZ=\"4e-5\" PhysicalSizeZUnit=\"mm\">{data}</Pixels></Image></OME>"
    );
    let pages: Vec<Page<'_>> = pages.iter().rev().map(|page| Page::new(page, 16)).collect();
    let mut pages = pages;
    pages[0].description = &description;
    file(&workplace.path("cells.tif"), &pages);
    // The file tells the size of its voxels, too.
    workplace.configure(&[("voxel_dim = [40, 16, 16]\n", "")]);
    same_as_cells(&workplace, &[]);
}

#[test]
fn labels_of_other_types() {
    for (bits, format, photometric) in [(32, 3, 1), (8, 1, 3), (64, 3, 0)] {
        let workplace = Workplace::new();
        let pages = match bits {
            8 => slices(|id| [(id % 200) as u8]),
            32 => slices(|id| f32::from(id % 200).to_le_bytes()),
            _ => slices(|id| f64::from(id % 200).to_le_bytes()),
        };
        let pages: Vec<Page<'_>> = pages
            .iter()
            .map(|page| Page {
                format,
                photometric,
                ..Page::new(page, bits)
            })
            .collect();
        file(&workplace.path("cells.tif"), &pages);
        let outcome = workplace.simulate(&["--output", "new"]);
        assert_eq!(
            outcome.tells(&["palette", "indices"]),
            photometric == 3,
            "{outcome:?}"
        );
        assert_eq!(outcome.warnings(), [""; 0]);
        workplace.volume(
            SHAPE,
            &blocks(SHAPE).iter().map(|id| id % 200).collect::<Vec<_>>(),
        );
        workplace.simulate(&["--output", "old"]);
        assert_eq!(truth(&workplace, "new"), truth(&workplace, "old"), "{bits}");
    }
}

#[test]
fn colours_that_are_ids() {
    let workplace = Workplace::new();
    let pages = slices(|id| [0, (id >> 8) as u8, id as u8]);
    let pages: Vec<Page<'_>> = pages
        .iter()
        .map(|page| Page {
            bits: vec![8; 3],
            photometric: 2,
            ..Page::new(page, 8)
        })
        .collect();
    file(&workplace.path("cells.tif"), &pages);
    workplace.refuses(
        FAILED,
        &["config.toml"],
        &["cells.tif", "RGB", "ids = \"rgb\"", "ids = \"bgr\""],
    );
    workplace.configure(&[("isotropic", "ids = \"bgr\"\nisotropic")]);
    same_as_cells(&workplace, &[]);
}

#[test]
fn background_that_is_not_0() {
    let workplace = Workplace::new();
    let pages =
        slices(|id| i32::from(if id == 0 { u16::MAX as i16 } else { id as i16 }).to_le_bytes());
    let pages: Vec<Page<'_>> = pages
        .iter()
        .map(|page| Page {
            format: 2,
            ..Page::new(page, 32)
        })
        .collect();
    file(&workplace.path("cells.tif"), &pages);
    workplace.refuses(
        FAILED,
        &["config.toml"],
        &["cells.tif", "is -1", "background = [0, -1]"],
    );
    same_as_cells(&workplace, &["--set", "groundtruth.background=-1"]);

    // Cells that count from 0, as many programs number them: 0 is one of them, and said.
    let workplace = Workplace::new();
    let pages = slices(|id| (i32::from(id) - 1).to_le_bytes());
    let pages: Vec<Page<'_>> = pages
        .iter()
        .map(|page| Page {
            format: 2,
            ..Page::new(page, 32)
        })
        .collect();
    file(&workplace.path("cells.tif"), &pages);
    let outcome = workplace.simulate(&[
        "--set",
        "groundtruth.background=-1",
        "--set",
        "labeling.bodies.labeling_density=1",
    ]);
    let most = blocks(SHAPE).into_iter().max().unwrap();
    assert!(
        outcome.tells(&[&format!("cell 0 is written as {most}")]),
        "{outcome:?}"
    );
    let found: BTreeSet<u64> = truth(&workplace, "out").concat().into_iter().collect();
    assert!(
        found.contains(&u64::from(most)) && found.contains(&0),
        "{found:?}"
    );
    let outcome = workplace.simulate(&["--set", "groundtruth.background=-1,0", "--force"]);
    assert!(!outcome.tells(&["cell 0"]), "{outcome:?}");

    let workplace = Workplace::new();
    let all: Vec<u16> = blocks(SHAPE)
        .iter()
        .map(|&id| if id == 0 || id % 10 > 1 { u16::MAX } else { id })
        .collect();
    workplace.volume(SHAPE, &all);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(
        outcome.stdout.contains("background = [0, 65535]"),
        "{outcome:?}"
    );
    let outcome = workplace
        .run([
            "check",
            "config.toml",
            "--set",
            "groundtruth.background=0,65535",
        ])
        .succeeded();
    assert!(
        !outcome.stdout.contains("if it is the background"),
        "{outcome:?}"
    );
}

#[test]
fn pictures_and_masks_are_suspected() {
    let workplace = Workplace::new();
    let noise: Vec<u16> = (0..SHAPE.iter().product::<usize>() as u64)
        .map(|i| ((i * 2_654_435_761) >> 7) as u16 % 251 + 1)
        .collect();
    workplace.volume(SHAPE, &noise);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(
        outcome.stdout.contains("a picture rather than its labels"),
        "{outcome:?}"
    );

    // In finer voxels as well, and where most of it is dark.
    let sets = ["--set", "groundtruth.upsample=2,1,3"];
    let outcome = workplace.run([&["check", "config.toml"], &sets[..]].concat());
    assert!(outcome.stdout.contains("a picture rather"), "{outcome:?}");
    let of_cells = blocks(SHAPE);
    let spots = std::iter::zip(&noise, &of_cells).enumerate();
    let spots = spots.map(|(at, (&grey, &id))| if id % 3 == 1 && at % 36 < 20 { grey } else { 0 });
    workplace.volume(SHAPE, &spots.collect::<Vec<_>>());
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(outcome.stdout.contains("a picture rather"), "{outcome:?}");
    workplace.volume(SHAPE, &of_cells);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(!outcome.stdout.contains("a picture rather"), "{outcome:?}");

    let mask: Vec<u16> = of_cells
        .iter()
        .map(|&id| if id == 0 { 0 } else { 255 })
        .collect();
    workplace.volume(SHAPE, &mask);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(
        outcome.stdout.contains("label = \"components\""),
        "{outcome:?}"
    );
    // Cells touch along z only, where they differ in the volume.
    let set = "groundtruth.label=components";
    let outcome = workplace
        .run(["check", "config.toml", "--json", "--set", set])
        .succeeded();
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["labelling"]["cells"], 6 * 5, "{report}");
    assert!(!outcome.stdout.contains("components\\\" makes"), "{report}");
    workplace.simulate(&["--set", set, "--output", "components"]);
    let found = truth(&workplace, "components").concat();
    assert!(found.iter().any(|&id| id > 0) && found.iter().all(|&id| id <= 30));
}

#[test]
fn folders_that_are_no_one_sequence() {
    let workplace = Workplace::new();
    let pages = slices(small);
    fs::create_dir(workplace.path("slices")).unwrap();
    let slice = |name: String, z: usize| {
        file(
            &workplace.path("slices").join(name),
            &[Page::new(&pages[z], 8)],
        )
    };
    for z in [0, 1, 4, 5, 6] {
        slice(format!("s{z:03}.tif"), z);
    }
    workplace.configure(&[("cells.tif", "slices")]);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(outcome.stdout.contains("missing (2, 3)"), "{outcome:?}");
    for z in 0..3 {
        slice(format!("s{z:03}_cp_masks.tif"), z);
    }
    let words = ["s???.tif", "s???_cp_masks.tif", "pattern"];
    workplace.refuses(FAILED, &["config.toml"], &words);
    workplace.configure(&[("cells.tif", "slices/s*_cp_masks.tif")]);
    let outcome = workplace.simulate(&[]);
    assert!(
        outcome.tells(&["s*_cp_masks.tif", "3 x 48 x 36"]),
        "{outcome:?}"
    );
    workplace.configure(&[("cells.tif", "slices/s???.tif")]);
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(outcome.stdout.contains("5 x 48 x 36"), "{outcome:?}");
    workplace.configure(&[("cells.tif", "slices/t*.tif")]);
    workplace.refuses(FAILED, &["config.toml"], &["t*.tif", "no file matches"]);
}

#[test]
fn axes_that_are_not_z() {
    let workplace = Workplace::new();
    let pages = slices(small);
    let write = |description: &str| {
        let mut pages: Vec<Page<'_>> = pages
            .iter()
            .take(12)
            .map(|page| Page::new(page, 8))
            .collect();
        pages[0].description = description;
        file(&workplace.path("cells.tif"), &pages);
    };
    write("ImageJ=1.53\nimages=12\nframes=12\n");
    let outcome = workplace.run(["check", "config.toml"]).succeeded();
    assert!(
        outcome
            .stdout
            .contains("time points by its ImageJ description"),
        "{outcome:?}"
    );
    write("ImageJ=1.53\nimages=12\nchannels=2\nslices=6\nhyperstack=true\n");
    workplace.refuses(
        FAILED,
        &["config.toml"],
        &["2 channels", "channel = 0 to 1"],
    );
    let outcome = workplace.simulate(&["--set", "groundtruth.channel=1"]);
    assert!(outcome.tells(&["6 x 48 x 36"]), "{outcome:?}");
    workplace.refuses(
        FAILED,
        &["config.toml", "--set", "groundtruth.channel=2"],
        &["channel = 2", "from 0 to 1"],
    );
}

/// A stack with ImageJ's calibration.
fn calibrated(workplace: &Workplace, description: &str, per_um: u32) {
    let pages = slices(u16::to_le_bytes);
    let pages = pages.iter().map(|page| Page {
        description,
        per_um: Some(per_um),
        ..Page::new(page, 16)
    });
    file(&workplace.path("cells.tif"), &pages.collect::<Vec<_>>());
}

#[test]
fn sizes_of_voxels() {
    let workplace = Workplace::new();
    let without = [("voxel_dim = [40, 16, 16]\n", "")];
    workplace.configure(&without);
    workplace.refuses(
        USAGE,
        &["config.toml"],
        &["voxel_dim is missing", "does not tell", "[z, x, y]"],
    );
    for unit in ["um", "micron", "\\u00B5m"] {
        let description = format!("ImageJ=1.53\nimages=14\nslices=14\nunit={unit}\nspacing=0.04\n");
        calibrated(&workplace, &description, 625);
        workplace.configure(&without);
        let outcome = workplace.simulate(&["--output", unit.trim_start_matches('\\')]);
        assert!(
            outcome.tells(&["40 x 16 x 16 nm", "as the file says"]),
            "{outcome:?}"
        );
        assert_eq!(outcome.warnings(), [""; 0]);
        let record = workplace.record(unit.trim_start_matches('\\'));
        assert_eq!(
            record["groundtruth"]["voxel_dim"].to_string(),
            "[40.0, 16.0, 16.0]"
        );
        workplace.configure(&[("[40, 16, 16]", "[40, 16, 16.1]")]);
        assert_eq!(
            workplace
                .simulate(&["--output", "near", "--force"])
                .warnings(),
            [""; 0]
        );
        workplace.configure(&[("[40, 16, 16]", "[40, 24, 24]")]);
        let outcome = workplace.run(["check", "config.toml"]).succeeded();
        assert!(outcome.stdout.contains("40 x 16 x 16 nm"), "{outcome:?}");
        assert!(outcome.stdout.contains("40 x 24 x 24 nm"), "{outcome:?}");
    }
    // Half of it.
    calibrated(
        &workplace,
        "ImageJ=1.53\nimages=14\nslices=14\nunit=um\n",
        625,
    );
    workplace.configure(&without);
    workplace.refuses(
        USAGE,
        &["config.toml"],
        &["voxel_dim is missing", "? x 16 x 16 nm"],
    );
    // A configuration is filled in.
    calibrated(
        &workplace,
        "ImageJ=1.53\nimages=14\nslices=14\nunit=um\nspacing=0.04\n",
        625,
    );
    let outcome = workplace
        .run(["init", "new.toml", "--image", "cells.tif"])
        .succeeded();
    assert!(
        outcome.stdout.contains("that of the file: 40 x 16 x 16 nm"),
        "{outcome:?}"
    );
    let text = fs::read_to_string(workplace.path("new.toml")).unwrap();
    assert!(text.contains("voxel_dim = [40.0, 16.0, 16.0]"), "{text}");
    workplace.write("labels.h5", b"\x89HDF\r\n\x1a\n and so on");
    let refused = ["labels.h5", "HDF5", "superblock"];
    workplace.refuses(
        FAILED,
        &["init", "other.toml", "--image", "labels.h5"],
        &refused,
    );
    workplace.write("labels.nrrd", b"NRRD0004\n");
    let refused = ["labels.nrrd", "NRRD", "numpy.save"];
    workplace.refuses(
        FAILED,
        &["init", "other.toml", "--image", "labels.nrrd"],
        &refused,
    );
}

#[test]
fn paths_of_every_system() {
    let workplace = Workplace::new();
    for (path, words) in [
        (
            "\"C:\\Users\\me\\cells.tif\"",
            "write / or use single quotes",
        ),
        ("\"C:\\data\\cells.tif\"", "write / or use single quotes"),
        ("\"D:\\temp\\new.tif\"", "write / or use single quotes"),
        ("\"E:\\boot.tif\"", "write / or use single quotes"),
    ] {
        workplace.configure(&[("\"cells.tif\"", path)]);
        workplace.refuses(USAGE, &["config.toml"], &["config.toml:2", words]);
    }
    workplace.configure(&[("path = \"out\"", "path = \"res\\new\\table\"")]);
    workplace.refuses(
        USAGE,
        &["config.toml"],
        &["[output] path", "control characters", "single quotes"],
    );
    // The home folder.
    workplace.configure(&[("\"cells.tif\"", "\"~/cells.tif\"")]);
    let mut command = workplace.command(["check", "config.toml"]);
    command
        .env("HOME", workplace.folder())
        .env("USERPROFILE", workplace.folder());
    crate::support::Outcome::of(&mut command).succeeded();
}

#[test]
fn a_moved_experiment_repeats() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("here")).unwrap();
    for name in ["cells.tif", "config.toml"] {
        fs::rename(workplace.path(name), workplace.path("here").join(name)).unwrap();
    }
    workplace.run(["here/config.toml"]).succeeded();
    let record = workplace.record("here/out");
    assert_eq!(
        record["run"]["inputs"][0]["relative"].as_str(),
        Some("../../cells.tif")
    );
    fs::rename(workplace.path("here"), workplace.path("there")).unwrap();
    workplace
        .run(["there/out/tissue/simulation.toml", "--output", "again"])
        .succeeded();
    assert_eq!(truth(&workplace, "there/out"), truth(&workplace, "again"));
    // What is still where it was is read there.
    fs::create_dir(workplace.path("here")).unwrap();
    workplace.volume([1, 2, 2], &[0; 4]);
    fs::rename(
        workplace.path("cells.tif"),
        workplace.path("here/cells.tif"),
    )
    .unwrap();
    let outcome = workplace.run(["there/out/tissue/simulation.toml", "--output", "third"]);
    assert!(
        outcome.tells(&["here/cells.tif", "1 x 2 x 2"]),
        "{outcome:?}"
    );
}
