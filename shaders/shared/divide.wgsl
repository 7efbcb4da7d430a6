// Quotient, below 2^20, and remainder of whole numbers below 2^31. Adapters divide them by many
// instructions, software ones even one number at a time: the quotient of floats is off by one at
// most.
fn divide(a: u32, b: u32) -> vec2<u32> {
    let near = u32(f32(a) / f32(b));
    let rest = i32(a - near * b);
    let quotient = near + select(0u, 1u, rest >= i32(b)) - select(0u, 1u, rest < 0);
    return vec2<u32>(quotient, a - quotient * b);
}
