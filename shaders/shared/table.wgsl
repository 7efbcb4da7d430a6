// Draws from a discrete distribution in `tables`: thresholds at `offset`, then one value more;
// twin of rng::DiscreteTable::draw. The kernel binds `tables`. Of no use unless `wanted`, see philox.
fn draw(offset: u32, len: u32, word: u32, wanted: bool) -> u32 {
    // The number of thresholds that do not exceed the word, by bisection.
    var low = 0u;
    var high = select(0u, len, wanted);
    while low < high {
        let middle = (low + high) / 2u;
        if tables[offset + middle] <= word {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return tables[offset + len + low];
}
