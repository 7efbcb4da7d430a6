//! Cells of a volume: their ids, numbered densely, and the choice of labelled ones.

use crate::base::volume::ZERO_CELL;
use crate::config::SingleNeuron;
use crate::engine::rng::{DiscreteTable, Purpose, StreamKey, cell_key};
use crate::model::Model;
use std::collections::HashMap;

/// Ids of a volume in ascending order; a cell's index is its place. Index 0 is id 0, the
/// background. A cell whose voxels are stored as 0 ([`ZERO_CELL`]) comes last, with the number that
/// follows the largest id.
#[derive(Clone, Debug)]
pub struct CellIndex {
    ids: Vec<u64>,
    zero_cell: Option<u32>,
    dense: Vec<u32>,
    sparse: HashMap<u64, u32>,
}

impl CellIndex {
    /// Numbers these ids.
    pub fn new(ids: impl IntoIterator<Item = u64>) -> Self {
        /// Least id that is not looked up in an array.
        const DENSE: u64 = 1 << 22;
        let mut ids: Vec<u64> = std::iter::once(0).chain(ids).collect();
        ids.sort_unstable();
        ids.dedup();
        let stored = ids.binary_search(&ZERO_CELL).map(|at| ids.remove(at));
        let zero_cell = stored.ok().map(|_| ids.len() as u32);
        let largest = ids.last().copied().unwrap_or(0);
        let numbered = || (0u32..).zip(&ids);
        let mut dense = Vec::new();
        let mut sparse = HashMap::new();
        if largest < DENSE {
            dense = vec![0; largest as usize + 1];
            for (index, &id) in numbered() {
                dense[id as usize] = index;
            }
        } else {
            sparse = numbered().map(|(index, &id)| (id, index)).collect();
        }
        if zero_cell.is_some() {
            // Behind the largest number of all it keeps the one that it has here.
            ids.push(largest.checked_add(1).unwrap_or(ZERO_CELL));
        }
        Self {
            ids,
            zero_cell,
            dense,
            sparse,
        }
    }

    /// Returns the number of indices, background included.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns true when there is no cell.
    pub fn is_empty(&self) -> bool {
        self.ids.len() == 1
    }

    /// Returns the ids by index.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// Returns the number of the cell whose voxels are stored as 0, where that is one.
    pub fn zero_cell(&self) -> Option<u64> {
        self.zero_cell.map(|index| self.ids[index as usize])
    }

    /// Returns the largest id.
    pub fn largest_id(&self) -> u64 {
        self.ids.last().copied().unwrap_or(0)
    }

    /// Returns the index of an id of the volume; 0 for any other.
    pub fn index(&self, id: u64) -> u32 {
        if id == ZERO_CELL {
            return self.zero_cell.unwrap_or(0);
        }
        if self.sparse.is_empty() {
            usize::try_from(id)
                .ok()
                .and_then(|id| self.dense.get(id))
                .copied()
                .unwrap_or(0)
        } else {
            self.sparse.get(&id).copied().unwrap_or(0)
        }
    }

    /// Returns the words by which the cells enter the counters of draws.
    pub fn keys(&self) -> Vec<u32> {
        self.ids.iter().map(|&id| cell_key(id)).collect()
    }
}

/// Counts of cells on the way to a layer's labelled ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerOutcome {
    /// Cells of the volume with a voxel in the layer's region.
    pub in_region: usize,
    /// Cells among these that are eligible.
    pub eligible: usize,
    /// Cells among these that the layer labels.
    pub labelled: usize,
}

/// A cell's barcode.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// Index of the cell.
    pub cell: usize,
    /// Brightness in each layer of barcodes, in the order of the layers; 0 where it has none.
    pub levels: Vec<f64>,
}

/// Choice of the cells that each layer labels, and that each fluorophore shows.
#[derive(Clone, Debug)]
pub struct Selection {
    /// One bit per cell: first for each layer, then for each fluorophore; then a byte per cell, its
    /// level, for each layer that has some.
    pub words: Vec<u32>,
    /// Barcodes of the cells that have one.
    pub codes: Vec<Code>,
    words_per_set: usize,
    layers: usize,
    /// Counts of cells by layer.
    pub outcomes: Vec<LayerOutcome>,
}

