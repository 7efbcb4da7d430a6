// Proteins of one labelling layer (docs/model.md section 2); twin of stages/scatter.rs.
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

// Sites are few. A workgroup collects its own first (row of the thread, thread), so that its
// threads share them out: software adapters evaluate what a condition excludes, and others wait for
// the slowest of neighbours.
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
    let labels_at = labels_row(group.z);
    for (var row = 0u; row < ROWS; row++) {
        let x = first_x + row;
        if x < params.size_x && y < params.size_y && is_site(group.z, labels_at, x, y) {
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

// Where the rows of a slice of the slab start in the ring of labels.
fn labels_row(slice: u32) -> u32 {
    return divide(params.first_z + slice, params.labels_ring).y * params.size_x;
}

fn is_site(slice: u32, labels_at: u32, x: u32, y: u32) -> bool {
    let cell = labels[(labels_at + x) * params.size_y + y];
    let labelled = (selection[params.selection_at + cell / 32u] >> (cell % 32u)) & 1u;
    let region = regions[(slice * params.size_x + x) * params.size_y + y];
    return (region & params.region) != 0u && labelled != 0u;
}

// Proteins of a site.
fn fill(slice: u32, labels_at: u32, x: u32, y: u32) {
    let z = params.first_z + slice;
    let counter = vec4<u32>(
        params.origin_z + z,
        params.origin_x + x,
        params.origin_y + y,
        cells[labels[(labels_at + x) * params.size_y + y]],
    );
    let words = philox(counter, params.proteins, true);
    let count = draw(params.count, words.x, true);
    if count == 0u {
        return;
    }
    let leaves = draw(params.displaced, words.y, true) != 0u;
    let moves = philox(counter, params.displacement, leaves);
    let moved = vec3<i32>(
        bitcast<i32>(draw(params.moved_z, moves.x, leaves)),
        bitcast<i32>(draw(params.moved_x, moves.y, leaves)),
        bitcast<i32>(draw(params.moved_y, moves.z, leaves)),
    );
    let place = vec3<i32>(i32(z), i32(x), i32(y)) + select(vec3<i32>(0), moved, leaves);
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
