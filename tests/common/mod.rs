//! What the tests share. Every test is a crate of its own and uses a part of it.
#![allow(dead_code)]

use ndarray::Array3;
use simexm_gpu::cells::Selection;
use simexm_gpu::compute::cpu::CpuBackend;
use simexm_gpu::compute::gpu::GpuBackend;
use simexm_gpu::compute::{Backend, Buffer, BufferSpec, Recording};
use simexm_gpu::config::{Config, Override};
use simexm_gpu::ground_truth::LoadedVolume;
use simexm_gpu::io::read::{ArraySource, VolumeSource};
use simexm_gpu::model::Model;
use simexm_gpu::pipeline::{Observer, Pipeline, Sink, SinkError};
use simexm_gpu::plan::Plan;
use simexm_gpu::simulation::fluorophore_names;
use simexm_gpu::volume::Region;
use std::fs::File;
use std::path::{Path, PathBuf};
use tiff::decoder::{Decoder, DecodingResult, Limits};

/// Any adapter, a software one too. Without one the caller has nothing to test, which one line says; where
/// `SIMEXM_GPU=require` promises an adapter, its absence fails the test.
pub fn gpu() -> Option<GpuBackend> {
    match GpuBackend::open(None, true) {
        Ok(backend) => Some(backend),
        Err(error) if std::env::var("SIMEXM_GPU").is_ok_and(|value| value == "require") => {
            panic!("SIMEXM_GPU=require, but: {error}")
        }
        Err(error) => {
            eprintln!("skipped: no GPU adapter ({error})");
            None
        }
    }
}

/// The CPU, with memory for any test.
pub fn cpu() -> CpuBackend {
    CpuBackend::new(4 << 30)
}

/// The CPU, and the GPU where there is one.
pub fn backends() -> Vec<Box<dyn Backend>> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(cpu())];
    if let Some(gpu) = gpu() {
        backends.push(Box::new(gpu));
    }
    backends
}

/// Buffers of these sizes in words, filled with a pattern that no kernel may rely on.
pub fn allocate<const N: usize>(backend: &mut dyn Backend, words: [usize; N]) -> [Buffer; N] {
    allocate_words(backend, &words);
    std::array::from_fn(Buffer)
}

/// As [`allocate`], for any number of buffers.
pub fn allocate_words(backend: &mut dyn Backend, words: &[usize]) -> Vec<Buffer> {
    let spec = |(number, &words): (usize, &usize)| BufferSpec {
        name: format!("buffer {number}"),
        words: words.max(1),
    };
    let specs: Vec<BufferSpec> = words.iter().enumerate().map(spec).collect();
    backend.allocate(&specs, true).unwrap();
    (0..words.len()).map(Buffer).collect()
}

/// Runs a recording and returns what it reads.
pub fn execute(backend: &mut dyn Backend, recording: Recording) -> Vec<Vec<u32>> {
    let ticket = backend.submit(recording).unwrap();
    backend.wait(ticket).unwrap()
}

