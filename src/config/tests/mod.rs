//! Tests of the configuration: reading, refusals, and their messages.

mod cameras;
mod expansion;
mod fuzz;
mod ini;
mod keys;
mod limits;
mod messages;
mod overrides;
mod presets;
mod reading;
mod round_trip;
mod spellings;

use std::path::Path;

use super::{Config, ConfigError, Override};

const FLUOROPHORES: &[&str] = &[
    "ATTO390",
    "ATTO425",
    "ATTO430LS",
    "ATTO465",
    "ATTO488",
    "ATTO490LS",
    "ATTO550",
    "ATTO647N",
    "ATTO700",
    "Alexa350",
    "Alexa790",
    "mScarlet",
];

/// Configuration with every key, none of them at its default.
const FULL: &str = r#"[groundtruth]
image_path = "data/cells.tif"
offset = [1, 2, 3]
bounds = [10, 20, 30]
format = "tiff"
gt_cells = "splitted"
isotropic = true
voxel_dim = [40, 32.5, 32]
upsample = [1, 2, 3]
ids = "bgr"
background = [-1, "18446744073709551615"]
label = "components"
series = 1
channel = 2
time = 0
dataset = "volumes/labels"
level = 2

[groundtruth.regions.synapse]
region_path = "/data/synapse"
dataset = "volumes/synapses"
level = 1

[labeling]
global_density = 0.9

[labeling.layer1]
fluorophore = "ATTO550"
region = "synapse"
labeling_density = 0.25
protein_density = 1e-4
protein_noise = 0.3
antibody_amp = 10
single_neuron = "largest"

[expansion]
factor = 4

[tissue]
attenuation_length = 200

[optics]
type = "two photon"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 500
objective_back_aperture = 1.0
exposure_time = 0.1
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 40
pixel_size = 6500
pinhole_radius = 50
baseline_noise = 2
magnify = "area"

[optics.channels.channel_1]
laser_wavelength = 425
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 550]

[rounds]
number = 3
shift = [0.1, 0.2, 0.3]
rotation = 0.5

[output]
name = "conn256"
path = "out"
format = "image sequence"
sim_channels = "merged"
channel_files = "numbers"
gt_cells = "splitted"
gt_region = "cytosol"
ids = "compact"
bit_depth = 16
normalize = "none"
compression = "deflate"
codec = "gzip"
shard = 512

[compute]
seed = 7
backend = "cpu"
adapter = "llvmpipe"
threads = 2
gpu_memory = "2 GB"
memory = "1.5 GiB"

[sweep]
vary = ["expansion.factor=4,[1, 2, 2]", "labeling.global_density=0.2,0.8"]
seeds = 2
crop = [8, 16, 16]
metrics = ["snr", "dose"]
require = ["snr>5", "width_nm < 90"]

[fluorophores.mScarlet]
quantum_yield = 0.7
extinction_coefficient = 100000
lifetime = 3.5
two_photon_cross_section = 12
bleach_yield = 1e-6
spectra = "mScarlet.csv"
"#;

fn read_with(text: &str, overrides: &[Override]) -> Result<Config, ConfigError> {
    Config::from_toml_str(text, "c.toml", Path::new("/base"), overrides)
}

fn read(text: &str) -> Result<Config, ConfigError> {
    read_with(text, &[])
}

/// Returns the lines that report an unusable configuration.
fn problems(text: &str) -> Vec<String> {
    match read(text) {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Replaces the line `key = ...` of a section of [`FULL`]; returns the text and the number of that
/// line.
fn with_line(section: &str, key: &str, line: &str) -> (String, usize) {
    with_line_of(FULL, section, key, line)
}

/// As [`with_line`], of another text.
fn with_line_of(text: &str, section: &str, key: &str, line: &str) -> (String, usize) {
    let mut lines: Vec<_> = text.lines().collect();
    let header = format!("[{section}]");
    let start = lines
        .iter()
        .position(|l| *l == header)
        .expect("the section is there");
    let prefix = format!("{key} = ");
    let offset = lines[start..]
        .iter()
        .position(|l| l.starts_with(&prefix))
        .expect("the key is there");
    lines[start + offset] = line;
    (lines.join("\n"), start + offset + 1)
}

/// Replaces a value of [`FULL`]; returns the text and the number of its line.
fn with_value(section: &str, key: &str, value: &str) -> (String, usize) {
    with_line(section, key, &format!("{key} = {value}"))
}

/// [`FULL`] of the model `physical`, every key of its own away from its default: with a scanned
/// focus, or with a camera.
fn full_physical(scans: bool) -> String {
    let light = if scans {
        "laser_power = 2e-5\nlaser_percentage = 0.5"
    } else {
        "irradiance = 30"
    };
    let microscope = if scans { "confocal" } else { "spinning disk" };
    let text = FULL
        .replace("two photon", microscope)
        .replace("objective_back_aperture = 1.0\n", "")
        .replace("laser_power = 50\nlaser_percentage = 0.25", light)
        .replace("baseline_noise = 2\nmagnify = \"area\"\n", PHYSICAL_OPTICS)
        .replace("laser_filter = [440, 550]\n", CURVES)
        .replace("compression = ", "expected = true\ncompression = ");
    format!("[model]\nkind = \"physical\"\n\n{text}{DETECTOR}")
}

const PHYSICAL_OPTICS: &str = r#"psf = "measured"
psf_file = "bead.tif"
psf_voxel = [200, 65.5, 65]
psf_background = 99.5
psf_truncation = 0.03
psf_depth_truncation = 0.04
psf_reach = 40
boundary = "dark"
spectral_bins = 3
immersion_index = 1.4
immersion_index_design = 1.41
coverslip_index = 1.52
coverslip_index_design = 1.53
coverslip_thickness = 160
coverslip_thickness_design = 165
working_distance = 200
depth = 12
depth_error = 0.02
stage_steps = true
bleaching = true
beam_fill = 0.8
pinhole_airy = 2
pinhole_spacing = 200
sheet_thickness = 2
sheet_lobes = [[0, 1, 2], [-3, 0.2, 1]]
pulse_rate = 70e6
pulse_duration = 2e-13
pulse_factor = 0.59
"#;

const CURVES: &str = r#"laser_filter = [440, 550]
filter_curve = "filter.csv"
dichroic_curve = "mirror.csv"
efficiency_curve = "camera.csv"
"#;

const DETECTOR: &str = r#"
[detector]
kind = "emccd"
bits = 14
gain = 0.5
read_noise = 40
offset = 200
full_well = 70000
em_gain = 200
register_full_well = 500000
excess_noise = 1.5
dead_time = 1e-8
dark_current = 0.1
background = 3
clock_induced = 0.002
gain_map = "gain.tif"
read_noise_map = "noise.tif"
offset_map = "offset.tif"
"#;
