use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::{ManifestEntry, OutputFolder, WriteError};

fn targets(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

/// A run that writes `content` into every target.
fn run(
    root: &Path,
    previous: &[ManifestEntry],
    names: &[&str],
    force: bool,
    content: &str,
) -> Result<Vec<ManifestEntry>, WriteError> {
    let targets = targets(names);
    let mut folder = OutputFolder::prepare(root, previous, &targets, force)?;
    for target in &targets {
        folder.create(target)?.write_whole(content.as_bytes())?;
    }
    folder.commit()
}

/// All paths below `root`, sorted.
fn tree(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            paths.extend(
                tree(&entry.path())
                    .into_iter()
                    .map(|p| format!("{name}/{p}")),
            );
            paths.push(format!("{name}/"));
        } else {
            paths.push(name);
        }
    }
    paths.sort();
    paths
}

#[test]
fn a_second_run_replaces_its_own_files_only() {
    let parent = tempfile::tempdir().unwrap();
    let root = &parent.path().join("out/run");
    let names = ["simulation/channel_0.tiff", "simulation/channel_1.tiff"];
    let first = run(root, &[], &names, false, "first").unwrap();
    assert_eq!(first[1].path, names[1]);
    assert_eq!(first[1].bytes, 5);
    assert_eq!(first[1].crc32, crc32fast::hash(b"first"));
    let wanted = ["simulation/", names[0], names[1]];
    assert_eq!(tree(root), wanted);

    // Its own, unchanged: replaced. A file it does not write any more stays, and is told.
    let folder = OutputFolder::prepare(root, &first, &targets(&names[..1]), false).unwrap();
    assert_eq!(folder.stale(), &first[1..]);
    drop(folder);
    let second = run(root, &first, &names, false, "second").unwrap();
    assert_eq!(fs::read(root.join(names[1])).unwrap(), b"second");

    // Changed by someone, of equal length: not touched, and nothing else is either.
    fs::write(root.join(names[1]), "SECOND").unwrap();
    let message = run(root, &second, &names, false, "third")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("channel_1.tiff: exists") && message.contains("--force"),
        "{message}"
    );
    assert_eq!(fs::read(root.join(names[0])).unwrap(), b"second");
    assert_eq!(tree(root), wanted);
    // No manifest: nothing is its own.
    let message = run(root, &[], &names, false, "third")
        .unwrap_err()
        .to_string();
    assert!(message.contains("and 1 other"), "{message}");
    run(root, &[], &names, true, "third").unwrap();
    assert_eq!(fs::read(root.join(names[1])).unwrap(), b"third");
}

#[test]
fn a_run_that_fails_leaves_no_trace() {
    let parent = tempfile::tempdir().unwrap();
    let root = &parent.path().join("out/run");
    let names = ["simulation/a.tiff", "groundtruth/ATTO425/b.tiff"];
    let all = targets(&names);
    let mut folder = OutputFolder::prepare(root, &[], &all, false).unwrap();
    assert_eq!(tree(parent.path()).len(), 0);
    folder
        .create(&all[0])
        .unwrap()
        .write_whole(b"half")
        .unwrap();
    let mut open = folder.create(&all[1]).unwrap();
    open.write_all(b"ha").unwrap();
    assert!(tree(root).contains(&"simulation/.a.tiff.part".to_owned()));
    let unfinished = folder.commit();
    assert!(matches!(unfinished, Err(WriteError::Incomplete { .. })));
    assert_eq!(tree(parent.path()).len(), 0);

    // Over an earlier run: that stays as it was.
    let first = run(root, &[], &names, false, "first").unwrap();
    let before = tree(root);
    let mut folder = OutputFolder::prepare(root, &first, &all, false).unwrap();
    folder
        .create(&all[0])
        .unwrap()
        .write_whole(b"second")
        .unwrap();
    drop(folder);
    assert_eq!(tree(root), before);
    assert_eq!(fs::read(root.join(names[0])).unwrap(), b"first");

    // What a killed run left under a temporary name is no obstacle.
    fs::write(root.join("simulation/.a.tiff.part"), "rest of a killed run").unwrap();
    run(root, &first, &names, false, "third").unwrap();
    assert_eq!(tree(root), before);
}

