//! Files of several channels or times: each channel is a layer, and what is left out is told.

use super::files::{SHAPE, id, value, voxels};
use super::{open, pixels, settled};
use crate::apps::view::{Loader, Scene, ViewState, images};
use crate::io::write::Content;
use crate::show::picture::Contrast;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tiff::encoder::{TiffEncoder, TiffValue, colortype};
use tiff::tags::Tag;

/// Writes pages of [`SHAPE`] that ImageJ describes as these channels, slices and frames.
fn stack<C: colortype::ColorType>(
    folder: &TempDir,
    [channels, slices, frames]: [usize; 3],
    page: impl Fn(usize) -> Vec<C::Inner>,
) -> PathBuf
where
    [C::Inner]: TiffValue,
{
    let path = folder.path().join("stack.tif");
    let pages = channels * slices * frames;
    let text = format!(
        "ImageJ=1.54f\nimages={pages}\nchannels={channels}\nslices={slices}\nframes={frames}\nhyperstack=true\n"
    );
    let file = std::fs::File::create(&path).expect("file");
    let mut encoder = TiffEncoder::new(file).expect("encoder");
    for number in 0..pages {
        let mut image = encoder
            .new_image::<C>(SHAPE[2] as u32, SHAPE[1] as u32)
            .expect("page");
        let description = Tag::ImageDescription;
        image.encoder().write_tag(description, &*text).expect("tag");
        image.write_data(&page(number)).expect("data");
    }
    path
}

fn scene(path: PathBuf) -> Arc<Scene> {
    Arc::new(open(&[path], &[]).expect("scene").remove(0))
}

fn names(scene: &Scene) -> Vec<&str> {
    let layers = scene.layers.iter();
    layers.map(|layer| layer.name.as_str()).collect()
}

/// The middle slice, of which the samples up to `most` are as bright as they are.
fn shown(scene: &Arc<Scene>, most: f64) -> (usize, Vec<[u8; 3]>) {
    let mut state = ViewState::new(scene);
    for (layer, colour) in state.layers.iter_mut().zip([[255, 0, 0], [0, 0, 255]]) {
        layer.colour = colour;
        layer.contrast = Some(Contrast {
            minimum: 0.0,
            maximum: most,
            gamma: 1.0,
        });
    }
    let loader = Loader::new(Arc::clone(scene), state.wanted(scene), || {});
    settled(scene, &state, &loader);
    let picture = images::slice(scene, &mut state, &loader).expect("slice");
    (state.position[0], pixels(&picture))
}

#[test]
fn channels_of_a_hyperstack_are_layers() {
    let folder = TempDir::new().expect("folder");
    // Two channels of six slices, channel by channel in each.
    let channel = |page: usize| voxels(page / 2).map(move |at| value(page % 2, at));
    let path = stack::<colortype::Gray8>(&folder, [2, SHAPE[0], 1], |page| channel(page).collect());
    let scene = scene(path);
    assert_eq!(names(&scene), ["stack: channel 0", "stack: channel 1"]);
    assert!(scene.notes.is_empty(), "{:?}", scene.notes);
    let (z, shown) = shown(&scene, 255.0);
    let expected = voxels(z).map(|at| [value(0, at), 0, value(1, at)]);
    assert_eq!(shown, expected.collect::<Vec<_>>());
}

#[test]
fn channels_of_floating_point_numbers_are_shown_and_times_are_told() {
    let folder = TempDir::new().expect("folder");
    // Of two time points the first; pages of the second are dark.
    let own = 2 * SHAPE[0];
    let page = |page: usize| {
        let light = move |at| match page < own {
            true => f32::from(value(page % 2, at)) / 255.0,
            false => 0.0,
        };
        voxels(page / 2).map(light).collect()
    };
    let path = stack::<colortype::Gray32Float>(&folder, [2, SHAPE[0], 2], page);
    let scene = scene(path);
    assert_eq!(names(&scene), ["stack: channel 0", "stack: channel 1"]);
    assert_eq!(
        scene.notes,
        ["stack.tif: the first of 2 time points is shown"]
    );
    let (z, shown) = shown(&scene, 1.0);
    let expected = voxels(z).map(|at| [value(0, at), 0, value(1, at)]);
    assert_eq!(shown, expected.collect::<Vec<_>>());
}

