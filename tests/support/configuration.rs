//! The configuration that tests start from.

use simexm_gpu::config::{Config, Override};
use simexm_gpu::internals::base::volume::VoxelBox;
use std::path::Path;

/// Two layers with a dye each and two channels, each of which sees one of the dyes only: a run
/// without a warning.
pub const CONFIG: &str = include_str!("tissue.toml");

/// [`CONFIG`] with parts replaced, each of which must be there once.
pub fn config(replacements: &[(&str, &str)]) -> String {
    let mut text = CONFIG.to_owned();
    for (from, to) in replacements {
        assert_eq!(
            text.matches(from).count(),
            1,
            "{from:?} in the configuration"
        );
        text = text.replace(from, to);
    }
    text
}

/// [`CONFIG`] with entries of the form `section.key=value` put in.
pub fn with_entries(entries: &[&str]) -> Config {
    put_in(CONFIG, entries)
}

/// [`CONFIG`] without its layers and channels, with entries put in.
pub fn bare(entries: &[&str]) -> Config {
    let mut table: toml::Table = CONFIG.parse().unwrap();
    table.remove("labeling");
    table["optics"].as_table_mut().unwrap().remove("channels");
    put_in(&table.to_string(), entries)
}

/// [`bare`] with one channel without light, and a camera whose pixels are the voxels, of 40 nm, and
/// which keeps every slice.
pub fn in_the_dark(entries: &[&str]) -> Config {
    let dark = [
        "groundtruth.voxel_dim=[40, 40, 40]",
        "expansion.factor=1",
        "optics.type=widefield",
        "optics.focal_plane_depth=40",
        "optics.exposure_time=0",
        "optics.objective_factor=1",
        "optics.pixel_size=40",
        "optics.channels.c1.laser_wavelength=425",
        "optics.channels.c1.laser_power=50",
        "optics.channels.c1.laser_percentage=0.25",
        "optics.channels.c1.laser_filter=[440, 550]",
    ];
    bare(&[&dark, entries].concat())
}

/// A configuration of the model `physical` without layers, with one channel for ATTO550, and
/// entries put in: of a scanned focus, unless one of them gives an irradiance, and a detector's
/// defaults.
pub fn physical(entries: &[&str]) -> Config {
    let mut table: toml::Table = Config::physical().to_toml().parse().unwrap();
    table.remove("labeling");
    table.remove("detector");
    table["optics"].as_table_mut().unwrap().remove("channels");
    let of_channel = [
        "groundtruth.isotropic=false",
        "optics.channels.channel_1.laser_wavelength=550",
        "optics.channels.channel_1.laser_filter=[560, 650]",
    ];
    let power = "optics.channels.channel_1.laser_power=2e-5";
    let scans = !entries.iter().any(|entry| entry.contains("irradiance"));
    let power: &[&str] = if scans { &[power] } else { &[] };
    put_in(&table.to_string(), &[&of_channel, power, entries].concat())
}

fn put_in(text: &str, entries: &[&str]) -> Config {
    let overrides: Vec<Override> = entries.iter().map(|e| e.parse().unwrap()).collect();
    Config::from_toml_str(text, "test", Path::new("."), &overrides)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A whole volume as a region.
pub fn whole(shape: [usize; 3]) -> VoxelBox {
    VoxelBox {
        offset: [0; 3],
        shape,
    }
}
