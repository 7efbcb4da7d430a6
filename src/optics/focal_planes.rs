//! Where along z the images of a stack are focused (docs/physical.md section 5).

use std::ops::Range;

/// Places of a focus in a slice: it is rounded to quarters, and kernels are made for each.
const PHASES: usize = 4;

/// Share of a step by which the last image may lie behind the last slice: a stack that fits but for
/// rounding has it.
const ROUNDING: f64 = 1e-9;

/// The focal planes of a stack: image k is focused k steps behind the middle of slice 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FocalPlanes {
    step: f64,
}

/// Images whose slices follow each other at equal distances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneRun {
    /// The images.
    pub images: Range<usize>,
    /// The slice of the first one.
    pub first: usize,
    /// Slices from one to the next.
    pub step: usize,
}

impl FocalPlanes {
    /// Planes this many slices apart, be they whole or not. A distance that is whole but for
    /// rounding is taken as whole.
    pub fn new(step: f64) -> Self {
        let whole = step.round();
        let is_whole = whole >= 1.0 && (step - whole).abs() <= ROUNDING * whole;
        Self {
            step: if is_whole { whole } else { step },
        }
    }

    /// Returns the distance of neighbouring images in slices.
    pub fn step(self) -> f64 {
        self.step
    }

    /// Returns the number of images of a volume of `depth` slices: the last one is focused on its
    /// last slice or before.
    pub fn count(self, depth: usize) -> usize {
        match depth {
            0 => 0,
            // A count beyond all reason saturates.
            _ => ((depth - 1) as f64 / self.step + ROUNDING).floor() as usize + 1,
        }
    }

    /// Returns the quarter of a slice on which an image is focused; 4 are a slice, and 0 is the
    /// middle of slice 0. Each image is rounded by itself, so that errors do not add up.
    fn quarter(self, image: usize) -> usize {
        (PHASES as f64 * image as f64 * self.step + 0.5).floor() as usize
    }

    /// Returns the slice on whose middle, or up to three quarters behind it, an image is focused.
    pub fn slice(self, image: usize) -> usize {
        self.quarter(image) / PHASES
    }

    /// Returns how far behind the middle of its slice an image is focused, in quarters of a slice
    /// (0 to 3).
    pub fn phase(self, image: usize) -> u8 {
        (self.quarter(image) % PHASES) as u8
    }

    /// Returns the slice that the ground truth shows with an image: the nearest.
    pub fn shown(self, image: usize) -> usize {
        // No last image is focused behind the last slice by more than rounding.
        (image as f64 * self.step + 0.5).floor() as usize
    }

    /// Returns the phases that the images of a volume of `depth` slices have, ascending.
    pub fn phases(self, depth: usize) -> Vec<u8> {
        let images = self.count(depth);
        let has = |phase: &u8| (0..images).any(|image| self.phase(image) == *phase);
        if self.step.fract() == 0.0 {
            return vec![0];
        }
        (0..PHASES as u8).filter(has).collect()
    }

    /// Returns the images that are focused on these slices of a volume of `depth`.
    pub fn imaged_in(self, slices: &Range<usize>, depth: usize) -> Range<usize> {
        self.within(slices, depth, Self::slice)
    }

    /// Returns the images with which the ground truth shows these slices of a volume of `depth`.
    pub fn shown_in(self, slices: &Range<usize>, depth: usize) -> Range<usize> {
        self.within(slices, depth, Self::shown)
    }

    /// The images whose `place`, which never falls, is one of these slices.
    fn within(
        self,
        slices: &Range<usize>,
        depth: usize,
        place: impl Fn(Self, usize) -> usize,
    ) -> Range<usize> {
        let count = self.count(depth);
        let first_at = |slice: usize| {
            // Rounding moves an image by half a slice at most.
            let guess = ((slice as f64 - 1.0) / self.step).floor().max(0.0) as usize;
            let found = (guess..count).find(|&image| place(self, image) >= slice);
            found.unwrap_or(count)
        };
        let start = first_at(slices.start);
        start..first_at(slices.end.max(slices.start)).max(start)
    }

    /// Returns the runs of images with equal distances of the slices that `place` gives.
    pub fn runs(images: Range<usize>, place: impl Fn(usize) -> usize) -> Vec<PlaneRun> {
        let mut runs: Vec<PlaneRun> = Vec::new();
        for image in images {
            let slice = place(image);
            if let Some(run) = runs.last_mut() {
                let last = run.first + (run.images.len() - 1) * run.step;
                if run.images.len() == 1 {
                    run.step = slice - last;
                }
                if slice - last == run.step {
                    run.images.end = image + 1;
                    continue;
                }
            }
            runs.push(PlaneRun {
                images: image..image + 1,
                first: slice,
                step: 1,
            });
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_steps_are_every_so_manieth_slice() {
        let planes = FocalPlanes::new(3.0);
        assert_eq!(planes.count(40), 14);
        assert_eq!(planes.imaged_in(&(0..10), 40), 0..4);
        assert_eq!(planes.imaged_in(&(1..3), 40), 1..1);
        assert_eq!(planes.imaged_in(&(4..4), 40), 2..2);
        assert_eq!(planes.shown_in(&(5..9), 40), 2..3);
        assert_eq!(planes.phases(40), [0]);
        assert_eq!(FocalPlanes::new(3.0 + 1e-12), planes);
    }

    #[test]
    fn steps_between_slices_are_rounded_to_quarters_and_do_not_drift() {
        // 180 nm on sections of 40 nm that have swollen 16 times.
        let planes = FocalPlanes::new(180.0 / 640.0);
        assert_eq!(planes.count(10), 33);
        let places: Vec<(usize, u8)> = (0..6).map(|k| (planes.slice(k), planes.phase(k))).collect();
        assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]);
        let shown: Vec<usize> = (0..6).map(|k| planes.shown(k)).collect();
        assert_eq!(shown, [0, 0, 1, 1, 1, 1]);
        assert_eq!(planes.phases(10), [0, 1, 2, 3]);
        assert_eq!(FocalPlanes::new(2.5).phases(10), [0, 2]);
        assert_eq!(planes.slice(320), 90);
    }

    #[test]
    fn runs_have_equal_steps() {
        let places = [0, 2, 4, 5, 6, 6, 6, 9];
        let runs = FocalPlanes::runs(0..8, |image| places[image]);
        let run = |images, first, step| PlaneRun {
            images,
            first,
            step,
        };
        let expected = [
            run(0..3, 0, 2),
            run(3..5, 5, 1),
            run(5..7, 6, 0),
            run(7..8, 9, 1),
        ];
        assert_eq!(runs, expected);
    }

    proptest! {
        /// Slices that are cut anywhere have every image once, in order.
        #[test]
        fn every_image_lies_in_one_part(depth in 1usize..60, step in 0.05f64..9.0, cut in 0usize..60) {
            let planes = FocalPlanes::new(step);
            let (cut, count) = (cut.min(depth), planes.count(depth));
            for within in [FocalPlanes::imaged_in, FocalPlanes::shown_in] {
                let [a, b] = [0..cut, cut..depth].map(|part| within(planes, &part, depth));
                prop_assert_eq!((a.start, b.end), (0, count));
                prop_assert_eq!(a.end, b.start);
            }
            for image in 0..count {
                let exact = image as f64 * step;
                let focus = planes.slice(image) as f64 + f64::from(planes.phase(image)) / 4.0;
                prop_assert!((focus - exact).abs() <= 0.125 + 1e-9);
                prop_assert!(planes.slice(image) < depth && planes.shown(image) < depth);
            }
        }
    }
}
