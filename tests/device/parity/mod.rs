//! Every kernel's shader against its CPU twin, on whatever adapter there is, lavapipe included.

mod cases;
mod dice;
mod labelling;
mod physical;
mod traffic;

use crate::support::{allocate_words, backends, execute, gpu};
use cases::{Case, Contents, cases};
use simexm_gpu::internals::engine::compute::gpu::POISON;
use simexm_gpu::internals::engine::compute::{
    Access, Agreement, Backend, Buffer, Command, CpuCall, Kernel, Recording, photon_tolerance,
};
use simexm_gpu::internals::engine::stages::{KERNELS, emit};

/// Odd shapes (z, x, y): one slice, one row, one column, unequal sides, no multiple of a workgroup,
/// thinner than the kernel's reach.
const SHAPES: &[[usize; 3]] = &[
    [1, 1, 1],
    [1, 7, 9],
    [3, 1, 40],
    [3, 33, 1],
    [2, 50, 3],
    [5, 16, 64],
    [4, 3, 300],
    [2, 120, 5],
    [17, 20, 23],
];

/// Runs a case and returns what the written bindings hold afterwards.
fn outcome(kernel: &'static Kernel, case: &Case, backend: &mut dyn Backend) -> Vec<Vec<u32>> {
    let words: Vec<usize> = case.bindings.iter().map(Contents::len).collect();
    let buffers: Vec<Buffer> = allocate_words(backend, &words);
    let mut recording = Recording::default();
    for (&buffer, binding) in buffers.iter().zip(&case.bindings) {
        if let Contents::Words(words) = binding {
            recording.write(buffer, 0, words.clone());
        }
    }
    recording.commands.push(Command::Dispatch {
        kernel,
        variant: case.variant.clone(),
        params: case.params.clone(),
        buffers: buffers.clone(),
        workgroups: case.workgroups,
    });
    for (index, access) in kernel.bindings.iter().enumerate() {
        if *access == Access::ReadWrite {
            recording.read(buffers[index], 0..words[index]);
        }
    }
    execute(backend, recording)
}

/// What is wrong between two outcomes, if anything.
fn difference(kernel: &Kernel, a: &[Vec<u32>], b: &[Vec<u32>]) -> Option<String> {
    for (number, (a, b)) in a.iter().zip(b).enumerate() {
        if a == b {
            continue;
        }
        let at = a.iter().zip(b).position(|(a, b)| a != b);
        let place = format!("output {number}, first at word {at:?}");
        let wrong = match kernel.agreement {
            Agreement::Exact => true,
            Agreement::WholePhotons => {
                let largest = a.iter().filter(|v| **v != POISON).max();
                let bound = photon_tolerance(*largest.unwrap_or(&0));
                a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > bound)
            }
            Agreement::Rounding => {
                let pairs = || a.iter().zip(b).filter(|(a, b)| a != b);
                let float = |bits: &u32| f64::from(f32::from_bits(*bits));
                let error: f64 = pairs().map(|(a, b)| (float(a) - float(b)).powi(2)).sum();
                let norm: f64 = a
                    .iter()
                    .map(float)
                    .filter(|v| v.is_finite())
                    .map(|v| v * v)
                    .sum();
                // NaN: poison on one side only.
                error.is_nan() || error > 1e-12 * norm
            }
        };
        if wrong {
            return Some(place);
        }
    }
    None
}

#[test]
fn shaders_do_what_their_twins_do() {
    let Some(mut gpu) = gpu() else {
        return;
    };
    let mut cpu = crate::support::cpu();
    let mut wrong = Vec::new();
    for kernel in KERNELS {
        let runs = || SHAPES.iter().flat_map(|&shape| [(shape, 0), (shape, 1)]);
        let cases = runs().flat_map(|(shape, seed)| {
            let numbered = cases(kernel, shape, seed).into_iter().enumerate();
            numbered
                .map(move |(number, case)| (case, format!("{shape:?}, seed {seed}, case {number}")))
        });
        // The first is enough of each kernel.
        wrong.extend(cases.into_iter().find_map(|(case, place)| {
            let ours = outcome(kernel, &case, &mut cpu);
            let theirs = outcome(kernel, &case, &mut gpu);
            let difference = difference(kernel, &ours, &theirs)?;
            Some(format!("{} at {place}: {difference}", kernel.name))
        }));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The comparison above can fail: a twin that is wrong in one voxel's last bit is caught.
#[test]
fn a_wrong_twin_is_caught() {
    fn wrong_emit(call: &mut CpuCall<'_>) {
        let params: emit::EmitParams = call.params();
        let [counts, tables, mut emission] = call.buffers();
        let plane = (params.size_x * params.size_y) as usize;
        let table = &tables.read::<u32>()[params.photons.at as usize..];
        for (at, out) in emission.write::<f32>()[..params.slices as usize * plane]
            .iter_mut()
            .enumerate()
        {
            let slot = (params.first_z as usize + at / plane) % params.counts_ring as usize;
            // Wrong: the first outcome instead of a drawn one.
            let photons = table[params.photons.len as usize];
            *out = counts.read::<u32>()[slot * plane + at % plane] as f32 * photons as f32;
        }
    }
    let wrong: &'static Kernel = Box::leak(Box::new(Kernel {
        cpu: wrong_emit,
        ..emit::EMIT
    }));
    let mut cpu = crate::support::cpu();
    let case = &cases(&emit::EMIT, [5, 16, 64], 1)[1];
    let right = outcome(&emit::EMIT, case, &mut cpu);
    assert_eq!(
        difference(&emit::EMIT, &right, &outcome(&emit::EMIT, case, &mut cpu)),
        None
    );
    assert!(difference(wrong, &right, &outcome(wrong, case, &mut cpu)).is_some());
    for mut backend in backends().into_iter().skip(1) {
        // The wrong twin keeps the right shader.
        let shader = outcome(wrong, case, backend.as_mut());
        assert_eq!(difference(&emit::EMIT, &right, &shader), None);
    }
}
