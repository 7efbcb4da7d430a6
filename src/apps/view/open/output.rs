//! The output of a run, as its record tells.

use super::{Opened, ome_zarr, open_channels, open_planes};
use crate::apps::view::ViewError;
use crate::apps::view::metadata::Metadata;
use crate::apps::view::planes::{Cells, Planes};
use crate::base::colour;
use crate::config::Config;
use crate::io::read::{self, VolumeSource, natural_order};
use crate::io::write::{Content, Target, WriteFormat, writer};
use crate::optics::camera::Camera;
use crate::run::simulation::{RECORD_NAME, brightest_dyes, channel_stems, written_files};
use crate::show::picture::{PixelSize, SampleKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The output folder of a run: a path itself, that of the record which it is, or the only run in
/// the folder which it is.
pub(crate) fn find(path: &Path) -> Option<PathBuf> {
    let is_output = |path: &Path| path.join(RECORD_NAME).is_file();
    if is_output(path) {
        return Some(path.to_owned());
    }
    if path.file_name() == Some(RECORD_NAME.as_ref()) {
        return Some(path.parent().unwrap_or(Path::new("")).to_owned());
    }
    let entries = std::fs::read_dir(path).ok()?.flatten();
    let mut runs = entries
        .map(|entry| entry.path())
        .filter(|path| is_output(path));
    match (runs.next(), runs.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The channels of a run in their colours, with the dyes that they see best, then its ground truth.
pub(super) fn open(folder: &Path) -> Result<Vec<Opened>, ViewError> {
    let config = Config::from_file(&folder.join(RECORD_NAME), &[])?;
    let pixel = pixel_size(&config);
    let format = writer(config.output.format);
    let mut opened = Vec::new();
    if format.format().holds_all {
        for stem in channel_stems(&config) {
            let path = folder.join(format.target(&stem).path());
            opened.extend(ome_zarr::open(&path)?.into_iter().flatten());
        }
    } else {
        let stems = stems(folder, format);
        opened = channels(&stems, &config)?;
        opened.extend(truths(&stems)?);
    }
    if opened.is_empty() {
        return Err(ViewError::NoVolumes {
            folder: folder.to_owned(),
        });
    }
    let dyes = brightest_dyes(folder);
    for volume in &mut opened {
        volume.metadata.pixel = pixel;
        if volume.content == Content::Intensity
            && let Some(dye) = dyes.get(&volume.name)
        {
            volume.name = format!("{} ({dye})", volume.name);
        }
    }
    Ok(opened)
}

/// The volumes of the run that are there and can be read: their names below the folder, and their
/// files or folders.
fn stems(folder: &Path, format: &dyn WriteFormat) -> BTreeMap<String, PathBuf> {
    let mut stems = BTreeMap::new();
    for file in written_files(folder) {
        let parts: Vec<&str> = file.split('/').collect();
        // simulation/VOLUME, or groundtruth/DYE/VOLUME; a volume of many files is a folder.
        let depth = match parts[0] {
            "simulation" => 2,
            "groundtruth" => 3,
            _ => continue,
        };
        let Some(place) = parts.get(..depth) else {
            continue;
        };
        let place: PathBuf = place.iter().collect();
        let (stem, target) = match parts.len() {
            parts if parts == depth => (place.with_extension(""), Target::File(place)),
            _ => (place.clone(), Target::Tree(place)),
        };
        let path = folder.join(target.path());
        if format.target(&stem) == target && read::recognises(&path) {
            stems.insert(slashed(&stem), path);
        }
    }
    stems
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn truths(stems: &BTreeMap<String, PathBuf>) -> Result<Vec<Opened>, ViewError> {
    let mut cells: BTreeMap<&str, Vec<&PathBuf>> = BTreeMap::new();
    for (stem, path) in stems {
        let Some(below) = stem.strip_prefix("groundtruth/") else {
            continue;
        };
        if let Some((dye, _)) = below.split_once('/') {
            cells.entry(dye).or_default().push(path);
        }
    }
    let mut opened = Vec::new();
    for (dye, paths) in cells {
        let Some(&first) = paths.first() else {
            continue;
        };
        let planes: Box<dyn Planes> = if paths.len() == 1 {
            open_planes(first)?.0.planes
        } else {
            let sources: Result<Vec<Box<dyn VolumeSource>>, _> =
                paths.iter().map(|path| read::open(path, None)).collect();
            let sources = sources?;
            let bits = sources.iter().map(|source| source.bits()).max();
            let kind = SampleKind::of_bits(bits.unwrap_or(64));
            Box::new(Cells { sources, kind })
        };
        opened.push(Opened {
            name: format!("{dye} ids"),
            path: first.clone(),
            content: Content::Labels,
            metadata: Metadata::default(),
            planes,
            notes: Vec::new(),
        });
    }
    Ok(opened)
}

/// The channels of a run.
fn channels(stems: &BTreeMap<String, PathBuf>, config: &Config) -> Result<Vec<Opened>, ViewError> {
    let expected = channel_stems(config);
    let expected = expected.iter().map(|stem| slashed(stem));
    let mut paths: Vec<(&str, &PathBuf)> = expected
        .filter_map(|stem| stems.get_key_value(&stem))
        .map(|(stem, path)| (stem.as_str(), path))
        .collect();
    if paths.is_empty() {
        // Of a record of before channels gave files their names; those end in numbers.
        let range = "simulation/".to_owned().."simulation0".to_owned();
        paths.extend(stems.range(range).map(|(stem, path)| (stem.as_str(), path)));
        paths.sort_by(|a, b| natural_order(a.0, b.0));
    }
    let mut opened = Vec::new();
    for (stem, path) in paths {
        let name = stem.trim_start_matches("simulation/").to_owned();
        opened.extend(open_channels(path, name, Some(Content::Intensity))?);
    }
    // Otherwise three are in a file, or some are gone.
    let imaged = config.imaged_channels();
    if opened.len() == imaged.len() {
        for (volume, imaged) in opened.iter_mut().zip(imaged) {
            let (name, channel) = (imaged.name, &config.optics.channels[imaged.channel]);
            volume.name.clone_from(&name);
            if volume.metadata.channels.is_empty() {
                let middle_nm = channel.laser_filter_nm.iter().sum::<f64>() / 2.0;
                let colour = colour::of_wavelength(middle_nm);
                volume.metadata.channels = vec![(name.clone(), colour)];
            }
        }
    }
    Ok(opened)
}

fn pixel_size(config: &Config) -> Option<PixelSize> {
    let voxel_nm = config.groundtruth.voxel_or_nan();
    let (factors, optics) = (config.expansion.factors(), &config.optics);
    let camera = Camera::new(
        voxel_nm,
        factors,
        optics.objective_factor,
        optics.pixel_size_nm,
        optics.focal_plane_depth_nm,
    );
    let gel_nm = config.in_gel(camera.pixel_in_tissue_nm(voxel_nm));
    let sound = gel_nm.iter().all(|nm| nm.is_finite() && *nm > 0.0);
    sound.then_some(PixelSize {
        gel_nm,
        expansion: Some(factors),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_one_run_stands_for_it() {
        let folder = tempfile::tempdir().expect("folder");
        let run = |name: &str| {
            let run = folder.path().join(name);
            std::fs::create_dir(&run).expect("folder");
            std::fs::write(run.join(RECORD_NAME), "").expect("record");
            run
        };
        std::fs::create_dir(folder.path().join("other")).expect("folder");
        assert_eq!(find(folder.path()), None);
        let first = run("first");
        for path in [folder.path(), &first, &first.join(RECORD_NAME)] {
            assert_eq!(find(path).as_deref(), Some(&*first));
        }
        // Of two neither is meant.
        let second = run("second");
        assert_eq!(find(folder.path()), None);
        assert_eq!(find(&second), Some(second));
    }
}
