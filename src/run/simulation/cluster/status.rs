//! What is there, told from the names of receipts: none is opened, so that a million take seconds.

use super::plan_file::PlanFile;
use super::{ClusterError, Phase, RECEIPTS_TOGETHER};
use crate::run::simulation::RECORD_NAME;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseStatus {
    /// Its name.
    pub phase: &'static str,
    /// Tasks with a receipt.
    pub done: u64,
    /// All tasks.
    pub tasks: u64,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The plan's id.
    pub id: String,
    /// Phases with tasks, in their order.
    pub phases: Vec<PhaseStatus>,
    /// Phases whose facts are merged.
    pub merged: Vec<&'static str>,
    /// Phases whose facts are to be merged, when their tasks are done.
    pub to_merge: Vec<&'static str>,
    /// Whether the record is written.
    pub finished: bool,
    /// What comes next.
    pub next: String,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan    {}", &self.id[..16])?;
        for PhaseStatus { phase, done, tasks } in &self.phases {
            writeln!(f, "{phase:8}{done} of {tasks} tasks")?;
        }
        let merges = [(&self.merged, "done"), (&self.to_merge, "to be done")];
        for (phases, state) in merges {
            if !phases.is_empty() {
                writeln!(f, "merge   of {} {state}", phases.join(" and "))?;
            }
        }
        write!(f, "next    {}", self.next)
    }
}

/// Tells how far a run is.
///
/// # Errors
/// A folder cannot be listed.
pub fn status(plan: &PlanFile) -> Result<Status, ClusterError> {
    let folder = &plan.folder;
    let mut phases = Vec::new();
    for phase in Phase::ALL {
        let tasks = plan.tasks(phase);
        if tasks > 0 {
            let done = Present::of(plan, phase)?.count();
            let phase = phase.name();
            phases.push(PhaseStatus { phase, done, tasks });
        }
    }
    let merges = Phase::ALL
        .into_iter()
        .filter(|&phase| plan.is_merged(phase));
    let (merged, to_merge): (Vec<Phase>, Vec<Phase>) =
        merges.partition(|&phase| folder.merged(phase).is_file());
    let finished = folder.output().join(RECORD_NAME).is_file();
    let root = folder.root.display();
    let left = |phase: &Phase| {
        let own = phases.iter().find(|own| own.phase == phase.name());
        own.is_some_and(|own| own.done < own.tasks)
    };
    let next = Phase::ALL.into_iter().find_map(|phase| match phase {
        phase if left(&phase) => Some(format!(
            "simexm-gpu task {root} {phase} $(simexm-gpu status {root} --missing {phase})"
        )),
        phase if to_merge.contains(&phase) => Some(format!("simexm-gpu merge {root} {phase}")),
        _ => None,
    });
    let next = next.unwrap_or_else(|| match finished {
        true => format!("simexm-gpu view {}", folder.output().display()),
        false => format!("simexm-gpu finish {root}"),
    });
    let names = |phases: Vec<Phase>| phases.into_iter().map(Phase::name).collect();
    Ok(Status {
        id: plan.id.clone(),
        phases,
        merged: names(merged),
        to_merge: names(to_merge),
        finished,
        next,
    })
}

/// The tasks of a phase that have no receipt, as ranges.
///
/// # Errors
/// A folder cannot be listed.
pub fn missing(plan: &PlanFile, phase: Phase) -> Result<Vec<Range<u64>>, ClusterError> {
    let present = Present::of(plan, phase)?;
    let mut found: Vec<Range<u64>> = Vec::new();
    for task in (0..plan.tasks(phase)).filter(|&task| !present.has(task)) {
        match found.last_mut().filter(|last| last.end == task) {
            Some(last) => last.end += 1,
            None => found.push(task..task + 1),
        }
    }
    Ok(found)
}

/// Ranges as Slurm takes them: 3,17-40.
pub(super) fn ranges(tasks: &[Range<u64>]) -> String {
    let words = tasks.iter().map(|range| match range.end - range.start {
        1 => range.start.to_string(),
        _ => format!("{}-{}", range.start, range.end - 1),
    });
    words.collect::<Vec<_>>().join(",")
}

/// Which tasks have a receipt: a bit for each.
struct Present {
    bits: Vec<u64>,
}

impl Present {
    fn of(plan: &PlanFile, phase: Phase) -> Result<Self, ClusterError> {
        let tasks = plan.tasks(phase);
        let mut bits = vec![0u64; tasks.div_ceil(64) as usize];
        let folder = plan.folder.receipts(phase);
        let entries = |folder: &std::path::Path| match fs::read_dir(folder) {
            Ok(entries) => Ok(Some(entries)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::io(folder)(error)),
        };
        for together in entries(&folder)?.into_iter().flatten() {
            let path = together.map_err(ClusterError::io(&folder))?.path();
            let Some(number) = path
                .file_name()
                .and_then(|name| name.to_str()?.parse::<u64>().ok())
            else {
                continue;
            };
            for entry in entries(&path)?.into_iter().flatten() {
                let name = entry.map_err(ClusterError::io(&path))?.file_name();
                let task = name.to_str().and_then(|name| name.strip_suffix(".json"));
                let Some(task) = task.and_then(|task| task.parse::<u64>().ok()) else {
                    continue;
                };
                if task < tasks && task / RECEIPTS_TOGETHER == number {
                    bits[(task / 64) as usize] |= 1 << (task % 64);
                }
            }
        }
        Ok(Self { bits })
    }

    fn has(&self, task: u64) -> bool {
        self.bits[(task / 64) as usize] >> (task % 64) & 1 == 1
    }

    fn count(&self) -> u64 {
        self.bits
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }
}

/// Missing tasks in the words of a scheduler: by themselves, or the numbers of jobs that do so many
/// tasks each.
#[must_use]
pub fn in_words(tasks: &[Range<u64>], each: u64) -> String {
    let each = each.max(1);
    let mut jobs: Vec<Range<u64>> = Vec::new();
    for range in tasks {
        let job = range.start / each..range.end.div_ceil(each);
        match jobs.last_mut().filter(|last| job.start <= last.end) {
            Some(last) => last.end = last.end.max(job.end),
            None => jobs.push(job),
        }
    }
    ranges(&jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_slurms() {
        assert_eq!(in_words(&[], 1), "");
        assert_eq!(in_words(&[3..4, 17..41, 50..51], 1), "3,17-40,50");
        assert_eq!(in_words(&[3..4, 17..41, 50..51], 10), "0-5");
        assert_eq!(in_words(&[3..4, 57..61], 10), "0,5-6");
    }
}
