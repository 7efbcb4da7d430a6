// Real-to-complex transform along y of a block's rows; twin of stages/blur/rows_forward.rs.
//
// A row of 2 POINTS samples is transformed as POINTS complex numbers, its even samples in the real
// parts and its odd ones in the imaginary parts, and then taken apart. POINTS, LINES, `line` and
// `transform`, which loads and saves, are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import divide

@group(0) @binding(1) var<storage, read> emission: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

// Sample n of a block's row: its own voxels, those behind them and, since the transform is
// periodic, those before them at the end; beyond the tissue its reflection.
fn sample(row: u32, n: u32) -> f32 {
    let y = i32(fourier[params.source_at + n].x);
    return select(0.0, emission[row * params.size_y + u32(max(y, 0))], y >= 0);
}

// The workgroup's first row.
var<private> first: u32;

fn load(l: u32, n: u32) -> vec2<f32> {
    var row = first + l;
    if row >= params.slices * params.rows {
        return vec2<f32>(0.0);
    }
    if params.rows != params.size_x {
        let place = divide(row, params.rows);
        row = place.x * params.size_x + params.first_x + place.y;
    }
    return vec2<f32>(sample(row, 2u * n), sample(row, 2u * n + 1u));
}

fn save(l: u32, at: u32, k: u32, value: vec2<f32>) {
    line[l * POINTS + at] = value;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    first = linear_workgroup(group, groups) * LINES;
    transform(local);
    workgroupBarrier();
    // Frequencies k and POINTS - k come from the same two points.
    let pairs = POINTS / 2u + 1u;
    for (var t = local; t < LINES * pairs; t += THREADS) {
        let row = first + t / pairs;
        let k = t % pairs;
        if row < params.slices * params.rows {
            let base = (t / pairs) * POINTS;
            let a = line[base + u32(fourier[params.order_at + k % POINTS].x)];
            let b = conjugate(line[base + u32(fourier[params.order_at + (POINTS - k) % POINTS].x)]);
            let odd = times_i(product(fourier[params.split_at + k], a - b));
            let at = row * (POINTS + 1u);
            rows[at + k] = 0.5 * (a + b - odd);
            rows[at + POINTS - k] = conjugate(0.5 * (a + b + odd));
        }
    }
}
