// Complex transform along x of the reflected and padded columns; twin of stages/blur/columns_forward.rs.
// POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import divide

struct ColumnsForwardParams {
    size_x: u32,
    frequencies: u32,
    blocks: u32,
    first_z: u32,
    slices: u32,
    spectra_ring: u32,
    radius: u32,
    source_at: u32,
}

@group(0) @binding(0) var<uniform> params: ColumnsForwardParams;
@group(0) @binding(1) var<storage, read> rows: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> spectra: array<vec2<f32>>;

// Where the lines of this workgroup come from, where they go, how many hold a frequency,
// and whether there are any.
var<private> from_at: u32;
var<private> to_at: u32;
var<private> lines: u32;
var<private> inside: bool;

fn load(l: u32, n: u32) -> vec2<f32> {
    let x = i32(fourier[params.source_at + n].x);
    if l >= lines || x < 0 {
        return vec2<f32>(0.0);
    }
    return rows[from_at + u32(x) * params.frequencies + l];
}

fn save(l: u32, at: u32, k: u32, value: vec2<f32>) {
    if inside {
        spectra[to_at + k * 8u + l] = value;
    }
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = linear_workgroup(group, groups) * LINES;
    let place = divide(first, params.blocks * 8u);
    let slice = place.x;
    let column = place.y;
    inside = slice < params.slices;
    lines = select(0u, params.frequencies - min(column, params.frequencies), inside);
    from_at = slice * params.size_x * params.frequencies + column;
    let slot = divide(params.first_z + slice, params.spectra_ring).y;
    to_at = (slot * params.blocks + column / 8u) * POINTS * 8u + column % 8u;
    transform(local);
}
