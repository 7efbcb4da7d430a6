//! `fluorophores`: the table, one dye's spectra as text and as a file, and the dyes of a
//! configuration's own, which a run takes too.

use crate::support::{Workplace, files};
use std::fs;

const FAILED: i32 = 1;
const USAGE: i32 = 2;

/// Spectra as FPbase exports them, of a dye that blue light excites and whose emission the filter
/// of channel blue lets through.
const FPBASE: &str = "wavelength,mBlue ex,mBlue em,mBlue 2p\r\n380,0.8,,\r\n390,1.0,,0.1\r\n410,0.1,0.0,0.2\r\n\
                      450,,1.0,\r\n500,,0.4,\r\n560,,0.0,\r\n";

const OWN: &str = "\n[fluorophores.mBlue]\nquantum_yield = 0.5\nextinction_coefficient = 30000\nspectra = \"dyes/blue.csv\"\n";

/// A configuration with an own dye; `used`: in the layer `bodies`.
fn with_own(used: bool, table: &str) -> Workplace {
    let workplace = Workplace::new();
    let name = if used { "mBlue" } else { "ATTO390" };
    let config = crate::support::config(&[("\"ATTO390\"", &format!("{name:?}"))]) + OWN;
    workplace.write("config.toml", config);
    workplace.write("dyes/blue.csv", table);
    workplace
}

#[test]
fn the_table_has_every_dye_and_marks_guesses() {
    let workplace = Workplace::new();
    let outcome = workplace.run(["fluorophores"]).succeeded();
    let line = |name: &str| {
        let start = format!("{name} ");
        outcome
            .stdout
            .lines()
            .find(|line| line.starts_with(&start))
            .unwrap()
            .to_owned()
    };
    for dye in simexm_gpu::internals::optics::fluorophore::catalogue() {
        let line = line(&dye.name);
        for figure in [
            dye.excitation_peak_nm().to_string(),
            dye.emission_peak_nm().to_string(),
            dye.extinction_coefficient.to_string(),
            dye.maker.clone(),
        ] {
            assert!(line.contains(&figure), "{figure} in {line}");
        }
        let is_guess = dye.quantum_yield_is_guess || dye.extinction_is_guess;
        assert_eq!(line.contains('*'), is_guess, "{line}");
        assert_eq!(
            line.contains("Gaussian spectra"),
            dye.spectra_are_gaussian,
            "{line}"
        );
    }
    assert!(line("ATTO550").contains("0.80 "));
    assert!(outcome.stdout.contains("no shoulders and tails"));
    assert!(outcome.stdout.contains("* a guess"));
    assert!(!outcome.stdout.contains('\u{1b}'));
}

#[test]
fn one_dye_with_figures_and_a_chart() {
    let workplace = Workplace::new();
    let args = ["fluorophores", "ATTO390", "--config", "config.toml"];
    let stdout = workplace.run(args).succeeded().stdout;
    for text in [
        "24000 /(M cm)",
        "peak 389 nm, measured from",
        "channel blue: the laser at 390 nm excites",
        "the filter 440-500 nm passes",
        "red: laser 640 nm, filter 650-720 nm",
        "1.0 ┤",
    ] {
        assert!(stdout.contains(text), "{text} in {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "no terminal, no colours");
    // Without a configuration there are no channels.
    let stdout = workplace
        .run(["fluorophores", "Alexa790"])
        .succeeded()
        .stdout;
    assert!(
        !stdout.contains("the laser at") && stdout.contains("a guess"),
        "{stdout}"
    );
}

#[test]
fn json_holds_the_same() {
    let workplace = with_own(false, FPBASE);
    let parse = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&workplace.run(args).succeeded().stdout).unwrap()
    };
    let list = parse(&["fluorophores", "--json", "--config", "config.toml"]);
    assert_eq!(list.as_array().unwrap().len(), 37);
    assert_eq!(list[1]["name"], "ATTO425");
    assert_eq!(list[1]["emission_peak_nm"], 484.0);
    assert_eq!(list[1]["spectra_are_gaussian"], false);
    assert_eq!(list[36]["source"], "own (blue.csv)");
    let one = parse(&["fluorophores", "mBlue", "--json", "--config", "config.toml"]);
    assert_eq!(
        one["excitation"]["wavelength_nm"],
        serde_json::json!([380.0, 390.0, 410.0])
    );
    assert_eq!(
        one["emission"]["value"],
        serde_json::json!([0.0, 1.0, 0.4, 0.0])
    );
    assert_eq!(one["quantum_yield_is_guess"], false);
    assert_eq!(one["two_photon_gm"], serde_json::Value::Null);
    let green = parse(&["fluorophores", "eGFP", "--json"]);
    assert_eq!(green["name"], "EGFP");
    assert_eq!(green["spectra_are_gaussian"], true);
    assert_eq!(green["lifetime_ns"], 2.6);
    assert_eq!(green["two_photon_gm"]["wavelength_nm"][0], 740.0);
    assert_eq!(green["two_photon_gm"]["value"][0], 6.4);
}

