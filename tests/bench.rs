//! Benchmarks through the binary: data sets from a folder, continuation, shards.

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

/// Records of episodes; what all labels give has records of its own.
fn journal_lines(dir: &Path, run: &str) -> usize {
    let journal = fs::read_to_string(dir.join("runs").join(run).join("journal")).unwrap();
    journal.lines().filter(|line| line.contains("\"transfer/")).count()
}

/// Three repetitions in blocks of two are two cells per strategy; what is added later adds its own.
#[test]
fn more_strategies_and_repetitions_run_only_what_is_missing() {
    let dir = folder();
    let bench = |more: &[&str]| {
        querist(dir.path()).args(["bench", "x.toml", "-q", "--data-dir", "sets"]).args(more).assert().code(0);
    };
    bench(&[]);
    assert_eq!(journal_lines(dir.path(), "x-bench"), 2);
    let both = ["--set", "transfer.strategies=[\"random\", \"margin\"]"];
    bench(&both);
    assert_eq!(journal_lines(dir.path(), "x-bench"), 4);
    let five = [&both[..], &["--set", "transfer.repetitions=5"]].concat();
    bench(&five);
    // The fourth and the fifth repetition of two strategies.
    assert_eq!(journal_lines(dir.path(), "x-bench"), 8);
    bench(&[&five[..], &["--out", "runs/whole"]].concat());
    assert_eq!(rows(dir.path(), "x-bench"), rows(dir.path(), "whole"));
    // Fewer again: the rows are those of the plan.
    bench(&["--set", "transfer.repetitions=1"]);
    assert_eq!(rows(dir.path(), "x-bench").lines().count(), 4);
    assert_eq!(journal_lines(dir.path(), "x-bench"), 8);
    let other = ["bench", "x.toml", "--data-dir", "sets", "--set", "episode.rounds=2"];
    querist(dir.path()).args(other).assert().code(2).stderr(predicate::str::contains("`rounds = 3` there"));
}

#[test]
fn shards_make_the_whole() {
    let dir = folder();
    let bench = |more: &[&str]| {
        querist(dir.path())
            .args(["bench", "x.toml", "-q", "--data-dir", "sets", "--set"])
            .arg("transfer.strategies=[\"random\", \"margin\", \"entropy\"]")
            .args(more)
            .assert()
            .code(0);
    };
    bench(&[]);
    bench(&["--shard", "1/2"]);
    bench(&["--shard", "2/2"]);
    let [one, two] = ["x-bench-1of2", "x-bench-2of2"].map(|run| journal_lines(dir.path(), run));
    assert_eq!((one, two), (3, 3));
    let json = |runs: &[&str]| {
        let output = querist(dir.path())
            .args(["report", "--json", "--data-dir", "sets", "--out", "runs/joined"])
            .args(runs)
            .output()
            .unwrap();
        assert!(output.status.success());
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(list.as_array().unwrap().len(), 1);
        (list[0]["rows_digest"].clone(), list[0]["verdict"].clone())
    };
    assert_eq!(json(&["runs/x-bench-1of2", "runs/x-bench-2of2"]), json(&["runs/x-bench"]));
    assert!(dir.path().join("runs/joined/report.html").exists());
    querist(dir.path()).args(["bench", "x.toml", "--shard", "3/2"]).assert().code(2);
}

/// The script for arrays, with what Slurm sets for the tasks of an array of two.
#[test]
fn the_slurm_script_runs_a_shard_per_task() {
    let dir = folder();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/cluster/slurm.sh");
    let task = |id: &str| {
        let mut command = Command::new("bash");
        command.current_dir(dir.path()).args([script, "bench", "x.toml", "--data-dir", "sets"]);
        command.env("QUERIST", cargo_bin("querist")).env("SLURM_CPUS_PER_TASK", "2");
        command.env("SLURM_ARRAY_TASK_ID", id).env("SLURM_ARRAY_TASK_COUNT", "2");
        command
    };
    task("1").assert().code(0);
    task("2").assert().code(0);
    let [one, two] = ["x-bench-1of2", "x-bench-2of2"].map(|run| journal_lines(dir.path(), run));
    assert_eq!((one, two), (1, 1));
    let report =
        ["report", "runs/x-bench-1of2", "runs/x-bench-2of2", "--data-dir", "sets", "--out", "runs/x-bench"];
    querist(dir.path()).args(report).assert().code(0);
    assert!(dir.path().join("runs/x-bench/report.html").exists());
    let mut outside = task("1");
    outside.env_remove("SLURM_ARRAY_TASK_ID");
    outside.assert().code(1).stderr(predicate::str::contains("submit with --array"));
}

