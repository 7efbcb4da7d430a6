//! What is planned is what is allocated, and what goes to the device and comes back.

use crate::support::{gpu, in_the_dark, physical, whole};
use ndarray::Array3;
use simexm_gpu::config::Config;
use simexm_gpu::internals::engine::compute::cpu::CpuBackend;
use simexm_gpu::internals::engine::compute::{
    Backend, BufferSpec, Command, ComputeError, KernelTime, Limits, Recording, Ticket,
};
use simexm_gpu::internals::io::read::{ArraySource, CellSource};
use simexm_gpu::internals::model::Model;
use simexm_gpu::internals::run::ground_truth::LoadedVolume;
use simexm_gpu::internals::run::pipeline::{
    Input, NoCounts, Pipeline, Sink, SinkError, TruthSlices,
};
use simexm_gpu::internals::run::plan::{Contents, RunPlan};
use simexm_gpu::internals::run::simulation::Silent;
use simexm_gpu::internals::run::store::SpillPolicy;

/// Notes what passes by on its way to the device.
struct Noting<'a> {
    device: &'a mut dyn Backend,
    buffer_bytes: u64,
    write_bytes: u64,
    read_bytes: u64,
}

impl Backend for Noting<'_> {
    fn name(&self) -> &str {
        self.device.name()
    }

    fn limits(&self) -> &Limits {
        self.device.limits()
    }

    fn in_flight(&self) -> usize {
        self.device.in_flight()
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        let bytes = specs.iter().map(BufferSpec::bytes).sum();
        self.buffer_bytes = self.buffer_bytes.max(bytes);
        self.device.allocate(specs, poison)
    }

    fn submit(&mut self, recording: Recording<'_>) -> Result<Ticket, ComputeError> {
        let (mut written, mut read) = (0, 0);
        for command in &recording.commands {
            match command {
                Command::Write { data, .. } => written += 4 * data.len() as u64,
                Command::Read { words, .. } => read += 4 * words.len() as u64,
                _ => {}
            }
        }
        self.write_bytes = self.write_bytes.max(written);
        self.read_bytes = self.read_bytes.max(read);
        self.device.submit(recording)
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        self.device.wait(ticket)
    }

    fn recycle(&mut self, reads: Vec<Vec<u32>>) {
        self.device.recycle(reads);
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.device.kernel_times()
    }

    fn reset_times(&mut self) {
        self.device.reset_times();
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn truth(&mut self, _: TruthSlices<'_>) -> Result<(), SinkError> {
        Ok(())
    }

    fn images(&mut self, _: usize, _: &[&[u8]]) -> Result<(), SinkError> {
        Ok(())
    }
}

const SHAPE: [usize; 3] = [40, 60, 31];

/// Slices of three blocks.
const LONG: [usize; 3] = [5, 1300, 9];

fn configurations() -> Vec<Config> {
    let layer = |name: &str, dye: &str, region: &str| {
        [
            format!("labeling.{name}.fluorophore={dye}"),
            format!("labeling.{name}.region={region}"),
            format!("labeling.{name}.protein_density=1e-5"),
            format!("labeling.{name}.protein_noise=0.3"),
        ]
    };
    let make = |more: &[&str]| {
        let mut entries = layer("a", "ATTO425", "cytosol").to_vec();
        entries.extend(layer("b", "ATTO647N", "full"));
        entries.extend(more.iter().map(|&entry| entry.to_owned()));
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        in_the_dark(&entries)
    };
    vec![
        make(&["optics.exposure_time=0.1"]),
        make(&["optics.pixel_size=90", "optics.focal_plane_depth=100"]),
        make(&["optics.pixel_size=20", "output.bit_depth=16"]),
        physical(&[
            "groundtruth.voxel_dim=[40, 40, 40]",
            "labeling.a.fluorophore=ATTO550",
            "labeling.b.fluorophore=ATTO647N",
            "optics.psf_depth_truncation=0.3",
            "optics.psf_reach=20",
            "optics.pixel_size=20000",
        ]),
        physical(&[
            "groundtruth.voxel_dim=[40, 40, 40]",
            "labeling.a.fluorophore=ATTO550",
            "optics.focal_plane_depth=130",
            "optics.psf_depth_truncation=0.3",
            "optics.psf_reach=20",
        ]),
        physical(&[
            "groundtruth.voxel_dim=[40, 40, 40]",
            "labeling.a.fluorophore=ATTO550",
            "optics.psf_depth_truncation=0.3",
            "optics.psf_reach=20",
            "expansion.distortion=[[1, 0.05]]",
            "rounds.number=3",
            "rounds.shift=0.2",
            "rounds.warp=[[5, 0.2]]",
        ]),
    ]
}

