//! The main job through the binary, on embedded data: what it writes, that it is the same bytes whatever
//! happens, that learning is real, and what typical mistakes are told.

#![allow(clippy::disallowed_methods)]

use assert_cmd::cargo::cargo_bin;
use querist::agent::Policy;
use querist::episode::features::SCHEMA;
use rand::RngExt;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn querist(args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).env_remove("QUERIST_LOG");
    command.stdin(Stdio::null());
    command
}

/// Runs the smoke experiment in `dir`.
fn smoke(dir: &Path, more: &[&str]) -> Output {
    let out = dir.display().to_string();
    let args = [&["run", "experiments/smoke.toml", "--json", "--out", &out], more].concat();
    querist(&args).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What two equal runs must agree in, byte for byte.
fn results(dir: &Path) -> Vec<Vec<u8>> {
    let policy = [
        "policy/policy.safetensors",
        "policy/card.toml",
        "policy/dqn.safetensors",
        "policy/dataset_embedding.safetensors",
    ];
    let names = [&["rows.jsonl", "summary.json", "arch.json"][..], &policy].concat();
    names.into_iter().map(|name| fs::read(dir.join(name)).unwrap()).collect()
}

#[test]
fn one_command_trains_searches_transfers_and_judges() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("run");
    let summary = json(&smoke(&dir, &[]));
    assert_eq!(summary["run"], dir.display().to_string());
    assert!(summary["seconds"].as_f64().unwrap() > 0.0 && summary["peak_rss_mb"].as_f64().unwrap() > 1.0);
    assert_eq!(summary["rows_digest"].as_str().unwrap().len(), 64);
    assert!(summary["architecture"]["blocks_per_stack"].as_u64().unwrap() >= 1);
    let policy = Policy::load(Path::new(summary["policy"].as_str().unwrap()), &SCHEMA).unwrap();
    assert!(policy.card().policy.source_tasks.iter().any(|task| task == "wine"));
    assert!(!policy.card().policy.source_tasks.iter().any(|task| task == "iris"), "the target is unseen");

    let verdict = summary["verdict"].as_array().unwrap();
    let names: Vec<&str> = verdict.iter().map(|entry| entry["strategy"].as_str().unwrap()).collect();
    for name in [
        "random",
        "margin",
        "policy",
        "dqn",
        "dataset_embedding",
        "random+search",
        "margin+search",
        "policy+search",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for entry in verdict {
        assert_eq!((entry["task"].as_str(), entry["repetitions"].as_u64()), (Some("iris"), Some(4)));
        let aulc = entry["aulc"].as_f64().unwrap();
        let (low, high) = (entry["ci95"][0].as_f64().unwrap(), entry["ci95"][1].as_f64().unwrap());
        assert!((0.0..=1.0).contains(&aulc) && low <= aulc && aulc <= high);
        for (reference, itself) in [("vs_random", "random"), ("vs_margin", "margin")] {
            if entry["strategy"] == itself {
                assert!(entry[reference].is_null());
            } else {
                assert!(entry[reference]["diff"].is_f64() && entry[reference]["ci95"][1].is_f64());
                assert!((0.0..=1.0).contains(&entry[reference]["p"].as_f64().unwrap()));
            }
        }
    }

    // Strategies of one repetition start from the same labels and the same network.
    let rows = fs::read_to_string(dir.join("rows.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 10 * 4 * 7, "strategies, repetitions, rounds and the start");
    let start = |strategy: &str| -> Vec<(u64, f64)> {
        let own = rows.iter().filter(|row| row["strategy"] == strategy && row["round"] == 0);
        own.map(|row| (row["repetition"].as_u64().unwrap(), row["accuracy"].as_f64().unwrap())).collect()
    };
    assert_eq!(start("random"), start("margin"));
    assert_eq!(start("random"), start("policy"));
    assert_eq!(start("random"), start("dqn"));

    let report = fs::read_to_string(dir.join("report.html")).unwrap();
    for part in ["<svg", "Training of the policy", "What the policy looks at", "iris", "initial_per_class"] {
        assert!(report.contains(part), "{part}");
    }
    assert_eq!(loaded(&report), Vec::<&str>::new(), "the report opens offline");

    // The same command again does nothing; another plan in the same folder is refused.
    let before = results(&dir);
    let journal = fs::read(dir.join("journal")).unwrap();
    assert_eq!(json(&smoke(&dir, &[]))["rows_digest"], summary["rows_digest"]);
    assert_eq!((results(&dir), fs::read(dir.join("journal")).unwrap()), (before.clone(), journal));
    let other = smoke(&dir, &["--set", "transfer.repetitions=5"]);
    assert_eq!(other.status.code(), Some(2));
    assert_eq!(results(&dir), before);
}

/// What a browser would fetch to show a page: anything but its own parts and data within it. Links may lead elsewhere.
fn loaded(page: &str) -> Vec<&str> {
    let own = |target: &&str| !target.is_empty() && !target.starts_with('#') && !target.starts_with("data:");
    let mut found = Vec::new();
    for (before, end) in
        [("src=\"", '"'), ("srcset=\"", '"'), ("url(", ')'), ("@import", ';'), ("<link", '>')]
    {
        let rest = page.split(before).skip(1).filter_map(|rest| rest.split(end).next());
        found.extend(rest.map(|target| target.trim_matches(['"', '\'', ' '])).filter(own));
    }
    found
}

#[test]
fn what_a_page_loads_is_found() {
    let page = "<a href=\"https://a.b\"><img src=\"data:image/png;base64,x\"><path fill=\"url(#clip)\">\
        <script src=\"https://a.b/c.js\"></script><style>@import 'd.css'; p { background: url('e.png') }</style>";
    assert_eq!(loaded(page), ["https://a.b/c.js", "e.png", "d.css"]);
}

#[test]
fn rows_are_the_same_bytes_for_any_number_of_threads() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = ["1", "2", "8"].map(|jobs| {
        let dir = temp.path().join(jobs);
        json(&smoke(&dir, &["--jobs", jobs]));
        results(&dir)
    });
    assert_eq!(dirs[0], dirs[1]);
    assert_eq!(dirs[0], dirs[2]);
    let other_seed = temp.path().join("seed");
    json(&smoke(&other_seed, &["--seed", "2"]));
    assert_ne!(results(&other_seed)[0], dirs[0][0]);
}

/// Kills that hit a run in progress; runs that end before their kill are not counted.
const KILLS: usize = 20;

#[test]
fn kill_9_at_random_moments_changes_no_byte() {
    let temp = tempfile::tempdir().unwrap();
    let whole = temp.path().join("whole");
    let started = Instant::now();
    json(&smoke(&whole, &[]));
    let time = started.elapsed();
    let expected = results(&whole);
    let mut rng = querist::Key::root(9).rng();
    let (mut kills, mut folder) = (0, 0);
    while kills < KILLS {
        folder += 1;
        assert!(folder < 50 * KILLS, "runs end before they can be killed");
        let dir = temp.path().join(folder.to_string());
        let out = dir.display().to_string();
        // Up to three kills of one run, then it may end.
        for _ in 0..3 {
            let mut child = querist(&["run", "experiments/smoke.toml", "--json", "--out", &out])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(time.mul_f64(rng.random_range(0.0..1.0)).max(Duration::from_millis(1)));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                kills += 1;
            }
            child.wait().unwrap();
        }
        json(&smoke(&dir, &[]));
        assert_eq!(results(&dir), expected, "folder {folder}");
    }
}

/// The quickstart, shortened: a policy that was trained asks otherwise, and better, than before.
#[test]
fn training_changes_what_is_asked_and_for_the_better() {
    let temp = tempfile::tempdir().unwrap();
    let out = temp.path().join("run").display().to_string();
    let sets = [
        "sources.synthetic=16",
        "sources.validation_synthetic=3",
        "train.imitation.episodes=4",
        "train.policy_gradient.iterations=0",
        "train.validation_episodes=2",
        "search.budget=5000",
        "transfer.strategies=[\"random\", \"untrained\", \"policy\"]",
        "transfer.repetitions=8",
    ];
    let mut args = vec!["run", "experiments/quickstart.toml", "--json", "--out", &out];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    let summary = json(&querist(&args).output().unwrap());
    let aulc = |name: &str| {
        let entries = summary["verdict"].as_array().unwrap();
        entries.iter().find(|entry| entry["strategy"] == name).unwrap()["aulc"].as_f64().unwrap()
    };
    assert!(aulc("policy") > aulc("untrained") + 0.02, "{} {}", aulc("policy"), aulc("untrained"));
    assert!((aulc("untrained") - aulc("random")).abs() < 0.03, "before training it asks at random");
    let rows = fs::read_to_string(Path::new(&out).join("rows.jsonl")).unwrap();
    let first = |strategy: &str| {
        let found = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut own = found.filter(|row| row["strategy"] == strategy && row["round"] == 0);
        own.next().unwrap()["picks"].clone()
    };
    assert_ne!(first("policy"), first("untrained"));
}

#[test]
fn a_policy_runs_on_a_table_of_ones_own() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    json(&smoke(&run, &[]));
    let policy = run.join("policy").display().to_string();
    let out = temp.path().join("mine").display().to_string();
    let transfer = |more: &[&str]| {
        let target = more.iter().find(|word| word.ends_with(".gz")).copied().unwrap_or("data/iris.csv.gz");
        let more: Vec<&str> = more.iter().copied().filter(|word| *word != target).collect();
        let base = ["transfer", "--policy", &policy, "--target", target, "--label", "label"];
        querist(
            &[&base[..], &["--repetitions", "3", "--budget", "8", "--json", "--out", &out], &more].concat(),
        )
        .output()
        .unwrap()
    };
    let refused = |more: &[&str], error: &str, hint: &str| {
        let output = transfer(more);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.starts_with("error: ") && text.contains(error), "{text}");
        assert!(text.contains(&format!("hint: {hint}")), "{text}");
        assert!(!Path::new(&out).exists(), "nothing is written");
    };
    // Later arguments win with clap only for flags that allow it, so each mistake has its own.
    // It has learned from wine: a copy under another name is no unseen table.
    let copy = temp.path().join("mine.csv.gz").display().to_string();
    fs::copy("data/wine.csv.gz", &copy).unwrap();
    refused(
        &[&copy],
        "100 % of the rows of mine stand in wine, which the policy",
        "what is judged on must be unseen, whatever it is called",
    );
    refused(&["--strategies", "margn"], "margn", "did you mean `margin`?");
    for set in ["episode.budget=500", "episode.rounds=5"] {
        refused(&["--set", set], "`--budget` says that here", "give --budget in its place");
    }
    let words = ["transfer", "--policy", &policy, "--target", "data/iris.csv.gz", "--label", "label"];
    let output = querist(&[&words[..], &["--budget", "500", "--out", &out]].concat()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && text.contains("a budget of 500 labels"), "{text}");
    assert!(!Path::new(&out).exists(), "nothing is written");
    refused(&["--strategies", "bald"], "dropout passes", "set learner.dropout above 0");
    refused(
        &["--strategies", "llal", "--set", "learner.hidden=[]"],
        "predicts losses from hidden activations",
        "give the learner a hidden layer",
    );
    let verdict = json(&transfer(&[
        "--strategies",
        "random,margin,pass_variance(passes=9,rate=0.5)",
        "--query-size",
        "3",
    ]));
    // Eight new labels in queries of three: the last takes what is left, where it once bought nine.
    let rows = fs::read_to_string(Path::new(&out).join("rows.jsonl")).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let labels = |row: &Value| (row["round"].as_u64().unwrap(), row["labels"].as_u64().unwrap());
    let mut labels: Vec<(u64, u64)> = rows.map(|row| labels(&row)).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels, [(0, 3), (1, 6), (2, 9), (3, 11)]);
    let entries = verdict["verdict"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().all(|entry| entry["task"] == "iris" && entry["repetitions"] == 3));
}

/// Fault cases 58 to 61 through the binary, and a target that is no table.
#[test]
fn damaged_policies_and_targets_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    let run = temp.path().join("run");
    json(&smoke(&run, &[]));
    let policy = run.join("policy");
    let weights = policy.join("policy.safetensors");
    let out = temp.path().join("out").display().to_string();
    let refused = |target: &str, label: &str, error: &str| {
        let folder = policy.display().to_string();
        let args = ["transfer", "--policy", &folder, "--target", target, "--label", label, "--out", &out];
        let output = querist(&args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(error), "{error}: {text}");
        assert!(!Path::new(&out).exists(), "nothing is written");
    };
    refused("data/wine.csv.gz", "klass", "klass");
    refused("data/README.md", "label", "README.md");
    refused("data/no-such.csv", "label", "no-such.csv");
    let good = fs::read(&weights).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(&weights, &bad).unwrap();
    refused("data/wine.csv.gz", "label", "sha256");
    fs::write(&weights, &good[..good.len() / 2]).unwrap();
    refused("data/wine.csv.gz", "label", "sha256");
    fs::write(&weights, &good).unwrap();
    fs::remove_file(policy.join("card.toml")).unwrap();
    refused("data/wine.csv.gz", "label", "card.toml");
}
