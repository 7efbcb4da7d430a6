//! `simexm-gpu init`.

use super::files::{place, shell_word};
use super::{exit, phantom, report, say, tell};
use clap::Args;
use simexm_gpu::config::Engraving;
use simexm_gpu::config::{
    ChannelArrangement, Config, ConfigError, GroundTruth, MicroscopePreset, Output, WrittenIds,
};
use simexm_gpu::internals::io::read::{self, Facts, ReadOptions};
use simexm_gpu::internals::io::write::{OutputFolder, Target};
use simexm_gpu::phantom::Phantom;
use std::error::Error;
use std::path::{Path, PathBuf};

/// Voxels of the tissue along z, x and y: enough to see neurites, few enough for a run of seconds.
const TISSUE_SIZE: [usize; 3] = [24, 160, 160];

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: simexm-gpu init && simexm-gpu experiment.toml\n\n\
                  Without --image a small label volume is written beside FILE (experiment_tissue.tif), so that the\n\
                  configuration runs as it is."
)]
pub(super) struct InitArgs {
    /// TOML file to write
    #[arg(default_value = "experiment.toml")]
    file: PathBuf,
    /// Label volume of your own to simulate, in place of one that is made up
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Objective, as it is engraved: magnification, aperture, and the immersion by its first letter
    /// (W water, G glycerol, S silicone, O oil, none in air), like 60x/1.2W
    #[arg(long, value_name = "OBJECTIVE")]
    objective: Option<Engraving>,
    /// Microscope to write the figures of (docs/microscopes.md)
    #[arg(long, value_name = "NAME")]
    microscope: Option<MicroscopePreset>,
    /// Which array or image of a container (HDF5, Zarr, N5) that holds several, as a path in it
    #[arg(long, value_name = "PATH", requires = "image")]
    dataset: Option<String>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// Writes a commented configuration that runs; returns the exit code.
pub(super) fn init(args: &InitArgs) -> u8 {
    match write(args) {
        Ok(()) => exit::DONE,
        Err(error) => {
            report(error.as_ref());
            match error.downcast_ref() {
                Some(ConfigError::Invalid(_)) => exit::USAGE,
                _ => exit::FAILED,
            }
        }
    }
}

fn write(args: &InitArgs) -> Result<(), Box<dyn Error>> {
    let file = args.file.display();
    let is_toml = |end: &std::ffi::OsStr| end.eq_ignore_ascii_case("toml");
    if !args.file.extension().is_some_and(is_toml) {
        return Err(
            format!("{file}: the configuration is TOML, its name must end in .toml").into(),
        );
    }
    let (folder, name) = place(&args.file)?;
    let stem = args
        .file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .ok_or_else(|| format!("the name of {file} is not Unicode"))?;
    let tissue = PathBuf::from(format!("{stem}_tissue.tif"));
    let image_path = match &args.image {
        Some(image) => std::path::absolute(image)?,
        None => folder.join(&tissue),
    };
    let options = ReadOptions {
        dataset: args.dataset.clone(),
        ..ReadOptions::default()
    };
    let known = match &args.image {
        // A volume that is not there yet is the user's business.
        Some(_) if !read::files(&image_path).iter().any(|file| file.exists()) => Facts::default(),
        Some(_) => read::open_as(&image_path, &options)?.facts(),
        None => Facts::default(),
    };
    let voxel_nm = match known.voxel_nm {
        [Some(z), Some(x), Some(y)] => Some([z, x, y].map(short)),
        _ => GroundTruth::default().voxel_nm,
    };
    let plain = Config::physical_at(args.microscope, args.objective)?;
    let config = Config {
        groundtruth: GroundTruth {
            image_path: image_path.clone(),
            voxel_nm,
            dataset: args.dataset.clone(),
            ..plain.groundtruth
        },
        output: Output {
            name: stem.to_owned(),
            path: folder.join("output"),
            // What opens in ImageJ and napari as one would like it.
            sim_channels: ChannelArrangement::Composite,
            ids: WrittenIds::Compact,
            ..plain.output
        },
        ..plain
    };
    config.validate()?;
    let text = config.to_commented_toml_in(&folder);

    let mut targets = vec![Target::File(name.clone())];
    targets.extend(args.image.is_none().then(|| Target::File(tissue.clone())));
    let mut output = OutputFolder::prepare(&folder, &[], &targets, args.force)?;
    output.create(&name)?.write_whole(text.as_bytes())?;
    let mut cells = None;
    if args.image.is_none() {
        let phantom = Phantom {
            size: TISSUE_SIZE,
            voxel_nm: config.groundtruth.voxel_or_nan(),
            seed: 1,
            density: 0.85,
        };
        cells = Some(phantom::write_stack(&mut output, &tissue, &phantom)?);
    }
    output.commit()?;

    say(&format!("{file} is written: a commented configuration"));
    if let Some(preset) = args.microscope {
        say(&format!("Its {preset} is {}.", preset.meaning()));
    }
    if let Some(warning) = args
        .objective
        .and_then(|objective| beyond_gel(objective, &config))
    {
        tell(&warning);
    }
    match cells {
        Some(cells) => {
            let tissue = args.file.with_file_name(&tissue);
            say(&format!(
                "{} is written: made-up tissue of {cells} cells",
                tissue.display()
            ));
        }
        None => advise(&image_path, &config, &known),
    }
    say(&format!(
        "Run it with: simexm-gpu {}",
        shell_word(&args.file)
    ));
    Ok(())
}

/// Warns of an aperture that the gel does not have: light of these angles does not leave it.
fn beyond_gel(objective: Engraving, config: &Config) -> Option<String> {
    let (aperture, index) = (objective.numerical_aperture, config.optics.refractive_index);
    (aperture >= index).then(|| {
        format!(
            "warning: in a gel of refractory_index {index} an aperture of {aperture} sees no more than one of {index} would, \
             and ever less sharply with depth: 60x/1.2W is made for gels"
        )
    })
}

/// Without digits that a quotient of the file's numbers makes up.
fn short(nm: f64) -> f64 {
    format!("{nm:.5e}").parse().unwrap_or(nm)
}

/// Lists the parts of a configuration that the user has to adapt to a volume of their own.
fn advise(image: &Path, config: &Config, known: &Facts) {
    if !read::files(image).iter().any(|file| file.exists()) {
        tell(&format!("warning: {} is not there yet", image.display()));
    }
    for note in &known.notes {
        tell(&format!("warning: {}: {note}", image.display()));
    }
    let [z, x, y] = config.groundtruth.voxel_or_nan();
    say(&match known.voxel_nm {
        [Some(_), Some(_), Some(_)] => {
            format!("[groundtruth] voxel_dim is that of the file: {z} x {x} x {y} nm (z, x, y).")
        }
        _ => format!(
            "Set [groundtruth] voxel_dim to the size of its voxels; it says {z} x {x} x {y} nm (z, x, y)."
        ),
    });
}
