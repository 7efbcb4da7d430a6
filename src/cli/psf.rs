//! `simexm-gpu psf`.

use super::files::NewFile;
use super::work::configuration;
use super::{exit, report, say};
use clap::Args;
use simexm_gpu::config::Config;
use simexm_gpu::internals::base::text::of_axes;
use simexm_gpu::internals::io::write::{
    Chunks, Compression, Content, PixelType, StagedFile, TiffStackWriter, VolumeLayout,
    VolumeMetadata, VolumeSink, WriteError,
};
use simexm_gpu::internals::model::{ModelError, PsfVolume, point_spread};
use simexm_gpu::internals::optics::fluorophore;
use simexm_gpu::internals::run::simulation::{self, SimulationError};
use simexm_gpu::internals::show::plot::{self, ImageFormat, PlotError};
use std::error::Error;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Example: simexm-gpu psf examples/brainbow.toml --channel channel_1 --fluorophore ATTO425 \
                  -o psf.tif --plot psf.png\n\nThe file is a stack (z, x, y). A voxel is one of the \
                  ground truth after expansion, and what it is worth is printed: in the model physical electrons of a \
                  fluorophore in the middle voxel, in simexm 1 at the centre."
)]
pub(super) struct PsfArgs {
    /// Configuration (TOML or SimExm's .ini); its volumes need not exist
    config: PathBuf,
    /// Channel; may be left out where only one is possible
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Fluorophore; may be left out where only one is possible
    #[arg(long, value_name = "NAME")]
    fluorophore: Option<String>,
    /// TIFF to write, of 32-bit floating-point numbers
    #[arg(short, long, value_name = "FILE.tif")]
    output: PathBuf,
    /// Draw the sections through the centre into a file too; its name ends in .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Replace the files if they exist
    #[arg(long)]
    force: bool,
}

/// Writes a point spread function; returns the exit code.
pub(super) fn psf(args: &PsfArgs) -> u8 {
    let config = match configuration(&args.config, &[]) {
        Ok(config) => config,
        Err(code) => return code,
    };
    match try_psf(args, config) {
        Ok(psf) => {
            let [z, x, y] = psf.gel_voxel_nm();
            say(&format!(
                "{}: {} in channel {}; voxels of {z} x {x} x {y} nm in the gel",
                args.output.display(),
                psf.fluorophore,
                psf.channel
            ));
            say(&format!("full width at half maximum: {}", psf.widths()));
            let (planes, rows, columns) = psf.values.dim();
            say(&format!(
                "{planes} x {rows} x {columns} voxels; {}",
                psf.unit()
            ));
            exit::DONE
        }
        Err(error) => {
            report(error.as_ref());
            let usage = error.is::<ModelError>()
                || error.is::<PairError>()
                || matches!(error.downcast_ref(), Some(error) if SimulationError::is_configuration(error))
                || matches!(error.downcast_ref(), Some(PlotError::UnknownFormat { .. }));
            if usage { exit::USAGE } else { exit::FAILED }
        }
    }
}

fn try_psf(args: &PsfArgs, mut config: Config) -> Result<PsfVolume, Box<dyn Error>> {
    let format = args.plot.as_deref().map(ImageFormat::of).transpose()?;
    simulation::take_voxel_size(&mut config)?;
    let channel = args.channel.as_deref();
    let fluorophore = args.fluorophore.as_deref().map(|name| {
        let own = config.fluorophores.contains_key(name);
        let built_in = fluorophore::written(name).filter(|_| !own);
        built_in.unwrap_or(name)
    });
    // A dye that no layer has may be named.
    let is_known =
        |name: &&str| fluorophore::find(name).is_some() || config.fluorophores.contains_key(*name);
    let others: Vec<&str> = fluorophore.into_iter().filter(is_known).collect();
    let functions = point_spread::with_other_fluorophores(&config, &others)?;
    let psf = choose(functions, channel, fluorophore)?;
    let output = NewFile::prepare(&args.output, args.force)?;
    let is_tiff =
        |end: &std::ffi::OsStr| end.eq_ignore_ascii_case("tif") || end.eq_ignore_ascii_case("tiff");
    if !args.output.extension().is_some_and(is_tiff) {
        let path = args.output.display();
        return Err(
            format!("{path}: a TIFF is written, so the name must end in .tif or .tiff").into(),
        );
    }
    let plot = match (&args.plot, format) {
        (Some(path), Some(format)) => Some((
            NewFile::prepare(path, args.force)?,
            plot::sections(&psf, format)?,
        )),
        _ => None,
    };
    output.write_with(|file| write_stack(file, &psf))?;
    if let Some((file, content)) = plot {
        file.write(&content)?;
    }
    Ok(psf)
}

