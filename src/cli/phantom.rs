//! `simexm-gpu phantom`.

use super::files::place;
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::internals::io::write::{
    Chunks, Compression, Content, OutputFolder, PixelType, Target, TiffStackWriter, VolumeLayout,
    VolumeMetadata, VolumeSink,
};
use simexm_gpu::phantom::{Phantom, PhantomError};
use std::error::Error;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    after_help = "Example: simexm-gpu phantom cortex.tif --size 64,256,256 --voxel-dim 40,32,32 --seed 7"
)]
pub(super) struct PhantomArgs {
    /// TIFF stack to write
    output: PathBuf,
    /// Voxels along z, x and y
    #[arg(long, value_name = "Z,X,Y", value_parser = triple::<usize>, default_value = "64,256,256")]
    size: [usize; 3],
    /// Size of a voxel along z, x and y, in nm
    #[arg(long, value_name = "Z,X,Y", value_parser = triple::<f64>, default_value = "40,32,32")]
    voxel_dim: [f64; 3],
    /// Seed of the tissue
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Share of the voxels that belong to cells, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.85)]
    density: f64,
    /// Also write nuclei, mitochondria and synapses, beside OUTPUT as NAME.nuclei.tif, ...: regions
    /// of the configuration
    #[arg(long)]
    organelles: bool,
    /// Replace the files if they exist
    #[arg(long)]
    force: bool,
}

/// Parses three numbers with commas between them.
fn triple<T: std::str::FromStr>(text: &str) -> Result<[T; 3], String> {
    let numbers: Option<Vec<T>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "three numbers with commas between them are needed, z,x,y".to_owned())
}

/// Writes a phantom; returns the exit code.
pub(super) fn write(args: &PhantomArgs) -> u8 {
    match try_write(args) {
        Ok(cells) => {
            let [z, x, y] = args.size;
            let path = args.output.display();
            say(&format!("{path}: {z} x {x} x {y} voxels, {cells} cells"));
            exit::DONE
        }
        Err(error) => {
            report(error.as_ref());
            match error.downcast_ref() {
                None | Some(PhantomError::OutOfMemory { .. }) => exit::FAILED,
                Some(_) => exit::USAGE,
            }
        }
    }
}

fn try_write(args: &PhantomArgs) -> Result<u32, Box<dyn Error>> {
    let (folder, target) = place(&args.output)?;
    let organelles: Vec<PathBuf> = match args.organelles {
        true => ORGANELLES.map(|name| beside(&target, name)).to_vec(),
        false => Vec::new(),
    };
    let targets = std::iter::once(&target).chain(&organelles);
    let targets: Vec<Target> = targets.cloned().map(Target::File).collect();
    let mut output = OutputFolder::prepare(&folder, &[], &targets, args.force)?;
    let phantom = Phantom {
        size: args.size,
        voxel_nm: args.voxel_dim,
        seed: args.seed,
        density: args.density,
    };
    let labels = phantom.generate()?;
    let cells = write_labels(
        &mut output,
        &target,
        &phantom,
        &labels,
        "neurites and somata",
    )?;
    if args.organelles {
        for (name, volume) in phantom.organelles(&labels) {
            write_labels(&mut output, &beside(&target, name), &phantom, &volume, name)?;
        }
    }
    output.commit()?;
    Ok(cells)
}

/// Names of what lies within the cells.
const ORGANELLES: [&str; 3] = ["mitochondria", "nuclei", "synapses"];

/// The path of a volume that belongs to another: `NAME.of.tif` beside `NAME.tif`.
fn beside(target: &Path, of: &str) -> PathBuf {
    let extension = target.extension().unwrap_or_default().to_string_lossy();
    target.with_extension(match extension.is_empty() {
        true => of.to_owned(),
        false => format!("{of}.{extension}"),
    })
}

/// Writes a phantom as the TIFF stack `target` of an output folder; returns the number of its
/// cells.
pub(super) fn write_stack(
    output: &mut OutputFolder,
    target: &Path,
    phantom: &Phantom,
) -> Result<u32, Box<dyn Error>> {
    let labels = phantom.generate()?;
    write_labels(output, target, phantom, &labels, "neurites and somata")
}

/// Writes numbers of what a phantom holds; returns the largest.
fn write_labels(
    output: &mut OutputFolder,
    target: &Path,
    phantom: &Phantom,
    labels: &[u32],
    what: &str,
) -> Result<u32, Box<dyn Error>> {
    let cells = labels.iter().copied().max().unwrap_or(0);
    let narrow = u16::try_from(cells).is_ok();
    let layout = VolumeLayout {
        shape: phantom.size,
        pixel: if narrow {
            PixelType::Gray16
        } else {
            PixelType::Gray32
        },
        content: Content::Labels,
        compression: Compression::Deflate,
        chunks: Chunks::default(),
        metadata: VolumeMetadata {
            voxel_nm: phantom.voxel_nm,
            description: format!(
                "phantom of {what}, seed {}, density {}",
                phantom.seed, phantom.density
            ),
            channels: Vec::new(),
        },
    };
    let mut stack = Box::new(TiffStackWriter::create(output.create(target)?, layout)?);
    let encoder = stack.encoder();
    for slice in labels.chunks_exact(phantom.size[1] * phantom.size[2]) {
        let page = if narrow {
            let ids: Vec<u16> = slice.iter().map(|&id| id as u16).collect();
            encoder.encode(bytemuck::cast_slice(&ids))?
        } else {
            encoder.encode(bytemuck::cast_slice(slice))?
        };
        stack.append(page)?;
    }
    stack.finish()?;
    Ok(cells)
}
