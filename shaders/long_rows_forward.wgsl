// Second of two passes of the transform along y of long rows; twin of stages/blur/long_rows/forward.rs.
// A workgroup transforms LINES lines of POINTS neighbouring points; frequency k1 + first k2 comes from
// line k1. POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import long_rows_read

@group(0) @binding(1) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

fn save(l: u32, at: u32, k2: u32, value: vec2<f32>) {
    let number = first_line + l;
    let first = params.length / POINTS;
    let k = number % first + first * k2;
    if number < line_count && k < params.frequencies {
        rows[number / first * params.frequencies + k] = value;
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    first_line = linear_workgroup(group, groups) * LINES;
    line_count = params.rows * (params.length / POINTS);
    transform(local);
}
