//! Pictures of what has been loaded, as the user wants to see it.

use super::loader::Loader;
use super::scene::Scene;
use super::state::ViewState;
use crate::io::write::Content;
use crate::show::picture::{Paint, Picture, Samples, ScaleBar, compose};
use std::borrow::Cow;
use std::sync::Arc;

/// Pixels between the pictures of a saved view.
const GAP: usize = 4;

/// The layers that are visible, by their index: their samples, and how they are painted.
type Layers = Vec<(usize, Samples, Paint)>;

/// The slice, or the maximum along z: rows x, columns y. `None` until all that is visible has come;
/// the first samples of a layer decide its contrast.
pub fn slice(scene: &Scene, state: &mut ViewState, loader: &Loader) -> Option<Picture> {
    let [_, rows, columns] = scene.shape;
    if state.projection {
        let mut layers = Layers::new();
        for index in visible(scene, state) {
            let layer = &scene.layers[index];
            let samples = loader
                .with_projection(layer.volume, |plane, _| plane.get(layer.component).cloned());
            let samples = samples.flatten()?;
            push(&mut layers, state, index, samples);
        }
        return painted(state, &borrowed(&layers), rows, columns);
    }
    let z = state.position[0];
    let mut planes: Vec<(usize, Arc<Vec<Samples>>)> = Vec::new();
    for index in visible(scene, state) {
        let layer = &scene.layers[index];
        match loader.slice(layer.volume, z) {
            Some(plane) => planes.push((index, plane)),
            None if loader.has_failed(layer.volume, z) => {}
            None => return None,
        }
    }
    let mut layers = Vec::with_capacity(planes.len());
    for (index, plane) in &planes {
        if let Some(samples) = plane.get(scene.layers[*index].component) {
            state.settle_contrast(*index, samples);
            let paint = state.paint(*index, samples);
            layers.extend(paint.map(|paint| (*index, samples, paint)));
        }
    }
    painted(state, &layers, rows, columns)
}

/// The x-z section at the crosshairs' column: rows x, columns z. What has not come yet is black.
pub fn section_xz(scene: &Scene, state: &mut ViewState, loader: &Loader) -> Option<Picture> {
    let [slices, rows, _] = scene.shape;
    let layers = sections(scene, state, loader, |section, component| {
        section.along_column(component).cloned()
    })?;
    painted(state, &borrowed(&layers), slices, rows).map(|picture| picture.transposed())
}

/// The y-z section at the crosshairs' row: rows z, columns y. What has not come yet is black.
pub fn section_yz(scene: &Scene, state: &mut ViewState, loader: &Loader) -> Option<Picture> {
    let [slices, _, columns] = scene.shape;
    let layers = sections(scene, state, loader, |section, component| {
        section.along_row(component).cloned()
    })?;
    painted(state, &borrowed(&layers), slices, columns)
}

fn sections(
    scene: &Scene,
    state: &mut ViewState,
    loader: &Loader,
    part: impl Fn(&super::Section, usize) -> Option<Samples>,
) -> Option<Layers> {
    let at = [state.position[1], state.position[2]];
    let mut layers = Layers::new();
    for index in visible(scene, state) {
        let layer = &scene.layers[index];
        let samples = loader.with_section(layer.volume, |section| {
            (section.at() == at)
                .then(|| part(section, layer.component))
                .flatten()
        });
        if let Some(view) = state.layers.get(index)
            && view.contrast.is_none()
            && view.content == Content::Intensity
        {
            // The slice decides.
            return None;
        }
        push(&mut layers, state, index, samples.flatten()?);
    }
    Some(layers)
}

fn visible(scene: &Scene, state: &ViewState) -> Vec<usize> {
    (0..scene.layers.len())
        .filter(|&index| state.layers.get(index).is_some_and(|view| view.visible))
        .collect()
}

fn push(layers: &mut Layers, state: &mut ViewState, index: usize, samples: Samples) {
    state.settle_contrast(index, &samples);
    if let Some(paint) = state.paint(index, &samples) {
        layers.push((index, samples, paint));
    }
}

fn borrowed(layers: &Layers) -> Vec<(usize, &Samples, Paint)> {
    layers
        .iter()
        .map(|(index, samples, paint)| (*index, samples, *paint))
        .collect()
}

fn painted(
    state: &ViewState,
    layers: &[(usize, &Samples, Paint)],
    rows: usize,
    columns: usize,
) -> Option<Picture> {
    let shown = layers
        .iter()
        .map(|&(index, samples, paint)| (state.shown(index, samples, columns), paint));
    let shown: Vec<(Cow<'_, Samples>, Paint)> = shown.collect();
    let layers: Vec<(&Samples, Paint)> = shown
        .iter()
        .map(|(samples, paint)| (samples.as_ref(), *paint))
        .collect();
    Picture::from_rgb(rows, columns, compose(&layers, rows * columns))
}

/// What the layers hold at a voxel of the current slice: their names, with the value or the id.
#[must_use]
pub fn values(
    scene: &Scene,
    state: &ViewState,
    loader: &Loader,
    [z, x, y]: [usize; 3],
) -> Vec<(String, String)> {
    let at = x * scene.shape[2] + y;
    visible(scene, state)
        .into_iter()
        .filter_map(|index| {
            let layer = &scene.layers[index];
            let plane = loader.slice(layer.volume, z)?;
            let samples = plane.get(layer.component)?;
            let text = match (state.layers[index].content, samples) {
                (Content::Labels, _) => format!("id {}", samples.id(at)),
                (_, Samples::F32(_)) => format!("{:.4}", samples.number(at)),
                _ => samples.id(at).to_string(),
            };
            Some((layer.name.clone(), text))
        })
        .collect()
}

/// The view as it is saved: the slice, the sections beside it where they are shown, and a scale
/// bar. A pixel is a voxel along the shortest of its sides; longer sides are drawn as many pixels
/// long as is true to scale.
pub fn view(scene: &Scene, state: &mut ViewState, loader: &Loader) -> Option<Picture> {
    let [slices, rows, columns] = scene.shape;
    let scale = scene.proportions();
    let long = |count: usize, scale: f64| ((count as f64 * scale).round() as usize).max(1);
    let (depth, height, width) = (
        long(slices, scale[0]),
        long(rows, scale[1]),
        long(columns, scale[2]),
    );
    let mut whole = slice(scene, state, loader)?.nearest(height, width);
    if let Some(pixel) = &scene.pixel
        && let Some(bar) = ScaleBar::new(pixel, scale[2], width as f64 / 3.0)
    {
        whole.draw_scale_bar(&bar);
    }
    if !state.sections {
        return Some(whole);
    }
    let mut view = Picture::new(height + GAP + depth, width + GAP + depth, [40; 3]);
    view.place(&whole, 0, 0);
    view.place(
        &section_xz(scene, state, loader)?.nearest(height, depth),
        0,
        width + GAP,
    );
    view.place(
        &section_yz(scene, state, loader)?.nearest(depth, width),
        height + GAP,
        0,
    );
    Some(view)
}
