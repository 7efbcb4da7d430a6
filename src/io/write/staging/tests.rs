use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::super::{ManifestEntry, OutputFolder, Target, WriteError};
use super::steps::faults::{self, Fault};

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

/// What an earlier run left that one replaces as a whole, and its record.
const EARLIER: [&str; 5] = [
    "a.tiff",
    "s/b.tiff",
    "cells/1.tiff",
    "cells/2.tiff",
    "run.toml",
];
/// What the other one writes: new files, a new tree and replaced files.
const LATER: [&str; 5] = [
    "a.tiff",
    "s/b.tiff",
    "cells/1.tiff",
    "new/c.tiff",
    "run.toml",
];

/// A folder with the earlier run, and its manifest.
fn with_earlier() -> (tempfile::TempDir, Vec<ManifestEntry>) {
    let parent = tempfile::tempdir().unwrap();
    let manifest = run(parent.path(), &[], &EARLIER, false, "earlier").unwrap();
    (parent, manifest)
}

/// Prepares the later run, up to its commit; also gives the list of its files.
fn later(root: &Path, previous: &[ManifestEntry]) -> (OutputFolder, Vec<ManifestEntry>) {
    let mut all = targets(&LATER[..4]);
    all.push(Target::Tree("pictures".into()));
    all.push(LATER[4].into());
    let mut folder = OutputFolder::prepare(root, previous, &all, false).unwrap();
    folder.make_root(None).unwrap();
    folder.supersede(Path::new("cells"));
    for target in &all {
        if matches!(target, Target::Tree(_)) {
            let mut tree = folder.create_tree(target.path()).unwrap();
            tree.write("0.png".as_ref(), b"later").unwrap();
            tree.write("d/1.png".as_ref(), b"later").unwrap();
            tree.finish().unwrap();
        } else {
            let file = folder.create(target.path()).unwrap();
            file.write_whole(b"later").unwrap();
        }
    }
    let list = folder.seal().unwrap();
    (folder, list)
}

/// The files below a folder that are not hidden, with what is in them.
fn contents(root: &Path) -> BTreeMap<String, String> {
    let files = tree(root).into_iter();
    let files = files.filter(|path| !path.starts_with('.') && !path.ends_with('/'));
    let read = |path: String| {
        let content = fs::read_to_string(root.join(&path)).unwrap();
        (path, content)
    };
    files.map(read).collect()
}

/// The steps of a publication over an earlier one, and what both leave.
fn whole() -> (usize, [BTreeMap<String, String>; 2]) {
    let (parent, manifest) = with_earlier();
    let earlier = contents(parent.path());
    let (folder, _) = later(parent.path(), &manifest);
    faults::set(None);
    folder.commit().unwrap();
    let steps = faults::steps().len();
    assert!(
        tree(parent.path())
            .iter()
            .all(|path| !path.starts_with('.'))
    );
    (steps, [earlier, contents(parent.path())])
}

#[test]
fn a_publication_that_fails_at_any_step_leaves_what_was_there() {
    let (steps, [earlier, new]) = whole();
    assert_eq!(earlier.len(), 5);
    assert_eq!(new.len(), 7, "{new:?}");
    let (mut refused, mut done) = (0, 0);
    for step in 0..steps {
        let (parent, manifest) = with_earlier();
        let (folder, _) = later(parent.path(), &manifest);
        faults::set(Some(Fault::Error(step)));
        let result = folder.commit();
        let failed = faults::steps().get(step).cloned();
        faults::set(None);
        let found = contents(parent.path());
        match &result {
            Err(error) => {
                assert_eq!(found, earlier, "{failed:?}: {error}");
                assert!(error.to_string().contains("made up"), "{error}");
                let all = tree(parent.path());
                let folders = all.iter().filter(|path| path.ends_with('/'));
                assert!(folders.eq(&["cells/", "s/"]), "{failed:?}: {all:?}");
                refused += 1;
            }
            // What is superseded, and the folder of temporary files, may stay.
            Ok(_) => {
                assert!(new.iter().all(|file| found.get(file.0) == Some(file.1)));
                done += 1;
            }
        }
        // The next run finds its way.
        let published = result.unwrap_or_default();
        let again = run_again(parent.path(), &manifest, &published);
        assert_eq!(again, new, "{failed:?}");
    }
    assert!(refused > 20 && done <= 2, "{refused} refused, {done} done");
}

#[test]
fn a_file_by_itself_is_never_lost() {
    let parent = tempfile::tempdir().unwrap();
    let first = run(parent.path(), &[], &["a.tiff"], false, "first").unwrap();
    for step in 0..4 {
        let mut folder =
            OutputFolder::prepare(parent.path(), &first, &targets(&["a.tiff"]), true).unwrap();
        let file = folder.create(Path::new("a.tiff")).unwrap();
        file.write_whole(b"second").unwrap();
        faults::set(Some(Fault::Error(step)));
        let done = folder.commit().is_ok();
        faults::set(None);
        let content = fs::read(parent.path().join("a.tiff")).unwrap();
        assert!(
            content == b"second" || (!done && content == b"first"),
            "step {step}"
        );
    }
}

