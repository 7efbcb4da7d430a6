//! What people type before they know how, and what they are answered.

use crate::support::{Outcome, Workplace, files, images};
use std::fs;

/// Exit code of bad usage or configuration.
const USAGE: i32 = 2;

#[test]
fn the_word_run_and_the_short_flag_of_the_output_are_taken() {
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "plain"]);
    let args = ["run", "config.toml", "-o", "with the word"];
    workplace.run(args).succeeded();
    assert_eq!(
        images(&workplace.path("plain")),
        images(&workplace.path("with the word"))
    );
}

#[test]
fn a_dry_run_is_a_check() {
    let workplace = Workplace::new();
    let told = workplace.simulate(&["--dry-run"]).stdout;
    assert_eq!(told, workplace.run(["check", "config.toml"]).stdout);
    assert!(files(workplace.folder()).len() == 2, "nothing is written");
}

#[test]
fn a_mistyped_command_gets_the_nearest() {
    let workplace = Workplace::new();
    for (typed, meant) in [("chekc", "check"), ("devcies", "devices"), ("runn", "run")] {
        let meant = format!("did you mean `simexm-gpu {meant}`?");
        workplace.refuses(USAGE, &[typed, "config.toml", "--json"], &[typed, &meant]);
        workplace.refuses(USAGE, &[typed], &[&meant]);
        let meant = meant.replace("gpu ", "gpu help ");
        workplace.refuses(USAGE, &["help", typed], &["no command", &meant]);
    }
    // Those that are like none get all, whatever follows.
    for typed in [
        &["simulate", "config.toml"][..],
        &["quicklook", "out"],
        &["help", "simulate"],
    ] {
        workplace.refuses(USAGE, typed, &["no", "command", "commands are run, check"]);
    }
    // A file of that name is a configuration.
    fs::rename(workplace.path("config.toml"), workplace.path("chekc")).unwrap();
    workplace.run(["chekc"]).succeeded();
}

#[test]
fn two_configurations_are_told_so() {
    let workplace = Workplace::new();
    workplace.write("second.toml", "");
    for first in [&["config.toml"][..], &["run", "config.toml", "-q"]] {
        let args = [first, &["second.toml"]].concat();
        let words = ["second.toml", "one configuration", "for file in"];
        workplace.refuses(USAGE, &args, &words);
    }
    // What is no file is no configuration.
    let args = ["config.toml", "quickly"];
    workplace.refuses(USAGE, &args, &["quickly: ", "one configuration"]);
}

#[test]
fn outputs_and_images_are_answered_by_what_to_type() {
    let workplace = Workplace::new();
    workplace.simulate(&[]);
    workplace.write("slices/1.png", png());
    workplace.write("empty/note.txt", "");
    workplace.write("scan.nd2", b"\xda\xce\xbe\x0a\0\0\0\0");
    for (typed, words) in [
        ("out/tissue", &["simexm-gpu view out/tissue`"][..]),
        (
            "out/tissue",
            &["out/tissue/simulation.toml --output FOLDER`"],
        ),
        ("out", &["simexm-gpu view out/tissue`"]),
        (
            ".",
            &["a configuration is a file", "simexm-gpu ./config.toml`"],
        ),
        ("cells.tif", &["is an image", "init --image cells.tif`"]),
        ("slices", &["a folder of images", "init --image slices`"]),
        ("empty", &["is a folder", "simexm-gpu init`"]),
        ("scan.nd2", &["a Nikon ND2 file"]),
    ] {
        for command in [&[][..], &["run"], &["check"], &["plan"], &["convert"]] {
            let words = [&[typed], words].concat();
            workplace.refuses(USAGE, &[command, &[typed]].concat(), &words);
        }
    }
    // A configuration that is wrong is one all the same.
    workplace.configure(&[("factor = 4\n", "factor = 0\n")]);
    workplace.refuses(USAGE, &["config.toml"], &["factor = 0"]);
}

