//! Ground truth of the tissue as a whole: displacements of an uneven expansion and of rounds of
//! imaging, barcodes, clusters.

use super::layout::{Layouts, is_compact};
use crate::config::Config;
use crate::io::write::{
    FLOAT_FORMAT, OutputFolder, SliceWriter, Target, WriteError, WriteFormat, writer,
};
use crate::model::cells::Selection;
use crate::model::{DisplacementField, Model, Round};
use crate::run::pipeline::Punctum;
use std::borrow::Cow;
use std::path::PathBuf;

/// Displacements of an uneven expansion below the output folder, without the format's extension.
const DISPLACEMENT_STEM: &str = "groundtruth/displacement";

/// Name of the table of rounds of imaging below the output folder.
const ROUNDS_NAME: &str = "groundtruth/rounds.csv";

/// Name of the code book below the output folder.
pub(crate) const CODES_NAME: &str = "groundtruth/codes.csv";

/// Name of the table of clusters below the output folder.
pub(crate) const PUNCTA_NAME: &str = "groundtruth/puncta.csv";

/// What a run of this model writes of its tissue.
pub(crate) fn targets(config: &Config, model: &Model) -> Vec<Target> {
    let fields = fields(model).map(|field| format(config).target(&field.stem));
    let rounds = config.rounds.as_ref();
    let rounds = rounds.map(|_| Target::File(PathBuf::from(ROUNDS_NAME)));
    let codes = has_codes(config).then(|| Target::File(PathBuf::from(CODES_NAME)));
    let clustered = model.labelling.clustered().next();
    let puncta = clustered.map(|_| Target::File(PathBuf::from(PUNCTA_NAME)));
    fields.chain(rounds).chain(codes).chain(puncta).collect()
}

/// The format of displacements: the run's, where it holds channels of floating-point numbers.
fn format(config: &Config) -> &'static dyn WriteFormat {
    let own = writer(config.output.format);
    match own.holds_floats() {
        true => own,
        false => FLOAT_FORMAT,
    }
}

/// Whether cells have barcodes.
pub(crate) fn has_codes(config: &Config) -> bool {
    config.labeling.barcode_layers.is_some()
}

/// Displacements that are written.
struct WrittenField<'m> {
    stem: PathBuf,
    field: &'m DisplacementField,
    /// What they are, for the file.
    what: String,
}

/// The displacements of a model that are written: those of rounds that are not warped are in the
/// table.
fn fields(model: &Model) -> impl Iterator<Item = WrittenField<'_>> {
    let expansion = model.distortion.iter().map(|field| WrittenField {
        stem: PathBuf::from(DISPLACEMENT_STEM),
        field,
        what: "displacements by the expansion in voxels of the tissue: a voxel shows what was so far before it".to_owned(),
    });
    let warped = model
        .rounds
        .iter()
        .enumerate()
        .filter(|(_, round)| round.warped);
    let rounds = warped.map(|(number, round)| WrittenField {
        stem: PathBuf::from(format!("{DISPLACEMENT_STEM}_round_{}", number + 2)),
        field: &round.field,
        what: format!(
            "displacements of round {} in voxels of the tissue: a voxel shows what the first round shows so far before it",
            number + 2
        ),
    });
    expansion.chain(rounds)
}

/// Writes the displacements of the voxels that the ground truth shows, in voxels along z, x and y.
pub(crate) fn write_displacements(
    layouts: &Layouts<'_>,
    (config, model): (&Config, &Model),
    output: &mut OutputFolder,
) -> Result<(), WriteError> {
    fields(model).try_for_each(|written| write_field(layouts, (config, model), output, written))
}

fn write_field(
    layouts: &Layouts<'_>,
    (config, model): (&Config, &Model),
    output: &mut OutputFolder,
    WrittenField { stem, field, what }: WrittenField<'_>,
) -> Result<(), WriteError> {
    let layout = layouts.displacements(what);
    let [slices, ..] = model.image_shape();
    let slice = |image: usize| -> Cow<'_, [u8]> {
        let shown = model.shown_displacements(field, image);
        Cow::Owned(bytemuck::cast_slice(&shown).to_vec())
    };
    let format = format(config);
    let sink = format.create(output, &stem, layout.clone())?;
    let mut writer = SliceWriter::new(sink, format, &layout);
    for image in 0..slices {
        writer.write(1, |_| slice(image))?;
    }
    writer.finish()
}

/// Writes the table of rounds of imaging, where there are some.
pub(crate) fn write_rounds(
    config: &Config,
    model: &Model,
    output: &mut OutputFolder,
) -> Result<(), WriteError> {
    match config.rounds {
        None => Ok(()),
        Some(_) => {
            let table = table_of_rounds(config, model);
            output
                .create(ROUNDS_NAME.as_ref())?
                .write_whole(table.as_bytes())
        }
    }
}

/// The table of rounds of imaging: for each its shift in um of the gel, its rotation in degrees,
/// and the place (z, x, y) of the first round's images that a place of its own shows: in each row
/// of a matrix the factors of the place, and what is added.
fn table_of_rounds(config: &Config, model: &Model) -> String {
    let voxel_um = config.voxel_in_gel_nm().map(|nm| nm / 1e3);
    let mut text = String::from("round,shift_z,shift_x,shift_y,rotation");
    for row in ["z", "x", "y"] {
        text.push_str(&format!(",{row}_z,{row}_x,{row}_y,{row}_0"));
    }
    text.push('\n');
    let row = |number: usize, [z, x, y]: [f64; 3], degrees: f64, affine: [[f64; 4]; 3]| {
        let numbers: Vec<String> = affine.concat().iter().map(f64::to_string).collect();
        format!("{number},{z},{x},{y},{degrees},{}\n", numbers.join(","))
    };
    let still = std::array::from_fn(|row| std::array::from_fn(|axis| f64::from(axis == row)));
    text.push_str(&row(1, [0.0; 3], 0.0, still));
    for (number, round) in model.rounds.iter().enumerate() {
        let Round {
            shift_um,
            rotation_degrees,
            ..
        } = round;
        let affine = round.affine(model.volume, &model.camera, voxel_um);
        text.push_str(&row(number + 2, *shift_um, *rotation_degrees, affine));
    }
    text
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
