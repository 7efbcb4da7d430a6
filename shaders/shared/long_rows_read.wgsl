// Rows that exceed the memory of a workgroup, `first` x `second` points, before the second pass over the buffer
// `lines`, over neighbouring points. The importing shader has that binding.
fn read_lines(first_line: u32, count: u32, local: u32) {
    for (var t = local; t < LINES * POINTS; t += 256u) {
        if first_line + t / POINTS < count {
            line[t] = lines[first_line * POINTS + t];
        }
    }
}
