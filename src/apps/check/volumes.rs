//! The volumes of the ground truth: which are there, and what their headers say.

use super::report::{VolumeFacts, Volumes};
use super::{CheckOptions, Diagnostics};
use crate::base::volume::VoxelBox;
use crate::config::Config;
use crate::io::read::{CellSource, ReadError, VolumeSource, files};
use crate::run::simulation::{SimulationError, Watcher, open_volumes, settle};
use std::path::Path;

/// The cells and the annotated regions.
pub(super) type Sources = (CellSource<'static>, Vec<Box<dyn VolumeSource>>);

/// What headers and configuration say of the ground truth.
pub(super) struct Opened {
    /// All volumes, unless one is missing.
    pub(super) sources: Option<Sources>,
    /// The part that is simulated, where it is known.
    pub(super) region: Option<VoxelBox>,
    /// Size of the whole volume in voxels that are simulated, where it is known.
    shape: Option<[usize; 3]>,
    pub(super) facts: Volumes,
}

impl Opened {
    /// Simulated voxels of the source; where it is not there yet, it ends with the part of it.
    pub(super) fn source_shape(&self, part: VoxelBox) -> [usize; 3] {
        self.shape
            .unwrap_or_else(|| part.ranges().map(|range| range.end))
    }
}

pub(super) fn open(
    config: &mut Config,
    options: CheckOptions,
    told: &mut Diagnostics<'_>,
) -> Result<Opened, SimulationError> {
    let is_missing = |error: &SimulationError| {
        options.no_volumes
            && matches!(
                error,
                SimulationError::Read(ReadError::Missing { .. } | ReadError::NoMatch { .. })
            )
    };
    let (mut sources, mut region, mut cells) = (None, None, None);
    match open_volumes(config) {
        Ok((source, annotations, part)) => {
            settle(config, &source)?.tell(told);
            cells = Some((source.shape(), source.describe()));
            region = Some(part);
            sources = Some((source, annotations));
        }
        Err(error) if is_missing(&error) => {
            // Perhaps only a region is missing.
            let mut alone = config.clone();
            alone.groundtruth.regions.clear();
            match open_volumes(&alone) {
                Ok((source, _, part)) => {
                    settle(config, &source)?.tell(told);
                    cells = Some((source.shape(), source.describe()));
                    region = Some(part);
                }
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(error) => return Err(error),
    }
    let truth = &config.groundtruth;
    let region = region.or_else(|| {
        let times = |voxels: [usize; 3]| -> [usize; 3] {
            std::array::from_fn(|axis| voxels[axis].saturating_mul(truth.upsample[axis]))
        };
        Some(VoxelBox {
            offset: times(truth.offset_voxels),
            shape: times(truth.bounds_voxels?),
        })
    });
    let mut volume = |name: &str, what: &str, path: &Path, description| {
        let found = files(path).iter().any(|file| file.exists());
        if !found {
            told.warn(&format!(
                "{}: there is no such file or folder yet; {what} to be read from there",
                path.display()
            ));
        }
        VolumeFacts {
            name: name.to_owned(),
            path: path.to_owned(),
            found,
            description,
        }
    };
    let description = cells.as_ref().map(|(_, description)| description.clone());
    let cell_facts = volume("cells", "the cells are", &truth.image_path, description);
    let annotations = sources.as_ref().map(|(_, annotations)| annotations);
    let regions = truth.regions.iter().enumerate();
    let regions = regions.map(|(number, (name, region))| {
        let description = annotations.map(|annotations| annotations[number].describe());
        let what = format!("the region {name} is");
        volume(name, &what, &region.region_path, description)
    });
    let regions: Vec<_> = regions.collect();
    let shape = cells.map(|(shape, _)| shape);
    let of_volume = |voxels: [usize; 3]| -> [usize; 3] {
        std::array::from_fn(|axis| voxels[axis] / truth.upsample[axis])
    };
    let size = |voxel_nm: [f64; 3]| {
        region.map(|region| std::array::from_fn(|axis| region.shape[axis] as f64 * voxel_nm[axis]))
    };
    let facts = Volumes {
        cells: cell_facts,
        regions,
        shape_voxels: shape.map(of_volume),
        offset_voxels: truth.offset_voxels,
        loaded_shape_voxels: region.map(|region| of_volume(region.shape)),
        simulated_shape_voxels: region.map(|region| region.shape),
        loaded_tissue_nm: size(truth.voxel_or_nan()),
        loaded_gel_nm: size(config.voxel_in_gel_nm()),
    };
    Ok(Opened {
        sources,
        region,
        shape,
        facts,
    })
}
