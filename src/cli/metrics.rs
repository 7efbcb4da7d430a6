//! `simexm-gpu metrics`.

use super::work::print;
use super::{exit, report, tell};
use clap::{Args, ValueHint};
use simexm_gpu::config::{Choice, Metric};
use simexm_gpu::internals::apps::metrics::of_run;
use std::path::PathBuf;

/// Measure a finished run: what its images show of its ground truth.
///
/// Signal to noise and to background, width of membranes, separability of touching cells, how well
/// a simple segmentation does, coverage, crosstalk, dose. Resolution by Fourier ring correlation
/// compares two exposures, which `simexm-gpu sweep` makes. docs/metrics.md defines each.
#[derive(Debug, Args)]
#[command(after_help = "Example: simexm-gpu metrics examples/output/brainbow --json")]
pub(super) struct MetricsArgs {
    /// Output folder of a run
    #[arg(value_hint = ValueHint::DirPath)]
    run: PathBuf,
    /// Metrics to measure, with commas between them; all without it
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = metric)]
    metrics: Vec<Metric>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads the name of a metric.
pub(super) fn metric(text: &str) -> Result<Metric, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Metric::all().into_iter().map(Choice::as_str).collect();
        format!("choose of {}", names.join(", "))
    })
}

/// The metrics that are asked for, each once; all where none is named.
pub(super) fn chosen(named: &[Metric]) -> Vec<Metric> {
    let mut all = Metric::all();
    all.retain(|metric| named.is_empty() || named.contains(metric));
    all
}

/// Measures a run; returns the exit code.
pub(super) fn metrics(args: &MetricsArgs) -> u8 {
    match of_run(&args.run, &chosen(&args.metrics)) {
        Ok(found) => {
            if let Some(warning) = found.warning {
                tell(&format!("warning: {warning}"));
            }
            print(&found, args.json)
        }
        Err(error) => {
            report(&error);
            if error.is_usage() {
                exit::USAGE
            } else {
                exit::FAILED
            }
        }
    }
}
