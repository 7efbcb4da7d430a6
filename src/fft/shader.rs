//! The WGSL of a line transform in workgroup memory, generated for its length.

use super::codelet::Codelet;
use super::{BLOCK, Recipe};
use crate::compute::{Buffer, Kernel, KernelParams, Recording, Variant};
use std::fmt::Write;

/// How the lines of a workgroup lie in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One line after the other.
    Rows,
    /// Point by point, the lines side by side: at most [`BLOCK`] of them, a divisor of it.
    Columns,
}

/// A generated transform of several lines by one workgroup.
#[derive(Clone, Debug)]
pub struct LineVariant {
    /// The code: POINTS, LINES, `line` and `transform`.
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
        let mut code = format!(
            "const POINTS = {}u;\nconst LINES = {lines}u;\n\
             var<workgroup> line: array<vec2<f32>, {}>;\n",
            recipe.length,
            recipe.length * lines,
        );
        let mut calls = String::new();
        let mut span = recipe.length;
        for (pass, &radix) in recipe.radices.iter().enumerate() {
            write_pass(
                &mut code, recipe, layout, lines, pass, span, radix, twiddle_at,
            );
            let _ = writeln!(calls, "    pass_{pass}(local);\n    workgroupBarrier();");
            span /= radix;
        }
        let _ = write!(code, "fn transform(local: u32) {{\n{calls}}}\n");
        Self {
            variant: Variant { code: code.into() },
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

/// One pass, decimating in frequency: spans of `span` points become `radix` spans each.
#[allow(clippy::too_many_arguments)]
fn write_pass(
    code: &mut String,
    recipe: &Recipe,
    layout: Layout,
    lines: usize,
    pass: usize,
    span: usize,
    radix: usize,
    twiddle_at: u32,
) {
    let butterflies = recipe.length / radix;
    let part = span / radix;
    let (line, butterfly, line_stride, point_stride) = match layout {
        Layout::Rows => (
            format!("b / {butterflies}u"),
            format!("b % {butterflies}u"),
            recipe.length,
            1,
        ),
        Layout::Columns => (format!("b % {lines}u"), format!("b / {lines}u"), 1, lines),
    };
    let _ = write!(
        code,
        "fn pass_{pass}(local: u32) {{
    for (var b = local; b < {}u; b += 256u) {{
        let butterfly = {butterfly};
        let j = butterfly % {part}u;
        let at = ({line}) * {line_stride}u + (butterfly / {part}u * {span}u + j) * {point_stride}u;
",
        butterflies * lines,
    );
    let step = part * point_stride;
    let values: Vec<_> = (0..radix).map(|q| format!("v{q}")).collect();
    for (q, value) in values.iter().enumerate() {
        let _ = writeln!(code, "        let {value} = line[at + {}u];", q * step);
    }
    let outputs = Codelet::new(code).transform(&values);
    for (q, output) in outputs.iter().enumerate() {
        let turned = if q == 0 || part == 1 {
            output.clone()
        } else {
            let stride = q * (recipe.length / span);
            format!("product({output}, fourier[{twiddle_at}u + j * {stride}u])")
        };
        let _ = writeln!(code, "        line[at + {}u] = {turned};", q * step);
    }
    code.push_str("    }\n}\n");
}
