//! Memory and disk.

use super::Diagnostics;
use super::report::{DeviceMemory, Memory, OutputFacts, OutputVolume};
use crate::base::host;
use crate::base::host::amount as bytes;
use crate::config::{Arrangement, BackendChoice, Config};
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::{Backend, Limits, MemoryKind};
use crate::io::write::{
    Content, FLOAT_FORMAT, IdStorage, PixelType, VolumeLayout, WriteFormat, writer,
};
use crate::model::Model;
use crate::model::cells::CellIndex;
use crate::run::plan::{Budgets, Contents, RunPlan, SetAside};
use crate::run::simulation::{self, Layouts, Watcher};
use std::path::{Path, PathBuf};

/// What a run on a GPU is planned for while none is asked: the budget of any discrete one, limits
/// that every current driver offers it, and this host.
pub(super) fn assumed_gpu() -> Limits {
    Limits {
        binding_bytes: (1 << 31) - 4,
        buffer_bytes: 1 << 31,
        wanted_bytes: 2 << 30,
        total_bytes: 2 << 30,
        workgroup_bytes: 32 << 10,
        residence: MemoryKind::Discrete,
        host_bytes: host::default_host_bytes(),
    }
}

/// Cells that are assumed where they were not counted; they hardly weigh against the voxels.
pub(super) const CELLS: usize = 1 << 16;

/// Memory of a run over a volume of these cells (unknown: `None`) in this many sheets; tells where
/// it does not fit.
pub(super) fn memory(
    config: &Config,
    model: &Model,
    cells: Option<&CellIndex>,
    sheets: usize,
    told: &mut Diagnostics<'_>,
) -> Memory {
    let cells = cells.map_or(CELLS.min(model.volume.voxels() + 1), CellIndex::len);
    let cpu = CpuBackend::new(simulation::CPU_BYTES);
    let (contents, budgets) = (Contents { cells, sheets }, Budgets::of(&config.compute));
    let plan = |limits: &Limits, deepest: usize| {
        RunPlan::new(model, contents, &budgets.within(limits), deepest, [1; 2])
    };
    let on_cpu = plan(cpu.limits(), cpu.deepest_slab());
    let gpu = assumed_gpu();
    let on_gpu = plan(&gpu, usize::MAX);
    let backend = config.compute.backend;
    if backend == BackendChoice::Gpu
        && let Err(error) = &on_gpu
    {
        told.warn(&format!(
            "a GPU with {} to spare cannot do this run, the CPU would: {error}",
            bytes(budgets.within(&gpu).total_bytes)
        ));
    }
    if let Err(error) = &on_cpu
        && (backend == BackendChoice::Cpu || on_gpu.is_err())
    {
        told.warn(&format!("the volume does not fit: {error}"));
    }

    let plans = match backend {
        BackendChoice::Cpu => [on_cpu.as_ref().ok(), None],
        _ => [on_cpu.as_ref().ok(), on_gpu.as_ref().ok()],
    };
    let most = |bytes: fn(&SetAside) -> u64| {
        let plans = plans.into_iter().flatten();
        plans
            .map(|run| bytes(&run.set_aside(model)))
            .max()
            .unwrap_or(0)
    };
    let memory = Memory {
        available_bytes: host::available_memory(),
        cpu: on_cpu.as_ref().ok().map(device),
        gpu: on_gpu.as_ref().ok().map(device),
        kept_bytes_at_most: most(SetAside::memory_bytes),
        spilled_bytes: most(SetAside::disk_bytes),
    };
    if let (BackendChoice::Cpu, Some(cpu)) = (backend, &memory.cpu) {
        let needed = cpu.bytes.saturating_add(memory.kept_bytes_at_most);
        if needed > memory.available_bytes {
            told.warn(&format!(
                "the run may take up to {} of memory, and {} are available",
                bytes(needed),
                bytes(memory.available_bytes)
            ));
        }
    }
    memory
}

fn device(run: &RunPlan) -> DeviceMemory {
    let plan = &run.widest().plan;
    DeviceMemory {
        bytes: run.device_bytes(),
        slab_slices: plan.slab,
        steps: run.tiles.len() * plan.schedule.steps.len(),
    }
}

