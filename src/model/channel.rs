//! Channels, as every model has them: where light comes from, and how it spreads.

use crate::engine::psf::Psf;
use crate::engine::rng::{StreamKey, TableRef};
use crate::engine::stages::blur::SliceWeight;
use crate::optics::fluorophore::Photons;
use std::ops::Range;

/// Light whose spectra are made once: of a fluorophore, for all or for some of its sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emitter {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// Table of photons per protein; the default leaves the proteins as they are.
    pub table: TableRef,
    /// Random stream of the emission.
    pub key: StreamKey,
}

/// Light of a fluorophore in a channel.
#[derive(Clone, Debug)]
pub struct EmissionSource {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// Index of its emitter.
    pub emitter: usize,
    /// Point spread functions, by ascending slice: one for all slices, or several, of which each
    /// slice has the mixture of the two next to it.
    pub psfs: Vec<SlicePsf>,
    /// Which of them is nearest to the volume's middle.
    pub middle: usize,
}

/// Point spread function of a slice.
#[derive(Clone, Debug)]
pub struct SlicePsf {
    /// The slice in focus, be it whole or not.
    pub slice: f64,
    /// The function.
    pub psf: Psf,
}

impl EmissionSource {
    /// A source whose function is the same for all slices.
    pub fn new(fluorophore: usize, emitter: usize, psf: Psf) -> Self {
        Self {
            fluorophore,
            emitter,
            psfs: vec![SlicePsf { slice: 0.0, psf }],
            middle: 0,
        }
    }

    /// The function nearest to the volume's middle.
    pub fn psf(&self) -> &Psf {
        &self.psfs[self.middle].psf
    }

    /// What the functions count in the images of these slices: for each run of slices between two
    /// functions the numbers of its first slice and of the one behind its last, the function, and
    /// its weight. The slices of a run come for one function after the other.
    pub fn mixtures(
        &self,
        (first, count): (usize, usize),
        step_z: usize,
    ) -> Vec<(Range<usize>, usize, SliceWeight)> {
        let places: Vec<f64> = self.psfs.iter().map(|psf| psf.slice).collect();
        let before = |n: usize| {
            let z = (first + n * step_z) as f64;
            // A function alone holds for all slices; of several the first is the first slice's.
            places.partition_point(|place| *place <= z).max(1)
        };
        let mut mixtures = Vec::new();
        let mut start = 0;
        while start < count {
            let next = before(start);
            let end = (start + 1..count).find(|&n| before(n) != next);
            let run = start..end.unwrap_or(count);
            let at = next - 1;
            match places.get(next) {
                Some(&right) => {
                    let (left, distance) = (places[at], right - places[at]);
                    // Counted from a slice that the functions choose: a line that starts far away
                    // has few digits here.
                    let from = left.floor();
                    let line = |start: f64, slope: f64| SliceWeight {
                        from: from as usize,
                        start: (start / distance) as f32,
                        slope: (slope / distance) as f32,
                    };
                    mixtures.push((run.clone(), at, line(right - from, -1.0)));
                    mixtures.push((run, next, line(from - left, 1.0)));
                }
                None => mixtures.push((run, at, SliceWeight::ONE)),
            }
            start = end.unwrap_or(count);
        }
        mixtures
    }
}

/// Channel of the microscope.
#[derive(Clone, Debug)]
pub struct ChannelModel {
    /// Name of the channel.
    pub name: String,
    /// Light of every fluorophore of the model in this channel.
    pub photons: Vec<Photons>,
    /// Sources of light: the fluorophores that send photons.
    pub sources: Vec<EmissionSource>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::psf::PsfShape;

    #[test]
    fn slices_between_two_functions_have_their_mixture() {
        let psf = Psf::from_fn(PsfShape::symmetric([0; 3]), |_, _, _| 1.0);
        let at = |slice| SlicePsf {
            slice,
            psf: psf.clone(),
        };
        let source = EmissionSource {
            fluorophore: 0,
            emitter: 0,
            psfs: [0.0, 4.0, 6.0].map(at).to_vec(),
            middle: 1,
        };
        // Slices 2, 4, 6 and 8.
        let mixtures = source.mixtures((2, 4), 2);
        let mut weights = vec![[0.0f32; 3]; 4];
        for (run, function, weight) in mixtures {
            for n in run {
                weights[n][function] += weight.at(2 + 2 * n);
            }
        }
        let expected = [
            [0.5, 0.5, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 0.0, 1.0],
        ];
        assert_eq!(weights, expected);
        let alone = EmissionSource::new(0, 0, psf.clone());
        assert_eq!(alone.mixtures((3, 5), 1), [(0..5, 0, SliceWeight::ONE)]);
    }
}
