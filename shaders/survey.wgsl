// Voxels of each cell in one region; twin of stages/survey.rs.
#import dispatch

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> regions: array<u32>;
@group(0) @binding(3) var<storage, read_write> voxels: array<atomic<u32>>;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    if thread >= params.slices * params.plane {
        return;
    }
    if (regions[thread] & params.region) == 0u {
        return;
    }
    let within = thread % params.plane;
    let x = within / params.size_y;
    let y = within % params.size_y;
    if x < params.from_x || x >= params.to_x || y < params.from_y || y >= params.to_y {
        return;
    }
    let z = params.first_z + thread / params.plane;
    let cell = labels[(z % params.ring) * params.plane + within];
    atomicAdd(&voxels[params.voxels_at + cell], 1u);
}
