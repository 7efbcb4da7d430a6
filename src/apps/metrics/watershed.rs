//! Flooding of a landscape of whole heights from seeds (docs/metrics.md).

use ndarray::{Array3, ArrayView3, Zip, s};
use std::collections::BTreeSet;

/// No voxel.
const NONE: u32 = u32::MAX;

/// Basin of a voxel that is not flooded.
const DRY: u32 = 0;

/// Basin of what lies around the volume.
const BORDER: u32 = u32::MAX;

/// Heights of a landscape.
const LEVELS: usize = 1 << 16;

/// Voxels that wait, the lowest first and of equal ones the one that came first. Each waits at most
/// once, and so a level is a list from voxel to voxel; which levels have one is told by bits, and
/// which words of these bits have one by bits again.
struct Queue {
    first: Vec<u32>,
    last: Vec<u32>,
    next: Vec<u32>,
    levels: Vec<u64>,
    words: [u64; LEVELS >> 12],
}

impl Queue {
    fn new(voxels: usize) -> Self {
        Self {
            first: vec![NONE; LEVELS],
            last: vec![NONE; LEVELS],
            next: vec![NONE; voxels],
            levels: vec![0; LEVELS >> 6],
            words: [0; LEVELS >> 12],
        }
    }

    fn push(&mut self, level: u16, voxel: u32) {
        let level = usize::from(level);
        match self.last[level] {
            NONE => {
                self.first[level] = voxel;
                self.levels[level >> 6] |= 1 << (level & 63);
                self.words[level >> 12] |= 1 << (level >> 6 & 63);
            }
            before => self.next[before as usize] = voxel,
        }
        self.last[level] = voxel;
    }

    fn pop(&mut self) -> Option<u32> {
        let part = self.words.iter().position(|word| *word != 0)?;
        let word = part << 6 | self.words[part].trailing_zeros() as usize;
        let level = word << 6 | self.levels[word].trailing_zeros() as usize;
        let voxel = self.first[level];
        self.first[level] = self.next[voxel as usize];
        if self.first[level] == NONE {
            self.last[level] = NONE;
            self.levels[word] &= !(1 << (level & 63));
            if self.levels[word] == 0 {
                self.words[part] &= !(1 << (word & 63));
            }
        }
        Some(voxel)
    }
}

/// Watershed of `height` from seeds (0: none), by flooding (F. Meyer, 1991) over the six faces of a
/// voxel, without lines between the basins: what `skimage.segmentation.watershed` gives. `None` for
/// volumes of two sizes, or of 2^32 - 1 voxels or more.
#[must_use]
pub fn watershed(height: ArrayView3<'_, u16>, seeds: ArrayView3<'_, u64>) -> Option<Array3<u64>> {
    let shape: [usize; 3] = height.dim().into();
    let voxels = shape.iter().map(|length| length + 2).product::<usize>();
    if seeds.dim() != height.dim() || u32::try_from(voxels).ok()? == NONE {
        return None;
    }
    let names: BTreeSet<u64> = runs(&seeds).collect();
    let names: Vec<u64> = names.into_iter().filter(|name| *name != 0).collect();
    // A border of no basin around all, so that no step asks whether it is inside.
    let padded = shape.map(|length| length + 2);
    let mut basins = Array3::from_elem(padded, BORDER);
    let mut heights = Array3::<u16>::zeros(padded);
    let inside = s![1..=shape[0], 1..=shape[1], 1..=shape[2]];
    heights.slice_mut(inside).assign(&height);
    let mut known = (0, 0);
    Zip::from(basins.slice_mut(inside))
        .and(seeds)
        .for_each(|basin, &seed| {
            if seed != known.0 {
                let number = names.binary_search(&seed).map_or(0, |at| at as u32 + 1);
                known = (seed, number);
            }
            *basin = known.1;
        });
    let strides = [padded[1] * padded[2], padded[2], 1];
    let (basins_at, heights) = (basins.as_slice_mut()?, heights.as_slice()?);
    let mut queue = Queue::new(basins_at.len());
    let around = |at: usize| {
        let [z, x, y] = strides;
        [at - z, at + z, at - x, at + x, at - y, at + y]
    };
    for at in 0..basins_at.len() {
        // Seeds amid others have nowhere to go.
        let is_seed = !matches!(basins_at[at], DRY | BORDER);
        if is_seed && around(at).iter().any(|&next| basins_at[next] == DRY) {
            queue.push(heights[at], at as u32);
        }
    }
    while let Some(at) = queue.pop() {
        let at = at as usize;
        for next in around(at) {
            if basins_at[next] == DRY {
                basins_at[next] = basins_at[at];
                queue.push(heights[next], next as u32);
            }
        }
    }
    let name = |basin: &u32| (*basin as usize).checked_sub(1).map_or(0, |at| names[at]);
    Some(basins.slice(inside).map(name))
}

/// The ids of a volume, each once for neighbours that are alike.
fn runs(ids: &ArrayView3<'_, u64>) -> impl Iterator<Item = u64> {
    let mut before = None;
    ids.iter()
        .copied()
        .filter(move |id| before.replace(*id) != Some(*id))
}

/// Heights in 2^16 even steps from the least to the greatest; `falling` turns them over.
#[must_use]
pub fn levels(heights: ArrayView3<'_, f64>, falling: bool) -> Array3<u16> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for &height in heights {
        least = least.min(height);
        most = most.max(height);
    }
    let scale = if most > least {
        (LEVELS - 1) as f64 / (most - least)
    } else {
        0.0
    };
    heights.mapv(|height| {
        let above = if falling {
            most - height
        } else {
            height - least
        };
        (above * scale).round() as u16
    })
}
