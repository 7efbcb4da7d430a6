// First of two passes of the transform along y of rows that exceed the memory of a workgroup; twin of
// stages/blur/long_rows/forward.rs. Point n of the reflected and padded row is n1 second + n2: a workgroup
// transforms over n1 for LINES neighbouring n2. POINTS, LINES, `line` and `transform` are generated for
// the length (fft/shader.rs).
#import complex
#import dispatch
#import long_rows_write

@group(0) @binding(1) var<storage, read> emission: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> lines: array<vec2<f32>>;

fn row_count() -> u32 {
    return params.rows;
}

fn load(l: u32, k: u32) -> vec2<f32> {
    let n = offset + l;
    if row >= params.rows || n >= params.second {
        return vec2<f32>(0.0);
    }
    let y = i32(fourier[params.source_at + k * params.second + n].x);
    let value = select(0.0, emission[row * params.size_y + u32(max(y, 0))], y >= 0);
    return vec2<f32>(value, 0.0);
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
