//! Scenes and pictures, compared with what the files hold.

mod files;
mod hyperstacks;

use super::metadata::Metadata;
use super::{Loader, Scene, ViewArgs, ViewError, ViewState, images, open};
use crate::io::write::Content;
use crate::show::picture::{Contrast, Picture};
use clap::{Args, FromArgMatches};
use files::{SHAPE, files, id, value, voxels, write};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tiff::encoder::colortype;

/// A scene of these files, and its state with the contrast of the whole type.
fn scene(folder: &TempDir) -> (Arc<Scene>, ViewState, Loader) {
    let [first, second, cells] = files(folder);
    let scene = Arc::new(open(&[first, second], &[cells]).expect("scene").remove(0));
    let mut state = ViewState::new(&scene);
    for (layer, colour) in state
        .layers
        .iter_mut()
        .zip([[255, 0, 0], [0, 0, 255], [0; 3]])
    {
        layer.colour = colour;
        layer.contrast = Some(Contrast {
            minimum: 0.0,
            maximum: 255.0,
            gamma: 1.0,
        });
    }
    state.layers[2].visible = false;
    let loader = Loader::new(Arc::clone(&scene), state.wanted(&scene), || {});
    (scene, state, loader)
}

fn settled(scene: &Scene, state: &ViewState, loader: &Loader) {
    loader.want(state.wanted(scene));
    loader.wait();
    assert_eq!(loader.failure(), None);
}

fn pixels(picture: &Picture) -> Vec<[u8; 3]> {
    picture.rgb().as_chunks().0.to_vec()
}

#[test]
fn a_slice_is_that_of_the_file() {
    let folder = TempDir::new().expect("folder");
    let (scene, mut state, loader) = scene(&folder);
    for z in [0, 5, 2] {
        state.go_to([z, 0, 0]);
        settled(&scene, &state, &loader);
        let picture = images::slice(&scene, &mut state, &loader).expect("slice");
        let expected: Vec<[u8; 3]> = voxels(z)
            .map(|at| [value(0, at), 0, value(1, at)])
            .collect();
        assert_eq!(pixels(&picture), expected, "slice {z}");
    }
}

#[test]
fn a_channel_that_is_off_is_dark_and_ids_have_colours() {
    let folder = TempDir::new().expect("folder");
    let (scene, mut state, loader) = scene(&folder);
    state.layers[1].visible = false;
    state.layers[2].visible = true;
    assert!(state.layers[2].outlined);
    state.layers[2].outlined = false;
    settled(&scene, &state, &loader);
    let picture = images::slice(&scene, &mut state, &loader).expect("slice");
    let z = state.position[0];
    let expected: Vec<[u8; 3]> = voxels(z)
        .map(|at| match id(at) {
            0 => [value(0, at), 0, 0],
            id => crate::base::colour::of_cell(id.into()),
        })
        .collect();
    assert_eq!(pixels(&picture), expected);
    let here = images::values(&scene, &state, &loader, [z, 0, 1]);
    let told = [
        ("channel_0".to_owned(), value(0, [z, 0, 1]).to_string()),
        ("cells".to_owned(), format!("id {}", id([z, 0, 1]))),
    ];
    assert_eq!(here, told);
}

#[test]
fn sections_and_projection_are_those_of_the_volume() {
    let folder = TempDir::new().expect("folder");
    let (scene, mut state, loader) = scene(&folder);
    state.sections = true;
    for at in [[1, 4, 2], [3, 0, 6]] {
        state.go_to(at);
        settled(&scene, &state, &loader);
        let xz = images::section_xz(&scene, &mut state, &loader).expect("x-z");
        let yz = images::section_yz(&scene, &mut state, &loader).expect("y-z");
        assert_eq!((xz.rows(), xz.columns()), (SHAPE[1], SHAPE[0]));
        assert_eq!((yz.rows(), yz.columns()), (SHAPE[0], SHAPE[2]));
        for z in 0..SHAPE[0] {
            for x in 0..SHAPE[1] {
                let voxel = [z, x, at[2]];
                assert_eq!(xz.pixel(x, z), [value(0, voxel), 0, value(1, voxel)]);
            }
            for y in 0..SHAPE[2] {
                let voxel = [z, at[1], y];
                assert_eq!(yz.pixel(z, y), [value(0, voxel), 0, value(1, voxel)]);
            }
        }
    }
    state.sections = false;
    state.projection = true;
    settled(&scene, &state, &loader);
    let picture = images::slice(&scene, &mut state, &loader).expect("maximum");
    for [_, x, y] in voxels(0) {
        let most = |seed| {
            (0..SHAPE[0])
                .map(|z| value(seed, [z, x, y]))
                .max()
                .expect("slices")
        };
        assert_eq!(picture.pixel(x, y), [most(0), 0, most(1)]);
    }
}

