//! Report of a check as text to read.

use super::report::{CheckReport, Labelling, Memory, OutputFacts, Volumes};
use super::sampling::{digits, digits_of};
use crate::base::host::amount as bytes;
use crate::base::volume::triple;
use crate::config::ModelKind;
use crate::run::outputs::quicklook::QUICKLOOK_NAME;
use std::fmt::{self, Display, Formatter};

/// Columns that the configuration is wrapped to.
const COLUMNS: usize = 110;

impl Display for CheckReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        configuration(f, &self.configuration.to_toml())?;
        volumes(f, &self.volumes)?;
        self.sampling(f)?;
        self.light(f)?;
        if let Some(found) = &self.labelling {
            labelling(f, found)?;
        }
        output(f, &self.output)?;
        if let Some(found) = &self.memory {
            memory(f, found)?;
        }
        list(f, "notes", &self.notes)?;
        if self.warnings.is_empty() {
            writeln!(f, "\nno warnings")
        } else {
            list(f, "warnings", &self.warnings)
        }
    }
}

impl CheckReport {
    fn sampling(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sampling = &self.sampling;
        writeln!(f, "\nsampling (z, x, y)")?;
        let row = |what: &str, numbers: &[f64; 3], unit: &str| {
            let numbers = numbers.map(|number| digits_of(number, 4)).join(" x ");
            (format!("  {what:<8}"), format!("{numbers} {unit}"))
        };
        let lines = [
            (
                "asked",
                &sampling.asked_voxels,
                &sampling.asked_tissue_nm,
                &sampling.asked_gel_nm,
            ),
            (
                "taken",
                &sampling.taken_voxels,
                &sampling.taken_tissue_nm,
                &sampling.taken_gel_nm,
            ),
        ];
        for (what, voxels, tissue, gel) in lines {
            let (head, voxels) = row(what, voxels, "voxels per pixel");
            let (_, tissue) = row("", tissue, "nm in tissue");
            let (_, gel) = row("", gel, "nm in the gel");
            writeln!(f, "{head}{voxels} = {tissue} = {gel}")?;
        }
        Ok(())
    }

    fn light(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.configuration.model {
            ModelKind::Simexm => {
                writeln!(f, "\nlight")?;
                self.photons(f)?;
            }
            ModelKind::Physical => {
                self.detector(f)?;
                let head = "light of a fluorophore in the focal plane, for an image of its slice";
                writeln!(f, "\n{head}")?;
                self.budget(f)?;
                writeln!(f, "\npixels on labelled structures")?;
                self.pixels(f)?;
                writeln!(f, "\nresolution: full width at half maximum in the tissue")?;
                self.resolution(f)?;
                writeln!(f, "\ndyes")?;
            }
        }
        self.dyes(f)
    }

    fn detector(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let detector = self.configuration.detector.as_ref();
        let keys = detector.map(|detector| detector.keys).unwrap_or_default();
        let (kind, bits) = (keys.kind, keys.bits);
        match keys.camera {
            None => writeln!(f, "\ndetector\n  {kind}, {bits} bits"),
            Some(camera) => {
                let sheet = camera.data_sheet();
                writeln!(
                    f,
                    "\ndetector\n  {camera} ({kind}, {bits} bits), {}: {}",
                    sheet.mode, sheet.source
                )
            }
        }
    }

