// Which regions of its cell a voxel belongs to (docs/model.md section 1); twin of stages/regions.rs.

struct RegionsParams {
    size_x: u32,
    size_y: u32,
    depth: u32,
    isotropic: u32,
    first_z: u32,
    slices: u32,
    ring: u32,
    annotated: u32,
}

@group(0) @binding(0) var<uniform> params: RegionsParams;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> annotations: array<u32>;
@group(0) @binding(3) var<storage, read_write> regions: array<u32>;

const MEMBRANE = 1u;
const CYTOSOL = 2u;
const FULL = 4u;

// All neighbours are read at once: to stop at the first that differs would make every read wait for the last.
fn differs(z: u32, x: u32, y: u32, cell: u32) -> bool {
    let row = (z % params.ring) * params.size_x + x;
    let at = row * params.size_y + y;
    let above = at - params.size_y;
    let below = at + params.size_y;
    let differences = (labels[above - 1u] ^ cell) | (labels[above] ^ cell) | (labels[above + 1u] ^ cell)
        | (labels[at - 1u] ^ cell) | (labels[at] ^ cell) | (labels[at + 1u] ^ cell)
        | (labels[below - 1u] ^ cell) | (labels[below] ^ cell) | (labels[below + 1u] ^ cell);
    return differences != 0u;
}

fn is_membrane(z: u32, x: u32, y: u32, cell: u32) -> bool {
    if x == 0u || y == 0u || x + 1u >= params.size_x || y + 1u >= params.size_y {
        return false;
    }
    if params.isotropic == 0u {
        return differs(z, x, y, cell);
    }
    if z == 0u || z + 1u >= params.depth {
        return false;
    }
    // A loop, since software adapters evaluate both sides of a condition.
    for (var slice = z - 1u; slice <= z + 1u; slice++) {
        if differs(slice, x, y, cell) {
            return true;
        }
    }
    return false;
}

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
    let at = (z % params.ring) * plane + within;
    let cell = labels[at];
    if cell == 0u {
        regions[thread] = 0u;
        return;
    }
    var bits = FULL;
    if is_membrane(z, x, y, cell) {
        bits |= MEMBRANE;
    } else {
        bits |= CYTOSOL;
    }
    if params.annotated != 0u {
        bits |= annotations[at];
    }
    regions[thread] = bits;
}