impl Selection {
    /// Draws the cells (docs/model.md section 2). `voxels[r][cell]` counts the voxels of a cell in
    /// the r-th of the model's layer regions; where it is absent every cell has some.
    pub fn draw(model: &Model, index: &CellIndex, voxels: Option<&[Vec<u64>]>) -> Self {
        let ids = index.ids();
        let size_in_region = |region: usize, cell: usize| voxels.map_or(1, |v| v[region][cell]);
        let bernoulli = |probability: f64, purpose, names: &[&str]| {
            let table = DiscreteTable::bernoulli(probability);
            let key = StreamKey::new(model.seed, purpose, names);
            let draw = |&id: &u64| table.draw(key.of_cell(id)[0]) == 1;
            ids.iter().map(draw).collect::<Vec<bool>>()
        };
        let eligible = bernoulli(model.labelling.global_density, Purpose::Eligible, &[]);
        let mut selection = Self::empty(model, index);
        let barcodes = Barcodes::draw(model, ids);
        for (number, layer) in model.labelling.layers.iter().enumerate() {
            let drawn = bernoulli(layer.labeling_density, Purpose::Labelled, &[&layer.name]);
            let region = model.region_number(layer.region_bit);
            let in_region: Vec<usize> = (1..index.len())
                .filter(|&cell| size_in_region(region, cell) > 0)
                .collect();
            let candidates: Vec<usize> = in_region
                .iter()
                .copied()
                .filter(|&cell| eligible[cell])
                .collect();
            let own = layer.own.as_ref();
            let everywhere = own.is_some_and(|own| own.everywhere);
            let takes = |cell: usize| match layer.barcode {
                true => barcodes.level(number, cell).is_some(),
                false => drawn[cell],
            };
            let mut labelled: Vec<usize> = match everywhere {
                true => in_region.clone(),
                false => (candidates.iter().copied())
                    .filter(|&cell| takes(cell))
                    .collect(),
            };
            let key = StreamKey::new(model.seed, Purpose::SingleNeuron, &[&layer.name]);
            let lot = |cell: usize| key.of_cell(ids[cell]);
            // Indices ascend with ids: the first of equals has the smallest id.
            match layer.single_neuron {
                SingleNeuron::Off => {}
                SingleNeuron::Random => {
                    labelled = labelled
                        .into_iter()
                        .min_by_key(|&cell| lot(cell))
                        .into_iter()
                        .collect();
                }
                SingleNeuron::Largest => {
                    let size = |cell: usize| std::cmp::Reverse(size_in_region(region, cell));
                    labelled = labelled
                        .into_iter()
                        .min_by_key(|&cell| size(cell))
                        .into_iter()
                        .collect();
                }
            }
            selection.outcomes[number] = LayerOutcome {
                in_region: in_region.len(),
                eligible: candidates.len(),
                labelled: labelled.len(),
            };
            if let Some((levels_at, own)) = model.levels_at(number, index.len()).zip(own) {
                let key = StreamKey::new(model.seed, Purpose::Brightness, &[&layer.name]);
                for (cell, &id) in ids.iter().enumerate().skip(1) {
                    let level = barcodes.level(number, cell).unwrap_or(0);
                    let factor = own.brightness.number(key.of_cell(id)[0], level);
                    selection.words[levels_at + cell / 4] |= (factor as u32) << (8 * (cell % 4));
                }
            }
            for cell in labelled {
                for set in [number, model.labelling.layers.len() + layer.fluorophore] {
                    selection.words[set * selection.words_per_set + cell / 32] |= 1 << (cell % 32);
                }
            }
        }
        selection.codes = (1..index.len())
            .filter(|_| !barcodes.layers.is_empty())
            .map(|cell| barcodes.code(model, &selection, cell))
            .collect();
        selection
    }

