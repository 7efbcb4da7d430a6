//! What the ImageDescription of a TIFF file says about its planes: the notes of ImageJ, OME and
//! tifffile.
//!
//! ImageJ's large stacks have one directory, `images=N` in its description, and the pixels of all N
//! slices one after the other behind the first; tifffile writes such files on request. TIFF readers
//! that go by directories see one page.

mod imagej;
mod ome;
mod shaped;

use super::super::error::ImageError;
use super::super::options::ReadOptions;

/// What an axis of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AxisKind {
    Slices,
    Channels,
    Times,
    Other,
}

/// An axis of a file beside the rows and columns of its planes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub kind: AxisKind,
    /// Its name for people, in the plural.
    pub name: String,
    pub size: usize,
}

impl Axis {
    fn new(kind: AxisKind, size: usize) -> Self {
        let name = match kind {
            AxisKind::Slices => "slices",
            AxisKind::Channels => "channels",
            AxisKind::Times => "time points",
            AxisKind::Other => "planes",
        };
        Self {
            kind,
            name: name.to_owned(),
            size,
        }
    }
}

/// Where a plane lies: in a directory, and there behind so many others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub page: usize,
    pub plane: usize,
}

impl Place {
    pub fn page(page: usize) -> Self {
        Self { page, plane: 0 }
    }
}

/// Planes that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series {
    /// Its name and size for people.
    pub name: String,
    /// The axes, the slowest first.
    pub axes: Vec<Axis>,
    /// The planes in the order of the axes; `None` for one that the file lacks.
    pub planes: Vec<Option<Place>>,
    /// Why it is no volume, where that is known already.
    pub problem: Option<String>,
    /// Size of a voxel along z, x and y, as far as it is told.
    pub voxel_nm: [Option<f64>; 3],
}

/// What a file says of its planes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Described {
    /// Who says so.
    pub writer: &'static str,
    pub series: Vec<Series>,
    pub notes: Vec<String>,
}

/// What there is to be described.
pub(super) struct Pages<'a> {
    /// The pages that are no thumbnails.
    pub full: &'a [usize],
    /// Number of directories, thumbnails counted.
    pub all: usize,
    /// Description of each page.
    pub text: &'a mut dyn FnMut(usize) -> String,
    /// How many planes may adjoin in a page, its own counted; `None` where none can follow.
    pub adjoin: &'a mut dyn FnMut(usize) -> Option<u64>,
    /// Pixels per unit along x and y.
    pub per_unit: [Option<f64>; 2],
}

/// Reads the description of a file; the series of what says nothing is all of its pages.
pub(super) fn describe(pages: &mut Pages<'_>) -> Result<Described, ImageError> {
    let first = pages.full.first().copied().unwrap_or(0);
    let text = (pages.text)(first);
    let found = if text.starts_with("ImageJ=") {
        Some(imagej::read(&text, pages))
    } else if text.trim_start().starts_with('{') {
        shaped::read(pages)
    } else if text.contains("OME") && text.trim_start().starts_with('<') {
        ome::read(&text, pages)?
    } else {
        None
    };
    Ok(found.unwrap_or_else(|| Described {
        writer: "the file",
        series: vec![whole(pages.full)],
        ..Described::default()
    }))
}

/// Planes that adjoin in a page. A file that is cut short is no volume.
pub(super) fn adjoining(
    writer: &str,
    page: usize,
    count: usize,
    room: u64,
) -> (Vec<Option<Place>>, Option<String>) {
    if count as u64 <= room {
        let places = (0..count).map(|plane| Some(Place { page, plane }));
        return (places.collect(), None);
    }
    let problem = format!(
        "{writer} announces {count} slices, but the file ends behind the pixels of {room}; it is cut short"
    );
    (Vec::new(), Some(problem))
}

/// All pages as the slices of one volume.
fn whole(pages: &[usize]) -> Series {
    Series {
        name: String::new(),
        axes: vec![Axis::new(AxisKind::Slices, pages.len())],
        planes: pages.iter().map(|&page| Some(Place::page(page))).collect(),
        ..Series::default()
    }
}

/// The planes that are the slices of a volume.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub places: Vec<Place>,
    /// What is to be told of the choice.
    pub notes: Vec<String>,
    /// Size of a voxel along z, x and y, as far as it is told.
    pub voxel_nm: [Option<f64>; 3],
    /// Channels and time points of the series.
    pub several: [usize; 2],
}

