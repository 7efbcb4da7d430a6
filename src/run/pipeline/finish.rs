//! The last sweep: grey values.

use super::finished::PendingSlices;
use super::record::Recorder;
use super::{Pipeline, RunError, Sink, check_interrupt};
use crate::base::overlap::overlapped;
use crate::config::Normalization;
use crate::engine::stages::normalise;
use crate::run::plan::Quantisation;

impl Pipeline<'_> {
    /// Makes grey values and hands the images over, where the steps have not done it.
    pub(super) fn finish(
        &mut self,
        maxima: &[u32],
        finished: &PendingSlices<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let quantisation = self.current.plan.quantisation;
        if quantisation == Quantisation::InSteps {
            return Ok(());
        }
        let slices = self.plan.part.images.len();
        self.observer.begin("normalising and writing", slices);
        let thresholds = maxima.iter().map(|&maximum| self.thresholds(maximum));
        let thresholds: Vec<Vec<u32>> = thresholds.collect();
        if quantisation.is_on_host() {
            self.finish_on_host(&thresholds, finished, sink)?;
        } else {
            self.finish_on_device(thresholds.concat(), sink)?;
        }
        self.observer.end();
        Ok(())
    }

    /// The thresholds of a channel's grey values.
    fn thresholds(&self, maximum: u32) -> Vec<u32> {
        let largest = self.model.output.bit_depth.largest();
        match self.model.output.normalize {
            Normalization::Channel => normalise::thresholds(maximum, largest),
            Normalization::None => {
                normalise::photon_thresholds(largest, self.model.counts_per_photon())
            }
        }
    }

    /// The images of a run in one slab, which lie on the device.
    fn finish_on_device(
        &mut self,
        thresholds: Vec<u32>,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let [x, y] = self.plan.part.size();
        let images = self.plan.part.images.clone();
        let slices = images.len();
        let bytes = slices * x * y * self.model.output.grey_bytes();
        let mut recorder = Recorder::new(self.model, self.current, self.input);
        recorder.thresholds(thresholds);
        for channel in 0..self.model.channels.len() {
            recorder.normalise(channel, slices * x * y);
        }
        let ticket = self.backend.submit(recorder.finish())?;
        let grey = self.backend.wait(ticket)?;
        let channels: Vec<&[u8]> = grey
            .iter()
            .map(|words| &bytemuck::cast_slice(words)[..bytes])
            .collect();
        sink.images(images.start, &channels)
            .map_err(RunError::Sink)?;
        self.observer.advance(slices);
        check_interrupt(self.observer)
    }

    /// Images that have waited on the host. One batch is written while the next is made.
    fn finish_on_host(
        &mut self,
        thresholds: &[Vec<u32>],
        finished: &PendingSlices<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), RunError> {
        let images = self.plan.part.images.clone();
        let batch = self.current.plan.batch;
        let end = images.end;
        let count = |first: usize| batch.min(end - first);
        let mut batches = images.step_by(batch).fuse();
        let observer = &mut *self.observer;
        overlapped(
            |used: Option<(usize, Vec<Vec<u8>>)>| {
                let Some(first) = batches.next() else {
                    return Ok(None);
                };
                let mut grey = used.map_or_else(Vec::new, |(_, grey)| grey);
                grey.resize_with(thresholds.len(), Vec::new);
                for (channel, (grey, thresholds)) in grey.iter_mut().zip(thresholds).enumerate() {
                    finished.grey(channel, first, count(first), thresholds, grey)?;
                }
                Ok(Some((first, grey)))
            },
            |(first, grey)| {
                let channels: Vec<&[u8]> = grey.iter().map(Vec::as_slice).collect();
                sink.images(*first, &channels).map_err(RunError::Sink)
            },
            |used| {
                observer.advance(used.map_or(0, |(first, _)| count(*first)));
                check_interrupt(observer)
            },
        )
    }
}
