//! `psf`: the file holds the function that a run blurs with, with its sizes, and it is clear which
//! one.

use crate::support::{Workplace, files};
use simexm_gpu::config::Config;
use simexm_gpu::internals::base::volume::VoxelBox;
use simexm_gpu::internals::model::{Model, point_spread_functions};
use std::fs::{self, File};
use std::path::Path;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

const FAILED: i32 = 1;
const USAGE: i32 = 2;
const SIDE: usize = 31;

/// The values of a stack of floating-point numbers, and its first page's description.
fn read(path: &Path) -> (Vec<f32>, String) {
    let mut decoder = Decoder::new(File::open(path).unwrap()).unwrap();
    let description = decoder.get_tag_ascii_string(Tag::ImageDescription).unwrap();
    let mut values = Vec::new();
    loop {
        assert_eq!(decoder.dimensions().unwrap(), (SIDE as u32, SIDE as u32));
        let DecodingResult::F32(page) = decoder.read_image().unwrap() else {
            panic!("not 32-bit floating-point numbers");
        };
        values.extend(page);
        if !decoder.more_images() {
            return (values, description);
        }
        decoder.next_image().unwrap();
    }
}

/// What the run of the folder's configuration blurs with, mirrored here.
fn of_the_run(workplace: &Workplace, channel: usize, source: usize) -> Vec<f32> {
    let config = Config::from_file(&workplace.path("config.toml"), &[]).unwrap();
    let volume = VoxelBox {
        offset: [3, 2, 1],
        shape: crate::support::SHAPE,
    };
    let model = Model::new(&config, volume, 99).unwrap();
    let psf = model.channels[channel].sources[source].psf();
    let mut cube = Vec::new();
    for z in -15_i32..=15 {
        for x in -15_i32..=15 {
            for y in -15_i32..=15 {
                let [z, x, y] = [z, x, y].map(|place| place.unsigned_abs() as usize);
                cube.push(psf.at(15 + z, x, y));
            }
        }
    }
    cube
}

#[test]
fn the_file_holds_what_a_run_blurs_with() {
    let workplace = Workplace::new();
    // Voxels that differ along all axes; and a volume is not needed.
    workplace.configure(&[("voxel_dim = [40, 16, 16]", "voxel_dim = [40, 16, 20]")]);
    fs::remove_file(workplace.path("cells.tif")).unwrap();
    for (index, name) in ["blue", "red"].into_iter().enumerate() {
        let args = [
            "psf",
            "config.toml",
            "--channel",
            name,
            "-o",
            "psf.tif",
            "--force",
        ];
        let outcome = workplace.run(args).succeeded();
        assert!(
            outcome
                .stdout
                .contains("voxels of 160 x 64 x 80 nm in the gel"),
            "{outcome:?}"
        );
        let (values, description) = read(&workplace.path("psf.tif"));
        assert_eq!(values.len(), SIDE.pow(3));
        assert_eq!(values, of_the_run(&workplace, index, 0));
        assert_eq!(values[15 * (SIDE * SIDE + SIDE + 1)], 1.0);
        for text in [
            "ImageJ=",
            "slices=31",
            "unit=um",
            "spacing=0.16",
            "voxel in tissue 40 x 16 x 20 nm",
            "full width at half maximum",
            &format!("in channel {name}: confocal"),
        ] {
            assert!(description.contains(text), "{text} in {description}");
        }
    }
    assert_eq!(files(workplace.folder()), ["config.toml", "psf.tif"]);
}

#[test]
fn full_widths_are_those_of_the_values() {
    let workplace = Workplace::new();
    let config = Config::from_file(&workplace.path("config.toml"), &[]).unwrap();
    let functions = point_spread_functions(&config).unwrap();
    let [z, x, y] = functions[0].full_width_nm().map(Option::unwrap);
    assert_eq!(x, y);
    // Of a confocal microscope: about half a wavelength over the numerical aperture across, and
    // more along the axis.
    assert!(
        (150.0..250.0).contains(&x) && (400.0..800.0).contains(&z),
        "{z} {x}"
    );
    // Voxels so fine that the cube ends before the function has halved along z.
    workplace.configure(&[("voxel_dim = [40, 16, 16]", "voxel_dim = [1, 1, 1]")]);
    let config = Config::from_file(&workplace.path("config.toml"), &[]).unwrap();
    let functions = point_spread_functions(&config).unwrap();
    assert_eq!(functions[0].full_width_nm()[0], None);
    assert!(functions[0].widths().contains("z beyond the cube"));
}