    /// Selects no cell.
    pub fn empty(model: &Model, index: &CellIndex) -> Self {
        let words_per_set = index.len().div_ceil(32);
        Self {
            words: vec![0; model.selection_words(index.len())],
            codes: Vec::new(),
            words_per_set,
            layers: model.labelling.layers.len(),
            outcomes: vec![LayerOutcome::default(); model.labelling.layers.len()],
        }
    }

    /// Returns true where a layer labels a cell.
    fn labels(&self, layer: usize, cell: usize) -> bool {
        self.words[layer * self.words_per_set + cell / 32] >> (cell % 32) & 1 == 1
    }

    /// Returns the first word of a layer's bits.
    pub fn layer_at(&self, layer: usize) -> u32 {
        (layer * self.words_per_set) as u32
    }

    /// Returns the first word of a fluorophore's bits.
    pub fn fluorophore_at(&self, fluorophore: usize) -> u32 {
        ((self.layers + fluorophore) * self.words_per_set) as u32
    }

    /// Returns the indices of the cells that a fluorophore shows.
    pub fn labelled_with(&self, fluorophore: usize) -> Vec<usize> {
        let at = self.fluorophore_at(fluorophore) as usize;
        let words = &self.words[at..at + self.words_per_set];
        (0..32 * words.len())
            .filter(|&cell| words[cell / 32] >> (cell % 32) & 1 == 1)
            .collect()
    }
}

/// The layers of the cells' barcodes, eligible or not, and their levels.
struct Barcodes {
    /// Layers that barcodes are made of.
    layers: Vec<usize>,
    /// For each cell and each of these layers the level, where it has the layer.
    levels: Vec<Option<usize>>,
}

impl Barcodes {
    /// For each cell, as many of the layers as a barcode has, each choice as probable as any other.
    fn draw(model: &Model, ids: &[u64]) -> Self {
        let labelling = &model.labelling;
        let is_one = |layer: &usize| labelling.layers[*layer].barcode;
        let layers: Vec<usize> = (0..labelling.layers.len()).filter(is_one).collect();
        let key = StreamKey::new(model.seed, Purpose::Barcode, &[]);
        let mut levels = vec![None; ids.len() * layers.len()];
        let codes = levels.chunks_exact_mut(layers.len().max(1));
        for (code, &id) in codes.zip(ids) {
            // The lots decide on an order of the layers, of which the first are taken.
            let lots = |number: u32| key.numbered(number).of_cell(id);
            let mut order: Vec<usize> = (0..layers.len()).collect();
            order.sort_by_key(|&place| (lots(place as u32)[0], place));
            for &place in order.iter().take(labelling.barcode_layers) {
                let own = labelling.layers[layers[place]].own.as_ref();
                let word = lots(place as u32)[1];
                code[place] = Some(own.map_or(0, |own| own.brightness.level(word)));
            }
        }
        Self { layers, levels }
    }

    fn level(&self, layer: usize, cell: usize) -> Option<usize> {
        let place = self.layers.iter().position(|&known| known == layer)?;
        self.levels[cell * self.layers.len() + place]
    }

    /// What a cell shows of its barcode.
    fn code(&self, model: &Model, selection: &Selection, cell: usize) -> Code {
        let level = |&layer: &usize| {
            let own = model.labelling.layers[layer].own.as_ref()?;
            let level = self.level(layer, cell)?;
            let shown = selection.labels(layer, cell);
            shown.then(|| own.brightness.of_level(level))
        };
        let levels = self.layers.iter().map(|layer| level(layer).unwrap_or(0.0));
        let levels = levels.collect();
        Code { cell, levels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_order_dense_or_sparse() {
        for ids in [vec![7, 3, 900, 3], vec![7, 3, u64::MAX]] {
            let index = CellIndex::new(ids.clone());
            assert_eq!(index.len(), 4);
            assert_eq!(index.index(0), 0);
            assert_eq!(index.index(3), 1);
            assert_eq!(index.index(7), 2);
            assert_eq!(index.index(5), 0);
            assert_eq!(index.ids()[3], *ids.iter().max().expect("some"));
        }
        assert!(CellIndex::new([]).is_empty());
    }
}
