//! The names of a sequence's images: whether they are one sequence, and which numbers are missing
//! in it.

use std::collections::BTreeMap;
use std::path::Path;

/// Names that are alike but for their numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// A pattern that matches them and, where their numbers have one width, no others.
    pub pattern: String,
    pub count: usize,
}

/// A name in pieces: text and numbers in turn, text first.
fn pieces(name: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut rest, mut digits) = (name, false);
    while !rest.is_empty() || !digits {
        let end = rest
            .find(|c: char| c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        pieces.push(&rest[..end]);
        rest = &rest[end..];
        digits = !digits;
    }
    pieces
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The kinds of names, where there are several and any of them is numbered: the most frequent ones
/// first.
pub(super) fn kinds(paths: &[&Path]) -> Option<Vec<Kind>> {
    let mut kinds: BTreeMap<Vec<String>, Vec<&Path>> = BTreeMap::new();
    for path in paths {
        let stem = stem(path);
        let text = pieces(&stem).into_iter().step_by(2).map(str::to_owned);
        kinds.entry(text.collect()).or_default().push(path);
    }
    let is_numbered =
        |(text, paths): (&Vec<String>, &Vec<&Path>)| text.len() > 1 && paths.len() > 1;
    if kinds.len() < 2 || !kinds.iter().any(is_numbered) {
        return None;
    }
    let mut found: Vec<Kind> = kinds
        .into_values()
        .map(|paths| Kind {
            pattern: pattern(&paths),
            count: paths.len(),
        })
        .collect();
    found.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    Some(found)
}

/// A pattern of names that are alike but for their numbers.
fn pattern(paths: &[&Path]) -> String {
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let all: Vec<Vec<&str>> = stems.iter().map(|stem| pieces(stem)).collect();
    let first = all.first().cloned().unwrap_or_default();
    let mut pattern = String::new();
    for (number, piece) in first.iter().enumerate() {
        let is_text = number % 2 == 0;
        let one_width = all.iter().all(|pieces| pieces[number].len() == piece.len());
        match (is_text, one_width) {
            (true, _) => pattern.push_str(&glob::Pattern::escape(piece)),
            (false, true) => pattern.extend(std::iter::repeat_n('?', piece.len())),
            (false, false) => pattern.push('*'),
        }
    }
    let ends = paths.iter().map(|path| path.extension());
    let mut ends: Vec<_> = ends.collect();
    ends.dedup();
    match ends[..] {
        [Some(end)] => format!("{pattern}.{}", end.to_string_lossy()),
        _ => format!("{pattern}.*"),
    }
}

/// What is odd about the numbers of images in the order of their slices, in sentences.
pub(super) fn gaps(paths: &[&Path]) -> Vec<String> {
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let all: Vec<Vec<&str>> = stems.iter().map(|stem| pieces(stem)).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    if all.iter().any(|pieces| pieces.len() != first.len()) {
        return Vec::new();
    }
    let numbers = (1..first.len()).step_by(2);
    let counting: Vec<usize> = numbers
        .filter(|&number| all.iter().any(|pieces| pieces[number] != first[number]))
        .collect();
    let name = |index: usize| {
        paths[index]
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let [number] = counting[..] else {
        if counting.len() < 2 {
            return Vec::new();
        }
        return vec![format!(
            "the names count along {} numbers, from {} to {}: all images are taken for slices along z, one after the other",
            counting.len(),
            name(0),
            name(paths.len() - 1)
        )];
    };
    let values: Option<Vec<u64>> = all
        .iter()
        .map(|pieces| pieces[number].parse().ok())
        .collect();
    let Some(values) = values else {
        return Vec::new();
    };
    if let Some(index) = values.windows(2).position(|pair| pair[0] == pair[1]) {
        return vec![format!(
            "{} and {} have one number: both are taken for slices, one after the other",
            name(index),
            name(index + 1)
        )];
    }
    let steps = || {
        values
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
    };
    let Some(step) = steps().filter(|&step| step > 0).min() else {
        return Vec::new();
    };
    let missing: Vec<(u64, u64, usize)> = (values.windows(2).enumerate())
        .filter(|(_, pair)| pair[1].saturating_sub(pair[0]) > step)
        .map(|(index, pair)| (pair[0] + step, pair[1] - 1, index))
        .collect();
    let Some(&(_, _, index)) = missing.first() else {
        return Vec::new();
    };
    /// Most gaps that are named.
    const NAMED: usize = 8;
    let mut words: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|&(from, to, _)| match (to - from) / step {
            0 => from.to_string(),
            1 => format!("{from}, {}", from + step),
            more => format!("{from} to {}", from + more * step),
        })
        .collect();
    if missing.len() > NAMED {
        words.push(format!("and {} more gaps", missing.len() - NAMED));
    }
    vec![format!(
        "numbers are missing ({}), first between {} and {}: the slices on both sides are taken to adjoin",
        words.join(", "),
        name(index),
        name(index + 1)
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<'n>(names: &[&'n str]) -> Vec<&'n Path> {
        names.iter().map(|&name| Path::new(name)).collect()
    }

    #[test]
    fn missing_numbers_are_named() {
        for (names, words) in [
            (
                &["s000.tif", "s001.tif", "s004.tif", "s005.tif"][..],
                "missing (2, 3), first between s001.tif and s004.tif",
            ),
            (&["a1.png", "a2.png", "a9.png"], "missing (3 to 8)"),
            (
                &["s1.tif", "s01.tif", "s2.tif"],
                "s1.tif and s01.tif have one number",
            ),
            (&["a0.png", "a10.png", "a40.png"], "missing (20, 30)"),
            (
                &["x2_z1.tif", "x2_z2.tif", "x2_z4.tif", "x2_z6.tif"],
                "missing (3, 5)",
            ),
            (
                &["t1_z1.tif", "t1_z2.tif", "t2_z1.tif"],
                "2 numbers, from t1_z1.tif to t2_z1.tif",
            ),
        ] {
            let told = gaps(&paths(names)).join("");
            assert!(told.contains(words), "{names:?}: {told}");
        }
        for names in [
            &["s8.tif", "s9.tif", "s10.tif"][..],
            &["s0.tif", "s10.tif", "s20.tif"],
            &["a.tif", "b.tif"],
            &["s1.tif"],
            &[
                "s99999999999999999999998.tif",
                "s99999999999999999999999.tif",
            ],
            &[],
        ] {
            assert_eq!(gaps(&paths(names)), [""; 0], "{names:?}");
        }
    }

    #[test]
    fn kinds_of_names_are_told_apart() {
        for (names, wanted) in [
            (
                &[
                    "img0.tif",
                    "img1.tif",
                    "img0_cp_masks.tif",
                    "img1_cp_masks.tif",
                ][..],
                &["img?.tif", "img?_cp_masks.tif"][..],
            ),
            (&["a9.png", "a10.png", "mean.png"], &["a*.png", "mean.png"]),
            (&["s1.tif", "s2.png", "t1.tif"], &["s?.*", "t?.tif"]),
            (
                &["[x]1.tif", "[x]2.tif", "y1.tif"],
                &["[[]x[]]?.tif", "y?.tif"],
            ),
        ] {
            let found = kinds(&paths(names)).expect("several kinds");
            let mut found: Vec<_> = found.iter().map(|kind| kind.pattern.as_str()).collect();
            found.sort_unstable();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted);
        }
        for names in [
            &["a.tif", "b.tif", "c.tif"][..],
            &["s1.tif", "s10.tif"],
            &["front.tif", "back1.tif"],
            &[],
        ] {
            assert_eq!(kinds(&paths(names)), None, "{names:?}");
        }
    }
}