#[test]
fn what_only_training_gives_cannot_be_benchmarked() {
    let dir = folder();
    querist(dir.path())
        .args(["bench", "x.toml", "--data-dir", "sets", "--set", "train.network.hidden=8"])
        .args(["--set", "transfer.strategies=[\"policy\"]"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("`bench` trains nothing").and(predicate::str::contains("hint: ")));
}

/// The two settings of the cross-domain protocol change what they say, and nothing else.
#[test]
fn held_rows_can_stop_fits_and_leaks_can_be_repeated() {
    let dir = folder();
    let run = |name: &str, sets: &[&str]| {
        let mut command = querist(dir.path());
        command.args(["bench", "x.toml", "-q", "--data-dir", "sets", "--out", &format!("runs/{name}")]);
        command.args(["--set", "learner.patience=0", "--set", "episode.scaling=min_max"]);
        for set in sets {
            command.args(["--set", set]);
        }
        command.assert().code(0);
        rows(dir.path(), name)
    };
    let labels = run("labels", &[]);
    let reward = run("reward", &["episode.stop_on=reward"]);
    assert_ne!(labels, reward);
    let report = fs::read_to_string(dir.path().join("runs/reward/report.html")).unwrap();
    assert!(report.contains("its reward rows, not charged, stop fits"));
    // A validation part of its own takes its rows from the pool, and is printed.
    let validation = run("validation", &["episode.stop_on=validation", "episode.validation=0.2"]);
    assert_ne!(validation, reward);
    let report = fs::read_to_string(dir.path().join("runs/validation/report.html")).unwrap();
    assert!(report.contains("validation rows are not charged"));
    let mut missing = querist(dir.path());
    missing.args(["bench", "x.toml", "-q", "--data-dir", "sets", "--out", "runs/missing"]);
    missing.args(["--set", "learner.patience=0", "--set", "episode.stop_on=validation"]);
    missing
        .assert()
        .code(2)
        .stderr(predicate::str::contains("early stopping reads validation rows, found none"));
    assert!(!dir.path().join("runs/missing").exists(), "the output folder is untouched");
    // Without an official test part the two ranges differ; picks of `random` do not.
    // Eight repetitions, since a few rows may well be classified alike under both.
    let eight = "transfer.repetitions=8";
    let reward = run("reward-8", &["episode.stop_on=reward", eight]);
    let published = run("published", &["episode.stop_on=reward", "episode.test_by_itself=true", eight]);
    assert_ne!(reward, published);
    let field = |rows: &str, name: &str| -> Vec<serde_json::Value> {
        let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()[name].clone();
        rows.lines().map(value).collect()
    };
    for name in ["picks", "reward_accuracy", "steps"] {
        assert_eq!(field(&reward, name), field(&published, name), "{name}");
    }
}

/// A logistic regression fits to its optimum, and an episode ends where it is as good as with the whole pool.
#[test]
fn episodes_end_at_a_share_of_what_the_whole_pool_gives() {
    let dir = folder();
    let run = |name: &str, sets: &[&str]| {
        let mut command = querist(dir.path());
        command.args(["bench", "x.toml", "-q", "--data-dir", "sets", "--out", &format!("runs/{name}")]);
        for set in sets {
            command.args(["--set", set]);
        }
        command.assert()
    };
    let sets = ["learner.hidden=[]", "learner.optimiser=lbfgs", "episode.rounds=20"];
    run("easy", &[&sets[..], &["episode.target_share=0.5"]].concat()).code(0);
    run("hard", &[&sets[..], &["episode.target_share=0.98"]].concat()).code(0);
    let last = |name: &str| -> Vec<(u64, String)> {
        let rows = rows(dir.path(), name);
        let rows = rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        rows.filter_map(|row| Some((row["labels"].as_u64()?, row["note"].as_str()?.to_owned()))).collect()
    };
    let (easy, hard) = (last("easy"), last("hard"));
    assert_eq!((easy.len(), hard.len()), (3, 3), "one note per episode, in its last row");
    for ((few, note), (many, _)) in easy.iter().zip(&hard) {
        assert!(note.starts_with("target accuracy 0.") && note.ends_with(" reached"), "{note}");
        assert!(few <= many && *many <= 22, "{few} {many}");
    }
    // What can be read by others is there, and of the same rows.
    let csv = fs::read_to_string(dir.path().join("runs/hard/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + rows(dir.path(), "hard").lines().count());
    for name in ["rows.parquet", "tables/verdict.md", "tables/verdict.tex", "tensorboard/random"] {
        assert!(dir.path().join("runs/hard").join(name).exists(), "{name}");
    }
    run("refused", &["learner.optimiser=lbfgs"])
        .code(2)
        .stderr(predicate::str::contains("learner.hidden = []"));
    run("refused", &["learner.keep_optimiser=true"])
        .code(2)
        .stderr(predicate::str::contains("set learner.warm_start = true, too"));
    run("refused", &["learner.fit_per_label=true"])
        .code(2)
        .stderr(predicate::str::contains("`learner.fit_per_label` fits label by label"));
}

/// The shipped policy is asked for by its name from anywhere, beats chance on a set it never saw, and grows
/// its batches; a folder of that name without a policy in it is not in its way.
#[test]
fn the_shipped_policy_plays_by_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("universal")).unwrap();
    let plan = "[episode]\nrounds = 8\nquery_size = 2\n[transfer]\ntargets = [\"digits\"]\n\
                policy = \"universal\"\nstrategies = [\"random\", \"policy\"]\nrepetitions = 6\n";
    fs::write(dir.path().join("x.toml"), plan).unwrap();
    querist(dir.path()).args(["bench", "x.toml", "-q", "--out", "runs/x"]).assert().code(0);
    let last = |strategy: &str| -> f64 {
        let text = rows(dir.path(), "x");
        let found: Vec<f64> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|row| row["strategy"] == strategy && row["round"] == 8)
            .map(|row| row["accuracy"].as_f64().unwrap())
            .collect();
        assert_eq!(found.len(), 6);
        found.iter().sum::<f64>() / 6.0
    };
    // Seen: nine points over random over whole curves.
    assert!(last("policy") > last("random") + 0.02, "{} {}", last("policy"), last("random"));
    let list = querist(dir.path()).args(["policies"]).assert().code(0);
    assert!(String::from_utf8_lossy(&list.get_output().stdout).contains("universal"));
    let wrong = querist(dir.path()).args(["policies", "univrsal"]).assert().code(2);
    wrong.stderr(predicate::str::contains("univrsal").and(predicate::str::contains("hint:")));
}

