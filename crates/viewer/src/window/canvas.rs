//! The pictures in the window: where they lie, and what the pointer does there.

use super::Viewer;
use eframe::egui::{
    self, Color32, PointerButton, Pos2, Rect, Sense, TextureHandle, TextureOptions, Vec2, pos2,
    vec2,
};
use simexm_gpu::internals::show::picture::{Picture, ScaleBar};

/// Longest side of a texture.
const MOST_TEXELS: usize = 8192;

/// Distance of the sections from the slice, in points.
const GAP: f32 = 6.0;

/// Points of a wheel that go one slice.
const WHEEL_POINTS: f32 = 30.0;

/// Zoom and place of the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Canvas {
    /// Points per voxel along its shortest side; `None` fits all into the window.
    zoom: Option<f32>,
    /// The upper left corner of the slice, from that of the canvas.
    corner: Vec2,
    /// What the wheel has turned and no slice was gone for, in slices.
    wheel: f32,
}

/// The pictures on the graphics card.
#[derive(Default)]
pub(super) struct Textures {
    slice: Option<TextureHandle>,
    sections: [Option<TextureHandle>; 2],
}

impl Textures {
    pub(super) fn update(
        &mut self,
        context: &egui::Context,
        slice: &Picture,
        sections: [Option<Picture>; 2],
    ) {
        upload(context, "slice", &mut self.slice, slice);
        for ((to, picture), name) in self.sections.iter_mut().zip(sections).zip(["x-z", "y-z"]) {
            if let Some(picture) = picture {
                upload(context, name, to, &picture);
            }
        }
    }
}

fn upload(
    context: &egui::Context,
    name: &str,
    texture: &mut Option<TextureHandle>,
    picture: &Picture,
) {
    let small;
    let picture = if picture.rows().max(picture.columns()) > MOST_TEXELS {
        let side = |count: usize| count.min(MOST_TEXELS);
        small = picture.nearest(side(picture.rows()), side(picture.columns()));
        &small
    } else {
        picture
    };
    let image = egui::ColorImage::from_rgb([picture.columns(), picture.rows()], picture.rgb());
    let options = TextureOptions {
        magnification: egui::TextureFilter::Nearest,
        ..TextureOptions::LINEAR
    };
    match texture {
        Some(texture) => texture.set(image, options),
        None => *texture = Some(context.load_texture(name, image, options)),
    }
}

/// Where the pictures lie, in points of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) slice: Rect,
    xz: Rect,
    yz: Rect,
    zoom: f32,
    /// How many times as deep as it is the volume is drawn in the sections.
    pub(super) stretch: f32,
    /// All that there is for the pictures.
    pub(super) area: Rect,
}

/// Least depth of the sections, as a share of the slice's shorter side: thin volumes are stretched.
const LEAST_DEPTH: f32 = 0.3;

impl Places {
    fn new(
        canvas: &Canvas,
        area: Rect,
        shape: [usize; 3],
        scale: [f64; 3],
        sections: bool,
    ) -> Self {
        let [depth, height, width] =
            [0, 1, 2].map(|axis| (shape[axis] as f64 * scale[axis]) as f32);
        let stretch = (LEAST_DEPTH * width.min(height) / depth).max(1.0);
        let depth = depth * stretch;
        let beside = if sections { depth } else { 0.0 };
        let gaps = if sections { GAP } else { 0.0 };
        let room = area.size() - Vec2::splat(gaps);
        let fit = (room.x / (width + beside))
            .min(room.y / (height + beside))
            .max(1e-4);
        let (zoom, corner) = match canvas.zoom {
            Some(zoom) => (zoom, canvas.corner),
            None => {
                let used = vec2(width + beside, height + beside) * fit;
                (fit, (room - used) / 2.0)
            }
        };
        let slice = Rect::from_min_size(area.min + corner, vec2(width, height) * zoom);
        let xz = Rect::from_min_size(
            pos2(slice.right() + GAP, slice.top()),
            vec2(depth, height) * zoom,
        );
        let yz = Rect::from_min_size(
            pos2(slice.left(), slice.bottom() + GAP),
            vec2(width, depth) * zoom,
        );
        Self {
            slice,
            xz,
            yz,
            zoom,
            stretch,
            area,
        }
    }

