// The output of a register that multiplies electrons; twin of engine/detector/register.rs. The
// kernel binds `tables`.
#import deviate

fn interpolated_output(electrons: u32, w: Deviate) -> u32 {
    let middle = (STEPS / 2u) << 20u;
    let place = select(middle + w.size, middle - w.size, w.negative);
    let rest = (place >> 4u) & 0xffffu;
    let at = REGISTER_AT + (electrons - 1u) * (STEPS + 1u) + (place >> 20u);
    let a = tables[at];
    return a + (((tables[at + 1u] - a) * rest) >> 16u);
}

fn expanded_output(electrons: u32, w: Deviate, shape: u32) -> u32 {
    let p = powers(w.size);
    let mean = (electrons * shape) << 6u;
    let s = root(mean);
    let cubic = i32(p.third) - 7 * i32(p.first);
    let cubic_size = i32((u32(abs(cubic)) << 2u) / (36u * (s >> 10u)));
    let odd = wide_shift(s, w.size, 28u)
        + bitcast<u32>(select(cubic_size, -cubic_size, cubic < 0));
    let square = i32(p.second) - (1i << 24u);
    let square_size = i32(u32(abs(square)) / (3u << 10u));
    let even = select(square_size, -square_size, square < 0) - last_term(p, mean);
    let quantile = mean + bitcast<u32>(even);
    let output = select(quantile + odd, quantile - odd, w.negative);
    return ((output / shape) << 2u) + ((output % shape) << 2u) / shape;
}

fn register_output(electrons: u32, word: u32, shape: u32) -> u32 {
    if electrons == 0u {
        return 0u;
    }
    let w = deviate(word);
    if electrons <= TABULATED {
        return interpolated_output(electrons, w);
    }
    return expanded_output(electrons, w, shape);
}
