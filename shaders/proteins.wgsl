// Proteins of a layer with densities of their own, or that lie apart (docs/model.md section 2.1);
// twin of stages/proteins.rs.
#import divide
#import philox
#import table

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> regions: array<u32>;
@group(0) @binding(3) var<storage, read> cells: array<u32>;
@group(0) @binding(4) var<storage, read> selection: array<u32>;
@group(0) @binding(5) var<storage, read> tables: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;

// As in scatter: a workgroup collects its sites (row of the thread, thread) and shares them out.
var<workgroup> sites: array<u32, THREADS * ROWS>;
var<workgroup> site_count: atomic<u32>;

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) thread: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    if local == 0u {
        atomicStore(&site_count, 0u);
    }
    workgroupBarrier();
    let first_x = (group.y * THREADS_X + thread.y) * ROWS;
    let y = group.x * THREADS_Y + thread.x;
    let labels_at = labels_row(params.first_z + group.z);
    for (var row = 0u; row < ROWS; row++) {
        let x = first_x + row;
        if x < params.size_x && y < params.size_y && may_hold(group.z, labels_at, x, y) {
            sites[atomicAdd(&site_count, 1u)] = row * THREADS + local;
        }
    }
    workgroupBarrier();
    let count = atomicLoad(&site_count);
    for (var n = local; n < count; n += THREADS) {
        let row = sites[n] / THREADS;
        let collector = sites[n] % THREADS;
        let x = (group.y * THREADS_X + collector / THREADS_Y) * ROWS + row;
        fill(group.z, labels_at, x, group.x * THREADS_Y + collector % THREADS_Y);
    }
}

// Where the rows of a slice start in the ring of labels.
fn labels_row(z: u32) -> u32 {
    return divide(z, params.labels_ring).y * params.size_x;
}

fn regions_of(slice: u32, x: u32, y: u32) -> u32 {
    return regions[(slice * params.size_x + x) * params.size_y + y];
}

fn may_hold(slice: u32, labels_at: u32, x: u32, y: u32) -> bool {
    if params.region == 0u {
        return true;
    }
    let cell = labels[(labels_at + x) * params.size_y + y];
    let labelled = (selection[params.selection_at + cell / 32u] >> (cell % 32u)) & 1u;
    return (regions_of(slice, x, y) & params.region) != 0u && labelled != 0u;
}

// Whether the voxel a step of 0 to 2, less 1, away is of another cell; beyond the volume its
// outermost voxels go on.
fn is_other(at: vec3<u32>, step: vec3<u32>, cell: u32) -> bool {
    let size = vec3<u32>(params.depth, params.size_x, params.size_y);
    let near = min(max(at + step, vec3<u32>(1u)) - 1u, size - 1u);
    return labels[(labels_row(near.x) + near.y) * params.size_y + near.z] != cell;
}

fn along(faces: u32, before: u32, behind: u32) -> u32 {
    if faces == 2u {
        return SIDE;
    }
    return max(before, behind) - min(before, behind);
}

// The class of the area of membrane between a voxel of a cell and its neighbours.
fn area(z: u32, x: u32, y: u32, cell: u32) -> u32 {
    let at = vec3<u32>(z, x, y);
    var faces = vec3<u32>(0u);
    faces.x = u32(is_other(at, vec3<u32>(0u, 1u, 1u), cell)) + u32(is_other(at, vec3<u32>(2u, 1u, 1u), cell));
    faces.y = u32(is_other(at, vec3<u32>(1u, 0u, 1u), cell)) + u32(is_other(at, vec3<u32>(1u, 2u, 1u), cell));
    faces.z = u32(is_other(at, vec3<u32>(1u, 1u, 0u), cell)) + u32(is_other(at, vec3<u32>(1u, 1u, 2u), cell));
    if all(faces == vec3<u32>(0u)) {
        return 0u;
    }
    var before = vec3<u32>(0u);
    var behind = vec3<u32>(0u);
    for (var step_z = 0u; step_z < 3u; step_z++) {
        for (var step_x = 0u; step_x < 3u; step_x++) {
            for (var step_y = 0u; step_y < 3u; step_y++) {
                let step = vec3<u32>(step_z, step_x, step_y);
                if is_other(at, step, cell) {
                    let away = vec3<u32>(step != vec3<u32>(1u));
                    let counts = 5u - away.x - away.y - away.z;
                    before += counts * vec3<u32>(step == vec3<u32>(0u));
                    behind += counts * vec3<u32>(step == vec3<u32>(2u));
                }
            }
        }
    }
    let along_z = along(faces.x, before.x, behind.x);
    let along_x = along(faces.y, before.y, behind.y);
    let along_y = along(faces.z, before.z, behind.z);
    let normal = (along_z * (SIDE + 1u) + along_x) * (SIDE + 1u) + along_y;
    let areas = tables[params.weights_at + normal];
    let mask = (1u << FACE_BITS) - 1u;
    let sum = faces.x * (areas & mask)
        + faces.y * ((areas >> FACE_BITS) & mask)
        + faces.z * ((areas >> (2u * FACE_BITS)) & mask);
    return (sum + (1u << (AREA_SHIFT - 1u))) >> AREA_SHIFT;
}