/// The volumes of the output, with upper bounds of their sizes where the ground truth's size is
/// known (`sized`).
pub(super) fn output(
    config: &Config,
    model: &Model,
    (cells, bits): (Option<&CellIndex>, Option<u8>),
    sized: bool,
) -> OutputFacts {
    // Ids that were not counted are taken to fit 32 bits, and numbers of cells 16.
    let most = if simulation::is_compact(config) {
        u64::from(u16::MAX)
    } else {
        u32::MAX.into()
    };
    let largest = match cells {
        // The type of ids is that of the volume.
        _ if config.output.format.holds_all && !simulation::is_compact(config) => {
            let most = bits.map_or(u64::MAX, simulation::number_of_bits);
            cells.map_or(most, |cells| most.max(cells.largest_id()))
        }
        Some(cells) => simulation::largest_number(config, cells),
        None => most,
    };
    let storage = writer(config.output.format).ids();
    let pixel = simulation::id_pixel(
        config,
        match storage {
            // More is an obstacle, which is told elsewhere.
            IdStorage::Numbers(most) => largest.min(most),
            IdStorage::Colours => largest,
        },
    );
    let layouts = Layouts::new(config, model, pixel.unwrap_or(PixelType::Gray64));
    let volume_in = |format: &dyn WriteFormat,
                     (stem, layout): (PathBuf, VolumeLayout),
                     count: Option<usize>| {
        let bytes = format.most_bytes(&layout);
        OutputVolume {
            path: slashed(&path_of(config, format, &stem, layout.content)),
            bits: match (layout.content, storage) {
                (Content::Labels, IdStorage::Colours) => 8,
                _ => 8 * layout.pixel.sample_bytes() as u32,
            },
            samples_per_pixel: layout.pixel.samples() as u32,
            bytes_at_most: count
                .filter(|_| sized)
                .map(|count| bytes.saturating_mul(count as u64)),
        }
    };
    let volume = |of, count| volume_in(layouts.format(), of, count);
    let expected = layouts.expected().into_iter();
    let expected = expected.map(|of| volume_in(FLOAT_FORMAT, of, Some(1)));
    let dyes = 0..model.fluorophores.len();
    let channels = layouts.channels().into_iter();
    let channels = channels
        .map(|channel| volume(channel, Some(1)))
        .chain(expected);
    let volumes: Vec<_> = match config.output.gt_cells {
        Arrangement::Merged => dyes
            .map(|dye| volume(layouts.truth_of_all(dye), Some(1)))
            .chain(channels)
            .collect(),
        Arrangement::Split => {
            let of_cells = dyes.map(|dye| {
                let (stem, layout) = layouts.truth_of(dye, largest);
                let count = cells.map(|cells| cells.len() - 1);
                volume((stem.with_file_name("<id>"), layout), count)
            });
            channels.chain(of_cells).collect()
        }
    };
    let quicklook = sized.then(|| simulation::about_quicklook(config, model).bytes_at_most());
    let all = volumes.iter().map(|volume| volume.bytes_at_most);
    let folder = config.output.folder();
    OutputFacts {
        exists: folder.exists(),
        obstacle: None,
        image_shape_pixels: sized.then_some(model.image_shape()),
        bytes_at_most: all.chain([quicklook]).sum(),
        quicklook_bytes_at_most: quicklook,
        free_bytes: host::free_disk(&folder),
        folder,
        volumes,
    }
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Tells where the disk may be too small.
pub(super) fn warn(output: &OutputFacts, memory: Option<&Memory>, told: &mut Diagnostics<'_>) {
    let (Some(most), Some(free)) = (output.bytes_at_most, output.free_bytes) else {
        return;
    };
    let spilled = memory.map_or(0, |memory| memory.spilled_bytes);
    if most.saturating_add(spilled) > free {
        let meanwhile = match spilled {
            0 => String::new(),
            spilled => format!(", and {} more while it runs", bytes(spilled)),
        };
        told.warn(&format!(
            "the output may take up to {}{meanwhile}, and {} are free in {}",
            bytes(most),
            bytes(free),
            output.folder.display()
        ));
    }
}

/// Where a volume lies: what holds a whole run has the ground truths in it.
fn path_of(config: &Config, format: &dyn WriteFormat, stem: &Path, content: Content) -> PathBuf {
    let all = simulation::channel_stems(config);
    match (all.first(), content) {
        (Some(all), Content::Labels) if format.format().holds_all => {
            let dye = stem.parent().and_then(Path::file_name).unwrap_or_default();
            format.target(all).path().join("labels").join(dye)
        }
        _ => format.target(stem).path().to_owned(),
    }
}