/// Runs the later run as a whole, after what lies there was put back; `published` are the files of
/// the killed run. Returns what is there then.
fn run_again(
    root: &Path,
    manifest: &[ManifestEntry],
    published: &[ManifestEntry],
) -> BTreeMap<String, String> {
    OutputFolder::recover(root, published).unwrap();
    let previous: Vec<_> = manifest.iter().chain(published).cloned().collect();
    let (folder, _) = later(root, &previous);
    folder.commit().unwrap();
    assert!(tree(root).iter().all(|path| !path.starts_with('.')));
    contents(root)
}

#[test]
fn what_a_killed_publication_replaced_is_put_back() {
    let (steps, [earlier, new]) = whole();
    let (mut old, mut complete) = (0, 0);
    for step in 0..=steps {
        let (parent, manifest) = with_earlier();
        let root = parent.path();
        let (folder, published) = later(root, &manifest);
        faults::set(Some(Fault::Kill(step)));
        let _ = folder.commit();
        faults::set(None);
        // Nothing is half there, and nothing of the earlier run is lost.
        let found = contents(root);
        let is_old = |(path, content): (&String, &String)| {
            let kept = root.join(".simulation.part/old").join(path);
            found.get(path) == Some(content)
                || fs::read_to_string(kept).is_ok_and(|kept| kept == *content)
        };
        let is_new = new.iter().all(|file| found.get(file.0) == Some(file.1));
        assert!(
            is_new || earlier.iter().all(is_old),
            "step {step}: {found:?}"
        );
        OutputFolder::recover(root, &published).unwrap();
        let found = contents(root);
        if earlier.iter().all(|file| found.get(file.0) == Some(file.1)) {
            old += 1;
        } else {
            assert_eq!(found, new, "step {step}");
            complete += 1;
        }
        assert_eq!(run_again(root, &manifest, &published), new, "step {step}");
    }
    assert!(old > 15 && complete >= 2, "{old} old, {complete} new");
}

#[test]
fn what_was_changed_after_a_kill_is_not_replaced() {
    let (parent, manifest) = with_earlier();
    let root = parent.path();
    let (folder, published) = later(root, &manifest);
    let (steps, _) = whole();
    faults::set(Some(Fault::Kill(steps - 3)));
    let _ = folder.commit();
    faults::set(None);
    fs::write(root.join("a.tiff"), "mine").unwrap();
    let refused = OutputFolder::recover(root, &published).unwrap_err();
    let message = refused.to_string();
    assert!(
        message.contains("a.tiff") && message.contains("old"),
        "{message}"
    );
    assert_eq!(fs::read(root.join("a.tiff")).unwrap(), b"mine");
    assert_eq!(
        fs::read(root.join(".simulation.part/old/a.tiff")).unwrap(),
        b"earlier"
    );
    fs::remove_file(root.join("a.tiff")).unwrap();
    OutputFolder::recover(root, &published).unwrap();
    assert_eq!(fs::read(root.join("a.tiff")).unwrap(), b"earlier");
}

/// The names on a disk: files with what is in them, and folders.
type Names = BTreeMap<String, Option<String>>;

fn names(root: &Path) -> Names {
    let name = |path: String| match path.strip_suffix('/') {
        Some(folder) => (folder.to_owned(), None),
        None => {
            let content = fs::read_to_string(root.join(&path)).unwrap();
            (path, Some(content))
        }
    };
    tree(root).into_iter().map(name).collect()
}

/// A name that appears or goes, in this step.
struct Change {
    step: usize,
    name: String,
    /// What has the name then.
    content: Option<Option<String>>,
    /// The folder that brings the step to the disk.
    by: String,
    /// Of what goes along with its folder: the folders that bring its name in that to the disk.
    inside: Vec<String>,
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match &self.content {
            Some(content) => drop(names.insert(self.name.clone(), content.clone())),
            None => drop(names.remove(&self.name)),
        }
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A name, and those of the folders that it lies in.
fn with_folders(name: &str) -> impl Iterator<Item = &str> {
    fn above<'n>(name: &&'n str) -> Option<&'n str> {
        Some(parent(name)).filter(|name| !name.is_empty())
    }
    std::iter::successors(Some(name), above)
}

