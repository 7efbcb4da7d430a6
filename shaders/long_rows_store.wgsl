// Second of two passes of the transform back along y of long rows, cropped, rounded, with the baseline added;
// twin of stages/blur/long_rows/inverse.rs. See long_rows_forward.wgsl for the order of the results.
#import complex
#import dispatch
#import divide
#import long_rows_read
#import philox
#import photons
#import table

@group(0) @binding(1) var<storage, read> lines: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> tables: array<u32>;
@group(0) @binding(4) var<storage, read> profile: array<f32>;
@group(0) @binding(5) var<storage, read_write> blurred: array<u32>;
@group(0) @binding(6) var<storage, read_write> status: array<atomic<u32>>;

fn save(l: u32, at: u32, n: u32, value: vec2<f32>) {
    line[l * POINTS + at] = value;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = params.length / POINTS;
    first_line = linear_workgroup(group, groups) * LINES;
    line_count = params.slices * params.size_x * first;
    transform(local);
    workgroupBarrier();
    for (var t = local; t < LINES * POINTS; t += THREADS) {
        let number = first_line + t / POINTS;
        if number < line_count {
            let at = u32(fourier[params.order_at + t % POINTS].x);
            let value = line[(t / POINTS) * POINTS + at].y;
            store(number / first, number % first + first * (t % POINTS), value);
        }
    }
}