/// One row in thirty is of the other class. Accuracy alone once called always saying "0" 97 % right, with a target
/// that was reached by the first labels.
#[test]
fn a_rare_class_is_warned_of_and_other_metrics_take_its_side() {
    let dir = folder();
    let row =
        |i: i32| format!("none,{},{},{}\n", i32::from(i % 30 == 0), i % 5 + i32::from(i % 30 == 0), i % 7);
    let table: String = std::iter::once("split,label,x0,x1\n".to_string()).chain((0..300).map(row)).collect();
    fs::write(dir.path().join("sets/pebbles/pebbles.csv"), table).unwrap();
    let bench = |name: &str, more: &[&str]| {
        let mut command = querist(dir.path());
        command.args(["bench", "x.toml", "-q", "--data-dir", "sets", "--out", &format!("runs/{name}")]);
        let output = command.args(more).assert().code(0).get_output().stdout.clone();
        // Without the line breaks of the terminal's width.
        String::from_utf8(output).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let file =
        |run: &str, name: &str| fs::read_to_string(dir.path().join("runs").join(run).join(name)).unwrap();
    let warning = "which alone reaches the target of";
    let text = bench("plain", &[]);
    assert!(text.contains(warning) && text.contains("balanced_accuracy"), "{text}");
    assert!(text.contains("% of what all labels give"), "{text}");
    assert!(file("plain", "report.html").contains(warning));
    let balanced = bench("balanced", &["--metric", "balanced_accuracy"]);
    assert!(!balanced.contains(warning) && balanced.contains("balanced accuracy points"), "{balanced}");
    assert!(file("balanced", "report.html").contains("test balanced accuracy, %"));
    // What is measured does not change what is played; and a classifier that misses the rare class is at 50 %.
    assert_eq!(rows(dir.path(), "plain"), rows(dir.path(), "balanced"));
    let first: serde_json::Value =
        serde_json::from_str(rows(dir.path(), "plain").lines().next().unwrap()).unwrap();
    for column in ["accuracy", "balanced_accuracy", "macro_f1"] {
        assert!((0.0..=1.0).contains(&first[column].as_f64().unwrap()), "{column}");
        assert!(file("plain", "results.csv").lines().next().unwrap().split(',').any(|name| name == column));
    }
    let refused = ["bench", "x.toml", "--data-dir", "sets", "--metric", "f1"];
    querist(dir.path())
        .args(refused)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("`episode.metric` is \"f1\""));
}

