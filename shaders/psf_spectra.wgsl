// The spectra of the planes of a point spread function, as the filter wants them; twin of
// stages/blur/psf_spectra.rs. The planes are even along x and y: their spectra are sums of cosines,
// which are the real parts of the transforms' roots of unity. One workgroup takes a block of
// frequencies of y and a run of RUN frequencies of x through a plane.
#import dispatch

@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> psf: array<vec4<f32>>;

// Factors of the values along y, (y, half of the block).
var<workgroup> along_y: array<vec4<f32>, COLUMNS * 2u>;
// The plane's values summed along y, (x, half of the block).
var<workgroup> columns: array<vec4<f32>, ROWS * 2u>;

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
    let plane = workgroup / runs % PLANES;
    let block = workgroup / runs / PLANES;
    if block >= params.blocks {
        return;
    }
    // Four frequencies of y at a time; those that the last block has to spare become 0.
    let half = local % 2u;
    let ky = block * BLOCK + half * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    let weight = select(vec4<f32>(0.0), vec4<f32>(params.scale), ky < vec4<u32>(params.frequencies));
    for (var y = local / 2u; y < COLUMNS; y += THREADS / 2u) {
        // A value off the axis stands for itself and its mirror image.
        along_y[y * 2u + half] = select(2.0, 1.0, y == 0u) * weight * cosines_y(ky, y);
    }
    workgroupBarrier();
    for (var x = local / 2u; x < ROWS; x += THREADS / 2u) {
        var sum = vec4<f32>(0.0);
        for (var y = 0u; y < COLUMNS; y += 1u) {
            sum += values[(plane * ROWS + x) * COLUMNS + y] * along_y[y * 2u + half];
        }
        columns[x * 2u + half] = select(2.0, 1.0, x == 0u) * sum;
    }
    workgroupBarrier();
    let first = workgroup % runs * RUN;
    for (var kx = first + local / 2u; kx < min(first + RUN, half_x); kx += THREADS / 2u) {
        var sum = columns[half];
        var turn = 0u;
        for (var x = 1u; x < ROWS; x += 1u) {
            turn += kx;
            turn -= select(0u, params.length_x, turn >= params.length_x);
            sum += columns[x * 2u + half] * fourier[params.columns_at + turn].x;
        }
        psf[((block * half_x + kx) * PLANES + plane) * 2u + half] = sum;
    }
}
