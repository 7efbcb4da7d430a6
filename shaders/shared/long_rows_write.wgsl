// Rows that exceed the memory of a workgroup, `first` x `second` points, after the first pass over the buffer
// `lines`, over points that are `second` apart: turned by their roots, in the place of the points. The importing
// shader has the parameters, the bindings `fourier` and `lines`, and imports complex and dispatch.

// The workgroup's row, and the first of the neighbouring points from which its lines start.
var<private> row: u32;
var<private> offset: u32;

fn find_lines(workgroup: u32) {
    let groups_per_row = (params.second + LINES - 1u) / LINES;
    row = workgroup / groups_per_row;
    offset = (workgroup % groups_per_row) * LINES;
}

fn save(l: u32, at: u32, k: u32, value: vec2<f32>) {
    let n = offset + l;
    if row < row_count() && n < params.second {
        let turned = product(fourier[params.roots_at + k * n], value);
        lines[row * params.length + k * params.second + n] = turned;
    }
}
