//! Tables of the measurements: as text here, as HTML in [`super::html`].

use super::file::{BenchFile, Crossing, Crossover, DeviceFacts, RunFacts, Side, Spread};
use super::verdicts::{Row, Verdict, results};
use super::{Size, TOLD};

/// Table of words and numbers.
#[derive(Clone, Debug)]
pub(super) struct TextTable {
    /// Title above the table.
    pub(super) title: String,
    /// Heads of the columns.
    pub(super) header: Vec<String>,
    /// Number of the first columns, which hold words; the others hold numbers.
    pub(super) words: usize,
    /// The rows.
    pub(super) rows: Vec<Vec<String>>,
}

/// Writes tables as text, with blank lines between them.
pub(super) fn blocks(tables: &[TextTable]) -> String {
    let tables: Vec<String> = tables.iter().map(TextTable::text).collect();
    tables.join("\n")
}

impl TextTable {
    fn text(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in lines() {
            let mut shown = String::new();
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                shown += &if column < self.words {
                    format!("  {cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                };
            }
            text += shown.trim_end();
            text.push('\n');
        }
        text
    }
}

/// Writes a number with three significant digits.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let before = value.abs().log10().floor() as i32;
    let after = (2 - before).clamp(0, 9) as usize;
    format!("{value:.after$}")
}

/// Writes a time in the unit that suits it.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{} s", digits(s)),
        s if s >= 1e-3 => format!("{} ms", digits(s * 1e3)),
        s => format!("{} us", digits(s * 1e6)),
    }
}

fn spread(spread: &Spread) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(time);
    format!("{median} ({min} - {max})")
}

fn short_name(device: &DeviceFacts) -> String {
    match &device.adapter {
        None => "CPU".to_owned(),
        Some(adapter) => {
            let name = adapter.name.split(" (").next();
            name.unwrap_or(&adapter.name).to_owned()
        }
    }
}

/// Shortens names for the heads of columns by their brackets, unless two would then be the same.
pub(super) fn short_names(devices: &[DeviceFacts]) -> Vec<String> {
    let short: Vec<String> = devices.iter().map(short_name).collect();
    let same = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
    let names = devices.iter().zip(&short);
    names
        .map(|(device, name)| if same(name) { &device.name } else { name }.clone())
        .collect()
}

fn dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".to_owned())
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Describes the measurement in lines of a name and a value.
pub(super) fn head(file: &BenchFile) -> Vec<(&'static str, String)> {
    let machine = &file.machine;
    let cpu = machine.cpu.as_deref().unwrap_or("unknown CPU");
    let cores = machine.cores.map(|cores| format!(", {cores} cores"));
    let memory = machine.memory_bytes;
    let memory = memory.map(|bytes| format!(", {} GB", digits(bytes as f64 / 1e9)));
    let settings = &file.settings;
    let plural = if settings.repeat == 1 { "" } else { "s" };
    let load = machine
        .load
        .map(|load| format!(", {:.0} % busy", 100.0 * load));
    let mut lines = vec![
        (
            "headline",
            headline(file).unwrap_or_else(|| "no whole run".to_owned()),
        ),
        (
            "program",
            format!(
                "simexm-gpu {}, wgpu {}",
                file.program.version, file.program.wgpu
            ),
        ),
        (
            "machine",
            format!(
                "{cpu} ({}){}, {} threads{}, {}{}",
                machine.architecture,
                cores.unwrap_or_default(),
                machine.threads,
                memory.unwrap_or_default(),
                machine.os,
                load.unwrap_or_default()
            ),
        ),
        (
            "measured",
            format!(
                "medians (least - largest) of {} run{plural} after one to warm up",
                settings.repeat
            ),
        ),
    ];
    if let Some(date) = &file.measured {
        lines.insert(1, ("date", date.clone()));
    }
    lines
}

/// What one would say of it in a line: the speed of whole runs of the first job on each device, at
/// the largest size that all have, and how much slower the others are than the fastest.
fn headline(file: &BenchFile) -> Option<String> {
    let devices = || file.devices.iter().filter(|device| !device.runs.is_empty());
    let job = &devices().next()?.runs.first()?.job;
    let run = |device: &'_ DeviceFacts, size: &str| -> Option<f64> {
        let mut runs = device.runs.iter();
        let run = runs.find(|run| run.job == *job && run.size == size)?;
        Some(run.voxels_per_second)
    };
    let size = file.sizes.iter().rev().map(|size| &size.name);
    let size = { size }.find(|size| devices().all(|device| run(device, size).is_some()))?;
    let names = short_names(&file.devices);
    let named = file.devices.iter().zip(names);
    let mut speeds: Vec<(String, f64)> = named
        .filter_map(|(device, name)| Some((name, run(device, size)?)))
        .collect();
    speeds.sort_by(|a, b| b.1.total_cmp(&a.1));
    let fastest = speeds.first()?.1;
    let said: Vec<String> = speeds
        .iter()
        .enumerate()
        .map(|(place, (name, speed))| {
            let slower = match place {
                0 => String::new(),
                _ => format!(" ({})", ratio(fastest / speed)),
            };
            format!("{name} {} Mvoxel/s{slower}", digits(speed / 1e6))
        })
        .collect();
    Some(format!("{} - whole runs, {job}, {size}", said.join(", ")))
}

