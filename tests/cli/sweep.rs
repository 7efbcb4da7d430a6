//! `sweep` and `metrics`: grids of runs, what is measured of them, and what is found again.

use crate::schema::mismatches;
use crate::support::{SHAPE, Workplace, blocks, files};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const USAGE: i32 = 2;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn of_file(path: &Path) -> Value {
    json(&fs::read_to_string(path).unwrap())
}

/// The files below a folder.
fn paths(folder: &Path) -> Vec<PathBuf> {
    files(folder).iter().map(|name| folder.join(name)).collect()
}

/// A grid of two by two, with two seeds of each.
const GRID: [&str; 12] = [
    "sweep",
    "config.toml",
    "--vary",
    "labeling.membranes.labeling_density=0.5,1",
    "--vary",
    "expansion.factor=4,8",
    "--seeds",
    "2",
    "--require",
    "width_nm<1",
    "--whole",
    "-o",
];

fn sweep(workplace: &Workplace, folder: &str) -> String {
    let outcome = workplace.run([&GRID[..], &[folder]].concat()).succeeded();
    outcome.stdout
}

#[test]
fn a_grid_is_measured_and_found_again() {
    let workplace = Workplace::new();
    let told = sweep(&workplace, "grid");
    assert!(
        told.contains("width_nm < 1: met by none of 4 settings"),
        "{told}"
    );
    let found = of_file(&workplace.path("grid/sweep.json"));
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sweep.schema.json");
    let wrong = mismatches(&of_file(Path::new(schema)), &found);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let cells = found["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    assert_eq!(cells[1]["settings"], serde_json::json!(["0.5", "8"]));
    for cell in cells {
        assert_eq!(cell["runs"].as_array().unwrap().len(), 2);
        assert_eq!(cell["summary"]["rand_error"]["seeds"], 2);
    }
    let table = fs::read_to_string(workplace.path("grid/sweep.csv")).unwrap();
    assert_eq!(table.lines().count(), 5);
    assert!(
        table.starts_with("labeling.membranes.labeling_density,expansion.factor,"),
        "{table}"
    );
    let page = fs::read_to_string(workplace.path("grid/sweep.html")).unwrap();
    for outside in ["http:", "https:", "src=\"/", "<script", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));

    // Elsewhere, and from the runs that are there but for one, the same bytes come.
    let names = ["sweep.csv", "sweep.json", "sweep.png", "sweep.html"];
    let of = |folder: &str| names.map(|name| fs::read(workplace.path(folder).join(name)).unwrap());
    let first = of("grid");
    sweep(&workplace, "again");
    assert!(first == of("again"));
    for contrast in ["none", "all"] {
        let args = [&GRID[..], &["again", "--contrast", contrast]].concat();
        workplace.run(args).succeeded();
        let other = of("again");
        assert!(first[..2] == other[..2] && first[2] != other[2] && first[3] != other[3]);
    }
    let runs = paths(&workplace.path("grid/runs"));
    assert_eq!(runs.len(), 8);
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let times: Vec<_> = runs.iter().map(|path| changed(path)).collect();
    fs::remove_file(&runs[3]).unwrap();
    sweep(&workplace, "grid");
    assert!(first == of("grid"));
    for (number, (path, time)) in runs.iter().zip(times).enumerate() {
        assert_eq!(changed(path) == time, number != 3, "{}", path.display());
    }
    // Of other tissue none of them is taken.
    let times: Vec<_> = runs.iter().map(|path| changed(path)).collect();
    let mut ids = blocks(SHAPE);
    ids.iter_mut().for_each(|id| *id *= 2);
    workplace.volume(SHAPE, &ids);
    sweep(&workplace, "grid");
    for (path, time) in runs.iter().zip(times) {
        assert_ne!(changed(path), time, "{}", path.display());
    }
}