/// Runs the plans of several numbers of slabs and tiles, and compares.
fn compare<B: Backend>(device: &mut B, after: impl Fn(&B, &RunPlan)) {
    let cuts = [[1, 1], [2, 1], [3, 1]].map(|tiles| (LONG, 2, tiles));
    let slabs = [40, 20, 7, 1].map(|slab| (SHAPE, slab, [1, 1]));
    for (shape, slab, tiles) in slabs.into_iter().chain(cuts) {
        let cells = Array3::from_shape_fn(shape, |(z, x, y)| (z / 7 + x / 6 + y / 5) as u32);
        let source = CellSource::Merged(Box::new(ArraySource::new(cells.view())));
        let folder = std::env::temp_dir();
        let aside = SpillPolicy::new(&folder);
        let volume = LoadedVolume::load(&source, &[], whole(shape), aside, &mut Silent).unwrap();
        for config in configurations() {
            let model = Model::new(&config, whole(shape), 3).unwrap();
            let limits = device.limits().clone();
            let plan = RunPlan::new(&model, Contents::of(&volume), &limits, slab, tiles).unwrap();
            assert_eq!(plan.cut, tiles);
            let input = Input {
                volume: &volume,
                counts: &NoCounts,
                aside,
                journal: None,
            };
            let mut noting = Noting {
                device: &mut *device,
                buffer_bytes: 0,
                write_bytes: 0,
                read_bytes: 0,
            };
            let mut silent = Silent;
            let pipeline =
                Pipeline::new(&model, &plan, input, &mut noting, &mut silent, false).unwrap();
            pipeline.run(&mut Nowhere).unwrap();
            let told = format!("slabs of {slab}, {tiles:?} tiles");
            let planned = plan.tiles.iter().map(|tile| tile.plan.buffer_bytes()).max();
            assert_eq!(Some(noting.buffer_bytes), planned, "{told}");
            let planned = plan.tiles.iter().map(|tile| tile.plan.read_bytes).max();
            assert_eq!(Some(noting.read_bytes), planned, "read: {told}");
            let planned = plan.tiles.iter().map(|tile| tile.plan.write_bytes).max();
            assert_eq!(Some(noting.write_bytes), planned, "written: {told}");
            after(device, &plan);
        }
    }
}

#[test]
fn on_the_cpu() {
    compare(&mut CpuBackend::new(1 << 30), |_, _| {});
}

/// What wgpu itself says of its buffers.
#[test]
fn on_the_gpu() {
    let Some(mut gpu) = gpu() else { return };
    compare(&mut gpu, |gpu, plan| {
        // Of tiles the last one's buffers are there.
        let plan = &plan.tiles.last().unwrap().plan;
        let planned = (plan.buffer_bytes(), plan.read_bytes);
        assert_eq!(gpu.allocated_bytes(), planned);
    });
}

/// What a driver refuses is an error, not the end of the process, and the device works on.
#[test]
fn buffers_that_are_refused() {
    let Some(mut gpu) = gpu() else { return };
    let spec = |words| BufferSpec {
        name: "huge".into(),
        words,
    };
    let refused = gpu.allocate(&[spec(1 << 44)], false);
    let refused = refused.expect_err("no device has 64 TiB").to_string();
    assert!(refused.contains(gpu.name()), "{refused}");
    gpu.allocate(&[spec(16)], true).unwrap();
    assert_eq!(gpu.allocated_bytes(), (64, 0));
}
