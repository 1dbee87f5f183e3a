//! Experiments that compare architectures, or searches, from the file to the report.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn querist(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_DATA").args(args);
    command
}

fn folder(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), text).unwrap();
    dir
}

fn rows(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("rows.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const EVERY: &str = r#"
    [learner]
    steps = 20
    [episode]
    query_size = 3
    rounds = 5
    max_held = 60
    [sources]
    datasets = ["wine"]
    synthetic = 4
    validation_synthetic = 2
    max_pool = 80
    max_held = 60
    [train]
    imitation = { episodes = 2, states = 3, candidates = 4, epochs = 3 }
    architecture = { episodes = 2, states = 3, trainings = 2, epochs = 5 }
    network = { kind = "deep_sets", hidden = 8 }
    validation_episodes = 2
    [search]
    width = 8
    widest = 16
    budget = 4000
    steps = 20
    folds = 2
    max_blocks = 3
    max_stacks = 2
    levels = 2
    every = 1
    share = 0.5
    [transfer]
    targets = ["iris"]
    strategies = ["random", "policy"]
    architectures = ["A(1,1)", "A(2,2)", "scratch", "prior", "searched", "head", "head_searched"]
    repetitions = 3
    block = 2
"#;

/// Every choice of an architecture in one run: rows under names of their own, costs that are those of what was
/// trained, the same bytes on any number of threads, and a report with contrasts and figures.
#[test]
fn architectures_side_by_side() {
    let dir = folder(EVERY);
    let run = |out: &str, jobs: &str| {
        querist(dir.path(), &["run", "x.toml", "-q", "--out", out, "--jobs", jobs]).assert().success();
        fs::read(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    assert_eq!(run("one", "1"), run("two", "2"));
    let out = dir.path().join("one");
    let mut steps: BTreeMap<String, u64> = BTreeMap::new();
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(&out) {
        let name = row["strategy"].as_str().unwrap().to_owned();
        if row["round"] == 5 {
            *steps.entry(name.clone()).or_default() += row["steps"].as_u64().unwrap();
        }
        shapes.entry(name).or_default().insert(row["architecture"].as_str().unwrap().to_owned());
    }
    assert_eq!(steps.len(), 2 * 7, "{steps:?}");
    // Three repetitions of six fits.
    let fits = 3 * 6 * 20;
    for name in ["A(1,1)", "A(2,2)", "prior", "head"] {
        assert_eq!(steps[&format!("random+{name}")], fits, "{name} trains nothing but the classifier");
    }
    for name in ["scratch", "search", "head+search"] {
        assert!(steps[&format!("policy+{name}")] > fits, "{name}");
    }
    assert_eq!(shapes["random+A(2,2)"], BTreeSet::from(["4-r8-r8-r16-r16-3".to_owned()]));
    assert!(shapes["policy+scratch"].contains("4-r8-3"));
    // Architectures are paired: the same rows are drawn at random under each of them.
    let drawn = |name: &str| -> BTreeMap<(u64, u64), Value> {
        let all = rows(&out).into_iter().filter(|row| row["strategy"] == format!("random+{name}"));
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap();
        all.map(|row| ((number(&row, "repetition"), number(&row, "round")), row["picks"].clone())).collect()
    };
    assert_eq!(drawn("A(1,1)").len(), 3 * 6);
    for name in ["A(2,2)", "scratch", "head+search"] {
        assert_eq!(drawn(name), drawn("A(1,1)"), "{name}");
    }

    let contrasts = fs::read_to_string(out.join("tables/contrasts.md")).unwrap();
    for wanted in
        ["Interaction", "in hindsight, under policy", "searched against scratch", "head against searched"]
    {
        assert!(contrasts.contains(wanted), "{wanted}: {contrasts}");
    }
    assert!(out.join("figures/steps-iris-random.svg").exists());
    let card = fs::read_to_string(out.join("policy/card.toml")).unwrap();
    assert!(card.starts_with("format = 2") && card.contains("[head.space]"), "{card}");

    // The head travels with the policy: another run takes it from the folder.
    let other = "[episode]\nrounds = 2\n[learner]\nsteps = 10\n[transfer]\ntargets = [\"breast_cancer\"]\n\
                 strategies = [\"random\"]\narchitectures = [\"learner\", \"head\"]\nrepetitions = 2\n\
                 policy = \"one/policy\"\n";
    fs::write(dir.path().join("other.toml"), other).unwrap();
    querist(dir.path(), &["bench", "other.toml", "-q", "--out", "other"]).assert().success();
    assert!(rows(&dir.path().join("other")).iter().any(|row| row["strategy"] == "random+head"));
    // The shipped policy has none, and says so before anything runs.
    querist(dir.path(), &["bench", "other.toml", "-q", "--set", "transfer.policy=universal", "--out", "no"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("has no head that chooses architectures"));
    assert!(!dir.path().join("no").exists());
}

const RIVALS: &str = r#"
    [learner]
    steps = 36
    [search]
    width = 8
    widest = 16
    max_blocks = 3
    max_stacks = 3
    [search_comparison]
    targets = ["iris"]
    labels = [20, 40]
    budgets = [1, 4]
    fixed = ["A(1,1)", "A(3,3)"]
    repetitions = 3
"#;

#[test]
fn compared_searches_stay_within_their_budgets() {
    let dir = folder(RIVALS);
    let run = |out: &str, jobs: &str| {
        querist(dir.path(), &["run", "x.toml", "-q", "--out", out, "--jobs", jobs]).assert().success();
        fs::read(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    assert_eq!(run("one", "1"), run("two", "2"));
    let found = rows(&dir.path().join("one"));
    // Six searches at two budgets, two fixed, the ceiling; two numbers of labels, three repetitions.
    assert_eq!(found.len(), (6 * 2 + 2 + 1) * 2 * 3);
    for row in &found {
        let (name, steps) = (row["strategy"].as_str().unwrap(), row["steps"].as_u64().unwrap());
        let bouts = row["round"].as_u64().unwrap() + 1;
        let limit = match name {
            "A(1,1)" | "A(3,3)" => 36,
            // Nine candidates of eighteen steps, nine of them a multiple of nine on each fold.
            "grid, whole" => 36 + 9 * 18,
            _ if name.ends_with(" 1x") => 2 * 36,
            _ => 5 * 36,
        };
        assert!(steps <= bouts * limit, "{name}: {steps}");
    }
    let table = fs::read_to_string(dir.path().join("one/tables/contrasts.md")).unwrap();
    assert!(table.contains("Against random search, at 4 times") && table.contains("Against the whole grid"));
}

const FREE: &str = r#"
    [learner]
    steps = 36
    [search_comparison]
    targets = ["iris"]
    labels = [20]
    budgets = [4]
    repetitions = 2
    [search_comparison.free]
    max_depth = 1
    widths = [4, 8]
    dropouts = [0]
    activations = ["relu", "tanh"]
    weight_decays = [0, 0.01]
"#;

#[test]
fn compared_searches_walk_perceptrons_of_any_kind() {
    let dir = folder(FREE);
    querist(dir.path(), &["run", "x.toml", "-q", "--out", "free"]).assert().success();
    let found = rows(&dir.path().join("free"));
    querist(dir.path(), &["report", "free"]).assert().success();
    // Six searches and the ceiling, which trains (2 x 2 + 1) x 2 candidates of eighteen steps.
    assert_eq!(found.len(), 7 * 2);
    let ceiling = found.iter().filter(|row| row["strategy"] == "grid, whole");
    assert!(ceiling.clone().count() == 2 && ceiling.into_iter().all(|row| row["steps"] == 36 + 10 * 18));
    let refused = |from: &str, to: &str, words: &str| {
        fs::write(dir.path().join("y.toml"), FREE.replace(from, to)).unwrap();
        let stderr = predicate::str::contains(words);
        querist(dir.path(), &["run", "y.toml", "-q", "--out", "no"]).assert().code(2).stderr(stderr);
        assert!(!dir.path().join("no").exists());
    };
    refused("\"tanh\"", "\"tahn\"", "did you mean `tanh`?");
    refused("[4, 8]", "[8, 4]", "widths is [8, 4], expected ascending widths");
    refused("labels = [20]", "labels = [20]\n    fixed = [\"A(1,1)\"]", "`free`");
}

/// The same over convolutions, small enough for a test: networks of at most three blocks on 8 x 8 digits.
#[test]
fn compared_searches_walk_networks_for_images() {
    let text = r#"
        [learner]
        steps = 4
        batch = 8
        [episode]
        max_held = 50
        [search]
        image = [1, 8, 8]
        width = 2
        max_blocks = 1
        max_stacks = 2
        [search_comparison]
        targets = ["digits"]
        methods = ["local", "random"]
        labels = [30]
        budgets = [2]
        repetitions = 1
    "#;
    let dir = folder(text);
    querist(dir.path(), &["run", "x.toml", "-q", "--out", "out"]).assert().success();
    let found = rows(&dir.path().join("out"));
    assert!(found.iter().any(|row| row["architecture"] == "64-s2@1x8x8p-c2-a-10"), "{found:?}");
    querist(dir.path(), &["run", "x.toml", "--set", "search.image=[1,9,9]", "--out", "no"])
        .assert()
        .failure()
        .stderr(predicate::str::contains("81 numbers of an example, as 1x9x9"));
    querist(dir.path(), &["run", "x.toml", "--set", "search.image=[8,8]", "--out", "no"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("`search.image` has 2 numbers"));
}

const INSIDE: &str = r#"
    [learner]
    steps = 6
    batch = 8
    dropout = 0.2
    [episode]
    query_size = 5
    rounds = 3
    max_pool = 60
    max_held = 50
    [search]
    image = [1, 8, 8]
    pool = false
    width = 2
    max_blocks = 2
    max_stacks = 2
    folds = 1
    every = 1
    share = 0.5
    [transfer]
    targets = ["digits"]
    strategies = ["random", "least_confidence", "variation_ratio", "k_center", "margin", "policy"]
    policy = "universal"
    architectures = ["A(1,1)", "scratch"]
    repetitions = 2
    block = 2
"#;

/// Active-iNAS over convolutions: networks that stay, deepen or spread within episodes, under the paper's three
/// strategies, others, and a learned policy; the same bytes on any number of threads.
#[test]
fn networks_for_images_grow_inside_episodes() {
    let dir = folder(INSIDE);
    let run = |out: &str, jobs: &str| {
        querist(dir.path(), &["bench", "x.toml", "-q", "--out", out, "--jobs", jobs]).assert().success();
        fs::read(dir.path().join(out).join("rows.jsonl")).unwrap()
    };
    assert_eq!(run("one", "1"), run("two", "2"));
    let all = rows(&dir.path().join("one"));
    assert_eq!(all.len(), 6 * 2 * 2 * 4);
    let start = "64-s2@1x8x8-c2-a-10";
    let reached: BTreeSet<&str> = all.iter().map(|row| row["architecture"].as_str().unwrap()).collect();
    assert!(reached.contains(start) && reached.len() > 1, "{reached:?}");
    for row in &all {
        let (strategy, steps) = (row["strategy"].as_str().unwrap(), row["steps"].as_u64().unwrap());
        let round = row["round"].as_u64().unwrap();
        if strategy.ends_with("+A(1,1)") {
            assert_eq!((row["architecture"].as_str().unwrap(), steps), (start, 6 * (round + 1)), "{row}");
        } else if round == 1 {
            // Two fits of six steps; staying, deepening and spreading, three steps each.
            assert_eq!(steps, 2 * 6 + 3 * 3, "{row}");
        }
    }
    assert!(dir.path().join("one/figures/path-digits-least-confidence-scratch.svg").exists());
    // As published: normalised, and varied in training.
    let sets =
        ["search.norm=true", "search.shift=1", "search.flip=true", "transfer.strategies=[\"k_center\"]"];
    let mut args = vec!["bench", "x.toml", "-q", "--out", "norm"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    querist(dir.path(), &args).assert().success();
    let fixed = rows(&dir.path().join("norm")).into_iter().find(|row| row["strategy"] == "k_center+A(1,1)");
    assert_eq!(fixed.unwrap()["architecture"], "64-s2n@1x8x8+1f-c2n-a-10");
}

#[test]
fn what_contradicts_is_refused() {
    let refused =
        |text: &str, error: &str, hint: &str| {
            let dir = folder(text);
            querist(dir.path(), &["run", "x.toml"]).assert().code(2).stdout("").stderr(
                predicate::str::contains(error).and(predicate::str::contains(format!("hint: {hint}"))),
            );
        };
    let of = |architectures: &str, more: &str| {
        format!("{more}\n[transfer]\ntargets = [\"iris\"]\narchitectures = [{architectures}]\n")
    };
    refused(&of("\"scratch\"", ""), "nothing searches one", "add a [search] section");
    refused(
        &of("\"A(9,1)\"", "[search]\nmax_blocks = 3"),
        "lies outside the space",
        "raise search.max_blocks",
    );
    refused(&of("\"head\"", "[search]"), "nothing trains or names one", "add `architecture");
    refused(&of("\"headd\"", "[search]"), "which is not known", "did you mean `head`?");
    refused(
        &(of("\"scratch\"", "[search]\nimage = [1, 2, 2]") + "strategies = [\"dynamic_al\"]"),
        "whose gradients \"dynamic_al\" cannot read",
        "leave that strategy out",
    );
    refused(
        &of("\"prior\"", "[search]\nimage = [1, 2, 2]"),
        "266 of the sources are generated",
        "set sources.synthetic",
    );
}
