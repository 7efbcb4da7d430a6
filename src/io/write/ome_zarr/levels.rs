//! The levels of a pyramid: their sizes, and how each is made of the one before.

use std::collections::BTreeMap;

use super::super::{Content, PixelType, VolumeLayout};
use super::SLICES;

/// Levels of a pyramid, and rows and columns that need no smaller one.
const MOST_LEVELS: usize = 6;
const SMALL: usize = 128;

/// Rows and columns of a chunk.
const CHUNK: usize = 64;

/// Along z voxels are halved while they are so many times as deep as wide, or less.
const DEEPEST: f64 = 1.5;

/// A level of a pyramid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Level {
    /// Size in pixels, (z, x, y).
    pub shape: [usize; 3],
    /// Pixels of the level before that become one, along z, x and y; of the first level 1.
    pub step: [usize; 3],
    /// Pixels of the first level that a pixel stands for.
    pub factor: [usize; 3],
    /// Sizes of chunks and of shards.
    pub chunk: [usize; 3],
    pub shard: [usize; 3],
}

impl Level {
    fn new(shape: [usize; 3], step: [usize; 3], factor: [usize; 3], shard: usize) -> Self {
        let [depth, rows, columns] = shape;
        // Volumes without a pixel are refused, but after this.
        let chunk =
            [depth.min(SLICES), rows.min(CHUNK), columns.min(CHUNK)].map(|size| size.max(1));
        let along = |size: usize, chunk: usize| size.min(shard.max(chunk)).next_multiple_of(chunk);
        let shard = [chunk[0], along(rows, chunk[1]), along(columns, chunk[2])];
        Self {
            shape,
            step,
            factor,
            chunk,
            shard,
        }
    }

    /// Shards along x and y.
    pub fn grid(&self) -> [usize; 2] {
        [1, 2].map(|axis| self.shape[axis].div_ceil(self.shard[axis]))
    }

    /// Shards of as many slices as one has.
    pub fn shards(&self) -> usize {
        self.grid().iter().product()
    }
}

/// The levels of a volume: rows and columns are halved until they are few, slices while pixels are
/// not much deeper than wide. Floating-point numbers, which are no pictures, have one level.
pub(super) fn plan(layout: &VolumeLayout) -> Vec<Level> {
    let mut voxel_nm = layout.metadata.voxel_nm;
    let mut shard = layout.chunks.shard;
    let mut levels = vec![Level::new(layout.shape, [1; 3], [1; 3], shard)];
    while levels.len() < MOST_LEVELS && layout.pixel != PixelType::Float32 {
        let last = &levels[levels.len() - 1];
        if last.shape[1].max(last.shape[2]) <= SMALL {
            break;
        }
        let [deep, high, wide] = voxel_nm;
        let halves_z = deep <= DEEPEST * high.max(wide) && last.shape[0] > 1;
        let step = [if halves_z { 2 } else { 1 }, 2, 2];
        let shape = std::array::from_fn(|axis| last.shape[axis].div_ceil(step[axis]));
        let factor = std::array::from_fn(|axis| last.factor[axis] * step[axis]);
        for (nm, step) in voxel_nm.iter_mut().zip(step) {
            *nm *= step as f64;
        }
        // A shard of each level spans the same pixels of the first: who makes one makes all above
        // it.
        if (shard / 2).is_multiple_of(CHUNK) {
            shard /= 2;
        }
        levels.push(Level::new(shape, step, factor, shard));
    }
    levels
}

/// Slices of a plane (a channel of a composite) among those of others, which take turns.
#[derive(Clone, Copy)]
pub(super) struct Slices<'a> {
    pixels: &'a [u8],
    page: usize,
    plane: usize,
    planes: usize,
}

impl<'a> Slices<'a> {
    /// Of pages of so many bytes those of a plane.
    pub fn new(pixels: &'a [u8], page: usize, plane: usize, planes: usize) -> Self {
        Self {
            pixels,
            page,
            plane,
            planes,
        }
    }

    /// The pixels of a slice.
    pub fn slice(&self, z: usize) -> &'a [u8] {
        &self.pixels[(z * self.planes + self.plane) * self.page..][..self.page]
    }

    fn all(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let pages = self.pixels.chunks_exact(self.page.max(1));
        pages.skip(self.plane).step_by(self.planes.max(1))
    }
}

