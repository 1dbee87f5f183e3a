//! The layers, held apart: a module uses only those to its left, and only `durable` opens and writes files.

use std::fs;
use std::path::{Path, PathBuf};

/// Left to right. Modules of one group may use one another.
const LAYERS: [&[&str]; 20] = [
    &["error", "rng", "simd", "durable", "registry"],
    &["data"],
    &["arch"],
    &["learner"],
    &["query"],
    &["episode"],
    &["agent"],
    &["select"],
    &["search"],
    &["run"],
    &["embed"],
    &["stream"],
    &["pairs"],
    &["experiment"],
    &["report"],
    &["pipeline"],
    &["session"],
    &["testing"],
    &["prelude"],
    &["cli"],
];

/// Names of the crate root that are no modules.
const ROOT_ITEMS: [&str; 3] = ["Error", "Result", "Key"];

/// Calls that change the disk. `clippy.toml` forbids them by type; this is the second line.
const WRITES: [&str; 15] = [
    "fs::write",
    "File::create",
    "File::options",
    "OpenOptions",
    "fs::rename",
    "fs::copy",
    "fs::hard_link",
    "fs::create_dir",
    "fs::remove_file",
    "fs::remove_dir",
    "fs::set_permissions",
    "fs::symlink(",
    "DirBuilder",
    "NamedTempFile",
    "MmapMut",
];

/// Calls that open files. What is handed in may be a pipe without a writer or a device without an end.
const READS: [&str; 4] = ["fs::read(", "fs::read_to_string", "File::open", "from_path("];
/// The one file that reads what nobody hands in: `/proc/self/status`.
const OWN_READS: &str = "run/usage.rs";

/// Where the layers' files lie: those of the engine, a crate of its own, and all others. A layer may have files in both.
const ROOTS: [&str; 2] = ["crates/engine/src", "src"];

/// A file of one of the [`ROOTS`].
struct Source {
    root: &'static str,
    /// Its path below the root.
    file: PathBuf,
    text: String,
}

impl Source {
    fn place(&self) -> String {
        format!("{}/{}", self.root, self.file.display())
    }
}

/// All files below the [`ROOTS`].
fn sources() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let of_root = |root: &'static str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let mut found = Vec::new();
        walk(&folder, &mut found);
        found.sort();
        let source = move |path: PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            Source { root, file: path.strip_prefix(&folder).unwrap().to_path_buf(), text }
        };
        found.into_iter().map(source)
    };
    ROOTS.into_iter().flat_map(of_root).collect()
}

/// The module of the crate root that a file belongs to; none for the root itself.
fn module(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then(|| name.to_string())
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The text without line comments; lines keep their numbers.
fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split_once("//").map_or(line, |(code, _)| code).to_string();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// What of a file is not its unit tests, which stand at its end.
fn without_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests").map_or(text, |(code, _)| code)
}

/// Every module named after `crate::`, also in `use crate::{a::X, b::Y}`, with its line.
fn uses(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `my_crate::` is another crate.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group).into_iter().map(|name| (line, name))),
            None => found.push((line, identifier(rest))),
        }
    }
    found.retain(|(_, name)| !ROOT_ITEMS.contains(&name.as_str()));
    found
}

