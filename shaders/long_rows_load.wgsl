// First of two passes of the transform along y of rows that exceed the memory of a workgroup; twin of
// stages/blur/long_rows/forward.rs. Point n of the reflected and padded row is n1 second + n2: a workgroup
// transforms over n1 for LINES neighbouring n2. POINTS, LINES, `line` and `transform` are generated for
// the length (fft/shader.rs).
#import complex
#import dispatch
#import long_rows_write

struct LongRowsLoadParams {
    size_y: u32,
    rows: u32,
    length: u32,
    second: u32,
    order_at: u32,
    source_at: u32,
    roots_at: u32,
}

@group(0) @binding(0) var<uniform> params: LongRowsLoadParams;
@group(0) @binding(1) var<storage, read> emission: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> lines: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let groups_per_row = (params.second + LINES - 1u) / LINES;
    let number = linear_workgroup(group, groups);
    let row = number / groups_per_row;
    let offset = (number % groups_per_row) * LINES;
    for (var t = local; t < LINES * POINTS; t += 256u) {
        let n = offset + t % LINES;
        var value = vec2<f32>(0.0);
        if row < params.rows && n < params.second {
            let y = i32(fourier[params.source_at + (t / LINES) * params.second + n].x);
            value.x = select(0.0, emission[row * params.size_y + u32(max(y, 0))], y >= 0);
        }
        line[t] = value;
    }
    workgroupBarrier();
    transform(local);
    if row < params.rows {
        write_lines(row, offset, local);
    }
}