/// `[sweep]` says what flags say, and flags take the place of its keys.
#[test]
fn a_grid_may_stand_in_the_configuration() {
    let workplace = Workplace::new();
    let plain = fs::read_to_string(workplace.path("config.toml")).unwrap();
    let names = ["sweep.csv", "sweep.json", "sweep.png"];
    let of = |folder: &str| names.map(|name| fs::read(workplace.path(folder).join(name)).unwrap());
    let flags = "sweep config.toml --vary expansion.factor=4,8 --seeds 2 --crop 6,24,24 --metrics snr,rand_error \
                 --require rand_error<0.5 -o flags";
    let told = workplace
        .run(flags.split(' ').filter(|word| !word.is_empty()))
        .succeeded();
    let table = "\n[sweep]\nvary = [\"expansion.factor=4,8\"]\nseeds = 2\ncrop = [6, 24, 24]\n\
                 metrics = [\"snr\", \"rand_error\"]\nrequire = [\"rand_error<0.5\"]\n";
    workplace.write("config.toml", &(plain.clone() + table));
    let again = workplace
        .run(["sweep", "config.toml", "-o", "table"])
        .succeeded();
    let first_line = |text: &str| text.lines().next().map(str::to_owned);
    assert_eq!(first_line(&told.stdout), first_line(&again.stdout));
    assert!(of("flags") == of("table"));
    let alike = ["sweep", "config.toml", "-o", "table", "--contrast"];
    workplace.run([&alike[..], &["all"]].concat()).succeeded();
    assert!(of("flags")[..2] == of("table")[..2] && of("flags")[2] != of("table")[2]);
    workplace.refuses(
        USAGE,
        &[&alike[..], &["row"]].concat(),
        &["row", "\"column\", \"all\" or \"none\""],
    );
    let outcome = workplace.run(["sweep", "config.toml", "--seeds", "1", "-o", "one"]);
    outcome.succeeded();
    let runs = of_file(&workplace.path("one/sweep.json"))["cells"][0]["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    // Numbers that are background are so for all of its runs.
    let without = [
        "sweep",
        "config.toml",
        "--set",
        "groundtruth.background=[0, 12, 22, 23, 122, 123]",
        "-o",
        "other",
    ];
    workplace.run(without).succeeded();
    assert!(of("other")[0] != of("table")[0]);
    // A run takes no notice of it.
    let image = |folder: &str| {
        fs::read(
            workplace
                .path(folder)
                .join("tissue/simulation/channel_1.tiff"),
        )
    };
    workplace.run(["config.toml", "-o", "with"]).succeeded();
    workplace.write("config.toml", &plain);
    workplace.run(["config.toml", "-o", "without"]).succeeded();
    assert!(image("with").unwrap() == image("without").unwrap());
    workplace.refuses(
        USAGE,
        &["sweep", "config.toml"],
        &["nothing varies", "--vary", "[sweep]"],
    );
    workplace.write("config.toml", &(plain + &table.replace("=4,8", "=4,4")));
    workplace.refuses(
        USAGE,
        &["sweep", "config.toml"],
        &["config.toml:", "[sweep] vary", "each value once"],
    );
}

/// The configuration of a cell gives what the sweep has measured, from files to files.
#[test]
fn a_cell_is_repeated_by_its_configuration() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/brainbow.toml");
    let workplace = Workplace::new();
    let args = [
        "sweep",
        example,
        "--set",
        "compute.backend=cpu",
        "--set",
        "optics.psf_reach=12",
        "--set",
        "labeling.global_density=1",
        "--vary",
        "expansion.factor=6",
        "--crop",
        "6,64,72",
        "--keep-volumes",
        "-o",
        "grid",
    ];
    workplace.run(args).succeeded();
    let found = of_file(&workplace.path("grid/sweep.json"));
    assert_eq!(
        found["piece"]["shape_voxels"],
        serde_json::json!([6, 64, 72])
    );
    let run = &found["cells"][0]["runs"][0];
    assert!(run["values"]["frc_nm"].is_number(), "{run}");
    workplace.write("cell.toml", run["configuration"].as_str().unwrap());
    workplace
        .run(["cell.toml", "--backend", "cpu", "-o", "out"])
        .succeeded();
    let measured = workplace.run(["metrics", "out", "--json"]).succeeded();
    let measured = json(&measured.stdout);
    // Those that compare two exposures are another matter.
    for metric in [
        "sbr",
        "width_nm",
        "rand_error",
        "voi_split",
        "voi_merge",
        "crosstalk",
        "dose",
    ] {
        assert_eq!(
            measured["values"][metric], run["values"][metric],
            "{metric}"
        );
        assert_eq!(
            measured["channels"][0]["values"][metric],
            run["channels"][0]["values"][metric]
        );
    }
    assert!(measured["values"]["rand_error"].is_number());
    assert!(measured["values"]["frc_nm"].is_null());
    let volumes = |folder: &str| -> Vec<Vec<u8>> {
        let all = paths(&workplace.path(folder)).into_iter();
        let volumes = all.filter(|path| path.extension().is_some_and(|end| end == "tiff"));
        volumes.map(|path| fs::read(path).unwrap()).collect()
    };
    let kept = volumes("grid/volumes");
    assert_eq!(kept.len(), 6);
    assert!(kept == volumes("out"));
    // Those that are of the same run stay, and others do not.
    let folder = format!("grid/volumes/{}", run["name"].as_str().unwrap());
    let stamp = workplace.path(format!("{folder}.json"));
    let record = workplace.path(format!("{folder}/simulation.toml"));
    let changed = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before = changed(&record);
    workplace.run(args).succeeded();
    assert_eq!(changed(&record), before);
    let told = fs::read_to_string(&stamp).unwrap();
    fs::write(
        &stamp,
        told.replace("\"tissue_crc32\":", "\"tissue_crc32\":0, \"was\":"),
    )
    .unwrap();
    workplace.run(args).succeeded();
    assert_ne!(changed(&record), before);
    assert_eq!(fs::read_to_string(&stamp).unwrap(), told);
}