#[test]
fn the_pair_must_be_clear() {
    let workplace = Workplace::new();
    let both = [
        "--channel blue --fluorophore ATTO390",
        "--channel red --fluorophore ATTO647N",
    ];
    let psf = |more: &[&'static str]| [&["psf", "config.toml", "-o", "psf.tif"], more].concat();
    for more in [
        &[][..],
        &["--channel", "green"],
        &["--fluorophore", "ATTO550"],
        &["--channel", "blue", "--fluorophore", "ATTO647N"],
    ] {
        workplace.refuses(USAGE, &psf(more), &both);
    }
    for more in [&["--channel", "blue"][..], &["--fluorophore", "ATTO390"]] {
        workplace.run(psf(more)).succeeded();
        let (values, _) = read(&workplace.path("psf.tif"));
        assert_eq!(values, of_the_run(&workplace, 0, 0));
        fs::remove_file(workplace.path("psf.tif")).unwrap();
    }
    // A channel that sees two dyes.
    workplace.configure(&[
        ("[440, 500]", "[440, 900]"),
        ("laser_wavelength = 390", "laser_wavelength = 400"),
        ("\"ATTO647N\"", "\"ATTO425\""),
    ]);
    let outcome = workplace.refuses(
        USAGE,
        &psf(&["--channel", "blue"]),
        &["ATTO390", "--channel blue --fluorophore ATTO425"],
    );
    assert!(!outcome.stderr.contains("--channel red"), "{outcome:?}");
    // A run in the dark has none.
    workplace.configure(&[
        ("laser_wavelength = 390", "laser_wavelength = 1000"),
        ("laser_wavelength = 640", "laser_wavelength = 1000"),
    ]);
    workplace.refuses(
        USAGE,
        &psf(&[]),
        &["no fluorophore of the labelling sends a photon"],
    );
}

#[test]
fn sections_are_plotted() {
    let workplace = Workplace::new();
    let psf = |plot: &'static str| {
        [
            "psf",
            "config.toml",
            "--channel",
            "red",
            "-o",
            "psf.tif",
            "--plot",
            plot,
        ]
    };
    workplace.run(psf("psf.png")).succeeded();
    let bytes = fs::read(workplace.path("psf.png")).unwrap();
    assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 1720);
    fs::remove_file(workplace.path("psf.tif")).unwrap();
    // Neither is written when one cannot be.
    workplace.refuses(FAILED, &psf("psf.png"), &["psf.png", "exists", "--force"]);
    workplace.refuses(USAGE, &psf("psf.gif"), &["psf.gif", ".svg or .png"]);
    workplace.refuses(USAGE, &psf("psf.tif"), &["psf.tif", ".svg or .png"]);
    workplace.run(psf("psf.svg")).succeeded();
    let svg = fs::read_to_string(workplace.path("psf.svg")).unwrap();
    assert!(svg.contains("ATTO647N in red"));
}

#[test]
fn files_are_not_replaced_unasked() {
    let workplace = Workplace::new();
    workplace.write("psf.tif", "mine");
    let psf = ["psf", "config.toml", "--channel", "red", "-o", "psf.tif"];
    workplace.refuses(FAILED, &psf, &["psf.tif", "exists", "--force"]);
    workplace.run([&psf[..], &["--force"]].concat()).succeeded();
    read(&workplace.path("psf.tif"));
    let nowhere = [
        "psf",
        "config.toml",
        "--channel",
        "red",
        "-o",
        "cells.tif/psf.tif",
    ];
    workplace.refuses(
        FAILED,
        &nowhere,
        &["cells.tif", "is a file, but a folder is needed"],
    );
    let folder = ["psf", "config.toml", "--channel", "red", "-o", ".."];
    workplace.refuses(FAILED, &folder, &["names a folder"]);
    workplace.refuses(USAGE, &["psf", "none.toml", "-o", "a.tif"], &["none.toml"]);
}
