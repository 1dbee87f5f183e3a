//! Data sets from a folder, by name, through the binary.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use std::fs;
use std::path::Path;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command
}

/// Two Gaussian-like classes in one column each, sixty rows, and an experiment on them.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("sets/pebbles")).unwrap();
    let row = |i: i32| format!("none,{},{},{}\n", i % 2, (i % 2) * 3 + i % 5, i % 7);
    let table: String = std::iter::once("split,label,x0,x1\n".to_string()).chain((0..60).map(row)).collect();
    fs::write(dir.path().join("sets/pebbles/pebbles.csv"), table).unwrap();
    let plan = "[learner]\nhidden = [4]\nepochs = 5\n[episode]\nrounds = 3\n[transfer]\n\
                targets = [\"pebbles\"]\nstrategies = [\"random\"]\nrepetitions = 3\nblock = 2\n";
    fs::write(dir.path().join("x.toml"), plan).unwrap();
    dir
}

fn rows(dir: &Path, run: &str) -> String {
    fs::read_to_string(dir.join("runs").join(run).join("rows.jsonl")).unwrap()
}

#[test]
fn data_sets_are_found_by_name_in_a_folder_named_in_any_of_three_ways() {
    let dir = folder();
    let unknown = "`transfer.targets[0]` is \"pebbles\", which is not known";
    querist(dir.path()).args(["run", "x.toml"]).assert().code(2).stderr(predicate::str::contains(unknown));
    querist(dir.path()).args(["run", "x.toml", "-q", "--data-dir", "sets"]).assert().code(0);
    let reference = rows(dir.path(), "x");
    assert_eq!(reference.lines().count(), 3 * 4);
    // The folder's place is no part of the run: it goes on, and there is nothing to do.
    querist(dir.path()).args(["run", "x.toml", "-q"]).env("QUERIST_DATA", "sets").assert().code(0);
    querist(dir.path())
        .args(["run", "x.toml", "-q", "--out", "runs/y", "--set", "data_dir=sets"])
        .assert()
        .code(0);
    assert_eq!(rows(dir.path(), "y"), reference);
    querist(dir.path()).args(["report", "runs/y"]).assert().code(0);
    let manifest = fs::read_to_string(dir.path().join("runs/x/manifest.json")).unwrap();
    assert!(manifest.contains("\"pebbles\": \""), "{manifest}");
}

#[test]
fn misspelt_sets_and_missing_folders_are_refused() {
    let dir = folder();
    let set = ["--set", "transfer.targets=[\"peblbes\"]"];
    querist(dir.path())
        .args(["run", "x.toml", "--data-dir", "sets"])
        .args(set)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("hint: did you mean `pebbles`?"));
    for args in [&["--data-dir", "nowhere"][..], &["--set", "data_dir=nowhere"]] {
        querist(dir.path())
            .args(["run", "x.toml"])
            .args(args)
            .assert()
            .code(2)
            .stderr(predicate::str::contains("not a folder").and(predicate::str::contains("QUERIST_DATA")));
    }
}
