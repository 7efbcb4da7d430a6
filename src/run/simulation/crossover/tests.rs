use super::measure::measure_on;
use super::*;
use crate::base::volume::VoxelBox;
use crate::config::Config;
use crate::engine::compute::Backend;
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::gpu::GpuBackend;
use std::sync::LazyLock;
use std::time::Duration;

/// Makes the measurement of a GPU that starts in half a second and is ten times as fast as the CPU.
fn measured(adapter: &str) -> Measured {
    Measured {
        adapter: adapter.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        threads: rayon::current_num_threads(),
        start_seconds: 0.5,
        upload_bytes_per_second: 4e9,
        download_bytes_per_second: 2e9,
        gpu_per_second: 1e8,
        cpu_per_second: 1e7,
    }
}

fn work(shape: [usize; 3]) -> Work {
    /// Its point spread functions take long.
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        let region = VoxelBox {
            offset: [0; 3],
            shape: [1; 3],
        };
        Model::new(&Config::default(), region, 0).unwrap()
    });
    let mut model = MODEL.clone();
    model.volume.shape = shape;
    let contents = Contents {
        cells: 2,
        sheets: 1,
    };
    Work::new(&model, contents)
}

#[test]
fn the_start_is_worth_it_from_a_size_on() {
    let device = measured("Made-up");
    let small = device.decide(&work([8, 100, 100]));
    assert!(!small.gpu);
    for word in [
        "using the CPU",
        "0.080 million",
        "Made-up",
        "0.50 s of them",
        "--backend",
    ] {
        assert!(small.why.contains(word), "{word}: {}", small.why);
    }
    let large = device.decide(&work([150, 773, 739]));
    assert!(large.gpu);
    assert!(
        large.why.starts_with("using Made-up: 85.687 million"),
        "{}",
        large.why
    );
    // It changes once as the volume grows, where both times are equal.
    let depths = 1..2000;
    let choices: Vec<bool> = depths
        .map(|z| device.decide(&work([z, 100, 100])).gpu)
        .collect();
    let changes = choices.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 1);
    let slow_bus = Measured {
        upload_bytes_per_second: 1e6,
        ..device
    };
    assert!(
        !slow_bus.decide(&work([150, 773, 739])).gpu,
        "transfer counts"
    );
}

#[test]
fn the_cpu_needs_no_driver_to_be_chosen_for_little_work() {
    let mut cache = Cache::default();
    let tiny = work([4, 32, 32]);
    assert!(without_a_driver(&tiny, &cache).is_some_and(|decision| !decision.gpu));
    // Without a measurement nothing is known about more.
    let larger = work([20, 100, 100]);
    assert_eq!(without_a_driver(&larger, &cache), None);
    cache.keep(measured("Made-up"));
    let decision = without_a_driver(&larger, &cache);
    assert!(decision.is_some_and(|d| !d.gpu && d.why.contains("Made-up")));
    assert_eq!(without_a_driver(&work([256, 512, 512]), &cache), None);
}

#[test]
fn what_was_measured_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/there/yet/devices.toml");
    let mut cache = Cache::read(&path);
    cache.keep(measured("A"));
    cache.keep(measured("B"));
    cache.keep(Measured {
        start_seconds: 0.75,
        ..measured("A")
    });
    let cache = Cache::read(&path);
    assert_eq!(cache.of("A").unwrap().start_seconds, 0.75);
    assert_eq!(cache.of("B"), Some(&measured("B")));
    assert_eq!(cache.latest(), cache.of("A"));
    assert_eq!(cache.of("C"), None);
    // Nothing else is left beside the file.
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1
    );
}

#[test]
fn other_versions_and_threads_are_measured_anew() {
    let mut cache = Cache::default();
    let mut other = measured("A");
    other.threads += 1;
    cache.keep(other);
    assert_eq!((cache.of("A"), cache.latest()), (None, None));
    let mut other = measured("A");
    other.version = "0.0.0".into();
    cache.keep(other);
    assert_eq!((cache.of("A"), cache.latest()), (None, None));
}

#[test]
fn damaged_and_unwritable_caches_are_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("devices.toml");
    let mut good = Cache::read(&path);
    good.keep(measured("A"));
    let text = std::fs::read_to_string(&path).unwrap();
    let damaged = [
        String::new(),
        "\0\u{fffd}[[[".into(),
        text[..text.len() / 2].to_owned(),
        text.replace("format = 1", "format = 2"),
        text.replace("start_seconds = 0.5", "start_seconds = nan"),
        text.replace("gpu_per_second = 100000000.0", "gpu_per_second = -1.0"),
        text.replace("threads = ", "threads = -"),
    ];
    for damaged in damaged {
        assert_ne!(damaged, text);
        std::fs::write(&path, &damaged).unwrap();
        let mut cache = Cache::read(&path);
        assert_eq!(cache.latest(), None, "{damaged}");
        cache.keep(measured("B"));
        assert!(Cache::read(&path).of("B").is_some(), "{damaged}");
    }
    // A file where a folder should be.
    let mut nowhere = Cache::read(&path.join("devices.toml"));
    nowhere.keep(measured("C"));
    assert_eq!(nowhere.of("C"), Some(&measured("C")));
}

#[test]
fn an_adapter_can_be_measured() {
    let start = std::time::Instant::now();
    let mut gpu = match GpuBackend::open(None, true) {
        Ok(gpu) => gpu,
        Err(error) if std::env::var("SIMEXM_GPU").is_ok_and(|value| value == "require") => {
            panic!("SIMEXM_GPU=require, but: {error}")
        }
        Err(error) => {
            eprintln!("skipped: no GPU adapter ({error})");
            return;
        }
    };
    let opened = start.elapsed();
    let mut cpu = CpuBackend::new(64 << 20);
    // Small enough for an emulation.
    let small = [8, 48, 48];
    let name = gpu.name().to_owned();
    let measured = measure_on(&name, &mut gpu, opened, &mut cpu, small).unwrap();
    assert!(measured.is_sound() && measured.is_current(), "{measured:?}");
    assert!(measured.start_seconds > opened.as_secs_f64());
    let elapsed = start.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    assert!(measured.start_seconds < elapsed, "{measured:?}");
}
