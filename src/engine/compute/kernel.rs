//! One value says everything about a pass.

use super::{Extent, Traffic};
use std::sync::atomic::AtomicU32;

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
    /// Threads of a workgroup.
    pub const fn workgroup(self) -> [u32; 3] {
        match self {
            Self::Linear => [256, 1, 1],
            Self::Voxels(_) => [64, 4, 1],
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

/// Name, members (name, WGSL type) and size of a parameter block.
#[derive(Clone, Copy, Debug)]
pub struct ParamsLayout {
    /// Name of the struct, the same in WGSL.
    pub name: &'static str,
    /// Members in order: (name, WGSL type).
    pub fields: &'static [(&'static str, &'static str)],
    /// Size in bytes.
    pub size: usize,
}

/// A block of scalars handed to a kernel; declared by the macro `kernel_params`.
pub trait KernelParams: bytemuck::Pod {
    /// Its layout.
    const LAYOUT: ParamsLayout;
}

/// Declares a parameter block: a `repr(C)` struct of 32-bit scalars that knows its own members, so
/// that a test can compare them with the WGSL struct of the same name.
macro_rules! kernel_params {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ident),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind),* }
        impl $crate::engine::compute::KernelParams for $name {
            const LAYOUT: $crate::engine::compute::ParamsLayout = $crate::engine::compute::ParamsLayout {
                name: stringify!($name),
                fields: &[$((stringify!($field), stringify!($kind))),*],
                size: std::mem::size_of::<$name>(),
            };
        }
    };
}
pub(crate) use kernel_params;

/// A pass over the volume: WGSL and its CPU twin.
///
/// The shader's binding 0 is the parameter block (uniform), bindings 1.. are `bindings` (storage).
#[derive(Debug)]
pub struct Kernel {
    /// Stem of the shader file and of the Rust twin.
    pub name: &'static str,
    /// How its threads are numbered.
    pub grid: Grid,
    /// The WGSL file.
    pub source: &'static str,
    /// The parameter block.
    pub params: ParamsLayout,
    /// What it binds, in order.
    pub bindings: &'static [Access],
    /// Agreement of shader and twin.
    pub agreement: Agreement,
    /// The same pass in Rust.
    pub cpu: fn(&mut CpuCall<'_>),
    /// Bytes that a dispatch must move.
    pub traffic: fn(Extent<'_>) -> Traffic,
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
