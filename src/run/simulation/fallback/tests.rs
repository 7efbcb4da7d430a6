//! Failures injected into a GPU that the CPU plays.

use super::*;
use crate::base::progress::Observer;
use crate::base::volume::VoxelBox;
use crate::config::Config;
use crate::engine::compute::cpu::CpuBackend;
use crate::engine::compute::{
    Backend, BufferSpec, Command, KernelTime, Limits, MemoryKind, Recording, Ticket,
};
use crate::io::read::{ArraySource, CellSource};
use crate::run::ground_truth::LoadedVolume;
use crate::run::journal::Journal;
use crate::run::pipeline::{NoCounts, Sink, SinkError, TruthSlices};
use crate::run::simulation::{Silent, Watcher};
use crate::run::store::SpillPolicy;
use ndarray::Array3;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Moment at which an opened device fails, if it does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Never,
    Opening,
    Allocating,
    Submitting(usize),
    Waiting(usize),
}

#[derive(Clone, Copy, Debug)]
enum How {
    Memory,
    Lost,
    Shader,
}

/// Script of the devices that are opened, one after the other, and a record of their use.
#[derive(Clone, Default)]
struct Play {
    faults: Arc<Mutex<VecDeque<(When, How)>>>,
    /// Record of each opened device.
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Requests to a device.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    buffer_bytes: u64,
    submissions: usize,
    written_words: usize,
}

struct Actor {
    cpu: CpuBackend,
    limits: Limits,
    fault: (When, How),
    play: Play,
    waits: usize,
}

impl Play {
    fn of(faults: &[(When, How)]) -> Self {
        let play = Self::default();
        play.faults.lock().unwrap().extend(faults);
        play
    }

    fn open(&self) -> Result<Box<dyn Backend>, ComputeError> {
        let fault = self.faults.lock().unwrap().pop_front();
        let fault = fault.unwrap_or((When::Never, How::Lost));
        let cpu = CpuBackend::new(1 << 30);
        if fault.0 == When::Opening {
            return Err(ComputeError::NoAdapter("it is gone".into()));
        }
        self.seen.lock().unwrap().push(Seen::default());
        Ok(Box::new(Actor {
            limits: Limits {
                residence: MemoryKind::Discrete,
                workgroup_bytes: 32 << 10,
                ..cpu.limits().clone()
            },
            cpu,
            fault,
            play: self.clone(),
            waits: 0,
        }))
    }

    fn device(&self) -> Device {
        let play = self.clone();
        Device::opened_by(Box::new(move || play.open())).unwrap()
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Actor {
    fn fails(&self, now: When) -> Result<(), ComputeError> {
        if self.fault.0 != now {
            return Ok(());
        }
        let (device, reason) = ("actor".to_owned(), "as the play wants".to_owned());
        Err(match self.fault.1 {
            How::Memory => ComputeError::OutOfMemory {
                device,
                bytes: 1,
                reason,
            },
            How::Lost => ComputeError::Lost { device, reason },
            How::Shader => ComputeError::Device { device, reason },
        })
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        if let Some(last) = self.play.seen.lock().unwrap().last_mut() {
            change(last);
        }
    }
}

impl Backend for Actor {
    fn name(&self) -> &str {
        "actor"
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn allocate(&mut self, specs: &[BufferSpec], poison: bool) -> Result<(), ComputeError> {
        self.note(|seen| seen.buffer_bytes = specs.iter().map(BufferSpec::bytes).sum());
        self.fails(When::Allocating)?;
        self.cpu.allocate(specs, poison)
    }

    fn submit(&mut self, recording: Recording<'_>) -> Result<Ticket, ComputeError> {
        self.note(|seen| {
            seen.submissions += 1;
            let words = |command: &Command<'_>| match command {
                Command::Write { data, .. } => data.len(),
                _ => 0,
            };
            seen.written_words += recording.commands.iter().map(words).sum::<usize>();
        });
        let submitted = self.play.seen().last().map_or(0, |seen| seen.submissions);
        self.fails(When::Submitting(submitted))?;
        self.cpu.submit(recording)
    }

    fn wait(&mut self, ticket: Ticket) -> Result<Vec<Vec<u32>>, ComputeError> {
        self.waits += 1;
        self.fails(When::Waiting(self.waits))?;
        self.cpu.wait(ticket)
    }

    fn kernel_times(&mut self) -> Vec<KernelTime> {
        Vec::new()
    }

    fn reset_times(&mut self) {}
}

/// Watcher that keeps its messages.
#[derive(Default)]
struct Diagnostics {
    warnings: Vec<String>,
}

impl Observer for Diagnostics {
    fn begin(&mut self, _: &str, _: usize) {}
    fn advance(&mut self, _: usize) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> bool {
        false
    }
}

impl Watcher for Diagnostics {
    fn note(&mut self, _: &str) {}
    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }
}

/// Sink that keeps all results.
#[derive(Default, PartialEq, Debug)]
struct Collected {
    /// Cells by fluorophore.
    truth: BTreeMap<usize, Vec<u32>>,
    /// Grey values by channel.
    grey: BTreeMap<usize, Vec<u8>>,
}

impl Sink for Collected {
    fn truth(&mut self, slices: TruthSlices<'_>) -> Result<(), SinkError> {
        let truth = self.truth.entry(slices.fluorophore).or_default();
        truth.extend(slices.cells);
        Ok(())
    }

