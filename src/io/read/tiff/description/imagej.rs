//! ImageJ's description: lines of `key=value`.

use super::super::super::units::nanometres;
use super::{Axis, AxisKind, Described, Pages, Place, Series};
use crate::base::text::parse_of_axes;

pub(super) fn read(text: &str, pages: &mut Pages<'_>) -> Described {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_matches([' ', '\t', '\r', '\0']))
    };
    let number = |key: &str| -> Option<usize> { value(key)?.parse().ok() };
    let length = |key: &str| -> Option<f64> {
        let length: f64 = value(key)?.parse().ok()?;
        Some(length.abs()).filter(|length| length.is_finite() && *length > 0.0)
    };
    let images = number("images=").unwrap_or(1).max(1);
    let first = pages.full.first().copied().unwrap_or(0);
    let room = match pages.full {
        [page] if images > 1 => (pages.adjoin)(*page),
        _ => None,
    };
    let (all, mut problem) = match room {
        Some(room) => super::adjoining(WRITER, first, images, room),
        None => (
            pages
                .full
                .iter()
                .map(|&page| Some(Place::page(page)))
                .collect(),
            None,
        ),
    };
    let size = |key: &str| number(key).unwrap_or(1).max(1);
    let (channels, slices, frames) = (size("channels="), size("slices="), size("frames="));
    let product = channels
        .checked_mul(slices)
        .and_then(|planes| planes.checked_mul(frames));
    let long = [channels, slices, frames]
        .iter()
        .filter(|&&size| size > 1)
        .count();
    // Channels vary fastest, time points slowest.
    let mut axes = vec![
        Axis::new(AxisKind::Times, frames),
        Axis::new(AxisKind::Slices, slices),
        Axis::new(AxisKind::Channels, channels),
    ];
    if problem.is_none() && product != Some(all.len()) {
        // What is there counts, whatever the axes say; several long ones cannot be told apart then.
        if long > 1 {
            problem = Some(format!(
                "{WRITER} names {channels} channels x {slices} slices x {frames} time points, but the file holds {} \
                 planes; save it again",
                all.len()
            ));
        }
        let long_axis = axes.iter().position(|axis| axis.size > 1);
        for (number, axis) in axes.iter_mut().enumerate() {
            axis.size = match number == long_axis.unwrap_or(1) {
                true => all.len(),
                false => 1,
            };
        }
    }
    let unit = value("unit=").and_then(nanometres);
    let expansion = expansion(text);
    let size = |per_unit: Option<f64>, axis: usize| Some(unit? / per_unit? / expansion[axis]);
    let z_unit = value("zunit=").map_or(unit, nanometres);
    let spacing = length("spacing=").and_then(|spacing| Some(spacing * z_unit? / expansion[0]));
    Described {
        writer: WRITER,
        series: vec![Series {
            name: String::new(),
            axes,
            planes: all,
            problem,
            voxel_nm: [
                spacing,
                size(pages.per_unit[0], 1),
                size(pages.per_unit[1], 2),
            ],
        }],
        notes: Vec::new(),
    }
}

/// How many times larger the gel of an image is than the tissue along (z, x, y), where a run of
/// simexm-gpu has written it.
fn expansion(text: &str) -> [f64; 3] {
    let told = text.lines().find_map(|line| {
        let (_, factor) = line.split_once("expansion factor ")?;
        parse_of_axes(factor)
    });
    told.unwrap_or([1.0; 3])
}

const WRITER: &str = "its ImageJ description";
