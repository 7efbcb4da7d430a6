//! The memory that a run may take changes no byte of what it gives, however budgets of device and
//! host cut it into slabs and tiles.

use crate::support::cuts::{configuration, simulators, tissue};
use crate::support::{cpu, gpu, whole};
use ndarray::Array3;
use proptest::prelude::*;
use simexm_gpu::config::Config;
use simexm_gpu::internals::engine::compute::{Backend, Limits, MemoryKind};
use simexm_gpu::internals::model::Model;
use simexm_gpu::internals::run::plan::{Budgets, Contents, RunPlan};
use simexm_gpu::internals::run::simulation::{Images, Options, Silent, Simulator, Tissue};
use std::collections::BTreeSet;

/// The least budget that a configuration takes.
const LEAST: u64 = 1_000_000;

/// A device: runs on it, what it can hold, and its deepest slab.
struct Device {
    simulator: Simulator,
    limits: Limits,
    deepest: usize,
}

fn devices() -> Vec<Device> {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(cpu())];
    backends.extend(gpu().map(|gpu| Box::new(gpu) as Box<dyn Backend>));
    let device = |(simulator, backend): (Simulator, Box<dyn Backend>)| Device {
        simulator,
        limits: backend.limits().clone(),
        deepest: backend.deepest_slab(),
    };
    std::iter::zip(simulators(), backends).map(device).collect()
}

/// A tissue and a configuration of it.
struct Case<'a> {
    config: Config,
    cells: &'a Array3<u32>,
    model: Model,
    contents: Contents,
}

impl<'a> Case<'a> {
    fn new(config: Config, cells: &'a Array3<u32>) -> Self {
        let ids: BTreeSet<u32> = cells.iter().copied().filter(|&id| id != 0).collect();
        Self {
            model: Model::new(&config, whole(cells.dim().into()), 7).unwrap(),
            contents: Contents {
                cells: 1 + ids.len(),
                sheets: 1,
            },
            config,
            cells,
        }
    }

    /// What a run with slabs of at most so many slices takes, whole along x: the budget that counts
    /// on a device.
    fn needed(&self, device: &Device, slab: usize) -> u64 {
        let plan = RunPlan::new(&self.model, self.contents, &device.limits, slab, [1; 2]).unwrap();
        match device.limits.residence {
            MemoryKind::Host => plan.host().peak_bytes(),
            _ => plan.device_bytes(),
        }
    }

    /// Slabs and tiles that a budget leads to; none where nothing fits.
    fn cut(&self, device: &Device, bytes: u64) -> Option<(usize, usize)> {
        let limits = budgets(device, bytes).within(&device.limits);
        let plan =
            RunPlan::new(&self.model, self.contents, &limits, device.deepest, [1; 2]).ok()?;
        let depth = self.cells.dim().0;
        Some((depth.div_ceil(plan.first().plan.slab), plan.tiles.len()))
    }

    fn run(&self, device: &mut Device, bytes: Option<u64>) -> Images {
        let mut config = self.config.clone();
        if let Some(bytes) = bytes {
            let Budgets {
                device_bytes,
                host_bytes,
            } = budgets(device, bytes);
            (config.compute.gpu_memory, config.compute.memory) = (device_bytes, host_bytes);
        }
        let options = Options {
            poison: true,
            ..Options::default()
        };
        let tissue = Tissue::new(self.cells.view());
        device
            .simulator
            .simulate(&config, &tissue, options, &mut Silent)
            .unwrap()
    }
}

fn budgets(device: &Device, bytes: u64) -> Budgets {
    match device.limits.residence {
        MemoryKind::Host => Budgets {
            device_bytes: None,
            host_bytes: Some(bytes),
        },
        _ => Budgets {
            device_bytes: Some(bytes),
            host_bytes: None,
        },
    }
}

