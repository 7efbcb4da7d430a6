//! One value says everything about a pass.

use super::{Constant, Extent, KernelParams, ParamsLayout, Traffic};
use std::sync::atomic::AtomicU32;

/// A stage of the model; reports group kernels by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Regions of cells.
    Regions,
    /// Proteins.
    Labelling,
    /// Photons that leave the voxels.
    Emission,
    /// Convolution with the point spread function.
    Blur,
    /// Pixels.
    Camera,
    /// Cells at the images' size.
    GroundTruth,
}

impl Stage {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regions => "regions",
            Self::Labelling => "labelling",
            Self::Emission => "emission",
            Self::Blur => "blur",
            Self::Camera => "camera",
            Self::GroundTruth => "ground truth",
        }
    }
}

/// How a kernel uses a buffer it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read.
    Read,
    /// Read and written, perhaps atomically.
    ReadWrite,
}

/// How closely the devices agree on a kernel's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Equal to the bit.
    Exact,
    /// Floating point: equal up to rounding errors of f32.
    Rounding,
    /// Such floating point rounded to whole photons in the first output: equal up to
    /// [`photon_tolerance`].
    WholePhotons,
}

/// The most by which a voxel's photons on two devices may differ, if none holds more than `largest`
/// (docs/model.md section 6).
pub fn photon_tolerance(largest: u32) -> u32 {
    ((5e-7 * f64::from(largest)).ceil() as u32).max(1)
}

/// How the lines of a Fourier transform lie in the memory of a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One line after the other.
    Rows,
    /// Point by point, the lines side by side: at most [`BLOCK`](crate::engine::fft::BLOCK) of
    /// them, a divisor of it.
    Columns,
}

/// Code that is generated for each instance of a kernel, in its [`Variant`](super::Variant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// The transform of lines of some length ([`LineVariant`](crate::engine::fft::LineVariant)).
    Lines(Layout),
    /// The sizes of a point spread function's planes.
    Planes,
    /// The sum along z for the taps of a point spread function.
    Taps,
}

/// How a kernel's threads are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grid {
    /// Linearly, in workgroups of 256. `shaders/shared/dispatch.wgsl` undoes the folding of large
    /// dispatches into two dimensions.
    Linear,
    /// By slice, row and column (z, y and x of `global_invocation_id`): a thread knows its voxel
    /// without a division. A thread takes this many neighbouring rows.
    Voxels(u32),
}

impl Grid {
    /// Threads of a workgroup of any grid.
    pub const THREADS: usize = 256;

    /// Threads of a workgroup.
    pub const fn workgroup(self) -> [u32; 3] {
        match self {
            Self::Linear => [Self::THREADS as u32, 1, 1],
            Self::Voxels(_) => [64, 4, 1],
        }
    }

    /// What the shader must know of it: THREADS of a workgroup and, where threads have a voxel
    /// each, how many of them lie along x and y (THREADS_X, THREADS_Y) and how many ROWS each
    /// takes.
    pub fn constants(self) -> Vec<Constant> {
        let [columns, rows, _] = self.workgroup();
        let threads = Constant::u32("THREADS", columns * rows);
        match self {
            Self::Linear => vec![threads],
            Self::Voxels(rows_of_thread) => vec![
                threads,
                Constant::u32("THREADS_X", rows),
                Constant::u32("THREADS_Y", columns),
                Constant::u32("ROWS", rows_of_thread),
            ],
        }
    }

    /// The workgroups for so many workgroups in line.
    pub fn linear(workgroups: u32) -> [u32; 3] {
        let rows = workgroups.div_ceil(MOST_WORKGROUPS).max(1);
        [workgroups.div_ceil(rows), rows, 1]
    }

    /// The workgroups for voxels of this shape (z, x, y).
    pub fn voxels(self, shape: [usize; 3]) -> [u32; 3] {
        let [columns, threads, slices] = self.workgroup();
        let rows = match self {
            Self::Linear => 1,
            Self::Voxels(rows) => rows,
        };
        let count = |voxels: usize, threads: u32| voxels.div_ceil(threads as usize) as u32;
        [
            count(shape[2], columns),
            count(shape[1], threads * rows),
            count(shape[0], slices),
        ]
    }
}

/// Most workgroups in one dimension of a dispatch that every WebGPU device takes.
pub(crate) const MOST_WORKGROUPS: u32 = 65_535;

