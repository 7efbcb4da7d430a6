// The point spread function applied along z at every spatial frequency of the slices; twin of
// stages/blur/filter.rs. One thread takes one frequency through the slab: the samples of 31 slices stay
// in registers and move on by one for every slice, so that each is read once.
#import dispatch

@group(0) @binding(1) var<storage, read> spectra: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> psf: array<f32>;
@group(0) @binding(3) var<storage, read_write> filtered: array<vec2<f32>>;

// A slice on the way through the reflected volume, and where it lies in the ring.
struct Walk {
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
    return Walk(inside, u32(inside) % params.spectra_ring, select(-1, 1, rising));
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
    return Walk(z, u32(slot), direction);
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
    let psf_at = (block * (params.length_x / 2u + 1u) + mirrored) * TAPS * BLOCK + within % BLOCK;
    let t0 = psf[psf_at + 0u * BLOCK];
    let t1 = psf[psf_at + 1u * BLOCK];
    let t2 = psf[psf_at + 2u * BLOCK];
    let t3 = psf[psf_at + 3u * BLOCK];
    let t4 = psf[psf_at + 4u * BLOCK];
    let t5 = psf[psf_at + 5u * BLOCK];
    let t6 = psf[psf_at + 6u * BLOCK];
    let t7 = psf[psf_at + 7u * BLOCK];
    let t8 = psf[psf_at + 8u * BLOCK];
    let t9 = psf[psf_at + 9u * BLOCK];
    let t10 = psf[psf_at + 10u * BLOCK];
    let t11 = psf[psf_at + 11u * BLOCK];
    let t12 = psf[psf_at + 12u * BLOCK];
    let t13 = psf[psf_at + 13u * BLOCK];
    let t14 = psf[psf_at + 14u * BLOCK];
    let t15 = psf[psf_at + 15u * BLOCK];
    var w0 = vec2<f32>();
    var w1 = vec2<f32>();
    var w2 = vec2<f32>();
    var w3 = vec2<f32>();
    var w4 = vec2<f32>();
    var w5 = vec2<f32>();
    var w6 = vec2<f32>();
    var w7 = vec2<f32>();
    var w8 = vec2<f32>();
    var w9 = vec2<f32>();
    var w10 = vec2<f32>();
    var w11 = vec2<f32>();
    var w12 = vec2<f32>();
    var w13 = vec2<f32>();
    var w14 = vec2<f32>();
    var w15 = vec2<f32>();
    var w16 = vec2<f32>();
    var w17 = vec2<f32>();
    var w18 = vec2<f32>();
    var w19 = vec2<f32>();
    var w20 = vec2<f32>();
    var w21 = vec2<f32>();
    var w22 = vec2<f32>();
    var w23 = vec2<f32>();
    var w24 = vec2<f32>();
    var w25 = vec2<f32>();
    var w26 = vec2<f32>();
    var w27 = vec2<f32>();
    var w28 = vec2<f32>();
    var w29 = vec2<f32>();
    var w30 = vec2<f32>();
    var walk = start(i32(params.first_z) - 15);
    var entering = 31u;
    for (var n = 0u; n < params.slices; n++) {
        for (; entering > 0u; entering--) {
            w0 = w1;
            w1 = w2;
            w2 = w3;
            w3 = w4;
            w4 = w5;
            w5 = w6;
            w6 = w7;
            w7 = w8;
            w8 = w9;
            w9 = w10;
            w10 = w11;
            w11 = w12;
            w12 = w13;
            w13 = w14;
            w14 = w15;
            w15 = w16;
            w16 = w17;
            w17 = w18;
            w18 = w19;
            w19 = w20;
            w20 = w21;
            w21 = w22;
            w22 = w23;
            w23 = w24;
            w24 = w25;
            w25 = w26;
            w26 = w27;
            w27 = w28;
            w28 = w29;
            w29 = w30;
            w30 = spectra[walk.slot * spectrum + thread];
            walk = next(walk);
        }
        entering = params.step_z;
        var sum = t0 * w15;
        sum += t1 * (w14 + w16);
        sum += t2 * (w13 + w17);
        sum += t3 * (w12 + w18);
        sum += t4 * (w11 + w19);
        sum += t5 * (w10 + w20);
        sum += t6 * (w9 + w21);
        sum += t7 * (w8 + w22);
        sum += t8 * (w7 + w23);
        sum += t9 * (w6 + w24);
        sum += t10 * (w5 + w25);
        sum += t11 * (w4 + w26);
        sum += t12 * (w3 + w27);
        sum += t13 * (w2 + w28);
        sum += t14 * (w1 + w29);
        sum += t15 * (w0 + w30);
        let at = (block * params.slices + n) * block_size + within;
        if params.accumulate != 0u {
            sum += filtered[at];
        }
        filtered[at] = sum;
    }
}
