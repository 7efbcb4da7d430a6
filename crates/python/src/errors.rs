//! Errors of the library as exceptions, with its words.

use pyo3::PyErr;
use pyo3::exceptions::PyKeyboardInterrupt;
use simexm_gpu::error::{ConfigError, LoadError, PhantomError, Problem, SimulationError};
use std::fmt::Display;

pyo3::import_exception!(simexm_gpu._errors, ConfigurationError);
pyo3::import_exception!(simexm_gpu._errors, FileError);
pyo3::import_exception!(simexm_gpu._errors, RunError);

/// The exception of something that the caller has to change.
pub(crate) fn wrong(what: impl Display) -> PyErr {
    ConfigurationError::new_err(what.to_string())
}

/// The exception of something that failed.
pub(crate) fn failed(what: impl Display) -> PyErr {
    RunError::new_err(what.to_string())
}

/// The exception of an error of a run.
pub(crate) fn of_run(error: SimulationError) -> PyErr {
    let text = error.to_string();
    match error {
        SimulationError::Interrupted | SimulationError::Stopped { .. } => {
            PyKeyboardInterrupt::new_err(text)
        }
        SimulationError::Config(error) => of_config(error),
        SimulationError::CountsShape { .. } => wrong(text),
        error if error.is_configuration() => wrong(text),
        SimulationError::Read(_)
        | SimulationError::Load(LoadError::Read(_))
        | SimulationError::Write(_)
        | SimulationError::Journal(_) => FileError::new_err(text),
        _ => failed(text),
    }
}

/// The exception of a configuration that is wrong.
pub(crate) fn of_config(error: ConfigError) -> PyErr {
    match error {
        ConfigError::Unreadable { .. } => FileError::new_err(error.to_string()),
        error => wrong(error),
    }
}

/// The exception of a configuration that is wrong and was never a text: without the places in the
/// one that was made of it.
pub(crate) fn of_tables(error: ConfigError) -> PyErr {
    let ConfigError::Invalid(problems) = error else {
        return of_config(error);
    };
    let line = |problem: &Problem| match problem.position {
        simexm_gpu::config::Position::Override(_) => problem.to_string(),
        _ => format!("{}: {}", problem.file, problem.message),
    };
    let lines: Vec<String> = problems.iter().map(line).collect();
    wrong(lines.join("\n"))
}

/// The exception of the parameters of a phantom.
pub(crate) fn of_phantom(error: PhantomError) -> PyErr {
    match error {
        PhantomError::OutOfMemory { .. } => failed(error),
        error => wrong(error),
    }
}