/// Targets come from what all labels give, which is stored: the report of stored rows and of joined shards says
/// what the run said.
#[test]
fn what_all_labels_give_is_measured_once_and_stored() {
    let dir = folder();
    let bench = |name: &str, more: &[&str]| {
        let mut command = querist(dir.path());
        command.args(["bench", "x.toml", "-q", "--data-dir", "sets", "--out", &format!("runs/{name}")]);
        let output = command.args(more).assert().code(0).get_output().stdout.clone();
        String::from_utf8(output).unwrap()
    };
    let report = |more: &[&str]| {
        let mut command = querist(dir.path());
        let output =
            command.args(["report", "--data-dir", "sets"]).args(more).assert().code(0).get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    let file = |run: &str| fs::read_to_string(dir.path().join("runs").join(run).join("full_pool.jsonl"));
    let text = bench("whole", &[]);
    let stored = file("whole").unwrap();
    assert_eq!(stored.lines().count(), 3, "a line per repetition");
    assert_eq!(report(&["runs/whole"]), text);
    for shard in ["1/2", "2/2"] {
        bench(&format!("shard{}", &shard[..1]), &["--shard", shard]);
    }
    let [one, two] = ["shard1", "shard2"].map(|run| file(run).unwrap());
    assert!(!one.is_empty() && !two.is_empty() && one.len() + two.len() == stored.len(), "shared out");
    assert_eq!(report(&["runs/shard1", "runs/shard2", "--out", "runs/shard1"]), text);
    // More repetitions go on from what is there; a fixed target takes its place in the tables alone.
    bench("whole", &["--set", "transfer.repetitions=6"]);
    let more = file("whole").unwrap();
    assert!(more.lines().count() == 5 && more.starts_with(&stored), "the first five repetitions");
    let fixed = bench("fixed", &["--set", "report.target_accuracy=0.7"]);
    assert!(fixed.contains("target accuracy 70.0 %") && file("fixed").unwrap() == stored, "{fixed}");
    querist(dir.path())
        .args(["bench", "x.toml", "--data-dir", "sets", "--set", "report.target_shares=[1.5]"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("report.target_shares[0]"));
    // A digest guards the file as it guards the rows.
    fs::write(dir.path().join("runs/fixed/full_pool.jsonl"), stored.replace("pebbles", "pebblez")).unwrap();
    querist(dir.path()).args(["report", "runs/fixed", "--data-dir", "sets"]).assert().code(2);
}
