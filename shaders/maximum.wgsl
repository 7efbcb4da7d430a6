// The brightest pixel so far; twin of stages/maximum.rs.
#import dispatch

@group(0) @binding(1) var<storage, read> image: array<u32>;
@group(0) @binding(2) var<storage, read_write> maximum: array<atomic<u32>>;

var<workgroup> brightest: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    if local == 0u {
        atomicStore(&brightest, 0u);
    }
    workgroupBarrier();
    let thread = linear_thread(group, groups, local);
    if thread < params.pixels {
        atomicMax(&brightest, image[thread]);
    }
    workgroupBarrier();
    if local == 0u {
        atomicMax(&maximum[params.maximum_at], atomicLoad(&brightest));
    }
}
