//! The WGSL of a line transform in workgroup memory, generated for its length.
//!
//! The kernel says where points come from and where they go: `load(l, n)` is point n of line l, and
//! `save(l, at, k, value)` takes frequency k, which a transform in place has at point `at` of
//! `line`. The first pass loads and the last one saves, so that lines of few passes hardly touch
//! the workgroup's memory.

use super::codelet::Codelet;
use super::{BLOCK, Recipe};
use crate::engine::compute::{Buffer, Constant, Kernel, KernelParams, Layout, Recording, Variant};
use std::fmt::Write;

/// A generated transform of several lines by one workgroup.
#[derive(Clone, Debug)]
pub struct LineVariant {
    /// The code: POINTS, LINES, `line` and `transform`; it calls the kernel's `load` and `save`.
    pub variant: Variant,
    /// Lines per workgroup.
    pub lines: usize,
}

/// Points that a workgroup of 256 threads is given, if its memory allows: a butterfly of radix 16
/// for each thread.
const POINTS_WANTED: usize = 4096;

impl LineVariant {
    /// The transform for this recipe, with as many lines as suit the workgroup memory.
    /// `twiddle_at` is where its twiddle factors start in the buffer `fourier`.
    pub fn new(recipe: &Recipe, layout: Layout, twiddle_at: u32, workgroup_bytes: u32) -> Self {
        let points = (workgroup_bytes as usize / 8).min(POINTS_WANTED);
        let fitting = (points / recipe.length).max(1);
        let lines = match layout {
            Layout::Rows => fitting.min(64),
            Layout::Columns => {
                let divisors = [BLOCK, BLOCK / 2, BLOCK / 4, 1];
                divisors
                    .into_iter()
                    .find(|&lines| lines <= fitting)
                    .unwrap_or(1)
            }
        };
        let numbers = [
            Constant::u32("POINTS", recipe.length as u32),
            Constant::u32("LINES", lines as u32),
        ];
        let mut code = "var<workgroup> line: array<vec2<f32>, POINTS * LINES>;\n".to_owned();
        let passes: Vec<String> = (0..recipe.passes().len())
            .map(|pass| {
                write_pass(&mut code, recipe, layout, lines, pass, twiddle_at);
                format!("    pass_{pass}(local);\n")
            })
            .collect();
        let passes = passes.join("    workgroupBarrier();\n");
        let _ = write!(code, "fn transform(local: u32) {{\n{passes}}}\n");
        Self {
            variant: Variant::new(&numbers, &code),
            lines,
        }
    }

    /// Records a dispatch of a kernel over `count` lines.
    pub fn dispatch<P: KernelParams>(
        &self,
        recording: &mut Recording<'_>,
        kernel: &'static Kernel,
        params: P,
        buffers: &[Buffer],
        count: usize,
    ) {
        let (variant, workgroups) = (Some(self.variant.clone()), count.div_ceil(self.lines));
        recording.dispatch_variant(kernel, variant, params, buffers, workgroups);
    }
}

/// One pass, decimating in frequency: spans of points become as many spans each as the radix says.
/// The first pass loads its points, the last one saves them.
fn write_pass(
    code: &mut String,
    recipe: &Recipe,
    layout: Layout,
    lines: usize,
    pass: usize,
    twiddle_at: u32,
) {
    let radices = recipe.passes();
    let (radix, is_last) = (radices[pass], pass + 1 == radices.len());
    let span = recipe.length / radices[..pass].iter().product::<usize>();
    let (part, butterflies) = (span / radix, recipe.length / radix);
    let (line, butterfly, line_stride, point_stride) = match layout {
        Layout::Rows => (
            format!("b / {butterflies}u"),
            format!("b % {butterflies}u"),
            recipe.length,
            1,
        ),
        Layout::Columns => (format!("b % {lines}u"), format!("b / {lines}u"), 1, lines),
    };
    // The last pass goes by frequency, so that neighbouring threads save neighbouring ones.
    let point = if is_last {
        recipe.place("butterfly", &radices[..pass])
    } else {
        format!("butterfly / {part}u * {span}u + butterfly % {part}u")
    };
    let _ = write!(
        code,
        "fn pass_{pass}(local: u32) {{
    for (var b = local; b < {}u; b += THREADS) {{
        let l = {line};
        let butterfly = {butterfly};
        let point = {point};
        let at = l * {line_stride}u + point * {point_stride}u;
",
        butterflies * lines,
    );
    let step = part * point_stride;
    let values: Vec<_> = (0..radix).map(|q| format!("v{q}")).collect();
    for (q, value) in values.iter().enumerate() {
        let input = match pass {
            0 => format!("load(l, point + {}u)", q * part),
            _ => format!("line[at + {}u]", q * step),
        };
        let _ = writeln!(code, "        let {value} = {input};");
    }
    let outputs = Codelet::new(code).transform(&values);
    for (q, output) in outputs.iter().enumerate() {
        let _ = if is_last {
            let frequency = q * butterflies;
            writeln!(
                code,
                "        save(l, point + {q}u, butterfly + {frequency}u, {output});"
            )
        } else if q == 0 {
            writeln!(code, "        line[at] = {output};")
        } else {
            let stride = q * (recipe.length / span);
            writeln!(
                code,
                "        line[at + {}u] = product({output}, fourier[{twiddle_at}u + butterfly % {part}u * {stride}u]);",
                q * step,
            )
        };
    }
    code.push_str("    }\n}\n");
}