/// Chooses the planes that are the slices of the volume.
pub(super) fn select(described: &Described, options: &ReadOptions) -> Result<Selected, ImageError> {
    let mut notes = described.notes.clone();
    let series = one_series(described, options, &mut notes)?;
    if let Some(problem) = &series.problem {
        return Err(ImageError::Unsupported(problem.clone()));
    }
    let writer = described.writer;
    let mut chosen = vec![None; series.axes.len()];
    for (kind, key, wanted) in [
        (AxisKind::Channels, "channel", options.channel),
        (AxisKind::Times, "time", options.time),
    ] {
        let Some(wanted) = wanted else { continue };
        let axis = series.axes.iter().position(|axis| axis.kind == kind);
        let size = axis.map_or(1, |axis| series.axes[axis].size);
        if wanted >= size {
            let name = Axis::new(kind, size).name;
            return Err(ImageError::Unsupported(format!(
                "{key} = {wanted} was given, but by {writer} there are {size} {name}: {key} is from 0 to {}",
                size.saturating_sub(1)
            )));
        }
        if let Some(axis) = axis {
            chosen[axis] = Some(wanted);
        }
    }
    let open = |axis: usize| chosen[axis].is_none() && series.axes[axis].size > 1;
    let long: Vec<usize> = (0..series.axes.len()).filter(|&axis| open(axis)).collect();
    if long.len() > 1 {
        return Err(ImageError::Unsupported(several_axes(writer, series, &long)));
    }
    if let Some(&axis) = long.first() {
        let Axis { kind, name, size } = &series.axes[axis];
        let advice = match kind {
            AxisKind::Channels => "; if they are, channel = 0 reads the first alone",
            AxisKind::Times => {
                "; if they are, time = 0 reads the first alone, and depth means nothing otherwise"
            }
            AxisKind::Slices | AxisKind::Other => "",
        };
        if !advice.is_empty() {
            notes.push(format!(
                "the {size} slices along z are {name} by {writer}{advice}"
            ));
        }
    }
    let mut places = Vec::new();
    let slices = long.first().map_or(1, |&axis| series.axes[axis].size);
    for slice in 0..slices {
        let index = series
            .axes
            .iter()
            .enumerate()
            .fold(0, |index, (axis, Axis { size, .. })| {
                let at = match chosen[axis] {
                    Some(at) => at,
                    None if long.contains(&axis) => slice,
                    None => 0,
                };
                index * size + at
            });
        match series.planes.get(index).copied().flatten() {
            Some(place) => places.push(place),
            None => {
                return Err(ImageError::Unsupported(format!(
                    "{writer} announces {} planes, but this file holds {}; save the whole stack in one file",
                    series.planes.len(),
                    series.planes.iter().flatten().count()
                )));
            }
        }
    }
    let mut voxel_nm = series.voxel_nm;
    if long
        .iter()
        .any(|&axis| series.axes[axis].kind != AxisKind::Slices)
    {
        // The distance of slices, where there are none.
        voxel_nm[0] = None;
    }
    let count = |kind: AxisKind| {
        let axis = series.axes.iter().find(|axis| axis.kind == kind);
        axis.map_or(0, |axis| axis.size)
    };
    Ok(Selected {
        places,
        notes,
        voxel_nm,
        several: [AxisKind::Channels, AxisKind::Times].map(count),
    })
}

fn one_series<'d>(
    described: &'d Described,
    options: &ReadOptions,
    notes: &mut Vec<String>,
) -> Result<&'d Series, ImageError> {
    let count = described.series.len();
    let number = options.series.unwrap_or(0);
    let Some(series) = described.series.get(number) else {
        return Err(ImageError::Unsupported(format!(
            "series = {number} was given, but the file holds {}",
            match count {
                1 => "one: series is 0".to_owned(),
                _ => format!("{count}: series is from 0 to {}", count.saturating_sub(1)),
            }
        )));
    };
    if count > 1 && options.series.is_none() {
        /// Most series that are named.
        const NAMED: usize = 8;
        let others = described.series.iter().enumerate().skip(1).take(NAMED);
        let others: Vec<String> = others
            .map(|(number, series)| format!("series = {number} ({})", series.name))
            .collect();
        let more = match (count - 1).saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!(
            "the file holds {count} series, of which the first is read ({}); the others are {}{more}",
            series.name,
            others.join(", ")
        ));
    }
    Ok(series)
}

fn several_axes(writer: &str, series: &Series, long: &[usize]) -> String {
    let named: Vec<String> = long
        .iter()
        .map(|&axis| format!("{} {}", series.axes[axis].size, series.axes[axis].name))
        .collect();
    let keys: Vec<String> = long
        .iter()
        .filter_map(|&axis| {
            let key = match series.axes[axis].kind {
                AxisKind::Channels => "channel",
                AxisKind::Times => "time",
                _ => return None,
            };
            Some(format!("{key} = 0 to {}", series.axes[axis].size - 1))
        })
        .collect();
    let way_out = match keys.is_empty() {
        true => "save one of them as a stack of its own".to_owned(),
        false => format!("choose by {}", keys.join(" and ")),
    };
    format!(
        "{writer} calls its pages {}; a volume has slices only, one channel of one time point: {way_out}",
        named.join(" x ")
    )
}
