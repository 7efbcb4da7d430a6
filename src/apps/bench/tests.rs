//! Devices that fail, and copies.

use super::file::{DeviceFacts, Equality};
use super::verdicts::{Verdict, results};
use super::{BenchDevice, BenchOptions, Size, copy, measure, page, text};
use crate::base::progress::Observer;
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::gpu::GpuBackend;
use crate::engine::compute::{
    Backend, Buffer, BufferSpec, Command, ComputeError, KernelTime, Limits, Recording, Ticket,
};
use crate::run::simulation::{Silent, SimulationError, Watcher};
use std::time::Duration;

const QUICK: BenchOptions = BenchOptions {
    size: Some(Size::Tiny),
    repeat: 1,
    time: Duration::from_secs(600),
    size_time: Duration::from_secs(600),
    memory_bytes: u64::MAX,
};

/// CPU that fails when it meets a kernel.
struct Fragile {
    inner: CpuBackend,
    fails_at: &'static str,
}

impl Backend for Fragile {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    fn in_flight(&self) -> usize {
        1
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.inner.allocate(specs, poison)
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        let fatal = |command: &Command| matches!(command, Command::Dispatch { kernel, .. } if kernel.name == self.fails_at);
        if recording.commands.iter().any(fatal) {
            return Err(ComputeError::Device {
                device: "Fragile".to_owned(),
                reason: "the device was lost".to_owned(),
            });
        }
        self.inner.submit(recording)
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        self.inner.wait(ticket)
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.inner.kernel_times()
    }

    fn reset_times(&mut self) {
        self.inner.reset_times();
    }
}

fn fragile(fails_at: &'static str) -> BenchDevice {
    BenchDevice {
        name: format!("fails at {fails_at}"),
        open: Box::new(move || {
            let inner = CpuBackend::new(64 << 20);
            Ok(Box::new(Fragile { inner, fails_at }))
        }),
        ..BenchDevice::cpu()
    }
}

#[test]
fn a_device_that_fails_is_told_of_and_the_others_go_on() {
    let refused = BenchDevice {
        name: "cannot be opened".to_owned(),
        open: Box::new(|| Err(ComputeError::NoAdapter("unplugged".to_owned()))),
        ..BenchDevice::cpu()
    };
    let devices = vec![
        refused,
        fragile("emit"),
        fragile("magnify"),
        BenchDevice::cpu(),
    ];
    let file = measure(devices, QUICK, &mut Silent, &mut |_| Ok(())).unwrap();
    let [refused, early, midway, cpu] = &file.devices[..] else {
        panic!("four devices");
    };
    assert_eq!(refused.error.as_deref(), Some("unplugged"));
    assert!(refused.limits.is_none() && refused.startup.is_none());
    assert!(early.limits.is_some() && early.startup.is_none());
    // Earlier measurements stay.
    assert_eq!((midway.runs.len(), cpu.runs.len()), (1, 4));
    let error = midway.error.as_deref().unwrap();
    assert!(error.contains("the device was lost"), "{error}");
    assert_eq!(cpu.error, None);
    assert!(!file.is_sound());
    for shown in [text(&file), page(&file)] {
        assert!(
            shown.contains("cannot be opened failed: unplugged"),
            "{shown}"
        );
        assert!(shown.contains("the device was lost"), "{shown}");
    }
}

/// Returns the verdict on the first result of this kind of two runs of the CPU, of which the second
/// was tampered with.
fn verdict_on(equality: Equality, tamper: fn(&mut super::file::Checksum)) -> Verdict {
    let file = measure(
        vec![BenchDevice::cpu()],
        QUICK,
        &mut Silent,
        &mut |_| Ok(()),
    )
    .unwrap();
    let right: DeviceFacts = file.devices[0].clone();
    let mut other = right.clone();
    let checksums = other.runs.iter_mut().flat_map(|run| &mut run.checksums);
    let mut of_kind = checksums.filter(|checksum| checksum.equality == equality);
    tamper(of_kind.next().unwrap());
    let rows = results(&[&right, &other]);
    let unlike = |row: &&super::compare::Row| row.verdict != Verdict::Equal;
    rows.iter()
        .find(unlike)
        .map_or(Verdict::Equal, |row| row.verdict)
}

