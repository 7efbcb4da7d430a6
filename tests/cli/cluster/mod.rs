//! A run in tasks: what comes out is the run of one process, to the byte, however it is cut, in
//! whatever order, and whatever is killed; and what is not whole is named.

mod damage;
mod devices;
mod forecast;
mod kills;
mod refusals;
mod same_bytes;

use crate::support::{Outcome, Workplace, images};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Entries that make an OME-Zarr of small shards, as tasks write it.
pub const IN_SHARDS: [&str; 5] = [
    "output.format=ome-zarr",
    "output.sim_channels=composite",
    "output.normalize=none",
    "output.bit_depth=16",
    "output.shard=64",
];

/// An image for each slice and a pixel for each voxel.
pub const ONE_TO_ONE: [&str; 2] = [
    "optics.focal_plane_depth=160",
    "optics.objective_factor=100",
];

/// A folder with cells of this shape, and its configuration as [`IN_SHARDS`] and [`ONE_TO_ONE`]
/// say.
pub fn workplace(shape: [usize; 3], entries: &[&str]) -> Workplace {
    let workplace = Workplace::new();
    workplace.volume(shape, &cells(shape));
    configure(
        &workplace,
        &[&IN_SHARDS[..], &ONE_TO_ONE[..], entries].concat(),
    );
    workplace
}

/// Replaces the configuration by that of the tests with entries put in.
pub fn configure(workplace: &Workplace, entries: &[&str]) {
    let image = format!(
        "groundtruth.image_path={}",
        workplace.path("cells.tif").display()
    );
    let output = format!("output.path={}", workplace.path("out").display());
    let own = [
        image.as_str(),
        output.as_str(),
        "output.channel_files=names",
    ];
    let config = crate::support::with_entries(&[&own[..], entries].concat());
    workplace.write("config.toml", config.to_toml());
}

/// Cells like bricks that lie askew, with background between them.
pub fn cells([depth, rows, columns]: [usize; 3]) -> Vec<u16> {
    let mut ids = Vec::with_capacity(depth * rows * columns);
    for z in 0..depth {
        for x in 0..rows {
            for y in 0..columns {
                let place = [(z + x / 3) / 11, (x + y / 4) / 9, (y + z / 2) / 13];
                let inside = (x + y / 4) % 9 > 0 && (y + z / 2) % 13 > 1;
                let id = 1 + place[0] * 31 % 17 + 20 * (place[1] % 13) + 300 * (place[2] % 19);
                ids.push(if inside { id as u16 } else { 0 });
            }
        }
    }
    ids
}

/// What one process makes: all files but the record.
pub fn whole(workplace: &Workplace, backend: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let output = workplace.path(format!("whole-{backend}"));
    let args = [
        "config.toml",
        "-q",
        "--backend",
        backend,
        "-o",
        output.to_str().unwrap(),
    ];
    workplace.run(args).succeeded();
    images(&output.join("tissue"))
}

/// Plans into a folder with tasks of this box; returns their number, of the survey and of images.
pub fn plan(workplace: &Workplace, run: &str, core: &str) -> [u64; 2] {
    let args = [
        "plan",
        "config.toml",
        "--write",
        run,
        "--core",
        core,
        "--json",
    ];
    let told = workplace.run(args).succeeded().stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    ["survey_tasks", "image_tasks"].map(|key| told[key].as_u64().unwrap())
}

/// Does the phases before the images, and merges what they find.
pub fn facts(workplace: &Workplace, run: &str, backend: &str) {
    let told = workplace.run(["status", run, "--json"]).succeeded().stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    for phase in told["phases"].as_array().unwrap() {
        let (name, tasks) = (phase["phase"].as_str().unwrap(), &phase["tasks"]);
        if name != "image" {
            let all = format!("0..{tasks}");
            self::task(workplace, run, name, &all, backend).succeeded();
            workplace.run(["merge", run, name]).succeeded();
        }
    }
}

/// Does some tasks.
pub fn task(workplace: &Workplace, run: &str, phase: &str, tasks: &str, backend: &str) -> Outcome {
    workplace.run(["task", run, phase, tasks, "-q", "--backend", backend])
}

/// What is in the output of a run in tasks, but its record.
pub fn output(workplace: &Workplace, run: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    images(&workplace.path(run).join("out"))
}

/// Asserts that files are the same, and names those that are not.
pub fn assert_alike(
    whole: &BTreeMap<PathBuf, Vec<u8>>,
    parts: &BTreeMap<PathBuf, Vec<u8>>,
    what: &str,
) {
    let names = whole.keys().chain(parts.keys());
    let differ: Vec<&PathBuf> = names
        .filter(|name| whole.get(*name) != parts.get(*name))
        .collect();
    assert!(differ.is_empty(), "{what}: {differ:?}");
    assert!(whole.len() > 4, "{what}: {:?}", whole.keys());
}

/// Changes what a receipt or a merged survey says, and its checksum.
pub fn edit(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let (_, content) = text.split_once("\"content\":").unwrap();
    let content = change(content.strip_suffix("}\n").unwrap());
    let sum = crc32c::crc32c(content.as_bytes());
    let text = format!("{{\"crc32c\":\"{sum:08x}\",\"content\":{content}}}\n");
    std::fs::write(path, text).unwrap();
}

/// The receipt of a task that made images.
pub fn receipt(workplace: &Workplace, task: u64) -> PathBuf {
    let receipts = workplace.path("run/receipts");
    let end = format!("/image/000000/{task}.json");
    let files = crate::support::files(&receipts);
    receipts.join(files.iter().find(|name| name.ends_with(&end)).unwrap())
}

/// A path of the run as messages have it.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}
