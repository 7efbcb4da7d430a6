//! Metrics of a finished run: its images and truth are read from its folder.

use super::{Facts, Metric, MetricsReport, Sizes, Volumes, jitter_warning};
use crate::apps::view::{self, Scene, ViewError};
use crate::base::volume::VoxelBox;
use crate::config::{CellPart, Config};
use crate::io::write::Content;
use crate::model::{Model, ModelError};
use crate::run::simulation::RECORD_NAME;
use ndarray::Array3;
use std::path::{Path, PathBuf};

/// Why a run cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The folder holds no run, or several.
    #[error(
        "{}: holds no single run; name the output folder of one, with its simulation.toml", .0.display()
    )]
    NoRun(PathBuf),
    /// Volumes of the run cannot be read.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The record cannot be simulated.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The run does not hold what is measured.
    #[error("{}: {what}", folder.display())]
    Unfit {
        /// The folder of the run.
        folder: PathBuf,
        /// What is missing, and what would be right.
        what: String,
    },
}

impl MetricsError {
    /// Whether what was asked for is wrong, and not what is read.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(
            self,
            Self::View(ViewError::Read(_) | ViewError::Image { .. })
        )
    }
}

/// Measures the run of a folder. There is one exposure: what compares two is not known.
///
/// # Errors
/// See [`MetricsError`].
pub fn of_run(path: &Path, metrics: &[Metric]) -> Result<MetricsReport, MetricsError> {
    let folder = view::run_folder(path).ok_or_else(|| MetricsError::NoRun(path.to_owned()))?;
    let config = Config::from_file(&folder.join(RECORD_NAME), &[]).map_err(ViewError::from)?;
    let unfit = |what: String| MetricsError::Unfit {
        folder: folder.clone(),
        what,
    };
    if config.output.gt_region != CellPart::Full {
        return Err(unfit(
            "its ground truth shows a part of cells alone, but metrics need whole cells: run it with [output] gt_region = \"full\""
                .to_owned(),
        ));
    }
    let scenes = view::open(std::slice::from_ref(&folder), &[])?;
    let [scene] = &scenes[..] else {
        return Err(unfit(
            "its images and ground truth differ in size".to_owned(),
        ));
    };
    let bounds = config.groundtruth.bounds_voxels;
    let shape = bounds.ok_or_else(|| {
        unfit("its simulation.toml tells no [groundtruth] bounds; run it again".to_owned())
    })?;
    let parts = config.groundtruth.upsample;
    let fine = |voxels: [usize; 3]| std::array::from_fn(|axis| voxels[axis] * parts[axis]);
    let volume = VoxelBox {
        offset: fine(config.groundtruth.offset_voxels),
        shape: fine(shape),
    };
    let model = Model::new(&config, volume, config.compute.seed.unwrap_or(0))?;
    let facts = Facts::new(&config, &model);
    let sizes = Sizes {
        shape: scene.shape,
        channels: facts.channels(),
        dyes: model.fluorophores.len(),
        exposures: 1,
    };
    sizes.fit(metrics, &config).map_err(&unfit)?;
    let (mut greys, mut truths) = (Vec::new(), Vec::new());
    for (number, volume) in scene.volumes.iter().enumerate() {
        let slices = volume.slices()?;
        let layers = scene.layers.iter().filter(|layer| layer.volume == number);
        for layer in layers {
            let samples = || slices.iter().filter_map(|slice| slice.get(layer.component));
            match layer.content {
                Content::Intensity => greys.push(array(scene, || {
                    samples().flat_map(|s| (0..s.len()).map(|at| s.number(at) as f32))
                })),
                Content::Labels => truths.push(array(scene, || {
                    samples().flat_map(|s| (0..s.len()).map(|at| s.id(at)))
                })),
            }
        }
    }
    let (greys, truths): (Option<Vec<_>>, Option<Vec<_>>) =
        (greys.into_iter().collect(), truths.into_iter().collect());
    let (Some(greys), Some(truths)) = (greys, truths) else {
        return Err(unfit("its volumes are cut short".to_owned()));
    };
    let expected = (facts.channels(), model.fluorophores.len());
    if (greys.len(), truths.len()) != expected {
        return Err(unfit(format!(
            "{} channels and the ground truth of {} dyes can be read, but the run has {} and {}; GIFs are for looking at: write \
             TIFFs, NumPy arrays or an OME-Zarr",
            greys.len(),
            truths.len(),
            expected.0,
            expected.1
        )));
    }
    let channels = greys.into_iter().enumerate();
    let volumes = Volumes {
        channels: channels
            .map(|(number, grey)| facts.channel(number, grey, None))
            .collect(),
        truths: facts.truths(truths.into_iter()),
        voxel_nm: facts.voxel_nm,
        membranes: facts.membranes,
        zero: facts.zero,
    };
    Ok(MetricsReport {
        version: env!("CARGO_PKG_VERSION"),
        run: folder.display().to_string(),
        image_shape_pixels: scene.shape,
        pixel_in_tissue_nm: facts.voxel_nm,
        structure: match facts.membranes {
            true => "membrane",
            false => "inside",
        },
        warning: jitter_warning(&config, volumes.voxel_nm),
        measured: volumes.measure(metrics),
    })
}

/// A volume of a scene's size; `None` where there are not as many values.
fn array<T, I: Iterator<Item = T>>(scene: &Scene, values: impl Fn() -> I) -> Option<Array3<T>> {
    Array3::from_shape_vec(scene.shape, values().collect()).ok()
}
