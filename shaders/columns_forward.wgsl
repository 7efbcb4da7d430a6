// Complex transform along x of a block's columns; twin of stages/blur/columns_forward.rs.
// POINTS, LINES, `line` and `transform` are generated for the length (fft/shader.rs).
#import complex
#import dispatch
#import divide

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
        spectra[to_at + k * BLOCK + l] = value;
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = linear_workgroup(group, groups) * LINES;
    let place = divide(first, params.blocks * BLOCK);
    let slice = place.x;
    let column = place.y;
    inside = slice < params.slices;
    lines = select(0u, params.frequencies - min(column, params.frequencies), inside);
    from_at = slice * params.size_x * params.frequencies + column;
    let slot = divide(params.first_z + slice, params.spectra_ring).y;
    to_at = (slot * params.blocks + column / BLOCK) * POINTS * BLOCK + column % BLOCK;
    transform(local);
}
