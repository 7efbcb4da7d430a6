//! Blurs a volume of photons with a point spread function, by the passes of a run, and tells how
//! long that took.
//!
//! ```text
//! cargo run --release --example convolve -- Z,X,Y PHOTONS OCTANT BLURRED [cpu|gpu] [--ask]
//! ```
//!
//! The files hold plain values in the machine's order: PHOTONS a float32 for each voxel (z, x, y);
//! OCTANT the kernel's 16 x 16 x 16 values from its centre outwards as float64; BLURRED is written
//! as uint32, whole photons. "gpu" is the first adapter, a software one if there is no other. With
//! `--ask` nothing happens until a line comes on standard input; each one asks for another
//! convolution, which is how `benches/peers/convolution.py` takes turns with other libraries.
//!
//! Each convolution prints a line of JSON: `seconds` from array to array, and for each pass its
//! seconds (null where the device cannot tell) and the bytes that it had to move.

use serde_json::json;
use simexm_gpu::convolution::Convolution;
use simexm_gpu::device::Device;
use simexm_gpu::psf::{Psf, PsfShape};
use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let ask = args.iter().position(|arg| arg == "--ask");
    let ask = ask.map(|at| args.remove(at)).is_some();
    let ([shape, input, kernel, output], device) = match &args[..] {
        [shape, input, kernel, output] => ([shape, input, kernel, output], "cpu"),
        [shape, input, kernel, output, device] => ([shape, input, kernel, output], device.as_str()),
        _ => return Err("Z,X,Y PHOTONS OCTANT BLURRED [cpu|gpu] [--ask]".into()),
    };
    let sizes: Vec<usize> = shape.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let shape: [usize; 3] = sizes
        .try_into()
        .map_err(|_| "three sizes are wanted: Z,X,Y")?;
    let photons: Vec<f32> = read(input)?;
    let octant: Vec<f64> = read(kernel)?;
    let values = octant.iter().map(|&value| value as f32).collect();
    let psf = Psf::new(PsfShape::symmetric([15; 3]), values)
        .ok_or_else(|| format!("{kernel} holds {} values, not 16 x 16 x 16", octant.len()))?;
    if photons.len() != shape.iter().product::<usize>() {
        return Err(format!("{input} holds {} values, not {shape:?}", photons.len()).into());
    }
    let mut device = match device {
        "cpu" => Device::cpu(),
        "gpu" => Device::gpu(None, true)?,
        other => return Err(format!("\"{other}\" is neither cpu nor gpu").into()),
    };
    let name = device.name().to_owned();
    let mut convolution = Convolution::new(&mut device, &psf, shape)?;
    let mut blurred = Vec::new();
    if ask {
        println!("{}", json!({ "device": name }));
        for line in std::io::stdin().lock().lines() {
            line?;
            blurred = timed(&mut convolution, &photons)?;
        }
    } else {
        blurred = timed(&mut convolution, &photons)?;
    }
    fs::write(output, bytemuck::cast_slice::<u32, u8>(&blurred))?;
    Ok(())
}

/// A convolution, and the line that tells about it.
fn timed(convolution: &mut Convolution<'_>, photons: &[f32]) -> Result<Vec<u32>, Box<dyn Error>> {
    let before = convolution.passes();
    let start = Instant::now();
    let blurred = convolution.run(photons)?;
    let seconds = start.elapsed().as_secs_f64();
    let passes = convolution.passes();
    let passes = passes.into_iter().map(|mut pass| {
        // Times add up over the convolutions so far.
        if let Some(before) = before.iter().find(|before| before.kernel == pass.kernel) {
            pass.traffic.read -= before.traffic.read;
            pass.traffic.written -= before.traffic.written;
            pass.time = pass
                .time
                .zip(before.time)
                .map(|(after, before)| after - before);
        }
        let seconds = pass.time.map(|time| time.as_secs_f64());
        json!({ "pass": pass.kernel, "seconds": seconds, "bytes": pass.traffic.total() })
    });
    let passes: Vec<_> = passes.collect();
    println!("{}", json!({ "seconds": seconds, "passes": passes }));
    Ok(blurred)
}

/// The values of a file.
fn read<T: bytemuck::Pod>(path: &str) -> Result<Vec<T>, Box<dyn Error>> {
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(bytemuck::pod_collect_to_vec(&bytes))
}
