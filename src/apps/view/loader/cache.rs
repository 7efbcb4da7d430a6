//! Slices in memory.

use crate::show::picture::Samples;
use std::collections::HashMap;
use std::sync::Arc;

/// The slices that were used last, as many as fit.
pub(super) struct Cache {
    slices: HashMap<(usize, usize), Entry>,
    bytes: u64,
    most: u64,
    clock: u64,
}

struct Entry {
    plane: Arc<Vec<Samples>>,
    bytes: u64,
    used: u64,
}

impl Cache {
    pub(super) fn new(most: u64) -> Self {
        Self {
            slices: HashMap::new(),
            bytes: 0,
            most,
            clock: 0,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    pub(super) fn has(&self, volume: usize, z: usize) -> bool {
        self.slices.contains_key(&(volume, z))
    }

    pub(super) fn get(&mut self, volume: usize, z: usize) -> Option<Arc<Vec<Samples>>> {
        self.clock += 1;
        let entry = self.slices.get_mut(&(volume, z))?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.plane))
    }

    /// Keeps a slice, and forgets those that were not used for the longest time. It is kept even if
    /// it is larger than all that should be.
    pub(super) fn put(&mut self, volume: usize, z: usize, plane: Arc<Vec<Samples>>) {
        let bytes = plane.iter().map(|samples| samples.bytes() as u64).sum();
        self.clock += 1;
        let used = self.clock;
        let entry = Entry { plane, bytes, used };
        self.bytes += bytes;
        if let Some(old) = self.slices.insert((volume, z), entry) {
            self.bytes -= old.bytes;
        }
        while self.bytes > self.most && self.slices.len() > 1 {
            let oldest = self.slices.iter().min_by_key(|(_, entry)| entry.used);
            let Some((&key, _)) = oldest else {
                return;
            };
            if let Some(old) = self.slices.remove(&key) {
                self.bytes -= old.bytes;
            }
        }
    }
}
