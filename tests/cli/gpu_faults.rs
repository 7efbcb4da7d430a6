//! A Vulkan driver that fails at any call: the run goes on, says so, and gives the right bytes.
//!
//! `SIMEXM_FAULTS=all` tries every call of every function, in place of a few.

use crate::support::{Outcome, Workplace, images};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Functions of Vulkan that may fail while a run is at work.
const CALLS: [&str; 11] = [
    "vkWaitSemaphores",
    "vkWaitForFences",
    "vkQueueSubmit",
    "vkAllocateMemory",
    "vkMapMemory",
    "vkCreateBuffer",
    "vkCreateShaderModule",
    "vkCreateComputePipelines",
    "vkAllocateDescriptorSets",
    "vkCreateCommandPool",
    "vkEndCommandBuffer",
];

/// VK_ERROR_OUT_OF_DEVICE_MEMORY, and VK_ERROR_DEVICE_LOST.
const RESULTS: [&str; 2] = ["-2", "-4"];

/// The library of lavapipe, as its manifest names it.
fn lavapipe() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let manifests = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let manifest = manifests.flatten().flatten().find(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("lvp_icd") && name.ends_with(".json")
    })?;
    let text = fs::read(manifest.path()).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    Some(manifest["ICD"]["library_path"].as_str()?.into())
}

/// Builds the driver that fails, in this folder; its manifest. `None` where there is no compiler.
fn failing_driver(folder: &Path) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faults/vulkan.c");
    let library = folder.join("fault.so");
    let mut compiler = Command::new("cc");
    let built = compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
    let built = built
        .args([library.as_path(), Path::new(source)])
        .arg("-ldl");
    let output = built.output().ok()?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let manifest = folder.join("fault.json");
    let text = serde_json::json!({
        "file_format_version": "1.0.0",
        "ICD": { "library_path": library, "api_version": "1.1.0" },
    });
    fs::write(&manifest, text.to_string()).ok()?;
    Some(manifest)
}

#[test]
fn a_gpu_that_vanishes_at_any_call_does_not_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let Some((driver, manifest)) = lavapipe().zip(failing_driver(folder.path())) else {
        assert_ne!(
            std::env::var("SIMEXM_GPU").as_deref(),
            Ok("require"),
            "no lavapipe, or no C compiler"
        );
        eprintln!("skipped: no lavapipe, or no C compiler");
        return;
    };
    let workplace = Workplace::new();
    let run = |call: &str, at: usize, on: bool, result: &str| -> Outcome {
        let mut command = workplace.command(["config.toml", "--backend", "gpu", "--force"]);
        command
            .env("VK_DRIVER_FILES", &manifest)
            .env("VK_ICD_FILENAMES", &manifest)
            .env("FAULT_DRIVER", &driver)
            .env("FAULT_CALL", call)
            .env("FAULT_AT", at.to_string())
            .env("FAULT_ON", u8::from(on).to_string())
            .env("FAULT_RESULT", result);
        Outcome::of(&mut command).succeeded()
    };
    workplace.simulate(&["--backend", "cpu"]);
    let by_cpu = images(&workplace.path("out"));
    assert!(run("none", 1, false, "0").warnings().is_empty());
    let by_gpu = images(&workplace.path("out"));
    let all = std::env::var("SIMEXM_FAULTS").as_deref() == Ok("all");
    let mut failed = 0;
    for (number, call) in CALLS.into_iter().enumerate() {
        for at in 1..=if all { usize::MAX } else { 1 } {
            let mut told = 0;
            for result in RESULTS {
                let outcome = run(call, at, (number + at) % 2 == 0, result);
                let found = images(&workplace.path("out"));
                assert!(
                    found == by_cpu || found == by_gpu,
                    "{call} {at}: {outcome:?}"
                );
                told += outcome.warnings().len();
            }
            failed += usize::from(told > 0);
            // A call that is not made so often cannot fail.
            if told == 0 {
                break;
            }
        }
    }
    assert!(
        failed >= CALLS.len() - 2,
        "hardly a call has failed: {failed}"
    );
}
