//! Plan of a run, and its needs of device, host and disk: the application behind `simexm-gpu plan`.
//!
//! Only headers are read, and no device is opened. The answer comes at once, also for a volume that
//! does not exist yet and for an adapter that this machine does not have.

mod report;
mod text;

pub use report::{
    BufferPlan, Cut, DevicePlan, DiskPlan, Fewer, PlanLimits, PlanReport, Reaches, Rings, Transform,
};

use super::resources::{self, CELLS};
use super::{CheckOptions, Diagnostics, volumes};
use crate::base::host;
use crate::base::progress::Observer;
use crate::config::{BackendChoice, Config};
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::{Backend, BufferSpec, IN_FLIGHT, Limits, MemoryKind, gpu};
use crate::io::read::files;
use crate::model::Model;
use crate::run::plan::{Budgets, Contents, Planner, RunPlan, Tile};
use crate::run::simulation::{self, SimulationError, Watcher};
use std::path::Path;

/// Plans the run of a configuration for the devices that it may use.
///
/// # Errors
/// The run would fail for the configuration, or the size of the volume is not known.
pub fn plan(config: &Config, observer: &mut dyn Observer) -> Result<PlanReport, SimulationError> {
    let mut told = Diagnostics::new(observer);
    let options = CheckOptions { no_volumes: true };
    let mut config = config.clone();
    let opened = volumes::open(&mut config, options, &mut told)?;
    let Some(region) = opened.region else {
        return Err(SimulationError::Unsupported(
            "the volume is not there yet: [groundtruth] bounds would tell its size".to_owned(),
        ));
    };
    config.groundtruth.set_bounds(region.shape);
    simulation::check_light(&config)?;
    let source = opened.source_shape(region);
    let model = Model::watched(
        &config,
        source,
        region,
        config.compute.seed.unwrap_or(0),
        &[],
        &mut told,
    )?;
    let contents = Contents {
        cells: CELLS.min(model.volume.voxels().saturating_add(1)),
        sheets: 1,
    };
    let budgets = Budgets::of(&config.compute);
    let mut devices = Vec::new();
    if config.compute.backend != BackendChoice::Cpu {
        let (name, limits) = gpu_limits(&config, &mut told);
        let limits = budgets.within(&limits);
        devices.push(device(name, &model, contents, &limits, usize::MAX));
    }
    if config.compute.backend != BackendChoice::Gpu {
        let cpu = CpuBackend::new(simulation::CPU_BYTES);
        let limits = budgets.within(cpu.limits());
        let name = cpu.name().to_owned();
        devices.push(device(name, &model, contents, &limits, cpu.deepest_slab()));
    }
    let bits = opened.sources.as_ref().map(|(source, _)| source.bits());
    let output = resources::output(&config, &model, (None, bits), true);
    let truth = &config.groundtruth;
    let inputs = std::iter::once(&truth.image_path)
        .chain(truth.regions.values().map(|region| &region.region_path));
    let cuts = || devices.iter().filter_map(|device| device.cut.as_ref());
    let disk = DiskPlan {
        read_bytes: inputs
            .flat_map(|path| files(path))
            .map(|path| size_of(&path))
            .sum(),
        written_bytes_at_most: output.bytes_at_most,
        meanwhile_bytes: cuts().map(|cut| cut.meanwhile_bytes).max().unwrap_or(0),
        free_bytes: output.free_bytes,
        folder: output.folder.clone(),
    };
    let needed = output
        .bytes_at_most
        .unwrap_or(0)
        .saturating_add(disk.meanwhile_bytes);
    if let Some(free) = disk.free_bytes.filter(|&free| free < needed) {
        told.warn(&format!(
            "the run may take up to {} of disk, and {} are free in {}",
            host::amount(needed),
            host::amount(free),
            output.folder.display()
        ));
    }
    Ok(PlanReport {
        version: env!("CARGO_PKG_VERSION"),
        shape_voxels: region.shape,
        image_shape_pixels: model.image_shape(),
        assumed_cells: contents.cells,
        devices,
        disk,
        notes: told.notes,
        warnings: told.warnings,
    })
}

/// Returns name and limits of the adapter that a run would take. Without one it assumes a GPU with
/// the memory that is asked for, and with limits that every current driver allows.
fn gpu_limits(config: &Config, told: &mut Diagnostics<'_>) -> (String, Limits) {
    let adapter = config.compute.adapter.as_ref().map(ToString::to_string);
    let wanted = config.compute.backend == BackendChoice::Gpu || adapter.is_some();
    match gpu::limits_of(adapter.as_deref(), wanted) {
        Ok(found) => found,
        Err(error) => {
            told.note(&format!(
                "planned for a GPU that is not here, with buffers of up to 2 GiB: {error}"
            ));
            ("a GPU".to_owned(), resources::assumed_gpu())
        }
    }
}