/// One grey pixel.
fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn an_adapter_that_is_absent_is_an_error() {
    let workplace = Workplace::new();
    for (args, sets) in [
        (&["--adapter", "Voodoo"][..], ""),
        (&["--adapter", "999"], ""),
        (&[], "adapter = \"Voodoo\"\n"),
    ] {
        workplace.configure(&[("backend = \"cpu\"\n", sets)]);
        workplace.refuses(USAGE, &[&["config.toml"], args].concat(), &["adapter"]);
    }
    // On the CPU no adapter is asked for.
    workplace.simulate(&["--adapter", "Voodoo", "--backend", "cpu"]);
}

#[test]
fn warnings_and_errors_are_coloured_where_colours_are_seen() {
    let workplace = Workplace::new();
    let run = |args: &[&str], variables: &[&str]| {
        let mut command = workplace.command(args);
        for variable in variables {
            command.env(variable, "1");
        }
        Outcome::of(&mut command).stderr
    };
    let (wrong, dark) = (
        &["config.toml", "--set", "optics.type=x"][..],
        &["config.toml", "-q", "--set", "optics.exposure_time=0"][..],
    );
    let forced = ["CLICOLOR_FORCE"];
    assert!(run(wrong, &forced).starts_with("\u{1b}[1;31merror:\u{1b}[0m "));
    assert!(run(dark, &forced).starts_with("\u{1b}[1;33mwarning:\u{1b}[0m "));
    for variables in [&[][..], &["CLICOLOR_FORCE", "NO_COLOR"]] {
        assert!(!run(wrong, variables).contains('\u{1b}'));
        assert!(!run(dark, variables).contains('\u{1b}'));
    }
}

/// Mesa's libraries complain where no desktop is.
#[test]
fn nothing_is_told_on_machines_without_a_desktop() {
    let workplace = Workplace::new();
    for args in [
        &["devices"][..],
        &["plan", "config.toml"],
        &["config.toml", "-q"],
    ] {
        let mut command = workplace.command(args);
        for name in ["XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY"] {
            command.env_remove(name);
        }
        let outcome = Outcome::of(command.env("SIMEXM_BACKEND", "gpu")).succeeded();
        assert!(!outcome.stderr.contains("error:"), "{args:?}: {outcome:?}");
    }
}

#[test]
fn a_plan_without_a_gpu_tells_what_the_host_has() {
    let workplace = Workplace::new();
    let plan = |args: &[&str]| {
        let mut command = workplace.command([&["plan", "config.toml"], args].concat());
        command.env("VK_DRIVER_FILES", "/dev/null");
        command.env("WGPU_BACKEND", "vulkan");
        let backend = ["--set", "compute.backend=auto"];
        Outcome::of(command.args(backend)).succeeded().stdout
    };
    let text = plan(&[]);
    assert!(text.contains("\na GPU: "), "{text}");
    assert!(!text.contains("EB of") && !text.contains("TB of"), "{text}");
    let report: serde_json::Value = serde_json::from_str(&plan(&["--json"])).unwrap();
    for device in report["devices"].as_array().unwrap() {
        let bytes = device["limits"]["host_bytes"].as_u64().unwrap();
        assert!(bytes < 1 << 53, "{device}");
    }
}

/// The limit that `ulimit -v` sets is planned for.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_the_address_space_is_respected() {
    let workplace = Workplace::new();
    let mut command = std::process::Command::new("sh");
    workplace.prepare(&mut command);
    let script =
        "ulimit -v 3000000 && exec \"$0\" plan config.toml --json --set compute.backend=cpu";
    let outcome = Outcome::of(command.args(["-c", script, crate::support::BINARY])).succeeded();
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let bytes = report["devices"][0]["limits"]["host_bytes"].as_u64();
    assert!(bytes < Some(3_000_000 * 1024 / 4 * 3), "{report}");
}

