//! Compute pipelines, made once each.

use super::shader::assemble_source;
use crate::engine::compute::{Access, Kernel, Variant};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

#[derive(Default)]
pub(super) struct Pipelines {
    made: HashMap<(&'static str, Option<Variant>), (wgpu::ComputePipeline, wgpu::BindGroupLayout)>,
    /// WGSL in place of a kernel's own.
    altered: HashMap<&'static str, &'static str>,
}

impl Pipelines {
    /// The pipeline and the layout of its one bind group.
    pub(super) fn get(
        &mut self,
        device: &wgpu::Device,
        kernel: &'static Kernel,
        variant: Option<&Variant>,
    ) -> (wgpu::ComputePipeline, wgpu::BindGroupLayout) {
        let made = match self.made.entry((kernel.name, variant.cloned())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let source = self.altered.get(kernel.name).unwrap_or(&kernel.source);
                entry.insert(make(device, kernel, source, variant))
            }
        };
        made.clone()
    }

    /// Takes other WGSL for a kernel from now on.
    pub(super) fn alter(&mut self, kernel: &'static Kernel, source: &'static str) {
        self.made.retain(|(name, _), _| *name != kernel.name);
        self.altered.insert(kernel.name, source);
    }
}

fn make(
    device: &wgpu::Device,
    kernel: &Kernel,
    source: &'static str,
    variant: Option<&Variant>,
) -> (wgpu::ComputePipeline, wgpu::BindGroupLayout) {
    let label = Some(kernel.name);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label,
        source: wgpu::ShaderSource::Wgsl(assemble_source(kernel, source, variant).into()),
    });
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let storage = (1..).zip(kernel.bindings).map(|(binding, access)| {
        let read_only = *access == Access::Read;
        entry(binding, wgpu::BufferBindingType::Storage { read_only })
    });
    let entries: Vec<_> = std::iter::once(entry(0, wgpu::BufferBindingType::Uniform))
        .chain(storage)
        .collect();
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label,
        entries: &entries,
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        // The kernels write what they read: no need to clear workgroup memory first.
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    });
    (pipeline, group)
}
