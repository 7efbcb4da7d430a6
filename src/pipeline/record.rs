//! What each sweep records for a step.

use crate::cells::Selection;
use crate::compute::{Buffer, Recording};
use crate::fft::{BLOCK, LineVariant};
use crate::ground_truth::LoadedVolume;
use crate::model::{ChannelModel, LayerModel, Model};
use crate::plan::Plan;
use crate::schedule::{Step, kept};
use crate::stages::blur::columns_forward::{COLUMNS_FORWARD, ColumnsForwardParams};
use crate::stages::blur::columns_inverse::{COLUMNS_INVERSE, ColumnsInverseParams};
use crate::stages::blur::filter::{FILTER, FilterParams};
use crate::stages::blur::kernel_spectra;
use crate::stages::blur::rows_forward::{ROWS_FORWARD, RowsForwardParams};
use crate::stages::blur::rows_inverse::{ROWS_INVERSE, RowsInverseParams, baseline_profile};
use crate::stages::normalise::{NORMALISE, NormaliseParams, THRESHOLDS};
use crate::stages::{bin, emit, magnify, maximum, regions, scatter, survey, truth};
use crate::store::StoreError;
use std::ops::Range;

/// Records the work of one step.
pub(super) struct Recorder<'a> {
    model: &'a Model,
    plan: &'a Plan,
    volume: &'a LoadedVolume,
    recording: Recording,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(model: &'a Model, plan: &'a Plan, volume: &'a LoadedVolume) -> Self {
        Self {
            model,
            plan,
            volume,
            recording: Recording::default(),
        }
    }

    pub(super) fn finish(self) -> Recording {
        self.recording
    }

    fn size(&self) -> (u32, u32, usize) {
        let [_, x, y] = self.model.volume.shape;
        (x as u32, y as u32, x * y)
    }

    fn origin(&self) -> [u32; 3] {
        self.model.volume.offset.map(|offset| offset as u32)
    }

    /// What stays on the device for the whole image sweep.
    pub(super) fn start(mut self, selection: &Selection) -> Recording {
        let b = &self.plan.buffers;
        let [_, size_x, size_y] = self.model.volume.shape;
        let out = &mut self.recording;
        out.write(b.cells, 0, self.volume.cells.keys());
        out.write(b.selection, 0, selection.words.clone());
        out.write(b.tables, 0, self.model.tables.clone());
        out.write(b.fourier, 0, self.plan.fourier.words.clone());
        let profile = baseline_profile(size_x, size_y);
        out.write(b.profile, 0, bytemuck::cast_vec(profile));
        for (channel, buffers) in self.model.channels.iter().zip(&b.psf) {
            for (source, &buffer) in channel.sources.iter().zip(buffers) {
                let spectra = kernel_spectra(&source.octant, &self.plan.transform);
                out.write(buffer, 0, bytemuck::cast_vec(spectra));
            }
        }
        out.clear(b.status, 0..1);
        out.clear(b.maximum, 0..self.model.channels.len());
        self.finish()
    }

    /// Labels and annotations of slices that enter.
    fn load(&mut self, slices: Range<usize>) -> Result<(), StoreError> {
        let (_, _, plane) = self.size();
        let ring = self.plan.schedule.labels_ring;
        for (sheet, &buffer) in self.plan.buffers.labels.iter().enumerate() {
            for (z, labels) in slices
                .clone()
                .zip(self.volume.labels(sheet, slices.clone())?)
            {
                self.recording.write(buffer, (z % ring) * plane, labels);
            }
        }
        if !self.model.annotations.is_empty() {
            let annotations = self.volume.annotations(slices.clone())?;
            for (z, bits) in slices.zip(annotations) {
                let at = (z % ring) * plane;
                self.recording
                    .write(self.plan.buffers.annotations, at, bits);
            }
        }
        Ok(())
    }

    fn classify(&mut self, slices: &Range<usize>) {
        let b = &self.plan.buffers;
        let (size_x, size_y, plane) = self.size();
        let params = regions::RegionsParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            isotropic: self.model.isotropic.into(),
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            ring: self.plan.schedule.labels_ring as u32,
            annotated: (!self.model.annotations.is_empty()).into(),
        };
        for (&labels, &out) in b.labels.iter().zip(&b.regions) {
            let buffers = [labels, b.annotations, out];
            let threads = slices.len() * plane;
            self.recording
                .dispatch(&regions::REGIONS, params, &buffers, threads);
        }
    }

    /// The survey of a step: one read, the counts of its slices.
    pub(super) fn survey(mut self, step: &Step) -> Result<Recording, StoreError> {
        let b = &self.plan.buffers;
        let (_, _, plane) = self.size();
        let cells = self.volume.cells.len();
        let bits = self.model.layer_regions();
        self.load(step.load.clone())?;
        self.classify(&step.regions);
        self.recording.clear(b.voxels, 0..bits.len() * cells);
        for (&labels, &regions) in b.labels.iter().zip(&b.regions) {
            for (number, &region) in bits.iter().enumerate() {
                let params = survey::SurveyParams {
                    plane: plane as u32,
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

    /// The image sweep of a step. It reads, in this order: the ground truth of each fluorophore if
    /// the step keeps slices of regions; the images of each channel if it keeps images and the run
    /// has several steps; the status; the maxima.
    pub(super) fn step(&mut self, step: &Step, selection: &Selection) -> Result<(), StoreError> {
        let b = &self.plan.buffers;
        self.load(step.load.clone())?;
        self.classify(&step.regions);
        let (_, _, plane) = self.size();
        let ring = self.plan.schedule.counts_ring;
        for &counts in &b.counts {
            for slots in ring_slots(&step.fresh_counts, ring) {
                self.recording
                    .clear(counts, slots.start * plane..slots.end * plane);
            }
        }
        for (number, layer) in self.model.layers.iter().enumerate() {
            self.scatter(&step.regions, layer, selection.layer_at(number));
        }
        self.truth(&step.regions, selection);
        let images = kept(&step.images, self.model.camera.step_z);
        for (number, channel) in self.model.channels.iter().enumerate() {
            self.forward(&step.emission, number, channel);
            if images.1 > 0 {
                self.blur(images, number, channel);
                self.sample(images, number, channel);
            }
        }
        self.recording.read(b.status, 0..1);
        self.recording.read(b.maximum, 0..self.model.channels.len());
        Ok(())
    }

    fn scatter(&mut self, slices: &Range<usize>, layer: &LayerModel, selection_at: u32) {
        let b = &self.plan.buffers;
        let (size_x, size_y, plane) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let [z, x, y] = self.model.displacements;
        let params = scatter::ScatterParams {
            size_x,
            size_y,
            depth: self.model.volume.shape[0] as u32,
            origin_z,
            origin_x,
            origin_y,
            first_z: slices.start as u32,
            slices: slices.len() as u32,
            labels_ring: self.plan.schedule.labels_ring as u32,
            counts_ring: self.plan.schedule.counts_ring as u32,
            region: layer.region_bit,
            selection_at,
            proteins_key_0: layer.proteins.0[0],
            proteins_key_1: layer.proteins.0[1],
            displacement_key_0: layer.displacement.0[0],
            displacement_key_1: layer.displacement.0[1],
            count_at: layer.count.at,
            count_len: layer.count.len,
            displaced_at: layer.displaced.at,
            displaced_len: layer.displaced.len,
            z_at: z.at,
            z_len: z.len,
            x_at: x.at,
            x_len: x.len,
            y_at: y.at,
            y_len: y.len,
        };
        for (&labels, &regions) in b.labels.iter().zip(&b.regions) {
            let counts = b.counts[layer.fluorophore];
            let buffers = [
                labels,
                regions,
                b.cells,
                b.selection,
                b.tables,
                counts,
                b.status,
            ];
            self.recording
                .dispatch(&scatter::SCATTER, params, &buffers, slices.len() * plane);
        }
    }

    fn truth(&mut self, slices: &Range<usize>, selection: &Selection) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [_, image_x, image_y] = self.model.image_shape();
        let camera = &self.model.camera;
        let (first, count) = kept(slices, camera.step_z);
        if count == 0 {
            return;
        }
        let words = count * image_x * image_y;
        for fluorophore in 0..self.model.fluorophores.len() {
            for (sheet, (&labels, &regions)) in b.labels.iter().zip(&b.regions).enumerate() {
                let params = truth::TruthParams {
                    size_x,
                    size_y,
                    image_x: image_x as u32,
                    image_y: image_y as u32,
                    bin_x: camera.x.bin(),
                    bin_y: camera.y.bin(),
                    magnify_x: camera.x.magnification(),
                    magnify_y: camera.y.magnification(),
                    slab_z: slices.start as u32,
                    first_z: first as u32,
                    step_z: camera.step_z as u32,
                    slices: count as u32,
                    labels_ring: self.plan.schedule.labels_ring as u32,
                    region: self.model.truth_bit,
                    selection_at: selection.fluorophore_at(fluorophore),
                    combine: (sheet > 0).into(),
                };
                let buffers = [labels, regions, b.selection, b.truth];
                self.recording
                    .dispatch(&truth::TRUTH, params, &buffers, words);
            }
            self.recording.read(b.truth, 0..words);
        }
    }

    /// Emission of a channel's sources and its spectra.
    fn forward(&mut self, slices: &Range<usize>, number: usize, channel: &ChannelModel) {
        let b = &self.plan.buffers;
        let (size_x, size_y, plane) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let transform = &self.plan.transform;
        let rows = slices.len() * size_x as usize;
        for (source, &spectra) in channel.sources.iter().zip(&b.spectra[number]) {
            let params = emit::EmitParams {
                size_x,
                size_y,
                origin_z,
                origin_x,
                origin_y,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                counts_ring: self.plan.schedule.counts_ring as u32,
                photons_at: source.table.at,
                photons_len: source.table.len,
                key_0: source.key.0[0],
                key_1: source.key.0[1],
            };
            let buffers = [b.counts[source.fluorophore], b.tables, b.emission];
            self.recording
                .dispatch(&emit::EMIT, params, &buffers, slices.len() * plane);
            let fourier = &self.plan.fourier;
            let params = RowsForwardParams {
                size_y,
                rows: rows as u32,
                radius: transform.radius as u32,
                split_at: fourier.split_at,
                order_at: fourier.rows_order_at,
            };
            let lines = self.plan.row_lines.clone();
            self.lines(
                &ROWS_FORWARD,
                &lines,
                params,
                &[b.emission, b.fourier, b.rows],
                rows,
            );
            let params = ColumnsForwardParams {
                size_x,
                frequencies: transform.frequencies() as u32,
                blocks: transform.blocks() as u32,
                first_z: slices.start as u32,
                slices: slices.len() as u32,
                spectra_ring: self.plan.schedule.spectra_ring as u32,
                radius: transform.radius as u32,
                order_at: fourier.columns_order_at,
            };
            let columns = slices.len() * transform.blocks() * BLOCK;
            let lines = self.plan.column_lines.clone();
            let buffers = [b.rows, b.fourier, spectra];
            self.lines(&COLUMNS_FORWARD, &lines, params, &buffers, columns);
        }
    }

    fn lines<P: crate::compute::KernelParams>(
        &mut self,
        kernel: &'static crate::compute::Kernel,
        lines: &LineVariant,
        params: P,
        buffers: &[Buffer],
        count: usize,
    ) {
        let workgroups = count.div_ceil(lines.lines);
        let variant = Some(lines.variant.clone());
        self.recording
            .dispatch_variant(kernel, variant, params, buffers, workgroups);
    }

    /// From spectra to the blurred slices of a channel.
    fn blur(&mut self, (first, count): (usize, usize), number: usize, channel: &ChannelModel) {
        let b = &self.plan.buffers;
        let (size_x, size_y, _) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let transform = &self.plan.transform;
        let fourier = &self.plan.fourier;
        let blocks = transform.blocks();
        let step_z = self.model.camera.step_z as u32;
        let sources = b.spectra[number].iter().zip(&b.psf[number]);
        for (place, (&spectra, &psf)) in sources.enumerate() {
            let params = FilterParams {
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                depth: self.model.volume.shape[0] as u32,
                spectra_ring: self.plan.schedule.spectra_ring as u32,
                first_z: first as u32,
                step_z,
                slices: count as u32,
                accumulate: (place > 0).into(),
            };
            let buffers = [spectra, psf, b.filtered];
            self.recording
                .dispatch(&FILTER, params, &buffers, transform.spectrum());
        }
        if channel.sources.is_empty() {
            let words = 2 * count * blocks * BLOCK * size_x as usize;
            self.recording.clear(b.rows, 0..words);
        } else {
            let params = ColumnsInverseParams {
                size_x,
                length_x: transform.length_x as u32,
                blocks: blocks as u32,
                slices: count as u32,
                order_at: fourier.columns_order_at,
            };
            let lines = self.plan.column_lines.clone();
            let buffers = [b.filtered, b.fourier, b.rows];
            self.lines(
                &COLUMNS_INVERSE,
                &lines,
                params,
                &buffers,
                count * blocks * BLOCK,
            );
        }
        let baseline = self.model.baseline;
        let params = RowsInverseParams {
            size_x,
            size_y,
            blocks: blocks as u32,
            slices: count as u32,
            split_at: fourier.split_at,
            order_at: fourier.rows_order_at,
            origin_z,
            origin_x,
            origin_y,
            first_z: first as u32,
            step_z,
            key_0: channel.baseline.0[0],
            key_1: channel.baseline.0[1],
            baseline: baseline.is_some().into(),
            baseline_at: baseline.unwrap_or_default().at,
            baseline_len: baseline.unwrap_or_default().len,
        };
        let lines = self.plan.row_lines.clone();
        let buffers = [b.rows, b.fourier, b.tables, b.profile, b.blurred, b.status];
        self.lines(
            &ROWS_INVERSE,
            &lines,
            params,
            &buffers,
            count * size_x as usize,
        );
    }

    /// From blurred slices to images, and the channel's maximum.
    fn sample(&mut self, (first, count): (usize, usize), number: usize, channel: &ChannelModel) {
        let b = &self.plan.buffers;
        let (size_x, size_y, plane) = self.size();
        let [origin_z, origin_x, origin_y] = self.origin();
        let [_, image_x, image_y] = self.model.image_shape();
        let camera = &self.model.camera;
        let image = self.image_buffer(number);
        let pixels = count * image_x * image_y;
        if camera.magnifies() {
            let [jitter_x, jitter_y] = self.model.jitter;
            let params = magnify::MagnifyParams {
                size_x,
                size_y,
                image_x: image_x as u32,
                image_y: image_y as u32,
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                magnify_x: camera.x.magnification(),
                magnify_y: camera.y.magnification(),
                origin_z,
                origin_x,
                origin_y,
                first_z: first as u32,
                step_z: camera.step_z as u32,
                slices: count as u32,
                key_0: channel.jitter.0[0],
                key_1: channel.jitter.0[1],
                jitter_x_at: jitter_x.at,
                jitter_x_len: jitter_x.len,
                jitter_y_at: jitter_y.at,
                jitter_y_len: jitter_y.len,
            };
            let buffers = [b.blurred, b.tables, image, b.status];
            self.recording.clear(image, 0..pixels);
            self.recording
                .dispatch(&magnify::MAGNIFY, params, &buffers, count * plane);
        } else {
            let params = bin::BinParams {
                size_x,
                size_y,
                image_x: image_x as u32,
                image_y: image_y as u32,
                bin_x: camera.x.bin(),
                bin_y: camera.y.bin(),
                slices: count as u32,
            };
            let buffers = [b.blurred, image, b.status];
            self.recording.dispatch(&bin::BIN, params, &buffers, pixels);
        }
        let params = maximum::MaximumParams {
            pixels: pixels as u32,
            maximum_at: number as u32,
        };
        self.recording
            .dispatch(&maximum::MAXIMUM, params, &[image, b.maximum], pixels);
        if !self.plan.is_one_step() {
            self.recording.read(image, 0..pixels);
        }
    }

    /// The channel's images: its own buffer in a run of one step, else the one for all.
    fn image_buffer(&self, channel: usize) -> Buffer {
        let images = &self.plan.buffers.images;
        images[channel.min(images.len() - 1)]
    }

    /// Grey values of a channel's images, of these or of those on the device; one read.
    pub(super) fn normalise(&mut self, channel: usize, images: Option<Vec<u32>>, pixels: usize) {
        let b = &self.plan.buffers;
        let image = self.image_buffer(channel);
        if let Some(images) = images {
            self.recording.write(image, 0, images);
        }
        let params = NormaliseParams {
            pixels: pixels as u32,
            thresholds_at: (channel * THRESHOLDS) as u32,
        };
        let words = pixels.div_ceil(4);
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
