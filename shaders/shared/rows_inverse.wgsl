// Complex-to-real transform back along y, cropped. The importing shader has the parameters, the
// bindings `rows` and `fourier`, and `store`, which takes the value of a voxel; it imports complex,
// dispatch and divide. See rows_forward.wgsl for the packing of real samples.

fn frequency(slice: u32, x: u32, k: u32) -> vec2<f32> {
    let block = slice * params.blocks + k / BLOCK;
    return rows[(block * params.size_x + x) * BLOCK + k % BLOCK];
}

// The workgroup's first row.
var<private> first: u32;

fn load(l: u32, k: u32) -> vec2<f32> {
    let row = first + l;
    if row >= params.slices * params.size_x {
        return vec2<f32>(0.0);
    }
    let place = divide(row, params.size_x);
    let a = frequency(place.x, place.y, k);
    let b = conjugate(frequency(place.x, place.y, POINTS - k));
    let odd = product(conjugate(fourier[params.split_at + k]), a - b);
    return (a + b + times_i(odd)).yx;
}

fn save(l: u32, at: u32, n: u32, value: vec2<f32>) {
    line[l * POINTS + at] = value;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    first = linear_workgroup(group, groups) * LINES;
    transform(local);
    workgroupBarrier();
    let count = params.slices * params.size_x;
    for (var t = local; t < LINES * POINTS; t += THREADS) {
        let row = first + t / POINTS;
        let n = t % POINTS;
        if row < count {
            let at = u32(fourier[params.order_at + n].x);
            let pair = line[(t / POINTS) * POINTS + at].yx;
            store(row, 2u * n, pair.x);
            store(row, 2u * n + 1u, pair.y);
        }
    }
}
