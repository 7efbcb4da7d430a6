//! Every shader, without any GPU: it is valid, says the same as its Rust side about parameters,
//! bindings and workgroups, and translates to what Vulkan, Metal and DX12 take.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, Scalar, StorageAccess, TypeInner, VectorSize};
use simexm_gpu::internals::engine::blocks::BlockGrid;
use simexm_gpu::internals::engine::compute::gpu::shader::assemble;
use simexm_gpu::internals::engine::compute::{Access, Generated, Kernel, Variant};
use simexm_gpu::internals::engine::fft::{Layout, LineVariant, Recipe, SliceTransform};
use simexm_gpu::internals::engine::psf::PsfShape;
use simexm_gpu::internals::engine::stages::KERNELS;
use simexm_gpu::internals::engine::stages::blur::{psf_spectra, taps};

/// The code generated for some instances of a kernel.
fn variants(kernel: &Kernel) -> Vec<Option<Variant>> {
    match kernel.generated {
        [] => vec![None],
        [Generated::Lines(layout)] => lines(*layout).map(Some).into(),
        [Generated::Planes] => functions(psf_spectra::variant),
        [Generated::Taps] => functions(taps::variant),
        other => panic!("{} has no instances for {other:?}: add some", kernel.name),
    }
}

/// For few taps and many, of functions that are symmetric and such that are not.
fn functions(variant: fn(&PsfShape) -> Variant) -> Vec<Option<Variant>> {
    let reaches = [(0, 0), (15, 15), (3, 9), (40, 40), (70, 2)];
    let shapes = reaches.map(|(before, after)| PsfShape {
        before,
        after,
        radius: [before, after],
        symmetric: before == after,
    });
    shapes.iter().map(|shape| Some(variant(shape))).collect()
}

/// Lines of some lengths, one of them a prime radix, one of many passes.
fn lines(layout: Layout) -> [Variant; 11] {
    let lengths = [1, 2, 16, 21, 35, 64, 105, 288, 784, 810, 2048];
    lengths.map(|length| LineVariant::new(&Recipe::new(length), layout, 5, 1 << 15).variant)
}

fn parse(kernel: &Kernel, variant: Option<&Variant>) -> (Module, ModuleInfo) {
    let source = assemble(kernel, variant);
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&source)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    let info = validator
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {}", kernel.name, error.emit_to_string(&source)));
    (module, info)
}

fn for_each_shader(mut check: impl FnMut(&Kernel, Module, ModuleInfo)) {
    for kernel in KERNELS {
        for variant in variants(kernel) {
            let (module, info) = parse(kernel, variant.as_ref());
            check(kernel, module, info);
        }
    }
}

fn type_name(inner: &TypeInner) -> &'static str {
    match inner {
        TypeInner::Scalar(Scalar::U32) => "u32",
        TypeInner::Scalar(Scalar::F32) => "f32",
        TypeInner::Vector {
            size: VectorSize::Bi,
            scalar: Scalar::U32,
        } => "vec2<u32>",
        other => panic!("a parameter is {other:?}"),
    }
}

