//! What is wrong with the command line or the configuration ends the binary with the documented
//! exit code, a message that names the cause and where it lies, and nothing written.

use crate::support::{CONFIG, Outcome, Workplace, config};
use std::fs;

/// Exit code of a run that failed.
const FAILED: i32 = 1;
/// Exit code of bad usage or configuration.
const USAGE: i32 = 2;

/// Runs the configuration with one part replaced; the message must name the first line that
/// differs.
fn refuses_line(replaced: &str, by: &str, words: &[&str]) {
    let workplace = Workplace::new();
    workplace.configure(&[(replaced, by)]);
    let text = config(&[(replaced, by)]);
    let differs = std::iter::zip(CONFIG.lines(), text.lines()).position(|(a, b)| a != b);
    let place = format!("config.toml:{}:", 1 + differs.unwrap());
    let words = [&[place.as_str()], words].concat();
    workplace.refuses(USAGE, &["config.toml"], &words);
}

#[test]
fn bad_usage() {
    let workplace = Workplace::new();
    let refused = |args: &[&str], words: &[&str]| {
        workplace.refuses(USAGE, &[&["config.toml"], args].concat(), words);
    };
    refused(&["--seed", "many"], &["many", "--seed"]);
    refused(&["--seed=-1"], &["-1", "--seed"]);
    refused(
        &["--seed", "18446744073709551616"],
        &["18446744073709551616", "--seed"],
    );
    refused(&["--threads", "few"], &["few", "--threads"]);
    refused(&["--threads", "0"], &["--threads 0", "from 1"]);
    refused(&["--threads", "1000000"], &["--threads 1000000", "from 1"]);
    refused(&["--backend", "cuda"], &["cuda", "--backend"]);
    refused(
        &["--set", "pixel_size=100"],
        &["--set", "pixel_size=100", "SECTION.KEY=VALUE"],
    );
    refused(
        &["--set", "optics.pixel_size"],
        &["optics.pixel_size", "SECTION.KEY=VALUE"],
    );
    refused(
        &["--set", "optics.pixel_size=big"],
        &["--set optics.pixel_size=big", "a number"],
    );
    refused(
        &["--set", "optics.pixel_sise=9"],
        &["--set optics.pixel_sise=9", "mean pixel_size?"],
    );
    refused(
        &["--set", "compute.backend=gpus"],
        &["--set compute.backend=gpus", "\"gpu\""],
    );
    refused(&["--output", ""], &["--output"]);
    refused(&["--colour"], &["--colour"]);
    refused(&["another.toml"], &["another.toml"]);
    let mut command = workplace.command(["config.toml"]);
    command.env("SIMEXM_BACKEND", "cuda");
    workplace.fails(
        USAGE,
        &mut command,
        &["SIMEXM_BACKEND", "cuda", "\"gpu\" or \"cpu\""],
    );
}

#[test]
fn no_arguments_at_all_show_the_help() {
    let outcome = Workplace::new().run::<&str>([]);
    assert_eq!(outcome.code, Some(USAGE));
    assert!(outcome.tells(&["Usage:"]), "{outcome:?}");
}

#[test]
fn configuration_that_cannot_be_read() {
    let workplace = Workplace::new();
    fs::remove_file(workplace.path("config.toml")).unwrap();
    let refused = |words: &[&str]| {
        workplace.refuses(USAGE, &["config.toml"], &[&["config.toml"], words].concat());
    };
    refused(&["No such file"]);
    workplace.write("config.toml", b"name = \"\xff\"\n");
    refused(&["config.toml:1:9:", "UTF-8"]);
    workplace.write("config.toml", "[optics]\ntype = = 3\n");
    refused(&["config.toml:2:", "not valid TOML"]);
    workplace.write("config.toml", "");
    refused(&["[groundtruth] is missing"]);
    fs::remove_file(workplace.path("config.toml")).unwrap();
    fs::create_dir(workplace.path("config.toml")).unwrap();
    refused(&["is a folder"]);
    workplace.refuses(
        USAGE,
        &["cells.tif"],
        &["cells.tif is an image", "simexm-gpu init --image cells.tif"],
    );
}

