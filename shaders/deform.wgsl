// Labels of tissue that has swollen unevenly (docs/model.md section 1.1); twin of stages/deform.rs.
#import divide

@group(0) @binding(1) var<storage, read> nodes: array<i32>;
@group(0) @binding(2) var<storage, read> from_labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> to_labels: array<u32>;

fn node(z: u32, x: u32, y: u32) -> vec3<i32> {
    let at = 3u * ((z * params.nodes_x + x) * params.nodes_y + y);
    return vec3<i32>(nodes[at], nodes[at + 1u], nodes[at + 2u]);
}

fn between(a: vec3<i32>, b: vec3<i32>, voxel: u32, bits: u32) -> vec3<i32> {
    let rest = i32(voxel & ((1u << bits) - 1u));
    return a + (((b - a) * rest) >> vec3<u32>(bits));
}

// The displacement at a voxel of the source, in whole voxels.
fn displacement(voxel: vec3<u32>) -> vec3<i32> {
    let z = (voxel.x >> params.bits_z) - params.node_z;
    let x = (voxel.y >> params.bits_x) - params.node_x;
    let y = (voxel.z >> params.bits_y) - params.node_y;
    var planes: array<vec3<i32>, 2>;
    for (var near_z = 0u; near_z < 2u; near_z++) {
        let a = between(node(z + near_z, x, y), node(z + near_z, x, y + 1u), voxel.z, params.bits_y);
        let b = between(
            node(z + near_z, x + 1u, y),
            node(z + near_z, x + 1u, y + 1u),
            voxel.z,
            params.bits_y,
        );
        planes[near_z] = between(a, b, voxel.y, params.bits_x);
    }
    let exact = between(planes[0], planes[1], voxel.x, params.bits_z);
    let half = 1 << (DISPLACEMENT_BITS - 1u);
    return (exact + half) >> vec3<u32>(DISPLACEMENT_BITS);
}

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    let x = voxel.y;
    let y = voxel.x;
    if voxel.z >= params.slices || x >= params.size_x || y >= params.size_y {
        return;
    }
    let z = params.first_z + voxel.z;
    let source = vec3<u32>(params.origin_z + z, params.origin_x + x, params.origin_y + y);
    let place = vec3<i32>(i32(z), i32(x), i32(y)) - displacement(source);
    let size = vec3<i32>(i32(params.depth), i32(params.size_x), i32(params.size_y));
    var label = 0u;
    if all(place >= vec3<i32>(0)) && all(place < size) {
        let slot = divide(u32(place.x), params.from_ring).y;
        label = from_labels[(slot * params.size_x + u32(place.y)) * params.size_y + u32(place.z)];
    }
    let slot = divide(z, params.to_ring).y;
    to_labels[(slot * params.size_x + x) * params.size_y + y] = label;
}
