// Complex transform along x of the reflected and padded columns; twin of stages/blur/columns_forward.rs.
// POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch

struct ColumnsForwardParams {
    size_x: u32,
    frequencies: u32,
    blocks: u32,
    first_z: u32,
    slices: u32,
    spectra_ring: u32,
    radius: u32,
    order_at: u32,
    source_at: u32,
}

@group(0) @binding(0) var<uniform> params: ColumnsForwardParams;
@group(0) @binding(1) var<storage, read> rows: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> spectra: array<vec2<f32>>;

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
    let inside = slice < params.slices;
    for (var t = local; t < LINES * POINTS; t += 256u) {
        let n = t / LINES;
        let frequency = column + t % LINES;
        let x = i32(fourier[params.source_at + n].x);
        var value = vec2<f32>(0.0);
        if inside && frequency < params.frequencies && x >= 0 {
            value = rows[(slice * params.size_x + u32(x)) * params.frequencies + frequency];
        }
        line[t] = value;
    }
    workgroupBarrier();
    transform(local);
    if inside {
        let slot = (params.first_z + slice) % params.spectra_ring;
        let base = (slot * params.blocks + column / 8u) * POINTS * 8u + column % 8u;
        for (var t = local; t < LINES * POINTS; t += 256u) {
            let k = t / LINES;
            let c = t % LINES;
            let at = u32(fourier[params.order_at + k].x);
            spectra[base + k * 8u + c] = line[at * LINES + c];
        }
    }
}