#[test]
fn unknown_keys_name_their_line_and_the_nearest_right_one() {
    refuses_line(
        "pixel_size = 6500",
        "pixel_sise = 6500",
        &["mean pixel_size?"],
    );
    refuses_line(
        "laser_power = 50\nlaser_percentage = 0.25\nlaser_filter = [440",
        "laser_pover = 50\nlaser_percentage = 0.25\nlaser_filter = [440",
        &["laser_pover", "mean laser_power?"],
    );
    refuses_line("[expansion]", "[expension]", &["mean [expansion]?"]);
    refuses_line("[compute]", "[computer]", &["mean [compute]?"]);
    refuses_line(
        "name = \"tissue\"",
        "name = \"tissue\"\nquality = 3",
        &["unknown key [output] quality", "keys of [output] are"],
    );
    refuses_line("factor = 4\n", "factor = 4\nfactor = 5\n", &["duplicate"]);
}

#[test]
fn unknown_names_suggest_the_nearest() {
    refuses_line("ATTO647N", "ATTO647M", &["ATTO647M", "mean \"ATTO647N\"?"]);
    refuses_line("\"membrane\"", "\"membranes\"", &["mean \"membrane\"?"]);
    refuses_line(
        "\"cytosol\"",
        "\"nucleus\"",
        &["nucleus", "[groundtruth.regions.NAME]"],
    );
    refuses_line("\"confocal\"", "\"confocl\"", &["mean \"confocal\"?"]);
    refuses_line(
        "backend = \"cpu\"",
        "backend = \"cpus\"",
        &["mean \"cpu\"?"],
    );
}

