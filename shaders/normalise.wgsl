// Pixels as grey values of 8 or 16 bits (docs/model.md section 7); twin of stages/normalise.rs.
#import dispatch

@group(0) @binding(1) var<storage, read> image: array<u32>;
@group(0) @binding(2) var<storage, read> thresholds: array<u32>;
@group(0) @binding(3) var<storage, read_write> grey: array<u32>;

// The number of thresholds that the value reaches.
fn grey_of(value: u32) -> u32 {
    var low = 0u;
    // Most pixels of most images are dark: their groups need not search.
    var high = select(params.largest, 0u, value < thresholds[params.thresholds_at]);
    while low < high {
        let middle = (low + high) / 2u;
        if thresholds[params.thresholds_at + middle] <= value {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let first = thread * params.per_word;
    if first >= params.pixels {
        return;
    }
    let bits = 32u / params.per_word;
    var word = 0u;
    for (var i = 0u; i < min(params.per_word, params.pixels - first); i++) {
        word |= grey_of(image[first + i]) << (bits * i);
    }
    grey[thread] = word;
}