/// Each round's channels are measured, with the light of the channel that they repeat.
#[test]
fn rounds_are_swept() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/brainbow.toml");
    let workplace = Workplace::new();
    let args = "--set compute.backend=cpu --set optics.psf_reach=12 --set labeling.global_density=1 \
                --set rounds.number=2 --vary expansion.factor=6 --crop 4,32,32 --metrics dose -o grid";
    workplace
        .run(
            ["sweep", example]
                .into_iter()
                .chain(args.split_whitespace()),
        )
        .succeeded();
    let found = of_file(&workplace.path("grid/sweep.json"));
    let channels = found["cells"][0]["runs"][0]["channels"].as_array().unwrap();
    let doses = |round: &str| -> Vec<&Value> {
        let of_round = channels.iter().filter(|channel| {
            let name = channel["channel"].as_str().unwrap();
            name.starts_with(round)
        });
        of_round.map(|channel| &channel["values"]["dose"]).collect()
    };
    let first = doses("round_1_");
    assert!(!first.is_empty() && first.iter().all(|dose| dose.is_number()));
    assert_eq!(first, doses("round_2_"));
}

/// All settings of the worked study are right: it is the piece, looked at later, that is refused.
#[test]
fn the_worked_study_can_be_run() {
    let workplace = Workplace::new();
    for model in ["physical", "simexm"] {
        let study = format!("{}/examples/study/{model}.toml", env!("CARGO_MANIFEST_DIR"));
        let args = ["sweep", &study, "--crop", "41,1,1", "-o", "study"];
        workplace.refuses(USAGE, &args, &["--crop 41,1,1", "40 x 256 x 256"]);
    }
}

#[test]
fn what_cannot_be_swept_is_told() {
    let workplace = Workplace::new();
    let sweep = |more: &[&str], words: &[&str]| {
        workplace.refuses(USAGE, &[&["sweep", "config.toml"], more].concat(), words);
    };
    sweep(&["--vary", "factor=4"], &["SECTION.KEY=VALUE"]);
    sweep(&["--vary", "output.name=a,b"], &["[output]"]);
    sweep(&["--vary", "expansion.factor=4,4"], &["twice"]);
    sweep(&["--vary", "expansion.factr=4,5", "-o", "x"], &["factr"]);
    let again = [
        "--vary",
        "expansion.factor=4",
        "--vary",
        "expansion.\"factor\"=5",
    ];
    sweep(
        &[&again[..], &["-o", "x"]].concat(),
        &["expansion.factor varies twice"],
    );
    let grid = ["--vary", "expansion.factor=4,5", "-o", "x"];
    sweep(
        &[&grid[..], &["--crop", "99,9,9"]].concat(),
        &["99,9,9", "14 x 48 x 36"],
    );
    sweep(
        &[&grid[..], &["--require", "beauty>1"]].concat(),
        &["beauty", "separability"],
    );
    sweep(
        &[&grid[..], &["--metrics", "beauty"]].concat(),
        &["beauty", "separability"],
    );
    for wanted in ["frc_nm<50", "dose<9"] {
        let name = wanted.split('<').next().unwrap();
        sweep(
            &[&grid[..], &["--require", wanted]].concat(),
            &[name, "physical"],
        );
    }
    // What others wrote stays.
    workplace.write("x/sweep.csv", "mine");
    workplace.write("x/runs/mine.json", "{}");
    sweep(&grid, &["sweep.csv"]);
    workplace.write("x/sweep.json", "{\"schema\": 1}");
    sweep(&grid, &["sweep.json"]);
    workplace.refuses(USAGE, &["metrics", "x"], &["x", "simulation.toml"]);
    workplace.simulate(&["--set", "output.gt_region=membrane"]);
    workplace.refuses(
        USAGE,
        &["metrics", "out/tissue"],
        &["gt_region", "\"full\""],
    );
}
