//! The loop over the steps of a sweep.

use super::{Backend, ComputeError, Recording};
use crate::base::overlap::overlapped;
use std::collections::VecDeque;

/// Sends the recording of each step to the device and hands what it read back on, in order, while
/// the device works on the steps after it: as many at a time as serve it ([`Backend::in_flight`]).
///
/// `turn` is called between steps, with the one whose reads have been consumed meanwhile; it may
/// stop the sweep.
///
/// # Errors
/// Those of the device, and of the closures.
pub fn drive<'r, S: Send + Sync, E: From<ComputeError> + Send>(
    backend: &mut dyn Backend,
    steps: impl IntoIterator<Item = S, IntoIter: Send>,
    mut record: impl FnMut(&S) -> Result<Recording<'r>, E> + Send,
    mut consume: impl FnMut(&S, &[Vec<u32>]) -> Result<(), E> + Send,
    mut turn: impl FnMut(Option<&S>) -> Result<(), E>,
) -> Result<(), E> {
    let mut steps = steps.into_iter().fuse();
    let mut pending = VecDeque::new();
    let driven = overlapped(
        |used: Option<(S, Vec<Vec<u32>>)>| {
            if let Some((_, reads)) = used {
                backend.recycle(reads);
            }
            while pending.len() < backend.in_flight()
                && let Some(step) = steps.next()
            {
                let ticket = backend.submit(record(&step)?)?;
                pending.push_back((step, ticket));
            }
            match pending.pop_front() {
                Some((step, ticket)) => Ok(Some((step, backend.wait(ticket)?))),
                None => Ok(None),
            }
        },
        |(step, reads)| consume(step, reads),
        |used| turn(used.map(|(step, _)| step)),
    );
    // What comes after the sweep has other uses for the memory.
    backend.recycle(Vec::new());
    driven
}
