//! Outputs about a run beside its volumes.

pub mod quicklook;
pub mod report_html;
