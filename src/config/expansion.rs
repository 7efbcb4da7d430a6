//! `[expansion]`: swelling of the gel.

use serde::Serialize;

use super::kind::{at_least, number};
use super::section::Section;

/// Expansion of the specimen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expansion {
    /// Linear expansion factor, at least 1.
    pub factor: f64,
}

impl Default for Expansion {
    /// Expands 4.5 times, as far as the first gels swell.
    fn default() -> Self {
        Self { factor: 4.5 }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Expansion> {
    Some(Expansion {
        factor: section.required("factor", number(at_least(1.0)))?,
    })
}