/// Numbers of any width.
trait Number: Copy + Ord + Default + Send + Sync {
    const BYTES: usize;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, bytes: &mut [u8]);
    fn wide(self) -> u64;
    fn narrow(wide: u64) -> Self;
}

macro_rules! number {
    ($type:ty) => {
        impl Number for $type {
            const BYTES: usize = size_of::<$type>();

            fn read(bytes: &[u8]) -> Self {
                bytes
                    .first_chunk()
                    .map_or(0, |bytes| Self::from_ne_bytes(*bytes))
            }

            fn write(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_ne_bytes());
            }

            fn wide(self) -> u64 {
                self.into()
            }

            fn narrow(wide: u64) -> Self {
                wide as Self
            }
        }
    };
}

number!(u8);
number!(u16);
number!(u32);
number!(u64);

/// Calls a function for the numbers of a pixel type.
macro_rules! by_type {
    ($pixel:expr, $function:ident($($argument:expr),*)) => {
        match $pixel {
            PixelType::Gray8 | PixelType::Rgb8 => $function::<u8>($($argument),*),
            PixelType::Gray16 | PixelType::Rgb16 => $function::<u16>($($argument),*),
            // Of floating-point numbers nothing is made but copies.
            PixelType::Gray32 | PixelType::Float32 => $function::<u32>($($argument),*),
            PixelType::Gray64 => $function::<u64>($($argument),*),
        }
    };
}

/// Numbers as pixels of a type.
pub(super) fn pixels(numbers: &[u64], pixel: PixelType) -> Vec<u8> {
    fn of<N: Number>(numbers: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; numbers.len() * N::BYTES];
        for (&number, bytes) in numbers.iter().zip(bytes.chunks_exact_mut(N::BYTES)) {
            N::narrow(number).write(bytes);
        }
        bytes
    }
    by_type!(pixel, of(numbers))
}

/// The largest of some pixels; of floating-point numbers a whole number that none is farther from 0
/// than.
pub(super) fn largest(slices: Slices<'_>, pixel: PixelType) -> u64 {
    if pixel == PixelType::Float32 {
        let numbers = slices.all().flat_map(|pixels| pixels.as_chunks().0);
        let far = numbers.map(|bytes| f32::from_ne_bytes(*bytes).abs());
        return far.fold(0.0, f32::max).ceil() as u64;
    }
    fn of<N: Number>(slices: Slices<'_>) -> u64 {
        let of_slice = |pixels: &[u8]| pixels.chunks_exact(N::BYTES).map(N::read).max();
        let all = slices.all().filter_map(of_slice);
        all.max().unwrap_or_default().wide()
    }
    by_type!(pixel, of(slices))
}

/// How many pixels have each id.
pub(super) fn count(slices: Slices<'_>, pixel: PixelType) -> BTreeMap<u64, u64> {
    fn of<N: Number>(slices: Slices<'_>) -> BTreeMap<u64, u64> {
        let mut voxels = BTreeMap::new();
        // Most neighbours are alike.
        let mut run = (N::default(), 0);
        let mut add = |(id, length): (N, u64)| {
            if length > 0 {
                *voxels.entry(id.wide()).or_default() += length;
            }
        };
        let pixels = slices
            .all()
            .flat_map(|pixels| pixels.chunks_exact(N::BYTES));
        for id in pixels.map(N::read) {
            if id == run.0 {
                run.1 += 1;
            } else {
                add(run);
                run = (id, 1);
            }
        }
        add(run);
        voxels
    }
    by_type!(pixel, of(slices))
}

/// Slices of the next level, of `shape` slices, rows and columns of this one: of each box of `step`
/// pixels, or what of it lies in the volume, the mean, rounded half up, of brightness; of ids the
/// one that most pixels have, of several the largest, background counted like any.
pub(super) fn halve(
    slices: Slices<'_>,
    shape: [usize; 3],
    step: [usize; 3],
    pixel: PixelType,
    content: Content,
) -> Vec<u8> {
    match content {
        Content::Intensity => by_type!(pixel, boxes_mean(slices, shape, step)),
        Content::Labels => by_type!(pixel, boxes_mode(slices, shape, step)),
    }
}

