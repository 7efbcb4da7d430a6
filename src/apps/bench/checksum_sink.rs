//! Checksums of a whole job's results.

use super::checksum::hash_words;
use super::file::{Checksum, Equality};
use crate::engine::compute::photon_tolerance;
use crate::model::Model;
use crate::run::pipeline::{Outcome, Sink, SinkError, TruthSlices};
use crc32fast::Hasher;

/// Name of the job as a whole, in place of a stage's.
pub(super) const JOB: &str = "job";

/// Adds up the results of a run.
pub(super) struct ChecksumSink<'a> {
    model: &'a Model,
    truths: Vec<Sum>,
    channels: Vec<Sum>,
}

#[derive(Clone, Default)]
struct Sum {
    hasher: Hasher,
    values: u64,
    sum: u64,
}

impl Sum {
    fn words(&mut self, words: &[u32]) {
        hash_words(&mut self.hasher, words);
        self.values += words.len() as u64;
    }

    fn crc32(&self) -> String {
        format!("{:08x}", self.hasher.clone().finalize())
    }
}

impl<'a> ChecksumSink<'a> {
    pub(super) fn new(model: &'a Model) -> Self {
        Self {
            model,
            truths: vec![Sum::default(); model.fluorophores.len()],
            channels: vec![Sum::default(); model.channels.len()],
        }
    }

    /// Returns the checksums of the run that had this outcome.
    pub(super) fn checksums(&self, outcome: &Outcome) -> Vec<Checksum> {
        let exact = |result: String, sum: &Sum| Checksum {
            stage: JOB.to_owned(),
            result,
            equality: Equality::Exact,
            values: sum.values,
            crc32: sum.crc32(),
            sum: None,
            sum_bound: None,
        };
        let mut selection = Sum::default();
        selection.words(&outcome.selection.words);
        let mut found = vec![exact("labelled cells".to_owned(), &selection)];
        for (dye, sum) in self.model.fluorophores.iter().zip(&self.truths) {
            found.push(exact(format!("ground truth of {}", dye.name), sum));
        }
        for (channel, sum) in self.model.channels.iter().zip(&self.channels) {
            found.push(Checksum {
                equality: Equality::Rounding,
                sum: Some(sum.sum),
                // Images may differ by one grey level in at most a thousandth of the pixels.
                sum_bound: Some(sum.values.div_ceil(1000)),
                ..exact(format!("image of {}", channel.name), sum)
            });
        }
        let mut maxima = Sum::default();
        maxima.words(&outcome.maxima);
        maxima.sum = outcome.maxima.iter().map(|&m| u64::from(m)).sum();
        found.push(Checksum {
            equality: Equality::Rounding,
            sum: Some(maxima.sum),
            sum_bound: Some(outcome.maxima.iter().map(|&m| self.pixel_bound(m)).sum()),
            ..exact("brightest pixels in photons".to_owned(), &maxima)
        });
        found
    }

    /// Returns the largest difference of a pixel's photons: the sum over the voxels that fall on
    /// it. Where voxels are magnified, few of them meet in a pixel.
    fn pixel_bound(&self, photons: u32) -> u64 {
        const MEETING: u32 = 16;
        let camera = &self.model.camera;
        let voxels = (camera.x.bin() * camera.y.bin()).max(MEETING);
        u64::from(photon_tolerance(photons)) * u64::from(voxels)
    }
}

impl Sink for ChecksumSink<'_> {
    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        if let Some(sum) = self.truths.get_mut(slices.fluorophore) {
            sum.words(slices.cells);
        }
        Ok(())
    }

    fn images(&mut self, _: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        for (sum, grey) in self.channels.iter_mut().zip(channels) {
            // The jobs' images have 8 bits.
            sum.hasher.update(grey);
            sum.values += grey.len() as u64;
            sum.sum += grey.iter().map(|&grey| u64::from(grey)).sum::<u64>();
        }
        Ok(())
    }
}