#[test]
fn shaders_agree_with_their_rust_side() {
    for_each_shader(|kernel, module, _| {
        let name = kernel.name;
        let mut bound = vec![None; kernel.bindings.len()];
        let mut params = None;
        for (_, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else {
                continue;
            };
            assert_eq!(binding.group, 0, "{name}");
            match (binding.binding, variable.space) {
                (0, AddressSpace::Uniform) => params = Some(variable.ty),
                (at, AddressSpace::Storage { access }) => {
                    let write = access.contains(StorageAccess::STORE);
                    bound[at as usize - 1] = Some(if write {
                        Access::ReadWrite
                    } else {
                        Access::Read
                    });
                }
                other => panic!("{name} binds {other:?}"),
            }
        }
        let bound: Vec<Access> = bound
            .into_iter()
            .map(|b| b.expect("every binding"))
            .collect();
        assert_eq!(bound, kernel.bindings, "{name}");
        let ty = &module.types[params.unwrap_or_else(|| panic!("{name} has no parameters"))];
        assert_eq!(ty.name.as_deref(), Some(kernel.params.name), "{name}");
        let TypeInner::Struct { members, span } = &ty.inner else {
            panic!("{name}: parameters are no struct");
        };
        assert_eq!(members.len(), kernel.params.fields.len(), "{name}");
        for (member, field) in members.iter().zip(kernel.params.fields) {
            let found = (
                member.name.as_deref(),
                type_name(&module.types[member.ty].inner),
                member.offset as usize,
            );
            let expected = (Some(field.name), field.kind, field.offset);
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(*span as usize, kernel.params.size, "{name}");
        let [entry] = module.entry_points.as_slice() else {
            panic!("{name} has several entry points");
        };
        assert_eq!(
            (entry.name.as_str(), entry.workgroup_size),
            ("main", kernel.grid.workgroup()),
            "{name}"
        );
    });
}

/// No shader asks for more than the least that WebGPU guarantees, but for the workgroup memory of
/// the line transforms, which the plan bounds.
#[test]
fn shaders_stay_within_the_least_limits() {
    for_each_shader(|kernel, module, _| {
        assert!(kernel.bindings.len() <= 8, "{}", kernel.name);
        let workgroup: u32 = module
            .global_variables
            .iter()
            .filter(|(_, variable)| variable.space == AddressSpace::WorkGroup)
            .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(workgroup <= 1 << 15, "{}: {workgroup}", kernel.name);
    });
}

#[test]
fn shaders_translate_for_vulkan_metal_and_dx12() {
    for_each_shader(|kernel, module, info| {
        let name = kernel.name;
        let options = spv::Options::default();
        let words = spv::write_vec(&module, &info, &options, None);
        let words = words.unwrap_or_else(|error| panic!("{name} to SPIR-V: {error}"));
        assert_eq!(words[0], 0x0723_0203, "{name}");

        let mut options = msl::Options {
            lang_version: (2, 4),
            fake_missing_bindings: true,
            ..Default::default()
        };
        options.zero_initialize_workgroup_memory = false;
        let pipeline = msl::PipelineOptions::default();
        let (text, translated) = msl::write_string(&module, &info, &options, &pipeline)
            .unwrap_or_else(|error| panic!("{name} to MSL: {error}"));
        assert!(text.contains("kernel void"), "{name}");
        translated.entry_point_names[0]
            .as_ref()
            .unwrap_or_else(|e| panic!("{name} to MSL: {e}"));

        let options = hlsl::Options {
            fake_missing_bindings: true,
            ..Default::default()
        };
        let pipeline = hlsl::PipelineOptions::default();
        let mut text = String::new();
        let translated = hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|error| panic!("{name} to HLSL: {error}"));
        translated.entry_point_names[0]
            .as_ref()
            .unwrap_or_else(|e| panic!("{name} to HLSL: {e}"));
        let [x, y, z] = kernel.grid.workgroup();
        assert!(
            text.contains(&format!("numthreads({x}, {y}, {z})")),
            "{name}"
        );
    });
}

/// Lines that do not fit the workgroup memory are never generated: the plan refuses them.
#[test]
fn line_variants_fit_the_workgroup_memory() {
    for size in [8, 100, 773, 1500, 4000] {
        let transform = SliceTransform::new(BlockGrid::new([size; 2], [15; 2], [1; 2]));
        let bytes = (transform.line_bytes() as u32).max(1 << 14);
        for (recipe, layout) in [
            (transform.length_x, Layout::Columns),
            (transform.length_y / 2, Layout::Rows),
        ] {
            let line = LineVariant::new(&Recipe::new(recipe), layout, 0, bytes);
            assert!(
                line.lines * recipe * 8 <= bytes as usize,
                "{size}: {}",
                line.lines
            );
        }
    }
}