    fn images(&mut self, _: usize, channels: &[&[u8]]) -> Result<(), SinkError> {
        for (channel, grey) in channels.iter().enumerate() {
            self.grey.entry(channel).or_default().extend(*grey);
        }
        Ok(())
    }
}

const SHAPE: [usize; 3] = [120, 24, 20];

/// Runs the default configuration on small tissue; returns the results, the warnings, and whether
/// the GPU made them.
fn run(
    device: &mut Device,
    deepest_slab: Option<usize>,
    journal: Option<&Journal>,
) -> (Result<Collected, SimulationError>, Vec<String>) {
    let cells = Array3::from_shape_fn(SHAPE, |(z, x, y)| 1 + (z / 6 + x / 5 + y / 4) as u32);
    let region = VoxelBox {
        offset: [0; 3],
        shape: SHAPE,
    };
    let folder = std::env::temp_dir();
    let aside = SpillPolicy::new(&folder);
    let source = CellSource::Merged(Box::new(ArraySource::new(cells.view())));
    let volume = LoadedVolume::load(&source, &[], region, aside, &mut Silent).unwrap();
    let model = Model::new(&Config::default(), region, 7).unwrap();
    let fallback = DeviceFallback {
        model: &model,
        input: Input {
            volume: &volume,
            counts: &NoCounts,
            aside,
            journal,
        },
        options: Options {
            deepest_slab,
            ..Options::default()
        },
        budgets: Budgets::default(),
        part: None,
        surveyed: None,
        brightest: None,
        keeps_gpu: false,
    };
    let mut told = Diagnostics::default();
    let mut log = RunLog::new(&mut told);
    let result = fallback.run(device, &mut log, |pipeline| {
        let mut sink = Collected::default();
        pipeline.run(&mut sink)?;
        Ok(sink)
    });
    (result, told.warnings)
}

/// Returns the results that every run must give.
fn undisturbed() -> Collected {
    let (result, warnings) = run(&mut Play::default().device(), None, None);
    assert_eq!(warnings, [""; 0]);
    let collected = result.unwrap();
    assert!(collected.grey.values().flatten().any(|&grey| grey > 0));
    collected
}

/// Runs on devices that fail like this; the results must be right all the same.
fn survives(faults: &[(When, How)]) -> (Vec<String>, Play, bool) {
    let play = Play::of(faults);
    let mut device = play.device();
    let (result, warnings) = run(&mut device, None, None);
    assert!(result.unwrap() == undisturbed(), "{faults:?}");
    (warnings, play, device.is_gpu())
}

/// Returns whether the second device was asked for about half of the first one's memory;
/// submissions under way are a part of the budget too.
fn is_half(seen: &[Seen]) -> bool {
    let (first, second) = (seen[0].buffer_bytes, seen[1].buffer_bytes);
    second > 0 && second <= first / 10 * 6
}

#[test]
fn out_of_memory_is_tried_again_with_half_of_it() {
    for when in [When::Allocating, When::Submitting(1), When::Waiting(1)] {
        let (warnings, play, gpu) = survives(&[(when, How::Memory)]);
        assert!(gpu);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("out of memory"), "{warnings:?}");
        assert!(warnings[0].contains("Once more with half"), "{warnings:?}");
        let seen = play.seen();
        assert_eq!(seen.len(), 2);
        assert!(is_half(&seen), "{seen:?}");
    }
}

