//! Plans of the CPU transforms, made once per length.

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftDirection, FftPlanner};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static COMPLEX: LazyLock<Mutex<FftPlanner<f32>>> = LazyLock::new(|| Mutex::new(FftPlanner::new()));
static REAL: LazyLock<Mutex<RealFftPlanner<f32>>> =
    LazyLock::new(|| Mutex::new(RealFftPlanner::new()));

/// The complex transform of one length.
pub(crate) fn complex_plan(length: usize, direction: FftDirection) -> Arc<dyn Fft<f32>> {
    let mut planner = COMPLEX.lock().unwrap_or_else(PoisonError::into_inner);
    planner.plan_fft(length, direction)
}

/// The real transform of one length, and its inverse.
pub(crate) fn real_plans(
    length: usize,
) -> (Arc<dyn RealToComplex<f32>>, Arc<dyn ComplexToReal<f32>>) {
    let mut planner = REAL.lock().unwrap_or_else(PoisonError::into_inner);
    (
        planner.plan_fft_forward(length),
        planner.plan_fft_inverse(length),
    )
}
