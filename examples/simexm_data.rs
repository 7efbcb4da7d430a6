//! Makes the volumes that the configurations in examples/simexm run on, the same to the bit every
//! time:
//!
//!     cargo run --example simexm_data
//!
//! Another folder than examples/simexm/data may be named.

use simexm_gpu::phantom::Phantom;
use std::error::Error;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tiff::encoder::compression::DeflateLevel;
use tiff::encoder::{Compression, TiffEncoder, TiffValue, colortype};

/// A file by its path in the folder, and its content.
type File = (String, Vec<u8>);
/// Voxels along (z, x, y).
type Shape = [usize; 3];

#[allow(dead_code)] // a test takes `files` only
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simexm/data"),
        PathBuf::from,
    );
    for (name, content) in files()? {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        std::fs::write(&path, &content)?;
        println!("{}: {} bytes", path.display(), content.len());
    }
    Ok(())
}

/// All files.
pub fn files() -> Result<Vec<File>, Box<dyn Error>> {
    let deflate = || Compression::Deflate(DeflateLevel::Best);
    let mut files = Vec::new();

    let shape = [24, 128, 128];
    let cells = neurites(shape, [8.0; 3], 0.85, 3)?;
    let ids = cells.iter().map(|&id| id as u16).collect::<Vec<_>>();
    let stack = tiff::<colortype::Gray16>(shape, &ids, deflate())?;
    files.push(("neurites_8nm.tif".to_owned(), stack));
    let stack = tiff::<colortype::Gray8>(shape, &synapses(shape, &cells), deflate())?;
    files.push(("synapses_8nm.tif".to_owned(), stack));

    let shape = [10, 50, 50];
    let ids = neurites(shape, [40.0; 3], 0.85, 1)?;
    let ids: Vec<u16> = ids.into_iter().map(|id| id as u16).collect();
    let stack = tiff::<colortype::Gray16>(shape, &ids, deflate())?;
    files.push(("small.tif".to_owned(), stack));
    for (slice, ids) in ids.chunks_exact(50 * 50).enumerate() {
        files.push((
            format!("small_slices/s{}.png", slice + 1),
            png([50, 50], ids)?,
        ));
    }

    let shape = [40, 100, 100];
    let ids = neurites(shape, [100.0; 3], 0.5, 2)?;
    let ids: Vec<u16> = ids.into_iter().map(|id| id as u16).collect();
    let stack = tiff::<colortype::Gray16>(shape, &ids, deflate())?;
    files.push(("visible.tif".to_owned(), stack));

    for (id, centre, radius) in CELLS {
        let shape = [16, 48, 48];
        let stack = tiff::<colortype::Gray8>(shape, &ball(shape, id, centre, radius), deflate())?;
        files.push((format!("cells/cell_{id}.tif"), stack));
    }

    for time in 0..12 {
        let shape = [1, 96, 112];
        let frame = tiff::<colortype::Gray16>(shape, &nuclei(shape, time), Compression::Lzw)?;
        files.push((format!("ctc/man_seg{time:03}.tif"), frame));
    }
    Ok(files)
}

/// Cells that overlap: id, centre (z, x, y) and radius in voxels.
const CELLS: [(u8, [i32; 3], i32); 5] = [
    (1, [7, 16, 16], 9),
    (2, [8, 22, 24], 8),
    (3, [6, 34, 12], 7),
    (5, [9, 34, 34], 11),
    (8, [8, 12, 38], 6),
];

/// A made-up piece of brain.
fn neurites(
    size: Shape,
    voxel_nm: [f64; 3],
    density: f64,
    seed: u64,
) -> Result<Vec<u32>, Box<dyn Error>> {
    let phantom = Phantom {
        size,
        voxel_nm,
        seed,
        density,
    };
    Ok(phantom.generate()?)
}

