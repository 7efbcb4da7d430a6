//! Channels, as every model has them: where light comes from, and how it spreads.

use crate::engine::psf::Psf;
use crate::engine::rng::{StreamKey, TableRef};
use crate::optics::fluorophore::Photons;
use crate::optics::focal_planes::FocalPlanes;
use std::ops::Range;

/// Light whose spectra are made once: of a fluorophore, for all or for some of its sources.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emitter {
    /// Index of the fluorophore.
    pub fluorophore: usize,
    /// Number of the round in which it is seen, from 0.
    pub round: usize,
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
    /// Point spread functions by ascending phase, and those of a phase by ascending slice: one for
    /// all slices, or several, of which each slice has the mixture of the two next to it.
    pub psfs: Vec<SlicePsf>,
    /// Which of them is nearest to the volume's middle.
    pub middle: usize,
    /// What the exposures before an image have left of its light.
    pub bleaching: Bleaching,
    /// What the tissue above an image leaves of it.
    pub attenuation: Attenuation,
    /// Images that hold none of it.
    pub lost: Vec<usize>,
}

/// How light fades with the depth of an image, exponentially, there and back; the default leaves it
/// all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attenuation {
    /// Depth of the first slice over the length that leaves 1/e.
    pub first: f64,
    /// Distance of slices over that length.
    pub slice: f64,
}

impl Attenuation {
    /// The share of the light of a place, in slices.
    pub fn left(&self, slice: f64) -> f64 {
        (-self.first - self.slice * slice).exp()
    }
}

/// Point spread function of a slice.
#[derive(Clone, Debug)]
pub struct SlicePsf {
    /// How far behind the middle of a slice the focus lies, in quarters of a slice.
    pub phase: u8,
    /// The place in focus, in slices, be it whole or not.
    pub slice: f64,
    /// The function.
    pub psf: Psf,
}

/// How the light of a fluorophore fades in a channel: exponentially with the exposures of the stack
/// (docs/physical.md section 7). Numbers are bleached molecules per molecule, in an exposure of
/// molecules that are all there; the default bleaches nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bleaching {
    /// In all channels' exposures of an image.
    pub image: f64,
    /// In those of an image that come before the channel's own.
    pub earlier: f64,
    /// In the channel's own.
    pub own: f64,
}

impl Bleaching {
    /// Mean share of the molecules that are left during the channel's exposure of an image.
    pub fn left(&self, image: usize) -> f64 {
        let before = self.image * image as f64 + self.earlier;
        let during = if self.own > 0.0 {
            -(-self.own).exp_m1() / self.own
        } else {
            1.0
        };
        (-before).exp() * during
    }
}

/// What a function gives an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Focus {
    /// The image, counted from the first one that is asked for.
    pub image: usize,
    /// The slice on which it is focused, or behind which it is by less than one.
    pub slice: usize,
    /// How often the function counts.
    pub weight: f32,
}

impl EmissionSource {
    /// A source whose function is the same for all slices.
    pub fn new(fluorophore: usize, emitter: usize, psf: Psf) -> Self {
        Self {
            fluorophore,
            emitter,
            psfs: vec![SlicePsf {
                phase: 0,
                slice: 0.0,
                psf,
            }],
            middle: 0,
            bleaching: Bleaching::default(),
            attenuation: Attenuation::default(),
            lost: Vec::new(),
        }
    }

    /// The function nearest to the volume's middle.
    pub fn psf(&self) -> &Psf {
        &self.psfs[self.middle].psf
    }

    /// What each of the functions gives these images.
    pub fn foci(&self, images: &Range<usize>, planes: FocalPlanes) -> Vec<Vec<Focus>> {
        let mut foci = vec![Vec::new(); self.psfs.len()];
        for image in images.clone() {
            let (slice, phase) = (planes.slice(image), planes.phase(image));
            let place = slice as f64 + f64::from(phase) / 4.0;
            let of_phase = self.psfs.partition_point(|psf| psf.phase < phase);
            let functions = self.psfs[of_phase..].chunk_by(|a, b| a.phase == b.phase);
            let functions = functions.into_iter().next().unwrap_or_default();
            // A function alone holds for all slices; of several the first is the first slice's.
            let next = functions.partition_point(|psf| psf.slice <= place).max(1);
            let left = match self.lost.contains(&image) {
                true => 0.0,
                false => self.bleaching.left(image) * self.attenuation.left(place),
            };
            let mut add = |function: usize, weight: f64| {
                if let Some(foci) = foci.get_mut(of_phase + function) {
                    foci.push(Focus {
                        image: image - images.start,
                        slice,
                        weight: weight as f32,
                    });
                }
            };
            match (functions.get(next - 1), functions.get(next)) {
                (Some(one), Some(other)) => {
                    let distance = other.slice - one.slice;
                    add(next - 1, left * (other.slice - place) / distance);
                    add(next, left * (place - one.slice) / distance);
                }
                _ => add(next - 1, left),
            }
        }
        foci
    }

    /// How many [`Focus`] these images have, of all functions.
    pub fn focus_count(&self, images: &Range<usize>, planes: FocalPlanes) -> usize {
        match self.functions_of_image() {
            2.. => self.foci(images, planes).iter().map(Vec::len).sum(),
            _ => images.len(),
        }
    }

    /// Most functions that an image is made of.
    pub fn functions_of_image(&self) -> usize {
        let of_phases = self.psfs.chunk_by(|a, b| a.phase == b.phase);
        let most = of_phases.map(<[_]>::len).max().unwrap_or(0);
        most.min(2)
    }
}

