//! In which order the slabs of a volume pass through the stages.
//!
//! A volume flows through the stages along z. A stage that looks beyond a slice lags behind the one
//! before it: labels of an uneven expansion by its farthest displacement, membranes by a slice,
//! emission by the farthest displacement of a protein, images by the radius of the point spread
//! function. What a later step still needs is kept in rings of slices; nothing is computed twice,
//! and a slice is computed alike however the volume is cut.

use std::ops::Range;

/// How far beyond a slice the stages look, in slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The farthest place along z from which an uneven expansion takes a label.
    pub distortion: usize,
    /// Neighbours that decide whether a voxel is membrane.
    pub membrane: usize,
    /// The farthest displacement of a protein.
    pub displacement: usize,
    /// The farthest place along z from which a round of imaging takes its proteins.
    pub rounds: usize,
    /// Planes of the point spread function before the focus.
    pub blur_before: usize,
    /// Planes of the point spread function behind the focus.
    pub blur_after: usize,
}

impl Reach {
    /// The first slice of which this image, or a later one, is made. Beyond its last slice a volume
    /// goes on as its reflection: what lies behind the focus of the last images lies before them,
    /// too.
    fn first_blurred(&self, image: usize, depth: usize) -> usize {
        let of_image = image.saturating_sub(self.blur_before);
        of_image.min(depth.saturating_sub(1 + self.blur_after))
    }

    /// What each stage does for some images (slices of a volume of `depth`) and for the ground
    /// truth of slices before `shown_end`: as far before them and behind them as the stages look.
    pub fn extent(&self, images: Range<usize>, shown_end: usize, depth: usize) -> Extent {
        if images.is_empty() {
            return Extent::default();
        }
        // Before its first slice a volume is its reflection.
        let reflected = (self.blur_before + 1).saturating_sub(images.start);
        let blurred_end = (images.end + self.blur_after).max(reflected).min(depth);
        let emission = self.first_blurred(images.start, depth)..blurred_end;
        let proteins = self.displacement + self.rounds;
        let regions = emission.start.saturating_sub(proteins)
            ..(emission.end + proteins).max(shown_end).min(depth);
        let counts = regions.start.saturating_sub(self.displacement)
            ..(regions.end + self.displacement).min(depth);
        Extent {
            emission,
            images,
            counts,
            ..self.surveyed(regions, depth)
        }
    }

    /// What each stage does for the regions of some slices alone.
    pub fn surveyed(&self, regions: Range<usize>, depth: usize) -> Extent {
        let around = |slices: &Range<usize>, reach: usize| {
            slices.start.saturating_sub(reach)..(slices.end + reach).min(depth)
        };
        let deform = around(&regions, self.membrane);
        Extent {
            load: around(&deform, self.distortion),
            deform,
            regions,
            ..Extent::default()
        }
    }

    /// The end of the images that slices up to `emitted` allow, where those before `imaged` are
    /// made already. Before its first slice, too, a volume is its reflection.
    fn images(&self, imaged: usize, emitted: usize, depth: usize) -> usize {
        if emitted == depth {
            depth
        } else if imaged + emitted <= self.blur_before {
            imaged
        } else {
            emitted.saturating_sub(self.blur_after)
        }
    }
}

/// The slices that each stage works on for a part of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Labels to load.
    pub load: Range<usize>,
    /// Labels to deform.
    pub deform: Range<usize>,
    /// Slices to classify.
    pub regions: Range<usize>,
    /// Slices that emit.
    pub emission: Range<usize>,
    /// Slices to blur and image.
    pub images: Range<usize>,
    /// Slices of counts.
    pub counts: Range<usize>,
}

/// What one step does, in slices of the volume. A range may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Labels to load.
    pub load: Range<usize>,
    /// Labels to deform, where the expansion is uneven; else they are there as they are loaded.
    pub deform: Range<usize>,
    /// Slices to classify and whose sites are scattered.
    pub regions: Range<usize>,
    /// Slices whose counts are complete and that emit.
    pub emission: Range<usize>,
    /// Slices to blur and image.
    pub images: Range<usize>,
    /// Slices of counts that the scatter reaches for the first time.
    pub fresh_counts: Range<usize>,
}

/// The steps of a run and the depth of its rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Slices in the ring of labels before an uneven expansion.
    pub source_ring: usize,
    /// Slices in the ring of labels.
    pub labels_ring: usize,
    /// Slices in the ring of counts.
    pub counts_ring: usize,
    /// Slices in the ring of spectra.
    pub spectra_ring: usize,
    /// Most slices that a step classifies.
    pub regions: usize,
    /// Most slices that emit in a step.
    pub emission: usize,
}

