//! From paths to a scene.

mod channels;
mod ome_zarr;
mod output;

pub(crate) use output::find as run_folder;

use super::metadata::Metadata;
use super::planes::{ColourFolder, ColourTiff, Grey, Planes};
use super::scene::{Layer, Scene, ViewVolume};
use super::{ViewError, state};
use crate::io::read::{self, InputFormat};
use crate::io::write::Content;
use crate::show::picture::SampleKind;
use channels::{COLOURS, Shown};
use std::path::{Path, PathBuf};

/// Names of the components of a coloured volume, and their colours.
const COMPONENTS: [(&str, [u8; 3]); 3] = [
    ("red", [255, 0, 0]),
    ("green", [0, 255, 0]),
    ("blue", [0, 0, 255]),
];

/// Opens volumes, and output folders of runs: a scene for each size of volume, in the order in
/// which they are named, at least one. Headers and tags are read, no pixel is. The volumes `labels`
/// hold ids; of the others this is guessed: from what the file says, or else by the type, more than
/// 16 bits being ids.
///
/// # Errors
/// See [`ViewError`].
pub fn open(paths: &[PathBuf], labels: &[PathBuf]) -> Result<Vec<Scene>, ViewError> {
    let mut volumes = Vec::new();
    for path in paths {
        if let Some(folder) = output::find(path) {
            volumes.extend(output::open(&folder)?);
        } else {
            volumes.extend(open_volume(path, None)?);
        }
    }
    for path in labels {
        volumes.extend(open_volume(path, Some(Content::Labels))?);
    }
    assemble(volumes, paths.iter().chain(labels))
}

/// A volume on its way into the scene.
struct Opened {
    name: String,
    path: PathBuf,
    planes: Box<dyn Planes>,
    content: Content,
    metadata: Metadata,
    /// What is told of how it is shown.
    notes: Vec<String>,
}

fn open_volume(path: &Path, content: Option<Content>) -> Result<Vec<Opened>, ViewError> {
    if content.is_none()
        && let Some(volumes) = ome_zarr::open(path)?
    {
        return Ok(volumes);
    }
    let name = path.file_stem().unwrap_or(path.as_os_str());
    open_channels(path, name.to_string_lossy().into_owned(), content)
}

/// Opens a volume, or of a composite each of its channels.
fn open_channels(
    path: &Path,
    name: String,
    content: Option<Content>,
) -> Result<Vec<Opened>, ViewError> {
    let metadata = match path.is_file() {
        true => Metadata::of_tiff(path),
        false => Metadata::default(),
    };
    if let Some(opened) = channels::open(path, &name, content, &metadata)? {
        return Ok(opened);
    }
    let (Shown { planes, mut notes }, is_palette) = open_planes(path)?;
    let content = content.or(metadata.content);
    Ok(vec![Opened {
        name,
        path: path.to_owned(),
        content: content.unwrap_or_else(|| channels::guess(&*planes, is_palette, &mut notes)),
        planes,
        metadata,
        notes,
    }])
}

/// Opens a volume, and tells whether its samples are indices of a palette.
fn open_planes(path: &Path) -> Result<(Shown, bool), ViewError> {
    match read::open(path, None) {
        Ok(source) => {
            let is_palette = source.facts().is_palette;
            Ok((channels::volume(path, source)?, is_palette))
        }
        Err(error) => {
            let (planes, notes) = (coloured(path, error)?, Vec::new());
            Ok((Shown { planes, notes }, false))
        }
    }
}

fn grey(source: Box<dyn read::VolumeSource>) -> Box<dyn Planes> {
    let kind = SampleKind::of_bits(source.bits());
    Box::new(Grey { source, kind })
}

/// Opens what the reader of ids refused.
fn coloured(path: &Path, error: read::ReadError) -> Result<Box<dyn Planes>, ViewError> {
    let coloured: Option<Box<dyn Planes>> = if path.is_dir() {
        ColourFolder::open(path)?.map(|planes| Box::new(planes) as Box<dyn Planes>)
    } else if matches!(error, read::ReadError::NotIds { .. }) {
        ColourTiff::open(path)?.map(|planes| Box::new(planes) as Box<dyn Planes>)
    } else {
        None
    };
    coloured.ok_or_else(|| explain(path, error))
}

/// The reader's errors speak of ids.
fn explain(path: &Path, error: read::ReadError) -> ViewError {
    let reason = match &error {
        read::ReadError::NotIds { found, .. } => format!(
            "holds {found}, which is not shown: volumes have whole numbers, 32-bit floating-point numbers, or red, green \
             and blue of 8 or 16 bits"
        ),
        read::ReadError::UnknownFormat { .. } | read::ReadError::Foreign { .. } => format!(
            "is not shown: a volume is {}; a .gif is for web browsers",
            InputFormat::any_volume()
        ),
        _ => return error.into(),
    };
    ViewError::Image {
        path: path.to_owned(),
        reason,
    }
}

fn assemble<'a>(
    opened: Vec<Opened>,
    paths: impl Iterator<Item = &'a PathBuf>,
) -> Result<Vec<Scene>, ViewError> {
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let names: Vec<String> = paths.map(|path| name(path)).collect();
    let title = names.join(", ");
    let mut sizes: Vec<([usize; 3], Vec<Opened>)> = Vec::new();
    for volume in opened {
        let shape = volume.planes.shape();
        match sizes.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, volumes)) => volumes.push(volume),
            None => sizes.push((shape, vec![volume])),
        }
    }
    let alone = sizes.len() == 1;
    let scenes = sizes.into_iter().map(|(shape, volumes)| {
        let mut own: Vec<String> = volumes.iter().map(|volume| name(&volume.path)).collect();
        own.dedup();
        let title = match alone {
            true => title.clone(),
            false => own.join(", "),
        };
        scene(title, shape, volumes)
    });
    let scenes: Vec<Scene> = scenes.collect();
    if scenes.is_empty() {
        return Err(ViewError::Nothing);
    }
    Ok(scenes)
}

/// The scene of volumes of one size.
fn scene(title: String, shape: [usize; 3], opened: Vec<Opened>) -> Scene {
    let pixel = opened.iter().find_map(|volume| volume.metadata.pixel);
    // One grey volume alone is shown in grey.
    let alone = opened.len() == 1;
    let (mut layers, mut volumes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (index, volume) in opened.into_iter().enumerate() {
        let file = volume.path.file_name().unwrap_or(volume.path.as_os_str());
        let file = file.display().to_string();
        notes.extend(volume.notes.iter().map(|note| format!("{file}: {note}")));
        let components = volume.planes.components();
        let own = &volume.metadata.channels;
        for component in 0..components {
            let (name, colour) = match own.get(component) {
                Some((name, _)) if components > 1 => (
                    format!("{}: {name}", volume.name),
                    COMPONENTS[component % 3].1,
                ),
                None if components > 1 => {
                    let (name, colour) = COMPONENTS[component % 3];
                    (format!("{}: {name}", volume.name), colour)
                }
                Some((_, colour)) => (volume.name.clone(), *colour),
                None if alone => (volume.name.clone(), [255; 3]),
                None => (volume.name.clone(), COLOURS[layers.len() % COLOURS.len()]),
            };
            layers.push(Layer {
                name: state::unique(name, &layers),
                volume: index,
                component,
                content: volume.content,
                colour,
            });
        }
        volumes.push(ViewVolume {
            path: volume.path,
            kind: volume.planes.kind(),
            planes: volume.planes,
        });
    }
    Scene {
        title,
        shape,
        volumes,
        layers,
        pixel,
        notes,
    }
}
