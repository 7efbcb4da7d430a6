//! Buffers in which submissions leave what the host is to read.

/// The buffers of one submission; once they have been read they serve another one.
pub(super) struct Slot {
    /// What recordings read.
    pub(super) reads: Option<wgpu::Buffer>,
    /// Where the device has timestamps.
    pub(super) timer: Option<Timer>,
}

impl Slot {
    /// A slot that has no room for reads yet.
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let times = device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        Self {
            reads: None,
            timer: times.then(|| Timer::new(device)),
        }
    }

    /// Bytes that there is room for.
    pub(super) fn bytes(&self) -> u64 {
        self.reads.as_ref().map_or(0, wgpu::Buffer::size)
    }

    /// Makes room for so many bytes.
    pub(super) fn reserve(&mut self, device: &wgpu::Device, bytes: u64) {
        if self.bytes() < bytes {
            // The smaller one goes first.
            self.reads = None;
            self.reads = Some(readable(device, "read back", bytes));
        }
    }
}

/// Timestamps at the start and the end of passes.
pub(super) struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// For the host: 64 bits each.
    pub(super) stamps: wgpu::Buffer,
}

/// Passes that a timer has room for; later ones of a submission are not timed.
const TIMED: usize = (wgpu::QUERY_SET_MAX_QUERIES / 2) as usize;

impl Timer {
    fn new(device: &wgpu::Device) -> Self {
        let bytes = u64::from(wgpu::QUERY_SET_MAX_QUERIES * wgpu::QUERY_SIZE);
        Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("kernel times"),
                ty: wgpu::QueryType::Timestamp,
                count: wgpu::QUERY_SET_MAX_QUERIES,
            }),
            resolved: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: bytes,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            stamps: readable(device, "kernel times", bytes),
        }
    }

    /// Asks for the timestamps of a submission's pass, if there is room for them.
    pub(super) fn writes(&self, pass: usize) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        (pass < TIMED).then(|| wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * pass as u32),
            end_of_pass_write_index: Some(2 * pass as u32 + 1),
        })
    }

    /// Brings the timestamps of the first passes to where the host can read them.
    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder, passes: usize) {
        if passes == 0 {
            return;
        }
        let bytes = stamp_bytes(passes);
        encoder.resolve_query_set(&self.queries, 0..2 * passes as u32, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.stamps, 0, bytes);
    }
}

/// Bytes of the timestamps of so many passes.
pub(super) fn stamp_bytes(passes: usize) -> u64 {
    2 * passes as u64 * u64::from(wgpu::QUERY_SIZE)
}

/// A buffer that the host can map.
fn readable(device: &wgpu::Device, label: &str, bytes: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
