//! Facts that no task sees whole, merged from the receipts of a phase for those after it.

use super::plan_file::PlanFile;
use super::receipt::{Flaw, Receipt};
use super::scale::Scale;
use super::status::{missing, ranges};
use super::store::write_whole;
use super::survey::Survey;
use super::{ClusterError, Phase, sealed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::io::ErrorKind;

/// What was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergedFacts {
    /// The voxels of so many cells.
    Cells(usize),
    /// The brightest pixel of each channel, in the counts of images.
    Brightest(Vec<u32>),
}

impl fmt::Display for MergedFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cells(cells) => write!(f, "{cells} cells"),
            Self::Brightest(channels) => {
                write!(f, "the brightest pixels of {} channels", channels.len())
            }
        }
    }
}

/// What tasks of a phase need to know.
#[derive(Default)]
pub(super) struct Facts {
    pub survey: Option<Survey>,
    pub scale: Option<Scale>,
    /// That of [`digest`].
    pub digest: String,
}

impl Facts {
    /// Reads what was merged of the phases before this one.
    pub(super) fn open(plan: &PlanFile, phase: Phase) -> Result<Self, ClusterError> {
        let mut facts = Self::default();
        for before in before(plan, phase) {
            let text = text(plan, before)?;
            match before {
                Phase::Survey => facts.survey = Some(Survey::read(plan, &text)?),
                Phase::Scale => facts.scale = Some(Scale::read(plan, &text)?),
                Phase::Image => {}
            }
            facts.digest.push_str(&short_digest(&text));
        }
        Ok(facts)
    }
}

/// Phases before this one whose facts it needs.
fn before(plan: &PlanFile, phase: Phase) -> impl Iterator<Item = Phase> + use<'_> {
    let earlier = Phase::ALL.into_iter().take_while(move |&one| one != phase);
    earlier.filter(|&one| plan.is_merged(one))
}

/// What tells the facts that tasks of a phase are done with from others; empty where they need
/// none.
pub(super) fn digest(plan: &PlanFile, phase: Phase) -> Result<String, ClusterError> {
    before(plan, phase)
        .map(|phase| Ok(short_digest(&text(plan, phase)?)))
        .collect()
}

/// The first digits of a text's SHA-256.
fn short_digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    let first = digest.iter().take(8);
    first.map(|byte| format!("{byte:02x}")).collect()
}

fn text(plan: &PlanFile, phase: Phase) -> Result<Vec<u8>, ClusterError> {
    let path = plan.folder.merged(phase);
    fs::read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ClusterError::TooEarly(format!(
            "{}: the tasks of the {phase} are not merged yet: `simexm-gpu merge {} {phase}` does it when they are done",
            path.display(),
            plan.folder.root.display()
        )),
        _ => ClusterError::io(&path)(error),
    })
}

/// The form in which facts are kept.
#[derive(Serialize, Deserialize)]
struct Merged<T> {
    plan: String,
    facts: T,
}

/// What is wrong with the merged facts of a phase.
pub(super) fn wrong(plan: &PlanFile, phase: Phase, what: &str) -> ClusterError {
    ClusterError::Refused(format!(
        "{}: {what}: `simexm-gpu merge {} {phase}` makes it anew",
        plan.folder.merged(phase).display(),
        plan.folder.root.display()
    ))
}

/// Reads the facts of a phase.
pub(super) fn read<T: DeserializeOwned>(
    plan: &PlanFile,
    phase: Phase,
    text: &[u8],
) -> Result<T, ClusterError> {
    let merged = sealed::open(text).and_then(|content| {
        serde_json::from_slice::<Merged<T>>(content).map_err(|error| error.to_string())
    });
    let merged =
        merged.map_err(|error| wrong(plan, phase, &format!("is no merged {phase} ({error})")))?;
    match merged.plan == plan.id {
        true => Ok(merged.facts),
        false => Err(wrong(plan, phase, "is of another plan")),
    }
}

/// Merges the receipts of a phase: sums, unions and maxima, so that their order does not matter.
///
/// # Errors
/// A task is missing, or something cannot be read or written.
pub fn merge(plan: &PlanFile, phase: Phase) -> Result<MergedFacts, ClusterError> {
    if !plan.is_merged(phase) {
        return Err(ClusterError::Refused(format!(
            "{}: nothing is to be merged of the phase {phase}: all of it is in the receipts",
            plan.folder.root.display()
        )));
    }
    match phase {
        Phase::Scale => {
            let mut scale = Vec::new();
            gather(plan, phase, |receipt| {
                Scale::add(&mut scale, &receipt.brightest)
            })?;
            write(plan, phase, &scale)?;
            Ok(MergedFacts::Brightest(scale))
        }
        Phase::Survey | Phase::Image => {
            let mut cells = std::collections::BTreeMap::new();
            gather(plan, phase, |receipt| {
                Survey::add(&mut cells, receipt.cells)
            })?;
            let cells: Vec<_> = cells.into_iter().collect();
            write(plan, phase, &cells)?;
            Ok(MergedFacts::Cells(cells.len()))
        }
    }
}

/// Takes the receipts of a phase, one after the other; `take` says what of one fits no other.
fn gather(
    plan: &PlanFile,
    phase: Phase,
    mut take: impl FnMut(Receipt) -> Result<(), String>,
) -> Result<(), ClusterError> {
    let digest = digest(plan, phase)?;
    let mut problems = Vec::new();
    let folder = &plan.folder;
    let mut stale = Vec::new();
    for task in 0..plan.tasks(phase) {
        match Receipt::read(folder, (phase, task), &plan.id)? {
            Ok(receipt) if receipt.facts != digest => stale.push(task..task + 1),
            Ok(receipt) => {
                if let Err(what) = take(receipt) {
                    let path = folder.receipt(phase, task);
                    problems.push(super::receipt::told(&path, &what, phase, task, folder));
                }
            }
            Err(Flaw::Wrong(what)) => problems.push(what),
            Err(Flaw::Missing) => {}
        }
    }
    if !problems.is_empty() {
        return Err(ClusterError::Damaged(problems));
    }
    let mut left = missing(plan, phase)?;
    left.extend(stale);
    if left.is_empty() {
        return Ok(());
    }
    left.sort_unstable_by_key(|range| range.start);
    Err(ClusterError::TooEarly(format!(
        "{}: tasks of the {phase} are missing: {}",
        folder.root.display(),
        ranges(&left)
    )))
}

fn write(plan: &PlanFile, phase: Phase, facts: &impl Serialize) -> Result<(), ClusterError> {
    let merged = Merged {
        plan: plan.id.clone(),
        facts,
    };
    let path = plan.folder.merged(phase);
    write_whole(&plan.folder, &path, &sealed::seal(&merged))
}
