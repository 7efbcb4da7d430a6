//! Threads of the CPU's work. A pool is kept for the next call of as many threads; two calls at
//! once never share one, so that none waits for the other's work.

use crate::errors;
use parking_lot::Mutex;
use pyo3::PyResult;
use rayon::{ThreadPool, ThreadPoolBuilder};
use simexm_gpu::Config;

/// Pools without work, with the process that they belong to: the threads of a process do not
/// survive its fork.
static IDLE: Mutex<Vec<(u32, ThreadPool)>> = Mutex::new(Vec::new());

/// Most pools that wait for work.
const MOST_IDLE: usize = 16;

/// A pool that belongs to one call, and goes back where it was taken from.
pub(crate) struct Lease(Option<ThreadPool>);

/// A pool of as many threads as a configuration asks for.
///
/// # Errors
/// The system starts no threads.
pub(crate) fn lease(config: Option<&Config>) -> PyResult<Lease> {
    let threads = config.and_then(|config| config.compute.threads);
    let threads = simexm_gpu::device::threads(threads);
    let process = std::process::id();
    let mut idle = IDLE.lock();
    let fits =
        |(of, pool): &(u32, ThreadPool)| *of == process && pool.current_num_threads() == threads;
    if let Some(place) = idle.iter().position(fits) {
        return Ok(Lease(Some(idle.swap_remove(place).1)));
    }
    drop(idle);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(Lease(Some(pool.map_err(errors::failed)?)))
}

impl Lease {
    /// Does work on the pool's threads.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(pool) = self.0.take() else { return };
        let process = std::process::id();
        let mut idle = IDLE.lock();
        // Those of a process before a fork have no threads that could be told to end.
        while let Some(place) = idle.iter().position(|(of, _)| *of != process) {
            std::mem::forget(idle.swap_remove(place));
        }
        if idle.len() < MOST_IDLE {
            idle.push((process, pool));
        }
    }
}
