// The ground truth of a fluorophore at the images' size (docs/model.md section 7); twin of
// stages/truth.rs.
#import divide

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> regions: array<u32>;
@group(0) @binding(3) var<storage, read> selection: array<u32>;
@group(0) @binding(4) var<storage, read_write> cells: array<u32>;

// The voxel that a pixel shows.
fn source(pixel: u32, bin: u32, magnify: u32, size: u32) -> u32 {
    if magnify > 1u {
        return pixel / magnify;
    }
    return min(bin * pixel + bin / 2u, size - 1u);
}

@compute @workgroup_size(THREADS_Y, THREADS_X)
fn main(@builtin(global_invocation_id) pixel: vec3<u32>) {
    let slice = pixel.z;
    let i = pixel.y;
    let j = pixel.x;
    if slice >= params.slices || i >= params.image_x || j >= params.image_y {
        return;
    }
    let thread = (slice * params.image_x + i) * params.image_y + j;
    let z = params.first_z + slice * params.step_z;
    let sizes = vec2<u32>(params.size_x - params.first_x, params.size_y - params.first_y);
    let x = params.first_x + source(i, params.bin_x, params.magnify_x, sizes.x);
    let y = params.first_y + source(j, params.bin_y, params.magnify_y, sizes.y);
    let plane = params.size_x * params.size_y;
    let within = x * params.size_y + y;
    var shown = 0u;
    if (regions[(z - params.slab_z) * plane + within] & params.region) != 0u {
        let cell = labels[divide(z, params.labels_ring).y * plane + within];
        if ((selection[params.selection_at + cell / 32u] >> (cell % 32u)) & 1u) != 0u {
            shown = cell;
        }
    }
    if params.combine != 0u {
        shown = max(shown, cells[thread]);
    }
    cells[thread] = shown;
}
