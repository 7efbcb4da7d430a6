// The spectra of the planes of a point spread function, as the filter wants them; twin of
// stages/blur/psf_spectra.rs. The planes are even along x and y: their spectra are sums of cosines, which
// are the real parts of the transforms' roots of unity. One workgroup takes a block of frequencies of y
// through all planes, and then a run of RUN frequencies of x.
#import dispatch

@group(0) @binding(1) var<storage, read> octant: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> psf: array<vec4<f32>>;

// The planes' values summed along y, (plane, x, half of the block).
var<workgroup> columns: array<vec4<f32>, TAPS * TAPS * 2u>;

// cos(2 pi k y / length_y); the table goes up to half of it.
fn cosine_y(k: u32, y: u32) -> f32 {
    let length = 2u * (params.frequencies - 1u);
    let turn = (k * y) % length;
    return fourier[params.split_at + min(turn, length - turn)].x;
}

fn cosines_y(k: vec4<u32>, y: u32) -> vec4<f32> {
    return vec4<f32>(cosine_y(k.x, y), cosine_y(k.y, y), cosine_y(k.z, y), cosine_y(k.w, y));
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let half_x = params.length_x / 2u + 1u;
    let runs = (half_x + RUN - 1u) / RUN;
    let workgroup = linear_workgroup(group, groups);
    let block = workgroup / runs;
    if block >= params.blocks {
        return;
    }
    // Four frequencies of y at a time; those that the last block has to spare become 0.
    let half = local % 2u;
    let ky = block * BLOCK + half * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    let weight = select(vec4<f32>(0.0), vec4<f32>(params.scale), ky < vec4<u32>(params.frequencies));
    var along_y: array<vec4<f32>, TAPS>;
    for (var y = 0u; y < TAPS; y += 1u) {
        // A value off the axis stands for itself and its mirror image.
        along_y[y] = select(2.0, 1.0, y == 0u) * weight * cosines_y(ky, y);
    }
    for (var row = local / 2u; row < TAPS * TAPS; row += THREADS / 2u) {
        var sum = vec4<f32>(0.0);
        for (var y = 0u; y < TAPS; y += 1u) {
            sum += octant[row * TAPS + y] * along_y[y];
        }
        columns[row * 2u + half] = select(2.0, 1.0, row % TAPS == 0u) * sum;
    }
    workgroupBarrier();
    let z = local / 2u % TAPS;
    var column: array<vec4<f32>, TAPS>;
    for (var x = 0u; x < TAPS; x += 1u) {
        column[x] = columns[(z * TAPS + x) * 2u + half];
    }
    let first = workgroup % runs * RUN;
    // The threads of a frequency of x: one for each plane and half of a block.
    let team = 2u * TAPS;
    for (var kx = first + local / team; kx < min(first + RUN, half_x); kx += THREADS / team) {
        var sum = column[0];
        var turn = 0u;
        for (var x = 1u; x < TAPS; x += 1u) {
            turn += kx;
            turn -= select(0u, params.length_x, turn >= params.length_x);
            sum += column[x] * fourier[params.columns_at + turn].x;
        }
        psf[((block * half_x + kx) * TAPS + z) * 2u + half] = sum;
    }
}
