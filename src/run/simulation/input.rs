//! The volumes that a run reads, and what their headers say of it.

use super::{SimulationError, Watcher};
use crate::base::volume::{VoxelBox, triple};
use crate::config::{CellsFrom, Config, GroundTruth};
use crate::io::read::{self, CellSource, ReadOptions, Upsampled, VolumeSource};

pub(crate) type OpenVolumes = (CellSource<'static>, Vec<Box<dyn VolumeSource>>, VoxelBox);

/// How the configuration says that the cells are to be read.
fn reading(truth: &GroundTruth) -> ReadOptions {
    ReadOptions {
        format: truth.format,
        ids: truth.ids,
        background: truth.background.clone(),
        series: truth.series,
        channel: truth.channel,
        time: truth.time,
        dataset: truth.dataset.clone(),
        level: truth.level,
    }
}

/// Opens the volumes of cells and annotated regions; returns them with the box that is simulated.
pub(crate) fn open_volumes(config: &Config) -> Result<OpenVolumes, SimulationError> {
    let truth = &config.groundtruth;
    let source = read::open_cells(&truth.image_path, &reading(truth), truth.gt_cells)?;
    let (offset, bounds) = (truth.offset_voxels, truth.bounds_voxels);
    let region = VoxelBox::within(&source.describe(), source.shape(), offset, bounds)?;
    let region = finer(region, truth.upsample)?;
    let mut annotations = Vec::new();
    for (name, volume) in &truth.regions {
        let options = ReadOptions {
            dataset: volume.dataset.clone(),
            level: volume.level,
            ..ReadOptions::default()
        };
        let annotation = read::open_as(&volume.region_path, &options)?;
        check_region(name, annotation.as_ref(), &source)?;
        annotations.push(Upsampled::of(annotation, truth.upsample));
    }
    Ok((source.upsampled(truth.upsample), annotations, region))
}

/// A box of a volume in a grid of so many voxels along (z, x, y) for each of its own.
pub(super) fn finer(region: VoxelBox, parts: [usize; 3]) -> Result<VoxelBox, SimulationError> {
    const MOST: usize = u32::MAX as usize;
    let times = |voxels: [usize; 3]| -> [usize; 3] {
        std::array::from_fn(|axis| voxels[axis].saturating_mul(parts[axis]))
    };
    let (offset, shape) = (times(region.offset), times(region.shape));
    if (0..3).any(|axis| offset[axis].saturating_add(shape[axis]) > MOST) {
        return Err(SimulationError::Unsupported(format!(
            "[groundtruth] upsample makes {} voxels of what is loaded; an axis holds {MOST}",
            triple(shape, " x ")
        )));
    }
    Ok(VoxelBox { offset, shape })
}

/// Fails where a region's volume has another size than that of the cells.
pub(super) fn check_region(
    name: &str,
    region: &dyn VolumeSource,
    cells: &CellSource<'_>,
) -> Result<(), SimulationError> {
    if region.shape() == cells.shape() {
        return Ok(());
    }
    Err(SimulationError::RegionSize {
        name: name.to_owned(),
        found: region.describe(),
        expected: cells.describe(),
    })
}

/// Share by which two sizes of a voxel may differ without a word: files round them.
const ALIKE: f64 = 0.01;

/// What is to be told of the volumes, once someone listens.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    notes: Vec<String>,
    warnings: Vec<String>,
}

impl Settled {
    pub(crate) fn tell(&self, watcher: &mut dyn Watcher) {
        self.notes.iter().for_each(|note| watcher.note(note));
        self.warnings
            .iter()
            .for_each(|warning| watcher.warn(warning));
    }
}

/// Takes what the headers of the cells tell into the configuration, and tells what does not agree.
///
/// # Errors
/// When neither says how large a voxel is.
pub(crate) fn settle(
    config: &mut Config,
    source: &CellSource<'_>,
) -> Result<Settled, SimulationError> {
    let mut settled = Settled::default();
    if config.groundtruth.label == CellsFrom::Components
        && matches!(source, CellSource::Splitted(_))
    {
        return Err(SimulationError::Unsupported(
            "[groundtruth] label = \"components\" takes the cells of one volume apart, but with gt_cells = \"splitted\" each \
             volume is a cell: leave out one of them"
                .to_owned(),
        ));
    }
    for (_, path) in config.inputs() {
        if path.to_str().is_none() {
            settled.warnings.push(format!(
                "{} is no Unicode: the record of the run cannot name it, and will not repeat the run; rename it",
                path.display()
            ));
        }
    }
    let facts = source.facts();
    if facts.is_palette {
        let note = "colours are those of a palette: its indices are the ids";
        settled.notes.push(note.to_owned());
    }
    for note in &facts.notes {
        settled.warnings.push(format!(
            "{}: {note}",
            config.groundtruth.image_path.display()
        ));
    }
    let path = config.groundtruth.image_path.display();
    let told = facts.voxel_nm;
    match (config.groundtruth.voxel_nm, told) {
        (Some(said), told) => {
            let differ = |(said, told): (f64, Option<f64>)| {
                told.is_some_and(|told| (said - told).abs() > ALIKE * said.max(told))
            };
            if std::iter::zip(said, told).any(differ) {
                settled.warnings.push(format!(
                    "{path} says that its voxels measure {} nm (z, x, y), but [groundtruth] voxel_dim is {} nm, which is taken",
                    sizes(told),
                    sizes(said.map(Some))
                ));
            }
        }
        (None, [Some(z), Some(x), Some(y)]) => {
            // Of quotients and units: no more digits than they mean.
            let round = |nm: f64| format!("{nm:.9e}").parse().unwrap_or(nm);
            config.groundtruth.voxel_nm = Some([z, x, y].map(round));
            settled.notes.push(format!(
                "voxels measure {} nm (z, x, y), as the file says",
                sizes([Some(z), Some(x), Some(y)])
            ));
        }
        (None, told) => {
            return Err(SimulationError::NoVoxelSize {
                file: config.groundtruth.image_path.clone(),
                told: match told {
                    [None, None, None] => "does not tell the size of its voxels".to_owned(),
                    told => format!("tells of its voxels only {} nm (z, x, y)", sizes(told)),
                },
            });
        }
    }
    Ok(settled)
}

/// Takes the size of a voxel from the cells' volume, where the configuration leaves it to that.
///
/// # Errors
/// When the volume cannot be opened, or does not tell it.
pub fn take_voxel_size(config: &mut Config) -> Result<(), SimulationError> {
    if config.groundtruth.voxel_nm.is_some() {
        return Ok(());
    }
    let (source, _, _) = open_volumes(config)?;
    settle(config, &source).map(|_| ())
}

/// Sizes along z, x and y as people read them.
fn sizes(nm: [Option<f64>; 3]) -> String {
    let size = |nm: Option<f64>| match nm {
        // Sizes of files are quotients; more digits than these are noise.
        Some(nm) => format!("{}", (nm * 1e4).round() / 1e4),
        None => "?".to_owned(),
    };
    nm.map(size).join(" x ")
}
