//! From a kernel's files to the WGSL that the device compiles.

use crate::engine::compute::{Kernel, Variant};

/// Shared WGSL, by the name that `#import` uses.
const SHARED: &[(&str, &str)] = &[
    (
        "complex",
        include_str!("../../../../shaders/shared/complex.wgsl"),
    ),
    (
        "dispatch",
        include_str!("../../../../shaders/shared/dispatch.wgsl"),
    ),
    (
        "long_rows_read",
        include_str!("../../../../shaders/shared/long_rows_read.wgsl"),
    ),
    (
        "long_rows_write",
        include_str!("../../../../shaders/shared/long_rows_write.wgsl"),
    ),
    (
        "photons",
        include_str!("../../../../shaders/shared/photons.wgsl"),
    ),
    (
        "divide",
        include_str!("../../../../shaders/shared/divide.wgsl"),
    ),
    (
        "philox",
        include_str!("../../../../shaders/shared/philox.wgsl"),
    ),
    (
        "reflect",
        include_str!("../../../../shaders/shared/reflect.wgsl"),
    ),
    (
        "table",
        include_str!("../../../../shaders/shared/table.wgsl"),
    ),
];

/// The whole WGSL of a kernel: its own file, then what it imports (`#import name` lines, also in
/// imported files), then the generated code. WGSL takes declarations in any order, so that the
/// kernel's own line numbers stay true.
///
/// # Panics
/// When an import names no shared file: a defect of the shader, found by the shader tests.
pub fn assemble(kernel: &Kernel, variant: Option<&Variant>) -> String {
    assemble_source(kernel, kernel.source, variant)
}

/// As [`assemble`], with other WGSL in place of the kernel's own file.
pub(super) fn assemble_source(
    kernel: &Kernel,
    source: &'static str,
    variant: Option<&Variant>,
) -> String {
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
    append(source, &mut wanted);
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
