//! The brightest pixels of all tasks, of which grey values are shares.

use super::plan_file::PlanFile;
use super::{ClusterError, Phase, facts};

/// By channel, in the counts of images.
pub(super) struct Scale(pub Vec<u32>);

impl Scale {
    pub(super) fn read(plan: &PlanFile, text: &[u8]) -> Result<Self, ClusterError> {
        facts::read(plan, Phase::Scale, text).map(Self)
    }

    /// Takes a task's.
    ///
    /// # Errors
    /// It tells of another number of channels.
    pub(super) fn add(all: &mut Vec<u32>, own: &[u32]) -> Result<(), String> {
        if all.is_empty() {
            all.resize(own.len(), 0);
        }
        if all.len() != own.len() {
            return Err("tells of another number of channels than the other tasks".to_owned());
        }
        for (most, &own) in all.iter_mut().zip(own) {
            *most = own.max(*most);
        }
        Ok(())
    }
}
