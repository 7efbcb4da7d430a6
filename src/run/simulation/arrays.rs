//! Whole runs on arrays, without files.

use super::crossover::Work;
use super::device::{self, Device};
use super::fallback::DeviceFallback;
use super::input::finer;
use super::look::Look;
use super::truth::{self, CellCode, Cluster, RoundTruth};
use super::{
    Options, SimulationError, Watcher, about_quicklook, check_light, check_region, warnings,
};
use crate::base::volume::VoxelBox;
use crate::config::{Arrangement, Compute, Config, RegionVolume};
use crate::io::read::{ArraySource, CellSource, Upsampled, VolumeSource};
use crate::model::Model;
use crate::run::ground_truth::LoadedVolume;
use crate::run::log::RunLog;
use crate::run::pipeline::{ExpectedSlices, GivenCounts, Input, Sink, SinkError, TruthSlices};
use crate::run::plan::{Budgets, Contents};
use crate::run::store::SpillPolicy;
use ndarray::{Array3, Array4, ArrayView3, Axis, s};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Tissue in memory: cells, annotated regions, and label counts. All volumes have the same shape
/// (z, x, y): x is the row of an image, y its column.
pub struct Tissue<'a> {
    cells: CellSource<'a>,
    regions: BTreeMap<String, Box<dyn VolumeSource + 'a>>,
    counts: BTreeMap<String, ArrayView3<'a, u32>>,
}

impl<'a> Tissue<'a> {
    /// Takes these cells: an id per voxel, 0 is the background.
    pub fn new<T: Copy + Into<u64> + Send + Sync>(cells: ArrayView3<'a, T>) -> Self {
        Self::from(CellSource::Merged(Box::new(ArraySource::new(cells))))
    }

    /// Adds a region that layers may name: the voxels that are not 0 (or true).
    #[must_use]
    pub fn with_region<T: Copy + Into<u64> + Send + Sync>(
        mut self,
        name: &str,
        voxels: ArrayView3<'a, T>,
    ) -> Self {
        let source = Box::new(ArraySource::new(voxels));
        self.regions.insert(name.to_owned(), source);
        self
    }

    /// Adds a region from any source, of the cells' size.
    pub(crate) fn with_region_of(mut self, name: &str, source: Box<dyn VolumeSource + 'a>) -> Self {
        self.regions.insert(name.to_owned(), source);
        self
    }

    /// Adds proteins with a fluorophore, as many per voxel as `counts` says, to those that the
    /// layers put there. The fluorophore need not be one of a layer.
    #[must_use]
    pub fn with_counts(mut self, fluorophore: &str, counts: ArrayView3<'a, u32>) -> Self {
        self.counts.insert(fluorophore.to_owned(), counts);
        self
    }
}

impl<'a> From<CellSource<'a>> for Tissue<'a> {
    /// Takes cells from any source, overlapping ones among them.
    fn from(cells: CellSource<'a>) -> Self {
        Self {
            cells,
            regions: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }
}

/// Image of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelImage {
    /// Name of the channel.
    pub name: String,
    /// Grey values, (z, x, y), from 0 to the largest of the configuration's bit depth; what they
    /// mean `[output] normalize` says.
    pub grey: Array3<u16>,
    /// Expected electrons of light at every pixel, (z, x, y), before noise and detector, where
    /// `[output] expected` asks for them.
    pub expected: Option<Array3<f32>>,
    /// Photons at the brightest pixel; in the model `physical` its grey value.
    pub brightest_pixel_photons: u32,
}

/// Labelled cells of a fluorophore, as an image and as a list.
#[derive(Clone, Debug, PartialEq)]
pub struct GroundTruthImage {
    /// Name of the fluorophore.
    pub fluorophore: String,
    /// Ids of the labelled cells in the part of the cell `[output] gt_region`, at the size of the
    /// images (z, x, y).
    pub cells: Array3<u64>,
    /// Ids of all labelled cells, ascending.
    pub labelled: Vec<u64>,
}

