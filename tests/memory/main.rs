//! What a run takes of the host's memory: no more for a deeper volume, what was planned, and within
//! its budget.
#![cfg(target_os = "linux")]

#[path = "../../fuzz/src/allocator.rs"]
mod allocator;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use support::{Workplace, blocks};
use targets::TARGETS;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Peak of the resident memory of a run, in MB, which it prints.
fn peak_mb(workplace: &Workplace, args: &[&str]) -> f64 {
    let outcome = workplace.simulate(&[&["--force", "--threads", "2"], args].concat());
    let line = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with("memory"));
    let words: Vec<&str> = line
        .expect("a run tells its peak")
        .split_whitespace()
        .collect();
    words[1].parse().unwrap()
}

/// The peak that is planned for the CPU, in MB.
fn planned_mb(workplace: &Workplace, args: &[&str]) -> f64 {
    let all = [
        &[
            "plan",
            "config.toml",
            "--json",
            "--set",
            "compute.threads=2",
        ],
        args,
    ]
    .concat();
    let outcome = workplace.run(all).succeeded();
    let plan: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    plan["devices"][0]["cut"]["host_peak_bytes"]
        .as_f64()
        .unwrap()
        / 1e6
}

fn workplace(shape: [usize; 3]) -> Workplace {
    let workplace = Workplace::new();
    workplace.volume(shape, &blocks(shape));
    workplace
}

/// What the process holds apart from the run: that of a volume of a few voxels.
fn before_mb() -> f64 {
    peak_mb(&workplace([1, 8, 8]), &[])
}

#[test]
fn a_deeper_volume_takes_no_more() {
    let [shallow, deep] = [100, 500].map(|depth| peak_mb(&workplace([depth, 300, 280]), &[]));
    assert!(deep <= 1.15 * shallow, "{deep} MB against {shallow} MB");
}

#[test]
fn the_peak_is_the_planned_one() {
    let workplace = workplace([90, 400, 380]);
    let before = before_mb();
    for budget in ["8GB", "120M"] {
        let args = ["--memory", budget];
        let (planned, peak) = (planned_mb(&workplace, &args), peak_mb(&workplace, &args));
        let taken = peak - before;
        assert!(
            (taken - planned).abs() <= 0.15 * planned,
            "within {budget}: {planned} MB were planned, {taken} MB taken ({before} MB before)"
        );
    }
}

/// Inputs that the fuzzer starts from, and those that it has found, end in a result or in an error,
/// within the memory that they are worth.
#[test]
fn the_fuzzers_corpus_is_read() {
    // What is counted stays on its thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let _pool = pool.use_current_thread().build().unwrap();
    let mut inputs = 0;
    for target in TARGETS {
        let folder = tempfile::tempdir().unwrap();
        for input in target.seeds().into_iter().chain(target.corpus()) {
            target.bounded(&input, folder.path());
            inputs += 1;
        }
    }
    assert!(inputs > 150, "{inputs}");
}

/// Runs a command to its end; returns its exit code, what it told, and the peak of its resident
/// memory in MB.
fn watched(mut command: std::process::Command) -> (Option<i32>, String, f64) {
    use std::io::Read;
    let piped = std::process::Stdio::piped;
    command.stdout(std::process::Stdio::null()).stderr(piped());
    let mut child = command.spawn().unwrap();
    let mut peak = 0.0f64;
    let status = loop {
        // It only grows: what was seen last is short of the end by little.
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0.0) / 1e3);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    (status.code(), told, peak)
}

