//! Damaged files: opening and reading them ends in ids or in an error, never in a panic, an
//! endless loop or an allocation that the file's size does not warrant.

use std::fs;
use std::path::{Path, PathBuf};

use simexm_gpu::internals::io::read::open;

/// Mutations tried of every file.
const ROUNDS: u32 = 400;

/// Small, fast and repeatable: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

fn samples() -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut paths: Vec<_> = ["tiff", "npy"]
        .iter()
        .flat_map(|folder| {
            fs::read_dir(data.join(folder)).expect("the sample files are part of the project")
        })
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 80);
    paths
}

/// A gray PNG, written here.
fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 17, 20);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    let pixels: Vec<u8> = (0..680).map(|i| (i % 251) as u8).collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    drop(writer);
    bytes
}

/// A gray image of each other kind that a slice may be.
fn other_images() -> [(&'static str, Vec<u8>); 3] {
    use image::codecs::{bmp::BmpEncoder, webp::WebPEncoder};
    use image::{ExtendedColorType, ImageEncoder};
    let ids: Vec<u8> = (0..340).map(|i| (i % 251) as u8).collect();
    let grey: Vec<u8> = ids.iter().flat_map(|&id| [id; 3]).collect();
    let (mut bmp, mut webp) = (Vec::new(), Vec::new());
    BmpEncoder::new(&mut bmp)
        .write_image(&ids, 17, 20, ExtendedColorType::L8)
        .unwrap();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(&grey, 17, 20, ExtendedColorType::Rgb8)
        .unwrap();
    let pgm = [b"P5 17 20 255\n", ids.as_slice()].concat();
    [("s0.bmp", bmp), ("s0.pgm", pgm), ("s0.webp", webp)]
}

/// Changes a few bytes: bits, extreme values, neighbours copied over, or a cut.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        // Headers and directories lie at the ends of these files more often than not.
        let span = if random.below(2) == 0 {
            bytes.len().min(300)
        } else {
            bytes.len()
        };
        let at = random.below(span);
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = [0, 1, 2, 0x7f, 0x80, 0xff][random.below(6)],
            2 => bytes[at] = random.below(256) as u8,
            3 => {
                let run = (1 << random.below(4)).min(bytes.len() - at);
                bytes[at..at + run].fill([0, 0xff, 0x7f][random.below(3)]);
            }
            4 => {
                let from = random.below(bytes.len());
                let run = (1 + random.below(12)).min(bytes.len() - at.max(from));
                bytes.copy_within(from..from + run, at);
            }
            _ => {
                if random.below(4) == 0 {
                    bytes.truncate(1 + at);
                }
            }
        }
    }
}

fn read_all(path: &Path) -> Result<(), String> {
    let source = open(path, None).map_err(|error| error.to_string())?;
    let [depth, rows, columns] = source.shape();
    let mut reader = source.slices().map_err(|error| error.to_string())?;
    // A damaged size may be huge and still be consistent; a crop then reads a part of it.
    let (x, y) = (0..rows.min(64), 0..columns.min(64));
    let mut out = vec![0; x.len() * y.len()];
    for z in 0..depth.min(8) {
        reader
            .read(z, x.clone(), y.clone(), &mut out)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Peak of the memory that the process has touched, in kB; 0 where the system does not tell.
fn peak_kb() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let png_folder = folder.path().join("sequence");
    fs::create_dir(&png_folder).unwrap();
    let stack = folder.path().join("stack.tif");
    let mut random = Random(0x5eed);
    let before = peak_kb();
    let (mut read, mut refused) = (0u32, 0u32);
    let mut count = |result: Result<(), String>| match result {
        Ok(()) => read += 1,
        Err(message) => {
            assert!(
                message.contains("stack.tif") || message.contains("s0."),
                "{message}"
            );
            refused += 1;
        }
    };
    for sample in samples() {
        let whole = fs::read(&sample).unwrap();
        for _ in 0..ROUNDS {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            fs::write(&stack, &bytes).unwrap();
            count(read_all(&stack));
        }
    }
    let whole = png();
    for _ in 0..ROUNDS {
        let mut bytes = whole.clone();
        mutate(&mut bytes, &mut random);
        fs::write(png_folder.join("s0.png"), &bytes).unwrap();
        count(read_all(&png_folder));
    }
    for (name, whole) in other_images() {
        let sequence = folder.path().join(name.replace('.', "_"));
        fs::create_dir(&sequence).unwrap();
        for _ in 0..ROUNDS {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            fs::write(sequence.join(name), &bytes).unwrap();
            count(read_all(&sequence));
        }
    }
    // Both outcomes are common, or the mutations test nothing.
    assert!(
        read > 500 && refused > 500,
        "{read} read, {refused} refused"
    );
    assert!(peak_kb() - before < 300_000, "{} kB", peak_kb() - before);
}
