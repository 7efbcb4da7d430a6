//! Good configurations, and what is read of them.

use std::path::Path;

use super::{FULL, read};
use crate::config::tree::{Position, Table, Value};
use crate::config::{
    AdapterChoice, Arrangement, BackendChoice, BitDepth, CellPart, CellsFrom, ChannelArrangement,
    ChannelFiles, ChunkCodec, Compression, Config, Factor, Normalization, OutputFormat,
    SingleNeuron, StoredIds, WrittenIds, toml_source,
};
use crate::optics::psf::Microscope;

/// Keys that have no default.
const MINIMAL: &str = r#"
[groundtruth]
image_path = "cells.tif"
isotropic = false
voxel_dim = [40, 32, 32]
[labeling.a]
[expansion]
factor = 4
[optics]
type = "confocal"
numerical_aperture = 1
refractory_index = 1.33
focal_plane_depth = 500
objective_back_aperture = 1
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 6500
pinhole_radius = 50
baseline_noise = 2
channels.c = { laser_wavelength = 425, laser_power = 50, laser_percentage = 1, laser_filter = [440, 550] }
[output]
name = "n"
path = "out"
"#;

#[test]
fn every_key_is_read() {
    let config = read(FULL).unwrap();
    let truth = &config.groundtruth;
    assert_eq!(truth.image_path, Path::new("/base/data/cells.tif"));
    assert_eq!(truth.offset_voxels, [1, 2, 3]);
    assert_eq!(truth.bounds_voxels, Some([10, 20, 30]));
    assert_eq!(truth.format, "tiff".parse().ok());
    assert_eq!(truth.gt_cells, Arrangement::Split);
    assert!(truth.isotropic);
    assert_eq!(truth.voxel_nm, Some([40.0, 32.5, 32.0]));
    assert_eq!(truth.upsample, [1, 2, 3]);
    assert_eq!(truth.voxel_or_nan(), [40.0, 16.25, 32.0 / 3.0]);
    assert_eq!(
        (truth.ids, truth.label),
        (StoredIds::Bgr, CellsFrom::Components)
    );
    assert_eq!(truth.background, [-1, u64::MAX.into()]);
    assert_eq!(
        [truth.series, truth.channel, truth.time],
        [Some(1), Some(2), Some(0)]
    );
    assert_eq!(truth.dataset.as_deref(), Some("volumes/labels"));
    assert_eq!(truth.level, Some(2));
    let region = &truth.regions["synapse"];
    assert_eq!(region.dataset.as_deref(), Some("volumes/synapses"));
    assert_eq!(region.level, Some(1));
    assert_eq!(truth.regions.keys().collect::<Vec<_>>(), ["synapse"]);
    assert_eq!(
        truth.regions["synapse"].region_path,
        Path::new("/data/synapse")
    );
    assert_eq!(config.labeling.global_density, 0.9);
    let layer = &config.labeling.layers["layer1"];
    assert_eq!(layer.fluorophore, "ATTO550");
    assert_eq!(layer.region, CellPart::Named("synapse".to_owned()));
    assert_eq!(layer.labeling_density, 0.25);
    assert_eq!(layer.protein_density_per_nm3, 1e-4);
    assert_eq!(layer.protein_noise, 0.3);
    assert_eq!(layer.antibody_amp, 10.0);
    assert_eq!(layer.single_neuron, SingleNeuron::Largest);
    assert_eq!(config.expansion.factor, Factor::Uniform(4.0));
    let optics = &config.optics;
    assert_eq!(optics.microscope, Microscope::TwoPhoton);
    assert_eq!(optics.numerical_aperture, 1.15);
    assert_eq!(optics.refractive_index, 1.33);
    assert_eq!(optics.focal_plane_depth_nm, 500.0);
    assert_eq!(optics.objective_back_aperture_m, Some(1.0));
    assert_eq!(optics.exposure_time_s, 0.1);
    assert_eq!(optics.objective_efficiency, 0.8);
    assert_eq!(optics.detector_efficiency, 0.6);
    assert_eq!(optics.objective_factor, 40.0);
    assert_eq!(optics.pixel_size_nm, 6500.0);
    assert_eq!(optics.pinhole_radius_um, Some(50.0));
    assert_eq!(optics.baseline_noise, Some(2.0));
    assert!(optics.magnify_evenly);
    let channel = &optics.channels["channel_1"];
    assert_eq!(channel.laser_wavelength_nm, 425.0);
    assert_eq!(channel.laser_power_w, Some(50.0));
    assert_eq!(channel.laser_share, Some(0.25));
    assert_eq!(channel.laser_filter_nm, [440.0, 550.0]);
    let output = &config.output;
    assert_eq!(output.folder(), Path::new("/base/out/conn256"));
    assert_eq!(output.format, "image sequence".parse().unwrap());
    assert_eq!(output.sim_channels, ChannelArrangement::Merged);
    assert_eq!(output.gt_cells, Arrangement::Split);
    assert_eq!(output.gt_region, CellPart::Cytosol);
    assert_eq!(output.channel_files, ChannelFiles::Numbers);
    assert_eq!(output.ids, WrittenIds::Compact);
    assert_eq!(output.bit_depth, BitDepth::Sixteen);
    assert_eq!(output.normalize, Normalization::None);
    assert_eq!(output.compression, Some(Compression::Deflate));
    assert_eq!(
        (output.codec, output.shard),
        (Some(ChunkCodec::Gzip), Some(512))
    );
    assert_eq!(config.compute.seed, Some(7));
    assert_eq!(config.compute.backend, BackendChoice::Cpu);
    assert_eq!(
        config.compute.adapter,
        Some(AdapterChoice::Name("llvmpipe".to_owned()))
    );
    assert_eq!(config.compute.threads, Some(2));
    assert_eq!(config.fluorophores.len(), 1);
    let dye = &config.fluorophores["mScarlet"];
    assert_eq!(dye.quantum_yield, 0.7);
    assert_eq!(dye.extinction_coefficient, 1e5);
    assert_eq!(dye.spectra, Path::new("/base/mScarlet.csv"));
}

