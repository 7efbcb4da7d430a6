//! The native part of the Python package `simexm_gpu`: what its modules in `python/` call. They
//! make the arguments ready and name what comes back; here the library is called, without the
//! interpreter's lock, while the thread of the caller listens for Ctrl-C.
//!
//! Axes are (z, x, y) as everywhere: in numpy's words the axes 0, 1 and 2 of an array.

mod arrays;
mod config;
mod errors;
mod facts;
mod pools;
mod read;
mod simulate;
mod tables;
mod watched;

use pyo3::prelude::*;

/// Bytes of point spread functions that are kept for the next simulation of the same optics.
const KEPT_BYTES: usize = 64 << 20;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    simexm_gpu::simulation::keep_kernels(KEPT_BYTES);
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<config::Config>()?;
    module.add_class::<simulate::Device>()?;
    module.add_class::<simulate::Look>()?;
    module.add_function(wrap_pyfunction!(simulate::simulate, module)?)?;
    module.add_function(wrap_pyfunction!(simulate::run, module)?)?;
    module.add_function(wrap_pyfunction!(read::read, module)?)?;
    module.add_function(wrap_pyfunction!(facts::check, module)?)?;
    module.add_function(wrap_pyfunction!(facts::plan, module)?)?;
    module.add_function(wrap_pyfunction!(facts::psf, module)?)?;
    module.add_function(wrap_pyfunction!(facts::fluorophores, module)?)?;
    module.add_function(wrap_pyfunction!(facts::phantom, module)?)?;
    module.add_function(wrap_pyfunction!(facts::devices, module)?)?;
    Ok(())
}
