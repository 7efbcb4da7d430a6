//! What each sweep records for a step.

mod distortion;
mod imaging;
mod labelling;
mod physical;
mod simexm;

use crate::config::Arrangement;
use crate::engine::compute::{Buffer, Recording};
use crate::engine::schedule::Step;
use crate::engine::stages::normalise::{NORMALISE, NormaliseParams, photon_thresholds};
use crate::engine::stages::{regions, survey, truth};
use crate::model::cells::Selection;
use crate::model::{Imaging, Model};
use crate::optics::focal_planes::{FocalPlanes, PlaneRun};
use crate::run::ground_truth::Part;
use crate::run::pipeline::Input;
use crate::run::plan::{Plan, Quantisation, Tile, TileAxis, TilePlan};
use crate::run::store::StoreError;
use std::ops::Range;

/// Records the work of one step.
pub(super) struct Recorder<'a> {
    model: &'a Model,
    tile_plan: &'a TilePlan,
    plan: &'a Plan,
    tile: &'a Tile,
    input: Input<'a>,
    recording: Recording<'static>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(model: &'a Model, tile: &'a TilePlan, input: Input<'a>) -> Self {
        Self {
            model,
            tile_plan: tile,
            plan: &tile.plan,
            tile: &tile.tile,
            input,
            recording: Recording::default(),
        }
    }

    pub(super) fn finish(self) -> Recording<'static> {
        self.recording
    }

    /// Rows, columns and voxels of a slice of the tile.
    fn size(&self) -> (u32, u32, usize) {
        let [x, y] = self.tile.size();
        (x as u32, y as u32, x * y)
    }

    /// Place of the tile's first voxel in the source.
    fn origin(&self) -> [u32; 3] {
        let [z, x, y] = self.model.volume.offset;
        let tile = [
            z,
            x + self.tile.x.voxels.start,
            y + self.tile.y.voxels.start,
        ];
        tile.map(|place| place as u32)
    }

    /// Place of the first voxel that is blurred and imaged.
    fn imaged_origin(&self) -> [u32; 3] {
        let [z, x, y] = self.model.volume.offset;
        let tile = [
            z,
            x + self.tile.x.imaged.start,
            y + self.tile.y.imaged.start,
        ];
        tile.map(|place| place as u32)
    }

    /// What stays on the device for the whole image sweep; `maxima` are those of the images that
    /// are there already.
    pub(super) fn start(mut self, selection: &Selection, maxima: &[u32]) -> Recording<'static> {
        self.write_labelling(selection);
        let b = &self.plan.buffers;
        let out = &mut self.recording;
        out.write(b.fourier, 0, self.plan.blur.tables().words.clone());
        out.write(b.shown, 0, self.tile.shown(self.model));
        match &self.model.imaging {
            Imaging::Simexm(_) => self.start_simexm(),
            Imaging::Physical(imaging) => self.start_physical(imaging),
        }
        let out = &mut self.recording;
        for (channel, buffers) in self.model.channels.iter().zip(&b.psf) {
            for (source, buffers) in channel.sources.iter().zip(buffers) {
                for (function, &buffer) in source.psfs.iter().zip(buffers) {
                    let buffers = [b.psf_values, b.fourier, buffer];
                    self.plan.blur.psf_spectra(out, &function.psf, buffers);
                }
            }
        }
        out.clear(b.status, 0..1);
        out.clear(b.maximum, 0..self.model.channels.len());
        if !maxima.is_empty() {
            out.write(b.maximum, 0, maxima.to_vec());
        }
        if self.plan.quantisation == Quantisation::InSteps && self.model.physical().is_none() {
            let thresholds = photon_thresholds(
                self.model.output.bit_depth.largest(),
                self.model.counts_per_photon(),
            );
            self.thresholds(thresholds.repeat(self.model.channels.len()));
        }
        self.finish()
    }

    /// Labels and annotations of slices that enter.
    fn load(&mut self, slices: Range<usize>) -> Result<(), StoreError> {
        let (_, _, plane) = self.size();
        let (volume, part, b) = (self.input.volume, self.part(), &self.plan.buffers);
        let (ring, labels, annotations) = match &b.distortion {
            Some(before) => (
                self.plan.schedule.source_ring,
                &before.labels,
                before.annotations,
            ),
            None => (self.plan.schedule.labels_ring, &b.labels, b.annotations),
        };
        for (sheet, &buffer) in labels.iter().enumerate() {
            let labels = volume.labels(sheet, slices.clone(), &part)?;
            for (z, labels) in slices.clone().zip(labels) {
                self.recording.write(buffer, (z % ring) * plane, labels);
            }
        }
        if !self.model.labelling.annotations.is_empty() {
            let bits = volume.annotations(slices.clone(), &part)?;
            for (z, bits) in slices.zip(bits) {
                self.recording.write(annotations, (z % ring) * plane, bits);
            }
        }
        Ok(())
    }

    /// The voxels that are worked on, of a slice of the tissue.
    fn part(&self) -> Part {
        let Tile { x, y } = self.tile;
        self.input.volume.part(x.voxels.clone(), y.voxels.clone())
    }

    fn classify(&mut self, slices: &Range<usize>) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let params = regions::RegionsParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            isotropic: self.model.labelling.isotropic.into(),
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            ring: self.plan.schedule.labels_ring as u32,
            annotated: (!self.model.labelling.annotations.is_empty()).into(),
        };
        for (&labels, &out) in b.labels.iter().zip(&b.regions) {
            let buffers = [labels, b.annotations, out];
            let shape = [slices.len(), size_x as usize, size_y as usize];
            self.recording
                .dispatch_voxels(&regions::REGIONS, params, &buffers, shape);
        }
    }

    /// The survey of a step: one read, the counts of its slices.
    pub(super) fn survey(mut self, step: &Step) -> Result<Recording<'static>, StoreError> {
        let b = &self.plan.buffers;
        let (_, size_y, plane) = self.size();
        // Other tiles count the voxels around the core.
        let within = |axis: &TileAxis| {
            axis.core.start - axis.voxels.start..axis.core.end - axis.voxels.start
        };
        let (core_x, core_y) = (within(&self.tile.x), within(&self.tile.y));
        let cells = self.input.volume.cells.len();
        let bits = self.model.layer_regions();
        self.load(step.load.clone())?;
        self.deform(&step.deform);
        self.classify(&step.regions);
        self.recording.clear(b.voxels, 0..bits.len() * cells);
        for (&labels, &regions) in b.labels.iter().zip(&b.regions) {
            for (number, &region) in bits.iter().enumerate() {
                let params = survey::SurveyParams {
                    plane: plane as u32,
                    size_y,
                    from_x: core_x.start as u32,
                    to_x: core_x.end as u32,
                    from_y: core_y.start as u32,
                    to_y: core_y.end as u32,
                    first_z: step.regions.start as u32,
                    slices: step.regions.len() as u32,
                    ring: self.plan.schedule.labels_ring as u32,
                    region,
                    voxels_at: (number * cells) as u32,
                };
                let threads = step.regions.len() * plane;
                self.recording.dispatch(
                    &survey::SURVEY,
                    params,
                    &[labels, regions, b.voxels],
                    threads,
                );
            }
        }
        self.recording.read(b.voxels, 0..bits.len() * cells);
        Ok(self.recording)
    }

    /// The image sweep of a step. It reads, in this order: the ground truth of each fluorophore
    /// (and sheet, if each cell has its own) if the step keeps slices of regions; the images of
    /// each channel, or their grey values, if it keeps images and they do not stay on the device;
    /// the status; the maxima.
    pub(super) fn step(&mut self, step: &Step, selection: &Selection) -> Result<(), StoreError> {
        let b = &self.plan.buffers;
        self.load(step.load.clone())?;
        self.deform(&step.deform);
        self.classify(&step.regions);
        let (_, _, plane) = self.size();
        let ring = self.plan.schedule.counts_ring;
        for &counts in &b.counts {
            for slots in ring_slots(&step.fresh_counts, ring) {
                self.recording
                    .clear(counts, slots.start * plane..slots.end * plane);
            }
        }
        for (fluorophore, &counts) in b.counts.iter().enumerate() {
            for z in step.fresh_counts.clone() {
                if let Some(given) = self.input.counts.slice(fluorophore, z) {
                    let given = self.part().cut(given);
                    self.recording.write(counts, (z % ring) * plane, given);
                }
            }
        }
        self.write_rounds(&step.emission);
        for (number, layer) in self.model.labelling.layers.iter().enumerate() {
            let selected = (selection.layer_at(number), self.levels_at(number));
            self.scatter(&step.regions, layer, selected);
        }
        self.truth(step, selection);
        let images = self.tile_plan.images_of(self.model, step);
        for number in 0..self.model.emitters.len() {
            self.forward(&step.emission, number);
        }
        if !images.is_empty() {
            for number in 0..self.model.channels.len() {
                match &self.model.imaging {
                    Imaging::Simexm(imaging) => self.image_simexm(&images, number, imaging),
                    Imaging::Physical(imaging) => self.image_physical(&images, number, imaging),
                }
            }
        }
        self.recording.read(b.status, 0..1);
        self.recording.read(b.maximum, 0..self.model.channels.len());
        Ok(())
    }

    fn truth(&mut self, step: &Step, selection: &Selection) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [image_x, image_y] = self.tile.image_size();
        let planes = self.model.camera.planes;
        let shown = self.tile_plan.truths_of(self.model, step);
        if shown.is_empty() {
            return;
        }
        let words = shown.len() * image_x * image_y;
        let runs = FocalPlanes::runs(shown.clone(), |image| planes.shown(image));
        let merged = self.model.output.truth_cells == Arrangement::Merged;
        for fluorophore in 0..self.model.fluorophores.len() {
            for (sheet, (&labels, &regions)) in b.labels.iter().zip(&b.regions).enumerate() {
                let params = |run: &PlaneRun| truth::TruthParams {
                    size_x,
                    size_y,
                    image_x: image_x as u32,
                    image_y: image_y as u32,
                    slab_z: step.regions.start as u32,
                    first_z: run.first as u32,
                    step_z: run.step as u32,
                    slices: run.images.len() as u32,
                    first_image: (run.images.start - shown.start) as u32,
                    labels_ring: self.plan.schedule.labels_ring as u32,
                    region: self.model.output.truth_bit,
                    selection_at: selection.fluorophore_at(fluorophore),
                    combine: (merged && sheet > 0).into(),
                };
                let buffers = [labels, regions, b.selection, b.shown, b.truth];
                for run in &runs {
                    let shape = [run.images.len(), image_x, image_y];
                    self.recording
                        .dispatch_voxels(&truth::TRUTH, params(run), &buffers, shape);
                }
                if !merged {
                    self.recording.read(b.truth, 0..words);
                }
            }
            if merged {
                self.recording.read(b.truth, 0..words);
            }
        }
    }

    /// The channel's images: its own buffer where they stay there, else the one for all.
    fn image_buffer(&self, channel: usize) -> Buffer {
        let images = &self.plan.buffers.images;
        images[channel.min(images.len() - 1)]
    }

    /// Brings the thresholds of all channels to the device.
    pub(super) fn thresholds(&mut self, thresholds: Vec<u32>) {
        let buffer = self.plan.buffers.thresholds;
        self.recording.write(buffer, 0, thresholds);
    }

    /// Grey values of what is in a channel's buffer, and a read of them.
    pub(super) fn normalise(&mut self, channel: usize, pixels: usize) {
        let b = &self.plan.buffers;
        let image = self.image_buffer(channel);
        let depth = self.model.output.bit_depth;
        let per_word = 32 / depth.bits();
        let params = NormaliseParams {
            pixels: pixels as u32,
            thresholds_at: channel as u32 * depth.largest(),
            largest: depth.largest(),
            per_word,
        };
        let words = pixels.div_ceil(per_word as usize);
        self.recording
            .dispatch(&NORMALISE, params, &[image, b.thresholds, b.grey], words);
        self.recording.read(b.grey, 0..words);
    }
}

/// The slots of a ring that hold these slices, in at most two runs.
fn ring_slots(slices: &Range<usize>, ring: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let start = slices.start % ring;
    let end = start + slices.len();
    let wrapped = 0..end.saturating_sub(ring);
    [start..end.min(ring), wrapped]
        .into_iter()
        .filter(|slots| !slots.is_empty())
}