/// How one time compares to another, by the first over the second, in words.
pub(super) fn ratio(times: f64) -> String {
    match times {
        times if !times.is_finite() || times <= 0.0 => "-".to_owned(),
        times if (0.995..1.005).contains(&times) => "as fast".to_owned(),
        times if times >= 1.0 => format!("{} x slower", two_digits(times)),
        times => format!("{} x faster", two_digits(1.0 / times)),
    }
}

fn two_digits(times: f64) -> String {
    match times {
        times if times < 1.1 => format!("{times:.2}"),
        times if times < 10.0 => format!("{times:.1}"),
        times => format!("{times:.0}"),
    }
}

/// What is to be told of times that vary: the job that does most.
pub(super) fn spread_warning(device: &DeviceFacts) -> Option<String> {
    // Runs of the least size are over before a clock that changes has.
    let runs = device
        .runs
        .iter()
        .filter(|run| run.size != Size::Tiny.name());
    let worst = runs.max_by(|a, b| a.seconds.share().total_cmp(&b.seconds.share()))?;
    let share = worst.seconds.share();
    (share > TOLD).then(|| {
        format!(
            "{}: times of {}, {} vary by {:.0} per cent: other programs run, or clocks change; measure again in a quiet \
             minute, with a larger --repeat",
            device.name,
            worst.job,
            worst.size,
            100.0 * share
        )
    })
}

/// Makes all tables of a file.
pub(super) fn tables(file: &BenchFile) -> Vec<TextTable> {
    let mut tables = vec![device_table(file), run_table(file)];
    tables.extend(crossover_table(file));
    tables.extend(file.devices.iter().filter_map(|d| pass_table(file, d)));
    tables
}

fn device_table(file: &BenchFile) -> TextTable {
    let row = |device: &DeviceFacts| {
        let start = device.startup.as_ref();
        let adapter = device.adapter.as_ref();
        vec![
            device.name.clone(),
            dash(adapter.map(|a| a.backend.clone())),
            dash(adapter.map(|a| a.driver.clone())),
            dash(
                device
                    .limits
                    .as_ref()
                    .map(|limits| digits(limits.wanted_bytes as f64 / 1e9)),
            ),
            dash(start.map(|s| time(s.open_seconds))),
            dash(start.map(|s| time(s.pipelines_seconds))),
            dash(device.copy_bytes_per_second.map(|rate| digits(rate / 1e9))),
        ]
    };
    TextTable {
        title: "Devices: start-up, and copies in their own memory".to_owned(),
        header: strings(&[
            "device",
            "API",
            "driver",
            "memory, GB",
            "open",
            "pipelines",
            "copy, GB/s",
        ]),
        words: 3,
        rows: file.devices.iter().map(row).collect(),
    }
}

fn run_table(file: &BenchFile) -> TextTable {
    let mut keys: Vec<&RunFacts> = Vec::new();
    for run in file.devices.iter().flat_map(|device| &device.runs) {
        if !keys.iter().any(|k| k.job == run.job && k.size == run.size) {
            keys.push(run);
        }
    }
    let row = |key: &&RunFacts| {
        let mut cells = vec![
            key.job.clone(),
            key.size.clone(),
            digits(key.voxels as f64 / 1e6),
        ];
        let run = |device: &'_ DeviceFacts| -> Option<Spread> {
            let mut runs = device.runs.iter();
            let run = runs.find(|r| r.job == key.job && r.size == key.size)?;
            Some(run.seconds)
        };
        let times: Vec<Option<Spread>> = file.devices.iter().map(run).collect();
        let all = times.iter().flatten().map(|seconds| seconds.median);
        let fastest = all.fold(f64::INFINITY, f64::min);
        let show = |seconds: Spread| match seconds.median > fastest {
            true => format!("{}, {}", spread(&seconds), ratio(seconds.median / fastest)),
            false => spread(&seconds),
        };
        cells.extend(times.iter().map(|seconds| dash(seconds.map(show))));
        cells
    };
    let names = short_names(&file.devices);
    TextTable {
        title: "Whole runs, from labels in memory to grey values in memory".to_owned(),
        header: strings(&["job", "size", "Mvoxels"])
            .into_iter()
            .chain(names)
            .collect(),
        words: 2,
        rows: keys.iter().map(row).collect(),
    }
}

