//! Tests of the configuration: reading, refusals, and their messages.

mod fuzz;
mod ini;
mod keys;
mod limits;
mod messages;
mod overrides;
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
ids = "bgr"
background = [-1, "18446744073709551615"]
label = "components"
series = 1
channel = 2
time = 0

[groundtruth.regions.synapse]
region_path = "/data/synapse"

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

[optics.channels.channel_1]
laser_wavelength = 425
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 550]

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

[compute]
seed = 7
backend = "cpu"
adapter = "llvmpipe"
threads = 2
gpu_memory = "2 GB"
memory = "1.5 GiB"

[fluorophores.mScarlet]
quantum_yield = 0.7
extinction_coefficient = 100000
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
    let mut lines: Vec<_> = FULL.lines().collect();
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
