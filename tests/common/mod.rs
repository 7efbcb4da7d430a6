//! What the tests share. Every test is a crate of its own and uses a part of it.
#![allow(dead_code)]

use ndarray::Array3;
use simexm_gpu::cells::{CellIndex, Selection};
use simexm_gpu::compute::cpu::CpuBackend;
use simexm_gpu::compute::gpu::GpuBackend;
use simexm_gpu::compute::{Backend, Buffer, BufferSpec, Recording};
use simexm_gpu::config::{Config, Override};
use simexm_gpu::ground_truth::LoadedVolume;
use simexm_gpu::io::read::{ArraySource, VolumeSource};
use simexm_gpu::model::Model;
use simexm_gpu::observer::Observer;
use simexm_gpu::pipeline::{Pipeline, Sink, SinkError};
use simexm_gpu::plan::Plan;
use simexm_gpu::simulation::fluorophore_names;
use simexm_gpu::stages::regions::{REGIONS, RegionsParams};
use simexm_gpu::stages::scatter::{SCATTER, ScatterParams};
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

/// The first layer of each of some models that differ in their seeds, all cells labelled, over the same volume of ids:
/// the regions, and the proteins for each model.
pub fn scatter(
    backend: &mut dyn Backend,
    labels: &[u32],
    models: &[Model],
) -> (Vec<u32>, Vec<Vec<u32>>) {
    let [depth, size_x, size_y] = models[0].volume.shape.map(|size| size as u32);
    let voxels = labels.len();
    let cells = CellIndex::new(labels.iter().map(|&id| id.into()));
    let indices = labels.iter().map(|&id| cells.index(id.into())).collect();
    let all = vec![u32::MAX; cells.len().div_ceil(32)];
    let tables = models[0].tables.len();
    let words = [voxels, 1, voxels, cells.len(), all.len(), tables, voxels, 1];
    let [
        label_buffer,
        annotations,
        regions,
        keys,
        selection,
        table,
        counts,
        status,
    ] = allocate(backend, words);
    let mut recording = Recording::default();
    recording.write(label_buffer, 0, indices);
    recording.write(keys, 0, cells.keys());
    recording.write(selection, 0, all);
    let params = RegionsParams {
        size_x,
        size_y,
        depth,
        isotropic: models[0].isotropic.into(),
        first_z: 0,
        slices: depth,
        ring: depth,
        annotated: 0,
    };
    let bound = [label_buffer, annotations, regions];
    recording.dispatch(&REGIONS, params, &bound, voxels);
    recording.read(regions, 0..voxels);
    let found = execute(backend, recording).concat();

    let runs = models.iter().map(|model| {
        let (layer, [z, x, y]) = (&model.layers[0], model.displacements);
        let [origin_z, origin_x, origin_y] = model.volume.offset.map(|offset| offset as u32);
        let params = ScatterParams {
            size_x,
            size_y,
            depth,
            origin_z,
            origin_x,
            origin_y,
            first_z: 0,
            slices: depth,
            labels_ring: depth,
            counts_ring: depth,
            region: layer.region_bit,
            selection_at: 0,
            proteins_key_0: layer.proteins.0[0],
            proteins_key_1: layer.proteins.0[1],
            displacement_key_0: layer.displacement.0[0],
            displacement_key_1: layer.displacement.0[1],
            count_at: layer.count.at,
            count_len: layer.count.len,
            displaced_at: layer.displaced.at,
            displaced_len: layer.displaced.len,
            z_at: z.at,
            z_len: z.len,
            x_at: x.at,
            x_len: x.len,
            y_at: y.at,
            y_len: y.len,
        };
        assert_eq!(model.tables.len(), tables);
        let mut recording = Recording::default();
        recording.write(table, 0, model.tables.clone());
        recording.clear(counts, 0..voxels);
        recording.clear(status, 0..1);
        let bound = [
            label_buffer,
            regions,
            keys,
            selection,
            table,
            counts,
            status,
        ];
        recording.dispatch(&SCATTER, params, &bound, voxels);
        recording.read(counts, 0..voxels);
        recording.read(status, 0..1);
        let mut found = execute(backend, recording);
        assert_eq!(found[1], [0], "status");
        found.swap_remove(0)
    });
    let runs = runs.collect();
    (found, runs)
}

/// Weights of Poisson(mean) for 0, 1, ..., as far as they matter.
pub fn poisson(mean: f64) -> Vec<f64> {
    let mut weight = (-mean).exp();
    let mut weights = Vec::new();
    let mut k = 0.0;
    while k < mean || weight > 1e-15 {
        weights.push(weight);
        k += 1.0;
        weight *= mean / k;
    }
    weights
}

/// Pearson's chi-square of counted outcomes against their probabilities, which must stay within 6 standard deviations
/// of its mean. Outcomes expected fewer than 5 times are taken together.
pub fn assert_distribution(counted: &[usize], probabilities: &[f64], what: &str) {
    assert!(
        counted.len() <= probabilities.len(),
        "{what}: an outcome that cannot be"
    );
    let draws = counted.iter().sum::<usize>() as f64;
    let (mut chi_square, mut classes) = (0.0, 0.0);
    let (mut rest_counted, mut rest_expected) = (0.0, 0.0);
    for (outcome, probability) in probabilities.iter().enumerate() {
        let expected = draws * probability;
        let found = counted.get(outcome).copied().unwrap_or(0) as f64;
        if expected < 5.0 {
            rest_counted += found;
            rest_expected += expected;
        } else {
            chi_square += (found - expected).powi(2) / expected;
            classes += 1.0;
        }
    }
    // What is expected hardly ever may still happen now and then.
    if rest_expected > 1.0 {
        chi_square += (rest_counted - rest_expected).powi(2) / rest_expected;
        classes += 1.0;
    } else {
        assert!(
            rest_counted <= 6.0,
            "{what}: {rest_counted} outcomes where {rest_expected:.2} are expected"
        );
    }
    let freedom: f64 = classes - 1.0;
    println!("{what}: chi-square {chi_square:.1} with {freedom} degrees of freedom, {draws} draws");
    assert!(
        freedom > 0.0 && draws > 0.0,
        "{what}: nothing to tell apart"
    );
    let most = freedom + 6.0 * (2.0 * freedom).sqrt();
    assert!(
        chi_square <= most,
        "{what}: chi-square {chi_square:.1}, at most {most:.1}; {counted:?}"
    );
}

/// Asserts that `found` is within 5 standard errors of what is expected.
pub fn assert_mean(found: f64, expected: f64, standard_error: f64, what: &str) {
    let off = (found - expected) / standard_error;
    println!("{what}: {found:.5}, expected {expected:.5}, off by {off:.2} standard errors");
    assert!(
        off.abs() <= 5.0,
        "{what}: {found}, not {expected} +- {standard_error}"
    );
}
