//! The window, driven as a user does.

#[path = "../../../../src/apps/view/tests/files.rs"]
mod files;

use super::{Viewer, Viewers};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, MouseWheelUnit, TouchPhase, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use files::{SHAPE, files, id, value, voxels};
use simexm_gpu::internals::apps::view::open;
use simexm_gpu::internals::show::picture::Contrast;
use tempfile::TempDir;

/// A window with two channels, red and blue, and ids, which are not visible at first.
fn window(folder: &TempDir) -> Harness<'static, Viewer> {
    let [first, second, cells] = files(folder);
    let scene = open(&[first, second], &[cells]).expect("scene").remove(0);
    let mut viewer = Viewer::new(scene, folder.path());
    let layers = &mut viewer.state.layers;
    for (layer, colour) in layers.iter_mut().zip([[255, 0, 0], [0, 0, 255], [0; 3]]) {
        layer.colour = colour;
        layer.contrast = Some(Contrast {
            minimum: 0.0,
            maximum: 255.0,
            gamma: 1.0,
        });
    }
    layers[2].visible = false;
    let mut harness = Harness::builder()
        .with_size(vec2(900.0, 700.0))
        .build_ui_state(|ui, viewer: &mut Viewer| viewer.ui(ui), viewer);
    settle(&mut harness);
    harness
}

/// Frames until all that is wanted has come and is shown.
fn settle(harness: &mut Harness<'_, Viewer>) {
    for _ in 0..3 {
        harness.step();
        harness.state().loader.wait();
    }
    harness.step();
    assert_eq!(harness.state().loader.failure(), None);
}

/// Asserts that the window shows slice `z` of the files; `light` says which channels are on.
fn assert_slice(harness: &Harness<'_, Viewer>, z: usize, light: [bool; 2]) {
    let picture = harness.state().picture.as_ref().expect("picture");
    let channel = |seed: usize, at| if light[seed] { value(seed, at) } else { 0 };
    for at in voxels(z) {
        let expected = [channel(0, at), 0, channel(1, at)];
        assert_eq!(picture.pixel(at[1], at[2]), expected, "{at:?}");
    }
}

#[test]
fn the_slider_moves_the_picture() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    assert_slice(&harness, SHAPE[0] / 2, [true, true]);
    for z in [5, 0, 1] {
        let slider = harness.get_by_role_and_label(Role::Slider, "slice");
        slider.set_value_accesskit(z as f64);
        settle(&mut harness);
        assert_eq!(harness.state().state.position[0], z);
        assert_slice(&harness, z, [true, true]);
    }
    // With the pointer: to the right end of the slider.
    let rail = harness.get_by_role_and_label(Role::Slider, "slice").rect();
    harness.drag_at(pos2(rail.left() + 8.0, rail.center().y));
    harness.step();
    harness.hover_at(pos2(rail.left() + rail.width() * 0.5, rail.center().y));
    harness.step();
    harness.hover_at(pos2(rail.right() - 1.0, rail.center().y));
    harness.step();
    harness.drop_at(pos2(rail.right() - 1.0, rail.center().y));
    settle(&mut harness);
    assert_slice(&harness, SHAPE[0] - 1, [true, true]);
}

#[test]
fn a_channel_is_switched_off_and_on() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    let z = SHAPE[0] / 2;
    harness.get_by_label("channel_0").click();
    settle(&mut harness);
    assert_slice(&harness, z, [false, true]);
    harness.get_by_label("channel_0").click();
    harness.get_by_label("channel_1").click();
    settle(&mut harness);
    assert_slice(&harness, z, [true, false]);
}

#[test]
fn the_id_under_the_pointer_is_told() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    harness.get_by_label("cells").click();
    settle(&mut harness);
    let rect = harness.state().places.expect("places").slice;
    for [z, x, y] in [[3, 0, 1], [3, 8, 5], [3, 4, 4]] {
        let across = (y as f32 + 0.5) / SHAPE[2] as f32;
        let down = (x as f32 + 0.5) / SHAPE[1] as f32;
        harness.hover_at(rect.min + vec2(across * rect.width(), down * rect.height()));
        harness.run_steps(2);
        let told = format!("z {z}  x {x}  y {y}   channel_0: {}", value(0, [z, x, y]));
        harness.get_by_label_contains(&told);
        harness.get_by_label_contains(&format!("cells: id {}", id([z, x, y])));
    }
}

#[test]
fn keys_and_wheel_go_through_the_slices() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    for (key, z) in [
        (Key::ArrowUp, 4),
        (Key::ArrowRight, 5),
        (Key::ArrowRight, 5),
        (Key::ArrowLeft, 4),
        (Key::ArrowDown, 3),
        (Key::PageDown, 0),
        (Key::PageUp, 5),
        (Key::Home, 0),
        (Key::End, 5),
    ] {
        harness.key_press(key);
        settle(&mut harness);
        assert_eq!(harness.state().state.position[0], z, "{key:?}");
    }
    let at = harness.state().places.expect("places").slice.center();
    harness.hover_at(at);
    harness.step();
    for (notches, z) in [(1.0, 4), (2.0, 2), (-1.0, 3)] {
        harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: vec2(0.0, notches),
            phase: TouchPhase::Move,
            source: eframe::egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        settle(&mut harness);
        assert_eq!(harness.state().state.position[0], z);
        assert_slice(&harness, z, [true, true]);
    }
}

#[test]
fn playing_goes_on_and_round() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    harness.state_mut().state.slices_per_second = 60.0;
    harness.get_by_label("play").click();
    let mut seen = Vec::new();
    for _ in 0..40 {
        harness.step();
        harness.state().loader.wait();
        let z = harness.state().state.position[0];
        if seen.last() != Some(&z) {
            seen.push(z);
        }
    }
    assert!(seen.len() > SHAPE[0], "{seen:?}");
    assert!(
        seen.windows(2)
            .all(|pair| pair[1] == (pair[0] + 1) % SHAPE[0]),
        "{seen:?}"
    );
}

