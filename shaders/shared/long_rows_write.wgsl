// Rows that exceed the memory of a workgroup, `first` x `second` points, after the first pass over the buffer
// `lines`, over points that are `second` apart: turned by their roots, in the place of the points. The importing
// shader has the parameters, the bindings `fourier` and `lines`, and imports complex.
fn write_lines(row: u32, offset: u32, local: u32) {
    for (var t = local; t < LINES * POINTS; t += 256u) {
        let k = t / LINES;
        let n = offset + t % LINES;
        if n < params.second {
            let at = u32(fourier[params.order_at + k].x);
            let turned = product(fourier[params.roots_at + k * n], line[at * LINES + t % LINES]);
            lines[row * params.length + k * params.second + n] = turned;
        }
    }
}