    fn budget(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row([
            "channel",
            "fluorophore",
            "photons emitted",
            "x aperture",
            "x objective",
            "x filter",
            "x detector",
            "x pinhole",
            "= electrons",
            "saturation",
        ])];
        for light in &self.light_budget {
            rows.push(vec![
                light.channel.clone(),
                light.fluorophore.clone(),
                scientific(light.emitted),
                format!("{:.3}", light.aperture),
                format!("{:.3}", light.objective),
                format!("{:.3}", light.filter),
                format!("{:.3}", light.detector),
                format!("{:.3}", light.pinhole),
                scientific(light.electrons),
                format!("{:.1} %", 100.0 * light.saturation),
            ]);
        }
        table(f, &rows, 2)
    }

    fn pixels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row([
            "channel",
            "layer",
            "lies on",
            "electrons",
            "background",
            "signal to noise",
            "of full well",
        ])];
        for pixel in &self.expected_pixels {
            rows.push(vec![
                pixel.channel.clone(),
                pixel.layer.clone(),
                format!("a {}", pixel.structure),
                digits(pixel.electrons),
                digits(pixel.background),
                digits(pixel.signal_to_noise),
                format!("{:.1} %", 100.0 * pixel.full_well),
            ]);
        }
        table(f, &rows, 3)
    }

    fn resolution(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row([
            "channel",
            "fluorophore",
            "x (nm)",
            "y (nm)",
            "z (nm)",
        ])];
        for widths in &self.resolution {
            let [z, x, y] = widths.width_tissue_nm;
            let width =
                |nm: Option<f64>| nm.map_or("does not halve".to_owned(), |nm| format!("{nm:.0}"));
            let [x, y, z] = [x, y, z].map(width);
            rows.push(vec![
                widths.channel.clone(),
                widths.fluorophore.clone(),
                x,
                y,
                z,
            ]);
        }
        table(f, &rows, 2)
    }

    fn photons(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rows = vec![row([
            "channel",
            "fluorophore",
            "excitation",
            "emission in filter",
            "photons per protein",
        ])];
        for photons in &self.photons {
            rows.push(vec![
                photons.channel.clone(),
                photons.fluorophore.clone(),
                format!("{:.3}", photons.excitation),
                format!("{:.3}", photons.emission),
                scientific(photons.mean_photons),
            ]);
        }
        table(f, &rows, 2)
    }

    fn dyes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for dye in &self.fluorophores {
            let guess = if dye.quantum_yield_is_guess {
                " (a guess)"
            } else {
                ""
            };
            writeln!(
                f,
                "  {}: excited best at {} nm, emission peak {} nm, quantum yield {}{guess}, extinction {} /(M cm)",
                dye.name,
                digits(dye.excitation_peak_nm),
                digits(dye.emission_peak_nm),
                dye.quantum_yield,
                dye.extinction_coefficient_per_m_cm
            )?;
        }
        Ok(())
    }
}

/// The cells of a table's row.
fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Writes the keys of each table in one paragraph.
fn configuration(f: &mut Formatter<'_>, toml: &str) -> fmt::Result {
    let mut paragraph = String::new();
    for line in toml.lines().chain([""]) {
        if !line.is_empty() && !line.starts_with('[') {
            let open = paragraph.ends_with(']') && !paragraph.contains(" = ");
            paragraph.push_str(if open { " " } else { ", " });
            paragraph.push_str(line);
            continue;
        }
        if paragraph.contains(" = ") {
            wrapped(f, &paragraph)?;
        }
        paragraph = line.to_owned();
    }
    Ok(())
}

/// Writes entries separated by ", " with as many on a line as fit.
fn wrapped(f: &mut Formatter<'_>, entries: &str) -> fmt::Result {
    let mut line = String::new();
    for entry in entries.split_inclusive(", ") {
        if !line.trim().is_empty() && line.len() + entry.trim_end().len() > COLUMNS {
            writeln!(f, "{}", line.trim_end())?;
            line = "    ".to_owned();
        }
        line.push_str(entry);
    }
    writeln!(f, "{line}")
}

fn volumes(f: &mut Formatter<'_>, volumes: &Volumes) -> fmt::Result {
    writeln!(f, "\nground truth")?;
    for volume in std::iter::once(&volumes.cells).chain(&volumes.regions) {
        let path = volume.path.display();
        match &volume.description {
            Some(description) => writeln!(f, "  {:<8}{description}", volume.name)?,
            None if volume.found => writeln!(f, "  {:<8}{path}", volume.name)?,
            None => writeln!(f, "  {:<8}{path} (missing)", volume.name)?,
        }
    }
    let (Some(shape), Some(tissue), Some(gel)) = (
        volumes.loaded_shape_voxels,
        volumes.loaded_tissue_nm,
        volumes.loaded_gel_nm,
    ) else {
        return writeln!(
            f,
            "  its size is not known: [groundtruth] bounds would tell it"
        );
    };
    let um = |nm: [f64; 3]| nm.map(|nm| digits(nm / 1000.0)).join(" x ");
    let finer = match volumes.simulated_shape_voxels {
        Some(simulated) if simulated != shape => {
            format!(", as {} of upsample", triple(simulated, " x "))
        }
        _ => String::new(),
    };
    writeln!(
        f,
        "  loaded  {} voxels from ({}){finer}: {} um of tissue, {} um of gel",
        triple(shape, " x "),
        triple(volumes.offset_voxels, ", "),
        um(tissue),
        um(gel)
    )
}

