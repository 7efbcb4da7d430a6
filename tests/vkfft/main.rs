//! vkfft-rs as an engine for the transforms of slices: what keeps it from being one. The tests that
//! are expected to fail show the smallest cases; when a later release passes one of them, the test
//! suite says so.

mod lines;

use lines::{Lines, device};
use rustfft::num_complex::Complex32;
use simexm_gpu::internals::engine::rng::philox4x32_10;
use vkfft_rs::backend::vulkan::{VulkanGlslBackend, VulkanShaderSource};
use vkfft_rs::{
    Backend, DeviceProfile, Direction, FftConfig, GpuVendor, TransformIr, TransformKind,
};

/// The passes of a transform over tensors of these dimensions, one of them in a batch.
fn passes(dimensions: &[usize], kind: TransformKind, vendor: GpuVendor) -> Vec<VulkanShaderSource> {
    let config = FftConfig::new(dimensions.to_vec()).with_transform(kind);
    let profile = DeviceProfile::generic(Backend::Vulkan, vendor);
    let transform = TransformIr::build(config, Direction::Forward, profile).unwrap();
    VulkanGlslBackend.lower_transform(&transform).unwrap()
}

/// Real lines of two points on an adapter whose vendor the planner does not know (lavapipe,
/// Apple's, Qualcomm's).
#[test]
#[should_panic(expected = "Unknown variable: vkfft_batch_active")]
fn real_lines_compile_whatever_the_vendor() {
    let unknown = GpuVendor::Other(0x1_0005);
    for pass in passes(&[2], TransformKind::RealToComplex, unknown) {
        pass.compile_spirv().unwrap();
    }
}

/// Ours: one pass for a line, two for a slice, and padding, reflection, cropping and rounding
/// happen in them. A pass more reads and writes everything once more, and the passes are bound by
/// memory.
#[test]
#[should_panic(expected = "2 passes for a real line of two points")]
fn a_real_line_takes_one_pass() {
    let count = passes(&[2], TransformKind::RealToComplex, GpuVendor::Nvidia).len();
    assert!(count <= 1, "{count} passes for a real line of two points");
}

/// As above: each axis is gathered, transformed and scattered, each by a pass of its own.
#[test]
#[should_panic(expected = "5 passes for a real slice of 2 x 2")]
fn a_real_slice_takes_two_passes() {
    let count = passes(&[2, 2], TransformKind::RealToComplex, GpuVendor::Nvidia).len();
    assert!(count <= 2, "{count} passes for a real slice of 2 x 2");
}

/// What does serve: complex lines, one pass, on the buffers and the device of wgpu.
#[test]
fn complex_lines_agree_with_ours() {
    let Some((device, queue)) = device() else {
        return;
    };
    // Longer ones agree too, but lavapipe takes minutes to compile their shaders.
    for length in [2, 3, 16, 35, 96] {
        let count = 7;
        let values: Vec<Complex32> = (0..(length * count) as u32)
            .map(|at| {
                let words = philox4x32_10([at, length as u32, 0, 0], [3, 1]);
                Complex32::new(words[0] as f32 / 4e9 - 0.5, words[1] as f32 / 4e9 - 0.5)
            })
            .collect();
        let lines = Lines::new(&device, &queue, length, count).unwrap();
        let found = lines.transform(&values);
        let mut expected = values;
        let plan = rustfft::FftPlanner::new().plan_fft_forward(length);
        plan.process(&mut expected);
        let error: f32 = std::iter::zip(&found, &expected)
            .map(|(a, b)| (a - b).norm_sqr())
            .sum();
        let norm: f32 = expected.iter().map(|value| value.norm_sqr()).sum();
        assert!(
            (error / norm).sqrt() < 1e-6,
            "{length} points: {}",
            (error / norm).sqrt()
        );
    }
}