#[test]
fn a_click_moves_the_crosshairs_and_the_sections() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    harness.get_by_label("sections").click();
    settle(&mut harness);
    let rect = harness.state().places.expect("places").slice;
    let at = rect.min + vec2(1.5 / 7.0 * rect.width(), 7.5 / 9.0 * rect.height());
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    settle(&mut harness);
    assert_eq!(harness.state().state.position, [3, 7, 1]);
}

#[test]
fn the_view_is_saved_and_nothing_is_replaced() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    // The folder is made.
    let pictures = folder.path().join("pictures/of today");
    harness.state_mut().folder.clone_from(&pictures);
    for name in ["channel_0_z3.png", "channel_0_z3_2.png"] {
        harness.get_by_label("save PNG").click();
        settle(&mut harness);
        let path = pictures.join(name);
        assert_eq!(harness.state().message, format!("saved {}", path.display()));
        let saved = image::open(&path).expect("a PNG").to_rgb8();
        assert_eq!(saved.dimensions(), (SHAPE[2] as u32, SHAPE[1] as u32));
        for at in voxels(3) {
            let pixel = saved.get_pixel(at[2] as u32, at[1] as u32).0;
            assert_eq!(pixel, [value(0, at), 0, value(1, at)], "{at:?}");
        }
    }
}

#[test]
fn contrast_is_that_of_the_slices_and_one_button_sets_all() {
    let folder = TempDir::new().expect("folder");
    let [first, second, _] = files(&folder);
    let scene = open(&[first, second], &[]).expect("scene").remove(0);
    let mut harness = Harness::builder()
        .with_size(vec2(900.0, 700.0))
        .build_ui_state(
            |ui, viewer: &mut Viewer| viewer.ui(ui),
            Viewer::new(scene, folder.path()),
        );
    settle(&mut harness);
    let best = |harness: &Harness<'_, Viewer>| {
        let layers = harness.state().state.layers.iter();
        layers
            .map(|layer| layer.contrast.expect("settled"))
            .collect::<Vec<Contrast>>()
    };
    let found = best(&harness);
    // Not that of the whole type, which shows few photons in black.
    assert!(
        found.iter().all(|contrast| contrast.maximum < 255.0),
        "{found:?}"
    );
    for layer in &mut harness.state_mut().state.layers {
        layer.contrast = Some(Contrast {
            minimum: 0.0,
            maximum: 65_535.0,
            gamma: 1.0,
        });
    }
    harness.get_by_label("auto contrast").click();
    settle(&mut harness);
    assert_eq!(best(&harness), found);
}

#[test]
fn a_small_window_shows_the_picture_first_and_layers_on_demand() {
    let folder = TempDir::new().expect("folder");
    let [first, second, cells] = files(&folder);
    let scene = open(&[first, second], &[cells]).expect("scene").remove(0);
    let mut harness = Harness::builder()
        .with_size(vec2(640.0, 480.0))
        .build_ui_state(
            |ui, viewer: &mut Viewer| viewer.ui(ui),
            Viewer::new(scene, folder.path()),
        );
    settle(&mut harness);
    assert!(harness.query_by_label("channel_0").is_none());
    let places = harness.state().places.expect("places");
    assert!(
        places.slice.width() > 200.0 && places.area.width() > 600.0,
        "{places:?}"
    );
    harness.get_by_label("layers").click();
    settle(&mut harness);
    harness.get_by_label("channel_0");
    harness.get_by_label("keys").click();
    settle(&mut harness);
    harness.get_by_label("automatic contrast of all");
}

#[test]
fn sections_of_few_slices_fill_the_window() {
    let folder = TempDir::new().expect("folder");
    let mut harness = window(&folder);
    harness.state_mut().state.sections = true;
    settle(&mut harness);
    let places = harness.state().places.expect("places");
    let used = places.area.height() - places.slice.height();
    assert!(used >= 0.2 * places.slice.height(), "{places:?}");
}

#[test]
fn keys_act_on_the_volume_under_the_pointer() {
    let folder = TempDir::new().expect("folder");
    let [first, ..] = files(&folder);
    let other = folder.path().join("other.tif");
    files::write::<tiff::encoder::colortype::Gray8>(&other, [4, 8, 8], |_| vec![1; 64]);
    let scenes = open(&[first, other], &[]).expect("scenes");
    let viewers = scenes
        .into_iter()
        .map(|scene| Viewer::new(scene, folder.path()));
    let mut harness = Harness::builder()
        .with_size(vec2(1600.0, 700.0))
        .build_ui_state(
            |ui, viewers: &mut Viewers| viewers.ui(ui),
            Viewers(viewers.collect()),
        );
    let slices = |harness: &Harness<'_, Viewers>| {
        let viewers = harness.state().0.iter();
        viewers
            .map(|viewer| viewer.state.position[0])
            .collect::<Vec<_>>()
    };
    for (at, slices_after) in [(400.0, [4, 2]), (1200.0, [4, 3]), (400.0, [5, 3])] {
        harness.hover_at(pos2(at, 300.0));
        harness.step();
        harness.key_press(Key::ArrowUp);
        harness.step();
        assert_eq!(slices(&harness), slices_after);
    }
    // Each has its list, and both are there.
    for at in [400.0, 1200.0] {
        harness.hover_at(pos2(at, 300.0));
        harness.step();
        harness.key_press(Key::H);
        harness.run_steps(2);
    }
    assert_eq!(harness.query_all_by_label("this list").count(), 2);
}