/// Images and ground truth of a run on arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Channels, in the order of their names.
    pub channels: Vec<ChannelImage>,
    /// Ground truth of each fluorophore, in the order of their names.
    pub ground_truth: Vec<GroundTruthImage>,
    /// Barcodes of the cells that have one, in the order of the ids.
    pub codes: Vec<CellCode>,
    /// Clusters of proteins, in the order of layers and voxels.
    pub puncta: Vec<Cluster>,
    /// Displacements by an uneven expansion, (component, z, x, y) at the size of the images, in
    /// voxels: a voxel shows what was so far before it.
    pub displacement: Option<Array4<f32>>,
    /// Where the rounds of imaging but for the first find the gel.
    pub rounds: Vec<RoundTruth>,
    /// Size of a voxel of the images in the expanded gel, (z, x, y), in nm.
    pub voxel_nm: [f64; 3],
    /// Seed that repeats the run.
    pub seed: u64,
    /// Name of the device that computed.
    pub device: String,
    /// What a quick-look of them needs beside their slices.
    #[doc(hidden)]
    pub look: Look,
}

/// Runs a configuration on tissue in memory. No file is read or written: the paths of the
/// configuration are not looked at, and the regions are those of `tissue`. (Large intermediate data
/// go compressed to an unnamed temporary file.) The ground truth is merged. `offset_voxels` and
/// `bounds_voxels` of the configuration cut the tissue, and `upsample` makes finer voxels of it,
/// of which counts of proteins tell nothing.
///
/// # Errors
/// The configuration cannot be simulated ([`SimulationError::is_configuration`]), volumes of
/// `tissue` differ in shape, the volume fits no device, or `watcher` interrupts.
///
/// # Examples
/// ```
/// use ndarray::Array3;
/// use simexm_gpu::config::Config;
/// use simexm_gpu::simulation::{Options, Silent, Tissue, simulate_arrays};
///
/// // Two cells side by side.
/// let cells = Array3::from_shape_fn((4, 32, 32), |(_, x, _)| 1 + u32::from(x >= 16));
/// let mut config = Config::default();
/// config.compute.seed = Some(7);
/// let tissue = Tissue::new(cells.view());
/// let images = simulate_arrays(&config, &tissue, Options::default(), &mut Silent)?;
/// assert_eq!(images.channels.len(), config.optics.channels.len());
/// # Ok::<(), simexm_gpu::error::SimulationError>(())
/// ```
pub fn simulate_arrays(
    config: &Config,
    tissue: &Tissue<'_>,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Images, SimulationError> {
    let prepared = Prepared::new(config, tissue, watcher)?;
    // What the volume holds is not known yet, but hardly counts.
    let contents = Contents {
        cells: 0,
        sheets: 1,
    };
    let work = Work::new(&prepared.model, contents);
    let mut device = device::choose(&config.compute, Some(work), watcher)?;
    prepared.run(&mut device, tissue, options, watcher)
}

/// Device for many runs on arrays: opened once, with its shaders compiled once.
pub struct Simulator {
    device: Device,
}

impl Simulator {
    /// Opens the device that a configuration asks for. Here `auto` is the GPU where there is a
    /// hardware GPU, since over many runs its start counts for nothing, else the CPU.
    ///
    /// # Errors
    /// An adapter is named that is not there or cannot be opened.
    pub fn new(compute: &Compute, watcher: &mut dyn Watcher) -> Result<Self, SimulationError> {
        let device = device::choose(compute, None, watcher)?;
        Ok(Self { device })
    }

