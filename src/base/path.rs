//! Paths as they are written to files, and names that become parts of paths.

use super::text::is_unseen;
use serde::Serializer;
use std::collections::BTreeSet;
use std::path::Path;

/// Writes a path as absolute, so that the file may lie anywhere. TOML holds Unicode only: what of
/// the path is not is replaced.
pub(crate) fn absolute_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    match std::path::absolute(path) {
        Ok(absolute) => serializer.serialize_str(&absolute.to_string_lossy()),
        Err(_) => serializer.serialize_str(&path.to_string_lossy()),
    }
}

/// Names of files for things with these names, on any system: what the name of a file must not hold
/// is replaced, and none is there twice, be it in other cases.
pub(crate) fn file_names<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let unique = |name: &str| {
        let plain = file_name(name);
        let numbered = (2..).map(|number| format!("{plain}_{number}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        let free = candidates.find(|candidate| taken.insert(candidate.to_lowercase()));
        free.unwrap_or(plain)
    };
    names.map(unique).collect()
}

/// A name without what some system does not take in a file's name.
fn file_name(name: &str) -> String {
    /// Most characters; with those of four bytes it stays below the systems' 255 bytes.
    const LONGEST: usize = 50;
    let refused = |c: char| "<>:\"/\\|?*".contains(c) || is_unseen(c);
    let plain = name.chars().take(LONGEST);
    let plain: String = plain.map(|c| if refused(c) { '_' } else { c }).collect();
    // Windows drops dots and blanks at the end; a dot at the start hides a file.
    let plain = plain
        .trim_end_matches(['.', ' '])
        .trim_start_matches(['.', ' ']);
    let device = plain.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = |start: &str| {
        let rest = device.strip_prefix(start);
        rest.is_some_and(|rest| rest.len() == 1 && rest.chars().all(|c| c.is_ascii_digit()))
    };
    let is_device = ["con", "prn", "aux", "nul"].contains(&device.as_str())
        || numbered("com")
        || numbered("lpt");
    if plain.is_empty() || is_device {
        return format!("channel_{plain}");
    }
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::file_names;

    #[test]
    fn names_of_files_are_taken_by_every_system() {
        let names = |names: &[&str]| file_names(names.iter().copied());
        let kept = ["membranes", "gr\u{fc}n 405", "GFP.2", "a=b"];
        assert_eq!(names(&kept), kept);
        assert_eq!(
            names(&["a/b", "a\\b", "A:B", "..", "con", "Com1.x", "end. "]),
            [
                "a_b",
                "a_b_2",
                "A_B_3",
                "channel_",
                "channel_con",
                "channel_Com1.x",
                "end"
            ]
        );
        assert_eq!(names(&["a_2", "a", "A"]), ["a_2", "a", "A_3"]);
        let long = "\u{1f52c}".repeat(300);
        assert!(names(&[&long, &long]).iter().all(|name| name.len() < 240));
    }
}
