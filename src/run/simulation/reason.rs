//! Numbers that are each allowed, and whose product no number holds.

use super::SimulationError;
use crate::config::Config;

/// Light on a protein that no laser gives, in J/m^2: what follows from more could not be computed.
const MOST_LIGHT: f64 = 1e200;

/// Checks that the light on a protein (docs/model.md section 3) can be computed.
///
/// # Errors
/// [`SimulationError::Unsupported`], which names the key that is farthest from any real one.
pub(crate) fn check_light(config: &Config) -> Result<(), SimulationError> {
    let optics = &config.optics;
    for (name, channel) in &optics.channels {
        // Those of the model `physical` have bounds of their own.
        let (Some(aperture_m), Some(laser_power_w), Some(laser_share)) = (
            optics.objective_back_aperture_m,
            channel.laser_power_w,
            channel.laser_share,
        ) else {
            continue;
        };
        let radius = aperture_m / optics.objective_factor;
        let area = std::f64::consts::PI * radius * radius;
        let power = laser_power_w * laser_share;
        let light = power / area * optics.exposure_time_s;
        if light <= MOST_LIGHT {
            continue;
        }
        let section = format!("[optics.channels.{name}]");
        let whole = "[optics]".to_owned();
        // Each with a value that is usual, and whether more of it is more light.
        let keys = [
            (&section, "laser_power", laser_power_w, 50.0, 1.0),
            (&section, "laser_percentage", laser_share, 0.25, 1.0),
            (&whole, "exposure_time", optics.exposure_time_s, 0.1, 1.0),
            (
                &whole,
                "objective_factor",
                optics.objective_factor,
                60.0,
                1.0,
            ),
            (&whole, "objective_back_aperture", aperture_m, 1.0, -1.0),
        ];
        let excess = |&(_, _, value, usual, sign): &(&String, &str, f64, f64, f64)| {
            sign * (value / usual).log10()
        };
        let worst = keys.iter().max_by(|a, b| excess(a).total_cmp(&excess(b)));
        if let Some((section, key, value, usual, _)) = worst {
            return Err(SimulationError::Unsupported(format!(
                "{section} {key} = {value:e} is out of reason: with it no number holds the light on a protein; usual are \
                 values around {usual}"
            )));
        }
    }
    Ok(())
}
