mod publication;

use std::fs;
use std::io::Write;
use std::path::Path;

use super::super::{ManifestEntry, OutputFolder, Target, WriteError};

fn targets(names: &[&str]) -> Vec<Target> {
    names.iter().map(|&name| name.into()).collect()
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
        folder
            .create(target.path())?
            .write_whole(content.as_bytes())?;
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
    assert!(folder.stale().eq(&first[1..]));
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
        .create(all[0].path())
        .unwrap()
        .write_whole(b"half")
        .unwrap();
    let mut open = folder.create(all[1].path()).unwrap();
    open.write_all(b"ha").unwrap();
    assert!(tree(root).contains(&".a.tiff.part/new/simulation/a.tiff".to_owned()));
    let unfinished = folder.commit();
    assert!(matches!(unfinished, Err(WriteError::Incomplete { .. })));
    assert_eq!(tree(parent.path()).len(), 0);

    // Over an earlier run: that stays as it was.
    let first = run(root, &[], &names, false, "first").unwrap();
    let before = tree(root);
    let mut folder = OutputFolder::prepare(root, &first, &all, false).unwrap();
    folder
        .create(all[0].path())
        .unwrap()
        .write_whole(b"second")
        .unwrap();
    drop(folder);
    assert_eq!(tree(root), before);
    assert_eq!(fs::read(root.join(names[0])).unwrap(), b"first");

    // What a killed run left is no obstacle, and goes as a whole.
    fs::create_dir_all(root.join(".a.tiff.part/new/b")).unwrap();
    fs::write(root.join(".a.tiff.part/new/b/c"), "rest of a killed run").unwrap();
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
        folder
            .create(target.path())
            .unwrap()
            .write_whole(b"mine")
            .unwrap();
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
        .create(all[0].path())
        .unwrap()
        .write_whole(b"pixels")
        .unwrap();
    let output = folder.seal().unwrap();
    let text = toml::to_string(&Table { output }).unwrap();
    let manifest = folder.create(all[1].path()).unwrap();
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

const TREE: &str = "simulation/channel_0";

fn tree_target() -> [Target; 1] {
    [Target::Tree(TREE.into())]
}

/// A run that writes these files of a tree.
fn run_tree(
    root: &Path,
    previous: &[ManifestEntry],
    names: &[&str],
    content: &str,
) -> Result<Vec<ManifestEntry>, WriteError> {
    let mut folder = OutputFolder::prepare(root, previous, &tree_target(), false)?;
    let mut tree = folder.create_tree(TREE.as_ref())?;
    for name in names {
        tree.write(name.as_ref(), format!("{content} {name}").as_bytes())?;
    }
    tree.finish()?;
    folder.commit()
}

#[test]
fn a_tree_appears_whole_or_not_at_all() {
    let parent = tempfile::tempdir().unwrap();
    let root = &parent.path().join("out");
    let mut folder = OutputFolder::prepare(root, &[], &tree_target(), false).unwrap();
    let as_file = folder.create(TREE.as_ref());
    assert!(matches!(as_file, Err(WriteError::NotPlanned { .. })));
    let mut half = folder.create_tree(TREE.as_ref()).unwrap();
    half.write("c/0/1".as_ref(), b"one").unwrap();
    let temporary = [
        ".channel_0.part/",
        ".channel_0.part/new/",
        ".channel_0.part/new/simulation/",
        ".channel_0.part/new/simulation/channel_0/",
        ".channel_0.part/new/simulation/channel_0/c/",
        ".channel_0.part/new/simulation/channel_0/c/0/",
        ".channel_0.part/new/simulation/channel_0/c/0/1",
    ];
    assert_eq!(tree(root), temporary);
    for out in ["../a", "/a", ""] {
        let out = half.write(out.as_ref(), b"one");
        assert!(matches!(out, Err(WriteError::NotPlanned { .. })));
    }
    assert!(half.write("c/0/1".as_ref(), b"again").is_err());
    assert!(matches!(folder.seal(), Err(WriteError::Incomplete { .. })));
    let again = folder.create_tree(TREE.as_ref());
    assert!(matches!(again, Err(WriteError::NotPlanned { .. })));
    // Anew, as after the failure of a device.
    folder.discard();
    assert_eq!(tree(root), temporary[..3]);
    let mut anew = folder.create_tree(TREE.as_ref()).unwrap();
    anew.write("0.png".as_ref(), b"one").unwrap();
    drop(folder);
    assert_eq!(tree(parent.path()), [""; 0]);
}

#[test]
fn a_tree_replaces_its_own_files_as_a_whole() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path();
    let place = root.join(TREE);
    let names = ["0", "c/1", "c/2", "d/e/3"];
    let first = run_tree(root, &[], &names, "first").unwrap();
    let paths: Vec<_> = first.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, names.map(|name| format!("{TREE}/{name}")));
    assert_eq!(fs::read(place.join("d/e/3")).unwrap(), b"first d/e/3");

    // A killed run's rest is no obstacle, and hidden files are none; what is not written again
    // goes.
    let rest = root.join(".channel_0.part");
    fs::create_dir(&rest).unwrap();
    fs::write(rest.join("7"), "rest").unwrap();
    fs::write(place.join(".directory"), "of a file browser").unwrap();
    let folder = OutputFolder::prepare(root, &first, &tree_target(), false).unwrap();
    assert_eq!(folder.stale().count(), 0);
    drop(folder);
    let second = run_tree(root, &first, &["c/1", "4"], "second").unwrap();
    assert_eq!(second.len(), 2);
    let left = [".directory", "4", "c/", "c/1"];
    assert_eq!(tree(&place), left);
    assert_eq!(fs::read(place.join("c/1")).unwrap(), b"second c/1");

    // Someone has changed one file and added another.
    fs::write(place.join("c/1"), "mine").unwrap();
    fs::write(place.join("c/5"), "mine").unwrap();
    let refused = run_tree(root, &second, &names, "third").unwrap_err();
    let message = refused.to_string();
    assert!(message.contains("1 and 1 other"), "{message}");
    assert_eq!(fs::read(place.join("c/1")).unwrap(), b"mine");
    // Comes to lie there while the run writes.
    fs::remove_file(place.join("c/1")).unwrap();
    fs::remove_file(place.join("c/5")).unwrap();
    let mut folder = OutputFolder::prepare(root, &second, &tree_target(), false).unwrap();
    let mut late = folder.create_tree(TREE.as_ref()).unwrap();
    late.write("c/6".as_ref(), b"third").unwrap();
    late.finish().unwrap();
    fs::write(place.join("c/6"), "yours").unwrap();
    assert!(matches!(folder.commit(), Err(WriteError::Foreign { .. })));
    assert_eq!(fs::read(place.join("c/6")).unwrap(), b"yours");
    // A file lies where the folder belongs.
    fs::write(root.join("file"), "").unwrap();
    let target = [Target::Tree("file".into())];
    let blocked = OutputFolder::prepare(root, &[], &target, true);
    assert!(matches!(blocked, Err(WriteError::NotAFolder { .. })));
}

