//! What a run computes, against figures of other programs and the text of the model.

mod alignment;
mod detectors;
mod fluorophore;
mod gel;
mod golden_end_to_end;
mod golden_labeling;
mod golden_nearest;
mod golden_regions;
mod layers;
mod library;
mod output_forms;
mod physical;
mod psf;
mod rounds;
mod splitted;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