/// Error where it is not clear which function is meant.
#[derive(Debug, thiserror::Error)]
#[error("{what}; {}", pairs(.known))]
struct PairError {
    what: String,
    /// Channels and fluorophores of the existing functions.
    known: Vec<[String; 2]>,
}

fn pairs(known: &[[String; 2]]) -> String {
    if known.is_empty() {
        return "no fluorophore of the labelling sends a photon to any channel".to_owned();
    }
    let options = |[channel, fluorophore]: &[String; 2]| {
        format!("--channel {channel} --fluorophore {fluorophore}")
    };
    let list: Vec<String> = known.iter().map(options).collect();
    format!("the run uses those of: {}", list.join(", "))
}

/// Picks the one function that is asked for.
fn choose(
    functions: Vec<PsfVolume>,
    channel: Option<&str>,
    fluorophore: Option<&str>,
) -> Result<PsfVolume, PairError> {
    let known = |all: &[PsfVolume]| -> Vec<[String; 2]> {
        all.iter()
            .map(|psf| [psf.channel.clone(), psf.fluorophore.clone()])
            .collect()
    };
    let all = known(&functions);
    let meant = |psf: &PsfVolume| {
        channel.is_none_or(|name| psf.channel == name)
            && fluorophore.is_none_or(|name| psf.fluorophore == name)
    };
    let mut chosen: Vec<PsfVolume> = functions.into_iter().filter(meant).collect();
    let asked = match (channel, fluorophore) {
        (Some(channel), Some(fluorophore)) => format!(" of {fluorophore} in channel {channel}"),
        (Some(channel), None) => format!(" in channel {channel}"),
        (None, Some(fluorophore)) => format!(" of {fluorophore}"),
        (None, None) => String::new(),
    };
    if chosen.len() > 1 {
        let what = format!(
            "there are {} point spread functions{asked}; choose one",
            chosen.len()
        );
        return Err(PairError {
            what,
            known: known(&chosen),
        });
    }
    chosen.pop().ok_or_else(|| PairError {
        what: format!("there is no point spread function{asked}"),
        known: all,
    })
}

/// Writes a stack of 32-bit floating-point numbers with its size in the gel.
fn write_stack(file: StagedFile, psf: &PsfVolume) -> Result<(), WriteError> {
    let layout = VolumeLayout {
        shape: psf.values.dim().into(),
        pixel: PixelType::Float32,
        content: Content::Intensity,
        compression: Compression::Deflate,
        chunks: Chunks::default(),
        metadata: VolumeMetadata {
            voxel_nm: psf.gel_voxel_nm(),
            description: description(psf),
            channels: Vec::new(),
        },
    };
    let mut stack = Box::new(TiffStackWriter::create(file, layout)?);
    let encoder = stack.encoder();
    for slice in psf.values.outer_iter() {
        let values: Vec<f32> = slice.iter().copied().collect();
        stack.append(encoder.encode(bytemuck::cast_slice(&values))?)?;
    }
    stack.finish()
}

fn description(psf: &PsfVolume) -> String {
    let [z, x, y] = psf.voxel_nm;
    format!(
        "point spread function of {} in channel {}: {}, laser {} nm, emission peak {} nm\n\
         {}; axes z, x, y\n\
         voxel in tissue {z} x {x} x {y} nm; the gel is {} times as large\n\
         full width at half maximum {}",
        psf.fluorophore,
        psf.channel,
        psf.microscope(),
        psf.excitation_nm,
        psf.emission_nm,
        psf.unit(),
        of_axes(psf.expansion_factors),
        psf.widths()
    )
}
