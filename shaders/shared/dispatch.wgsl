// The linear number of a workgroup: large dispatches come folded into two dimensions.
fn linear_workgroup(id: vec3<u32>, count: vec3<u32>) -> u32 {
    return id.y * count.x + id.x;
}

// The linear number of a thread.
fn linear_thread(id: vec3<u32>, count: vec3<u32>, local: u32) -> u32 {
    return linear_workgroup(id, count) * THREADS + local;
}
