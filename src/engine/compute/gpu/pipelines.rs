//! Compute pipelines and groups of buffers, made once each.

use super::shader::assemble_source;
use crate::engine::compute::{Access, Buffer, Kernel, Variant};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The pipelines of all kernels that were run.
#[derive(Default)]
pub(super) struct Pipelines {
    made: HashMap<(&'static str, Option<Variant>), Pipeline>,
    /// WGSL in place of a kernel's own.
    altered: HashMap<&'static str, &'static str>,
}

/// A kernel's pipeline, and the groups of buffers that it was run on.
pub(super) struct Pipeline {
    pub(super) compute: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    groups: HashMap<Vec<Buffer>, wgpu::BindGroup>,
}

impl Pipelines {
    /// The pipeline of a kernel.
    pub(super) fn get(
        &mut self,
        device: &wgpu::Device,
        kernel: &'static Kernel,
        variant: Option<&Variant>,
    ) -> &mut Pipeline {
        match self.made.entry((kernel.name, variant.cloned())) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let source = self.altered.get(kernel.name).unwrap_or(&kernel.source);
                entry.insert(Pipeline::new(device, kernel, source, variant))
            }
        }
    }

    /// Lets go of all buffers.
    pub(super) fn unbind(&mut self) {
        for pipeline in self.made.values_mut() {
            pipeline.groups.clear();
        }
    }

    /// Takes other WGSL for a kernel from now on.
    pub(super) fn alter(&mut self, kernel: &'static Kernel, source: &'static str) {
        self.made.retain(|(name, _), _| *name != kernel.name);
        self.altered.insert(kernel.name, source);
    }
}

impl Pipeline {
    /// Compiles a kernel.
    fn new(
        device: &wgpu::Device,
        kernel: &Kernel,
        source: &str,
        variant: Option<&Variant>,
    ) -> Self {
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
                // The parameter blocks of all dispatches lie in one buffer.
                has_dynamic_offset: ty == wgpu::BufferBindingType::Uniform,
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
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label,
            entries: &entries,
        });
        let bound = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let compute = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&bound),
            module: &module,
            entry_point: Some("main"),
            // The kernels write what they read: no need to clear workgroup memory first.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        Self {
            compute,
            layout,
            groups: HashMap::new(),
        }
    }

    /// The group of a parameter block, whose place in `params` is told when it is set, and of these
    /// buffers.
    pub(super) fn group(
        &mut self,
        device: &wgpu::Device,
        (params, bytes): (&wgpu::Buffer, usize),
        arena: &[wgpu::Buffer],
        buffers: Vec<Buffer>,
    ) -> &wgpu::BindGroup {
        self.groups.entry(buffers).or_insert_with_key(|buffers| {
            let params = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: params,
                offset: 0,
                size: wgpu::BufferSize::new(bytes as u64),
            });
            let storage = buffers
                .iter()
                .map(|buffer| arena[buffer.0].as_entire_binding());
            let entries: Vec<_> = (0..)
                .zip(std::iter::once(params).chain(storage))
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &self.layout,
                entries: &entries,
            })
        })
    }
}
