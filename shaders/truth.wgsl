// The ground truth of a fluorophore at the images' size (docs/model.md section 7); twin of
// stages/truth.rs.
#import divide

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> regions: array<u32>;
@group(0) @binding(3) var<storage, read> selection: array<u32>;
@group(0) @binding(4) var<storage, read> shown: array<u32>;
@group(0) @binding(5) var<storage, read_write> cells: array<u32>;

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) pixel: vec3<u32>) {
    let slice = pixel.z;
    let i = pixel.y;
    let j = pixel.x;
    if slice >= params.slices || i >= params.image_x || j >= params.image_y {
        return;
    }
    let image = params.first_image + slice;
    let thread = (image * params.image_x + i) * params.image_y + j;
    let z = params.first_z + slice * params.step_z;
    let x = shown[i];
    let y = shown[params.image_x + j];
    let plane = params.size_x * params.size_y;
    let within = x * params.size_y + y;
    var seen = 0u;
    if (regions[(z - params.slab_z) * plane + within] & params.region) != 0u {
        let cell = labels[divide(z, params.labels_ring).y * plane + within];
        if ((selection[params.selection_at + cell / 32u] >> (cell % 32u)) & 1u) != 0u {
            seen = cell;
        }
    }
    if params.combine != 0u {
        seen = max(seen, cells[thread]);
    }
    cells[thread] = seen;
}
