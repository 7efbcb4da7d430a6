//! Completions and manual pages say what the help says.

use crate::support::{Workplace, files};
use std::fs;
use std::process::{Command, Stdio};

/// Names of the subcommands, as the help lists them.
fn subcommands(workplace: &Workplace) -> Vec<String> {
    let help = workplace.run(["--help"]).succeeded().stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // A name stands two columns in; text that goes on, further.
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names
        .filter(|name| *name != "help")
        .map(ToOwned::to_owned)
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    assert!(names.contains(&"bench".to_owned()), "{names:?}");
    names
}

/// Whether there is such a program.
fn there_is(program: &str) -> bool {
    let mut command = Command::new(program);
    let command = command.arg("--version");
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    let there = command.stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("not checked with {program}, which is not there");
    }
    there
}

#[test]
fn scripts_know_all_subcommands_and_their_shell_reads_them() {
    let workplace = Workplace::new();
    let names = subcommands(&workplace);
    for shell in ["bash", "zsh", "fish"] {
        let script = workplace.run(["completions", shell]).succeeded().stdout;
        for name in &names {
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
        for flag in ["repeat", "resume", "voxel-dim"] {
            assert!(script.contains(flag), "{shell}: {flag}");
        }
        workplace.write(shell, &script);
        if there_is(shell) {
            let mut command = Command::new(shell);
            let output = command.arg("-n").arg(workplace.path(shell)).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{shell}: {output:?}");
            assert!(output.stderr.is_empty(), "{shell}: {output:?}");
        }
    }
    workplace.refuses(2, &["completions", "tcsh"], &["tcsh"]);
}

#[test]
fn bash_completes_a_subcommand_and_its_flags() {
    if !there_is("bash") {
        return;
    }
    let workplace = Workplace::new();
    let script = workplace.run(["completions", "bash"]).succeeded().stdout;
    workplace.write("completions.bash", script);
    let complete = |words: &[&str]| {
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let text = format!(
            "source ./completions.bash && f=$(complete -p simexm-gpu); f=${{f##*-F }}; f=${{f%% *}}; \
             COMP_WORDS=(simexm-gpu {}); COMP_CWORD={}; $f simexm-gpu '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            words[1..].join(" "),
            words.len() - 1,
        );
        let mut command = Command::new("bash");
        let command = command.args(["--norc", "-c", &text]);
        let output = command.current_dir(workplace.folder()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete(&["simexm-gpu", "ben"]), "bench");
    assert_eq!(complete(&["simexm-gpu", "bench", "--rep"]), "--repeat");
    assert_eq!(complete(&["simexm-gpu", "bench", "comp"]), "compare");
    let sizes = complete(&["simexm-gpu", "bench", "--size", ""]);
    assert!(
        sizes.contains("small") && sizes.contains("large"),
        "{sizes}"
    );
}

#[test]
fn manual_pages_know_all_subcommands() {
    let workplace = Workplace::new();
    let names = subcommands(&workplace);
    let page = workplace.run(["man"]).succeeded().stdout;
    assert!(page.contains(".TH simexm-gpu 1"), "{page}");
    for name in &names {
        // Hyphens are escaped in roff.
        let escaped = format!("simexm\\-gpu\\-{}", name.replace('-', "\\-"));
        assert!(page.contains(&escaped), "{name}: {page}");
        let own = workplace.run(["man", name]).succeeded().stdout;
        assert!(own.contains(".SH OPTIONS"), "{name}: {own}");
    }
    workplace.refuses(2, &["man", "fly"], &["\"fly\"", "bench"]);

    workplace.run(["man", "--output", "pages"]).succeeded();
    let written = files(&workplace.path("pages"));
    for name in &names {
        assert!(
            written.contains(&format!("simexm-gpu-{name}.1")),
            "{written:?}"
        );
    }
    assert!(
        written.contains(&"simexm-gpu-bench-compare.1".to_owned()),
        "{written:?}"
    );
    if there_is("man") {
        let output = Command::new("man")
            .args(["-l", "simexm-gpu.1"])
            .current_dir(workplace.path("pages"))
            .env("MANWIDTH", "100")
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        // Some systems have a stand-in that shows nothing.
        if output.status.success() && shown.contains("NAME") {
            for name in &names {
                assert!(shown.contains(name.as_str()), "{name}: {shown}");
            }
        }
    }
    let _ = fs::remove_dir_all(workplace.path("pages"));
}

#[test]
fn every_help_has_an_example() {
    let workplace = Workplace::new();
    for name in subcommands(&workplace) {
        let help = workplace.run([name.as_str(), "--help"]).succeeded().stdout;
        assert!(help.contains("Example"), "{name}: {help}");
        assert!(
            help.contains(&format!("simexm-gpu {name}")),
            "{name}: {help}"
        );
    }
    let help = workplace.run(["bench", "compare", "--help"]).succeeded();
    assert!(help.stdout.contains("Example"), "{}", help.stdout);
}
