//! The widgets around the pictures.

use super::Viewer;
use eframe::egui::{self, DragValue, RichText, Slider};
use simexm_gpu::internals::apps::view::{LayerView, images};
use simexm_gpu::internals::io::write::Content;
use simexm_gpu::internals::show::picture::{Contrast, SampleKind, Samples};

/// The list of layers.
pub(super) fn layers(viewer: &mut Viewer, ui: &mut egui::Ui) {
    egui::ScrollArea::vertical().show(ui, |ui| {
        ui.horizontal(|ui| {
            let best = "what shows the slices of all layers best (A)";
            if ui.button("auto contrast").on_hover_text(best).clicked() {
                viewer.state.reset_contrast();
            }
            if ui.button("keys").clicked() {
                viewer.helps = !viewer.helps;
            }
        });
        ui.separator();
        for index in 0..viewer.scene.layers.len() {
            let layer = &viewer.scene.layers[index];
            let kind = viewer.scene.volumes[layer.volume].kind;
            let name = layer.name.clone();
            let plane = viewer.loader.slice(layer.volume, viewer.state.position[0]);
            let samples = plane.as_ref().and_then(|plane| plane.get(layer.component));
            let Some(view) = viewer.state.layers.get_mut(index) else {
                continue;
            };
            ui.push_id(index, |ui| one_layer(ui, &name, kind, samples, view));
            ui.separator();
        }
        for note in &viewer.scene.notes {
            ui.label(
                RichText::new(note)
                    .small()
                    .color(ui.visuals().warn_fg_color),
            );
        }
    });
}

fn one_layer(
    ui: &mut egui::Ui,
    name: &str,
    kind: SampleKind,
    samples: Option<&Samples>,
    view: &mut LayerView,
) {
    ui.horizontal(|ui| {
        ui.checkbox(&mut view.visible, name);
        if view.content == Content::Intensity {
            ui.color_edit_button_srgb(&mut view.colour);
        }
        let mut ids = view.content == Content::Labels;
        if ui
            .checkbox(&mut ids, "ids")
            .on_hover_text("a colour for each number")
            .changed()
        {
            view.content = if ids {
                Content::Labels
            } else {
                Content::Intensity
            };
        }
    });
    if view.content == Content::Labels {
        ui.checkbox(&mut view.outlined, "outlines");
        ui.add(Slider::new(&mut view.opacity, 0.0..=1.0).text("opacity"));
        return;
    }
    let full = Contrast::full(kind);
    // The first slice decides, and it has not come yet.
    let Some(contrast) = &mut view.contrast else {
        return;
    };
    let speed = ((contrast.maximum - contrast.minimum).abs() / 200.0).max(1e-6);
    ui.horizontal(|ui| {
        let label = ui.label("min");
        ui.add(DragValue::new(&mut contrast.minimum).speed(speed))
            .labelled_by(label.id);
        let label = ui.label("max");
        ui.add(DragValue::new(&mut contrast.maximum).speed(speed))
            .labelled_by(label.id);
        if ui
            .button("auto")
            .on_hover_text("what shows this slice best")
            .clicked()
            && let Some(samples) = samples
        {
            *contrast = Contrast::automatic(samples);
        }
        if ui
            .button("full")
            .on_hover_text("all values of the type")
            .clicked()
        {
            *contrast = full;
        }
    });
    ui.add(
        Slider::new(&mut contrast.gamma, 0.2..=5.0)
            .logarithmic(true)
            .text("gamma"),
    );
}

/// The bar below the pictures.
pub(super) fn navigation(viewer: &mut Viewer, ui: &mut egui::Ui) {
    let last = viewer.scene.shape[0].saturating_sub(1);
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let narrow = viewer
            .places
            .is_some_and(|places| places.area.width() < super::NARROW);
        if narrow || viewer.lists_layers.is_some() {
            let mut lists = viewer.lists_layers.unwrap_or(!narrow);
            if ui.toggle_value(&mut lists, "layers").changed() {
                viewer.lists_layers = Some(lists);
            }
        }
        let playing = viewer.state.playing;
        if ui.button(if playing { "pause" } else { "play" }).clicked() {
            viewer.state.playing = !playing;
        }
        ui.add(
            DragValue::new(&mut viewer.state.slices_per_second)
                .range(0.5..=60.0)
                .suffix(" per s"),
        );
        ui.checkbox(&mut viewer.state.projection, "maximum");
        ui.checkbox(&mut viewer.state.sections, "sections");
        if ui.button("fit").clicked() {
            viewer.canvas = super::Canvas::default();
        }
        if ui.button("save PNG").clicked() {
            viewer.save();
        }
        if !viewer.message.is_empty() {
            ui.add(egui::Label::new(&viewer.message).truncate());
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("slice");
        ui.spacing_mut().slider_width = (ui.available_width() - 90.0).max(60.0);
        ui.add(Slider::new(&mut viewer.state.position[0], 0..=last))
            .labelled_by(label.id);
    });
    ui.add(egui::Label::new(status(viewer)).truncate());
    ui.add_space(2.0);
}

/// What is under the pointer, or what is wrong.
fn status(viewer: &Viewer) -> RichText {
    if let Some(why) = viewer.loader.failure() {
        return RichText::new(why).color(egui::Color32::LIGHT_RED);
    }
    let position = viewer.pointed.unwrap_or(viewer.state.position);
    let [z, x, y] = position;
    let mut text = format!("z {z}  x {x}  y {y}");
    for (name, value) in images::values(&viewer.scene, &viewer.state, &viewer.loader, position) {
        text += &format!("   {name}: {value}");
    }
    RichText::new(text).monospace()
}
