// Proteins of one labelling layer (docs/model.md section 2); twin of stages/scatter.rs.
#import philox
#import table

struct ScatterParams {
    size_x: u32,
    size_y: u32,
    depth: u32,
    origin_z: u32,
    origin_x: u32,
    origin_y: u32,
    first_z: u32,
    slices: u32,
    labels_ring: u32,
    counts_ring: u32,
    region: u32,
    selection_at: u32,
    proteins_key_0: u32,
    proteins_key_1: u32,
    displacement_key_0: u32,
    displacement_key_1: u32,
    count_at: u32,
    count_len: u32,
    displaced_at: u32,
    displaced_len: u32,
    z_at: u32,
    z_len: u32,
    x_at: u32,
    x_len: u32,
    y_at: u32,
    y_len: u32,
}

@group(0) @binding(0) var<uniform> params: ScatterParams;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> regions: array<u32>;
@group(0) @binding(3) var<storage, read> cells: array<u32>;
@group(0) @binding(4) var<storage, read> selection: array<u32>;
@group(0) @binding(5) var<storage, read> tables: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;

const COUNTS_OVERFLOW = 1u;

@compute @workgroup_size(64, 4)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    let slice = voxel.z;
    let x = voxel.y;
    let y = voxel.x;
    if slice >= params.slices || x >= params.size_x || y >= params.size_y {
        return;
    }
    let plane = params.size_x * params.size_y;
    let within = x * params.size_y + y;
    let thread = slice * plane + within;
    let z = params.first_z + slice;
    let cell = labels[(z % params.labels_ring) * plane + within];
    let labelled = (selection[params.selection_at + cell / 32u] >> (cell % 32u)) & 1u;
    let site = (regions[thread] & params.region) != 0u && labelled != 0u;
    let counter = vec4<u32>(
        params.origin_z + z,
        params.origin_x + x,
        params.origin_y + y,
        cells[cell],
    );
    let words = philox(counter, vec2<u32>(params.proteins_key_0, params.proteins_key_1), site);
    let count = draw(params.count_at, params.count_len, words.x, site);
    let filled = site && count != 0u;
    let leaves = filled && draw(params.displaced_at, params.displaced_len, words.y, filled) != 0u;
    let moves = philox(
        counter,
        vec2<u32>(params.displacement_key_0, params.displacement_key_1),
        leaves,
    );
    let moved = vec3<i32>(
        bitcast<i32>(draw(params.z_at, params.z_len, moves.x, leaves)),
        bitcast<i32>(draw(params.x_at, params.x_len, moves.y, leaves)),
        bitcast<i32>(draw(params.y_at, params.y_len, moves.z, leaves)),
    );
    let place = vec3<i32>(i32(z), i32(x), i32(y)) + select(vec3<i32>(0), moved, leaves);
    if !filled {
        return;
    }
    if any(place < vec3<i32>(0))
        || any(place >= vec3<i32>(i32(params.depth), i32(params.size_x), i32(params.size_y))) {
        return;
    }
    let slot = u32(place.x) % params.counts_ring;
    let at = slot * plane + u32(place.y) * params.size_y + u32(place.z);
    let before = atomicAdd(&counts[at], count);
    if before + count < before {
        atomicOr(&status[0], COUNTS_OVERFLOW);
    }
}
