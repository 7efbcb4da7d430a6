//! The transform along y of rows that exceed the memory of a workgroup, in two passes.
//!
//! A row of N = N1 N2 points is taken as N1 lines of N2: the first pass transforms over the N1 points that are N2
//! apart and turns point n2 of line k1 by exp(-2 pi i k1 n2 / N); the second one transforms the lines, and
//! frequency k1 + N1 k2 is found at k2 of line k1. The points are complex, which costs twice the work of packed
//! rows, and needs no third pass to take them apart.

pub mod forward;
pub mod inverse;

use super::zeros;
use crate::engine::fft::complex_plan;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftDirection};
use std::sync::Arc;

/// What the twins of both passes need, for one thread.
struct Lines {
    first: usize,
    second: usize,
    plans: [Arc<dyn Fft<f32>>; 2],
    column: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Lines {
    fn new(length: usize, second: usize) -> Self {
        let first = length / second;
        let plans = [first, second].map(|part| complex_plan(part, FftDirection::Forward));
        let scratch = plans.iter().map(|plan| plan.get_inplace_scratch_len());
        Self {
            first,
            second,
            column: zeros(first),
            scratch: zeros(scratch.max().unwrap_or(0)),
            plans,
        }
    }

    /// The first pass; `roots` are those of the whole length.
    fn first_pass(&mut self, row: &[Complex32], roots: &[Complex32], lines: &mut [Complex32]) {
        for n in 0..self.second {
            let points = row[n..].iter().step_by(self.second);
            for (value, point) in self.column.iter_mut().zip(points) {
                *value = *point;
            }
            self.plans[0].process_with_scratch(&mut self.column, &mut self.scratch);
            for (k, value) in self.column.iter().enumerate() {
                lines[k * self.second + n] = roots[k * n] * value;
            }
        }
    }

    /// The second pass, in place, and where each result belongs.
    fn second_pass<'l>(
        &mut self,
        lines: &'l mut [Complex32],
    ) -> impl Iterator<Item = (usize, Complex32)> + 'l {
        self.plans[1].process_with_scratch(lines, &mut self.scratch);
        let (first, second) = (self.first, self.second);
        let results = lines.iter().enumerate();
        results.map(move |(at, &value)| (at / second + first * (at % second), value))
    }
}