#[test]
fn obstacles_are_named_before_anything_is_written() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path();
    let refused = |path: &Path, name: &str, force| {
        OutputFolder::prepare(path, &[], &targets(&[name]), force)
            .unwrap_err()
            .to_string()
    };
    fs::create_dir_all(root.join("taken.tiff")).unwrap();
    let message = refused(root, "taken.tiff", true);
    assert!(message.contains("taken.tiff: is a folder"), "{message}");
    fs::write(root.join("file"), "").unwrap();
    for (path, name) in [
        (root.to_owned(), "file/a.tiff"),
        (root.join("file/run"), "a.tiff"),
    ] {
        let message = refused(&path, name, true);
        assert!(message.contains("/file: is a file"), "{message}");
    }
    for name in ["../a.tiff", "/a.tiff", "", "a/../b.tiff"] {
        assert!(
            refused(root, name, true).contains("no planned result"),
            "{name}"
        );
    }
    let mut folder = OutputFolder::prepare(root, &[], &targets(&["a"]), false).unwrap();
    let unplanned = folder.create(Path::new("b"));
    assert!(matches!(unplanned, Err(WriteError::NotPlanned { .. })));
}

#[test]
fn what_comes_to_lie_there_during_a_run_is_not_replaced() {
    let parent = tempfile::tempdir().unwrap();
    let all = targets(&["a.tiff", "b.tiff"]);
    let mut folder = OutputFolder::prepare(parent.path(), &[], &all, false).unwrap();
    for target in &all {
        folder.create(target).unwrap().write_whole(b"mine").unwrap();
    }
    fs::write(parent.path().join("b.tiff"), "yours").unwrap();
    assert!(matches!(folder.commit(), Err(WriteError::Foreign { .. })));
    assert_eq!(tree(parent.path()), ["b.tiff"]);
    assert_eq!(fs::read(parent.path().join("b.tiff")).unwrap(), b"yours");
}

#[test]
fn a_manifest_can_be_sealed_before_the_commit_and_stored_as_toml() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Table {
        output: Vec<ManifestEntry>,
    }
    let parent = tempfile::tempdir().unwrap();
    let all = targets(&["a.tiff", "simulation.toml"]);
    let mut folder = OutputFolder::prepare(parent.path(), &[], &all, false).unwrap();
    folder
        .create(&all[0])
        .unwrap()
        .write_whole(b"pixels")
        .unwrap();
    let output = folder.seal().unwrap();
    let text = toml::to_string(&Table { output }).unwrap();
    let manifest = folder.create(&all[1]).unwrap();
    manifest.write_whole(text.as_bytes()).unwrap();
    let entries = folder.commit().unwrap();
    let stored = fs::read_to_string(parent.path().join("simulation.toml")).unwrap();
    let table: Table = toml::from_str(&stored).unwrap();
    assert_eq!(table.output, entries[..1]);
    assert_eq!(entries[1].path, "simulation.toml");
}

#[test]
fn causes_are_told_in_plain_words() {
    use std::io::{Error, ErrorKind};
    for (kind, words) in [
        (ErrorKind::StorageFull, "the disk is full"),
        (ErrorKind::FileTooLarge, "limit"),
        (ErrorKind::ReadOnlyFilesystem, "read-only"),
        (ErrorKind::NotADirectory, "a part of the path is a file"),
        (ErrorKind::PermissionDenied, "permission denied"),
    ] {
        let message = WriteError::io("a/b.tiff".as_ref(), Error::from(kind)).to_string();
        assert!(
            message.starts_with("a/b.tiff: cannot be written: "),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
    }
}
