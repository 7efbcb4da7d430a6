// Complex transform back along x, cropped to the block; twin of stages/blur/columns_inverse.rs.
// The inverse is the forward transform with real and imaginary parts exchanged before and after.
// POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import divide

@group(0) @binding(1) var<storage, read> filtered: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

// Where the lines of this workgroup come from, where they go, and whether there are any.
var<private> from_at: u32;
var<private> to_at: u32;
var<private> inside: bool;

fn load(l: u32, k: u32) -> vec2<f32> {
    if !inside {
        return vec2<f32>(0.0);
    }
    return filtered[from_at + k * BLOCK + l].yx;
}

fn save(l: u32, at: u32, x: u32, value: vec2<f32>) {
    if inside && x < params.size_x {
        rows[to_at + x * BLOCK + l] = value.yx;
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = linear_workgroup(group, groups) * LINES;
    let place = divide(first, params.blocks * BLOCK);
    let slice = place.x;
    let block = place.y / BLOCK;
    inside = slice < params.slices;
    from_at = (block * params.slices + slice) * POINTS * BLOCK + first % BLOCK;
    to_at = (slice * params.blocks + block) * params.size_x * BLOCK + first % BLOCK;
    transform(local);
}
