// Photons that leave a voxel: proteins times photons per protein (docs/model.md section 4); twin of stages/emit.rs.
#import dispatch
#import philox
#import table

struct EmitParams {
    size_x: u32,
    size_y: u32,
    origin_z: u32,
    origin_x: u32,
    origin_y: u32,
    first_z: u32,
    slices: u32,
    counts_ring: u32,
    photons_at: u32,
    photons_len: u32,
    key_0: u32,
    key_1: u32,
}

@group(0) @binding(0) var<uniform> params: EmitParams;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read_write> emission: array<f32>;

// The number rounded to f32, half to even: both halves are exact, their sum is rounded once. WGSL leaves the
// rounding of a conversion to the device.
fn rounded(number: u32) -> f32 {
    return f32(number >> 16u) * 65536.0 + f32(number & 0xffffu);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let plane = params.size_x * params.size_y;
    if thread >= params.slices * plane {
        return;
    }
    let z = params.first_z + thread / plane;
    let within = thread % plane;
    let count = counts[(z % params.counts_ring) * plane + within];
    var photons = 0u;
    if count != 0u {
        let counter = vec4<u32>(
            params.origin_z + z,
            params.origin_x + within / params.size_y,
            params.origin_y + within % params.size_y,
            0u,
        );
        let words = philox(counter, vec2<u32>(params.key_0, params.key_1));
        photons = draw(params.photons_at, params.photons_len, words.x);
    }
    emission[thread] = rounded(count) * rounded(photons);
}
