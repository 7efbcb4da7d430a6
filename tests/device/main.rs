//! One result on every device, and however a run is cut.

mod backends_agree;
mod budgets;
mod determinism;
mod golden_convolve;
mod parity;
mod planned_memory;
mod shaders;
#[path = "../support/mod.rs"]
mod support;
mod tiles;
