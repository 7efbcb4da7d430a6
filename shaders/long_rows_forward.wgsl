// Second of two passes of the transform along y of long rows; twin of stages/blur/long_rows/forward.rs.
// A workgroup transforms LINES lines of POINTS neighbouring points; frequency k1 + first k2 comes from
// line k1. POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import long_rows_read

struct LongRowsForwardParams {
    rows: u32,
    length: u32,
    second: u32,
    frequencies: u32,
    order_at: u32,
}

@group(0) @binding(0) var<uniform> params: LongRowsForwardParams;
@group(0) @binding(1) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = params.length / POINTS;
    let count = params.rows * first;
    let first_line = linear_workgroup(group, groups) * LINES;
    read_lines(first_line, count, local);
    workgroupBarrier();
    transform(local);
    for (var t = local; t < LINES * POINTS; t += 256u) {
        let number = first_line + t / POINTS;
        let k = number % first + first * (t % POINTS);
        if number < count && k < params.frequencies {
            let at = u32(fourier[params.order_at + t % POINTS].x);
            rows[(number / first) * params.frequencies + k] = line[(t / POINTS) * POINTS + at];
        }
    }
}
