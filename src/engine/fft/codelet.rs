//! Straight-line WGSL for small transforms held in registers.

use std::fmt::Write;

/// Writes statements that transform complex values; each result gets a name of its own.
pub(super) struct Codelet<'a> {
    code: &'a mut String,
    names: usize,
}

impl<'a> Codelet<'a> {
    pub(super) fn new(code: &'a mut String) -> Self {
        Self { code, names: 0 }
    }

    /// Binds an expression to a new name.
    fn let_value(&mut self, expression: &str) -> String {
        let name = format!("t{}", self.names);
        self.names += 1;
        // Writing to a String cannot fail.
        let _ = writeln!(self.code, "        let {name} = {expression};");
        name
    }

    /// The forward transform of these values, in natural order. Lengths with prime factors other
    /// than 2 are done by the definition with conjugate terms paired; composite ones by
    /// decimation in time.
    pub(super) fn transform(&mut self, values: &[String]) -> Vec<String> {
        let length = values.len();
        match length {
            1 => values.to_vec(),
            2 => {
                let [a, b] = [&values[0], &values[1]];
                vec![
                    self.let_value(&format!("{a} + {b}")),
                    self.let_value(&format!("{a} - {b}")),
                ]
            }
            3 | 5 | 7 => self.odd_prime(values),
            _ => {
                let inner = if length.is_multiple_of(4) {
                    4
                } else {
                    smallest_factor(length)
                };
                if inner == length {
                    self.four(values)
                } else {
                    self.composite(values, inner)
                }
            }
        }
    }

    fn four(&mut self, values: &[String]) -> Vec<String> {
        let [a, b, c, d] = [&values[0], &values[1], &values[2], &values[3]];
        let even_sum = self.let_value(&format!("{a} + {c}"));
        let even_difference = self.let_value(&format!("{a} - {c}"));
        let odd_sum = self.let_value(&format!("{b} + {d}"));
        let odd_difference = self.let_value(&format!("times_i({b} - {d})"));
        vec![
            self.let_value(&format!("{even_sum} + {odd_sum}")),
            self.let_value(&format!("{even_difference} - {odd_difference}")),
            self.let_value(&format!("{even_sum} - {odd_sum}")),
            self.let_value(&format!("{even_difference} + {odd_difference}")),
        ]
    }

    fn odd_prime(&mut self, values: &[String]) -> Vec<String> {
        let length = values.len();
        let half = length / 2;
        let pairs: Vec<(String, String)> = (1..=half)
            .map(|k| {
                let (a, b) = (&values[k], &values[length - k]);
                let sum = self.let_value(&format!("{a} + {b}"));
                let difference = self.let_value(&format!("{a} - {b}"));
                (sum, difference)
            })
            .collect();
        let mut outputs = vec![String::new(); length];
        let sums: String = pairs.iter().map(|(sum, _)| format!(" + {sum}")).collect();
        outputs[0] = self.let_value(&format!("{}{sums}", values[0]));
        for m in 1..=half {
            let mut real = values[0].clone();
            let mut imaginary = Vec::new();
            for (k, (sum, difference)) in (1..).zip(&pairs) {
                let angle = 2.0 * std::f64::consts::PI * (m * k % length) as f64 / length as f64;
                let _ = write!(real, " + {} * {sum}", literal(angle.cos()));
                imaginary.push(format!("{} * {difference}", literal(angle.sin())));
            }
            let real = self.let_value(&real);
            let imaginary = self.let_value(&format!("times_i({})", imaginary.join(" + ")));
            outputs[m] = self.let_value(&format!("{real} - {imaginary}"));
            outputs[length - m] = self.let_value(&format!("{real} + {imaginary}"));
        }
        outputs
    }

    /// Transforms of every `outer`-th value, twiddle factors, and transforms across them.
    fn composite(&mut self, values: &[String], inner: usize) -> Vec<String> {
        let length = values.len();
        let outer = length / inner;
        let parts: Vec<Vec<String>> = (0..outer)
            .map(|first| {
                let part: Vec<_> = values.iter().skip(first).step_by(outer).cloned().collect();
                self.transform(&part)
            })
            .collect();
        let mut outputs = vec![String::new(); length];
        for k in 0..inner {
            let turned: Vec<_> = (0..outer)
                .map(|n| self.turned(&parts[n][k], n * k, length))
                .collect();
            for (m, value) in self.transform(&turned).into_iter().enumerate() {
                outputs[k + inner * m] = value;
            }
        }
        outputs
    }

    /// The value times exp(-2 pi i turn / length).
    fn turned(&mut self, value: &str, turn: usize, length: usize) -> String {
        if turn == 0 {
            return value.to_owned();
        }
        if turn * 4 == length {
            return self.let_value(&format!("-times_i({value})"));
        }
        let angle = -2.0 * std::f64::consts::PI * turn as f64 / length as f64;
        let (real, imaginary) = (literal(angle.cos()), literal(angle.sin()));
        self.let_value(&format!("product({value}, vec2<f32>({real}, {imaginary}))"))
    }
}

fn smallest_factor(length: usize) -> usize {
    (2..length)
        .find(|&f| length.is_multiple_of(f))
        .unwrap_or(length)
}

/// The f32 nearest to a number, in a form that reads back as itself.
fn literal(value: f64) -> String {
    let value = value as f32;
    format!("({value:?}f)")
}
