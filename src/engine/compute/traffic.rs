//! How many bytes passes move, and how fast they did.

use super::KernelParams;
use std::collections::BTreeMap;
use std::ops::{Add, AddAssign};
use std::time::Duration;

/// Bytes that a pass must move between memory and the processors, each counted once however often
/// it is used. Left out is what a cache holds (tables, bits of cells) and what depends on the
/// voxels' values (proteins that land somewhere), so that the figure is what no implementation can
/// do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

impl Traffic {
    /// So many words of 32 bits read and written.
    pub const fn words(read: u64, written: u64) -> Self {
        Self {
            read: 4 * read,
            written: 4 * written,
        }
    }

    /// Bytes in both directions.
    pub const fn total(self) -> u64 {
        self.read + self.written
    }
}

impl Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            written: self.written + other.written,
        }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What a dispatch works on: its parameter block, and how long its buffers are.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    params: &'a [u8],
    words: &'a [usize],
}

impl<'a> Extent<'a> {
    /// Of a dispatch with this parameter block, on buffers of so many words in the order of
    /// [`super::Kernel::bindings`].
    pub fn new(params: &'a [u8], words: &'a [usize]) -> Self {
        Self { params, words }
    }

    /// The parameter block.
    pub fn params<P: KernelParams>(&self) -> P {
        bytemuck::pod_read_unaligned(self.params)
    }

    /// Words of a buffer.
    ///
    /// # Panics
    /// When the kernel has no such binding: a defect of the kernel.
    pub fn words(&self, binding: usize) -> u64 {
        self.words[binding] as u64
    }
}

/// What a kernel did, summed over its dispatches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelTime {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// Number of dispatches.
    pub calls: u64,
    /// Bytes that they had to move.
    pub traffic: Traffic,
    /// Time that they took: wall clock on the CPU, timestamps on a GPU. `None` where the GPU has
    /// none.
    pub time: Option<Duration>,
}

impl KernelTime {
    /// Bytes moved per second; `None` where there is no time.
    pub fn bytes_per_second(&self) -> Option<f64> {
        let seconds = self.time?.as_secs_f64();
        (seconds > 0.0).then(|| self.traffic.total() as f64 / seconds)
    }
}

/// A backend's account of its kernels.
#[derive(Debug, Default)]
pub(super) struct KernelStats(BTreeMap<&'static str, KernelTime>);

impl KernelStats {
    fn entry(&mut self, kernel: &'static str) -> &mut KernelTime {
        self.0.entry(kernel).or_insert(KernelTime {
            kernel,
            calls: 0,
            traffic: Traffic::default(),
            time: None,
        })
    }

    /// A dispatch.
    pub(super) fn call(&mut self, kernel: &'static str, traffic: Traffic) {
        let entry = self.entry(kernel);
        entry.calls += 1;
        entry.traffic += traffic;
    }

    /// Time of one or several dispatches.
    pub(super) fn time(&mut self, kernel: &'static str, time: Duration) {
        *self.entry(kernel).time.get_or_insert_default() += time;
    }

    pub(super) fn kernels(&self) -> Vec<KernelTime> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_bytes_and_times_add_up() {
        let mut account = KernelStats::default();
        account.call("filter", Traffic::words(3, 2));
        account.call("filter", Traffic::words(7, 0));
        account.call("bin", Traffic::words(1, 1));
        assert_eq!(account.kernels()[1].bytes_per_second(), None, "no time yet");
        account.time("filter", Duration::from_millis(2));
        account.time("filter", Duration::from_millis(4));
        let [bin, filter] = &account.kernels()[..] else {
            panic!("two kernels");
        };
        assert_eq!((bin.kernel, bin.calls, bin.time), ("bin", 1, None));
        assert_eq!((filter.kernel, filter.calls), ("filter", 2));
        assert_eq!(
            filter.traffic,
            Traffic {
                read: 40,
                written: 8
            }
        );
        assert_eq!(filter.time, Some(Duration::from_millis(6)));
        assert_eq!(filter.bytes_per_second(), Some(8000.0));
    }
}