/// As many slabs as were asked for, by nothing but a budget, and the same bytes from all of them.
#[test]
fn slabs_of_any_budget_give_the_same_bytes() {
    let depth = 14;
    let cells = tissue([depth, 70, 60]);
    let case = Case::new(
        configuration(&["labeling.bodies.protein_noise=1".into()]),
        &cells,
    );
    for mut device in devices() {
        let undisturbed = case.run(&mut device, None);
        for slabs in [1, 2, 3, 7, depth] {
            let bytes = case.needed(&device, depth.div_ceil(slabs));
            assert!(bytes >= LEAST);
            assert_eq!(case.cut(&device, bytes), Some((slabs, 1)), "{bytes} bytes");
            let images = case.run(&mut device, Some(bytes));
            assert_eq!(images.device, undisturbed.device);
            assert!(images == undisturbed, "{slabs} slabs on {}", images.device);
        }
    }
}

/// A slice that is too large for the budget is cut into tiles, and gives the same bytes.
#[test]
fn tiles_of_any_budget_give_the_same_bytes() {
    for shape in [[6, 1600, 16], [6, 16, 1600]] {
        let cells = tissue(shape);
        let case = Case::new(configuration(&[]), &cells);
        for mut device in devices() {
            let undisturbed = case.run(&mut device, None);
            let one_slice = case.needed(&device, 1);
            let cut = |bytes: u64| case.cut(&device, bytes).map(|(_, tiles)| tiles);
            // A little less each time, until there are tiles.
            let budgets = (1..100).map(|step| one_slice - one_slice / 100 * step);
            let found = budgets
                .map(|bytes| (bytes, cut(bytes)))
                .find(|(_, tiles)| *tiles > Some(1));
            let (bytes, tiles) = found.expect("tiles are smaller");
            let images = case.run(&mut device, Some(bytes));
            assert!(
                images == undisturbed,
                "{tiles:?} tiles on {}",
                images.device
            );
        }
    }
}

/// Images of a run in one slab are normalised where they lie on the device, however large they are;
/// those that have waited for their maxima, a few at a time.
#[test]
fn large_images_are_the_same_from_one_slab_and_from_several() {
    let cells = tissue([4, 160, 160]);
    // Ten pixels for a voxel: 33 MB of counts for each channel.
    let case = Case::new(configuration(&["optics.pixel_size=1000".into()]), &cells);
    for mut device in devices() {
        assert_eq!(case.cut(&device, 1 << 40), Some((1, 1)));
        let undisturbed = case.run(&mut device, None);
        assert_eq!(case.model.image_shape(), [4, 1600, 1280]);
        let single = case.needed(&device, 1);
        let images = case.run(&mut device, Some(single));
        assert!(images == undisturbed, "four slabs on {}", images.device);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    /// Budgets from too little for a slice to enough for all of them.
    #[test]
    fn any_budget_gives_the_same(
        depth in 1usize..40, size_x in 60usize..200, size_y in 30usize..60,
        share in 0f64..1.1, isotropic: bool, offset in 0usize..3,
        pixel_size in prop::sample::select(vec![3000, 9600, 20_000, 70_000]),
        noise in prop::sample::select(vec!["0", "0.3", "1"]),
        step in prop::sample::select(vec![240, 480, 1200]),
    ) {
        let config = configuration(&[
            format!("groundtruth.isotropic={isotropic}"),
            format!("groundtruth.offset=[{offset}, 0, 0]"),
            format!("optics.pixel_size={pixel_size}"),
            format!("optics.focal_plane_depth={step}"),
            format!("labeling.bodies.protein_noise={noise}"),
        ]);
        let cells = tissue([depth + offset, size_x, size_y]);
        let mut case = Case::new(config, &cells);
        let mut region = whole(cells.dim().into());
        (region.offset[0], region.shape[0]) = (offset, depth);
        case.model = Model::new(&case.config, region, 7).unwrap();
        for mut device in devices() {
            let (least, most) = (case.needed(&device, 1) / 2, case.needed(&device, depth));
            let bytes = least + (share * most.saturating_sub(least) as f64) as u64;
            let bytes = bytes.max(LEAST);
            if case.cut(&device, bytes).is_none() {
                continue;
            }
            let undisturbed = case.run(&mut device, None);
            let images = case.run(&mut device, Some(bytes));
            prop_assert_eq!(&images.device, &undisturbed.device);
            prop_assert!(images == undisturbed, "{} bytes", bytes);
        }
    }
}
