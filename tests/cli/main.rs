//! The program, run as its users run it.

mod bench;
mod blank;
mod check;
#[cfg(unix)]
mod cluster;
mod completions;
mod config;
mod faults;
mod fluorophores;
mod gel;
#[cfg(target_os = "linux")]
mod gpu_faults;
mod habits;
mod hostile_files;
mod input;
#[cfg(target_os = "linux")]
mod io_faults;
mod labels;
mod opens;
mod output;
mod plan;
mod process;
mod psf;
#[cfg(unix)]
mod resume;
mod rounds;
mod run;
mod schema;
mod simexm_examples;
#[path = "../support/mod.rs"]
mod support;
mod sweep;
#[cfg(unix)]
mod tissue;
mod view;
