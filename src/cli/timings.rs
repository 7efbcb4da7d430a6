//! Table of `--timings`.

use simexm_gpu::internals::engine::compute::{KernelTime, Traffic};
use std::time::Duration;

/// Writes a line for each pass: calls, time, bytes that it had to move, and bytes moved per second,
/// in decimal units. Passes without a time (adapters without timestamps) show a dash.
pub(super) fn table(passes: &[&KernelTime]) -> Vec<String> {
    let row = |pass: &str, calls: &str, ms: &str, moved: &str, rate: &str| {
        format!("{pass:<16} {calls:>7} {ms:>11} {moved:>11} {rate:>9}")
    };
    let line = |pass: &KernelTime| {
        let or_dash = |value: Option<f64>, digits| {
            value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
        };
        row(
            pass.kernel,
            &pass.calls.to_string(),
            &or_dash(pass.time.map(|time| time.as_secs_f64() * 1e3), 2),
            &format!("{:.3}", pass.traffic.total() as f64 / 1e6),
            &or_dash(pass.bytes_per_second().map(|rate| rate / 1e9), 2),
        )
    };
    let mut sum = KernelTime {
        kernel: "all",
        calls: 0,
        traffic: Traffic::default(),
        time: None,
    };
    for pass in passes {
        sum.calls += pass.calls;
        sum.traffic += pass.traffic;
        if let Some(time) = pass.time {
            *sum.time.get_or_insert(Duration::ZERO) += time;
        }
    }
    let header = row("pass", "calls", "ms", "MB", "GB/s");
    std::iter::once(header)
        .chain(passes.iter().map(|pass| line(pass)))
        .chain([line(&sum)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_decimal_units_and_a_dash_where_nothing_was_measured() {
        let pass = |kernel, time: Option<u64>| KernelTime {
            kernel,
            calls: 3,
            traffic: Traffic {
                read: 1_500_000,
                written: 500_000,
            },
            time: time.map(Duration::from_millis),
        };
        let lines = table(&[&pass("filter", Some(4)), &pass("bin", None)]);
        let cells: Vec<Vec<&str>> = lines
            .iter()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(cells[0], ["pass", "calls", "ms", "MB", "GB/s"]);
        assert_eq!(cells[1], ["filter", "3", "4.00", "2.000", "0.50"]);
        assert_eq!(cells[2], ["bin", "3", "-", "2.000", "-"]);
        assert_eq!(cells[3], ["all", "6", "4.00", "4.000", "1.00"]);
        let width = lines[0].chars().count();
        assert!(
            lines.iter().all(|line| line.chars().count() == width),
            "{lines:#?}"
        );
    }
}
