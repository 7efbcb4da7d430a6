//! What the user has chosen.

use super::loader::Wanted;
use super::scene::{Layer, Scene};
use crate::io::write::Content;
use crate::show::picture::{Contrast, Paint, Samples};
use std::borrow::Cow;

/// Where the user is, and how the layers are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewState {
    /// The slice, and the row and column of the crosshairs: (z, x, y).
    pub position: [usize; 3],
    /// Whether the maximum along z is shown in place of a slice.
    pub projection: bool,
    /// Whether the x-z and y-z sections are shown.
    pub sections: bool,
    /// Whether slices follow one another by themselves.
    pub playing: bool,
    /// Slices per second while playing.
    pub slices_per_second: f32,
    /// How each layer is shown.
    pub layers: Vec<LayerView>,
    shape: [usize; 3],
}

/// How a layer is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerView {
    /// Whether it is shown at all.
    pub visible: bool,
    /// What its numbers mean.
    pub content: Content,
    /// Colour of the brightest pixels.
    pub colour: [u8; 3],
    /// From grey values to brightness; `None` until the first slice has come, which decides.
    pub contrast: Option<Contrast>,
    /// Opacity of ids, from 0 to 1.
    pub opacity: f64,
    /// Whether of ids only the borders are shown, and the light within them.
    pub outlined: bool,
}

impl ViewState {
    /// The middle of a scene, all layers visible.
    #[must_use]
    pub fn new(scene: &Scene) -> Self {
        let light = scene
            .layers
            .iter()
            .any(|layer| layer.content == Content::Intensity);
        let layers = scene.layers.iter().map(|layer| LayerView {
            visible: true,
            content: layer.content,
            colour: layer.colour,
            contrast: None,
            opacity: 1.0,
            outlined: light,
        });
        Self {
            position: scene.shape.map(|count| count / 2),
            projection: false,
            sections: false,
            playing: false,
            slices_per_second: 10.0,
            layers: layers.collect(),
            shape: scene.shape,
        }
    }

    /// Goes to another slice, as many further as `steps` says, and not beyond the ends.
    pub fn step(&mut self, steps: isize) {
        let last = self.shape[0].saturating_sub(1);
        self.position[0] = self.position[0].saturating_add_signed(steps).min(last);
    }

    /// Goes on to the next slice, from the last to the first.
    pub fn play_on(&mut self) {
        self.position[0] = (self.position[0] + 1) % self.shape[0].max(1);
    }

    /// Puts the crosshairs somewhere, within the volume.
    pub fn go_to(&mut self, position: [usize; 3]) {
        let inside = |axis: usize| position[axis].min(self.shape[axis].saturating_sub(1));
        self.position = std::array::from_fn(inside);
    }

    /// Decides the contrast of the layers that have none yet, by the samples of each that are
    /// there.
    pub fn settle_contrast(&mut self, layer: usize, samples: &Samples) {
        if let Some(view) = self.layers.get_mut(layer)
            && view.contrast.is_none()
        {
            view.contrast = Some(Contrast::automatic(samples));
        }
    }

    /// Decides anew the contrast of all layers of light that are visible, by the next samples.
    pub fn reset_contrast(&mut self) {
        let mut visible: Vec<_> = self.layers.iter_mut().filter(|view| view.visible).collect();
        visible.iter_mut().for_each(|view| view.contrast = None);
    }

    /// What a layer shows of its samples, of a picture with rows of so many pixels.
    #[must_use]
    pub fn shown<'s>(
        &self,
        layer: usize,
        samples: &'s Samples,
        columns: usize,
    ) -> Cow<'s, Samples> {
        let view = self.layers.get(layer);
        match view.filter(|view| view.outlined && view.content == Content::Labels) {
            Some(_) => Cow::Owned(samples.outlines(columns)),
            None => Cow::Borrowed(samples),
        }
    }

    /// How a layer's samples become colours.
    #[must_use]
    pub fn paint(&self, layer: usize, samples: &Samples) -> Option<Paint> {
        let view = self.layers.get(layer).filter(|view| view.visible)?;
        Some(match view.content {
            Content::Labels => Paint::Ids {
                opacity: view.opacity,
            },
            Content::Intensity => Paint::Light {
                colour: view.colour,
                contrast: view
                    .contrast
                    .unwrap_or_else(|| Contrast::full(samples.kind())),
            },
        })
    }

    /// What has to be loaded for it.
    #[must_use]
    pub fn wanted(&self, scene: &Scene) -> Wanted {
        let mut volumes = vec![false; scene.volumes.len()];
        for (layer, view) in scene.layers.iter().zip(&self.layers) {
            volumes[layer.volume] |= view.visible;
        }
        Wanted {
            position: self.position,
            sections: self.sections,
            projection: self.projection,
            volumes,
        }
    }
}

/// A name that no layer has yet.
pub(super) fn unique(name: String, layers: &[Layer]) -> String {
    let taken = |name: &str| layers.iter().any(|layer| layer.name == name);
    if !taken(&name) {
        return name;
    }
    (2..)
        .map(|number| format!("{name} ({number})"))
        .find(|name| !taken(name))
        .unwrap_or(name)
}
