//! Tasks are not listed but counted: task n is the n-th box of a grid.

use super::Phase;
use crate::run::plan::ImageBox;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// How the images and the tissue are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// Size (z, x, y) of the box of images that a task makes.
    pub core: [usize; 3],
    /// Size (z, x, y) of the images.
    pub images: [usize; 3],
    /// Slices of the tissue that a task of the survey counts; none where nothing is to be counted.
    pub survey_slices: Option<usize>,
    /// Whether the brightest pixels of all tasks are needed before images are made.
    pub scaled: bool,
    /// Slices of the tissue.
    pub tissue_slices: usize,
}

impl Grid {
    /// Boxes along (z, x, y).
    pub fn boxes(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.images[axis].div_ceil(self.core[axis].max(1)))
    }

    /// Tasks of a phase.
    pub fn tasks(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Scale if !self.scaled => 0,
            Phase::Scale | Phase::Image => {
                let along = self.boxes().map(|boxes| boxes as u64);
                along
                    .iter()
                    .fold(1, |all: u64, &boxes| all.saturating_mul(boxes))
            }
            Phase::Survey => {
                let each = self.survey_slices.map(|slices| slices.max(1));
                each.map_or(0, |each| self.tissue_slices.div_ceil(each) as u64)
            }
        }
    }

    /// The images that a task makes: those of the same place in x and y follow one another.
    pub fn image_box(&self, task: u64) -> ImageBox {
        let [_, high, wide] = self.boxes().map(|boxes| boxes as u64);
        let at = [task / (high * wide), task / wide % high, task % wide];
        let along = |axis: usize| -> Range<usize> {
            let start = (at[axis] as usize * self.core[axis]).min(self.images[axis]);
            start..(start + self.core[axis]).min(self.images[axis])
        };
        ImageBox {
            images: along(0),
            pixels: [along(1), along(2)],
        }
    }

    /// The slices that a task of the survey counts.
    pub fn surveyed(&self, task: u64) -> Range<usize> {
        let each = self.survey_slices.unwrap_or(self.tissue_slices).max(1);
        let start = (task as usize).saturating_mul(each).min(self.tissue_slices);
        start..start.saturating_add(each).min(self.tissue_slices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every pixel and every slice belongs to one task.
        #[test]
        fn tasks_cover_everything_once(
            images in prop::array::uniform3(1usize..40), core in prop::array::uniform3(1usize..50),
            survey_slices in 1usize..50, tissue_slices in 1usize..60,
        ) {
            let grid = Grid { core, images, survey_slices: Some(survey_slices), scaled: false, tissue_slices };
            let mut seen = vec![0; images.iter().product()];
            for task in 0..grid.tasks(Phase::Image) {
                let own = grid.image_box(task);
                prop_assert!(!own.images.is_empty());
                for z in own.images.clone() {
                    for x in own.pixels[0].clone() {
                        for y in own.pixels[1].clone() {
                            seen[(z * images[1] + x) * images[2] + y] += 1;
                        }
                    }
                }
            }
            prop_assert!(seen.iter().all(|&count| count == 1));
            let mut end = 0;
            for task in 0..grid.tasks(Phase::Survey) {
                let own = grid.surveyed(task);
                prop_assert_eq!(own.start, end);
                prop_assert!(!own.is_empty());
                end = own.end;
            }
            prop_assert_eq!(end, tissue_slices);
        }
    }
}