    /// The voxel at a point of the window.
    fn voxel(
        &self,
        at: Pos2,
        shape: [usize; 3],
        position: [usize; 3],
        sections: bool,
    ) -> Option<[usize; 3]> {
        let index = |from: f32, low: f32, high: f32, count: usize| {
            let share = f64::from((from - low) / (high - low));
            ((share * count as f64) as usize).min(count.saturating_sub(1))
        };
        let [slices, rows, columns] = shape;
        let [z, x, y] = position;
        let row = |rect: &Rect| index(at.y, rect.top(), rect.bottom(), rows);
        let column = |rect: &Rect| index(at.x, rect.left(), rect.right(), columns);
        if self.slice.contains(at) {
            return Some([z, row(&self.slice), column(&self.slice)]);
        }
        if sections && self.xz.contains(at) {
            let z = index(at.x, self.xz.left(), self.xz.right(), slices);
            return Some([z, row(&self.xz), y]);
        }
        if sections && self.yz.contains(at) {
            let z = index(at.y, self.yz.top(), self.yz.bottom(), slices);
            return Some([z, x, column(&self.yz)]);
        }
        None
    }
}

/// Shows the pictures, and follows the pointer.
pub(super) fn show(viewer: &mut Viewer, ui: &mut egui::Ui) {
    let response = ui.allocate_response(ui.available_size(), Sense::click_and_drag());
    let area = response.rect;
    let (shape, scale) = (viewer.scene.shape, viewer.scene.proportions());
    let sections = viewer.state.sections;
    let mut places = Places::new(&viewer.canvas, area, shape, scale, sections);
    if response.clicked() || response.drag_started() {
        ui.memory_mut(|memory| {
            if let Some(focused) = memory.focused() {
                memory.surrender_focus(focused);
            }
        });
    }
    let moving = [PointerButton::Secondary, PointerButton::Middle];
    if moving.into_iter().any(|button| response.dragged_by(button)) {
        viewer.canvas.zoom = Some(places.zoom);
        viewer.canvas.corner = places.slice.min - area.min + response.drag_delta();
    }
    if let Some(pointer) = response.hover_pos() {
        zoom(viewer, ui, area, &places, pointer);
        turn(viewer, ui);
    }
    places = Places::new(&viewer.canvas, area, shape, scale, sections);
    let voxel = |at: Pos2, position| places.voxel(at, shape, position, sections);
    if let Some(at) = response.interact_pointer_pos()
        && (response.dragged_by(PointerButton::Primary) || response.clicked())
        && let Some(position) = voxel(at, viewer.state.position)
    {
        viewer.state.go_to(position);
    }
    viewer.pointed = response
        .hover_pos()
        .and_then(|at| voxel(at, viewer.state.position));
    viewer.places = Some(places);
    paint(viewer, ui, area, &places);
}

/// Ctrl and the wheel, or two fingers: the voxel under the pointer stays there.
fn zoom(viewer: &mut Viewer, ui: &egui::Ui, area: Rect, places: &Places, pointer: Pos2) {
    let factor = ui.input(egui::InputState::zoom_delta);
    if factor == 1.0 {
        return;
    }
    let zoom = (places.zoom * factor).clamp(0.01, 200.0);
    let from_slice = (pointer - places.slice.min) * (zoom / places.zoom);
    viewer.canvas.zoom = Some(zoom);
    viewer.canvas.corner = pointer - from_slice - area.min;
}

