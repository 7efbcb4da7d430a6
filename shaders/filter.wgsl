// The point spread function applied along z at every spatial frequency of the slices; twin of
// stages/blur/filter.rs. One thread takes one frequency through the slab.
#import dispatch
#import reflect

struct FilterParams {
    length_x: u32,
    blocks: u32,
    depth: u32,
    spectra_ring: u32,
    first_z: u32,
    step_z: u32,
    slices: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: FilterParams;
@group(0) @binding(1) var<storage, read> spectra: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> psf: array<f32>;
@group(0) @binding(3) var<storage, read_write> filtered: array<vec2<f32>>;

const TAPS = 16u;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let block_size = params.length_x * 8u;
    let spectrum = params.blocks * block_size;
    if thread >= spectrum {
        return;
    }
    let block = thread / block_size;
    let within = thread % block_size;
    let k = within / 8u;
    let mirrored = min(k, params.length_x - k);
    let psf_at = ((block * (params.length_x / 2u + 1u) + mirrored) * TAPS) * 8u + within % 8u;
    var taps: array<f32, TAPS>;
    for (var j = 0u; j < TAPS; j++) {
        taps[j] = psf[psf_at + j * 8u];
    }
    for (var n = 0u; n < params.slices; n++) {
        let z = i32(params.first_z + n * params.step_z);
        var sum = taps[0] * spectra[(u32(z) % params.spectra_ring) * spectrum + thread];
        for (var j = 1; j < i32(TAPS); j++) {
            let before = fold(z - j, params.depth) % params.spectra_ring;
            let after = fold(z + j, params.depth) % params.spectra_ring;
            sum += taps[j] * (spectra[before * spectrum + thread] + spectra[after * spectrum + thread]);
        }
        let at = (block * params.slices + n) * block_size + within;
        if params.accumulate != 0u {
            sum += filtered[at];
        }
        filtered[at] = sum;
    }
}
