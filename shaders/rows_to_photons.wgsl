// Blurred rows to whole photons with the baseline added; twin of stages/blur/photons.rs. MOST is
// the largest f32 below 2^32.
#import complex
#import dispatch
#import divide
#import philox
#import rows_inverse
#import table

@group(0) @binding(1) var<storage, read> rows: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> tables: array<u32>;
@group(0) @binding(4) var<storage, read> profile: array<f32>;
@group(0) @binding(5) var<storage, read_write> blurred: array<u32>;
@group(0) @binding(6) var<storage, read_write> status: array<atomic<u32>>;

fn baseline(slice: u32, x: u32, y: u32) -> u32 {
    let counter = vec4<u32>(
        params.origin_z + params.first_z + slice * params.step_z,
        params.origin_x + x,
        params.origin_y + y,
        0u,
    );
    let words = philox(counter, params.baseline_key, true);
    let photons = draw(params.baseline_photons, words.x, true);
    return u32(round(f32(photons) * (profile[x] * profile[params.blurred_x + y])));
}

// Stores the value of column `y` of a block's row `row`, counted over all slices.
fn store(row: u32, y: u32, value: f32) {
    if y >= params.size_y {
        return;
    }
    let place = divide(row, params.size_x);
    let x = params.at_x + place.y;
    let column = params.at_y + y;
    var photons = u32(round(clamp(value, 0.0, MOST)));
    var overflow = value > MOST;
    if params.baseline != 0u {
        let more = baseline(place.x, x, column);
        overflow = overflow || photons + more < photons;
        photons += more;
    }
    blurred[(place.x * params.blurred_x + x) * params.blurred_y + column] = photons;
    if overflow {
        atomicOr(&status[0], BLUR_OVERFLOW);
    }
}
