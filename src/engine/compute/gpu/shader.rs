//! From a kernel and its files to the WGSL that the device compiles.

use crate::engine::compute::{Kernel, Variant};
use std::fmt::Write;

/// Shared WGSL, by the name that `#import` uses.
macro_rules! shared {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../../shaders/shared/", $name, ".wgsl")),
        )),*]
    };
}
const SHARED: &[(&str, &str)] = shared![
    "complex",
    "deviate",
    "dispatch",
    "divide",
    "philox",
    "readout",
    "register",
    "rows_inverse",
    "shot",
    "table",
];

/// The whole WGSL of a kernel: its own file, then what it declares in Rust (the parameter block
/// with its binding, the constants and those of its grid), then the generated code, then what all
/// of this imports (`#import name` lines, also in imported files). WGSL takes declarations in any
/// order, so that the kernel's own line numbers stay true.
///
/// # Panics
/// When an import names no shared file: a defect of the shader, found by the shader tests.
pub fn assemble(kernel: &Kernel, variant: Option<&Variant>) -> String {
    assemble_source(kernel, kernel.source, variant)
}

/// As [`assemble`], with other WGSL in place of the kernel's own file.
pub(super) fn assemble_source(kernel: &Kernel, source: &str, variant: Option<&Variant>) -> String {
    let mut text = String::new();
    let mut imports: Vec<String> = Vec::new();
    append(source, &mut text, &mut imports);
    declare(kernel, &mut text);
    if let Some(variant) = variant {
        append(&variant.code, &mut text, &mut imports);
    }
    let mut done = 0;
    while let Some(name) = imports.get(done) {
        let shared = SHARED.iter().find(|(stem, _)| stem == name);
        let (_, source) =
            shared.unwrap_or_else(|| panic!("{} imports an unknown {name}", kernel.name));
        append(source, &mut text, &mut imports);
        done += 1;
    }
    text
}

/// Lists what a source imports, and leaves blank lines in its place.
fn append(source: &str, text: &mut String, imports: &mut Vec<String>) {
    for line in source.lines() {
        match line.strip_prefix("#import ").map(str::trim) {
            Some(name) if imports.iter().any(|known| known == name) => {}
            Some(name) => imports.push(name.to_owned()),
            None => text.push_str(line),
        }
        text.push('\n');
    }
}

/// What a kernel's shader need not say itself.
fn declare(kernel: &Kernel, text: &mut String) {
    let params = kernel.params;
    let _ = writeln!(
        text,
        "{params}@group(0) @binding(0) var<uniform> params: {};",
        params.name
    );
    for constant in kernel.grid.constants().iter().chain(kernel.constants) {
        let _ = write!(text, "{constant}");
    }
}