/// Plans for a device with these limits.
fn device(
    name: String,
    model: &Model,
    contents: Contents,
    limits: &Limits,
    deepest: usize,
) -> DevicePlan {
    let planned = RunPlan::new(model, contents, limits, deepest, [1; 2]);
    let (cut, refusal) = match &planned {
        Ok(plan) => (Some(cut(plan, model, contents, limits, deepest)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    DevicePlan {
        device: name,
        residence: limits.residence,
        limits: PlanLimits {
            device_bytes: limits.total_bytes,
            buffer_bytes: limits.binding_bytes,
            host_bytes: limits.host_bytes,
        },
        cut,
        refusal,
    }
}

fn cut(run: &RunPlan, model: &Model, contents: Contents, limits: &Limits, deepest: usize) -> Cut {
    let widest = run.widest();
    let (plan, schedule) = (&widest.plan, &widest.plan.schedule);
    let depth = model.volume.shape[0];
    let buffers = plan.specs.iter().map(|spec| BufferPlan {
        name: spec.name.clone(),
        bytes: spec.bytes(),
    });
    let host = run.host();
    let transfers = run.transfers(model);
    Cut {
        tiles: run.cut,
        tile_voxels: widest.tile.size(),
        core_voxels: [widest.tile.x.core.len(), widest.tile.y.core.len()],
        blocks: [widest.tile.x.blocks.len(), widest.tile.y.blocks.len()],
        slabs: depth.div_ceil(plan.slab),
        slab_slices: plan.slab,
        steps: schedule.steps.len(),
        rings_slices: Rings {
            labels: schedule.labels_ring,
            counts: schedule.counts_ring,
            spectra: schedule.spectra_ring,
        },
        reach_slices: Reaches {
            distortion: model.reach.distortion,
            membrane: model.reach.membrane,
            rounds: model.reach.rounds,
            displacement: model.reach.displacement,
            blur: model.reach.blur_before.max(model.reach.blur_after),
        },
        transform: Transform {
            length_x: plan.blur.transform().length_x,
            length_y: plan.blur.transform().length_y,
            radices_x: plan.blur.tables().columns.radices.clone(),
            radices_y: plan.blur.tables().rows.radices.clone(),
        },
        images_per_step: schedule
            .steps
            .iter()
            .map(|step| model.images_of(step).len())
            .max()
            .unwrap_or(0),
        buffers: buffers.collect(),
        buffer_bytes: plan.buffer_bytes(),
        submission_bytes: (plan.read_bytes + plan.write_bytes) * IN_FLIGHT as u64,
        device_peak_bytes: run.device_bytes(),
        host_peak_bytes: host.peak_bytes(),
        host,
        uploaded_bytes: transfers.uploaded_bytes,
        downloaded_bytes: transfers.downloaded_bytes,
        meanwhile_bytes: run.set_aside(model).disk_bytes(),
        fewer: fewer(run, model, contents, limits, deepest),
    }
}

/// Lists plans of fewer slabs or tiles.
fn fewer(
    run: &RunPlan,
    model: &Model,
    contents: Contents,
    limits: &Limits,
    deepest: usize,
) -> Vec<Fewer> {
    let depth = model.volume.shape[0];
    let slabs = depth.div_ceil(run.first().plan.slab);
    let mut found = Vec::new();
    let mut consider = |cut: [usize; 2], slab: usize| {
        let tiles = Tile::split(model, cut);
        let Some(largest) = tiles
            .iter()
            .max_by_key(|tile| tile.size().iter().product::<usize>())
        else {
            return;
        };
        let planner = Planner::new(model, contents, largest, tiles.len(), limits);
        let Ok(planner) = planner else { return };
        let plan = planner.with_slab(slab);
        found.push(Fewer {
            tiles: cut,
            slabs: depth.div_ceil(slab),
            device_bytes: plan.device_bytes(),
            host_bytes: plan.host.peak_bytes(),
            change: change(&plan, limits, slab, deepest),
        });
    };
    let cuts = RunPlan::cuts(model, [1; 2]);
    let fewer = cuts.iter().take_while(|&&cut| cut != run.cut).last();
    if let Some(&cut) = fewer {
        consider(cut, 1);
    }
    if slabs > 1 {
        let mut counts = vec![slabs - 1];
        counts.extend((slabs > 2).then_some(1));
        for count in counts {
            consider(run.cut, depth.div_ceil(count));
        }
    }
    found
}

/// Says what would have to change for a plan.
fn change(plan: &crate::run::plan::Plan, limits: &Limits, slab: usize, deepest: usize) -> String {
    let mut changes = Vec::new();
    let amount = host::amount;
    let buffer = plan.largest().map_or(0, BufferSpec::bytes);
    if buffer > limits.binding_bytes {
        let name = plan.largest().map_or("", |spec| &spec.name);
        changes.push(format!(
            "a device that binds buffers of {} ({name})",
            amount(buffer)
        ));
    }
    if plan.device_bytes() > limits.total_bytes && limits.residence != MemoryKind::Host {
        changes.push(format!("--gpu-memory {}", amount(plan.device_bytes())));
    }
    if plan.host.peak_bytes() > limits.host_bytes {
        changes.push(format!("--memory {}", amount(plan.host.peak_bytes())));
    }
    if changes.is_empty() && slab > deepest {
        return "nothing: the CPU's slabs are shallow, since its caches are small".to_owned();
    }
    if changes.is_empty() {
        return "nothing that is limited: slabs are kept small, so that little memory is taken"
            .to_owned();
    }
    format!("it would take {}", changes.join(" and "))
}

/// Returns the bytes of a file, or of the files of a folder; 0 where nothing exists.
fn size_of(path: &Path) -> u64 {
    let Ok(metadata) = std::fs::metadata(path) else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size_of(&entry.path())).sum()
}
