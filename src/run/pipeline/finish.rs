//! The last sweep: grey values.

use super::finished::Finished;
use super::record::Recorder;
use super::{Pipeline, RunError, Sink};
use crate::config::Normalization;
use crate::engine::compute::Recording;
use crate::engine::stages::normalise;

impl Pipeline<'_> {
    /// The thresholds of a channel's grey values.
    fn thresholds(&self, maximum: u32) -> Vec<u32> {
        let largest = self.model.bit_depth.largest();
        match self.model.normalize {
            Normalization::Channel => normalise::thresholds(maximum, largest),
            Normalization::None => normalise::photon_thresholds(largest),
        }
    }

    /// Normalises by the channels' maxima and hands the images over.
    pub(super) fn finish(
        &mut self,
        maxima: &[u32],
        finished: &Finished<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let [slices, x, y] = self.model.image_shape();
        let pixels = x * y;
        let part = self.current.clone();
        let batch = part.plan.batch;
        let grey_bytes = self.model.bit_depth.bits() as usize / 8;
        let thresholds: Vec<u32> = maxima
            .iter()
            .flat_map(|&maximum| self.thresholds(maximum))
            .collect();
        let mut recording = Recording::default();
        recording.write(part.plan.buffers.thresholds, 0, thresholds);
        self.observer.begin("normalising and writing", slices);
        let one_step = part.plan.is_one_step();
        let mut grey: Option<(usize, Vec<Vec<u32>>)> = None;
        let mut batches = (0..slices).step_by(batch);
        loop {
            self.check_interrupt()?;
            let next = batches.next();
            if next.is_none() && grey.is_none() {
                break;
            }
            // As in the sweep before: one batch is written while the next is made.
            let ready = grey.take();
            let written = ready
                .as_ref()
                .map_or(0, |(first, _)| batch.min(slices - first));
            let (made, wrote) = rayon::join(
                || -> Result<_, RunError> {
                    let Some(first) = next else { return Ok(None) };
                    let count = batch.min(slices - first);
                    let mut recorder = Recorder::new(&part, self.input);
                    for channel in 0..self.model.channels.len() {
                        let images = if one_step {
                            None
                        } else {
                            Some(finished.images(channel, first, count)?)
                        };
                        recorder.normalise(channel, images, count * pixels);
                    }
                    let mut recording = std::mem::take(&mut recording);
                    recording.commands.extend(recorder.finish().commands);
                    let ticket = self.backend.submit(recording)?;
                    let pieces = self.backend.wait(ticket)?;
                    Ok(Some((first, joined(pieces, self.model.channels.len()))))
                },
                || -> Result<(), RunError> {
                    let Some((first, grey)) = ready else {
                        return Ok(());
                    };
                    let bytes = batch.min(slices - first) * pixels * grey_bytes;
                    let channels: Vec<&[u8]> = grey
                        .iter()
                        .map(|words| &bytemuck::cast_slice(words)[..bytes])
                        .collect();
                    sink.images(first, &channels).map_err(RunError::Sink)
                },
            );
            wrote?;
            grey = made?;
            self.observer.advance(written);
        }
        self.observer.end();
        Ok(())
    }
}

/// The pieces of each channel in one, where there are several.
fn joined(pieces: Vec<Vec<u32>>, channels: usize) -> Vec<Vec<u32>> {
    let each = pieces.len() / channels.max(1);
    if each <= 1 {
        return pieces;
    }
    pieces.chunks(each).map(<[_]>::concat).collect()
}