#[test]
fn folders_may_be_called_after_values() {
    let workplace = Workplace::new();
    let named = "runs/{name} {seed} x{expansion.factor}";
    workplace.simulate(&["-o", named]);
    assert!(
        workplace
            .path("runs/tissue 7 x4/tissue/quicklook.png")
            .is_file()
    );
    // A seed that is drawn is the run's.
    workplace.configure(&[("seed = 7\n", "")]);
    workplace.simulate(&["-o", "drawn/{seed}"]);
    let drawn = fs::read_dir(workplace.path("drawn"))
        .unwrap()
        .next()
        .unwrap();
    let drawn = drawn.unwrap().file_name().into_string().unwrap();
    let record = workplace.record(&format!("drawn/{drawn}"));
    let seed = match &record["compute"]["seed"] {
        toml::Value::String(digits) => digits.clone(),
        seed => seed.to_string(),
    };
    assert_eq!(seed, drawn);
    let wrong = ["config.toml", "-o", "runs/{date}"];
    workplace.refuses(USAGE, &wrong, &["--output runs/{date}", "{seed}"]);
}

#[test]
fn the_last_lines_tell_what_is_next_and_how_often_was_warned() {
    let workplace = Workplace::new();
    let told = workplace.simulate(&[]).stdout;
    let next = "next    simexm-gpu view out/tissue; or at a glance: out/tissue/quicklook.png";
    assert!(told.lines().any(|line| line == next), "{told}");
    assert!(!told.contains("warned"), "{told}");
    let outcome = workplace.simulate(&["--set", "optics.exposure_time=0", "--output", "dark"]);
    let count = outcome.warnings().len();
    assert!(count > 1, "{outcome:?}");
    let warned = format!("warned  {count} times, see above");
    assert_eq!(outcome.stdout.lines().last(), Some(warned.as_str()));
}

#[test]
fn a_run_that_replaces_another_says_which() {
    let workplace = Workplace::new();
    assert!(!workplace.simulate(&[]).tells(&["replaces"]));
    let replaced = workplace.simulate(&["--seed", "18446744073709551615"]);
    assert!(
        replaced.tells(&["replaces the run of seed 7, factor 4 in "]),
        "{replaced:?}"
    );
    let replaced = workplace.simulate(&["--set", "expansion.factor=4.5"]);
    assert!(
        replaced.tells(&["replaces the run of seed 18446744073709551615, factor 4 in "]),
        "{replaced:?}"
    );
    assert!(workplace.simulate(&[]).tells(&["seed 7, factor 4.5 in "]));
}

#[test]
fn values_have_the_units_that_people_write() {
    let workplace = Workplace::new();
    workplace.simulate(&["--output", "plain"]);
    workplace.configure(&[
        ("focal_plane_depth = 320", "focal_plane_depth = \"0.32 um\""),
        ("exposure_time = 0.1", "exposure_time = \"100 ms\""),
        ("pixel_size = 6500", "pixel_size = \"6.5 \u{b5}m\""),
        (
            "laser_filter = [440, 500]",
            "laser_filter = [\"440 nm\", 500]",
        ),
    ]);
    workplace.simulate(&["--output", "units"]);
    assert_eq!(
        images(&workplace.path("plain")),
        images(&workplace.path("units"))
    );
    let wrong = ["config.toml", "--set", "optics.exposure_time=5 mW"];
    let words = [
        "exposure_time = 5 mW",
        "a value with a unit has fs, ps, ns, us, ms or s",
    ];
    workplace.refuses(USAGE, &wrong, &words);
}

