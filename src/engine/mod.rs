//! The engine: kernels with their CPU twins, the devices that run them, and the order in which
//! slabs pass.

pub mod blocks;
pub mod compute;
pub mod convolution;
pub mod detector;
pub mod fft;
pub mod psf;
pub mod rng;
pub mod schedule;
pub mod stages;
