//! What a plan says of machines that are not here.

use super::workplace;

fn told(workplace: &crate::support::Workplace, machines: &[&str]) -> serde_json::Value {
    let plan = [
        "plan",
        "config.toml",
        "--write",
        "run",
        "--core",
        "16",
        "--json",
    ];
    let told = workplace.run([&plan[..], machines].concat()).succeeded();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    told["forecast"].clone()
}

fn wall(forecast: &serde_json::Value) -> &str {
    forecast["wall"].as_str().unwrap()
}

/// The wall is where the machines are slow, and the plan stays the same.
#[test]
fn walls_are_named() {
    let workplace = workplace([112, 70, 66], &[]);
    assert!(told(&workplace, &[]).is_null());
    let one = told(&workplace, &["--machines", "1"]);
    let number = |forecast: &serde_json::Value, key: &str| forecast[key].as_f64().unwrap();
    assert!(number(&one, "seconds") > 0.0 && number(&one, "survey_seconds") > 0.0);
    assert_eq!(number(&one, "store_seconds"), 0.0);
    for (machines, expected) in [
        (&["--device-bandwidth", "0.001"][..], "compute"),
        (&["--store-bandwidth", "0.00001"], "store"),
    ] {
        let forecast = told(&workplace, &[&["--machines", "2"][..], machines].concat());
        assert!(wall(&forecast).contains(expected), "{forecast}");
    }
    // Seven tasks are no work for a hundred machines.
    let many = ["--machines", "100", "--device-bandwidth", "0.001"];
    let many = told(&workplace, &many);
    assert!(wall(&many).contains("longest task"), "{many}");
    // What has to be moved does not depend on who does it.
    assert_eq!(many["moved_bytes"], one["moved_bytes"]);
    assert!(number(&many, "moved_bytes") > 1e6, "{many}");
    let left = workplace.path("run/.simexm-tmp");
    let left = std::fs::read_dir(left).map_or(0, |entries| entries.count());
    assert!(left <= 1, "{left} folders are left");
}

#[test]
fn machines_that_cannot_be_are_refused() {
    let workplace = workplace([32, 40, 40], &[]);
    let plan = ["plan", "config.toml", "--write", "run", "--machines"];
    for (machines, expected) in [
        (&["0"][..], "--machines"),
        (&["1", "--store-bandwidth", "0"], "GB per second"),
        (&["1", "--device-bandwidth", "fast"], "GB per second"),
        (&["1", "--cores", "0"], "--cores"),
    ] {
        workplace.refuses(2, &[&plan[..], machines].concat(), &[expected]);
    }
    let alone = ["plan", "config.toml", "--machines", "2"];
    workplace.refuses(2, &alone, &["--write"]);
    assert!(!workplace.path("run").exists());
}