#[test]
fn unknown_names_get_the_nearest() {
    let workplace = Workplace::new();
    for (name, words) in [
        (
            "atto 425",
            &[
                "no fluorophore is named \"atto 425\"",
                "did you mean ATTO425?",
            ][..],
        ),
        ("ATTO424", &["did you mean ATTO425?"]),
        ("GFP", &["did you mean EGFP", "[fluorophores.NAME]", "CSV"]),
        (
            "indigo",
            &["there are ATTO390, ", "Alexa790", "tdTomato", "--config"],
        ),
    ] {
        workplace.refuses(USAGE, &["fluorophores", name], words);
    }
    let own = with_own(false, FPBASE);
    let args = ["fluorophores", "mblue", "--config", "config.toml"];
    own.refuses(USAGE, &args, &["did you mean mBlue?"]);
}

#[test]
fn plots_are_files_that_nothing_replaces_unasked() {
    let workplace = Workplace::new();
    let plot = |file: &str| {
        [
            "fluorophores",
            "ATTO390",
            "--config",
            "config.toml",
            "--plot",
        ]
        .map(String::from)
        .into_iter()
        .chain([file.to_owned()])
        .collect::<Vec<_>>()
    };
    workplace.run(plot("made/here/a.svg")).succeeded();
    let svg = fs::read_to_string(workplace.path("made/here/a.svg")).unwrap();
    assert!(svg.contains("blue: laser 390 nm, filter 440-500 nm"));
    workplace.run(plot("a.PNG")).succeeded();
    let image = image::load_from_memory(&fs::read(workplace.path("a.PNG")).unwrap()).unwrap();
    assert_eq!(image.width(), 1720);
    assert_eq!(
        files(workplace.folder()),
        ["a.PNG", "cells.tif", "config.toml", "made/here/a.svg"]
    );

    let args = plot("a.PNG");
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    workplace.refuses(FAILED, &args, &["a.PNG", "exists", "--force"]);
    workplace.write("a.PNG", "mine");
    args.push("--force");
    workplace.run(&args).succeeded();
    assert_ne!(fs::read(workplace.path("a.PNG")).unwrap(), b"mine");

    for (file, code, words) in [
        ("a.pdf", USAGE, &["a.pdf", ".svg or .png"][..]),
        (
            "cells.tif/a.png",
            FAILED,
            &["cells.tif", "is a file, but a folder is needed"],
        ),
    ] {
        workplace.refuses(code, &["fluorophores", "ATTO390", "--plot", file], words);
    }
    workplace.refuses(USAGE, &["fluorophores", "--plot", "b.png"], &["NAME"]);
}

#[test]
fn an_own_dye_is_listed_and_used_by_a_run() {
    let workplace = with_own(true, FPBASE);
    let stdout = workplace
        .run(["fluorophores", "--config", "config.toml"])
        .succeeded()
        .stdout;
    let line = stdout
        .lines()
        .find(|line| line.starts_with("mBlue"))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "mBlue",
            "390",
            "450",
            "30000",
            "0.50",
            "15000",
            "own",
            "(blue.csv)"
        ]
    );

    let outcome = workplace.simulate(&["-q"]);
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    let truth =
        crate::support::read_stack(&workplace.path("out/tissue/groundtruth/mBlue/all_cells.tiff"));
    assert!(truth.values.iter().any(|&id| id > 0));
    let image = crate::support::read_stack(&workplace.path("out/tissue/simulation/channel_0.tiff"));
    assert_eq!(image.values.iter().max(), Some(&255));
}

#[test]
fn spectra_that_cannot_be_read_stop_a_run_that_uses_them() {
    let damaged = FPBASE.replace("450,,1.0", "450,,one");
    let words = [
        "[fluorophores.mBlue] spectra: ",
        "blue.csv:5: column \"mBlue em\"",
        "\"one\" must be a number",
    ];
    let workplace = with_own(true, &damaged);
    workplace.refuses(USAGE, &["config.toml"], &words);
    workplace.refuses(USAGE, &["fluorophores", "--config", "config.toml"], &words);
    // Nobody needs it here.
    with_own(false, &damaged).simulate(&["-q"]);

    fs::remove_file(workplace.path("dyes/blue.csv")).unwrap();
    let words = ["[fluorophores.mBlue] spectra: ", "blue.csv cannot be read"];
    workplace.refuses(USAGE, &["config.toml"], &words);
    fs::create_dir(workplace.path("dyes/blue.csv")).unwrap();
    workplace.refuses(USAGE, &["config.toml"], &words);
}
