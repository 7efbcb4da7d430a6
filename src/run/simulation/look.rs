//! The quick-look of a run on arrays, for whoever holds these.

use crate::run::outputs::quicklook::{About, Quicklook, Views};
use crate::show::picture::Samples;
use ndarray::ArrayView2;

/// What a run on arrays tells its quick-look beside slices: names, colours, sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    about: About,
}

impl Look {
    pub(super) fn new(about: About) -> Self {
        Self { about }
    }

    /// Draws the quick-look of [`super::Images`]: of each channel, and then of the ids of each
    /// fluorophore's cells, the slice in the middle (number n / 2 of n) and the largest value along
    /// z, (x, y). Returns the bytes of a PNG file.
    ///
    /// What there is too much of is left out; what is missing, or has another shape than the
    /// images, is black.
    pub fn png(
        &self,
        channels: &[[ArrayView2<'_, u16>; 2]],
        truths: &[[ArrayView2<'_, u64>; 2]],
    ) -> Vec<u8> {
        let [_, rows, columns] = self.about.shape;
        let has_shape = |shape: (usize, usize)| shape == (rows, columns);
        let grey = |view: Option<&ArrayView2<'_, u16>>| {
            let values = view.filter(|view| has_shape(view.dim()));
            match values {
                Some(values) => values.iter().copied().collect(),
                None => vec![0; rows * columns],
            }
        };
        let samples = |values: Vec<u16>| match self.about.bits {
            0..=8 => Samples::U8(values.into_iter().map(|value| value as u8).collect()),
            _ => Samples::U16(values),
        };
        let greys = (0..self.about.channels.len()).map(|channel| {
            let views = channels.get(channel);
            Views {
                middle: samples(grey(views.map(|views| &views[0]))),
                highest: samples(grey(views.map(|views| &views[1]))),
            }
        });
        // Cells are drawn by their place in a list of ids.
        let all = truths
            .iter()
            .flatten()
            .flat_map(|view| view.iter().copied());
        let mut ids: Vec<u64> = std::iter::once(0).chain(all).collect();
        ids.sort_unstable();
        ids.dedup();
        let cells = |view: Option<&ArrayView2<'_, u64>>| {
            let place = |id: &u64| ids.binary_search(id).unwrap_or(0) as u32;
            match view.filter(|view| has_shape(view.dim())) {
                Some(view) => view.iter().map(place).collect(),
                None => vec![0; rows * columns],
            }
        };
        let truths = (0..self.about.fluorophores.len()).map(|dye| {
            let views = truths.get(dye);
            Views {
                middle: cells(views.map(|views| &views[0])),
                highest: cells(views.map(|views| &views[1])),
            }
        });
        Quicklook::of_views(self.about.clone(), greys.collect(), truths.collect()).png(&ids)
    }
}