#[test]
fn a_time_series_of_stacks_shows_its_first() {
    let folder = TempDir::new().expect("folder");
    let page = |page: usize| voxels(page % SHAPE[0]).map(move |at| value(page / SHAPE[0], at));
    let path = stack::<colortype::Gray8>(&folder, [1, SHAPE[0], 3], |at| page(at).collect());
    let scene = scene(path);
    assert_eq!((names(&scene), scene.shape), (vec!["stack"], SHAPE));
    assert_eq!(
        scene.notes,
        ["stack.tif: the first of 3 time points is shown"]
    );
    let (z, shown) = shown(&scene, 255.0);
    let expected = voxels(z).map(|at| [value(0, at), 0, 0]);
    assert_eq!(shown, expected.collect::<Vec<_>>());
}

#[test]
fn more_channels_than_are_shown_are_told() {
    let folder = TempDir::new().expect("folder");
    let path = stack::<colortype::Gray8>(&folder, [40, 2, 1], |page| vec![page as u8; 63]);
    let scene = scene(path);
    assert_eq!(scene.layers.len(), 32);
    assert_eq!(
        scene.notes,
        ["stack.tif: the first 32 of 40 channels are shown"]
    );
}

#[test]
fn wide_numbers_are_taken_for_ids_and_that_is_told() {
    let folder = TempDir::new().expect("folder");
    let wide = |z: usize| voxels(z % SHAPE[0]).map(|at| u32::from(id(at))).collect();
    for channels in [1, 2] {
        let path = stack::<colortype::Gray32>(&folder, [channels, SHAPE[0], 1], wide);
        let scene = scene(path.clone());
        assert_eq!(scene.layers.len(), channels);
        let contents = scene.layers.iter().map(|layer| layer.content);
        assert!(
            contents
                .into_iter()
                .all(|content| content == Content::Labels)
        );
        let [note] = &scene.notes[..] else {
            panic!("{:?}", scene.notes);
        };
        assert!(note.contains("32 bits are taken for ids"), "{note}");
        // Who says so is not told.
        let told = open(&[], &[path]).expect("scene").remove(0);
        assert!(told.notes.is_empty(), "{:?}", told.notes);
    }
}

#[test]
fn a_channel_that_cannot_be_read_is_told_and_the_others_are_shown() {
    let folder = TempDir::new().expect("folder");
    let path = folder.path().join("stack.tif");
    let file = std::fs::File::create(&path).expect("file");
    let mut encoder = TiffEncoder::new(file).expect("encoder");
    let text = "ImageJ=1.54f\nimages=4\nchannels=2\nslices=2\n";
    // The second slice of the second channel has another type than the first.
    for page in 0..4 {
        let [width, height] = [SHAPE[2] as u32, SHAPE[1] as u32];
        let (description, count) = (Tag::ImageDescription, SHAPE[1] * SHAPE[2]);
        if page < 3 {
            let image = encoder.new_image::<colortype::Gray8>(width, height);
            let mut image = image.expect("page");
            image.encoder().write_tag(description, text).expect("tag");
            image.write_data(&vec![page; count]).expect("data");
        } else {
            let image = encoder.new_image::<colortype::Gray16>(width, height);
            let image = image.expect("page");
            image.write_data(&vec![0; count]).expect("data");
        }
    }
    let scene = scene(path);
    assert_eq!(names(&scene), ["stack: channel 0"]);
    let [note] = &scene.notes[..] else {
        panic!("{:?}", scene.notes);
    };
    assert!(note.contains("channel 1 is not shown"), "{note}");
    assert!(note.contains("page 1 is"), "{note}");
}