fn boxes_mean<N: Number>(slices: Slices<'_>, shape: [usize; 3], step: [usize; 3]) -> Vec<u8> {
    let mut sums = vec![0; shape[2].div_ceil(step[2])];
    boxes::<N>(slices, shape, step, |rows, to| {
        sums.fill(0u64);
        for row in rows {
            // Boxes are pairs of columns but for the last one; the length is known to the compiler.
            let (pairs, rest) = row.split_at(row.len() / (2 * N::BYTES) * 2 * N::BYTES);
            let pairs = pairs.chunks_exact(2 * N::BYTES);
            for (sum, pair) in sums.iter_mut().zip(pairs) {
                *sum += N::read(pair).wide() + N::read(&pair[N::BYTES..]).wide();
            }
            if let (Some(sum), false) = (sums.last_mut(), rest.is_empty()) {
                *sum += N::read(rest).wide();
            }
        }
        let count = (2 * rows.len()) as u64;
        let mean = |sum: u64, count: u64| N::narrow((2 * sum + count) / (2 * count));
        let divided = to.chunks_exact_mut(N::BYTES).zip(&sums);
        match count {
            // Powers of two, where the compiler sees them.
            4 => divided.for_each(|(to, &sum)| mean(sum, 4).write(to)),
            8 => divided.for_each(|(to, &sum)| mean(sum, 8).write(to)),
            _ => divided.for_each(|(to, &sum)| mean(sum, count).write(to)),
        }
        if !shape[2].is_multiple_of(2) {
            let last = to.len() - N::BYTES;
            let sum = sums.last().copied().unwrap_or_default();
            mean(sum, rows.len() as u64).write(&mut to[last..]);
        }
    })
}

fn boxes_mode<N: Number>(slices: Slices<'_>, shape: [usize; 3], step: [usize; 3]) -> Vec<u8> {
    let mut ids = Vec::with_capacity(8);
    boxes::<N>(slices, shape, step, |rows, to| {
        for (column, to) in to.chunks_exact_mut(N::BYTES).enumerate() {
            let start = 2 * N::BYTES * column;
            let end = (start + 2 * N::BYTES).min(rows[0].len());
            let parts = || rows.iter().map(|row| &row[start..end]);
            let first = &rows[0][start..start + N::BYTES];
            if parts().all(|ids| ids[..N::BYTES] == *first && ids[ids.len() - N::BYTES..] == *first)
            {
                to.copy_from_slice(first);
                continue;
            }
            ids.clear();
            ids.extend(parts().flat_map(|ids| ids.chunks_exact(N::BYTES).map(N::read)));
            let votes = |id: N| ids.iter().filter(|&&other| other == id).count();
            let best = ids.iter().copied().max_by_key(|&id| (votes(id), id));
            best.unwrap_or_default().write(to);
        }
    })
}

/// Makes every row of boxes of the rows of pixels that it covers. Boxes are two columns wide.
fn boxes<N: Number>(
    slices: Slices<'_>,
    [depth, rows, columns]: [usize; 3],
    step: [usize; 3],
    mut make: impl FnMut(&[&[u8]], &mut [u8]),
) -> Vec<u8> {
    debug_assert_eq!(step[2], 2);
    let shape = [depth, rows, columns];
    let [deep, high, wide] = std::array::from_fn(|axis| shape[axis].div_ceil(step[axis]));
    let mut out = vec![0; deep * high * wide * N::BYTES];
    let row_bytes = columns * N::BYTES;
    let mut covered = Vec::with_capacity(step[0] * step[1]);
    for (row, to) in out.chunks_exact_mut(wide * N::BYTES).enumerate() {
        let (z, x) = (row / high * step[0], row % high * step[1]);
        covered.clear();
        covered.extend((z..(z + step[0]).min(depth)).flat_map(|z| {
            let rows = x * row_bytes..(x + step[1]).min(rows) * row_bytes;
            slices.slice(z)[rows].chunks_exact(row_bytes)
        }));
        make(&covered, to);
    }
    out
}
