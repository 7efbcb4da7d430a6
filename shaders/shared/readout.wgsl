// From expected electrons to a grey value; twin of engine/detector/readout.rs. The kernel has the
// detector among its parameters and binds `tables`.
#import deviate
#import register
#import shot

struct PixelResponse {
    gain: u32,
    noise: u32,
    offset: i32,
}

fn read_out(pixel: PixelResponse, all_electrons: u32, noise_word: u32, register_word: u32) -> u32 {
    let electrons = min(all_electrons, params.most);
    // Grey values with 8 fractional bits.
    var signal: u32;
    if params.shape == 0u {
        signal = wide_shift(electrons, pixel.gain, 16u - 8u);
    } else {
        let output = register_output(electrons, register_word, params.shape);
        signal = wide_shift(min(output, params.register_most), pixel.gain, 16u + SHAPED - 8u);
    }
    let w = deviate(noise_word);
    let size = i32(wide_product(pixel.noise, w.size).x);
    let noise = select(size, -size, w.negative);
    // Halves up.
    let value = i32(signal) + pixel.offset + 128 + noise;
    return u32(clamp(value >> 8u, 0, i32(params.largest)));
}

fn grey_of(pixel: PixelResponse, constant: u32, mean: f32, words: vec4<u32>) -> u32 {
    let all = constant + min(fixed(mean), MOST_MEAN - constant);
    return read_out(pixel, electrons_of(all, words.xy), words.z, words.w);
}