/// Balls of 7 voxels' radius at some of the places where two cells meet along y.
fn synapses([depth, rows, columns]: Shape, cells: &[u32]) -> Vec<u8> {
    const REACH: usize = 3;
    const RADIUS: i32 = 7;
    let mut marks = vec![0; cells.len()];
    let mut centres: Vec<[i32; 3]> = Vec::new();
    let at = |z: usize, x: usize, y: usize| (z * rows + x) * columns + y;
    for (z, x, y) in places([depth, rows, columns - REACH]) {
        let (one, other) = (cells[at(z, x, y)], cells[at(z, x, y + REACH)]);
        let centre = [z as i32, x as i32, y as i32 + 1];
        let is_apart = |c: &[i32; 3]| distance_squared(*c, centre) > 30 * 30;
        if one != 0 && other != 0 && one != other && centres.iter().all(is_apart) {
            centres.push(centre);
        }
    }
    for (z, x, y) in places([depth, rows, columns]) {
        let place = [z as i32, x as i32, y as i32];
        let is_near = |c: &[i32; 3]| distance_squared(*c, place) <= RADIUS * RADIUS;
        marks[at(z, x, y)] = u8::from(centres.iter().any(is_near));
    }
    marks
}

fn ball(shape: Shape, id: u8, centre: [i32; 3], radius: i32) -> Vec<u8> {
    places(shape)
        .map(|(z, x, y)| {
            let inside =
                distance_squared(centre, [z as i32, x as i32, y as i32]) <= radius * radius;
            if inside { id } else { 0 }
        })
        .collect()
}

/// Id, first and last time, centre (x, y) at time 0 and its way per time in tenths of a pixel,
/// radius.
type Nucleus = (u16, [i32; 2], [i32; 2], [i32; 2], i32);

/// Nuclei on their way, at a point in time; the one with id 14 divides into 21 and 22 at time 6.
fn nuclei(shape: Shape, time: i32) -> Vec<u16> {
    const NUCLEI: [Nucleus; 8] = [
        (13, [0, 11], [200, 210], [9, 4], 10),
        (14, [0, 5], [460, 560], [-4, 8], 13),
        (15, [0, 11], [720, 250], [-6, 12], 9),
        (17, [2, 11], [180, 640], [8, -3], 11),
        (18, [0, 9], [700, 900], [-3, -5], 12),
        (20, [0, 11], [260, 960], [2, -7], 8),
        (21, [6, 11], [330, 600], [-6, 2], 9),
        (22, [6, 11], [450, 640], [4, 6], 9),
    ];
    places(shape)
        .map(|(_, x, y)| {
            let is_there = |nucleus: &&Nucleus| {
                let (_, [first, last], from, way, radius) = **nucleus;
                let [dx, dy] = [(x, 0), (y, 1)]
                    .map(|(place, axis)| 10 * place as i32 - from[axis] - time * way[axis]);
                (first..=last).contains(&time) && dx * dx + dy * dy <= 100 * radius * radius
            };
            NUCLEI.iter().find(is_there).map_or(0, |nucleus| nucleus.0)
        })
        .collect()
}

fn places([depth, rows, columns]: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..depth).flat_map(move |z| (0..rows).flat_map(move |x| (0..columns).map(move |y| (z, x, y))))
}

fn distance_squared(a: [i32; 3], b: [i32; 3]) -> i32 {
    (0..3).map(|axis| (a[axis] - b[axis]).pow(2)).sum()
}

fn tiff<C: colortype::ColorType>(
    [depth, rows, columns]: Shape,
    pixels: &[C::Inner],
    compression: Compression,
) -> Result<Vec<u8>, Box<dyn Error>>
where
    [C::Inner]: TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)?.with_compression(compression);
    for page in pixels.chunks_exact(pixels.len() / depth) {
        encoder.write_image::<C>(columns as u32, rows as u32, page)?;
    }
    Ok(bytes.into_inner())
}

fn png([rows, columns]: [usize; 2], pixels: &[u16]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header()?;
    let samples: Vec<u8> = pixels.iter().flat_map(|id| id.to_be_bytes()).collect();
    writer.write_image_data(&samples)?;
    writer.finish()?;
    Ok(bytes)
}