#[test]
fn a_lost_device_is_opened_again() {
    let (warnings, play, gpu) = survives(&[(When::Waiting(1), How::Lost)]);
    assert!(gpu);
    assert!(warnings[0].contains("was lost"), "{warnings:?}");
    let seen = play.seen();
    assert!(is_half(&seen), "{seen:?}");
}

#[test]
fn the_cpu_goes_on_where_the_gpu_fails_twice() {
    for (first, second) in [(How::Memory, How::Memory), (How::Lost, How::Memory)] {
        let faults = [(When::Allocating, first), (When::Submitting(1), second)];
        let (warnings, _, gpu) = survives(&faults);
        assert!(!gpu);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(
            warnings[1].contains("the CPU does the work"),
            "{warnings:?}"
        );
    }
}

#[test]
fn the_cpu_goes_on_where_the_gpu_does_not_come_back() {
    let faults = [(When::Waiting(1), How::Lost), (When::Opening, How::Lost)];
    let (warnings, _, gpu) = survives(&faults);
    assert!(!gpu);
    assert!(warnings[1].contains("it is gone"), "{warnings:?}");
}

#[test]
fn the_cpu_goes_on_where_less_memory_would_not_help() {
    let (warnings, play, gpu) = survives(&[(When::Submitting(1), How::Shader)]);
    assert!(!gpu);
    assert_eq!((warnings.len(), play.seen().len()), (1, 1), "{warnings:?}");
}

#[test]
fn a_cpu_out_of_memory_is_tried_again_with_half_of_it() {
    let play = Play::of(&[(When::Allocating, How::Memory)]);
    let mut device = Device::without_opener(play.open().unwrap());
    // Nothing is opened again: the same device fails each time, and the user gets the error.
    let (result, warnings) = run(&mut device, None, None);
    assert!(matches!(
        result,
        Err(SimulationError::Compute(ComputeError::OutOfMemory { .. }))
    ));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Once more with half"), "{warnings:?}");
}

/// The finished slices of a device that fails are not made again by the next: it loads fewer
/// slices.
#[test]
fn what_is_finished_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let expected = undisturbed();
    let whole = Play::default();
    let journal = Journal::new(&folder.path().join("whole"), b"a run".to_vec());
    let result = run(&mut whole.device(), Some(30), Some(&journal));
    assert!(result.0.unwrap() == expected);
    // Steps of up to 30 slices survey the cells, and more of them make images: the last one fails.
    let whole = whole.seen()[0];
    let late = whole.submissions - 1;
    assert!(late >= 2 * 4, "{whole:?}");
    for how in [How::Memory, How::Lost, How::Shader] {
        let path = folder.path().join(format!("{how:?} at {late}"));
        let journal = Journal::new(&path, b"a run".to_vec());
        let play = Play::of(&[(When::Submitting(late), how)]);
        let (result, warnings) = run(&mut play.device(), Some(30), Some(&journal));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(result.unwrap() == expected, "failed at {late}");
        if let Some(second) = play.seen().get(1) {
            assert!(
                second.written_words < whole.written_words,
                "{late}: {second:?}, {whole:?}"
            );
        }
    }
}
