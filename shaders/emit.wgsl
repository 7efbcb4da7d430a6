// Light that leaves a voxel: proteins times photons per protein (docs/model.md section 4), or the
// proteins themselves (docs/physical.md section 1); twin of stages/emit.rs.
#import divide
#import philox
#import table

@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read_write> emission: array<f32>;

// The number rounded to f32, half to even: both halves are exact, their sum is rounded once. WGSL
// leaves the rounding of a conversion to the device.
fn rounded(number: u32) -> f32 {
    return f32(number >> 16u) * 65536.0 + f32(number & 0xffffu);
}

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    let slice = voxel.z;
    let x = voxel.y;
    let y = voxel.x;
    if slice >= params.slices || x >= params.size_x || y >= params.size_y {
        return;
    }
    let plane = params.size_x * params.size_y;
    let within = x * params.size_y + y;
    let thread = slice * plane + within;
    let z = params.first_z + slice;
    let count = counts[divide(z, params.counts_ring).y * plane + within];
    if all(params.photons == vec2<u32>()) {
        emission[thread] = rounded(count);
        return;
    }
    let counter = vec4<u32>(
        params.origin_z + z,
        params.origin_x + x,
        params.origin_y + y,
        0u,
    );
    let words = philox(counter, params.key, count != 0u);
    let photons = draw(params.photons, words.x, count != 0u);
    emission[thread] = rounded(count) * rounded(photons);
}