/// Makes the table of passes at the largest size. A pass of several jobs is shown in the first of
/// them.
fn pass_table(file: &BenchFile, device: &DeviceFacts) -> Option<TextTable> {
    let sizes = file.sizes.iter().rev().map(|size| &size.name);
    let size = { sizes }.find(|size| device.runs.iter().any(|run| run.size == **size))?;
    let mut seen: Vec<&str> = Vec::new();
    let mut rows = Vec::new();
    let runs = device.runs.iter().filter(|run| run.size == *size);
    for (number, run) in runs.enumerate() {
        let first = number == 0;
        for pass in &run.passes {
            if seen.contains(&pass.pass.as_str()) {
                continue;
            }
            seen.push(&pass.pass);
            let rate = |rate: Option<f64>, unit: f64| dash(rate.map(|rate| digits(rate / unit)));
            let name = match first {
                true => pass.pass.clone(),
                false => format!("{} ({})", pass.pass, run.job),
            };
            rows.push(vec![
                pass.stage.clone(),
                name,
                dash(pass.seconds.as_ref().map(spread)),
                rate(pass.voxels_per_second, 1e6),
                rate(pass.bytes_per_second, 1e9),
                rate(pass.share_of_copy, 1e-2),
                pass.calls.to_string(),
            ]);
        }
    }
    if rows.is_empty() {
        return None;
    }
    Some(TextTable {
        title: format!("Passes on {}, {size}", short_name(device)),
        header: strings(&[
            "stage",
            "pass",
            "time",
            "Mvoxels/s",
            "GB/s",
            "% of copy",
            "calls",
        ]),
        words: 2,
        rows,
    })
}

/// Makes the table of sizes from which on GPUs are faster than the CPU.
fn crossover_table(file: &BenchFile) -> Option<TextTable> {
    let say = |crossing: &Crossing| match (crossing.voxels, crossing.faster_when_large) {
        (Some(voxels), Side::Gpu) => format!("from {} Mvoxels on", digits(voxels / 1e6)),
        (Some(voxels), Side::Cpu) => format!("only below {} Mvoxels", digits(voxels / 1e6)),
        (None, Side::Gpu) => "at all measured sizes".to_owned(),
        (None, Side::Cpu) => "at no measured size".to_owned(),
    };
    let row = |crossover: &Crossover| {
        vec![
            crossover.device.clone(),
            crossover.job.clone(),
            say(&crossover.further_runs),
            say(&crossover.first_run),
        ]
    };
    (!file.crossovers.is_empty()).then(|| TextTable {
        title: "Where CPU and GPU cross over".to_owned(),
        header: strings(&["device", "job", "faster than the CPU", "with its start-up"]),
        words: 4,
        rows: file.crossovers.iter().map(row).collect(),
    })
}

/// Writes the measurements as a report to read.
pub fn text(file: &BenchFile) -> String {
    let mut text = String::new();
    for (what, value) in head(file) {
        text += &format!("{what:<9} {value}\n");
    }
    text.push('\n');
    text += &blocks(&tables(file));
    let devices: Vec<&DeviceFacts> = file.devices.iter().collect();
    if devices.len() > 1 {
        let names = short_names(&file.devices);
        let (line, defects) = result_table(&results(&devices), &names);
        text += &format!("\n{line}\n");
        if let Some(table) = defects {
            text += &blocks(&[table]);
        }
    }
    for device in devices {
        if let Some(error) = &device.error {
            text += &format!("\n{} failed: {error}\n", device.name);
        }
    }
    text
}

/// Rows whose results are wrong somewhere, as a table; and one line about all of them.
pub(super) fn result_table(rows: &[Row], columns: &[String]) -> (String, Option<TextTable>) {
    let count = |verdict: Verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let (equal, within) = (count(Verdict::Equal), count(Verdict::Within));
    let defects: Vec<&Row> = rows.iter().filter(|row| row.verdict.is_defect()).collect();
    let mut line = format!(
        "{equal} of {} integer results are equal to the bit",
        rows.len()
    );
    if within > 0 {
        line += &format!(", {within} within rounding");
    }
    if defects.is_empty() {
        return (line + ".", None);
    }
    line += &format!("; {} DIFFER, which must not be:", defects.len());
    let header = ["job", "size", "stage", "result", "must be"];
    let row = |row: &&Row| {
        let must = match row.verdict {
            Verdict::Unequal => "equal",
            _ => "within rounding",
        };
        let cells = [&row.job, &row.size, &row.stage, &row.result].map(Clone::clone);
        let found = row.found.iter();
        let found = found.map(|found| found.clone().unwrap_or_else(|| "-".to_owned()));
        let cells = cells.into_iter().chain([must.to_owned()]);
        cells.chain(found).collect()
    };
    let table = TextTable {
        title: "Results that differ".to_owned(),
        header: header
            .map(ToOwned::to_owned)
            .into_iter()
            .chain(columns.iter().cloned())
            .collect(),
        words: header.len(),
        rows: defects.iter().map(row).collect(),
    };
    (line, Some(table))
}