#[test]
fn colours_and_floating_point_are_shown() {
    let folder = TempDir::new().expect("folder");
    let path = |name: &str| folder.path().join(name);
    write::<colortype::RGB8>(&path("rgb.tif"), SHAPE, |z| {
        voxels(z)
            .flat_map(|at| [value(0, at), value(1, at), value(2, at)])
            .collect()
    });
    let scene = Arc::new(open(&[path("rgb.tif")], &[]).expect("scene").remove(0));
    let names: Vec<&str> = scene
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(names, ["rgb: red", "rgb: green", "rgb: blue"]);
    let mut state = ViewState::new(&scene);
    for layer in &mut state.layers {
        layer.contrast = Some(Contrast {
            minimum: 0.0,
            maximum: 255.0,
            gamma: 1.0,
        });
    }
    let loader = Loader::new(Arc::clone(&scene), state.wanted(&scene), || {});
    settled(&scene, &state, &loader);
    let picture = images::slice(&scene, &mut state, &loader).expect("slice");
    let expected: Vec<[u8; 3]> = voxels(3)
        .map(|at| [value(0, at), value(1, at), value(2, at)])
        .collect();
    assert_eq!(pixels(&picture), expected);

    write::<colortype::Gray32Float>(&path("psf.tif"), SHAPE, |z| {
        voxels(z)
            .map(|at| f32::from(value(0, at)) / 250.0)
            .collect()
    });
    let scene = Arc::new(open(&[path("psf.tif")], &[]).expect("scene").remove(0));
    let mut state = ViewState::new(&scene);
    state.layers[0].contrast = Some(Contrast {
        minimum: 0.0,
        maximum: 1.0,
        gamma: 2.0,
    });
    let loader = Loader::new(Arc::clone(&scene), state.wanted(&scene), || {});
    settled(&scene, &state, &loader);
    let picture = images::slice(&scene, &mut state, &loader).expect("slice");
    for [z, x, y] in voxels(3) {
        let share = f64::from(value(0, [z, x, y])) / 250.0;
        let expected = (255.0 * share * share).round();
        let [red, green, blue] = picture.pixel(x, y);
        assert!((f64::from(red) - expected).abs() <= 1.0 && red == green && green == blue);
    }
}

#[test]
fn what_cannot_be_shown_is_named() {
    let folder = TempDir::new().expect("folder");
    let [first, ..] = files(&folder);
    let other = folder.path().join("other.tif");
    write::<colortype::Gray8>(&other, [1, 2, 2], |_| vec![0; 4]);
    let told = |paths: &[PathBuf]| match open(paths, &[]) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    // What has another size is a scene of its own.
    let both = open(&[first, other.clone()], &[]).expect("scenes");
    let shapes: Vec<[usize; 3]> = both.iter().map(|scene| scene.shape).collect();
    assert_eq!(shapes, [[6, 9, 7], [1, 2, 2]]);
    assert!(matches!(open(&[], &[]), Err(ViewError::Nothing)));
    assert!(told(&[folder.path().join("none.tif")]).contains("none.tif"));
    std::fs::write(&other, "GIF89a").expect("write");
    let message = told(&[other]);
    assert!(
        message.contains("TIFF stack") && message.contains("NumPy array (.npy)"),
        "{message}"
    );
}

#[test]
fn a_damaged_slice_is_told_and_the_others_are_shown() {
    let folder = TempDir::new().expect("folder");
    let slices = folder.path().join("slices");
    std::fs::create_dir(&slices).expect("folder");
    for z in 0..3 {
        let path = slices.join(format!("{z}.tif"));
        write::<colortype::Gray8>(&path, [1, 40, 40], |_| vec![7; 1600]);
    }
    let scene = Arc::new(
        open(std::slice::from_ref(&slices), &[])
            .expect("scene")
            .remove(0),
    );
    let file = std::fs::File::options()
        .write(true)
        .open(slices.join("2.tif"))
        .expect("open");
    file.set_len(600).expect("cut");
    let mut state = ViewState::new(&scene);
    let loader = Loader::new(Arc::clone(&scene), state.wanted(&scene), || {});
    loader.wait();
    assert!(images::slice(&scene, &mut state, &loader).is_some());
    state.step(1);
    loader.want(state.wanted(&scene));
    loader.wait();
    assert!(loader.failure().is_some_and(|why| why.contains("2.tif")));
}

#[test]
fn tiffs_of_other_programs_tell_their_size() {
    let text = "ImageJ=1.54\nimages=3\nslices=3\nunit=um\nspacing=0.6\nloop=false\nids of cells labelled with X\n\
                voxel in tissue (z, x, y): 100.000 x 2.000 x 4.000 nm, expansion factor 4.5\n\
                channels: a (b) (#ff0080), c (#010203)\n";
    let told = Metadata::parse(text, [10.0, 20.0]);
    let pixel = told.pixel.expect("size");
    assert_eq!(pixel.gel_nm, [600.0, 100.0, 50.0]);
    assert_eq!(pixel.expansion, Some([4.5; 3]));
    assert_eq!(told.content, Some(Content::Labels));
    assert_eq!(
        told.channels,
        [
            ("a (b)".to_owned(), [255, 0, 128]),
            ("c".to_owned(), [1, 2, 3])
        ]
    );
    assert_eq!(Metadata::parse("unit=um\n", [0.0, 0.0]).pixel, None);
    assert_eq!(
        Metadata::parse("spacing=nan\nunit=um", [1.0, 1.0]).pixel,
        None
    );
}

#[test]
fn arguments_reach_the_window_as_they_were_given() {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    for (path, labels, save_to) in [
        (vec!["a.tif", "-b.tif", "--labels"], vec![], "."),
        (vec![], vec!["--", "c d.tif"], "-e"),
    ] {
        let args = ViewArgs {
            path: paths(&path),
            labels: paths(&labels),
            save_to: PathBuf::from(save_to),
        };
        let command = ViewArgs::augment_args(clap::Command::new("view").no_binary_name(true));
        let read = command.try_get_matches_from(args.words()).expect("read");
        assert_eq!(ViewArgs::from_arg_matches(&read).expect("arguments"), args);
    }
}
