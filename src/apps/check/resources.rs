//! Memory and disk.

use super::Told;
use super::report::{DeviceMemory, Memory, OutputFacts, OutputVolume};
use crate::base::host;
use crate::base::host::amount as bytes;
use crate::config::{Arrangement, BackendChoice, Config, OutputFormat};
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::{Backend, Limits, Residence};
use crate::io::write::PixelType;
use crate::model::Model;
use crate::model::cells::CellIndex;
use crate::run::plan::{Budgets, Contents, RunPlan, SetAside};
use crate::run::simulation::{self, Watcher};
use std::collections::BTreeSet;
use std::path::Path;

/// What a run on a GPU is planned for while none is asked: the budget of any discrete one, and limits that
/// every current driver offers it.
pub(super) const GPU: Limits = Limits {
    binding_bytes: (1 << 31) - 4,
    buffer_bytes: 1 << 31,
    wanted_bytes: 2 << 30,
    total_bytes: 2 << 30,
    workgroup_bytes: 32 << 10,
    residence: Residence::Board,
    host_bytes: u64::MAX,
};

/// Cells that are assumed where they were not counted; they hardly weigh against the voxels.
pub(super) const CELLS: usize = 1 << 16;

/// Memory of a run over a volume of these cells (unknown: `None`) in this many sheets; tells where it does not
/// fit.
pub(super) fn memory(
    config: &Config,
    model: &Model,
    cells: Option<&CellIndex>,
    sheets: usize,
    told: &mut Told<'_>,
) -> Memory {
    let cells = cells.map_or(CELLS.min(model.volume.voxels() + 1), CellIndex::len);
    let cpu = CpuBackend::new(simulation::CPU_BYTES);
    let (contents, budgets) = (Contents { cells, sheets }, Budgets::of(&config.compute));
    let plan = |limits: &Limits, deepest: usize| {
        RunPlan::new(model, contents, &budgets.within(limits), deepest, [1; 2])
    };
    let on_cpu = plan(cpu.limits(), cpu.deepest_slab());
    let on_gpu = plan(&GPU, usize::MAX);
    let backend = config.compute.backend;
    if backend == BackendChoice::Gpu
        && let Err(error) = &on_gpu
    {
        told.warn(&format!(
            "a GPU with {} to spare cannot do this run, the CPU would: {error}",
            bytes(budgets.within(&GPU).total_bytes)
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

/// The volumes of the output, with upper bounds of their sizes where the ground truth's size is known (`sized`).
pub(super) fn output(
    config: &Config,
    model: &Model,
    cells: Option<&CellIndex>,
    sized: bool,
) -> OutputFacts {
    let output = &config.output;
    let shape = model.image_shape();
    let largest = cells.map(|cells| cells.ids().last().copied().unwrap_or(0));
    // Ids that were not counted are taken to fit 32 bits.
    let id_bits = match largest.map(PixelType::for_ids) {
        Some(PixelType::Gray8 | PixelType::Gray16) => 16,
        Some(PixelType::Gray64) => 64,
        _ => 32,
    };
    let id_bits = match output.format {
        OutputFormat::Tiff => id_bits,
        OutputFormat::ImageSequence => 16,
        OutputFormat::Gif => 8,
    };
    let volume = |path: String, is_truth: bool, count: Option<usize>| {
        let colours = output.sim_channels == Arrangement::Merged && !is_truth;
        let bits = if is_truth {
            id_bits
        } else {
            output.bit_depth.bits()
        };
        let samples_per_pixel = if colours { 3 } else { 1 };
        let one = most_bytes(output.format, shape, bits, samples_per_pixel);
        OutputVolume {
            path,
            bits,
            samples_per_pixel,
            bytes_at_most: count
                .filter(|_| sized)
                .map(|count| one.saturating_mul(count as u64)),
        }
    };
    // An image sequence is known by its folder.
    let place = |target: &Path| match output.format {
        OutputFormat::ImageSequence => target.parent().unwrap_or(target).to_owned(),
        _ => target.to_owned(),
    };
    let targets = simulation::targets(config, model);
    let mut seen = BTreeSet::new();
    let mut volumes = Vec::new();
    for place in targets.iter().map(|target| place(target)) {
        let is_truth = place.starts_with("groundtruth");
        let one_per_cell = is_truth && output.gt_cells == Arrangement::Split;
        if !one_per_cell && seen.insert(place.clone()) {
            volumes.push(volume(slashed(&place), is_truth, Some(1)));
        }
    }
    if output.gt_cells == Arrangement::Split {
        let extension = match output.format {
            OutputFormat::Tiff => ".tiff",
            OutputFormat::Gif => ".gif",
            OutputFormat::ImageSequence => "",
        };
        for dye in &model.fluorophores {
            let path = format!("groundtruth/{}/<id>{extension}", dye.name);
            volumes.push(volume(path, true, cells.map(|cells| cells.len() - 1)));
        }
    }
    let quicklook = sized.then(|| simulation::about_quicklook(config, model).bytes_at_most());
    let all = volumes.iter().map(|volume| volume.bytes_at_most);
    let folder = output.folder();
    OutputFacts {
        exists: folder.exists(),
        obstacle: None,
        image_shape_pixels: sized.then_some(shape),
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

/// The most that a volume takes: incompressible pixels in each format's way of storing them, and room for tags
/// and text.
fn most_bytes(format: OutputFormat, shape: [usize; 3], bits: u32, samples: u32) -> u64 {
    let [slices, rows, columns] = shape.map(|size| size as u64);
    let pixels = rows.saturating_mul(columns);
    let page = pixels.saturating_mul(u64::from(samples * bits / 8));
    // Deflate stores what it cannot pack.
    let stored = page.saturating_add(page / 1000);
    let each = match format {
        OutputFormat::Tiff => stored.saturating_add(64 * rows.min(page / (1 << 16) + 2)),
        OutputFormat::ImageSequence => stored.saturating_add(rows),
        // Codes of up to 12 bits for bytes, whatever the number of samples.
        OutputFormat::Gif => pixels.saturating_add(pixels / 2 + pixels / 100),
    };
    let tags = 4 << 10;
    slices
        .saturating_mul(each.saturating_add(tags))
        .saturating_add(16 << 10)
}

/// Tells where the disk may be too small.
pub(super) fn warn(output: &OutputFacts, memory: Option<&Memory>, told: &mut Told<'_>) {
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
