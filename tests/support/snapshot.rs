//! What lies in a folder, and whether it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Something in a folder.
#[derive(PartialEq, Eq)]
pub enum Entry {
    Folder,
    Link(PathBuf),
    File {
        content: Vec<u8>,
        modified: SystemTime,
    },
}

/// Everything below a folder, links not followed.
pub type Snapshot = BTreeMap<PathBuf, Entry>;

/// Looks at everything below a folder.
pub fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let entry = if metadata.is_dir() {
                folders.push(path.clone());
                Entry::Folder
            } else if metadata.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap())
            } else {
                Entry::File {
                    content: fs::read(&path).unwrap(),
                    modified: metadata.modified().unwrap(),
                }
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), entry);
        }
    }
    found
}

/// Asserts that nothing was added, taken away, or written, and names what was.
pub fn assert_same(before: &Snapshot, after: &Snapshot) {
    let mut differences = Vec::new();
    for (path, entry) in before {
        match after.get(path) {
            None => differences.push(format!("{} is gone", path.display())),
            Some(now) if now != entry => {
                differences.push(format!("{} was written", path.display()))
            }
            Some(_) => {}
        }
    }
    let new = after.keys().filter(|path| !before.contains_key(*path));
    differences.extend(new.map(|path| format!("{} is new", path.display())));
    assert!(differences.is_empty(), "{differences:?}");
}

/// The contents of all files below a folder but for `simulation.toml`, which tells times.
pub fn images(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = snapshot(root)
        .into_iter()
        .filter_map(|(path, entry)| match entry {
            Entry::File { content, .. } if !path.ends_with("simulation.toml") => {
                Some((path, content))
            }
            _ => None,
        });
    files.collect()
}

/// The files below a folder, with `/` between the parts of their paths.
pub fn files(root: &Path) -> Vec<String> {
    let is_file = |(path, entry): (PathBuf, Entry)| match entry {
        Entry::Folder => None,
        _ => Some(path.to_str().unwrap().replace('\\', "/")),
    };
    snapshot(root).into_iter().filter_map(is_file).collect()
}
