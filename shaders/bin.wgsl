// Voxels summed over the camera's pixels, or shown by several of them (docs/model.md section 7);
// twin of stages/bin.rs.

@group(0) @binding(1) var<storage, read> blurred: array<u32>;
@group(0) @binding(2) var<storage, read_write> image: array<u32>;
@group(0) @binding(3) var<storage, read_write> status: array<atomic<u32>>;

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) pixel: vec3<u32>) {
    let slice = pixel.z;
    let i = pixel.y;
    let j = pixel.x;
    if slice >= params.slices || i >= params.image_x || j >= params.image_y {
        return;
    }
    let thread = (slice * params.image_x + i) * params.image_y + j;
    // The last bin may be cut by the border.
    let first_x = i / params.repeat_x * params.bin_x;
    let first_y = j / params.repeat_y * params.bin_y;
    let rows = min(params.bin_x, params.size_x - first_x);
    let columns = min(params.bin_y, params.size_y - first_y);
    var sum = 0u;
    var overflow = false;
    for (var row = 0u; row < rows; row++) {
        let at = (slice * params.size_x + first_x + row) * params.size_y + first_y;
        for (var column = 0u; column < columns; column++) {
            let value = blurred[at + column];
            overflow = overflow || sum + value < sum;
            sum += value;
        }
    }
    image[thread] = sum;
    if overflow {
        atomicOr(&status[0], IMAGE_OVERFLOW);
    }
}
