// Philox4x32-10, twin of rng::philox4x32_10.

// High and low word of a 32 x 32 bit product, from 16-bit halves: WGSL has no 64-bit integers.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 16u);
    let cross = a_low * b_high + (middle & 0xffffu);
    let high = a_high * b_high + (middle >> 16u) + (cross >> 16u);
    return vec2<u32>(high, a * b);
}

// The words of a counter; of no use unless `wanted`. Software adapters evaluate what a condition
// excludes, but leave a loop that no thread wants to go on with.
fn philox(counter: vec4<u32>, key: vec2<u32>, wanted: bool) -> vec4<u32> {
    var c = counter;
    var k = key;
    let rounds = select(0u, 10u, wanted);
    for (var round = 0u; round < rounds; round++) {
        let p0 = wide_product(0xd2511f53u, c.x);
        let p1 = wide_product(0xcd9e8d57u, c.z);
        c = vec4<u32>(p1.x ^ c.y ^ k.x, p1.y, p0.x ^ c.w ^ k.y, p0.y);
        k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}
