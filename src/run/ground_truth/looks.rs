//! What the ids of a volume look like: by it a picture is told from labels.

/// Largest numbers of the types of samples, which often stand for the background.
const LARGEST: [u64; 4] = [u8::MAX as u64, u16::MAX as u64, u32::MAX as u64, u64::MAX];

/// Counts over the voxels of a volume whose cells share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// All voxels.
    pub voxels: u64,
    /// Voxels that are 0.
    pub background: u64,
    /// Pieces of rows with one id that is not 0.
    pub runs: u64,
    /// Those of them that follow another.
    pub borders: u64,
    /// Voxels of each of the largest numbers of 8, 16, 32 and 64 bits.
    largest: [u64; 4],
}

/// Fewest pairs of voxels of which anything is said.
const FEWEST: u64 = 1000;

impl Looks {
    /// Counts runs of a slice: their ids, and how long they are.
    pub fn see(&mut self, runs: impl Iterator<Item = (u64, u32)>) {
        let mut before = 0;
        for (id, voxels) in runs {
            let voxels = u64::from(voxels);
            self.voxels += voxels;
            self.runs += u64::from(id != 0);
            self.borders += u64::from(id != 0 && before != 0);
            before = id;
            if id == 0 {
                self.background += voxels;
            } else if let Some(place) = LARGEST.iter().position(|&largest| largest == id) {
                self.largest[place] += voxels;
            }
        }
    }

    /// Adds the counts of another part.
    pub fn add(&mut self, other: Self) {
        self.voxels += other.voxels;
        self.background += other.background;
        self.runs += other.runs;
        self.borders += other.borders;
        for (sum, part) in self.largest.iter_mut().zip(other.largest) {
            *sum += part;
        }
    }

    /// What is left of it where the ids were not the cells.
    pub fn of_components(self) -> Self {
        Self {
            largest: [0; 4],
            ..self
        }
    }

    /// Share of the neighbours beside the background, in per cent, that have another id, where
    /// these are so many that the ids seem to be grey values: of cells most neighbours agree.
    /// `parts` is how many voxels along (z, x, y) were seen for each of the volume's.
    pub fn grey_per_cent(&self, cells: usize, parts: [usize; 3]) -> Option<u64> {
        let [z, x, y] = parts.map(|parts| parts.max(1) as u64);
        // All rows were seen z x times, but each has as many runs as the volume's.
        let [runs, borders] = [self.runs, self.borders].map(|count| count / (z * x));
        let voxels = (self.voxels - self.background) / (z * x * y);
        let neighbours = voxels.saturating_sub(runs) + borders;
        let per_cent = (100 * borders + neighbours / 2) / neighbours.max(1);
        (neighbours >= FEWEST && cells > 16 && per_cent >= 50).then_some(per_cent)
    }

    /// The number that seems to be background: the largest of a type, with more voxels than 0 has,
    /// of the largest id.
    pub fn other_background(&self, ids: &[u64]) -> Option<u64> {
        let id = *ids.last()?;
        let place = LARGEST.iter().position(|&largest| largest == id)?;
        // One id of 8 bits beside the background is a mask; ids of 8 bits may be that many.
        let is_likely = self.largest[place] > self.background && ids.len() > 2;
        is_likely.then_some(id)
    }

    /// Whether there is one id, which a mask has rather than a cell.
    pub fn is_mask(&self, ids: &[u64]) -> bool {
        matches!(ids, [0, id] if LARGEST.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::Looks;

    fn seen(runs: &[(u64, u32)]) -> Looks {
        let (first, second) = runs.split_at(runs.len() / 2);
        let (mut looks, mut more) = (Looks::default(), Looks::default());
        looks.see(first.iter().copied());
        more.see(second.iter().copied());
        looks.add(more);
        looks
    }

    #[test]
    fn grey_values_are_told_from_labels() {
        let noise: Vec<(u64, u32)> = (0..2000).map(|voxel| (voxel * 7919 % 250 + 1, 1)).collect();
        let grey = |runs: &[(u64, u32)], cells| seen(runs).grey_per_cent(cells, [1; 3]);
        assert_eq!(grey(&noise, 251), Some(100));
        let smooth: Vec<(u64, u32)> = noise.iter().map(|&(id, _)| (id, 2)).collect();
        assert_eq!(grey(&smooth, 251), Some(50));
        let cells: Vec<(u64, u32)> = noise.iter().map(|&(id, _)| (id, 5)).collect();
        assert_eq!(grey(&cells, 251), None);
        // Light on a dark ground is a picture, too, and lines of a voxel's width are none.
        let on_dark = |of: &[(u64, u32)]| -> Vec<(u64, u32)> {
            let pieces = of
                .chunks(20)
                .flat_map(|piece| [&[(0, 300)], piece].concat());
            pieces.collect()
        };
        assert_eq!(grey(&on_dark(&noise), 251), Some(100));
        assert_eq!(grey(&on_dark(&cells), 251), None);
        let lines = noise.iter().flat_map(|&line| [line, (0, 3)]);
        assert_eq!(grey(&lines.collect::<Vec<_>>(), 251), None);
        // Few ids, or few voxels, tell nothing.
        assert_eq!(grey(&noise, 3), None);
        assert_eq!(grey(&noise[..900], 251), None);
        // Voxels in parts are those that they were.
        let parts = [2, 3, 5];
        let in_parts = |runs: &[(u64, u32)]| {
            let rows = [(); 6].iter().flat_map(|()| runs);
            let runs: Vec<_> = rows.map(|&(id, voxels)| (id, 5 * voxels)).collect();
            seen(&runs).grey_per_cent(251, parts)
        };
        assert_eq!(in_parts(&noise), Some(100));
        assert_eq!(in_parts(&cells), None);
        assert_eq!(in_parts(&noise[..900]), None);
    }

    #[test]
    fn the_largest_number_of_a_type_may_be_background() {
        for largest in [
            u64::from(u8::MAX),
            u64::from(u16::MAX),
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let runs = [(1, 10), (largest, 500), (2, 30), (7, 1)];
            assert_eq!(
                seen(&runs).other_background(&[0, 1, 2, 7, largest]),
                Some(largest)
            );
            // A cell like others.
            let runs = [(1, 10), (largest, 20), (0, 100)];
            assert_eq!(seen(&runs).other_background(&[0, 1, largest]), None);
            assert!(seen(&runs).is_mask(&[0, largest]));
        }
        assert_eq!(
            seen(&[(1, 10), (300, 500)]).other_background(&[0, 1, 300]),
            None
        );
        assert!(!seen(&[(1, 10)]).is_mask(&[0, 1]));
        assert!(!seen(&[]).is_mask(&[0]));
    }
}
