use super::{Identity, look_at};
use crate::config::Config;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

fn identity(change: impl FnOnce(&mut Config)) -> Identity {
    let mut config = Config::default();
    change(&mut config);
    Identity::new(&config, 7, 10)
}

#[test]
fn changes_are_named_with_both_values() {
    let was = identity(|_| {});
    assert_eq!(was.changes(&identity(|_| {})), Vec::<String>::new());
    let is = identity(|config| config.optics.exposure_time_s *= 2.0);
    let [change] = &was.changes(&is)[..] else {
        panic!("{:?}", was.changes(&is));
    };
    assert!(change.starts_with("optics.exposure_time was "), "{change}");
    let other_seed = Identity {
        seed: 8,
        ..was.clone()
    };
    assert_eq!(was.changes(&other_seed), ["the seed was 7 and is 8"]);
}

#[test]
fn where_and_on_what_a_run_is_computed_does_not_matter() {
    let was = identity(|_| {});
    let is = identity(|config| {
        config.output.path = PathBuf::from("elsewhere");
        config.compute.threads = Some(3);
    });
    assert_eq!(was.changes(&is), Vec::<String>::new());
}

#[test]
fn files_that_changed_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("cell")).expect("made");
    let look = || {
        let mut inputs = BTreeMap::new();
        look_at(folder.path(), &mut inputs);
        Identity {
            inputs,
            ..identity(|_| {})
        }
    };
    fs::write(at("cell/a.tif"), "1").expect("written");
    fs::write(at("b.tif"), "1").expect("written");
    let was = look();
    assert_eq!(was.inputs.len(), 2);
    fs::write(at("b.tif"), "12").expect("written");
    fs::write(at("c.tif"), "1").expect("written");
    fs::remove_file(at("cell/a.tif")).expect("removed");
    let changes = was.changes(&look()).join("; ");
    for words in [
        "b.tif had 1 bytes and has 2",
        "c.tif is new",
        "a.tif is not read any more",
    ] {
        assert!(changes.contains(words), "{changes}");
    }
    // Written again, with the same length.
    let was = look();
    let file = fs::File::options()
        .write(true)
        .open(at("b.tif"))
        .expect("opened");
    file.set_modified(std::time::UNIX_EPOCH).expect("set");
    assert!(
        was.changes(&look())
            .join("")
            .contains("b.tif was written to since")
    );
}

#[test]
fn an_identity_survives_its_file() {
    let was = identity(|_| {});
    let text = serde_json::to_vec(&was).expect("written");
    assert_eq!(
        serde_json::from_slice::<Identity>(&text).expect("read"),
        was
    );
}
