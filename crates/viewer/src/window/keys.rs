//! What keys and pointer do.

use super::Viewer;
use super::canvas::Canvas;
use eframe::egui::{self, Key, RichText};

/// Slices that PageUp and PageDown go.
const PAGE: isize = 10;

/// Keys, what they are called, and what they do.
struct Binding {
    keys: &'static [Key],
    names: &'static str,
    effect: &'static str,
    /// Does it for a key that was pressed so many times.
    act: fn(&mut Viewer, Key, isize),
}

const BINDINGS: [Binding; 8] = [
    Binding {
        keys: &[
            Key::ArrowUp,
            Key::ArrowRight,
            Key::ArrowDown,
            Key::ArrowLeft,
        ],
        names: "arrows",
        effect: "next and last slice",
        act: |viewer, key, times| match key {
            Key::ArrowUp | Key::ArrowRight => viewer.state.step(times),
            _ => viewer.state.step(-times),
        },
    },
    Binding {
        keys: &[Key::PageUp, Key::PageDown],
        names: "PageUp, PageDown",
        effect: "ten slices",
        act: |viewer, key, times| match key {
            Key::PageUp => viewer.state.step(PAGE * times),
            _ => viewer.state.step(-PAGE * times),
        },
    },
    Binding {
        keys: &[Key::Home, Key::End],
        names: "Home, End",
        effect: "first and last slice",
        act: |viewer, key, _| match key {
            Key::Home => viewer.state.position[0] = 0,
            _ => viewer.state.step(isize::MAX),
        },
    },
    Binding {
        keys: &[Key::Space],
        names: "space",
        effect: "play and pause",
        act: |viewer, _, times| viewer.state.playing ^= times % 2 == 1,
    },
    Binding {
        keys: &[Key::F],
        names: "F",
        effect: "fit into the window",
        act: |viewer, _, _| viewer.canvas = Canvas::default(),
    },
    Binding {
        keys: &[Key::A],
        names: "A",
        effect: "automatic contrast of all",
        act: |viewer, _, _| viewer.state.reset_contrast(),
    },
    Binding {
        keys: &[Key::S],
        names: "S",
        effect: "save a PNG",
        act: |viewer, _, _| viewer.save(),
    },
    Binding {
        keys: &[Key::H],
        names: "H",
        effect: "this list",
        act: |viewer, _, times| viewer.helps ^= times % 2 == 1,
    },
];

/// What the pointer does on the pictures, and its effect.
const POINTER: [(&str, &str); 4] = [
    ("wheel", "next and last slice"),
    ("Ctrl + wheel, pinch", "zoom"),
    ("click, drag", "crosshairs"),
    ("right or middle drag", "move"),
];

/// Does what the keys say that were pressed.
pub(super) fn follow(viewer: &mut Viewer, ui: &egui::Ui) {
    // A widget that has the focus has the keys.
    if ui.memory(|memory| memory.focused().is_some()) {
        return;
    }
    for binding in &BINDINGS {
        for &key in binding.keys {
            match ui.input(|input| input.num_presses(key)) {
                0 => {}
                times => (binding.act)(viewer, key, times as isize),
            }
        }
    }
}

/// The window that lists them, where it is wanted.
pub(super) fn help(viewer: &mut Viewer, ui: &egui::Ui) {
    let window = egui::Window::new("keys")
        .id(ui.scope_id().with("keys"))
        .resizable(false)
        .collapsible(false);
    let keys = BINDINGS.iter().map(|known| (known.names, known.effect));
    window.open(&mut viewer.helps).show(ui.ctx(), |ui| {
        egui::Grid::new("keys").spacing([16.0, 6.0]).show(ui, |ui| {
            for (names, effect) in keys.chain(POINTER) {
                ui.label(RichText::new(names).strong().size(14.0));
                ui.label(RichText::new(effect).size(14.0));
                ui.end_row();
            }
        });
    });
}
