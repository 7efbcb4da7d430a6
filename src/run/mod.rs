//! Runs: plan, ground truth, sweeps, journal, and the outputs about a run.

pub mod error;
pub mod ground_truth;
pub mod journal;
pub mod log;
pub mod outputs;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod simulation;
pub mod store;
pub mod workload;
