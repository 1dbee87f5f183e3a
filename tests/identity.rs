//! What results depend on is what data hold, through the binary: never what files are called or where they lie.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove("QUERIST_DATA").env("NO_COLOR", "1");
    command
}

/// Two overlapping classes in two columns, sixty rows, called `r0` to `r59`; `seed` moves them.
fn table(classes: [&str; 2], seed: u32) -> String {
    let row = |i: u32| {
        let class = (i * 7 + i / 3) % 2;
        let noise = |k: u32| f64::from((i + 1000 * seed).wrapping_mul(2_654_435_761 + 2 * k) >> 20) / 4096.0;
        format!("r{i},{},{},{}\n", classes[class as usize], noise(0) + 0.4 * f64::from(class), noise(1))
    };
    std::iter::once("case,label,x0,x1\n".to_string()).chain((0..60).map(row)).collect()
}

const QUICK: &str =
    "[learner]\nhidden = [4]\nepochs = 5\n[episode]\nrounds = 3\n[transfer]\nrepetitions = 3\n";

/// Tries the shipped policy on `target` and gives what `--json` prints.
fn transfer(dir: &Path, target: &str, more: &[&str]) -> Value {
    let line = ["transfer", "--policy", "universal", "--target", target, "--id", "case", "--json", "-q"];
    let quick =
        ["--budget", "4", "--repetitions", "3", "--set", "learner.hidden=[4]", "--set", "learner.epochs=5"];
    let output = querist(dir).args(line).args(quick).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows(dir: &Path, run: &Value) -> Vec<Value> {
    let text = fs::read_to_string(dir.join(run["run"].as_str().unwrap()).join("rows.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A copy of a file once had other splits, weights and verdicts: seeds were derived from its name.
#[test]
fn a_copy_under_another_name_gives_the_same_results() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for name in ["a.csv", "b.csv", "folder/a.csv"] {
        fs::write(dir.path().join(name), table(["yes", "no"], 0)).unwrap();
    }
    // Classes in another order, too.
    fs::write(dir.path().join("spelt.csv"), table(["0 no", "1 yes"], 0)).unwrap();
    fs::write(dir.path().join("other.csv"), table(["yes", "no"], 1)).unwrap();
    let first = transfer(dir.path(), "a.csv", &[]);
    assert_eq!(first["rows_digest"].as_str().unwrap().len(), 64);
    for (file, more) in [
        ("b.csv", &[][..]),
        ("folder/a.csv", &["--out", "elsewhere"]),
        ("b.csv", &["--name", "named"]),
        ("spelt.csv", &[]),
    ] {
        let again = transfer(dir.path(), file, more);
        assert_eq!(again["rows_digest"], first["rows_digest"], "{file}");
        let figures = |run: &Value| {
            let of =
                |entry: &Value| [entry["aulc"].clone(), entry["ci95"].clone(), entry["vs_margin"].clone()];
            run["verdict"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(figures(&again), figures(&first), "{file}");
    }
    assert_ne!(transfer(dir.path(), "other.csv", &[])["rows_digest"], first["rows_digest"]);
    let named = transfer(dir.path(), "b.csv", &["--name", "named"]);
    assert!(rows(dir.path(), &named).iter().all(|row| row["task"] == "named"));
    // The report of stored rows finds the digest again.
    let run = first["run"].as_str().unwrap();
    let output = querist(dir.path()).args(["report", run, "--json"]).output().unwrap();
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(again[0]["rows_digest"], first["rows_digest"]);
}

/// Picks were once places in a shuffled pool, from which nothing led back to the file.
#[test]
fn picks_are_rows_of_the_file_with_what_it_calls_them() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), table(["yes", "no"], 0)).unwrap();
    let run = transfer(dir.path(), "t.csv", &["--set", "episode.max_pool=20", "--strategies", "random"]);
    let mut picked = Vec::new();
    for row in rows(dir.path(), &run) {
        let picks: Vec<u64> =
            row["picks"].as_array().unwrap().iter().map(|pick| pick.as_u64().unwrap()).collect();
        let called: Vec<String> = picks.iter().map(|pick| format!("r{pick}")).collect();
        match picks.is_empty() {
            true => assert!(row.get("pick_ids").is_none()),
            false => assert_eq!(row["pick_ids"], serde_json::json!(called)),
        }
        picked.extend(picks);
    }
    assert!(picked.iter().all(|&row| row < 60) && picked.iter().any(|&row| row >= 20), "{picked:?}");
    let csv = fs::read_to_string(dir.path().join(run["run"].as_str().unwrap()).join("results.csv")).unwrap();
    assert!(csv.contains(",\"[\"\"r"), "{csv}");
    // The id is no feature, and must not be the label.
    let line = ["transfer", "--policy", "universal", "--target", "t.csv"];
    let left_out = predicate::str::contains("column case: left out");
    querist(dir.path()).args(["data", "describe", "t.csv"]).assert().success().stdout(left_out);
    let both = "column \"label\" is named for the labels and for the row ids";
    querist(dir.path())
        .args(line)
        .args(["--id", "label"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(both));
}

/// Two files of one name were once refused, and names cut at the first dot.
#[test]
fn files_of_one_name_meet_in_one_plan() {
    let dir = tempfile::tempdir().unwrap();
    for (at, name) in
        ["a/train.csv", "b/train.csv", "breast.one.csv", "breast.two.csv"].into_iter().enumerate()
    {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, table(["yes", "no"], at as u32)).unwrap();
    }
    let target = |file: &str| format!("{{ file = \"{file}\", id = \"case\" }}");
    let files = ["a/train.csv", "b/train.csv", "breast.one.csv", "breast.two.csv"].map(target).join(", ");
    let plan = format!("{QUICK}targets = [{files}]\nstrategies = [\"random\"]\n");
    fs::write(dir.path().join("x.toml"), plan).unwrap();
    querist(dir.path()).args(["run", "x.toml", "-q"]).assert().code(0);
    let all = rows(dir.path(), &serde_json::json!({ "run": "runs/x" }));
    let mut names: Vec<&str> = all.iter().map(|row| row["task"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names, ["a/train", "b/train", "breast.one", "breast.two"]);
    querist(dir.path()).args(["report", "runs/x"]).assert().code(0);
    let manifest = fs::read_to_string(dir.path().join("runs/x/manifest.json")).unwrap();
    assert!(manifest.contains("\"a/train\"") && manifest.contains("\"b/train\""), "{manifest}");
}

/// A copy of a source once passed as an unseen target, under any other name.
#[test]
fn what_was_learned_from_is_no_target_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let source = table(["yes", "no"], 0);
    fs::write(dir.path().join("source.csv"), &source).unwrap();
    fs::write(dir.path().join("copy.csv"), &source).unwrap();
    // Columns and rows in another order.
    let moved = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        format!("{},{},{},{}\n", fields[0], fields[1], fields[3], fields[2])
    };
    let lines: Vec<&str> = source.lines().collect();
    let moved: String = lines[..1].iter().chain(lines[1..].iter().rev()).map(|line| moved(line)).collect();
    fs::write(dir.path().join("moved.csv"), moved).unwrap();
    // Four of sixty rows are those of the source.
    let (own, other) = (source.lines().take(5), table(["yes", "no"], 1));
    let few: String = own.chain(other.lines().skip(5)).map(|line| format!("{line}\n")).collect();
    fs::write(dir.path().join("few.csv"), few).unwrap();
    let plan = |list: &str| {
        format!(
            "[learner]\nhidden = [4]\nepochs = 3\n[episode]\nrounds = 2\n[sources]\nsynthetic = 0\n\
             validation_synthetic = 1\nmax_pool = 60\nmax_held = 60\nrandomise = false\ndatasets = [{{ file = \"source.csv\", id = \"case\" }}]\n{list}\n[train]\n\
             imitation = {{ episodes = 1, states = 1, candidates = 2, epochs = 1 }}\n\
             policy_gradient = {{ iterations = 0 }}\nnetwork = {{ kind = \"linear\" }}\nvalidation_episodes = 1\n"
        )
    };
    let target = |file: &str| {
        format!(
            "[transfer]\nrepetitions = 1\nstrategies = [\"random\"]\ntargets = [{{ file = \"{file}\", id = \"case\" }}]\n"
        )
    };
    let validation = "validation = [{ file = \"copy.csv\", id = \"case\" }]";
    for (text, wanted) in [
        (
            plan("") + &target("copy.csv"),
            "`transfer.targets`: 60 of 60 rows of copy stand in source (`sources.datasets`), at most 6 may",
        ),
        (
            plan("") + &target("moved.csv"),
            "`transfer.targets`: 60 of 60 rows of moved stand in source (`sources.datasets`), at most 6 may",
        ),
        (plan(validation), "`sources.validation`: 60 of 60 rows of copy stand in source"),
    ] {
        fs::write(dir.path().join("x.toml"), text).unwrap();
        let refused = querist(dir.path()).args(["run", "x.toml", "-q"]).assert().code(2);
        refused.stderr(predicate::str::contains(wanted).and(predicate::str::contains("hint: ")));
        assert!(!dir.path().join("runs").exists(), "nothing is written");
    }
    fs::write(dir.path().join("x.toml"), plan("") + &target("few.csv")).unwrap();
    let warned = querist(dir.path()).args(["run", "x.toml", "-q"]).assert().code(0);
    warned.stderr(predicate::str::contains("warning: 4 of 60 rows of few (`transfer.targets`)"));
}
