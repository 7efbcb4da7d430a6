//! `simexm-gpu view` and `--view` find the window's program, leave all to it, and say what to do
//! without it.

use crate::support::{BINARY, Outcome, Workplace};
use std::process::Command;

/// Runs a shell command in the folder. A file that this process wrote itself might still be open in
/// what another thread has just forked, and could not be started.
fn shell(workplace: &Workplace, script: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", BINARY]);
    assert!(
        command
            .current_dir(workplace.folder())
            .status()
            .unwrap()
            .success()
    );
}

/// A folder with the program in `bin`, and nothing beside it.
fn alone() -> Workplace {
    let workplace = Workplace::new();
    shell(
        &workplace,
        "mkdir bin elsewhere && cp \"$1\" bin/simexm-gpu",
    );
    workplace
}

/// Puts a program into a folder that tells its arguments, and ends with a code of its own.
fn put_viewer(workplace: &Workplace, folder: &str) {
    let script = format!(
        "cd {folder} && printf '#!/bin/sh\nprintf \"%%s|\" {folder} \"$@\"; exit 7' >simexm-gpu-view \
         && chmod +x simexm-gpu-view"
    );
    shell(workplace, &script);
}

/// The program in `bin`, with a display, and with `elsewhere` as its PATH.
fn command(workplace: &Workplace, args: &[&str]) -> Command {
    let mut command = Command::new(workplace.path("bin/simexm-gpu"));
    command.args(args);
    workplace.prepare(&mut command);
    command
        .env("DISPLAY", ":0")
        .env("PATH", workplace.path("elsewhere"));
    command
}

#[test]
fn a_missing_viewer_is_named_before_anything_is_done() {
    let workplace = alone();
    for args in [&["view", "cells.tif"][..], &["config.toml", "--view"]] {
        let words = [
            "simexm-gpu-view",
            "`cargo install --path crates/viewer`",
            "quicklook.png",
        ];
        workplace.fails(2, &mut command(&workplace, args), &words);
    }
}

#[cfg(not(target_os = "macos"))]
#[test]
fn a_missing_display_is_named_before_anything_is_done() {
    let workplace = alone();
    put_viewer(&workplace, "bin");
    for args in [&["view", "cells.tif"][..], &["config.toml", "--view"]] {
        let mut command = command(&workplace, args);
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        workplace.fails(2, &mut command, &["no display", "quicklook.png"]);
    }
}

#[test]
fn the_viewer_has_the_arguments_and_its_exit_code_is_passed_on() {
    let workplace = alone();
    let view = [
        "view",
        "a.tif",
        "--labels",
        "b c.tif",
        "--save-to",
        "d",
        "--",
        "-e",
    ];
    let run = ["config.toml", "--view", "--quiet"];
    // What lies beside the program is taken before what is on the PATH.
    for folder in ["elsewhere", "bin"] {
        put_viewer(&workplace, folder);
        let outcome = Outcome::of(&mut command(&workplace, &view));
        let told = format!("{folder}|--save-to=d|--labels=b c.tif|--|a.tif|-e|");
        assert_eq!((outcome.code, outcome.stdout), (Some(7), told));
        let outcome = Outcome::of(&mut command(&workplace, &run));
        let output = workplace.path("out/tissue");
        let told = format!("{folder}|--save-to=.|--|{}|", output.display());
        assert_eq!((outcome.code, outcome.stdout), (Some(7), told));
    }
}