    /// Simulates like [`simulate_arrays`], on this device, whatever the configuration says about
    /// one.
    ///
    /// # Errors
    /// As [`simulate_arrays`].
    pub fn simulate(
        &mut self,
        config: &Config,
        tissue: &Tissue<'_>,
        options: Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Images, SimulationError> {
        Prepared::new(config, tissue, watcher)?.run(&mut self.device, tissue, options, watcher)
    }

    /// Simulates like [`Simulator::simulate`]; returns the model beside the images.
    pub(super) fn simulate_with_model(
        &mut self,
        config: &Config,
        tissue: &Tissue<'_>,
        options: Options,
        watcher: &mut dyn Watcher,
    ) -> Result<(Images, Model), SimulationError> {
        let prepared = Prepared::new(config, tissue, watcher)?;
        let images = prepared.run(&mut self.device, tissue, options, watcher)?;
        Ok((images, prepared.model))
    }
}

/// A run on arrays, up to where a device is needed.
struct Prepared {
    config: Config,
    region: VoxelBox,
    model: Model,
}

impl Prepared {
    fn new(
        config: &Config,
        tissue: &Tissue<'_>,
        watcher: &mut dyn Watcher,
    ) -> Result<Self, SimulationError> {
        let mut config = config.clone();
        config.output.gt_cells = Arrangement::Merged;
        let array = || RegionVolume {
            region_path: PathBuf::from("array"),
            ..RegionVolume::default()
        };
        let names = tissue.regions.keys().cloned();
        config.groundtruth.regions = names.map(|name| (name, array())).collect();
        config.validate()?;
        check_light(&config)?;
        let shape = tissue.cells.shape();
        let (offset, bounds) = (
            config.groundtruth.offset_voxels,
            config.groundtruth.bounds_voxels,
        );
        let region = VoxelBox::within(&tissue.cells.describe(), shape, offset, bounds)?;
        let parts = config.groundtruth.upsample;
        if parts != [1; 3] && !tissue.counts.is_empty() {
            return Err(SimulationError::Unsupported(
                "[groundtruth] upsample makes voxels of which counts of proteins tell nothing: give arrays of finer voxels"
                    .to_owned(),
            ));
        }
        if config.groundtruth.background.iter().any(|&id| id != 0) {
            return Err(SimulationError::Unsupported(
                "[groundtruth] background is for volumes in files: in an array set the voxels of the background to 0"
                    .to_owned(),
            ));
        }
        let region = finer(region, parts)?;
        let shape = std::array::from_fn(|axis| shape[axis].saturating_mul(parts[axis]));
        let seed = config.compute.seed.unwrap_or_else(rand::random);
        let counted: Vec<&str> = tissue.counts.keys().map(String::as_str).collect();
        let model = Model::watched(&config, shape, region, seed, &counted, watcher)?;
        Ok(Self {
            config,
            region,
            model,
        })
    }

