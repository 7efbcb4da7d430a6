// The position in 0..size that reflection without repeating the edge assigns to `position`;
// twin of volume::fold.
fn fold(position: i32, size: u32) -> u32 {
    if size == 1u {
        return 0u;
    }
    let period = 2 * (i32(size) - 1);
    let within = ((position % period) + period) % period;
    return u32(min(within, period - within));
}
