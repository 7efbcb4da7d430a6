//! What OME-Zarr says of a group (ngff.openmicroscopy.org, versions 0.1 to 0.5).

use serde::Deserialize;
use serde_json::Value;

use super::super::units::nanometres;

/// A pyramid.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Multiscale {
    #[serde(default)]
    axes: Vec<Axis>,
    pub datasets: Vec<Level>,
    #[serde(default, rename = "coordinateTransformations")]
    transformations: Vec<Transformation>,
}

/// A level of a pyramid.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Level {
    /// Path of the array below the group.
    pub path: String,
    #[serde(default, rename = "coordinateTransformations")]
    transformations: Vec<Transformation>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Axis {
    /// Versions up to 0.3.
    Name(String),
    Known {
        name: String,
        unit: Option<String>,
    },
}

#[derive(Clone, Debug, Deserialize)]
struct Transformation {
    #[serde(default)]
    scale: Option<Vec<f64>>,
}

/// The attributes of a group that are OME's: of 0.5 those below `ome`, before all.
pub(super) fn of_attributes(attributes: &Value) -> &Value {
    match &attributes["ome"] {
        Value::Null => attributes,
        ome => ome,
    }
}

/// The pyramids of a group; none where it is no image.
pub(super) fn multiscales(attributes: &Value) -> Result<Vec<Multiscale>, String> {
    match &of_attributes(attributes)["multiscales"] {
        Value::Null => Ok(Vec::new()),
        list => Vec::deserialize(list)
            .map_err(|error| format!("has multiscales that are none: {error}")),
    }
}

impl Multiscale {
    /// Names of the axes.
    pub fn names(&self) -> Vec<String> {
        let names = self.axes.iter().map(|axis| match axis {
            Axis::Name(name) | Axis::Known { name, .. } => name.clone(),
        });
        names.collect()
    }

    /// Size of a voxel along each axis of a level in nm, as far as it is told.
    pub fn voxel_nm(&self, level: &Level) -> Vec<Option<f64>> {
        let scale = |list: &[Transformation], axis: usize| {
            let mut scales = list.iter().filter_map(|one| one.scale.as_ref());
            scales.find_map(|scale| scale.get(axis).copied())
        };
        let size = |(number, axis): (usize, &Axis)| {
            let Axis::Known { unit, .. } = axis else {
                return None;
            };
            let own = scale(&level.transformations, number);
            let all = scale(&self.transformations, number);
            let size = match (own, all) {
                (None, None) => return None,
                (own, all) => own.unwrap_or(1.0) * all.unwrap_or(1.0),
            };
            let nm = size * nanometres(unit.as_deref()?)?;
            (nm.is_finite() && nm > 0.0).then_some(nm)
        };
        self.axes.iter().enumerate().map(size).collect()
    }
}