impl Schedule {
    /// Steps of at most `slab` slices (at least 1) through a volume of `depth` slices.
    pub fn new(depth: usize, slab: usize, reach: Reach) -> Self {
        let slab = slab.clamp(1, depth.max(1));
        let mut schedule = Self {
            steps: Vec::new(),
            source_ring: 1,
            labels_ring: 1,
            counts_ring: 1,
            spectra_ring: 1,
            regions: 1,
            emission: 1,
        };
        let (mut loaded, mut deformed, mut classified) = (0, 0, 0);
        let (mut emitted, mut imaged, mut counted) = (0, 0, 0);
        while imaged < depth {
            // A stage goes as far as the one before it allows, at most a slab at a time.
            let up_to = |done: usize, allowed: usize| done..allowed.clamp(done, done + slab);
            let next = |done: usize, before: usize, lag: usize| {
                let lag = if before == depth { 0 } else { lag };
                up_to(done, before.saturating_sub(lag))
            };
            let load = next(loaded, depth, 0);
            let deform = next(deformed, load.end, reach.distortion);
            let regions = next(classified, deform.end, reach.membrane);
            let emission = next(emitted, regions.end, reach.displacement + reach.rounds);
            let images = up_to(imaged, reach.images(imaged, emission.end, depth));
            let touched = if regions.is_empty() {
                counted
            } else {
                (regions.end + reach.displacement).min(depth)
            };
            let live = |ring: &mut usize, from: usize, to: usize| {
                *ring = (*ring).max(to - from.min(to));
            };
            let first_label = regions.start.saturating_sub(reach.membrane);
            live(&mut schedule.labels_ring, first_label, deform.end);
            let first_source = deform.start.saturating_sub(reach.distortion);
            live(&mut schedule.source_ring, first_source, load.end);
            let counts_end = touched.max(counted);
            let first_count = emission.start.saturating_sub(reach.rounds);
            live(&mut schedule.counts_ring, first_count, counts_end);
            let first_spectrum = reach.first_blurred(images.start, depth);
            live(&mut schedule.spectra_ring, first_spectrum, emission.end);
            schedule.regions = schedule.regions.max(regions.len());
            schedule.emission = schedule.emission.max(emission.len());
            let fresh_counts = counted..counts_end;
            (loaded, deformed) = (load.end, deform.end);
            (classified, emitted, imaged) = (regions.end, emission.end, images.end);
            counted = fresh_counts.end;
            schedule.steps.push(Step {
                load,
                deform,
                regions,
                emission,
                images,
                fresh_counts,
            });
        }
        schedule
    }

