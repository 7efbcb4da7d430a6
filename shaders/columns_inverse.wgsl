// Complex transform back along x, cropped to the volume; twin of stages/blur/columns_inverse.rs.
// The inverse is the forward transform with real and imaginary parts exchanged before and after.
// POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch

struct ColumnsInverseParams {
    size_x: u32,
    length_x: u32,
    blocks: u32,
    slices: u32,
    order_at: u32,
}

@group(0) @binding(0) var<uniform> params: ColumnsInverseParams;
@group(0) @binding(1) var<storage, read> filtered: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = linear_workgroup(group, groups) * LINES;
    let columns = params.blocks * 8u;
    let slice = first / columns;
    let column = first % columns;
    let block = column / 8u;
    let inside = slice < params.slices;
    if inside {
        let base = (block * params.slices + slice) * POINTS * 8u + column % 8u;
        for (var t = local; t < LINES * POINTS; t += 256u) {
            line[t] = filtered[base + (t / LINES) * 8u + t % LINES].yx;
        }
    }
    workgroupBarrier();
    transform(local);
    if inside {
        let base = (slice * params.blocks + block) * params.size_x * 8u + column % 8u;
        for (var t = local; t < LINES * params.size_x; t += 256u) {
            let x = t / LINES;
            let c = t % LINES;
            let at = u32(fourier[params.order_at + x].x);
            rows[base + x * 8u + c] = line[at * LINES + c].yx;
        }
    }
}
