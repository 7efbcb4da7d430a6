// Normal deviates of words, and their powers; twin of engine/detector/deviate.rs, which tells why
// nothing overflows. The kernel binds `tables`.
#import philox

// The product without its last bits, from 1 to 31 of them.
fn wide_shift(a: u32, b: u32, bits: u32) -> u32 {
    let product = wide_product(a, b);
    return (product.x << (32u - bits)) | (product.y >> bits);
}

struct Deviate {
    size: u32,
    negative: bool,
}

fn deviate(word: u32) -> Deviate {
    let negative = word < 0x80000000u;
    let x = 2u * select(~word, word, negative) + 1u;
    let octave = countLeadingZeros(x);
    let below = 0u - (x << octave);
    let at = octave * (CELLS + 1u) + (below >> 23u);
    let a = tables[at];
    return Deviate(a + wide_shift(tables[at + 1u] - a, below & 0x7fffffu, 23u), negative);
}

// Of a deviate's size: 20, 24, 20 and 16 fractional bits.
struct Powers {
    first: u32,
    second: u32,
    third: u32,
    fourth: u32,
}

fn powers(size: u32) -> Powers {
    let second = wide_shift(size, size, 24u);
    let first = size >> 4u;
    let third = wide_shift(second >> 4u, first, 20u);
    return Powers(first, second, third, ((second >> 14u) * (second >> 14u)) >> 4u);
}

fn last_term(p: Powers, mean: u32) -> i32 {
    let y = i32(3u * p.fourth + 7u * (p.second >> 8u)) - (16i << 16u);
    let size = i32((u32(abs(y)) << 2u) / (810u * (mean >> 10u)));
    return select(size, -size, y < 0);
}

// The whole root: that of floats is off by one at most.
fn whole_root(number: u32) -> u32 {
    var near = u32(sqrt(f32(number)));
    near -= select(0u, 1u, near * near > number);
    near += select(0u, 1u, (near + 1u) * (near + 1u) <= number);
    return near;
}

fn root(mean: u32) -> u32 {
    let near = whole_root(mean);
    return (near << 11u) + ((mean - near * near) << 11u) / (2u * near);
}