    /// The steps as far as they serve a part of the volume ([`Reach::extent`]). Each does no more
    /// than in a whole run: the rings stay as they are.
    pub fn window(&self, extent: &Extent) -> Vec<Step> {
        let within = |range: &Range<usize>, part: &Range<usize>| {
            let both = range.start.max(part.start)..range.end.min(part.end);
            if both.is_empty() { 0..0 } else { both }
        };
        let part = |step: &Step| Step {
            load: within(&step.load, &extent.load),
            deform: within(&step.deform, &extent.deform),
            regions: within(&step.regions, &extent.regions),
            emission: within(&step.emission, &extent.emission),
            images: within(&step.images, &extent.images),
            fresh_counts: within(&step.fresh_counts, &extent.counts),
        };
        let does_something = |step: &Step| {
            let ranges = [
                &step.load,
                &step.deform,
                &step.regions,
                &step.emission,
                &step.images,
                &step.fresh_counts,
            ];
            ranges.into_iter().any(|range| !range.is_empty())
        };
        self.steps.iter().map(part).filter(does_something).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::volume::fold;
    use proptest::prelude::*;

    #[test]
    fn one_slab_is_one_step() {
        let reach = Reach {
            distortion: 7,
            membrane: 1,
            displacement: 13,
            rounds: 4,
            blur_before: 15,
            blur_after: 15,
        };
        let schedule = Schedule::new(40, 40, reach);
        assert_eq!(schedule.steps.len(), 1);
        assert_eq!(schedule.spectra_ring, 40);
    }

    /// The slices that an image is made of.
    fn blurred(z: usize, reach: Reach, depth: usize) -> impl Iterator<Item = usize> {
        let (z, before, after) = (z as i32, reach.blur_before as i32, reach.blur_after as i32);
        (z - before..=z + after).map(move |at| fold(at, depth as u32) as usize)
    }

    proptest! {
        /// Every slice passes every stage once and in order, never before what it looks at, and no
        /// ring loses a slice that is still looked at.
        #[test]
        fn stages_never_outrun_their_input(
            depth in 1usize..80, slab in 1usize..90, distortion in 0usize..20, membrane in 0usize..2,
            displacement in 0usize..20, rounds in 0usize..20, blur_before in 0usize..16,
            blur_after in 0usize..16,
        ) {
            let reach = Reach { distortion, membrane, displacement, rounds, blur_before, blur_after };
            let schedule = Schedule::new(depth, slab, reach);
            let (mut load, mut regions, mut emission, mut images, mut counts) = (0, 0, 0, 0, 0);
            let mut deform = 0;
            for step in &schedule.steps {
                prop_assert_eq!(step.load.start, load);
                prop_assert_eq!(step.deform.start, deform);
                prop_assert_eq!(step.regions.start, regions);
                prop_assert_eq!(step.emission.start, emission);
                prop_assert_eq!(step.images.start, images);
                prop_assert_eq!(step.fresh_counts.start, counts);
                load = step.load.end;
                deform = step.deform.end;
                regions = step.regions.end;
                emission = step.emission.end;
                images = step.images.end;
                counts = step.fresh_counts.end;
                prop_assert!(step.load.len() <= slab && step.images.len() <= slab);
                prop_assert!(deform == 0 || (deform + distortion).min(depth) <= load);
                let first_source = step.deform.start.saturating_sub(distortion);
                prop_assert!(load - first_source <= schedule.source_ring);
                prop_assert!(regions == 0 || (regions + membrane).min(depth) <= deform);
                let proteins = displacement + rounds;
                prop_assert!(emission == 0 || (emission + proteins).min(depth) <= regions);
                for near in step.images.clone().flat_map(|z| blurred(z, reach, depth)) {
                    prop_assert!(near < emission && near + schedule.spectra_ring >= emission);
                }
                prop_assert!((regions + displacement).min(depth) <= counts || regions == 0);
                let first_label = step.regions.start.saturating_sub(membrane);
                prop_assert!(deform - first_label <= schedule.labels_ring);
                let first_count = step.emission.start.saturating_sub(rounds);
                prop_assert!(counts - first_count <= schedule.counts_ring);
            }
            prop_assert_eq!((load, regions, emission, images), (depth, depth, depth, depth));
            prop_assert_eq!(counts, depth);
        }

        /// A part makes its images and its ground truth from what it has itself loaded, within the
        /// rings of the whole run.
        #[test]
        fn a_window_needs_nothing_of_other_slices(
            depth in 1usize..80, slab in 1usize..90, distortion in 0usize..20, membrane in 0usize..2,
            displacement in 0usize..20, rounds in 0usize..20, blur_before in 0usize..16,
            blur_after in 0usize..16,
            image in 0usize..80, length in 1usize..80, shown in 0usize..2,
        ) {
            let reach = Reach { distortion, membrane, displacement, rounds, blur_before, blur_after };
            let schedule = Schedule::new(depth, slab, reach);
            let image = image.min(depth - 1);
            let window = image..(image + length).min(depth);
            let shown_end = (window.end + shown).min(depth);
            let extent = reach.extent(window.clone(), shown_end, depth);
            let steps = schedule.window(&extent);
            if window == (0..depth) {
                prop_assert_eq!(&steps, &schedule.steps.iter().map(|step| {
                    let nothing = |range: &Range<usize>| if range.is_empty() { 0..0 } else { range.clone() };
                    Step {
                        load: nothing(&step.load),
                        deform: nothing(&step.deform),
                        regions: nothing(&step.regions),
                        emission: nothing(&step.emission),
                        images: nothing(&step.images),
                        fresh_counts: nothing(&step.fresh_counts),
                    }
                }).collect::<Vec<_>>());
            }
            let mut images = image;
            // For each ring and slot the slice that was last put there.
            let mut sources = vec![None; schedule.source_ring];
            let mut labels = vec![None; schedule.labels_ring];
            let mut counts = vec![None; schedule.counts_ring];
            let mut spectra = vec![None; schedule.spectra_ring];
            // How far the sites of a slice of counts have been scattered.
            let mut scattered = std::collections::BTreeSet::new();
            for step in &steps {
                for z in step.load.clone() {
                    sources[z % schedule.source_ring] = Some(z);
                }
                for z in step.deform.clone() {
                    for near in z.saturating_sub(distortion)..(z + distortion + 1).min(depth) {
                        prop_assert_eq!(sources[near % schedule.source_ring], Some(near));
                    }
                    labels[z % schedule.labels_ring] = Some(z);
                }
                for z in step.fresh_counts.clone() {
                    counts[z % schedule.counts_ring] = Some(z);
                }
                for z in step.regions.clone() {
                    for near in z.saturating_sub(membrane)..(z + membrane + 1).min(depth) {
                        prop_assert_eq!(labels[near % schedule.labels_ring], Some(near));
                    }
                    for near in z.saturating_sub(displacement)..(z + displacement + 1).min(depth) {
                        prop_assert_eq!(counts[near % schedule.counts_ring], Some(near));
                    }
                    scattered.insert(z);
                }
                for z in step.emission.clone() {
                    for near in z.saturating_sub(rounds)..(z + rounds + 1).min(depth) {
                        prop_assert_eq!(counts[near % schedule.counts_ring], Some(near));
                    }
                    let proteins = displacement + rounds;
                    for near in z.saturating_sub(proteins)..(z + proteins + 1).min(depth) {
                        prop_assert!(scattered.contains(&near));
                    }
                    spectra[z % schedule.spectra_ring] = Some(z);
                }
                for z in step.images.clone() {
                    prop_assert_eq!(z, images);
                    images += 1;
                    for near in blurred(z, reach, depth) {
                        prop_assert_eq!(spectra[near % schedule.spectra_ring], Some(near));
                    }
                }
            }
            prop_assert_eq!(images, window.end);
            prop_assert!((window.start..shown_end).all(|z| scattered.contains(&z)));
        }
    }
}
