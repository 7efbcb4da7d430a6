//! Connected components: voxels of one id that touch by their faces, each piece a cell of its own.
//!
//! Slices are gone through once, as runs. A run takes the number of a run of its id that it touches
//! in the row or the slice before, or a new one; numbers that turn out to be one component are
//! joined. Numbers are replaced by those of the components, in the order of their first voxels,
//! when labels are asked for.

use super::merged::Run;
use crate::base::volume::VoxelBox;
use crate::run::store::{SliceStore, SpillPolicy, StoreError};

/// Numbers that are joined: each leads to a smaller one of its component, or to itself.
struct Joined(Vec<u32>);

impl Joined {
    fn root(&mut self, number: u32) -> u32 {
        let mut root = number;
        while self.0[root as usize] != root {
            root = self.0[root as usize];
        }
        let mut at = number;
        while self.0[at as usize] != root {
            at = std::mem::replace(&mut self.0[at as usize], root);
        }
        root
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
        a.min(b)
    }

    fn next(&mut self) -> u32 {
        let number = self.0.len() as u32;
        self.0.push(number);
        number
    }
}

/// A piece of a row.
#[derive(Clone, Copy)]
struct Piece {
    id: u64,
    number: u32,
    /// Its first voxel and the one behind its last, in the slice.
    voxels: [usize; 2],
}

/// Joins pieces to those of another row, or the same row of another slice, whose voxels lie `shift`
/// before theirs. Both are in the order of their voxels.
fn touch(joined: &mut Joined, pieces: &mut [Piece], others: &[Piece], shift: usize) {
    let mut rest = others;
    for piece in pieces.iter_mut().filter(|piece| piece.id != 0) {
        let [start, end] = piece.voxels;
        while let Some(first) = rest.first()
            && first.voxels[1] + shift <= start
        {
            rest = &rest[1..];
        }
        for other in rest
            .iter()
            .take_while(|other| other.voxels[0] + shift < end)
        {
            if other.id == piece.id {
                piece.number = match piece.number {
                    0 => joined.root(other.number),
                    number => joined.join(number, other.number),
                };
            }
        }
    }
}

/// Cuts runs, which go on from row to row, at the ends of rows.
fn pieces(runs: &[Run], columns: usize) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::with_capacity(runs.len()), 0);
    for run in runs {
        let end = at + run.voxels as usize;
        while at < end {
            let stop = end.min((at / columns + 1) * columns);
            let (id, number, voxels) = (run.id(), 0, [at, stop]);
            pieces.push(Piece { id, number, voxels });
            at = stop;
        }
    }
    pieces
}

/// Finds the components of a volume, given as runs of ids. Returns runs of preliminary numbers, and
/// for each of them that of its component, from 1 on; 0 is the background.
pub(super) fn find(
    ids: &SliceStore,
    region: VoxelBox,
    aside: SpillPolicy<'_>,
) -> Result<(SliceStore, Vec<u32>), StoreError> {
    let [depth, _, columns] = region.shape;
    let numbered = SliceStore::new(depth, aside);
    let mut joined = Joined(vec![0]);
    let mut above: Vec<Piece> = Vec::new();
    for z in 0..depth {
        let mut slice = pieces(&ids.get_list::<Run>(z)?, columns.max(1));
        touch(&mut joined, &mut slice, &above, 0);
        // Row after row, each below the one before.
        let mut done = 0..0;
        while done.end < slice.len() {
            let row = slice[done.end].voxels[0] / columns;
            let rest = &slice[done.end..];
            let length = rest
                .iter()
                .take_while(|piece| piece.voxels[0] / columns == row)
                .count();
            let (before, own) = slice.split_at_mut(done.end);
            touch(
                &mut joined,
                &mut own[..length],
                &before[done.clone()],
                columns,
            );
            for piece in own[..length]
                .iter_mut()
                .filter(|piece| piece.id != 0 && piece.number == 0)
            {
                piece.number = joined.next();
            }
            done = done.end..done.end + length;
        }
        let runs = slice.iter().map(|piece| {
            let [start, end] = piece.voxels;
            Run::new(piece.number.into(), end - start)
        });
        numbered.put_list(z, &runs.collect::<Vec<_>>())?;
        above = slice;
    }
    // A component's smallest number was given first, at its first voxel.
    let mut components = vec![0u32; joined.0.len()];
    let mut count = 0;
    for number in 1..joined.0.len() as u32 {
        let root = joined.root(number);
        if root == number {
            count += 1;
            components[number as usize] = count;
        } else {
            components[number as usize] = components[root as usize];
        }
    }
    Ok((numbered, components))
}
