//! Publications that fail, are killed, or meet a power cut, at each of their steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::super::{ManifestEntry, OutputFolder, Target};
use super::super::steps::faults::{self, Fault};
use super::{run, targets, tree};

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