/// A file in tests/data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// A TIFF stack of any type as f64, which holds all 32-bit integers exactly: shape (z, x, y) and pixels.
pub fn read_tiff(path: &Path) -> ([usize; 3], Vec<f64>) {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(file).unwrap().with_limits(Limits::unlimited());
    let (columns, rows) = decoder.dimensions().unwrap();
    let mut pixels: Vec<f64> = Vec::new();
    let mut slices = 0;
    loop {
        match decoder.read_image().unwrap() {
            DecodingResult::U8(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::U16(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::U32(page) => pixels.extend(page.into_iter().map(f64::from)),
            DecodingResult::F64(page) => pixels.extend(page),
            _ => panic!("{}: pixels of another type", path.display()),
        }
        slices += 1;
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().unwrap();
    }
    let shape = [slices, rows as usize, columns as usize];
    assert_eq!(pixels.len(), shape.iter().product::<usize>());
    (shape, pixels)
}

/// A TIFF stack of ids, counts or grey values in tests/data.
pub fn read_counts(name: &str) -> ([usize; 3], Vec<u32>) {
    let (shape, pixels) = read_tiff(&data(name));
    (
        shape,
        pixels.into_iter().map(|value| value as u32).collect(),
    )
}

/// A configuration that is complete but for the layers: isotropic voxels of 40 nm, one channel without light,
/// a camera whose pixels are the voxels and which keeps every slice.
const CONFIGURATION: &str = r#"
[groundtruth]
image_path = "none.tif"
isotropic = true
voxel_dim = [40, 40, 40]
[expansion]
factor = 1
[optics]
type = "widefield"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 40
objective_back_aperture = 1
exposure_time = 0
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 1
pixel_size = 40
pinhole_radius = 50
baseline_noise = 0
[optics.channels.c1]
laser_wavelength = 425
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 550]
[output]
name = "test"
path = "."
"#;

/// The configuration above with entries of the form `section.key=value` put in.
pub fn config(entries: &[&str]) -> Config {
    let overrides: Vec<Override> = entries.iter().map(|e| e.parse().unwrap()).collect();
    let names = fluorophore_names();
    Config::from_toml_str(CONFIGURATION, "test", Path::new("."), &names, &overrides)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A whole volume as a region.
pub fn whole(shape: [usize; 3]) -> Region {
    Region {
        offset: [0; 3],
        shape,
    }
}

/// The results of a run in memory, intermediate ones too. Volumes are (z, x, y).
pub struct Run {
    pub model: Model,
    pub selection: Selection,
    /// Ids of the volume, 0 first: what the indices in `truth` stand for.
    pub ids: Vec<u64>,
    /// Indices of cells in the ground truth of each fluorophore.
    pub truth: Vec<Vec<u32>>,
    /// Grey values of each channel.
    pub grey: Vec<Vec<u8>>,
    /// Proteins of each fluorophore.
    pub counts: Vec<Vec<u32>>,
    /// Emission of the last fluorophore in the last channel.
    pub emission: Vec<f32>,
    /// Photons on the camera's pixels in each channel.
    pub images: Vec<Vec<u32>>,
}

impl Run {
    /// Ids of the cells that a fluorophore labels.
    pub fn labelled(&self, fluorophore: usize) -> Vec<u64> {
        let cells = self.selection.labelled_with(fluorophore);
        cells.into_iter().map(|cell| self.ids[cell]).collect()
    }
}

/// Runs a configuration over a part of a volume in memory, as one slab.
pub fn simulate(
    config: &Config,
    labels: &Array3<u32>,
    region: Region,
    seed: u64,
    backend: &mut dyn Backend,
) -> Run {
    let source = ArraySource::new(labels.view());
    simulate_source(config, &source, region, seed, backend)
}

/// As [`simulate`], from any source.
pub fn simulate_source(
    config: &Config,
    source: &dyn VolumeSource,
    region: Region,
    seed: u64,
    backend: &mut dyn Backend,
) -> Run {
    let mut nobody = Nobody;
    let folder = std::env::temp_dir();
    let volume = LoadedVolume::load(source, &[], region, &folder, &mut nobody).unwrap();
    let model = Model::new(config, region, seed).unwrap();
    let depth = region.shape[0];
    let limits = backend.limits().clone();
    let plan = Plan::new(&model, volume.cells.len(), volume.sheets(), &limits, depth).unwrap();
    assert!(plan.is_one_step(), "the test's volume is too large");
    let mut sink = Collect {
        truth: vec![Vec::new(); model.fluorophores.len()],
        grey: vec![Vec::new(); model.channels.len()],
    };
    let pipeline = Pipeline::new(&model, &plan, &volume, backend, &mut nobody, &folder, true);
    let outcome = pipeline.unwrap().run(&mut sink).unwrap();
    // In a run of one step the buffers still hold everything.
    let b = &plan.buffers;
    let (voxels, pixels) = (region.voxels(), model.image_shape().iter().product());
    let mut recording = Recording::default();
    for &counts in &b.counts {
        recording.read(counts, 0..voxels);
    }
    recording.read(b.emission, 0..voxels);
    for &image in &b.images {
        recording.read(image, 0..pixels);
    }
    let mut counts = execute(backend, recording);
    let mut images = counts.split_off(b.counts.len());
    let emission = bytemuck::cast_vec(images.remove(0));
    let ids = volume.cells.ids().to_vec();
    Run {
        selection: outcome.selection,
        ids,
        truth: sink.truth,
        grey: sink.grey,
        counts,
        emission,
        images,
        model,
    }
}

/// Keeps what a run hands over.
struct Collect {
    truth: Vec<Vec<u32>>,
    grey: Vec<Vec<u8>>,
}

impl Sink for Collect {
    fn truth(&mut self, fluorophore: usize, _: usize, cells: &[u32]) -> Result<(), SinkError> {
        self.truth[fluorophore].extend(cells);
        Ok(())
    }

    fn images(&mut self, _: usize, channels: &[Vec<u8>]) -> Result<(), SinkError> {
        for (all, grey) in self.grey.iter_mut().zip(channels) {
            all.extend(grey);
        }
        Ok(())
    }
}

/// Does not watch.
pub struct Nobody;

impl Observer for Nobody {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        false
    }
}