#[test]
fn results_are_judged_by_how_well_devices_must_agree() {
    let other = |checksum: &mut super::file::Checksum| checksum.crc32 = "00000000".to_owned();
    assert_eq!(verdict_on(Equality::Exact, |_| {}), Verdict::Equal);
    assert_eq!(verdict_on(Equality::Exact, other), Verdict::Unequal);
    assert_eq!(verdict_on(Equality::Rounding, other), Verdict::Within);
    let far = verdict_on(Equality::Rounding, |checksum| {
        checksum.crc32 = "00000000".to_owned();
        checksum.sum = Some(checksum.sum.unwrap() + checksum.sum_bound.unwrap() + 1);
    });
    assert_eq!(far, Verdict::Beyond);
}

#[test]
fn numbers_have_three_digits_and_devices_short_names() {
    let values = [0.032_768, 0.524, 3.15, 16.8, 123.4, 1805.2, 0.0];
    let shown = values.map(super::table::digits);
    let expected = ["0.0328", "0.524", "3.15", "16.8", "123", "1805", "0"];
    assert_eq!(shown, expected);
    let times = [2.5, 0.0125, 3.25e-5].map(super::table::time);
    assert_eq!(times, ["2.50 s", "12.5 ms", "32.5 us"]);
    let device = |name: &str| DeviceFacts {
        name: format!("{name} (vulkan, discrete GPU)"),
        adapter: Some(super::file::AdapterFacts {
            name: name.to_owned(),
            backend: "vulkan".to_owned(),
            driver: String::new(),
            kind: "discrete GPU".to_owned(),
        }),
        limits: None,
        startup: None,
        copy_bytes_per_second: None,
        runs: Vec::new(),
        error: None,
    };
    let devices = ["Arc (DG2)", "RTX", "Radeon (A)", "Radeon (B)"].map(device);
    let names = super::table::short_names(&devices);
    let radeon = |which: &str| format!("Radeon ({which}) (vulkan, discrete GPU)");
    assert_eq!(names, ["Arc", "RTX", &radeon("A"), &radeon("B")]);
}

#[test]
fn copies_arrive_and_have_a_bandwidth() {
    let mut backends: Vec<Box<dyn Backend>> = vec![Box::new(CpuBackend::new(64 << 20))];
    match GpuBackend::open(None, true) {
        Ok(gpu) => backends.push(Box::new(gpu)),
        Err(error) => eprintln!("without a GPU: {error}"),
    }
    for mut backend in backends {
        let spec = |words| BufferSpec {
            name: "words".to_owned(),
            words,
        };
        backend.allocate(&[spec(5), spec(4)], true).unwrap();
        let mut recording = Recording::default();
        recording.write(Buffer(0), 0, vec![1, 2, 3, 4, 5]);
        recording.write(Buffer(1), 0, vec![9; 4]);
        recording.copy(Buffer(0), Buffer(1), 3);
        recording.read(Buffer(1), 0..4);
        let ticket = backend.submit(recording).unwrap();
        assert_eq!(backend.wait(ticket).unwrap(), [[1, 2, 3, 9]]);
        let rate = copy::bandwidth(backend.as_mut(), 1 << 20).unwrap();
        assert!((1e6..1e13).contains(&rate), "{}: {rate}", backend.name());
    }
}

/// A device that never comes back, as while a driver compiles for ever.
fn hung() -> BenchDevice {
    BenchDevice {
        name: "hung".to_owned(),
        adapter: None,
        open: Box::new(|| {
            loop {
                std::thread::park();
            }
        }),
    }
}

#[test]
fn a_device_that_does_not_come_back_is_left_behind() {
    let options = BenchOptions {
        time: Duration::from_millis(300),
        ..QUICK
    };
    let mut written = Vec::new();
    let file = measure(vec![hung()], options, &mut Silent, &mut |file| {
        written.push(file.devices.len());
        Ok(())
    });
    let file = file.unwrap();
    let error = file.devices[0].error.clone().unwrap();
    assert!(
        error.contains("--time-limit") && error.contains("still busy"),
        "{error}"
    );
    // What the others have is written as soon as it is there.
    let done = &mut |file: &super::file::BenchFile| {
        written.push(file.devices.len());
        Ok(())
    };
    measure(
        vec![BenchDevice::cpu(), fragile("emit")],
        QUICK,
        &mut Silent,
        done,
    )
    .unwrap();
    assert_eq!(written, [1, 1, 2]);
}

/// CPU with little memory.
struct Small {
    inner: CpuBackend,
    /// Words of the largest buffer that it has for a run; copies go between two.
    most: usize,
}

