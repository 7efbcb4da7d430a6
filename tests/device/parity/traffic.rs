//! The bytes that kernels say they move, against what they are seen to touch.

use super::SHAPES;
use super::cases::{Case, Contents, cases};
use super::outcome;
use crate::support::{backends, cpu};
use simexm_gpu::internals::engine::compute::gpu::POISON;
use simexm_gpu::internals::engine::compute::{Access, Agreement, Extent, Kernel, Traffic};
use simexm_gpu::internals::engine::stages::KERNELS;
use simexm_gpu::internals::engine::stages::area::AREA;
use simexm_gpu::internals::engine::stages::bin::BIN;
use simexm_gpu::internals::engine::stages::blur::columns_forward::COLUMNS_FORWARD;
use simexm_gpu::internals::engine::stages::blur::columns_inverse::COLUMNS_INVERSE;
use simexm_gpu::internals::engine::stages::blur::rows_forward::ROWS_FORWARD;

fn traffic(kernel: &Kernel, case: &Case) -> Traffic {
    let words: Vec<usize> = case.bindings.iter().map(Contents::len).collect();
    (kernel.traffic)(Extent::new(&case.params, &words))
}

#[test]
fn kernels_write_as_much_as_they_say() {
    let mut seen = 0;
    for kernel in KERNELS {
        for &shape in SHAPES {
            for (number, case) in cases(kernel, shape, 1).iter().enumerate() {
                let said = traffic(kernel, case).written;
                if !kernel.fills {
                    assert_eq!(said, 0, "{}", kernel.name);
                    continue;
                }
                let output = kernel.bindings.iter().position(|a| *a == Access::ReadWrite);
                let Contents::Poison(_) = case.bindings[output.unwrap()] else {
                    continue;
                };
                let after = &outcome(kernel, case, &mut cpu())[0];
                let written = after.iter().filter(|word| **word != POISON).count();
                let name = kernel.name;
                assert_eq!(said, 4 * written as u64, "{name} {shape:?} case {number}");
                seen += 1;
            }
        }
    }
    let filling = KERNELS.iter().filter(|kernel| kernel.fills).count();
    assert!(seen >= filling * SHAPES.len(), "only {seen} cases");
}

/// Words of the first binding on which the first output depends.
fn words_that_matter(kernel: &'static Kernel, case: &Case) -> u64 {
    let Contents::Words(words) = &case.bindings[0] else {
        panic!("{} starts with poison", kernel.name);
    };
    let before = outcome(kernel, case, &mut cpu());
    let matters = |at: &usize| {
        let mut other = case.clone();
        if let Contents::Words(words) = &mut other.bindings[0] {
            // Far from what is there, as a count and as a number.
            let value = f32::from_bits(words[*at]);
            words[*at] = match kernel.agreement {
                Agreement::Exact => words[*at] ^ 1,
                _ => (value + 1000.0).to_bits(),
            };
        }
        outcome(kernel, &other, &mut cpu()) != before
    };
    (0..words.len()).filter(matters).count() as u64
}

#[test]
fn kernels_read_as_much_as_they_say() {
    // Those without draws, whose every input shows in the output.
    for kernel in [
        &ROWS_FORWARD,
        &COLUMNS_FORWARD,
        &COLUMNS_INVERSE,
        &BIN,
        &AREA,
    ] {
        for shape in [[1, 7, 9], [3, 2, 5]] {
            let case = &cases(kernel, shape, 1)[0];
            let said = traffic(kernel, case).read;
            assert_eq!(
                said,
                4 * words_that_matter(kernel, case),
                "{} {shape:?}",
                kernel.name
            );
        }
    }
}

#[test]
fn backends_count_calls_and_bytes_alike() {
    let case = &cases(&BIN, [5, 16, 64], 1)[0];
    for mut backend in backends() {
        for calls in 1..=2 {
            outcome(&BIN, case, backend.as_mut());
            let [pass] = &backend.kernel_times()[..] else {
                panic!("one kernel was run");
            };
            assert_eq!((pass.kernel, pass.calls), ("bin", calls));
            let total = calls * traffic(&BIN, case).total();
            assert_eq!(pass.traffic.total(), total, "{}", backend.name());
        }
        backend.reset_times();
        assert_eq!(backend.kernel_times(), []);
    }
}