#[test]
fn values_of_a_wrong_type_or_out_of_range() {
    refuses_line(
        "exposure_time = 0.1",
        "exposure_time = \"long\"",
        &["exposure_time", "a number"],
    );
    refuses_line(
        "exposure_time = 0.1",
        "exposure_time = -0.1",
        &["-0.1", "at least 0"],
    );
    refuses_line(
        "exposure_time = 0.1",
        "exposure_time = inf",
        &["inf", "a number"],
    );
    refuses_line(
        "exposure_time = 0.1",
        "exposure_time = nan",
        &["NaN", "a number"],
    );
    refuses_line(
        "isotropic = true",
        "isotropic = 1",
        &["isotropic", "true or false"],
    );
    refuses_line(
        "voxel_dim = [40, 16, 16]",
        "voxel_dim = [40, 16]",
        &["three numbers"],
    );
    refuses_line(
        "voxel_dim = [40, 16, 16]",
        "voxel_dim = [40, 16, 0]",
        &["above 0"],
    );
    refuses_line(
        "voxel_dim = [40, 16, 16]",
        "voxel_dim = 40",
        &["three numbers"],
    );
    refuses_line(
        "isotropic = true",
        "isotropic = true\nbounds = [0, 1, 1]",
        &["bounds", "from 1"],
    );
    refuses_line(
        "isotropic = true",
        "isotropic = true\noffset = [-1, 0, 0]",
        &["offset", "from 0"],
    );
    refuses_line("factor = 4\n", "factor = 0.5\n", &["factor", "at least 1"]);
    refuses_line(
        "protein_noise = 0.3",
        "protein_noise = 30",
        &["protein_noise", "from 0 to 1"],
    );
    refuses_line(
        "laser_wavelength = 390",
        "laser_wavelength = 1200",
        &["from 200 to 1000 nm"],
    );
    refuses_line(
        "[440, 500]",
        "[500, 440]",
        &["laser_filter", "min below max"],
    );
    refuses_line(
        "numerical_aperture = 1.15",
        "numerical_aperture = 1.4",
        &["refractory_index"],
    );
    refuses_line("seed = 7", "seed = -7", &["seed", "0 to 2^64 - 1"]);
    refuses_line(
        "name = \"tissue\"",
        "name = \"../tissue\"",
        &["name", "plain folder name"],
    );
    refuses_line(
        "[expansion]",
        "[labeling.membranes.more]\n[expansion]",
        &["more"],
    );
    let missing = Workplace::new();
    missing.configure(&[("exposure_time = 0.1\n", "")]);
    missing.refuses(
        USAGE,
        &["config.toml"],
        &["[optics] exposure_time is missing"],
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let workplace = Workplace::new();
    workplace.configure(&[("factor = 4\n", "factor = 0\n"), ("ATTO390", "ATTO39")]);
    let outcome = workplace.refuses(
        USAGE,
        &["config.toml", "--set", "optics.type=x"],
        &["ATTO39"],
    );
    assert!(outcome.tells(&["factor = 0"]) && outcome.tells(&["--set optics.type=x"]));
}

#[test]
fn physics_beyond_the_numbers_is_refused_with_the_key_to_change() {
    let workplace = Workplace::new();
    let refused = |set: &[&str], code: i32, words: &[&str]| {
        let mut args = vec!["config.toml"];
        args.extend(set.iter().flat_map(|entry| ["--set", entry]));
        workplace.refuses(code, &args, words);
    };
    refused(
        &["optics.exposure_time=1e12"],
        USAGE,
        &["photons per protein", "exposure_time"],
    );
    refused(
        &["labeling.bodies.antibody_amp=1e10"],
        USAGE,
        &["[labeling.bodies]", "antibody_amp"],
    );
    refused(&["optics.baseline_noise=1e12"], USAGE, &["baseline_noise"]);
    refused(
        &["expansion.factor=1e9"],
        USAGE,
        &["voxel_dim or expansion factor"],
    );
    // Products that no number holds name the key that is out of reason.
    for (key, value) in [
        ("exposure_time", "1e300"),
        ("objective_back_aperture", "1e-300"),
        ("objective_factor", "1e200"),
        ("channels.blue.laser_power", "1e300"),
    ] {
        let name = key.rsplit('.').next().unwrap();
        let dark = "optics.channels.red.laser_percentage=0";
        let entry = format!("optics.{key}={value}");
        refused(&[&entry, dark], USAGE, &[name, "out of reason"]);
        workplace.refuses(
            USAGE,
            &["check", "config.toml", "--set", &entry],
            &[name, "out of reason"],
        );
    }
    // Only the run finds out: a voxel, or a pixel, holds too much.
    refused(
        &["optics.exposure_time=1e7"],
        FAILED,
        &["2^32 photons", "exposure_time"],
    );
    refused(
        &["optics.baseline_noise=1e9"],
        FAILED,
        &["2^32 photons", "baseline_noise"],
    );
}

/// Sizes that no computation can follow are an error too, neither an abort nor a panic.
#[test]
fn absurd_voxels_are_refused() {
    let workplace = Workplace::new();
    for voxel_dim in [
        "[1e-9, 16, 16]",
        "[40, 1e-30, 16]",
        "[1e-300, 1e-300, 1e-300]",
    ] {
        let set = format!("groundtruth.voxel_dim={voxel_dim}");
        workplace.refuses(USAGE, &["config.toml", "--set", &set], &["voxel_dim"]);
    }
}

/// What a full disk swallows is missed; a reader that has seen enough is not.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_missed() {
    let workplace = Workplace::new();
    let commands: &[&[&str]] = &[
        &["--help"],
        &["check", "config.toml", "--json"],
        &["plan", "config.toml"],
        &["plan", "config.toml", "--json"],
        &["fluorophores"],
        &["fluorophores", "ATTO390", "--json"],
        &["completions", "bash"],
        &["man"],
        &["devices"],
        &["config.toml", "--force"],
    ];
    for args in commands {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let outcome = Outcome::of(workplace.command(*args).stdout(full));
        assert_eq!(outcome.code, Some(1), "{args:?}: {}", outcome.stderr);
        assert!(
            outcome.tells(&["error: standard output", "No space left"]),
            "{args:?}: {outcome:?}"
        );
    }
    let mut closed = workplace.command(["man"]);
    let mut child = closed.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn threads_are_bounded_whatever_the_environment_says() {
    let workplace = Workplace::new();
    for args in [
        &["config.toml", "--force"][..],
        &[
            "psf",
            "config.toml",
            "--channel",
            "blue",
            "-o",
            "psf.tif",
            "--force",
        ],
    ] {
        let mut command = workplace.command(args);
        Outcome::of(command.env("RAYON_NUM_THREADS", "99999")).succeeded();
    }
}

/// A pipe that a program writes to is read; one that nobody writes to is not waited for.
#[cfg(unix)]
#[test]
fn a_configuration_may_come_through_a_pipe() {
    let workplace = Workplace::new();
    let pipe = workplace.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let outcome = workplace.run(["check", "pipe"]);
    assert_eq!(outcome.code, Some(USAGE), "{outcome:?}");
    assert!(outcome.tells(&["error: ", "missing"]), "{outcome:?}");
    let line = "cat config.toml | exec \"$0\" check /dev/stdin";
    let mut shell = std::process::Command::new("sh");
    workplace.prepare(&mut shell);
    let output = shell
        .args(["-c", line, crate::support::BINARY])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
