//! From a kernel's files to the WGSL that the device compiles.

use crate::compute::{Kernel, Variant};

/// Shared WGSL, by the name that `#import` uses.
const SHARED: &[(&str, &str)] = &[
    (
        "complex",
        include_str!("../../../shaders/shared/complex.wgsl"),
    ),
    (
        "dispatch",
        include_str!("../../../shaders/shared/dispatch.wgsl"),
    ),
    (
        "philox",
        include_str!("../../../shaders/shared/philox.wgsl"),
    ),
    (
        "reflect",
        include_str!("../../../shaders/shared/reflect.wgsl"),
    ),
    ("table", include_str!("../../../shaders/shared/table.wgsl")),
];

/// Most workgroups in one dimension of a dispatch that every WebGPU device takes.
const MOST_WORKGROUPS: u32 = 65_535;

/// The two dimensions in which this many workgroups are dispatched; `linear_workgroup` in
/// `shaders/shared/dispatch.wgsl` undoes it. Kernels ignore the surplus of the last row.
pub fn fold_workgroups(count: u32) -> [u32; 2] {
    let rows = count.div_ceil(MOST_WORKGROUPS);
    [count.div_ceil(rows.max(1)), rows]
}

/// The whole WGSL of a kernel: its own file, then what it imports (`#import name` lines, also in
/// imported files), then the generated code. WGSL takes declarations in any order, so that the
/// kernel's own line numbers stay true.
///
/// # Panics
/// When an import names no shared file: a defect of the shader, found by the shader tests.
pub fn assemble(kernel: &Kernel, variant: Option<&Variant>) -> String {
    let mut text = String::new();
    let mut wanted: Vec<&str> = Vec::new();
    let mut append = |source: &'static str, wanted: &mut Vec<&'static str>| {
        for line in source.lines() {
            if let Some(name) = line.strip_prefix("#import ") {
                let name = name.trim();
                if !wanted.contains(&name) {
                    wanted.push(name);
                }
            } else {
                text.push_str(line);
            }
            text.push('\n');
        }
    };
    append(kernel.source, &mut wanted);
    let mut done = 0;
    while done < wanted.len() {
        let name = wanted[done];
        let shared = SHARED.iter().find(|(stem, _)| *stem == name);
        let (_, source) =
            shared.unwrap_or_else(|| panic!("{} imports an unknown {name}", kernel.name));
        append(source, &mut wanted);
        done += 1;
    }
    if let Some(variant) = variant {
        text.push_str(&variant.code);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_workgroup_with_little_surplus() {
        for count in [
            1,
            2,
            65_535,
            65_536,
            65_537,
            131_071,
            1 << 24,
            (1 << 24) + 1,
        ] {
            let [x, y] = fold_workgroups(count);
            assert!(x <= MOST_WORKGROUPS && y <= MOST_WORKGROUPS, "{count}");
            let surplus = u64::from(x) * u64::from(y) - u64::from(count);
            assert!(surplus < u64::from(y), "{count}: {x} x {y}");
        }
    }
}
