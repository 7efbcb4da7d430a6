// Voxels summed over pixels by the areas that they share (docs/physical.md section 5); twin of
// stages/area.rs. A pixel has its first voxel, the number of voxels and their weights in `weights`,
// along either axis.

@group(0) @binding(1) var<storage, read> blurred: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> image: array<f32>;

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) pixel: vec3<u32>) {
    let slice = pixel.z;
    let i = pixel.y;
    let j = pixel.x;
    if slice >= params.slices || i >= params.image_x || j >= params.image_y {
        return;
    }
    let row = i * params.stride_x;
    let column = params.columns_at + j * params.stride_y;
    let first_x = weights[row];
    let count_x = weights[row + 1u];
    let first_y = weights[column];
    let count_y = weights[column + 1u];
    var pixel_sum = 0.0;
    for (var x = 0u; x < count_x; x++) {
        let at = (slice * params.size_x + first_x + x) * params.size_y + first_y;
        var sum = 0.0;
        for (var y = 0u; y < count_y; y++) {
            sum += bitcast<f32>(weights[column + 2u + y]) * blurred[at + y];
        }
        pixel_sum += bitcast<f32>(weights[row + 2u + x]) * sum;
    }
    image[(slice * params.image_x + i) * params.image_y + j] = pixel_sum;
}
