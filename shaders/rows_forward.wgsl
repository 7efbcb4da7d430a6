// Real-to-complex transform along y of the reflected and padded rows; twin of stages/blur/rows_forward.rs.
//
// A row of 2 POINTS samples is transformed as POINTS complex numbers, its even samples in the real
// parts and its odd ones in the imaginary parts, and then taken apart. POINTS, LINES, `line` and
// `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch

struct RowsForwardParams {
    size_y: u32,
    rows: u32,
    radius: u32,
    split_at: u32,
    order_at: u32,
    source_at: u32,
}

@group(0) @binding(0) var<uniform> params: RowsForwardParams;
@group(0) @binding(1) var<storage, read> emission: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

// Sample n of the padded row: the row itself, its reflection behind it and, since the transform is
// periodic, the reflection before it at the end.
fn sample(row: u32, n: u32) -> f32 {
    let y = i32(fourier[params.source_at + n].x);
    return select(0.0, emission[row * params.size_y + u32(max(y, 0))], y >= 0);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = linear_workgroup(group, groups) * LINES;
    for (var t = local; t < LINES * POINTS; t += 256u) {
        let row = first + t / POINTS;
        let n = t % POINTS;
        if row < params.rows {
            line[t] = vec2<f32>(sample(row, 2u * n), sample(row, 2u * n + 1u));
        }
    }
    workgroupBarrier();
    transform(local);
    for (var t = local; t < LINES * (POINTS + 1u); t += 256u) {
        let row = first + t / (POINTS + 1u);
        let k = t % (POINTS + 1u);
        if row < params.rows {
            let base = (t / (POINTS + 1u)) * POINTS;
            let a = line[base + u32(fourier[params.order_at + k % POINTS].x)];
            let b = conjugate(line[base + u32(fourier[params.order_at + (POINTS - k) % POINTS].x)]);
            let odd = product(fourier[params.split_at + k], a - b);
            rows[row * (POINTS + 1u) + k] = 0.5 * (a + b - times_i(odd));
        }
    }
}
