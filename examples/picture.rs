//! Makes the pictures of the README and of docs/models.md from the output of runs:
//!
//! ```text
//! cargo run --release -- examples/brainbow.toml
//! cargo run --release --example picture -- examples/output/brainbow docs/brainbow.png
//! ```
//!
//! From left to right: the middle slice of the channels in colour, their maximum projection, and
//! the cells of the middle slice that carry a dye. Of several runs: the middle slice of each, all
//! as large as the largest, or as `--panel 280` says in pixels, so many in a row as `--columns 5` says.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use simexm_gpu::read::{self, VolumeSource};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Colours of the first channels, on black.
const COLOURS: [[f32; 3]; 3] = [[0.25, 0.55, 1.0], [0.3, 1.0, 0.35], [1.0, 0.3, 0.35]];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let mut arguments = arguments.as_slice();
    let [columns, panel] = ["--columns", "--panel"].map(|name| option(name, &mut arguments));
    let (columns, panel) = (columns?.unwrap_or(u32::MAX), panel?);
    let [runs @ .., picture] = arguments else {
        return Err(USAGE.into());
    };
    let mut parts = match runs {
        [] => return Err(USAGE.into()),
        [run] => panels(run)?,
        several => {
            let slices = several.iter().map(|run| Ok(panels(run)?.swap_remove(0)));
            slices.collect::<Result<Vec<_>, Box<dyn Error>>>()?
        }
    };
    let mut width = parts.iter().map(RgbImage::width).max().unwrap_or(1);
    let mut height = parts.iter().map(RgbImage::height).max().unwrap_or(1);
    if runs.len() > 1 {
        if let Some(panel) = panel {
            (width, height) = (panel, (height * panel / width).max(1));
        }
        let resized = |part: &RgbImage| imageops::resize(part, width, height, FilterType::Triangle);
        parts = parts.iter().map(resized).collect();
    }
    let gap = 8;
    let columns = columns.min(parts.len() as u32);
    let rows = (parts.len() as u32).div_ceil(columns);
    let size = |count: u32, size: u32| count * (size + gap) - gap;
    let mut all = RgbImage::from_pixel(size(columns, width), size(rows, height), Rgb([255; 3]));
    for (number, part) in (0..).zip(parts) {
        let place = [
            number % columns * (width + gap),
            number / columns * (height + gap),
        ];
        imageops::replace(&mut all, &part, place[0].into(), place[1].into());
    }
    if let Some(folder) = picture.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A third of the file where nothing is coloured.
    match all.pixels().all(|Rgb([r, g, b])| r == g && g == b) {
        true => imageops::grayscale(&all).save(picture)?,
        false => all.save(picture)?,
    }
    println!("{}", picture.display());
    Ok(())
}

const USAGE: &str = "usage: picture [--columns N] [--panel PIXELS] RUN-FOLDER... PICTURE.png";

/// Takes an option and its number, from 1 on, if the arguments begin with it.
fn option(name: &str, arguments: &mut &[PathBuf]) -> Result<Option<u32>, &'static str> {
    match *arguments {
        [first, number, rest @ ..] if first == Path::new(name) => {
            *arguments = rest;
            let number = number.to_str().and_then(|number| number.parse().ok());
            number.filter(|number| *number > 0).map(Some).ok_or(USAGE)
        }
        _ => Ok(None),
    }
}

/// The middle slice of a run, its maximum projection, and its ground truth.
fn panels(run: &Path) -> Result<Vec<RgbImage>, Box<dyn Error>> {
    // Called after their channels, one file each.
    let files = std::fs::read_dir(run.join("simulation"))?;
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let channels = files
        .iter()
        .take(COLOURS.len())
        .map(|path| volume(path))
        .collect::<Result<Vec<_>, _>>()?;
    let shape = channels.first().ok_or("the run has no channels")?.shape;
    let middle = shape[0] / 2;
    let slice = panel(shape, |pixel| {
        composite(&channels, |channel| channel.value(middle, pixel))
    });
    let projection = panel(shape, |pixel| {
        let brightest = |channel: &Volume| (0..shape[0]).map(|z| channel.value(z, pixel)).max();
        composite(&channels, |channel| brightest(channel).unwrap_or(0))
    });
    let mut truths = Vec::new();
    for entry in std::fs::read_dir(run.join("groundtruth"))? {
        truths.push(volume(&entry?.path().join("all_cells.tiff"))?);
    }
    let cells = panel(shape, |pixel| {
        let ids = truths.iter().map(|truth| truth.value(middle, pixel));
        colour_of(ids.max().unwrap_or(0))
    });
    Ok(vec![slice, projection, cells])
}

struct Volume {
    shape: [usize; 3],
    values: Vec<u64>,
    /// Values that are shown black and full: all but a few lie between them.
    shown: [f32; 2],
}

impl Volume {
    fn value(&self, z: usize, pixel: usize) -> u64 {
        self.values[z * self.shape[1] * self.shape[2] + pixel]
    }
}

fn volume(path: &Path) -> Result<Volume, Box<dyn Error>> {
    let source: Box<dyn VolumeSource> = read::open(path, None)?;
    let shape = source.shape();
    let mut values = vec![0; shape.iter().product()];
    let mut reader = source.slices()?;
    for (z, slice) in values.chunks_exact_mut(shape[1] * shape[2]).enumerate() {
        reader.read(z, 0..shape[1], 0..shape[2], slice)?;
    }
    drop(reader);
    let mut sorted = values.clone();
    sorted.sort_unstable();
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64) as usize] as f32;
    let shown = [at(0.01), at(0.998).max(at(0.01) + 1.0)];
    Ok(Volume {
        shape,
        values,
        shown,
    })
}

/// An image of a slice, twice as large.
fn panel(shape: [usize; 3], colour: impl Fn(usize) -> Rgb<u8>) -> RgbImage {
    let [_, rows, columns] = shape;
    RgbImage::from_fn(2 * columns as u32, 2 * rows as u32, |column, row| {
        colour(row as usize / 2 * columns + column as usize / 2)
    })
}

fn composite(channels: &[Volume], value: impl Fn(&Volume) -> u64) -> Rgb<u8> {
    let mut sum = [0.0f32; 3];
    // A channel by itself is white.
    let colours = match channels {
        [_] => [[1.0; 3]; 3],
        _ => COLOURS,
    };
    for (channel, colour) in channels.iter().zip(colours) {
        let [black, full] = channel.shown;
        let share = ((value(channel) as f32 - black) / (full - black)).clamp(0.0, 1.0);
        // A gamma below 1 shows dim processes beside the brightest pixel.
        let brightness = share.powf(0.8);
        for (sum, part) in sum.iter_mut().zip(colour) {
            *sum += brightness * part;
        }
    }
    Rgb(sum.map(|part| (part.min(1.0) * 255.0) as u8))
}

/// A colour of its own for each id; black for none.
fn colour_of(id: u64) -> Rgb<u8> {
    if id == 0 {
        return Rgb([0; 3]);
    }
    let mix = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Rgb([56, 40, 24].map(|shift| 64 + ((mix >> shift) as u8 % 192)))
}
