// Draws from a discrete distribution in `tables`, whose place is a rng::TableRef (first word,
// thresholds): the thresholds, then one value more; twin of rng::DiscreteTable::draw. The kernel
// binds `tables`. Of no use unless `wanted`, see philox.
fn draw(place: vec2<u32>, word: u32, wanted: bool) -> u32 {
    let offset = place.x;
    let len = place.y;
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