/// The wheel: as many slices as it has notches.
fn turn(viewer: &mut Viewer, ui: &egui::Ui) {
    let slices: f32 = ui.input(|input| {
        let turned = input.events.iter().map(|event| match event {
            egui::Event::MouseWheel {
                unit,
                delta,
                modifiers,
                ..
            } if !modifiers.command && !modifiers.ctrl => match unit {
                egui::MouseWheelUnit::Point => delta.y / WHEEL_POINTS,
                _ => delta.y,
            },
            _ => 0.0,
        });
        turned.sum()
    });
    viewer.canvas.wheel += slices;
    let whole = viewer.canvas.wheel.trunc();
    if whole != 0.0 {
        viewer.canvas.wheel -= whole;
        // Away from the user is upwards, to the first slice, as pages scroll.
        viewer.state.step(-whole as isize);
    }
}

fn paint(viewer: &Viewer, ui: &egui::Ui, area: Rect, places: &Places) {
    let painter = ui.painter_at(area);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let image = |texture: &Option<TextureHandle>, rect| {
        if let Some(texture) = texture {
            painter.image(texture.id(), rect, whole, Color32::WHITE);
        }
    };
    image(&viewer.textures.slice, places.slice);
    let [z, x, y] = [0, 1, 2].map(|axis| {
        let at = viewer.state.position[axis] as f32 + 0.5;
        at / viewer.scene.shape[axis] as f32
    });
    let line = egui::Stroke::new(1.0, Color32::from_rgba_unmultiplied(255, 255, 0, 110));
    let cross = |rect: Rect, across: f32, down: f32| {
        painter.vline(rect.left() + across * rect.width(), rect.y_range(), line);
        painter.hline(rect.x_range(), rect.top() + down * rect.height(), line);
    };
    if viewer.state.sections {
        let [xz, yz] = &viewer.textures.sections;
        image(xz, places.xz);
        image(yz, places.yz);
        cross(places.slice, y, x);
        cross(places.xz, z, x);
        cross(places.yz, y, z);
        if places.stretch > 1.005 {
            let told = format!("z {:.1} times as deep", places.stretch);
            let at = pos2(places.slice.right() + GAP, places.slice.bottom() + GAP);
            let font = egui::FontId::proportional(12.0);
            painter.text(at, egui::Align2::LEFT_TOP, told, font, Color32::LIGHT_GRAY);
        }
    }
    if viewer.textures.slice.is_none() {
        let font = egui::FontId::proportional(16.0);
        painter.text(
            area.center(),
            egui::Align2::CENTER_CENTER,
            "loading",
            font,
            Color32::GRAY,
        );
    }
    scale_bar(viewer, &painter, area, places);
}

/// In the lower right corner of the canvas, whatever is shown there.
fn scale_bar(viewer: &Viewer, painter: &egui::Painter, area: Rect, places: &Places) {
    let Some(pixel) = &viewer.scene.pixel else {
        return;
    };
    // The zoom is that of the shortest side; the bar lies along y.
    let per_voxel = f64::from(places.zoom) * viewer.scene.proportions()[2];
    let Some(bar) = ScaleBar::new(pixel, per_voxel, f64::from(area.width()) / 4.0) else {
        return;
    };
    let end = area.right_bottom() - vec2(14.0, 14.0);
    let rect = Rect::from_min_max(end - vec2(bar.pixels as f32, 5.0), end);
    painter.rect_filled(rect.expand(1.0), 0.0, Color32::BLACK);
    painter.rect_filled(rect, 0.0, Color32::WHITE);
    let font = egui::FontId::proportional(13.0);
    let at = rect.right_top() - vec2(0.0, 3.0);
    let shadow = at + vec2(1.0, 1.0);
    for (at, colour) in [(shadow, Color32::BLACK), (at, Color32::WHITE)] {
        painter.text(
            at,
            egui::Align2::RIGHT_BOTTOM,
            &bar.label,
            font.clone(),
            colour,
        );
    }
}