/// Channel of the microscope.
#[derive(Clone, Debug)]
pub struct ChannelModel {
    /// Name of the channel in the output.
    pub name: String,
    /// Name of the channel in the configuration.
    pub configured: String,
    /// Number of the round in which it is imaged, from 0.
    pub round: usize,
    /// Light of every fluorophore of the model in this channel.
    pub photons: Vec<Photons>,
    /// Sources of light: the fluorophores that send photons.
    pub sources: Vec<EmissionSource>,
}

impl ChannelModel {
    /// Returns the dye that the channel sees best, by the light of one: its number among the
    /// model's fluorophores. A dark channel has none.
    pub fn brightest_dye(&self) -> Option<usize> {
        let photons = |dye: usize| self.photons[dye].mean_photons;
        let mut dyes: Vec<usize> = self
            .sources
            .iter()
            .map(|source| source.fluorophore)
            .collect();
        // Of equal ones the last.
        dyes.sort_unstable();
        dyes.into_iter()
            .max_by(|&a, &b| photons(a).total_cmp(&photons(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::psf::PsfShape;

    fn source(places: &[(u8, f64)]) -> EmissionSource {
        let psf = Psf::from_fn(PsfShape::symmetric([0; 3]), |_, _, _| 1.0);
        let at = |&(phase, slice): &(u8, f64)| SlicePsf {
            phase,
            slice,
            psf: psf.clone(),
        };
        EmissionSource {
            psfs: places.iter().map(at).collect(),
            ..EmissionSource::new(0, 0, psf.clone())
        }
    }

    /// What each function counts in each image.
    fn weights(source: &EmissionSource, images: &Range<usize>, step: f64) -> Vec<Vec<f32>> {
        let mut weights = vec![vec![0.0; source.psfs.len()]; images.len()];
        let foci = source.foci(images, FocalPlanes::new(step));
        for (function, foci) in foci.iter().enumerate() {
            for focus in foci {
                weights[focus.image][function] += focus.weight;
            }
        }
        weights
    }

    #[test]
    fn slices_between_two_functions_have_their_mixture() {
        let of_three = source(&[(0, 0.0), (0, 4.0), (0, 6.0)]);
        // Slices 2, 4, 6 and 8.
        let expected = [
            [0.5, 0.5, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 0.0, 1.0],
        ];
        assert_eq!(weights(&of_three, &(1..5), 2.0), expected);
        assert_eq!(of_three.functions_of_image(), 2);
        assert_eq!(of_three.focus_count(&(1..5), FocalPlanes::new(2.0)), 6);
        let alone = source(&[(0, 0.0)]);
        let focus = |image| Focus {
            image,
            slice: 3 + image,
            weight: 1.0,
        };
        let foci = alone.foci(&(3..8), FocalPlanes::new(1.0));
        assert_eq!(foci, [(0..5).map(focus).collect::<Vec<_>>()]);
        assert_eq!(alone.functions_of_image(), 1);
    }

    #[test]
    fn images_between_slices_have_the_functions_of_their_phase() {
        let two = source(&[(0, 0.0), (0, 4.0), (2, 0.0), (2, 4.0)]);
        // Places 0, 1.5, 3 and 4.5.
        let expected = [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.625, 0.375],
            [0.25, 0.75, 0.0, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ];
        assert_eq!(weights(&two, &(0..4), 1.5), expected);
        // Steps below a quarter: images of one place.
        let foci = source(&[(0, 0.0)]).foci(&(0..2), FocalPlanes::new(0.1));
        assert!(foci[0].len() == 2 && foci[0].iter().all(|focus| focus.slice == 0));
    }

    #[test]
    fn light_fades_with_depth() {
        let mut deep = source(&[(0, 0.0), (2, 0.0)]);
        deep.attenuation = Attenuation {
            first: 0.5,
            slice: 0.2,
        };
        // Places 1.5, 3 and 4.5.
        let weights = weights(&deep, &(1..4), 1.5);
        let found = weights.iter().map(|weights| weights.iter().sum::<f32>());
        for (found, place) in found.zip([1.5f64, 3.0, 4.5]) {
            let expected = (-0.5 - 0.2 * place).exp();
            assert!((f64::from(found) - expected).abs() < 1e-7, "{found}");
        }
    }

    #[test]
    fn lost_images_hold_no_light() {
        let mut source = source(&[(0, 0.0), (2, 0.0)]);
        source.lost = vec![2, 9];
        let weights = weights(&source, &(1..4), 1.5);
        let found: Vec<f32> = weights.iter().map(|weights| weights.iter().sum()).collect();
        assert_eq!(found[1], 0.0);
        assert!(
            (found[0] - 1.0).abs() < 1e-6 && (found[2] - 1.0).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn light_fades_from_image_to_image_and_from_channel_to_channel() {
        let mut fading = source(&[(0, 0.0)]);
        fading.bleaching = Bleaching {
            image: 0.3,
            earlier: 0.1,
            own: 0.2,
        };
        let weights = weights(&fading, &(2..4), 1.0).concat();
        // Means of exp(-t) over 0.7 to 0.9 and over 1.0 to 1.2.
        let mean = |from: f64| ((-from).exp() - (-from - 0.2).exp()) / 0.2;
        for (weight, from) in weights.into_iter().zip([0.7, 1.0]) {
            assert!((f64::from(weight) - mean(from)).abs() < 1e-7, "{weight}");
        }
        assert_eq!(Bleaching::default().left(5), 1.0);
    }
}