impl Backend for Small {
    fn name(&self) -> &str {
        "Small"
    }

    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    fn in_flight(&self) -> usize {
        self.inner.in_flight()
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        let refused = specs.iter().find(|spec| spec.words > self.most);
        if let Some(spec) = refused.filter(|_| specs.len() > 2) {
            return Err(ComputeError::OutOfMemory {
                device: "Small".to_owned(),
                bytes: spec.bytes(),
                reason: "it is small".to_owned(),
            });
        }
        self.inner.allocate(specs, poison)
    }

    fn submit(&mut self, recording: Recording) -> Result<Ticket, ComputeError> {
        self.inner.submit(recording)
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        self.inner.wait(ticket)
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        self.inner.kernel_times()
    }

    fn reset_times(&mut self) {
        self.inner.reset_times();
    }
}

/// Watcher that keeps what is told.
struct Told(Vec<String>);

impl Observer for Told {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watcher for Told {
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// Watcher that asks to stop once a device is measured.
struct Stopping(bool);

impl Observer for Stopping {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        self.0
    }
}

impl Watcher for Stopping {
    fn note(&mut self, text: &str) {
        self.0 |= text.starts_with("measuring");
    }
    fn warn(&mut self, _: &str) {}
}

#[test]
fn an_interrupt_ends_it_also_while_a_driver_compiles() {
    for device in [hung(), BenchDevice::cpu()] {
        let options = BenchOptions {
            size: Some(Size::Small),
            repeat: 1000,
            ..QUICK
        };
        let found = measure(vec![device], options, &mut Stopping(false), &mut |_| Ok(()));
        assert!(
            matches!(found, Err(SimulationError::Interrupted)),
            "{found:?}"
        );
    }
}

#[test]
fn a_limit_of_memory_is_kept_or_told() {
    let options = BenchOptions {
        memory_bytes: 1 << 20,
        ..QUICK
    };
    let file = measure(vec![BenchDevice::cpu()], options, &mut Silent, &mut |_| {
        Ok(())
    });
    let error = file.unwrap().devices[0].error.clone().unwrap();
    assert!(
        error.contains("--memory") || error.contains("memory"),
        "{error}"
    );
}

#[test]
fn a_device_too_small_for_a_size_ends_with_the_ones_before() {
    let small = |most: usize| BenchDevice {
        name: "small".to_owned(),
        open: Box::new(move || {
            let inner = CpuBackend::new(1 << 30);
            Ok(Box::new(Small { inner, most }))
        }),
        ..BenchDevice::cpu()
    };
    // Words of the largest buffer, which hold the first size alone, and none.
    let largest = Size::Tiny.shape().iter().product::<usize>();
    for (size, most, words) in [
        (None, 20 * largest, None),
        (None, 1, Some("out of memory")),
        (Some(Size::Small), 20 * largest, Some("out of memory")),
    ] {
        let options = BenchOptions { size, ..QUICK };
        let mut told = Told(Vec::new());
        let file = measure(vec![small(most)], options, &mut told, &mut |_| Ok(())).unwrap();
        let device = &file.devices[0];
        let error = device.error.as_deref();
        assert_eq!(error.is_some(), words.is_some(), "{size:?}: {error:?}");
        let words = words.unwrap_or("not all of small is measured");
        assert!(
            told.0.iter().any(|told| told.contains(words)),
            "{:?}",
            told.0
        );
        assert_eq!(file.is_sound(), error.is_none());
    }
}

#[test]
fn a_headline_says_how_fast_and_ratios_are_words() {
    use super::table::ratio;
    for (times, words) in [
        (7.93, "7.9 x slower"),
        (1.0 / 7.93, "7.9 x faster"),
        (23.4, "23 x slower"),
        (1.04, "1.04 x slower"),
        (1.0, "as fast"),
    ] {
        assert_eq!(ratio(times), words);
    }
    let mut file = measure(
        vec![BenchDevice::cpu()],
        QUICK,
        &mut Silent,
        &mut |_| Ok(()),
    )
    .unwrap();
    let mut slow = file.devices[0].clone();
    slow.name = "slow".to_owned();
    for run in &mut slow.runs {
        run.seconds.median *= 4.0;
        run.voxels_per_second /= 4.0;
    }
    file.devices.push(slow);
    let shown = text(&file);
    let headline = shown.lines().next().unwrap();
    for words in ["headline", "Mvoxel/s", "(4.0 x slower)", "brainbow, tiny"] {
        assert!(headline.contains(words), "{headline}");
    }
    assert!(shown.contains(file.measured.as_deref().unwrap()), "{shown}");
}