    fn run(
        &self,
        device: &mut Device,
        tissue: &Tissue<'_>,
        options: Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Images, SimulationError> {
        let Self {
            config,
            region,
            model,
        } = self;
        warnings::before(model, watcher);

        let mut log = RunLog::new(watcher);
        for (name, voxels) in &tissue.regions {
            check_region(name, voxels.as_ref(), &tissue.cells)?;
        }
        let parts = config.groundtruth.upsample;
        let cells = tissue.cells.borrowed().upsampled(parts);
        let annotations = tissue.regions.values().map(|region| {
            let region: Box<dyn VolumeSource> = Box::new(region.as_ref());
            Upsampled::of(region, parts)
        });
        let annotations: Vec<Box<dyn VolumeSource>> = annotations.collect();
        let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
        let folder = std::env::temp_dir();
        let volume = LoadedVolume::load_as(
            &cells,
            &annotations,
            *region,
            config.groundtruth.label,
            SpillPolicy::new(&folder).reading_within(Budgets::of(&config.compute).host_memory()),
            &mut log,
        )?;
        let [z, x, y] = region.ranges();
        let mut counts = ArrayCounts(BTreeMap::new());
        for (dye, given) in &tissue.counts {
            if <[usize; 3]>::from(given.dim()) != tissue.cells.shape() {
                return Err(SimulationError::CountsShape {
                    fluorophore: dye.clone(),
                    found: given.dim().into(),
                    expected: tissue.cells.shape(),
                });
            }
            let dye = model.fluorophores.iter().position(|f| f.name == *dye);
            let given = given.slice(s![z.clone(), x.clone(), y.clone()]);
            counts.0.extend(dye.map(|dye| (dye, given)));
        }
        warnings::of_volume(config, model, &volume, &mut log);
        let fallback = DeviceFallback {
            model,
            input: Input {
                volume: &volume,
                counts: &counts,
                aside: SpillPolicy::new(&folder),
                journal: None,
            },
            options,
            budgets: Budgets::of(&config.compute),
            part: None,
            surveyed: None,
            brightest: None,
            keeps_gpu: false,
        };
        let (outcome, sink) = fallback.run(device, &mut log, |pipeline| {
            let mut sink = ArraySink::new(model, volume.cells.ids());
            let outcome = pipeline.run(&mut sink)?;
            Ok((outcome, sink))
        })?;
        warnings::after(model, &outcome, &[], &mut log);
        let ids = volume.cells.ids();
        let tissue_nm = model
            .camera
            .pixel_in_tissue_nm(config.groundtruth.voxel_or_nan());
        Ok(Images {
            channels: std::iter::zip(&model.channels, outcome.maxima.iter().zip(sink.channels))
                .zip(sink.expected)
                .map(
                    |((channel, (&brightest_pixel_photons, grey)), expected)| ChannelImage {
                        name: channel.name.clone(),
                        grey,
                        expected,
                        brightest_pixel_photons,
                    },
                )
                .collect(),
            ground_truth: std::iter::zip(&model.fluorophores, sink.truths)
                .enumerate()
                .map(|(number, (dye, cells))| GroundTruthImage {
                    fluorophore: dye.name.clone(),
                    cells,
                    labelled: outcome
                        .selection
                        .labelled_with(number)
                        .into_iter()
                        .map(|cell| ids[cell])
                        .collect(),
                })
                .collect(),
            codes: truth::codes(model, &outcome, ids),
            puncta: truth::puncta(model, &outcome, ids),
            displacement: (model.distortion.as_ref())
                .map(|field| truth::displacement(model, field)),
            rounds: truth::rounds(config, model),
            voxel_nm: config.in_gel(tissue_nm),
            seed: model.seed,
            device: device.backend().name().to_owned(),
            look: Look::new(about_quicklook(config, model)),
        })
    }
}

/// Counts that were given, by the fluorophore's index.
struct ArrayCounts<'a>(BTreeMap<usize, ArrayView3<'a, u32>>);

impl GivenCounts for ArrayCounts<'_> {
    fn slice(&self, fluorophore: usize, z: usize) -> Option<Vec<u32>> {
        let counts = self.0.get(&fluorophore)?;
        Some(counts.index_axis(Axis(0), z).iter().copied().collect())
    }
}

/// Sink that collects a run in arrays.
struct ArraySink<'a> {
    ids: &'a [u64],
    channels: Vec<Array3<u16>>,
    expected: Vec<Option<Array3<f32>>>,
    truths: Vec<Array3<u64>>,
    grey_bytes: usize,
}

impl<'a> ArraySink<'a> {
    fn new(model: &Model, ids: &'a [u64]) -> Self {
        let shape = model.image_shape();
        Self {
            ids,
            channels: vec![Array3::zeros(shape); model.channels.len()],
            expected: vec![
                model.output.expected.then(|| Array3::zeros(shape));
                model.channels.len()
            ],
            truths: vec![Array3::zeros(shape); model.fluorophores.len()],
            grey_bytes: model.output.grey_bytes(),
        }
    }
}

impl Sink for ArraySink<'_> {
    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        let mut truth = self.truths[slices.fluorophore].slice_mut(s![slices.first.., .., ..]);
        for (to, &cell) in truth.iter_mut().zip(slices.cells) {
            *to = self.ids[cell as usize];
        }
        Ok(())
    }

    fn expected(&mut self, slices: ExpectedSlices<'_>) -> Result<(), SinkError> {
        if let Some(all) = &mut self.expected[slices.channel] {
            let mut all = all.slice_mut(s![slices.first.., .., ..]);
            for (to, &electrons) in all.iter_mut().zip(slices.electrons) {
                *to = electrons;
            }
        }
        Ok(())
    }

    fn images(&mut self, first: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        for (image, grey) in self.channels.iter_mut().zip(channels) {
            let mut image = image.slice_mut(s![first.., .., ..]);
            let values = grey
                .chunks_exact(self.grey_bytes)
                .map(|bytes| match *bytes {
                    [low, high] => u16::from_ne_bytes([low, high]),
                    _ => bytes.first().copied().map_or(0, u16::from),
                });
            for (to, value) in image.iter_mut().zip(values) {
                *to = value;
            }
        }
        Ok(())
    }
}
