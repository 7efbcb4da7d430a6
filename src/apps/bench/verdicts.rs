//! Results of several devices held against each other.

use super::file::{Checksum, DeviceFacts, Equality, RunFacts};

/// What the checksums of a result say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Equal on all devices that have it.
    Equal,
    /// Not equal, but within what rounding may do.
    Within,
    /// Not equal where it must be.
    Unequal,
    /// Further apart than rounding may do.
    Beyond,
}

impl Verdict {
    /// Whether a device is at fault.
    pub fn is_defect(self) -> bool {
        matches!(self, Self::Unequal | Self::Beyond)
    }
}

/// A result on several devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The job.
    pub job: String,
    /// The tissue's size.
    pub size: String,
    /// The stage, or "job".
    pub stage: String,
    /// The result.
    pub result: String,
    /// Whether the devices agree.
    pub verdict: Verdict,
    /// What each device has: a checksum, with the sum for results within rounding.
    pub found: Vec<Option<String>>,
}

/// The results that at least two of these devices have.
pub fn results(devices: &[&DeviceFacts]) -> Vec<Row> {
    let mut keys: Vec<(&RunFacts, &Checksum)> = Vec::new();
    for run in devices.iter().flat_map(|device| &device.runs) {
        for checksum in &run.checksums {
            let known = |(r, c): &(&RunFacts, &Checksum)| same_run(r, run) && same(c, checksum);
            if !keys.iter().any(known) {
                keys.push((run, checksum));
            }
        }
    }
    let mut rows = Vec::new();
    for (run, checksum) in keys {
        let of = |device: &&DeviceFacts| {
            let run = device.runs.iter().find(|r| same_run(r, run))?;
            run.checksums.iter().find(|c| same(c, checksum)).cloned()
        };
        let found: Vec<Option<Checksum>> = devices.iter().map(of).collect();
        let there: Vec<&Checksum> = found.iter().flatten().collect();
        if there.len() < 2 {
            continue;
        }
        let show = |c: &Checksum| match c.sum {
            Some(sum) => format!("{} (sum {sum})", c.crc32),
            None => c.crc32.clone(),
        };
        rows.push(Row {
            job: run.job.clone(),
            size: run.size.clone(),
            stage: checksum.stage.clone(),
            result: checksum.result.clone(),
            verdict: verdict(&there),
            found: found.iter().map(|c| c.as_ref().map(show)).collect(),
        });
    }
    rows
}

fn same_run(a: &RunFacts, b: &RunFacts) -> bool {
    a.job == b.job && a.size == b.size
}

fn same(a: &Checksum, b: &Checksum) -> bool {
    a.stage == b.stage && a.result == b.result
}

fn verdict(found: &[&Checksum]) -> Verdict {
    let equal =
        |pair: &[&Checksum]| pair[0].crc32 == pair[1].crc32 && pair[0].values == pair[1].values;
    if found.windows(2).all(equal) {
        return Verdict::Equal;
    }
    if found.iter().any(|c| c.equality == Equality::Exact) {
        return Verdict::Unequal;
    }
    let sums = || found.iter().map(|c| c.sum.unwrap_or(0));
    let apart = sums().max().unwrap_or(0) - sums().min().unwrap_or(0);
    let bound = found.iter().filter_map(|c| c.sum_bound).max().unwrap_or(0);
    let sizes_differ = found
        .windows(2)
        .any(|pair| pair[0].values != pair[1].values);
    if apart <= bound && !sizes_differ {
        Verdict::Within
    } else {
        Verdict::Beyond
    }
}