/// A small file of an image with 16000 x 12000 pixels, all of them 0, as a slice of a folder.
fn bomb(kind: &str, path: &std::path::Path) {
    use std::io::Write;
    const ROWS: u32 = 16_000;
    const COLUMNS: u32 = 12_000;
    let row = vec![0u8; COLUMNS as usize + 1];
    let rows = |out: &mut dyn Write, bytes: usize| {
        (0..ROWS).for_each(|_| out.write_all(&row[..bytes]).unwrap());
    };
    let zlib = |bytes: usize| {
        let level = flate2::Compression::new(6);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
        rows(&mut zlib, bytes);
        zlib.finish().unwrap()
    };
    let tiff = |compression: u32, data: Vec<u8>| {
        let length = data.len() as u32;
        let tags = [
            (256, COLUMNS),
            (257, ROWS),
            (258, 8),
            (259, compression),
            (262, 1),
            (273, 8),
            (277, 1),
            (278, ROWS),
            (279, length),
        ];
        let mut bytes = [&b"II*\0"[..], &(8 + length).to_le_bytes(), &data].concat();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            bytes.extend(u16::to_le_bytes(tag));
            bytes.extend([4, 0, 1, 0, 0, 0]);
            bytes.extend(u32::to_le_bytes(value));
        }
        bytes.extend([0; 4]);
        bytes
    };
    let bytes = match kind {
        "deflate" => tiff(8, zlib(row.len() - 1)),
        "zstd" => {
            let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
            rows(&mut zstd, row.len() - 1);
            tiff(50_000, zstd.finish().unwrap())
        }
        "packbits" => tiff(32_773, [0x81, 0].repeat((ROWS * COLUMNS / 128) as usize)),
        "png" => {
            let chunk = |name: &[u8; 4], data: &[u8]| {
                let named = [&name[..], data].concat();
                let sum = crc32fast::hash(&named).to_be_bytes();
                [&(data.len() as u32).to_be_bytes()[..], &named, &sum].concat()
            };
            let size = [COLUMNS.to_be_bytes(), ROWS.to_be_bytes()].concat();
            [
                b"\x89PNG\r\n\x1a\n".to_vec(),
                chunk(b"IHDR", &[&size[..], &[8, 0, 0, 0, 0]].concat()),
                chunk(b"IDAT", &zlib(row.len())),
                chunk(b"IEND", b""),
            ]
            .concat()
        }
        "bmp" => {
            // Run lengths, and a palette of one colour.
            let numbers = [
                62,
                0,
                58,
                40,
                COLUMNS,
                ROWS,
                1 | 8 << 16,
                1,
                0,
                0,
                0,
                1,
                0,
                0,
            ];
            let numbers = numbers.map(u32::to_le_bytes).concat();
            [&b"BM"[..], &numbers, &[0, 1]].concat()
        }
        _ => {
            // The size in 14 bits each, less 1.
            let size = (COLUMNS - 1) | (ROWS - 1) << 14;
            let image = [&[0x2f][..], &size.to_le_bytes(), &[0; 5]].concat();
            let length = image.len() as u32;
            let chunk = [&b"VP8L"[..], &length.to_le_bytes(), &image].concat();
            let length = 4 + chunk.len() as u32;
            [&b"RIFF"[..], &length.to_le_bytes(), b"WEBP", &chunk].concat()
        }
    };
    std::fs::write(path, bytes).unwrap();
}

/// Small files of large images end within the budget, whatever compresses them: refused, or read
/// piece by piece where only a part is asked for.
#[test]
fn images_larger_than_the_budget_are_refused_unread() {
    const BUDGET: f64 = 100.0;
    for (kind, name, reads_parts) in [
        ("deflate", "s0.tif", true),
        // Its stream may look back on more than the budget.
        ("zstd", "s0.tif", false),
        ("packbits", "s0.tif", true),
        ("png", "s0.png", true),
        ("bmp", "s0.bmp", false),
        ("webp", "s0.webp", false),
    ] {
        let workplace = Workplace::new();
        std::fs::create_dir(workplace.path("input")).unwrap();
        bomb(kind, &workplace.path("input").join(name));
        for (bounds, fits) in [("", false), ("bounds = [1, 40, 40]\n", reads_parts)] {
            let offset = if bounds.is_empty() {
                ""
            } else {
                "offset = [0, 9000, 7000]\n"
            };
            let keys = format!("\"input\"\n{bounds}{offset}");
            workplace.configure(&[
                ("\"cells.tif\"", &keys),
                ("focal_plane_depth = 320", "focal_plane_depth = 40"),
            ]);
            let args = [
                "config.toml",
                "--force",
                "--threads",
                "2",
                "--memory",
                "100MB",
            ];
            let (code, told, peak) = watched(workplace.command(args));
            println!("{kind} {bounds:?}: {code:?}, {peak:.0} MB");
            assert!(
                peak <= BUDGET + 64.0,
                "{kind} {bounds:?}: {peak} MB, {told}"
            );
            let wanted = if fits { 0 } else { 1 };
            assert_eq!(code, Some(wanted), "{kind} {bounds:?}: {told}");
            assert_eq!(told.contains("--memory"), !fits, "{told}");
        }
    }
}
