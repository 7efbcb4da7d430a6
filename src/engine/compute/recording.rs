//! Plain commands on logical buffers, apart from the device that runs them.

use super::{Constant, Grid, Kernel, KernelParams};
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

/// A logical buffer of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Buffer(pub usize);

/// A buffer to allocate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferSpec {
    /// What it holds, for plans and errors.
    pub name: String,
    /// Its size in words of 32 bits; at least 1.
    pub words: usize,
}

impl BufferSpec {
    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        (self.words as u64).saturating_mul(4)
    }
}

/// Code generated for one instance of a kernel (a Fourier transform of a given length): it is put
/// behind the kernel's own WGSL, and may import shared files as that does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// WGSL: constants and functions.
    pub code: Arc<str>,
}

impl Variant {
    /// These numbers, and the functions that depend on them.
    pub fn new(constants: &[Constant], functions: &str) -> Self {
        let mut code = String::new();
        for constant in constants {
            let _ = write!(code, "{constant}");
        }
        code.push_str(functions);
        let code = code.into();
        Self { code }
    }
}

/// One command.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Words from the host to `buffer`, from word `at` on.
    Write {
        /// Where to.
        buffer: Buffer,
        /// First word.
        at: usize,
        /// The words.
        data: Cow<'a, [u32]>,
    },
    /// Sets words to 0.
    Clear {
        /// Which buffer.
        buffer: Buffer,
        /// Which words.
        words: Range<usize>,
    },
    /// Runs a kernel.
    Dispatch {
        /// Which.
        kernel: &'static Kernel,
        /// Generated code, if the kernel wants some.
        variant: Option<Variant>,
        /// Its parameter block.
        params: Vec<u8>,
        /// Its buffers, in the order of [`Kernel::bindings`].
        buffers: Vec<Buffer>,
        /// Number of workgroups along each dimension.
        workgroups: [u32; 3],
    },
    /// The first words of a buffer to the start of another.
    Copy {
        /// Where from.
        from: Buffer,
        /// Where to; not the same buffer.
        to: Buffer,
        /// How many.
        words: usize,
    },
    /// Words from `buffer` to the host.
    Read {
        /// Where from.
        buffer: Buffer,
        /// Which words.
        words: Range<usize>,
    },
}

/// Commands in the order in which they take effect.
#[derive(Clone, Debug, Default)]
pub struct Recording<'a> {
    /// The commands.
    pub commands: Vec<Command<'a>>,
}

impl<'a> Recording<'a> {
    /// Records a write of words that the recording owns or borrows.
    pub fn write(&mut self, buffer: Buffer, at: usize, data: impl Into<Cow<'a, [u32]>>) {
        let data = data.into();
        self.commands.push(Command::Write { buffer, at, data });
    }

    /// Records a clear.
    pub fn clear(&mut self, buffer: Buffer, words: Range<usize>) {
        if !words.is_empty() {
            self.commands.push(Command::Clear { buffer, words });
        }
    }

    /// Records a copy of the first words of one buffer to the start of another.
    pub fn copy(&mut self, from: Buffer, to: Buffer, words: usize) {
        self.commands.push(Command::Copy { from, to, words });
    }

    /// Records a read; [`super::Backend::wait`] returns its words in this order.
    pub fn read(&mut self, buffer: Buffer, words: Range<usize>) {
        self.commands.push(Command::Read { buffer, words });
    }

    /// Records a dispatch with one thread for each of `threads` elements.
    pub fn dispatch<P: KernelParams>(
        &mut self,
        kernel: &'static Kernel,
        params: P,
        buffers: &[Buffer],
        threads: usize,
    ) {
        let workgroups = threads.div_ceil(Grid::THREADS);
        self.dispatch_variant(kernel, None, params, buffers, workgroups);
    }

    /// Records a dispatch over the voxels, or pixels, of this shape (z, x, y).
    pub fn dispatch_voxels<P: KernelParams>(
        &mut self,
        kernel: &'static Kernel,
        params: P,
        buffers: &[Buffer],
        shape: [usize; 3],
    ) {
        debug_assert_ne!(kernel.grid, Grid::Linear, "{}", kernel.name);
        self.push(kernel, None, params, buffers, kernel.grid.voxels(shape));
    }

    /// Records a dispatch of this many workgroups, with generated code.
    pub fn dispatch_variant<P: KernelParams>(
        &mut self,
        kernel: &'static Kernel,
        variant: Option<Variant>,
        params: P,
        buffers: &[Buffer],
        workgroups: usize,
    ) {
        debug_assert_eq!(kernel.grid, Grid::Linear, "{}", kernel.name);
        // A buffer holds fewer than 2^32 words, so that no kernel needs more workgroups.
        let workgroups = u32::try_from(workgroups).expect("more workgroups than elements");
        self.push(kernel, variant, params, buffers, Grid::linear(workgroups));
    }

    fn push<P: KernelParams>(
        &mut self,
        kernel: &'static Kernel,
        variant: Option<Variant>,
        params: P,
        buffers: &[Buffer],
        workgroups: [u32; 3],
    ) {
        debug_assert_eq!(P::LAYOUT.name, kernel.params.name);
        debug_assert_eq!(buffers.len(), kernel.bindings.len(), "{}", kernel.name);
        debug_assert_eq!(
            variant.is_none(),
            kernel.generated.is_empty(),
            "{}",
            kernel.name
        );
        if !workgroups.contains(&0) {
            self.commands.push(Command::Dispatch {
                kernel,
                variant,
                params: bytemuck::bytes_of(&params).to_vec(),
                buffers: buffers.to_vec(),
                workgroups,
            });
        }
    }
}
