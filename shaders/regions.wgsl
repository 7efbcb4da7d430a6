// Which regions of its cell a voxel belongs to (docs/model.md section 1); twin of
// stages/regions.rs.
#import divide

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> annotations: array<u32>;
@group(0) @binding(3) var<storage, read_write> regions: array<u32>;

// A voxel and its two neighbours along y.
fn triple(z: u32, x: u32, y: u32) -> vec3<u32> {
    let at = (divide(z, params.ring).y * params.size_x + min(x, params.size_x - 1u)) * params.size_y + y;
    return vec3<u32>(labels[at - 1u], labels[at], labels[at + 1u]);
}

// Not 0 where one of them is of another cell.
fn other(triple: vec3<u32>, cell: u32) -> u32 {
    return (triple.x ^ cell) | (triple.y ^ cell) | (triple.z ^ cell);
}

// For each of these voxels, one row below the other from x on, whether a neighbour is of another
// cell. A thread takes ROWS voxels, and reads each row once for them all.
fn membrane(z: u32, x: u32, y: u32, cells: vec4<u32>) -> vec4<bool> {
    var first = z;
    var end = z + 1u;
    if params.isotropic != 0u {
        first = z - min(z, 1u);
        end = select(first, z + 2u, z > 0u && z + 1u < params.depth);
    }
    if y == 0u || y + 1u >= params.size_y {
        return vec4<bool>(false);
    }
    var others = vec4<u32>(0u);
    for (var slice = first; slice < end; slice++) {
        let a = triple(slice, x - min(x, 1u), y);
        let b = triple(slice, x, y);
        let c = triple(slice, x + 1u, y);
        let d = triple(slice, x + 2u, y);
        let e = triple(slice, x + 3u, y);
        let f = triple(slice, x + 4u, y);
        others |= vec4<u32>(
            other(a, cells.x) | other(b, cells.x) | other(c, cells.x),
            other(b, cells.y) | other(c, cells.y) | other(d, cells.y),
            other(c, cells.z) | other(d, cells.z) | other(e, cells.z),
            other(d, cells.w) | other(e, cells.w) | other(f, cells.w),
        );
    }
    let rows = x + vec4<u32>(0u, 1u, 2u, 3u);
    let inner = (rows > vec4<u32>(0u)) & (rows + 1u < vec4<u32>(params.size_x));
    return inner & (others != vec4<u32>(0u));
}

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    let slice = voxel.z;
    let first_x = voxel.y * ROWS;
    let y = voxel.x;
    if slice >= params.slices || first_x >= params.size_x || y >= params.size_y {
        return;
    }
    let plane = params.size_x * params.size_y;
    let z = params.first_z + slice;
    let ring_at = divide(z, params.ring).y * plane;
    var cells: vec4<u32>;
    for (var i = 0u; i < ROWS; i++) {
        cells[i] = labels[ring_at + min(first_x + i, params.size_x - 1u) * params.size_y + y];
    }
    let on_membrane = membrane(z, first_x, y, cells);
    for (var i = 0u; i < min(ROWS, params.size_x - first_x); i++) {
        let within = (first_x + i) * params.size_y + y;
        var bits = FULL | select(CYTOSOL, MEMBRANE, on_membrane[i]);
        if params.annotated != 0u {
            bits |= annotations[ring_at + within];
        }
        regions[slice * plane + within] = select(bits, 0u, cells[i] == 0u);
    }
}
