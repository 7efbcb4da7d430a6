//! The WGSL of the filter's sum along z, generated for the shape of a point spread function.

use crate::engine::compute::{Constant, Variant};
use crate::engine::psf::PsfShape;
use std::fmt::Write;

/// Most taps whose samples are kept in registers while the filter walks along z.
const MOST_UNROLLED: usize = 31;

/// Slices whose products are added up by themselves where there are many: the error of a sum of f32
/// grows with the number of its terms. Runs start at multiples of it in the reflected volume, so
/// that a sum does not depend on where a slab or a chunk begins.
const RUN: usize = 32;

/// Whether the taps are few enough for [`MOST_UNROLLED`].
const fn is_unrolled(shape: &PsfShape) -> bool {
    shape.taps() <= MOST_UNROLLED
}

/// Slices whose products are added up by themselves ([`RUN`]), where functions are that deep.
pub(super) fn run(shape: &PsfShape) -> Option<usize> {
    (!is_unrolled(shape)).then_some(RUN)
}

/// The function `filter_slices` for functions of this shape.
pub fn variant(shape: &PsfShape) -> Variant {
    let constants = [
        Constant::u32("TAPS", shape.taps() as u32),
        Constant::u32("PLANES", shape.planes() as u32),
        Constant::u32("BEFORE", shape.before as u32),
        Constant::u32("SUM_RUN", RUN as u32),
    ];
    let code = if is_unrolled(shape) {
        unrolled(shape)
    } else {
        looped(shape)
    };
    Variant::new(&constants, &code)
}

/// Taps and a window of samples in registers: a sample enters the window once.
fn unrolled(shape: &PsfShape) -> String {
    let (taps, planes) = (shape.taps(), shape.planes());
    let mut code = String::from("fn filter_slices(place: Place) {\n");
    for plane in 0..planes {
        let _ = writeln!(
            code,
            "    let t{plane} = psf[place.psf + {plane}u * BLOCK];"
        );
    }
    for tap in 0..taps {
        let _ = writeln!(code, "    var w{tap} = vec2<f32>();");
    }
    code.push_str(
        "    var walk = start(i32(params.first_z) - i32(BEFORE));
    var entering = TAPS;
    var focus = params.first_z;
    for (var n = 0u; n < params.slices; n++) {
        let to = slices[params.slices_at + n];
        entering += to.x - focus;
        focus = to.x;
        for (; entering > 0u; entering--) {
",
    );
    for tap in 1..taps {
        let _ = writeln!(code, "            w{} = w{tap};", tap - 1);
    }
    let _ = writeln!(code, "            w{} = sample(walk, place);", taps - 1);
    code.push_str(
        "            walk = next(walk);
        }
",
    );
    let focus = shape.before;
    for plane in 0..planes {
        let samples = match plane {
            1.. if shape.symmetric => format!("(w{} + w{})", focus - plane, focus + plane),
            0 if shape.symmetric => format!("w{focus}"),
            _ => format!("w{plane}"),
        };
        let sum = if plane == 0 { "var sum =" } else { "sum +=" };
        let _ = writeln!(code, "        {sum} t{plane} * {samples};");
    }
    code.push_str("        save(to, sum, place);\n    }\n}\n");
    code
}

/// Every sample is read for every slice that it belongs to: registers have no room for so many.
fn looped(shape: &PsfShape) -> String {
    let plane = if shape.symmetric {
        "u32(abs(i32(tap) - i32(BEFORE)))"
    } else {
        "tap"
    };
    format!(
        "fn filter_slices(place: Place) {{
    for (var n = 0u; n < params.slices; n++) {{
        let to = slices[params.slices_at + n];
        let first = i32(to.x) - i32(BEFORE);
        var walk = start(first);
        var sum = vec2<f32>();
        var run = vec2<f32>();
        for (var tap = 0u; tap < TAPS; tap++) {{
            run += psf[place.psf + {plane} * BLOCK] * sample(walk, place);
            walk = next(walk);
            if ((first + i32(tap) + 1) & (i32(SUM_RUN) - 1)) == 0 {{
                sum += run;
                run = vec2<f32>();
            }}
        }}
        save(to, sum + run, place);
    }}
}}
"
    )
}
