use super::sheets::{overlaps, runs};
use super::{LoadError, LoadedVolume, Part};
use crate::base::volume::VoxelBox;
use crate::config::CellsFrom;
use crate::io::read::{
    ArraySource, CellSource, CellStack, ReadError, SliceReader, SplittedCells, VolumeSource,
};
use crate::run::simulation::Silent;
use crate::run::store::SpillPolicy;
use ndarray::{Array3, s};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A source that borrows each array, named stack_0, stack_1, ...
fn splitted(stacks: &[Array3<u64>]) -> CellSource<'_> {
    let stacks = stacks.iter().enumerate().map(|(number, ids)| CellStack {
        path: PathBuf::from(format!("stack_{number}")),
        volume: Box::new(ArraySource::new(ids.view())),
    });
    let cells = SplittedCells::new("stacks", stacks.collect()).expect("equal sizes");
    CellSource::Splitted(cells)
}

fn load(
    source: &CellSource<'_>,
    annotations: &[Box<dyn VolumeSource + '_>],
    region: VoxelBox,
) -> Result<LoadedVolume, LoadError> {
    let folder = std::env::temp_dir();
    let annotations: Vec<&dyn VolumeSource> = annotations.iter().map(AsRef::as_ref).collect();
    LoadedVolume::load(
        source,
        &annotations,
        region,
        SpillPolicy::new(&folder),
        &mut Silent,
    )
}

fn whole(shape: [usize; 3]) -> VoxelBox {
    VoxelBox {
        offset: [0; 3],
        shape,
    }
}

/// All of a slice.
fn all([_, x, y]: [usize; 3]) -> Part {
    Part::new(0..x, 0..y, [x, y])
}

/// The ids of a sheet in one array.
fn sheet(volume: &LoadedVolume, number: usize, shape: [usize; 3]) -> Array3<u64> {
    let slices = volume
        .labels(number, 0..shape[0], &all(shape))
        .expect("read back");
    let ids = slices.into_iter().flatten();
    let ids = ids
        .map(|index| volume.cells.ids()[index as usize])
        .collect();
    Array3::from_shape_vec(shape, ids).expect("the right size")
}

/// A box of a cell: id, corner and size, (z, x, y).
type Cuboid = (u64, [usize; 3], [usize; 3]);

const SHAPE: [usize; 3] = [5, 9, 8];

fn cuboids() -> impl Strategy<Value = Vec<Cuboid>> {
    let axis = |size: usize| (0..size).prop_flat_map(move |at| (Just(at), 1..=size - at));
    let id = prop_oneof![1..6u64, Just(u64::MAX), Just(70_000_000)];
    let cuboid = (id, axis(SHAPE[0]), axis(SHAPE[1]), axis(SHAPE[2]))
        .prop_map(|(id, z, x, y)| (id, [z.0, x.0, y.0], [z.1, x.1, y.1]));
    proptest::collection::vec(cuboid, 1..12)
}

fn draw(cuboids: &[Cuboid]) -> Vec<Array3<u64>> {
    let draw = |(id, at, size): &Cuboid| {
        let mut ids = Array3::zeros(SHAPE);
        let [z, x, y] = std::array::from_fn(|i| at[i]..at[i] + size[i]);
        ids.slice_mut(s![z, x, y]).fill(*id);
        ids
    };
    cuboids.iter().map(draw).collect()
}

/// Up to 300 voxels, most of them 0.
fn sparse_bits() -> impl Strategy<Value = Vec<u64>> {
    let bit = prop_oneof![30 => Just(0u64), 1 => Just(1)];
    proptest::collection::vec(bit, 0..300)
}

proptest! {
    #[test]
    fn sheets_hold_each_cell_whole(
        boxes in cuboids(),
        offset in (0..3usize, 0..5usize, 0..5usize),
    ) {
        let stacks = draw(&boxes);
        let offset = [offset.0, offset.1, offset.2];
        let shape = std::array::from_fn(|i| SHAPE[i] - offset[i]);
        let region = VoxelBox { offset, shape };
        let volume = load(&splitted(&stacks), &[], region).expect("loaded");
        let sheets: Vec<_> = (0..volume.sheets()).map(|n| sheet(&volume, n, shape)).collect();
        let crop = s![offset[0].., offset[1].., offset[2]..];

        // Each cell is the union of its stacks, on one sheet.
        let ids: BTreeSet<u64> = boxes.iter().map(|cuboid| cuboid.0).collect();
        let mut depth = Array3::<usize>::zeros(shape);
        let mut present = 0;
        for &id in &ids {
            let own = boxes.iter().zip(&stacks).filter(|(cuboid, _)| cuboid.0 == id);
            let union = own.fold(Array3::from_elem(shape, false), |union, (_, ids)| {
                union | ids.slice(crop).mapv(|v| v != 0)
            });
            let here: Vec<_> = sheets.iter().map(|sheet| sheet.mapv(|v| v == id)).collect();
            let any = union.iter().any(|&voxel| voxel);
            let whole = here.iter().filter(|mask| **mask == union).count();
            prop_assert_eq!(whole, if any { 1 } else { sheets.len() });
            let somewhere = here.iter().filter(|mask| mask.iter().any(|&voxel| voxel)).count();
            prop_assert_eq!(somewhere, usize::from(any));
            depth += &union.mapv(usize::from);
            present += usize::from(any);
        }
        let most = depth.iter().copied().max().unwrap_or(0);
        prop_assert_eq!(volume.cells.len(), present + 1);
        // No fewer sheets than cells in one place, no more than cells.
        prop_assert!(volume.sheets() >= most.max(1) && volume.sheets() <= present.max(1));
        let blank = stacks.iter().filter(|ids| ids.slice(crop).iter().all(|&v| v == 0)).count();
        prop_assert_eq!(volume.blank_stacks.len(), blank);
    }

    #[test]
    fn cells_that_do_not_overlap_are_the_merged_volume(
        ids in proptest::collection::vec(
            prop_oneof![3 => Just(0u64), 2 => 1..7u64, 1 => Just(1u64 << 40)],
            360,
        ),
        notes in proptest::collection::vec(0..3u8, 360),
    ) {
        let merged = Array3::from_shape_vec(SHAPE, ids).expect("the right size");
        let values: BTreeSet<u64> = merged.iter().copied().filter(|&id| id != 0).collect();
        prop_assume!(!values.is_empty());
        // Backwards: the order of the stacks does not matter.
        let alone = |&id: &u64| merged.mapv(|v| if v == id { id } else { 0 });
        let stacks: Vec<_> = values.iter().rev().map(alone).collect();
        let notes = Array3::from_shape_vec(SHAPE, notes).expect("the right size");
        let annotations = || -> [Box<dyn VolumeSource + '_>; 1] {
            [Box::new(ArraySource::new(notes.view()))]
        };
        let one = CellSource::Merged(Box::new(ArraySource::new(merged.view())));
        let one = load(&one, &annotations(), whole(SHAPE)).expect("loaded");
        let many = load(&splitted(&stacks), &annotations(), whole(SHAPE)).expect("loaded");
        prop_assert_eq!((one.sheets(), many.sheets()), (1, 1));
        prop_assert_eq!(one.cells.ids(), many.cells.ids());
        let labels = |volume: &LoadedVolume| volume.labels(0, 0..5, &all(SHAPE)).expect("read");
        prop_assert_eq!(labels(&one), labels(&many));
        prop_assert_eq!(&one.annotated_voxels, &many.annotated_voxels);
        let bits = |volume: &LoadedVolume| volume.annotations(0..5, &all(SHAPE)).expect("read");
        prop_assert_eq!(bits(&one), bits(&many));
        prop_assert!(one.annotated_voxels[0].0 > 0);
    }

    #[test]
    fn runs_and_their_overlaps(ids in sparse_bits(), more in sparse_bits()) {
        let paint = |ids: &[u64]| {
            let mut back = vec![0; ids.len()];
            for [start, end] in runs(ids) {
                assert!(start < end);
                back[start as usize..end as usize].fill(1);
            }
            back
        };
        prop_assert_eq!(&paint(&ids), &ids);
        let mut both: Vec<_> = runs(&ids).into_iter().map(|run| (run, 7)).collect();
        both.extend(runs(&more).into_iter().map(|run| (run, 2)));
        both.sort_unstable();
        let overlap = ids.iter().zip(&more).any(|(a, b)| a * b == 1);
        let found: Vec<_> = overlaps(&both).into_iter().collect();
        prop_assert_eq!(found, if overlap { vec![(2, 7)] } else { vec![] });
    }
}

#[test]
fn few_sheets_do_for_a_chain_of_overlaps() {
    // Each overlaps the next: two sheets, whatever the order of the stacks.
    let chain = |id: usize| (id as u64 + 1, [0, id, 0], [5, 2, 8]);
    let mut boxes: Vec<_> = (0..8).map(chain).collect();
    boxes.rotate_left(3);
    let stacks = draw(&boxes);
    let volume = load(&splitted(&stacks), &[], whole(SHAPE)).expect("loaded");
    assert_eq!(volume.sheets(), 2);
    // All in one place: a sheet each.
    let pile: Vec<_> = (1..=8).map(|id| (id, [0; 3], SHAPE)).collect();
    let stacks = draw(&pile);
    let volume = load(&splitted(&stacks), &[], whole(SHAPE)).expect("loaded");
    assert_eq!(volume.sheets(), 8);
}

#[test]
fn two_ids_in_one_stack_are_an_error() {
    let stacks = draw(&[(3, [0; 3], [1, 2, 2]), (4, [4, 0, 0], [1, 1, 1])]);
    // In one slice, in one share of slices, and far apart.
    for (z, x, y) in [(0, 1, 2), (1, 0, 0), (4, 8, 7)] {
        let mut stacks = stacks.clone();
        stacks[0][[z, x, y]] = 9;
        let Err(LoadError::Read(ReadError::TwoIds {
            path,
            slice,
            first,
            second,
        })) = load(&splitted(&stacks), &[], whole(SHAPE))
        else {
            panic!("two ids were taken for one");
        };
        assert_eq!(path, PathBuf::from("stack_0"));
        assert_eq!((slice, first, second), (Some(z), 3, 9));
        // Outside the part that is read nobody looks.
        let part = VoxelBox {
            offset: [2, 0, 0],
            shape: [2, 9, 8],
        };
        assert!(load(&splitted(&stacks), &[], part).is_ok());
    }
}

#[test]
fn blank_stacks_are_named_and_an_empty_truth_has_one_sheet() {
    let stacks = draw(&[(3, [0; 3], [1, 2, 2]), (4, [4, 0, 0], [1, 1, 1])]);
    let part = VoxelBox {
        offset: [1, 0, 0],
        shape: [4, 9, 8],
    };
    let volume = load(&splitted(&stacks), &[], part).expect("loaded");
    assert_eq!(volume.blank_stacks, [PathBuf::from("stack_0")]);
    assert_eq!(volume.cells.ids(), [0, 4]);
    let nothing = VoxelBox {
        offset: [1, 0, 0],
        shape: [3, 9, 8],
    };
    let volume = load(&splitted(&stacks), &[], nothing).expect("loaded");
    assert_eq!((volume.sheets(), volume.blank_stacks.len()), (1, 2));
    assert!(volume.cells.is_empty());
    assert!(
        volume
            .labels(0, 0..3, &all(SHAPE))
            .expect("read")
            .concat()
            .iter()
            .all(|&label| label == 0)
    );
}

#[test]
fn stacks_of_unequal_size_are_refused() {
    let (a, b) = (Array3::<u8>::zeros(SHAPE), Array3::<u16>::zeros([5, 9, 7]));
    let stacks = vec![
        CellStack {
            path: "a.tif".into(),
            volume: Box::new(ArraySource::new(a.view())),
        },
        CellStack {
            path: "b.tif".into(),
            volume: Box::new(ArraySource::new(b.view())),
        },
    ];
    let Err(error) = SplittedCells::new("cells", stacks) else {
        panic!("unequal sizes were taken");
    };
    let message = error.to_string();
    for words in ["b.tif has 5 x 9 x 7", "a.tif has 5 x 9 x 8"] {
        assert!(message.contains(words), "{message}");
    }
    assert!(SplittedCells::new("cells", Vec::new()).is_err());
}

/// Components by flooding, numbered by their first voxels.
fn flooded(ids: &Array3<u64>) -> Array3<u64> {
    let mut found = Array3::zeros(ids.dim());
    let mut count = 0;
    let all: Vec<_> = ids.indexed_iter().map(|(at, _)| at).collect();
    for &start in &all {
        if ids[start] == 0 || found[start] != 0 {
            continue;
        }
        count += 1;
        let mut front = vec![start];
        while let Some(at) = front.pop() {
            if found.get(at) != Some(&0) || ids[at] != ids[start] {
                continue;
            }
            found[at] = count;
            let (z, x, y) = at;
            front.extend([(z + 1, x, y), (z, x + 1, y), (z, x, y + 1)]);
            front.extend(z.checked_sub(1).map(|z| (z, x, y)));
            front.extend(x.checked_sub(1).map(|x| (z, x, y)));
            front.extend(y.checked_sub(1).map(|y| (z, x, y)));
        }
    }
    found
}

proptest! {
    #[test]
    fn components_are_the_pieces_that_touch_by_their_faces(
        shape in prop::array::uniform3(1usize..7),
        values in prop::collection::vec(prop_oneof![3 => Just(0u64), 3 => Just(255u64), 1 => Just(7u64)], 216),
    ) {
        let voxels = shape.iter().product();
        let ids = Array3::from_shape_vec(shape, values[..voxels].to_vec()).expect("the right size");
        let source = CellSource::Merged(Box::new(ArraySource::new(ids.view())));
        let folder = std::env::temp_dir();
        let volume = LoadedVolume::load_as(
            &source,
            &[],
            whole(shape),
            CellsFrom::Components,
            SpillPolicy::new(&folder),
            &mut Silent,
        )
        .expect("read");
        prop_assert_eq!(sheet(&volume, 0, shape), flooded(&ids));
        prop_assert_eq!(volume.cells.largest_id() + 1, volume.cells.len() as u64);
    }
}

/// Slices take memory, of which there may be too little for one, or for all threads.
#[test]
fn readers_keep_to_their_memory() {
    let ids = Array3::from_shape_fn([64, 20, 30], |(z, x, y)| (z * x * y % 7) as u64);
    let source = CellSource::Merged(Box::new(ArraySource::new(ids.view())));
    let folder = std::env::temp_dir();
    let within = |bytes: u64| {
        let aside = SpillPolicy::new(&folder).reading_within(bytes);
        let shape = [64, 20, 30];
        LoadedVolume::load(&source, &[], whole(shape), aside, &mut Silent)
    };
    let error = within(9_000).expect_err("a slice needs 9600").to_string();
    assert!(
        error.contains("array of") && error.contains("--memory"),
        "{error}"
    );
    for bytes in [9_600, 30_000, u64::MAX] {
        let volume = within(bytes).expect("loaded");
        assert_eq!(sheet(&volume, 0, [64, 20, 30]), ids);
    }
}

/// A volume whose file was written to while it was read.
struct Written<'a>(ArraySource<'a, u64>);

impl VolumeSource for Written<'_> {
    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    fn slices(&self) -> Result<Box<dyn SliceReader + '_>, ReadError> {
        self.0.slices()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn unchanged(&self) -> Result<(), ReadError> {
        let path = PathBuf::from("written.tif");
        Err(ReadError::Changed { path })
    }
}

#[test]
fn what_changes_while_it_is_read_is_no_ground_truth() {
    let ids = Array3::from_elem(SHAPE, 1u64);
    let array = || ArraySource::new(ids.view());
    let written = || Box::new(Written(array()));
    let changed = |source: &CellSource<'_>, annotations: &[Box<dyn VolumeSource + '_>]| {
        let error = load(source, annotations, whole(SHAPE)).expect_err("it has changed");
        assert!(error.to_string().contains("written.tif"), "{error}");
    };
    changed(&CellSource::Merged(written()), &[]);
    changed(&CellSource::Merged(Box::new(array())), &[written()]);
    let stack = CellStack {
        path: PathBuf::from("written.tif"),
        volume: written(),
    };
    let cells = SplittedCells::new("cells", vec![stack]).expect("one cell");
    changed(&CellSource::Splitted(cells), &[]);
}
