// Electrons of an exposure; twin of engine/detector/shot.rs. The kernel binds `tables`.
#import deviate

// A mean in electrons as a whole number, halves up, without a step that rounds.
fn fixed(electrons: f32) -> u32 {
    let scaled = clamp(electrons, 0.0, f32(MOST_ELECTRONS)) * f32(1u << MEAN_BITS);
    let whole = u32(scaled);
    return whole + select(0u, 1u, scaled - f32(whole) >= 0.5);
}

// The number of thresholds of a table that the word reaches.
fn tabulated(number: u32, word: u32, wanted: bool) -> u32 {
    let start = tables[STARTS_AT + number];
    var low = start;
    // Software adapters leave a loop that no thread wants to go on with.
    var high = select(start, tables[STARTS_AT + number + 1u], wanted);
    while low < high {
        let middle = (low + high) / 2u;
        if tables[middle] <= word {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low - start;
}

fn expanded_shot(mean: u32, word: u32) -> u32 {
    let w = deviate(word);
    let p = powers(w.size);
    let s = root(mean);
    let odd = wide_shift(s, w.size, 28u) - ((p.third + 2u * p.first) << 2u) / (72u * (s >> 10u));
    let even = (p.second + (2u << 24u)) / (6u << 10u) + 1u;
    let quantile = mean + even + bitcast<u32>(last_term(p, mean));
    return select(quantile + odd, quantile - odd, w.negative) >> MEAN_BITS;
}

fn electrons_of(mean: u32, words: vec2<u32>) -> u32 {
    let node = mean >> REST_BITS;
    let rest = mean & ((1u << REST_BITS) - 1u);
    let by_table = node < NODES;
    let small = tabulated(min(node, NODES - 1u), words.x, by_table)
        + tabulated(NODES + rest, words.y, by_table);
    if by_table {
        return small;
    }
    return expanded_shot(mean, words.x);
}
