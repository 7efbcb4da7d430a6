// First of two passes of the transform back along y of rows that exceed the memory of a workgroup; twin of
// stages/blur/long_rows/inverse.rs. The inverse is the forward transform with real and imaginary parts
// exchanged before and after; see long_rows_load.wgsl for the passes.
#import complex
#import dispatch
#import long_rows_write

@group(0) @binding(1) var<storage, read> rows: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> lines: array<vec2<f32>>;

// The spectrum of a real row: its upper half mirrors the lower one.
fn frequency(k: u32) -> vec2<f32> {
    let mirrored = 2u * k > params.length;
    let at = select(k, params.length - k, mirrored);
    let block = (row / params.size_x) * params.blocks + at / BLOCK;
    let value = rows[(block * params.size_x + row % params.size_x) * BLOCK + at % BLOCK];
    return select(value, conjugate(value), mirrored);
}

fn row_count() -> u32 {
    return params.slices * params.size_x;
}

fn load(l: u32, k: u32) -> vec2<f32> {
    let n = offset + l;
    if row >= row_count() || n >= params.second {
        return vec2<f32>(0.0);
    }
    return frequency(k * params.second + n).yx;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    find_lines(linear_workgroup(group, groups));
    transform(local);
}
