// Pixels as 8-bit grey values, four to a word (docs/model.md section 7); twin of stages/normalise.rs.
#import dispatch

struct NormaliseParams {
    pixels: u32,
    thresholds_at: u32,
}

@group(0) @binding(0) var<uniform> params: NormaliseParams;
@group(0) @binding(1) var<storage, read> image: array<u32>;
@group(0) @binding(2) var<storage, read> thresholds: array<u32>;
@group(0) @binding(3) var<storage, read_write> grey: array<u32>;

// The number of thresholds that the value reaches.
fn grey_of(value: u32) -> u32 {
    var low = 0u;
    var high = 255u;
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

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let first = thread * 4u;
    if first >= params.pixels {
        return;
    }
    var word = 0u;
    for (var i = 0u; i < min(4u, params.pixels - first); i++) {
        word |= grey_of(image[first + i]) << (8u * i);
    }
    grey[thread] = word;
}
