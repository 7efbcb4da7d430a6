// Expected electrons to grey values (docs/physical.md section 6); twin of stages/expose.rs.
#import dispatch
#import philox
#import readout

@group(0) @binding(1) var<storage, read> means: array<f32>;
@group(0) @binding(2) var<storage, read> tables: array<u32>;
@group(0) @binding(3) var<storage, read> maps: array<u32>;
@group(0) @binding(4) var<storage, read_write> grey: array<u32>;

fn response(x: u32, y: u32) -> PixelResponse {
    if (params.flags & OF_MAPS) == 0u {
        return PixelResponse(params.gain, params.noise, bitcast<i32>(params.offset));
    }
    let plane = params.image_x * params.image_y;
    let within = x * params.image_y + y;
    let offset = bitcast<i32>(maps[2u * plane + within]);
    return PixelResponse(maps[within], maps[plane + within], offset);
}

fn constant_of(image: u32) -> u32 {
    if (params.flags & OF_IMAGES) == 0u {
        return params.constant;
    }
    return tables[params.constant + image];
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = linear_thread(group, groups, local);
    let first = thread * params.per_word;
    let pixels = params.slices * params.image_x * params.image_y;
    if first >= pixels {
        return;
    }
    let row = first / params.image_y;
    var y = first - row * params.image_y;
    var slice = row / params.image_x;
    var x = row - slice * params.image_x;
    let bits = 32u / params.per_word;
    var word = 0u;
    for (var i = 0u; i < min(params.per_word, pixels - first); i++) {
        let counter = vec4<u32>(
            params.first_slice + slice,
            params.first_x + x,
            params.first_y + y,
            0u,
        );
        let words = philox(counter, params.key, true);
        word |= grey_of(response(x, y), constant_of(counter.x), means[first + i], words) << (bits * i);
        // The next pixel, perhaps in the next row or image.
        y++;
        if y == params.image_y {
            y = 0u;
            x++;
        }
        if x == params.image_x {
            x = 0u;
            slice++;
        }
    }
    grey[thread] = word;
}
