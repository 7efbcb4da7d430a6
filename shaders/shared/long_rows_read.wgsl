// Rows that exceed the memory of a workgroup, `first` x `second` points, before the second pass over the buffer
// `lines`, over neighbouring points. The importing shader has that binding.

// The workgroup's first line, and how many there are in all.
var<private> first_line: u32;
var<private> line_count: u32;

fn load(l: u32, n: u32) -> vec2<f32> {
    if first_line + l >= line_count {
        return vec2<f32>(0.0);
    }
    return lines[(first_line + l) * POINTS + n];
}
