//! The convolution by itself: a volume and a point spread function in, the blurred volume out, by
//! the passes of a run.
//!
//! ```
//! use simexm_gpu::convolution::Convolution;
//! use simexm_gpu::device::Device;
//! use simexm_gpu::psf::{Psf, PsfShape};
//!
//! // A function that is 1 at its centre and 0 around it changes nothing.
//! let psf = Psf::from_fn(PsfShape::symmetric([1; 3]), |z, x, y| f32::from(z + x + y == 0));
//! let mut device = Device::cpu();
//! let mut convolution = Convolution::new(&mut device, &psf, [2, 3, 4])?;
//! let mut photons = vec![0.0; 2 * 3 * 4];
//! photons[5] = 1000.0;
//! let blurred = convolution.run(&photons)?;
//! assert_eq!(blurred[5], 1000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::api::device::Device;
use crate::engine::compute::{ComputeError, KernelTime};
use crate::engine::convolution::{self, ConvolutionError};
use crate::engine::psf::Psf;

/// A convolution of volumes of one shape with one point spread function. The volume goes on beyond
/// its borders as its reflection.
pub struct Convolution<'a> {
    convolution: convolution::Convolution<'a>,
}

impl<'a> Convolution<'a> {
    /// Prepares volumes of `shape` (z, x, y): allocates the device's memory, and brings the
    /// function's spectra there.
    ///
    /// # Errors
    /// An axis is empty, or the device has too little memory or fails.
    pub fn new(
        device: &'a mut Device,
        psf: &Psf,
        shape: [usize; 3],
    ) -> Result<Self, ConvolutionError> {
        let backend = device.backend.as_mut();
        let convolution = convolution::Convolution::new(backend, psf, shape)?;
        Ok(Self { convolution })
    }

    /// Blurs `photons` (z, x, y), y contiguous; returns whole photons in the same order. The volume
    /// goes to the device slab by slab while it works.
    ///
    /// # Errors
    /// The device fails.
    ///
    /// # Panics
    /// There are fewer photons than the convolution's shape has voxels.
    pub fn run(&mut self, photons: &[f32]) -> Result<Vec<u32>, ComputeError> {
        self.convolution.run(photons)
    }

    /// What each pass did so far, of all runs together: calls, bytes and, where the device can
    /// measure it, time.
    pub fn passes(&mut self) -> Vec<KernelTime> {
        self.convolution.backend().kernel_times()
    }
}
