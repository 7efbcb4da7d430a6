//! A Vulkan driver that fails at any call: the run goes on, says so, and gives the right bytes.
//!
//! `SIMEXM_FAULTS=all` tries every call of every function, in place of a share.

use crate::support::{Outcome, Workplace, faults, images};
use std::fs;
use std::path::{Path, PathBuf};

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
    let library = faults::library("vulkan.c", folder)?;
    let manifest = folder.join("fault.json");
    let text = serde_json::json!({
        "file_format_version": "1.0.0",
        "ICD": { "library_path": library, "api_version": "1.1.0" },
    });
    fs::write(&manifest, text.to_string()).unwrap();
    Some(manifest)
}

/// Points of failure that are tried unless all are.
const SHARE: usize = 26;

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
    let run = |call: &str, faults: &[(&str, String)]| -> Outcome {
        let mut command = workplace.command(["config.toml", "--backend", "gpu", "--force"]);
        command
            .env("VK_DRIVER_FILES", &manifest)
            .env("VK_ICD_FILENAMES", &manifest)
            .env("FAULT_DRIVER", &driver)
            .env("FAULT_CALL", call);
        for (name, value) in faults {
            command.env(format!("FAULT_{name}"), value);
        }
        Outcome::of(&mut command).succeeded()
    };
    workplace.simulate(&["--backend", "cpu"]);
    let by_cpu = images(&workplace.path("out"));
    assert!(run("none", &[]).warnings().is_empty());
    let by_gpu = images(&workplace.path("out"));
    let log = folder.path().join("calls");
    let mut points = Vec::new();
    for call in CALLS {
        run(call, &[("LOG", log.display().to_string())]);
        let calls: usize = fs::read_to_string(&log).unwrap().trim().parse().unwrap();
        for at in 1..=calls {
            let results = RESULTS.into_iter().enumerate();
            points.extend(results.map(|(number, result)| (call, at, result, (at + number) % 2)));
        }
    }
    let of_all = points.len();
    let (mut tried, mut told) = (0, 0);
    for (call, at, result, on) in faults::share(points, SHARE) {
        let faults = [
            ("AT", at.to_string()),
            ("RESULT", result.to_owned()),
            ("ON", on.to_string()),
        ];
        let outcome = run(call, &faults);
        let found = images(&workplace.path("out"));
        let right = found == by_cpu || found == by_gpu;
        assert!(right, "{call} {at} {result} {on}: {outcome:?}");
        tried += 1;
        told += usize::from(!outcome.warnings().is_empty());
    }
    println!("{tried} points of {of_all}, {told} of which were told");
    assert!(
        told * 2 >= tried,
        "hardly a failure was noticed: {told} of {tried}"
    );
}
