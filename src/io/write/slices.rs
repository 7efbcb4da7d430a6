//! Slices, as many at a time as there are, joined to the pieces that a format stores as one.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::{EncodedPiece, VolumeLayout, VolumeSink, WriteError, WriteFormat};

/// The slices of each piece of a volume.
pub fn pieces(slices: usize, slices_per_piece: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..slices).step_by(slices_per_piece);
    starts.map(move |start| start..slices.min(start + slices_per_piece))
}

/// A volume that takes slices in order, any number at a time, and encodes them on all threads.
pub struct SliceWriter {
    sink: Box<dyn VolumeSink>,
    slices_per_piece: usize,
    slices: usize,
    /// Slices that were given so far.
    given: usize,
    /// Those of them that do not fill a piece yet.
    waiting: Vec<u8>,
}

impl SliceWriter {
    /// Writes to `sink`, a volume of the `format` and `layout`.
    #[must_use]
    pub fn new(sink: Box<dyn VolumeSink>, format: &dyn WriteFormat, layout: &VolumeLayout) -> Self {
        Self {
            sink,
            slices_per_piece: format.format().piece_slices.max(1),
            slices: layout.shape[0],
            given: 0,
            waiting: Vec::new(),
        }
    }

    /// Writes the next `count` slices; `pixels` makes each of them, by its place among these.
    ///
    /// # Errors
    /// As [`VolumeSink::append`] and [`PieceEncoder::encode`](super::PieceEncoder::encode).
    pub fn write<'p>(
        &mut self,
        count: usize,
        pixels: impl Fn(usize) -> Cow<'p, [u8]> + Sync,
    ) -> Result<(), WriteError> {
        let (first, end) = (self.given, self.given + count);
        let slice = |z: usize| pixels(z - first);
        // Slices too many are the sink's to refuse.
        let complete: Vec<_> = pieces(self.slices, self.slices_per_piece)
            .chain((self.slices..end).map(|z| z..z + 1))
            .filter(|piece| first < piece.end && piece.end <= end)
            .map(|piece| piece.start.max(first)..piece.end)
            .collect();
        let encoder = self.sink.encoder();
        if self.slices_per_piece == 1 {
            let encode = |piece: &Range<usize>| encoder.encode(&slice(piece.start));
            let encoded: Vec<EncodedPiece> =
                complete.par_iter().map(encode).collect::<Result<_, _>>()?;
            encoded
                .into_iter()
                .try_for_each(|piece| self.sink.append(piece))?;
        } else {
            // Pieces are large, and their encoders work on all threads.
            for piece in &complete {
                let all = &mut self.waiting;
                piece.clone().for_each(|z| all.extend_from_slice(&slice(z)));
                self.sink.append(encoder.encode(all)?)?;
                // Its pages are those of the next piece.
                self.waiting.clear();
            }
        }
        if let Some(last) = complete.last() {
            self.given = last.end;
        }
        for z in self.given.max(first)..end {
            self.waiting.extend_from_slice(&slice(z));
        }
        self.given = end;
        Ok(())
    }

    /// Completes the volume and brings it to the disk (fsync).
    ///
    /// # Errors
    /// As [`VolumeSink::finish`].
    pub fn finish(self) -> Result<(), WriteError> {
        self.sink.finish()
    }
}
