//! A configuration to start from.

use simexm_gpu::base::volume::Region;
use simexm_gpu::config::{Config, Override};
use std::path::Path;

/// A configuration that is complete but for the layers: isotropic voxels of 40 nm, one channel without light,
/// a camera whose pixels are the voxels and which keeps every slice.
const CONFIGURATION: &str = r#"
[groundtruth]
image_path = "none.tif"
isotropic = true
voxel_dim = [40, 40, 40]
[expansion]
factor = 1
[optics]
type = "widefield"
numerical_aperture = 1.15
refractory_index = 1.33
focal_plane_depth = 40
objective_back_aperture = 1
exposure_time = 0
objective_efficiency = 0.8
detector_efficiency = 0.6
objective_factor = 1
pixel_size = 40
pinhole_radius = 50
baseline_noise = 0
[optics.channels.c1]
laser_wavelength = 425
laser_power = 50
laser_percentage = 0.25
laser_filter = [440, 550]
[output]
name = "test"
path = "."
"#;

/// The configuration above with entries of the form `section.key=value` put in.
pub fn config(entries: &[&str]) -> Config {
    let overrides: Vec<Override> = entries.iter().map(|e| e.parse().unwrap()).collect();
    Config::from_toml_str(CONFIGURATION, "test", Path::new("."), &overrides)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A whole volume as a region.
pub fn whole(shape: [usize; 3]) -> Region {
    Region {
        offset: [0; 3],
        shape,
    }
}