/// What steps change, and which folders they bring to the disk.
fn changes(root: &Path, mut now: Names, steps: &[String]) -> (Vec<Change>, Vec<(usize, String)>) {
    let (mut changes, mut synced) = (Vec::new(), Vec::new());
    for (step, words) in steps.iter().enumerate() {
        let words: Vec<&str> = words.split(' ').collect();
        let relative = |path: &&str| {
            let path = Path::new(path).strip_prefix(root).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let paths: Vec<String> = words[1..].iter().map(relative).collect();
        let below = |folder: &String| {
            let is_inside = |name: &&String| with_folders(name).any(|part| part == folder);
            now.keys().filter(is_inside).cloned().collect::<Vec<_>>()
        };
        let found: Vec<(String, Option<Option<String>>)> = match words[0] {
            "make" => with_folders(&paths[0])
                .filter(|folder| !now.contains_key(*folder))
                .map(|folder| (folder.to_owned(), Some(None)))
                .collect(),
            "keep" => vec![(paths[1].clone(), Some(now[&paths[0]].clone()))],
            "rename" => below(&paths[0])
                .into_iter()
                .flat_map(|name| {
                    let to = name.replacen(&paths[0], &paths[1], 1);
                    [(to, Some(now[&name].clone())), (name, None)]
                })
                .collect(),
            "remove" => vec![(paths[0].clone(), None)],
            "clear" => below(&paths[0])
                .into_iter()
                .map(|name| (name, None))
                .collect(),
            _ => {
                synced.push((step, paths[0].clone()));
                Vec::new()
            }
        };
        for (name, content) in found {
            let is_rename = words[0] == "rename";
            let by = if is_rename { &paths[1] } else { &name };
            let goes_along = is_rename && content.is_some() && name != paths[1];
            let was = || name.replacen(paths[1].as_str(), &paths[0], 1);
            let inside = match goes_along {
                true => vec![parent(&name).to_owned(), parent(&was()).to_owned()],
                false => Vec::new(),
            };
            let change = Change {
                step,
                by: parent(by).to_owned(),
                inside,
                name,
                content,
            };
            change.apply(&mut now);
            changes.push(change);
        }
    }
    (changes, synced)
}

/// After a power cut at any step, with any of the changes lost that were not waited for, the old
/// results stand or can be put back, or the new ones stand.
#[test]
fn a_power_cut_loses_neither_old_nor_new() {
    let (_, [earlier, new]) = whole();
    let (started, manifest) = with_earlier();
    let (folder, published) = later(started.path(), &manifest);
    let before = names(started.path());
    faults::set(None);
    folder.commit().unwrap();
    let (changes, synced) = changes(started.path(), before.clone(), &faults::steps());
    let mut random = 0x5eedu64;
    let (mut old, mut complete, mut put_back) = (0, 0, 0);
    for cut in 0..=faults::steps().len() {
        for attempt in 0..12 {
            let mut disk = before.clone();
            let mut is_lost = || {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                match attempt {
                    0 => true,
                    1 => false,
                    _ => random & 1 == 0,
                }
            };
            // A step happens as a whole, or not at all.
            let lost: Vec<bool> = (0..cut).map(|_| is_lost()).collect();
            for change in changes.iter().filter(|change| change.step < cut) {
                let is_synced = |folder: &String, steps: std::ops::Range<usize>| {
                    synced
                        .iter()
                        .any(|(step, synced)| steps.contains(step) && synced == folder)
                };
                if lost[change.step] && !is_synced(&change.by, change.step..cut) {
                    continue;
                }
                let mut inside = change.inside.iter();
                if inside.len() == 0 || inside.any(|folder| is_synced(folder, 0..cut)) || !is_lost()
                {
                    change.apply(&mut disk);
                }
            }
            // Names in folders that are gone are gone with them.
            let has_folders = |name: &String| {
                let mut folders = with_folders(name).skip(1);
                folders.all(|folder| matches!(disk.get(folder), Some(None)))
            };
            let parent = tempfile::tempdir().unwrap();
            let root = parent.path();
            let mut first = BTreeMap::new();
            for (name, content) in disk.iter().filter(|(name, _)| has_folders(name)) {
                let path = root.join(name);
                match content {
                    None => fs::create_dir(&path).unwrap(),
                    // Two names of one file.
                    Some(content) => match first.get(content) {
                        Some(other) => fs::hard_link(other, &path).unwrap(),
                        None => {
                            fs::write(&path, content).unwrap();
                            first.insert(content.clone(), path);
                        }
                    },
                }
            }
            let is_there = |wanted: &BTreeMap<String, String>, found: &BTreeMap<String, String>| {
                wanted.iter().all(|file| found.get(file.0) == Some(file.1))
            };
            let was_whole = is_there(&earlier, &contents(root));
            OutputFolder::recover(root, &published).unwrap();
            let found = contents(root);
            if is_there(&earlier, &found) {
                old += 1;
                put_back += usize::from(!was_whole);
            } else {
                assert_eq!(found, new, "cut before step {cut}, attempt {attempt}");
                complete += 1;
            }
            assert_eq!(run_again(root, &manifest, &published), new);
        }
    }
    assert!(
        old > 100 && complete > 10 && put_back > 50,
        "{old} {complete} {put_back}"
    );
}