/// Every module of the crate root that `super::` reaches from a file, with its line.
fn uses_above(file: &Path, code: &str) -> Vec<(usize, String)> {
    // `src/a/mod.rs` is one module deep, `src/a/b.rs` two.
    let is_mod = file.file_name().is_some_and(|name| name == "mod.rs");
    let depth = file.components().count() - usize::from(is_mod);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = code[at..].find("super::") {
        let start = at + next;
        let mut rest = &code[start..];
        let mut steps = 0;
        while let Some(inner) = rest.strip_prefix("super::") {
            rest = inner;
            steps += 1;
        }
        let line = code[..start].matches('\n').count() + 1;
        if steps >= depth {
            match rest.strip_prefix('{') {
                Some(group) => found.extend(group_heads(group).into_iter().map(|name| (line, name))),
                None => found.push((line, identifier(rest))),
            }
        }
        at = code.len() - rest.len();
    }
    found.retain(|(_, name)| !ROOT_ITEMS.contains(&name.as_str()));
    found
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of the items of a `{…}` group, inner groups skipped.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut heads) = (1, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            heads.push(identifier(item.trim()));
            item.clear();
        } else {
            item.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

#[test]
fn modules_use_only_those_to_their_left() {
    let mut faults = Vec::new();
    let mut checked = 0;
    for source in sources() {
        let (place, Source { file, text, .. }) = (source.place(), &source);
        let Some(own) = module(file) else { continue };
        let Some(from) = layer(&own) else {
            faults.push(format!("{place}: module `{own}` is in no layer"));
            continue;
        };
        let mut used = uses(&without_comments(text));
        // Unit tests are modules of their own, one step deeper.
        used.extend(uses_above(file, &without_comments(without_tests(text))));
        let tests = without_tests(text).matches('\n').count();
        for (line, used) in used {
            checked += 1;
            match layer(&used) {
                Some(to) if to <= from => {}
                // Unit tests of all layers may hold what they test to what it promises.
                Some(_) if used == "testing" && line > tests => {}
                Some(_) => {
                    faults.push(format!("{place}:{line}: `{own}` uses `{used}`, which is to its right"));
                }
                None => faults.push(format!("{place}:{line}: `{used}` is in no layer")),
            }
        }
    }
    let order = LAYERS.map(|layer| layer.join(" · ")).join(" < ");
    assert!(faults.is_empty(), "the order is {order}\n{}", faults.join("\n"));
    assert!(checked > 20, "only {checked} uses found: the scan is broken");
}

#[test]
fn only_durable_writes_files() {
    let mut faults = Vec::new();
    let mut writes_in_durable = 0;
    for source in sources() {
        let code = without_comments(without_tests(&source.text));
        for (number, line) in code.lines().enumerate() {
            let Some(call) = WRITES.iter().find(|call| line.contains(**call)) else { continue };
            if module(&source.file).as_deref() == Some("durable") {
                writes_in_durable += 1;
            } else {
                faults.push(format!("{}:{}: `{call}`", source.place(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "write through `durable` instead:\n{}", faults.join("\n"));
    assert!(writes_in_durable > 5, "the scan does not see those in durable");
}

#[test]
fn only_durable_opens_files() {
    let mut faults = Vec::new();
    for source in sources() {
        // `beliefs::read(` reads no file.
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        let reads = |line: &str| {
            let calls = |call: &str| line.match_indices(call).any(|(at, _)| !line[..at].ends_with(inside));
            READS.into_iter().find(|call| calls(call))
        };
        if module(&source.file).as_deref() == Some("durable") || source.file == Path::new(OWN_READS) {
            continue;
        }
        for (number, line) in without_comments(without_tests(&source.text)).lines().enumerate() {
            if let Some(call) = reads(line) {
                faults.push(format!("{}:{}: `{call}`", source.place(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "open through `durable::input` instead:\n{}", faults.join("\n"));
}

#[test]
fn the_scan_sees_every_form_of_use() {
    let code = "use crate::data::{A, B};\nuse crate::{Key, rng::{X, Y}, query::Z, error};\n\
                let x = crate::episode::row::Row; // crate::cli::main\nuse my_crate::cli;";
    let found = uses(&without_comments(code));
    let expected = [(1, "data"), (2, "rng"), (2, "query"), (2, "error"), (3, "episode")];
    assert_eq!(found, expected.map(|(line, name)| (line, name.to_string())));

    let code = "use super::error::X;\nuse super::super::cli::Y;\nuse super::super::{run::Z, Key};";
    let above = |file: &str| uses_above(Path::new(file), code);
    let named = |all: &[(usize, &str)]| -> Vec<_> { all.iter().map(|&(l, n)| (l, n.to_string())).collect() };
    assert_eq!(above("data/pool.rs"), named(&[(2, "cli"), (3, "run")]));
    assert_eq!(above("data/mod.rs"), named(&[(1, "error"), (2, "cli"), (3, "run")]));
    assert_eq!(above("data/readers/csv.rs"), []);
}
