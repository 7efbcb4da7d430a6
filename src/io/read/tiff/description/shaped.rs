//! tifffile's own note, the shape of an array as JSON, at the first page of each.

use super::{Axis, AxisKind, Described, Pages, Place, Series};
use serde_json::Value;

const WRITER: &str = "its description by tifffile";

/// An array that the file holds.
struct Array {
    series: Series,
    /// A single plane, which may have been appended to others.
    is_plane: bool,
    shape: Vec<usize>,
}

/// `None` where the note is none.
pub(super) fn read(pages: &mut Pages<'_>) -> Option<Described> {
    let mut arrays: Vec<Array> = Vec::new();
    let mut next = 0;
    while let Some(&page) = pages.full.get(next) {
        let note = note(&(pages.text)(page));
        let Some(shape) = note.as_ref().and_then(shape) else {
            if arrays.is_empty() {
                return None;
            }
            // Pages of another writer, or of a note that was lost.
            let last = arrays.last_mut()?;
            last.series.planes.push(Some(Place::page(page)));
            let planes = last.series.planes.len();
            last.series.axes = vec![Axis::new(AxisKind::Slices, planes)];
            next += 1;
            continue;
        };
        let note = note.unwrap_or_default();
        let axes = axes(&note, &shape);
        let planes = (axes.iter()).try_fold(1usize, |planes, axis| planes.checked_mul(axis.size));
        let announced = planes.unwrap_or(usize::MAX).max(1);
        let room = match note["truncated"] == true && announced > 1 {
            true => (pages.adjoin)(page),
            false => None,
        };
        let held = match room {
            Some(_) => 1,
            None => announced.min(pages.full.len() - next),
        };
        let (places, problem) = match room {
            Some(room) => super::adjoining(WRITER, page, announced, room),
            None => {
                let held = pages.full[next..next + held].iter();
                (held.map(|&page| Some(Place::page(page))).collect(), None)
            }
        };
        // What is there counts where planes were taken out.
        let axes = match places.len() == announced {
            true => axes,
            false => vec![Axis::new(AxisKind::Slices, places.len())],
        };
        arrays.push(Array {
            is_plane: announced == 1,
            series: Series {
                name: name(&note, &shape),
                axes,
                planes: places,
                problem,
                ..Series::default()
            },
            shape,
        });
        next += held;
    }
    let first = arrays.first()?;
    let appended = arrays
        .iter()
        .all(|array| array.is_plane && array.shape == first.shape);
    let series = match appended {
        true => vec![super::whole(pages.full)],
        false => arrays.into_iter().map(|array| array.series).collect(),
    };
    Some(Described {
        writer: WRITER,
        series,
        ..Described::default()
    })
}

fn note(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim_matches(['\0', ' ', '\n'])).ok()
}

fn shape(note: &Value) -> Option<Vec<usize>> {
    let sizes = note["shape"].as_array()?.iter();
    sizes
        .map(|size| usize::try_from(size.as_u64()?).ok())
        .collect()
}

fn name(note: &Value, shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let sizes = sizes.join(" x ");
    match note["name"].as_str() {
        Some(name) => format!("{name:?}, {sizes}"),
        None => sizes,
    }
}

/// The axes of the planes: those before rows and columns.
fn axes(note: &Value, shape: &[usize]) -> Vec<Axis> {
    let letters: Vec<char> = note["axes"].as_str().unwrap_or("").chars().collect();
    let known = letters.len() == shape.len();
    // Samples of a pixel, where there are any, come last.
    let colours = usize::from(known && letters.last() == Some(&'S'));
    let planes = shape.len().saturating_sub(2 + colours);
    let named = shape.iter().take(planes).enumerate();
    named
        .map(
            |(number, &size)| match letters.get(number).filter(|_| known) {
                Some('Z') => Axis::new(AxisKind::Slices, size),
                Some('C') => Axis::new(AxisKind::Channels, size),
                Some('T') => Axis::new(AxisKind::Times, size),
                _ => Axis {
                    name: format!("on axis {number}"),
                    ..Axis::new(AxisKind::Other, size)
                },
            },
        )
        .collect()
}
