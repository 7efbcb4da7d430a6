//! The layers of the source: what a folder of `src` may import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the lowest on; each may import those before it.
const LAYERS: [&str; 12] = [
    "base", "engine", "io", "optics", "config", "phantom", "model", "show", "run", "apps", "api",
    "cli",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
    let lines = text.lines();
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// The paths of two parts that code names after `crate::`: a layer, and what it takes of it.
fn imports(code: &str) -> Vec<(String, String)> {
    let word = |text: &str| -> String {
        let letter = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        text.chars().take_while(letter).collect()
    };
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let layer = word(rest);
        let Some(rest) = rest[layer.len()..].strip_prefix("::") else {
            found.push((layer, String::new()));
            continue;
        };
        match rest.strip_prefix('{') {
            None => found.push((layer, word(rest))),
            Some(list) => {
                let list = list.split(['}', ';']).next().unwrap_or("");
                let names = list.split(',').map(|name| word(name.trim_start()));
                found.extend(names.map(|name| (layer.clone(), name)));
            }
        }
    }
    found
}

/// A file below a layer: its layer and the part of that, and what it imports.
type SourceFile = (PathBuf, [String; 2], Vec<(String, String)>);

fn source() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    let below = |path: &PathBuf| {
        let inside = path.strip_prefix(&root).expect("below src");
        let names: Vec<String> = inside
            .with_extension("")
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let [layer, part, ..] = &names[..] else {
            return None;
        };
        if names.iter().any(|name| name == "tests") {
            return None;
        }
        let text = fs::read_to_string(path).expect("a file of the source");
        let place = [layer.clone(), part.clone()];
        Some((inside.to_owned(), place, imports(&code(&text))))
    };
    found.iter().filter_map(below).collect()
}

#[test]
fn no_layer_imports_one_above_it() {
    let rank = |layer: &str| LAYERS.iter().position(|known| *known == layer);
    let mut wrong = Vec::new();
    let files = source();
    assert!(files.len() > 200, "only {} files", files.len());
    for (path, [layer, _], imports) in files {
        let own = rank(&layer).unwrap_or_else(|| panic!("{}: no known layer", path.display()));
        for (other, item) in imports {
            if rank(&other).is_some_and(|other| other > own) {
                wrong.push(format!("{}: {other}::{item}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports from above: {wrong:#?}");
}

#[test]
fn parts_of_layers_import_each_other_in_no_circle() {
    let files = source();
    let parts: BTreeSet<&[String; 2]> = files.iter().map(|(_, place, _)| place).collect();
    let mut graph: BTreeMap<[String; 2], BTreeSet<[String; 2]>> = BTreeMap::new();
    for (_, place, imports) in &files {
        let others = imports
            .iter()
            .map(|(layer, part)| [layer.clone(), part.clone()]);
        let others = others.filter(|other| other != place && parts.contains(other));
        graph.entry(place.clone()).or_default().extend(others);
    }
    // Without the parts that import none, or that none imports, again and again: what is left lies
    // on circles or between them.
    loop {
        let imported: BTreeSet<[String; 2]> = graph.values().flatten().cloned().collect();
        let left = graph.len();
        let on_a_circle = |part: &[String; 2], others: &BTreeSet<[String; 2]>| {
            imported.contains(part) && !others.is_empty()
        };
        graph.retain(|part, others| on_a_circle(part, others));
        let known: BTreeSet<[String; 2]> = graph.keys().cloned().collect();
        for others in graph.values_mut() {
            others.retain(|other| known.contains(other));
        }
        if graph.len() == left {
            break;
        }
    }
    assert!(graph.is_empty(), "circles among: {graph:#?}");
}

/// Were imports not seen, the above would hold of any source.
#[test]
fn imports_are_seen() {
    let text =
        "// crate::cli::x\nuse crate::run::{plan, store::Aside};\nfn f(_: crate::io::read::A) {}";
    let expected = [("run", "plan"), ("run", "store"), ("io", "read")];
    let expected = expected.map(|(layer, item)| (layer.to_owned(), item.to_owned()));
    assert_eq!(imports(&code(text)), expected);
}
