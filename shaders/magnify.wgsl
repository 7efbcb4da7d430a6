// Voxels spread over a camera finer than they are (docs/model.md section 7); twin of
// stages/magnify.rs.
#import philox
#import table

@group(0) @binding(1) var<storage, read> blurred: array<u32>;
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read_write> image: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> status: array<atomic<u32>>;

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) voxel: vec3<u32>) {
    let slice = voxel.z;
    let x = voxel.y;
    let y = voxel.x;
    if slice >= params.slices || x >= params.size_x || y >= params.size_y {
        return;
    }
    let plane = params.size_x * params.size_y;
    let within = x * params.size_y + y;
    let thread = slice * plane + within;
    let value = blurred[thread];
    if value == 0u {
        return;
    }
    let counter = vec4<u32>(
        params.origin_z + params.first_z + slice * params.step_z,
        params.origin_x + x,
        params.origin_y + y,
        0u,
    );
    let words = philox(counter, params.key, true);
    var i = x / params.bin_x;
    if params.magnify_x > 1u {
        let jitter = draw(params.jitter_x, words.x, true);
        i = min(params.magnify_x * x + jitter, params.end_x - 1u);
    }
    var j = y / params.bin_y;
    if params.magnify_y > 1u {
        let jitter = draw(params.jitter_y, words.y, true);
        j = min(params.magnify_y * y + jitter, params.end_y - 1u);
    }
    // Behind a part's image it is another part's.
    if i >= params.image_x || j >= params.image_y {
        return;
    }
    let before = atomicAdd(&image[(slice * params.image_x + i) * params.image_y + j], value);
    if before + value < before {
        atomicOr(&status[0], IMAGE_OVERFLOW);
    }
}
