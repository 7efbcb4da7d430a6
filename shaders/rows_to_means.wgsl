// Blurred rows as they are, without the negative values of rounding; twin of
// stages/blur/rows_to_means.rs.
#import complex
#import dispatch
#import divide
#import rows_inverse

@group(0) @binding(1) var<storage, read> rows: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> fourier: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> blurred: array<f32>;

// Stores the value of column `y` of a block's row `row`, counted over all slices.
fn store(row: u32, y: u32, value: f32) {
    if y >= params.size_y {
        return;
    }
    let place = divide(row, params.size_x);
    let x = params.at_x + place.y;
    blurred[(place.x * params.blurred_x + x) * params.blurred_y + params.at_y + y] = max(value, 0.0);
}