/// A pass over the volume: WGSL and its CPU twin.
///
/// The shader's binding 0 is the parameter block (uniform, `params`), bindings 1.. are `bindings`
/// (storage).
#[derive(Debug)]
pub struct Kernel {
    /// Stem of the shader file and of the Rust twin.
    pub name: &'static str,
    /// The stage it belongs to.
    pub stage: Stage,
    /// How its threads are numbered.
    pub grid: Grid,
    /// The WGSL file.
    pub source: &'static str,
    /// The parameter block.
    pub params: ParamsLayout,
    /// Constants that shader and twin share.
    pub constants: &'static [Constant],
    /// What is generated for each instance of it.
    pub generated: &'static [Generated],
    /// What it binds, in order.
    pub bindings: &'static [Access],
    /// Agreement of shader and twin.
    pub agreement: Agreement,
    /// Whether it fills its first output with as many words as `traffic` says it writes. Else it
    /// adds to words that the voxels' values choose, and `traffic` says that it writes none.
    pub fills: bool,
    /// The same pass in Rust.
    pub cpu: fn(&mut CpuCall<'_>),
    /// Bytes that a dispatch must move.
    pub traffic: fn(Extent<'_>) -> Traffic,
}

impl Kernel {
    /// Words of the first output that a dispatch fills; `None` where the voxels' values choose
    /// them.
    pub fn results(&self, extent: Extent<'_>) -> Option<usize> {
        let bytes = || (self.traffic)(extent).written;
        self.fills.then(|| (bytes() / 4) as usize)
    }
}

/// A buffer as a CPU twin sees it.
#[derive(Debug)]
pub enum Bound<'a> {
    /// Bound for reading.
    Read(&'a [u32]),
    /// Bound for writing.
    Write(&'a mut [u32]),
}

impl<'a> Bound<'a> {
    /// The words, read as `T`.
    pub fn read<T: bytemuck::AnyBitPattern>(&self) -> &[T] {
        match self {
            Self::Read(words) => bytemuck::cast_slice(words),
            Self::Write(words) => bytemuck::cast_slice(words),
        }
    }

    /// The words for writing, as `T`.
    ///
    /// # Panics
    /// When the kernel declares the binding as [`Access::Read`]: a defect of the kernel.
    pub fn write<T: bytemuck::Pod>(&mut self) -> &mut [T] {
        match self {
            Self::Read(_) => panic!("a kernel writes a buffer that it declares as read only"),
            Self::Write(words) => bytemuck::cast_slice_mut(words),
        }
    }

    /// The words for atomic adds from many threads.
    ///
    /// # Panics
    /// As [`Bound::write`].
    pub fn atomic(&mut self) -> &[AtomicU32] {
        let words: &mut [u32] = self.write();
        // SAFETY: AtomicU32 has the size, alignment and bit validity of u32, and the exclusive
        // borrow guarantees that nobody else sees the words while the atomic view lives.
        #[allow(unsafe_code)]
        unsafe {
            &*(std::ptr::from_mut(words) as *const [AtomicU32])
        }
    }
}

/// One dispatch, as a CPU twin receives it.
#[derive(Debug)]
pub struct CpuCall<'a> {
    pub(crate) params: &'a [u8],
    pub(crate) buffers: Vec<Bound<'a>>,
}

impl<'a> CpuCall<'a> {
    /// The parameter block.
    pub fn params<P: KernelParams>(&self) -> P {
        bytemuck::pod_read_unaligned(self.params)
    }

    /// The bound buffers, in the order of [`Kernel::bindings`].
    ///
    /// # Panics
    /// When `N` is not the number of bindings: a defect of the kernel.
    pub fn buffers<const N: usize>(&mut self) -> [Bound<'a>; N] {
        let buffers = std::mem::take(&mut self.buffers);
        buffers
            .try_into()
            .unwrap_or_else(|b: Vec<_>| panic!("a kernel takes {N} of its {} bindings", b.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_workgroup_with_little_surplus() {
        for count in [
            1,
            2,
            65_535,
            65_536,
            65_537,
            131_071,
            1 << 24,
            (1 << 24) + 1,
        ] {
            let [x, y, z] = Grid::linear(count);
            assert!(
                x <= MOST_WORKGROUPS && y <= MOST_WORKGROUPS && z == 1,
                "{count}"
            );
            let surplus = u64::from(x) * u64::from(y) - u64::from(count);
            assert!(surplus < u64::from(y), "{count}: {x} x {y}");
        }
    }
}
