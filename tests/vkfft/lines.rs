//! Complex lines transformed by the kernels that vkfft-rs generates, on wgpu's device.
#![allow(dead_code)]

use rustfft::num_complex::Complex32;
use std::time::{Duration, Instant};
use vkfft_rs::backend::vulkan::{VulkanGlslBackend, VulkanSpirvShader};
use vkfft_rs::{Backend, DeviceProfile, Direction, FftConfig, GpuVendor, TransformIr};
use wgpu::util::DeviceExt;

/// A device that takes SPIR-V as it is; any adapter will do. `None`, and a line that says so, where
/// there is none.
pub fn device() -> Option<(wgpu::Device, wgpu::Queue)> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let passthrough = wgpu::Features::PASSTHROUGH_SHADERS;
    let adapter = adapters
        .into_iter()
        .find(|adapter| adapter.features().contains(passthrough));
    let Some(adapter) = adapter else {
        eprintln!("skipped: no Vulkan adapter that takes SPIR-V as it is");
        return None;
    };
    let request = wgpu::DeviceDescriptor {
        required_features: passthrough,
        required_limits: adapter.limits(),
        // SAFETY: the only shaders that are passed through are those of vkfft-rs, which naga wrote.
        #[allow(unsafe_code)]
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
        ..Default::default()
    };
    Some(pollster::block_on(adapter.request_device(&request)).expect("the adapter opens"))
}

/// A transform of `count` lines of `length` points, one pass from buffer to buffer.
pub struct Lines<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    shader: VulkanSpirvShader,
    pipeline: wgpu::ComputePipeline,
    points: usize,
}

impl<'a> Lines<'a> {
    pub fn new(
        device: &'a wgpu::Device,
        queue: &'a wgpu::Queue,
        length: usize,
        count: usize,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let config = FftConfig::new(vec![length]).with_batch_count(count);
        // The planner of a vendor that it does not know: it relies on nothing that wgpu does not
        // promise.
        let profile = DeviceProfile::generic(Backend::Vulkan, GpuVendor::Other(0));
        let transform = TransformIr::build(config, Direction::Forward, profile)?;
        let passes = VulkanGlslBackend.lower_transform(&transform)?;
        let [pass] = &passes[..] else {
            return Err(format!("{} passes for lines of {length} points", passes.len()).into());
        };
        let shader = pass.compile_spirv()?;
        let size = shader.workgroup_size;
        let entry = wgpu::PassthroughShaderEntryPoint {
            name: shader.entry_point.into(),
            workgroup_size: (size.x, size.y, size.z),
        };
        let descriptor = wgpu::ShaderModuleDescriptorPassthrough {
            label: Some("vkfft"),
            entry_points: vec![entry].into(),
            spirv: Some((&shader.words[..]).into()),
            ..Default::default()
        };
        // SAFETY: naga wrote the module, for the buffers and the dispatch that are used below.
        #[allow(unsafe_code)]
        let module = unsafe { device.create_shader_module_passthrough(descriptor) };
        let entries: Vec<_> = shader
            .descriptors
            .iter()
            .map(|bound| layout_entry(bound.binding))
            .collect();
        let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: None,
            entries: &entries,
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&group)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("vkfft"),
            layout: Some(&layout),
            module: &module,
            entry_point: Some(shader.entry_point),
            compilation_options: Default::default(),
            cache: None,
        });
        Ok(Self {
            device,
            queue,
            shader,
            pipeline,
            points: length * count,
        })
    }

    fn buffers(&self, values: &[Complex32]) -> [wgpu::Buffer; 2] {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let contents = bytemuck::cast_slice(values);
        let input = wgpu::util::BufferInitDescriptor {
            label: None,
            contents,
            usage,
        };
        let output = wgpu::BufferDescriptor {
            label: None,
            size: contents.len() as u64,
            usage,
            mapped_at_creation: false,
        };
        [
            self.device.create_buffer_init(&input),
            self.device.create_buffer(&output),
        ]
    }

    fn submit(&self, buffers: &[wgpu::Buffer; 2], rounds: u64, copy: Option<&wgpu::Buffer>) {
        let bound: Vec<_> = std::iter::zip(&self.shader.descriptors, buffers)
            .map(|(bound, buffer)| wgpu::BindGroupEntry {
                binding: bound.binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &bound,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &group, &[]);
        let groups = self.shader.dispatch;
        (0..rounds).for_each(|_| pass.dispatch_workgroups(groups.x, groups.y, groups.z));
        drop(pass);
        if let Some(copy) = copy {
            encoder.copy_buffer_to_buffer(&buffers[1], 0, copy, 0, copy.size());
        }
        self.queue.submit([encoder.finish()]);
    }

    fn wait(&self) {
        let waited = self.device.poll(wgpu::PollType::wait_indefinitely());
        waited.expect("the device works");
    }

    /// The transformed lines.
    pub fn transform(&self, values: &[Complex32]) -> Vec<Complex32> {
        assert_eq!(values.len(), self.points);
        let buffers = self.buffers(values);
        let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: buffers[1].size(),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.submit(&buffers, 1, Some(&copy));
        copy.map_async(wgpu::MapMode::Read, .., |mapped| {
            mapped.expect("the device works")
        });
        self.wait();
        let view = copy.get_mapped_range(..).expect("mapped");
        bytemuck::pod_collect_to_vec(&view)
    }

    /// Time of so many transforms, one after another.
    pub fn time(&self, rounds: u64) -> Duration {
        let buffers = self.buffers(&vec![Complex32::new(1.0, 0.5); self.points]);
        self.submit(&buffers, 1, None);
        self.wait();
        let start = Instant::now();
        self.submit(&buffers, rounds, None);
        self.wait();
        start.elapsed()
    }
}

fn layout_entry(binding: u32) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: false },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}
