//! Comparison of several machines' files, or of the devices of one.

use super::file::{BenchFile, DeviceFacts};
use super::table::{TextTable, blocks, digits, ratio, result_table, time};
use super::verdicts::results;
pub use super::verdicts::{Row, Verdict};

impl BenchFile {
    /// True when no device failed, and no result differs where it must not.
    pub fn is_sound(&self) -> bool {
        let devices: Vec<&DeviceFacts> = self.devices.iter().collect();
        let differs = || results(&devices).iter().any(|row| row.verdict.is_defect());
        self.devices.iter().all(|device| device.error.is_none()) && !differs()
    }
}

/// Files side by side.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Report to read.
    pub text: String,
    /// Results that at least two devices have.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Returns true when no result differs where it must not.
    pub fn agrees(&self) -> bool {
        !self.rows.iter().any(|row| row.verdict.is_defect())
    }
}

/// Error of comparing files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// No job of one file is in another.
    #[error("there is nothing to compare: no two of the files measured the same size ({sizes})")]
    Nothing {
        /// Names of the files, with the sizes in them.
        sizes: String,
    },
}

/// Compares files, each with a name for the report.
///
/// # Errors
/// [`CompareError::Nothing`].
pub fn compare(files: &[(String, BenchFile)]) -> Result<Comparison, CompareError> {
    let runs_of = |file: &'_ BenchFile| -> Vec<(String, String)> {
        let runs = file.devices.iter().flat_map(|device| &device.runs);
        runs.map(|run| (run.job.clone(), run.size.clone()))
            .collect()
    };
    let shared = files.iter().enumerate().any(|(number, (_, file))| {
        let others = files[number + 1..].iter();
        let others: Vec<_> = others.flat_map(|(_, other)| runs_of(other)).collect();
        runs_of(file).iter().any(|run| others.contains(run))
    });
    if !shared {
        let sizes = |(name, file): &(String, BenchFile)| {
            let mut sizes: Vec<String> = runs_of(file).into_iter().map(|(_, size)| size).collect();
            sizes.dedup();
            let sizes = sizes.join(", ");
            let sizes = if sizes.is_empty() { "nothing" } else { &sizes };
            format!("{name}: {sizes}")
        };
        let sizes = files.iter().map(sizes).collect::<Vec<_>>().join("; ");
        return Err(CompareError::Nothing { sizes });
    }
    let devices: Vec<(&str, &BenchFile, &DeviceFacts)> = files
        .iter()
        .flat_map(|(name, file)| file.devices.iter().map(move |d| (name.as_str(), file, d)))
        .collect();
    let facts: Vec<&DeviceFacts> = devices.iter().map(|(_, _, device)| *device).collect();
    let numbers: Vec<String> = (1..=devices.len()).map(|n| format!("[{n}]")).collect();
    let mut text = String::new();
    for (number, (name, file, device)) in numbers.iter().zip(&devices) {
        let machine = &file.machine;
        let cpu = machine.cpu.as_deref().unwrap_or("unknown CPU");
        text += &format!("{number} {}  ({name})\n", device.name);
        let driver = device.adapter.as_ref().map(|a| format!("{}; ", a.driver));
        text += &format!(
            "    {}{cpu}, {}; simexm-gpu {}, wgpu {}\n",
            driver.unwrap_or_default(),
            machine.os,
            file.program.version,
            file.program.wgpu
        );
        if let Some(error) = &device.error {
            text += &format!("    failed: {error}\n");
        }
    }
    let versions: Vec<&str> = files
        .iter()
        .map(|(_, f)| f.program.version.as_str())
        .collect();
    if versions.windows(2).any(|pair| pair[0] != pair[1]) {
        text += "The versions of simexm-gpu differ: so may what it computes.\n";
    }
    let rows = results(&facts);
    let (line, defects) = result_table(&rows, &numbers);
    text.push('\n');
    text += &blocks(&[start_table(&facts, &numbers), time_table(&facts, &numbers)]);
    text += &format!("\n{line}\n");
    if let Some(table) = defects {
        text += &blocks(&[table]);
    }
    Ok(Comparison { text, rows })
}

fn titled(what: &[&str], numbers: &[String]) -> Vec<String> {
    let what = what.iter().map(|what| (*what).to_owned());
    what.chain(numbers.iter().cloned()).collect()
}

fn start_table(devices: &[&DeviceFacts], numbers: &[String]) -> TextTable {
    let row = |what: &str, value: &dyn Fn(&DeviceFacts) -> Option<String>| {
        let values = devices
            .iter()
            .map(|d| value(d).unwrap_or_else(|| "-".to_owned()));
        std::iter::once(what.to_owned()).chain(values).collect()
    };
    TextTable {
        title: "Start-up and memory".to_owned(),
        header: titled(&[""], numbers),
        words: 1,
        rows: vec![
            row("open (s)", &|d| {
                d.startup.as_ref().map(|s| digits(s.open_seconds))
            }),
            row("pipelines (s)", &|d| {
                d.startup.as_ref().map(|s| digits(s.pipelines_seconds))
            }),
            row("copy (GB/s)", &|d| {
                d.copy_bytes_per_second.map(|rate| digits(rate / 1e9))
            }),
        ],
    }
}

/// Makes a table of the times of jobs and passes, each with its speed relative to the first device.
fn time_table(devices: &[&DeviceFacts], numbers: &[String]) -> TextTable {
    let mut rows: Vec<Vec<String>> = Vec::new();
    // Passes only of the largest size that two devices have.
    let count = |size: &str| {
        let has = |device: &&&DeviceFacts| device.runs.iter().any(|run| run.size == size);
        devices.iter().filter(has).count()
    };
    let runs = || devices.iter().flat_map(|device| &device.runs);
    let shared = runs().filter(|run| count(&run.size) > 1);
    let largest = shared.max_by_key(|run| run.voxels).map(|run| &run.size);
    let mut keys: Vec<(&str, &str, Option<&str>)> = Vec::new();
    for run in runs() {
        let passes = run.passes.iter().map(|pass| Some(pass.pass.as_str()));
        let passes = passes.filter(|_| Some(&run.size) == largest);
        for pass in std::iter::once(None).chain(passes) {
            let key = (run.job.as_str(), run.size.as_str(), pass);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    for (job, size, pass) in keys {
        let seconds = |device: &&DeviceFacts| {
            let run = device
                .runs
                .iter()
                .find(|r| r.job == job && r.size == size)?;
            match pass {
                None => Some(run.seconds.median),
                Some(pass) => {
                    let pass = run.passes.iter().find(|p| p.pass == pass)?;
                    Some(pass.seconds?.median)
                }
            }
        };
        let times: Vec<Option<f64>> = devices.iter().map(seconds).collect();
        let first = times.first().copied().flatten();
        let show = |(number, seconds): (usize, &Option<f64>)| match (seconds, first) {
            (None, _) => "-".to_owned(),
            (Some(seconds), Some(first)) if number > 0 && *seconds > 0.0 => {
                format!("{}, {}", time(*seconds), ratio(seconds / first))
            }
            (Some(seconds), _) => time(*seconds),
        };
        let what = [job, size, pass.unwrap_or("whole run")].map(ToOwned::to_owned);
        let times = times.iter().enumerate().map(show);
        rows.push(what.into_iter().chain(times).collect());
    }
    TextTable {
        title: "Times (median), and how they compare to [1]".to_owned(),
        header: titled(&["job", "size", "pass"], numbers),
        words: 3,
        rows,
    }
}
