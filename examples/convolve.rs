//! Blurs a volume of photons with a point spread function, by the passes of a run, and tells how long that took.
//!
//! ```text
//! cargo run --release --example convolve -- PHOTONS.npy OCTANT.npy BLURRED.npy [cpu|gpu] [--ask]
//! ```
//!
//! PHOTONS is an array of float32 (z, x, y); OCTANT holds the kernel's 16 x 16 x 16 values from its centre
//! outwards as float64; BLURRED is written as uint32, whole photons. "gpu" is the first adapter, a software one if
//! there is no other. With `--ask` nothing happens until a line comes on standard input; each one asks for
//! another convolution, which is how `benches/peers/convolution.py` takes turns with other libraries.
//!
//! Each convolution prints a line of JSON: `seconds` from array to array, and for each pass its seconds (null where
//! the device cannot tell) and the bytes that it had to move.

use npyz::{NpyFile, Order, WriterBuilder};
use serde_json::json;
use simexm_gpu::engine::compute::Backend;
use simexm_gpu::engine::compute::cpu::CpuBackend;
use simexm_gpu::engine::compute::gpu::GpuBackend;
use simexm_gpu::engine::convolution::Convolution;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let ask = args.iter().position(|arg| arg == "--ask");
    let ask = ask.map(|at| args.remove(at)).is_some();
    let ([input, kernel, output], device) = match &args[..] {
        [input, kernel, output] => ([input, kernel, output], "cpu"),
        [input, kernel, output, device] => ([input, kernel, output], device.as_str()),
        _ => return Err("PHOTONS.npy OCTANT.npy BLURRED.npy [cpu|gpu] [--ask]".into()),
    };
    let (shape, photons) = read::<f32>(input)?;
    let (_, octant) = read::<f64>(kernel)?;
    let mut backend: Box<dyn Backend> = match device {
        "cpu" => Box::new(CpuBackend::new(384 << 20)),
        "gpu" => Box::new(GpuBackend::open(None, true)?),
        other => return Err(format!("\"{other}\" is neither cpu nor gpu").into()),
    };
    let mut convolution = Convolution::new(backend.as_mut(), &octant, shape)?;
    let mut blurred = Vec::new();
    if ask {
        let name = convolution.backend().name().to_owned();
        println!("{}", json!({ "device": name }));
        for line in std::io::stdin().lock().lines() {
            line?;
            blurred = timed(&mut convolution, &photons)?;
        }
    } else {
        blurred = timed(&mut convolution, &photons)?;
    }
    write(output, shape, blurred)
}

/// A convolution, and the line that tells about it.
fn timed(convolution: &mut Convolution<'_>, photons: &[f32]) -> Result<Vec<u32>, Box<dyn Error>> {
    let before = convolution.backend().kernel_times();
    let start = Instant::now();
    let blurred = convolution.run(photons)?;
    let seconds = start.elapsed().as_secs_f64();
    let passes = convolution.backend().kernel_times();
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

/// Shape and values of an array with three axes in C order.
fn read<T: npyz::Deserialize>(path: &str) -> Result<([usize; 3], Vec<T>), Box<dyn Error>> {
    let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let array = NpyFile::new(BufReader::new(file)).map_err(|error| format!("{path}: {error}"))?;
    let (order, shape) = (array.order(), array.shape().to_vec());
    let &[z, x, y] = &shape[..] else {
        return Err(format!("{path} has the shape {shape:?}; three axes are wanted").into());
    };
    if order != Order::C {
        return Err(format!("{path} is in Fortran order; C order is wanted").into());
    }
    let values = array
        .into_vec()
        .map_err(|error| format!("{path}: {error}"))?;
    Ok(([z, x, y].map(|size| size as usize), values))
}

fn write(path: &str, shape: [usize; 3], values: Vec<u32>) -> Result<(), Box<dyn Error>> {
    let file = File::create(path).map_err(|error| format!("{path}: {error}"))?;
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape.map(|size| size as u64))
        .writer(BufWriter::new(file))
        .begin_nd()?;
    writer.extend(values)?;
    Ok(writer.finish()?)
}
