//! Ground truth of the tissue as a whole: displacements of an uneven expansion, barcodes, clusters.

use super::layout::{Layouts, is_compact};
use crate::config::Config;
use crate::io::write::{FLOAT_FORMAT, OutputFolder, SliceWriter, Target, WriteError};
use crate::model::Model;
use crate::model::cells::Selection;
use crate::run::pipeline::Punctum;
use std::borrow::Cow;
use std::path::PathBuf;

/// Displacements of an uneven expansion below the output folder, without the format's extension.
pub(super) const DISPLACEMENT_STEM: &str = "groundtruth/displacement";

/// Name of the code book below the output folder.
pub(crate) const CODES_NAME: &str = "groundtruth/codes.csv";

/// Name of the table of clusters below the output folder.
pub(crate) const PUNCTA_NAME: &str = "groundtruth/puncta.csv";

/// What a run of this model writes of its tissue.
pub(super) fn targets(config: &Config, model: &Model) -> Vec<Target> {
    let field = model.distortion.as_ref();
    let field = field.map(|_| FLOAT_FORMAT.target(DISPLACEMENT_STEM.as_ref()));
    let codes = has_codes(config).then(|| Target::File(PathBuf::from(CODES_NAME)));
    let clustered = model.labelling.clustered().next();
    let puncta = clustered.map(|_| Target::File(PathBuf::from(PUNCTA_NAME)));
    field.into_iter().chain(codes).chain(puncta).collect()
}

/// Whether cells have barcodes.
pub(crate) fn has_codes(config: &Config) -> bool {
    config.labeling.barcode_layers.is_some()
}

/// Writes the displacements of the voxels that the ground truth shows, in voxels along z, x and y.
pub(super) fn write_displacements(
    layouts: &Layouts<'_>,
    model: &Model,
    output: &mut OutputFolder,
) -> Result<(), WriteError> {
    let Some(field) = &model.distortion else {
        return Ok(());
    };
    let layout = layouts.displacements();
    let [depth, size_x, size_y] = model.volume.shape;
    let [slices, rows, columns] = model.image_shape();
    let camera = &model.camera;
    let along_x: Vec<usize> = (0..rows).map(|row| camera.x.shown(row, size_x)).collect();
    let along_y: Vec<usize> = (0..columns)
        .map(|column| camera.y.shown(column, size_y))
        .collect();
    let [offset_z, offset_x, offset_y] = model.volume.offset;
    let slice = |image: usize| -> Cow<'_, [u8]> {
        let z = camera.planes.shown(image).min(depth - 1);
        let mut parts = [const { Vec::new() }; 3];
        for &x in &along_x {
            for &y in &along_y {
                let at = field.at([offset_z + z, offset_x + x, offset_y + y]);
                for (part, voxels) in parts.iter_mut().zip(at) {
                    part.push(voxels);
                }
            }
        }
        Cow::Owned(bytemuck::cast_slice(&parts.concat()).to_vec())
    };
    let sink = FLOAT_FORMAT.create(output, DISPLACEMENT_STEM.as_ref(), layout.clone())?;
    let mut writer = SliceWriter::new(sink, FLOAT_FORMAT, &layout);
    for image in 0..slices {
        writer.write(1, |_| slice(image))?;
    }
    writer.finish()
}

/// The code book: for each cell, by its number in the output, its brightness in the layers of
/// barcodes over theirs; 0 where it has none.
pub(crate) fn table_of_codes(
    config: &Config,
    model: &Model,
    selection: &Selection,
    ids: &[u64],
) -> String {
    let layers = model.labelling.layers.iter().filter(|layer| layer.barcode);
    let mut text = String::from("cell");
    for layer in layers {
        text.push(',');
        text.push_str(&quoted(&layer.name));
    }
    text.push('\n');
    for code in &selection.codes {
        text.push_str(&number(config, ids, code.cell).to_string());
        for level in &code.levels {
            text.push_str(&format!(",{level}"));
        }
        text.push('\n');
    }
    text
}

/// The table of clusters: for each its layer, its cell by the number in the output, the voxel of
/// its middle in the part of the tissue that is simulated, and its proteins.
pub(crate) fn table_of_puncta(
    config: &Config,
    model: &Model,
    puncta: &[Punctum],
    ids: &[u64],
) -> String {
    let mut text = String::from("layer,cell,z,x,y,proteins\n");
    for punctum in puncta {
        let layer = quoted(&model.labelling.layers[punctum.layer].name);
        let cell = number(config, ids, punctum.cell);
        let ([z, x, y], proteins) = (punctum.voxel, punctum.proteins);
        text.push_str(&format!("{layer},{cell},{z},{x},{y},{proteins}\n"));
    }
    text
}

/// The number of a cell in the output.
fn number(config: &Config, ids: &[u64], cell: usize) -> u64 {
    match is_compact(config) {
        true => cell as u64,
        false => ids[cell],
    }
}

/// A name as a cell of a table.
fn quoted(name: &str) -> Cow<'_, str> {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")).into(),
        false => name.into(),
    }
}
