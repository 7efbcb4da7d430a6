// The point spread function applied along z at every spatial frequency of the slices; twin of
// stages/blur/filter.rs. One thread takes one frequency through the slab. The sum along z,
// `filter_slices`, is generated for the shape of the function.
#import dispatch

@group(0) @binding(1) var<storage, read> spectra: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> psf: array<f32>;
// Slice in focus, slice of the filtered spectra, weight, 1 where it is added to what is there.
@group(0) @binding(3) var<storage, read> slices: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> filtered: array<vec2<f32>>;

// A slice on the way through the reflected volume, and where it lies in the ring.
struct Walk {
    // In the reflected volume, and in the volume.
    position: i32,
    z: i32,
    slot: u32,
    // 1 or -1.
    direction: i32,
}

fn start(position: i32) -> Walk {
    let period = max(2 * (i32(params.depth) - 1), 1);
    let within = ((position % period) + period) % period;
    let rising = 2 * within < period;
    let z = select(period - within, within, rising);
    let inside = min(z, i32(params.depth) - 1);
    return Walk(position, inside, u32(inside) % params.spectra_ring, select(-1, 1, rising));
}

fn next(walk: Walk) -> Walk {
    let depth = i32(params.depth);
    let beyond = walk.z + walk.direction;
    let direction = select(walk.direction, -walk.direction, beyond < 0 || beyond >= depth);
    // A volume of one slice repeats it.
    let z = clamp(walk.z + direction, 0, depth - 1);
    var slot = i32(walk.slot) + z - walk.z;
    slot = select(slot, slot - i32(params.spectra_ring), slot >= i32(params.spectra_ring));
    slot = select(slot, slot + i32(params.spectra_ring), slot < 0);
    return Walk(walk.position + 1, z, u32(slot), direction);
}

// Where a thread's frequency lies.
struct Place {
    // In a slice's spectrum, and how many frequencies that has.
    thread: u32,
    spectrum: u32,
    // Its value in the function's first plane.
    psf: u32,
    // Its value in the first filtered slice, and the distance to the next one.
    filtered: u32,
    stride: u32,
}

fn sample(walk: Walk, place: Place) -> vec2<f32> {
    let outside = walk.position < 0 || walk.position >= i32(params.depth);
    if params.dark != 0u && outside {
        return vec2<f32>();
    }
    return spectra[walk.slot * place.spectrum + place.thread];
}

fn save(to: vec4<u32>, value: vec2<f32>, place: Place) {
    let at = place.filtered + to.y * place.stride;
    var sum = bitcast<f32>(to.z) * value;
    if to.w != 0u {
        sum += filtered[at];
    }
    filtered[at] = sum;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let block_size = params.length_x * BLOCK;
    let spectrum = params.blocks * block_size;
    if thread >= spectrum {
        return;
    }
    let block = thread / block_size;
    let within = thread % block_size;
    let k = within / BLOCK;
    let mirrored = min(k, params.length_x - k);
    let psf_at = (block * (params.length_x / 2u + 1u) + mirrored) * PLANES * BLOCK + within % BLOCK;
    let filtered_at = block * params.out_slices * block_size + within;
    filter_slices(Place(thread, spectrum, psf_at, filtered_at, block_size));
}