fn labelling(f: &mut Formatter<'_>, labelling: &Labelling) -> fmt::Result {
    writeln!(
        f,
        "\nlabelling: {} cells, of which {} eligible on average",
        labelling.cells,
        digits(labelling.expected_eligible_cells)
    )?;
    let head = ["region", "voxels", "in cells", "", "cells"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for region in &labelling.regions {
        let share = match region.voxels {
            0 => String::new(),
            voxels => format!(
                "{:.0} %",
                100.0 * region.voxels_in_cells as f64 / voxels as f64
            ),
        };
        rows.push(vec![
            region.name.clone(),
            region.voxels.to_string(),
            region.voxels_in_cells.to_string(),
            share,
            region.cells.to_string(),
        ]);
    }
    table(f, &rows, 1)?;
    let head = [
        "layer",
        "fluorophore",
        "region",
        "cells there",
        "labelled on average",
        "with this seed",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for layer in &labelling.layers {
        let drawn = layer
            .labelled_cells
            .map_or_else(|| "-".to_owned(), |n| n.to_string());
        rows.push(vec![
            layer.name.clone(),
            layer.fluorophore.clone(),
            layer.region.clone(),
            layer.cells_in_region.to_string(),
            digits(layer.expected_labelled_cells),
            drawn,
        ]);
    }
    table(f, &rows, 3)
}

fn output(f: &mut Formatter<'_>, output: &OutputFacts) -> fmt::Result {
    let state = match (&output.obstacle, output.exists) {
        (Some(_), _) => "in the way: see the warnings",
        (None, true) => "there, and may be written to",
        (None, false) => "to be made",
    };
    writeln!(f, "\noutput: {} ({state})", output.folder.display())?;
    if let Some([slices, rows, columns]) = output.image_shape_pixels {
        writeln!(f, "  {slices} slices of {rows} x {columns} pixels")?;
    }
    let mut rows = Vec::new();
    for volume in &output.volumes {
        let kind = match volume.samples_per_pixel {
            1 => format!("{} bit", volume.bits),
            samples => format!("{samples} x {} bit", volume.bits),
        };
        let most = volume
            .bytes_at_most
            .map_or_else(String::new, |most| format!("at most {}", bytes(most)));
        rows.push(vec![volume.path.clone(), kind, most]);
    }
    let most = output.quicklook_bytes_at_most;
    let most = most.map_or_else(String::new, |most| format!("at most {}", bytes(most)));
    rows.push(vec![QUICKLOOK_NAME.to_owned(), "picture".to_owned(), most]);
    table(f, &rows, 2)?;
    let most = output
        .bytes_at_most
        .map(|most| format!("at most {} in all", bytes(most)));
    let free = output
        .free_bytes
        .map(|free| format!("{} free", bytes(free)));
    let sums: Vec<String> = most.into_iter().chain(free).collect();
    if sums.is_empty() {
        return Ok(());
    }
    writeln!(f, "  {}", sums.join(", "))
}

fn memory(f: &mut Formatter<'_>, memory: &Memory) -> fmt::Result {
    writeln!(f, "\nmemory: {} available", bytes(memory.available_bytes))?;
    let devices = [("CPU", &memory.cpu), ("GPU of 2 GiB", &memory.gpu)];
    for (name, device) in devices {
        match device {
            Some(device) => writeln!(
                f,
                "  {name:<13} {} in {} step(s) of up to {} slices",
                bytes(device.bytes),
                device.steps,
                device.slab_slices
            )?,
            None => writeln!(f, "  {name:<13} does not fit")?,
        }
    }
    writeln!(
        f,
        "  kept beside    at most {}, and about {} on disk while the run lasts",
        bytes(memory.kept_bytes_at_most),
        bytes(memory.spilled_bytes)
    )
}

pub(super) fn list(f: &mut Formatter<'_>, what: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{what}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

/// Writes rows in columns; the first `text` columns are flush left.
pub(super) fn table(f: &mut Formatter<'_>, rows: &[Vec<String>], text: usize) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line.push_str("  ");
            line.push_str(&if column < text {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            });
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes a positive number with three digits, in powers of ten where it is very small or large.
fn scientific(number: f64) -> String {
    if number == 0.0 || (1e-3..1e5).contains(&number) {
        digits(number)
    } else {
        format!("{number:.2e}")
    }
}
