// The spectra of the planes of a point spread function, as the filter wants them; twin of
// stages/blur/psf_spectra.rs. The planes are even along x and y: their spectra are sums of cosines, which
// are the real parts of the transforms' roots of unity. One workgroup takes a block of frequencies of y
// through all planes, and then a run of frequencies of x.
#import dispatch

struct PsfSpectraParams {
    length_x: u32,
    frequencies: u32,
    blocks: u32,
    columns_at: u32,
    split_at: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: PsfSpectraParams;
@group(0) @binding(1) var<storage, read> octant: array<f32>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> psf: array<f32>;

// Frequencies of x of one workgroup; RUN in stages/blur/psf_spectra.rs.
const RUN = 64u;

// The planes' values summed along y, (plane, x, frequency of the block).
var<workgroup> columns: array<f32, 2048>;

// cos(2 pi k y / length_y); the table goes up to half of it.
fn cosine_y(k: u32, y: u32) -> f32 {
    let length = 2u * (params.frequencies - 1u);
    let turn = (k * y) % length;
    return fourier[params.split_at + min(turn, length - turn)].x;
}

@compute @workgroup_size(256)
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
    let c = local % 8u;
    let ky = block * 8u + c;
    let inside = ky < params.frequencies;
    var along_y: array<f32, 16>;
    for (var y = 0u; y < 16u; y += 1u) {
        // A value off the axis stands for itself and its mirror image.
        along_y[y] = select(2.0, 1.0, y == 0u) * cosine_y(select(0u, ky, inside), y);
    }
    for (var row = local / 8u; row < 256u; row += 32u) {
        var sum = 0.0;
        for (var y = 0u; y < 16u; y += 1u) {
            sum += octant[row * 16u + y] * along_y[y];
        }
        columns[row * 8u + c] = select(2.0, 1.0, row % 16u == 0u) * sum;
    }
    workgroupBarrier();
    let first = workgroup % runs * RUN;
    let z = local / 8u % 16u;
    for (var kx = first + local / 128u; kx < min(first + RUN, half_x); kx += 2u) {
        var sum = 0.0;
        var turn = 0u;
        for (var x = 0u; x < 16u; x += 1u) {
            sum += columns[(z * 16u + x) * 8u + c] * fourier[params.columns_at + turn].x;
            turn += kx;
            turn -= select(0u, params.length_x, turn >= params.length_x);
        }
        psf[((block * half_x + kx) * 16u + z) * 8u + c] = select(0.0, sum * params.scale, inside);
    }
}