#[test]
fn defaults_are_simexms() {
    let config = read(MINIMAL).unwrap();
    assert_eq!(config.groundtruth.offset_voxels, [0, 0, 0]);
    assert_eq!(config.groundtruth.bounds_voxels, None);
    assert_eq!(config.groundtruth.format, None);
    assert_eq!(config.groundtruth.gt_cells, Arrangement::Merged);
    assert!(config.groundtruth.regions.is_empty());
    assert_eq!(config.labeling.global_density, 1.0);
    let layer = &config.labeling.layers["a"];
    assert_eq!(layer.fluorophore, "ATTO425");
    assert_eq!(layer.region, CellPart::Full);
    assert_eq!(layer.labeling_density, 0.5);
    assert_eq!(layer.protein_density_per_nm3, 0.2);
    assert_eq!(layer.protein_noise, 0.0);
    assert_eq!(layer.antibody_amp, 5.0);
    assert_eq!(layer.single_neuron, SingleNeuron::Off);
    assert_eq!(config.output.format, OutputFormat::default());
    assert_eq!(config.output.sim_channels, ChannelArrangement::Split);
    assert_eq!(config.output.channel_files, ChannelFiles::Names);
    assert_eq!(config.output.ids, WrittenIds::Kept);
    assert_eq!(config.output.gt_cells, Arrangement::Merged);
    assert_eq!(config.output.gt_region, CellPart::Full);
    assert_eq!(config.output.bit_depth, BitDepth::Eight);
    assert_eq!(config.output.normalize, Normalization::Channel);
    assert_eq!(config.output.compression, None);
    assert!(config.fluorophores.is_empty());
    assert_eq!(config.compute.seed, None);
    assert_eq!(config.compute.backend, BackendChoice::Auto);
    assert_eq!(config.compute.adapter, None);
    assert_eq!(config.compute.threads, None);
}

#[test]
fn channels_and_layers_are_in_the_order_of_code_points() {
    let channel = "{ laser_wavelength = 425, laser_power = 50, laser_percentage = 1, laser_filter = [440, 550] }";
    let more = format!(
        "\nchannels.channel_2 = {channel}\nchannels.channel_10 = {channel}\nchannels.Z = {channel}\n"
    );
    let text = MINIMAL.replace(
        "\n[output]",
        &format!("{more}[labeling.B]\n[labeling.a1]\n[output]"),
    );
    let config = read(&text).unwrap();
    let names: Vec<_> = config.optics.channels.keys().collect();
    assert_eq!(names, ["Z", "c", "channel_10", "channel_2"]);
    assert_eq!(
        config.labeling.layers.keys().collect::<Vec<_>>(),
        ["B", "a", "a1"]
    );
}

#[test]
fn the_notes_of_a_run_are_ignored() {
    let text = format!(
        "{FULL}\n[run]\nversion = 1\nstages = [{{ name = 'blur', seconds = 1.5 }}]\n[run.photons]\nx = 1979-05-27\n"
    );
    assert_eq!(read(&text).unwrap(), read(FULL).unwrap());
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, MINIMAL).unwrap();
    let config = Config::from_file(&path, &[]).unwrap();
    assert_eq!(
        config.groundtruth.image_path,
        folder.path().join("cells.tif")
    );
    assert_eq!(config.output.path, folder.path().join("out"));

    // Text without a folder: the working directory.
    let config = Config::from_toml_str(MINIMAL, "c", Path::new(""), &[]).unwrap();
    assert_eq!(
        config.output.path,
        std::env::current_dir().unwrap().join("out")
    );
}

/// Takes the types away, as a format without types would.
fn untyped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::Raw(text.clone()),
        Value::Array(items) => Value::Array(items.iter().map(untyped).collect()),
        Value::Table(table) => Value::Table(untyped_table(table)),
        Value::Boolean(value) => Value::Raw(if *value { "True" } else { "False" }.to_owned()),
        other => Value::Raw(other.to_string()),
    }
}

fn untyped_table(table: &Table) -> Table {
    let untyped_entry = |(key, entry): (&String, &crate::config::tree::Entry)| {
        let mut entry = entry.clone();
        entry.value = untyped(&entry.value);
        entry.key_position = Position::Document;
        entry.value_position = Position::Document;
        (key.clone(), entry)
    };
    table.iter().map(untyped_entry).collect()
}

#[test]
fn a_format_without_types_reads_the_same() {
    for text in [FULL, MINIMAL] {
        let tree = untyped_table(&toml_source::parse(text, "c.toml").unwrap());
        let config = Config::from_tree(tree, "c.ini", Path::new("/base"), &[]).unwrap();
        assert_eq!(config, read(text).unwrap());
    }
}

#[test]
fn a_format_without_types_or_positions_names_section_and_key() {
    let text = FULL
        .replace("factor = 4\n", "factor = 0.5\n")
        .replace("isotropic = true", "isotropic = 'maybe'");
    let tree = untyped_table(&toml_source::parse(&text, "c.toml").unwrap());
    let error = Config::from_tree(tree, "c.ini", Path::new("/base"), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c.ini: [groundtruth] isotropic = maybe must be true or false\n\
         c.ini: [expansion] factor = 0.5 must be a number of at least 1, or three of them [z, x, y]"
    );
}
