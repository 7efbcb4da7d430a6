// The spectra of the planes of a point spread function, as the filter wants them; twin of
// stages/blur/psf_spectra.rs. The planes are even along x and y: their spectra are sums of cosines, which
// are the real parts of the transforms' roots of unity. One thread takes one frequency through all planes.
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
    let thread = linear_thread(group, groups, local);
    let half_x = params.length_x / 2u + 1u;
    if thread >= params.blocks * half_x * 8u {
        return;
    }
    let c = thread % 8u;
    let kx = (thread / 8u) % half_x;
    let ky = thread / (8u * half_x) * 8u + c;
    let inside = ky < params.frequencies;
    var along_x: array<f32, 16>;
    var along_y: array<f32, 16>;
    for (var i = 0u; i < 16u; i += 1u) {
        along_x[i] = fourier[params.columns_at + (kx * i) % params.length_x].x;
        along_y[i] = cosine_y(select(0u, ky, inside), i);
    }
    for (var z = 0u; z < 16u; z += 1u) {
        var sum = 0.0;
        for (var x = 0u; x < 16u; x += 1u) {
            let at = (z * 16u + x) * 16u;
            var row = 0.0;
            for (var y = 1u; y < 16u; y += 1u) {
                row += octant[at + y] * along_y[y];
            }
            // A value off the axis stands for itself and its mirror image.
            row = octant[at] + 2.0 * row;
            sum += select(2.0, 1.0, x == 0u) * along_x[x] * row;
        }
        psf[((thread / 8u) * 16u + z) * 8u + c] = select(0.0, sum * params.scale, inside);
    }
}