/// Values that no experiment has are told: slips of units, above all.
#[test]
fn values_that_no_experiment_has_are_told() {
    let workplace = Workplace::new();
    let told = |set: &str| {
        let outcome = workplace.run(["check", "config.toml", "--set", set]);
        let warnings = outcome.succeeded().stdout;
        warnings.contains("are plausible").then_some(warnings)
    };
    for (set, words) in [
        ("optics.pixel_size=6.5", "[optics] pixel_size is 6.5 nm"),
        ("groundtruth.voxel_dim=40000,16,16", "voxel_dim is 40000 nm"),
        ("expansion.factor=450", "[expansion] factor is 450:"),
        (
            "optics.exposure_time=1000",
            "[optics] exposure_time is 1000 s",
        ),
        (
            "optics.channels.red.laser_power=5e6",
            "laser_power is 5e6 W",
        ),
        (
            "optics.objective_back_aperture=0.5",
            "[optics] objective_back_aperture is 0.5 m",
        ),
        // A real aperture shows that its lasers are none.
        (
            "optics.objective_back_aperture=4 cm",
            "[optics.channels.blue] laser_power is 50 W",
        ),
        (
            "optics.pinhole_radius=50000",
            "[optics] pinhole_radius is 50000 um",
        ),
    ] {
        let warnings = told(set);
        assert!(
            warnings.as_ref().is_some_and(|all| all.contains(words)),
            "{set}: {warnings:?}"
        );
    }
    for set in [
        "optics.pixel_size=6.5 um",
        "groundtruth.voxel_dim=40,16,16",
        "optics.exposure_time=10 us",
        "expansion.factor=20",
    ] {
        assert_eq!(told(set), None, "{set}");
    }
    // SimExm's own are no slip, and no microscope's.
    let outcome = workplace.run(["check", "config.toml"]).succeeded().stdout;
    let is_simexms = |text: &str| text.contains("objective_back_aperture = 1 m are SimExm's own");
    assert!(is_simexms(&outcome), "{outcome}");
    let set = ["--set", "optics.channels.red.laser_power=5 mW"];
    let outcome = workplace.run([&["check", "config.toml"][..], &set].concat());
    assert!(!is_simexms(&outcome.succeeded().stdout));
}

#[test]
fn objectives_are_written_as_they_are_engraved() {
    let workplace = Workplace::new();
    for (engraved, lines) in [
        (
            "60x/1.2W",
            [
                "objective_factor = 60.0",
                "numerical_aperture = 1.2",
                "refractory_index = 1.333",
            ],
        ),
        (
            "100x/1.45 oil",
            [
                "objective_factor = 100.0",
                "numerical_aperture = 1.45",
                "immersion_index = 1.518",
            ],
        ),
        (
            "20X/0.8",
            [
                "objective_factor = 20.0",
                "numerical_aperture = 0.8",
                "immersion_index = 1.0",
            ],
        ),
        (
            "30x/1.05S",
            [
                "objective_factor = 30.0",
                "numerical_aperture = 1.05",
                "immersion_index = 1.406",
            ],
        ),
    ] {
        let args = ["init", "new.toml", "--force", "--objective", engraved];
        workplace.run(args).succeeded();
        let text = fs::read_to_string(workplace.path("new.toml")).unwrap();
        let has = |line: &str| text.lines().any(|of| of.trim_start().starts_with(line));
        for line in lines {
            assert!(has(line), "{engraved}: {line}\n{text}");
        }
        let told = workplace.run(["plan", "new.toml", "--set", "optics.psf_truncation=2"]);
        assert!(
            told.stderr.contains("psf_truncation"),
            "it is read: {told:?}"
        );
        assert_eq!(told.stderr.matches("error:").count(), 1, "{told:?}");
    }
    let args = [
        "init",
        "new.toml",
        "--force",
        "--microscope",
        "spinning disk",
    ];
    workplace.run(args).succeeded();
    let text = fs::read_to_string(workplace.path("new.toml")).unwrap();
    for line in [
        "type = \"spinning disk\"",
        "camera = \"ORCA-Fusion BT\"",
        "irradiance = 6.0",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}\n{text}");
    }
    let unknown = ["init", "new.toml", "--force", "--microscope", "disk"];
    workplace.refuses(USAGE, &unknown, &["spinning disk"]);
    let wrong = ["init", "new.toml", "--force", "--objective", "60/1.2"];
    workplace.refuses(USAGE, &wrong, &["like 60x/1.2W"]);
}