// Proteins of a site.
fn fill(slice: u32, labels_at: u32, x: u32, y: u32) {
    let z = params.first_z + slice;
    let cell = labels[(labels_at + x) * params.size_y + y];
    var density = 0u;
    if params.by == BY_AREA {
        density = area(z, x, y, cell);
    }
    if params.by == BY_REGION {
        let bits = regions_of(slice, x, y);
        while density < params.densities {
            let named = tables[params.densities_at + 3u * density * params.levels];
            if (named & bits) != 0u || (named | bits) == 0u {
                break;
            }
            density++;
        }
        if density == params.densities {
            return;
        }
    }
    var level = 0u;
    if params.levels != 1u {
        level = (selection[params.levels_at + cell / 4u] >> (8u * (cell % 4u))) & 255u;
    }
    let entry = params.densities_at + 3u * (density * params.levels + level);
    let counter = vec4<u32>(
        params.origin_z + z,
        params.origin_x + x,
        params.origin_y + y,
        cells[cell],
    );
    let words = philox(counter, params.proteins, true);
    let count = draw(vec2<u32>(tables[entry + 1u], tables[entry + 2u]), words.x, true);
    if count == 0u {
        return;
    }
    var place = vec3<i32>(i32(z), i32(x), i32(y));
    if draw(params.displaced, words.y, true) != 0u {
        let moves = philox(counter, params.displacement, true);
        place += vec3<i32>(
            bitcast<i32>(draw(params.moved_z, moves.x, true)),
            bitcast<i32>(draw(params.moved_x, moves.y, true)),
            bitcast<i32>(draw(params.moved_y, moves.z, true)),
        );
    }
    if params.apart == 0u {
        add(place, count * params.amplification);
        return;
    }
    var number = 0u;
    for (var cluster = 0u; cluster < count; cluster++) {
        var proteins = 1u;
        if params.apart != 1u {
            let lot = philox(counter, numbered(params.cluster, cluster), true);
            proteins = draw(params.members, lot.x, true);
        }
        for (var protein = 0u; protein < proteins; protein++) {
            let moves = philox(counter, numbered(params.linkage, number), true);
            let moved = vec3<i32>(
                bitcast<i32>(draw(params.linked_z, moves.x, true)),
                bitcast<i32>(draw(params.linked_x, moves.y, true)),
                bitcast<i32>(draw(params.linked_y, moves.z, true)),
            );
            add(place + moved, params.amplification);
            number++;
        }
    }
}

// The stream of one of several things of a site, twin of StreamKey::numbered.
fn numbered(key: vec2<u32>, number: u32) -> vec2<u32> {
    return vec2<u32>(key.x + 0x9e3779b9u * number, key.y);
}

fn add(place: vec3<i32>, count: u32) {
    if any(place < vec3<i32>(0))
        || any(place >= vec3<i32>(i32(params.depth), i32(params.size_x), i32(params.size_y))) {
        return;
    }
    let slot = divide(u32(place.x), params.counts_ring).y;
    let at = (slot * params.size_x + u32(place.y)) * params.size_y + u32(place.z);
    let before = atomicAdd(&counts[at], count);
    if before + count < before {
        atomicOr(&status[0], COUNTS_OVERFLOW);
    }
}