#[test]
fn results_known_late_pass_the_same_checks() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path();
    let late = ["cells/1.tiff", "cells/2.tiff"];
    let first = run(root, &[], &["a.tiff", late[0], late[1]], false, "first").unwrap();
    fs::write(root.join("cells/3.tiff"), "yours").unwrap();

    let mut folder = OutputFolder::prepare(root, &first, &targets(&["a.tiff"]), false).unwrap();
    assert!(folder.stale().eq(&first[1..]));
    let unclaimed = folder.create(Path::new(late[0]));
    assert!(matches!(unclaimed, Err(WriteError::NotPlanned { .. })));
    let foreign = folder.claim(&targets(&[late[0], "cells/3.tiff"]));
    assert!(matches!(foreign, Err(WriteError::Foreign { more: 0, .. })));
    assert!(folder.stale().eq(&first[1..]), "nothing was claimed");
    assert!(folder.claim(&targets(&["../b.tiff"])).is_err());
    folder.claim(&targets(&[late[0], late[0]])).unwrap();
    folder.claim(&targets(&[late[0], "new/4.tiff"])).unwrap();
    assert!(folder.stale().eq(&first[2..]));
    for name in ["a.tiff", late[0], "new/4.tiff"] {
        let file = folder.create(Path::new(name)).unwrap();
        file.write_whole(b"second").unwrap();
    }
    assert_eq!(folder.commit().unwrap().len(), 3);
    assert_eq!(fs::read(root.join(late[0])).unwrap(), b"second");
    assert_eq!(fs::read(root.join(late[1])).unwrap(), b"first");
    assert_eq!(fs::read(root.join("cells/3.tiff")).unwrap(), b"yours");
}

#[test]
fn what_is_superseded_goes_unless_it_was_changed() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path();
    let write = |files: &[&str], previous: &[ManifestEntry], whole: &[&str]| {
        let files = targets(files);
        let mut folder = OutputFolder::prepare(root, previous, &files, false).unwrap();
        whole
            .iter()
            .for_each(|whole| folder.supersede(Path::new(whole)));
        for file in &files {
            folder
                .create(file.path())
                .unwrap()
                .write_whole(b"content")
                .unwrap();
        }
        let stale: Vec<String> = folder.stale().map(|entry| entry.path.clone()).collect();
        (folder.commit().unwrap(), stale)
    };
    let files = [
        "cells/1.tiff",
        "cells/2.tiff",
        "cells/3/0.png",
        "cells/4.tiff",
        "other/5.tiff",
    ];
    let (first, _) = write(&files, &[], &[]);
    fs::write(root.join("cells/4.tiff"), "mine").unwrap();
    let (_, stale) = write(&["cells/1.tiff"], &first, &["cells"]);
    assert_eq!(stale, ["other/5.tiff"]);
    let left = [
        "cells/",
        "cells/1.tiff",
        "cells/4.tiff",
        "other/",
        "other/5.tiff",
    ];
    assert_eq!(tree(root), left);
    assert_eq!(fs::read(root.join("cells/4.tiff")).unwrap(), b"mine");
}
