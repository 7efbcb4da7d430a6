//! The channels of a file that tells of several, each as a volume; and what is left out of a file.

use super::{Opened, grey};
use crate::apps::view::ViewError;
use crate::apps::view::metadata::Metadata;
use crate::apps::view::planes::{ColourTiff, Planes};
use crate::io::read::{self, ReadError, ReadOptions, VolumeSource};
use crate::io::write::Content;
use crate::show::picture::SampleKind;
use std::path::Path;

/// Most channels of a file that are shown.
const MOST_CHANNELS: usize = 32;

/// Colours of channels that have none of their own.
pub(super) const COLOURS: [[u8; 3]; 6] = [
    [0, 255, 0],
    [255, 0, 255],
    [0, 170, 255],
    [255, 170, 0],
    [255, 0, 0],
    [255, 255, 0],
];

/// Opens the channels of a file that tells of several, of its first time point; or the first time
/// point of one that has several beside its slices. `None` for all other files, and for what cannot
/// be read so, of which others tell why.
pub(super) fn open(
    path: &Path,
    name: &str,
    content: Option<Content>,
    metadata: &Metadata,
) -> Result<Option<Vec<Opened>>, ViewError> {
    if !path.is_file() {
        return Ok(None);
    }
    let channel = |number: usize| {
        let options = ReadOptions {
            channel: Some(number),
            time: Some(0),
            ..ReadOptions::default()
        };
        read::open_as(path, &options)
    };
    let Ok(first) = channel(0) else {
        return Ok(None);
    };
    let facts = first.facts();
    let (channels, times) = (facts.channels.max(1), facts.times.max(1));
    if channels == 1 && (times == 1 || read::open(path, None).is_ok()) {
        return Ok(None);
    }
    let mut notes = Vec::new();
    if times > 1 {
        notes.push(format!("the first of {times} time points is shown"));
    }
    if channels > MOST_CHANNELS {
        notes.push(format!(
            "the first {MOST_CHANNELS} of {channels} channels are shown"
        ));
    }
    let named = metadata.channels.len() == channels;
    let mut opened = Vec::new();
    let mut failure: Option<ReadError> = None;
    for number in 0..channels.min(MOST_CHANNELS) {
        let source = match channel(number) {
            Ok(source) => source,
            Err(error) => {
                notes.push(format!("channel {number} is not shown: {error}"));
                failure.get_or_insert(error);
                continue;
            }
        };
        let own = match metadata.channels.get(number).filter(|_| named) {
            Some(own) => Some(own.clone()),
            None if channels > 1 => Some((
                format!("{name}: channel {number}"),
                COLOURS[number % COLOURS.len()],
            )),
            None => None,
        };
        let volume = volume(path, source)?;
        for note in volume.notes {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let content = content.or(metadata.content);
        opened.push(Opened {
            name: own.as_ref().map_or(name, |own| &own.0).to_owned(),
            path: path.to_owned(),
            content: content.unwrap_or_else(|| guess(&*volume.planes, false, &mut notes)),
            planes: volume.planes,
            metadata: Metadata {
                channels: own.into_iter().collect(),
                ..metadata.clone()
            },
            notes: Vec::new(),
        });
    }
    match (opened.first_mut(), failure) {
        (None, Some(error)) => Err(error.into()),
        (None, None) => Ok(None),
        (Some(first), _) => {
            first.notes = notes;
            Ok(Some(opened))
        }
    }
}

/// A volume that can be shown.
pub(super) struct Shown {
    pub planes: Box<dyn Planes>,
    /// What is told of it.
    pub notes: Vec<String>,
}

/// Takes what is read: whole numbers, or floating point numbers of pages that are found.
pub(super) fn volume(path: &Path, source: Box<dyn VolumeSource>) -> Result<Shown, ViewError> {
    let facts = source.facts();
    let mut notes = facts.notes;
    if facts.is_float {
        let pages = (0..source.shape()[0]).map(|z| source.slice_page(z));
        let pages: Option<Vec<usize>> = pages.collect();
        let floats = pages.map(|pages| ColourTiff::of_pages(path, pages));
        if let Some(Ok(Some(planes))) = floats
            && planes.shape() == source.shape()
        {
            let planes = Box::new(planes);
            return Ok(Shown { planes, notes });
        }
        notes.push(
            "of floating-point numbers that are no 32-bit TIFF pages, slices of whole ones alone are shown"
                .to_owned(),
        );
    }
    let planes = grey(source);
    Ok(Shown { planes, notes })
}

/// What a volume holds that does not tell: colours of a palette are those of cells, its indices are
/// their ids, and so are numbers of more bits than grey values have.
pub(super) fn guess(planes: &dyn Planes, is_palette: bool, notes: &mut Vec<String>) -> Content {
    let bits = match planes.kind() {
        SampleKind::U32 => 32,
        SampleKind::U64 => 64,
        _ if is_palette => return Content::Labels,
        _ => return Content::Intensity,
    };
    let note =
        format!("numbers of {bits} bits are taken for ids; untick \"ids\" where they are light");
    if !notes.contains(&note) {
        notes.push(note);
    }
    Content::Labels
}
